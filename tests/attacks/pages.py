"""Formgrader's own pages of a graded course in a real Chromium: what of a student's is live on them."""

import contextlib
import http.server
import json
import re
import threading
import urllib.request

from browser import browsing, serving
from playwright.sync_api import Error

# Formgrader's pages ask for these themselves: its files and tables, and MathJax.
ITS_OWN = re.compile(r"/formgrader/(?:static|api)/|https://cdnjs\.cloudflare\.com/")
# Rings when a script of a student's has run: `alert` in tests/helpers/payloads.py, `mallory` in the corpus.
BELL = """
window.bells = [];
window.alert = (what) => { window.bells.push(String(what)); };
window.mallory = window.alert;
"""
# All that a person at the page does to what a student wrote, at once: point, click, focus, type, open.
POKE = """() => {
    const names = ['mouseover', 'mouseenter', 'mousemove', 'mousedown', 'click', 'focus', 'keydown', 'change'];
    for (const one of document.querySelectorAll('.text_cell_render *, .output *')) {
        if (one.closest('a[href^="http"], a[href^="mailto"]')) continue;  // leads away, as it says
        for (const name of names) one.dispatchEvent(new Event(name, {bubbles: true, cancelable: true}));
        if (one.tagName === 'DETAILS') one.open = true;
    }
}"""
# What must not be there even where it has not gone off: handlers, addresses that run, and parts of the page itself.
LIVE = """() => {
    const found = [], bad = /^\\s*(javascript|vbscript|data:text|data:image.svg|blob)/i;
    const tags = 'script,style,iframe,object,embed,form,base,link,meta,button,select,textarea,svg,math,template,' +
        'audio,video,dialog,frameset,[data-toggle],[data-link],.score,.full-credit,.no-credit,.nbgrader_cell,' +
        '.tabbable,[style*="position"],[style*="url"],input:not([type=checkbox][disabled])';
    for (const area of document.querySelectorAll('.text_cell_render, .output_subarea')) {
        for (const one of area.querySelectorAll(tags)) found.push(one.outerHTML);
        for (const one of area.querySelectorAll('*')) {
            if (one.id && !one.id.startsWith('text:')) found.push(one.outerHTML);
            for (const {name, value} of one.attributes) {
                const address = name === 'href' && !/^(#|https?:|mailto:)/.test(value);
                const loads = name === 'src' && !/^(data:image\\/|[^:/\\\\][^:\\\\]*$)/.test(value);
                if (name.startsWith('on') || (bad.test(value) && one.tagName !== 'IMG') || address || loads)
                    found.push(one.outerHTML);
            }
        }
    }
    return found.map((text) => text.slice(0, 200));
}"""


class Ear:
    """A server on this machine that counts what is asked of it, whatever the host was called."""

    def __init__(self):
        heard = self.heard = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                heard.append(self.path)
                self.send_error(404)

            do_POST = do_HEAD = do_PUT = do_OPTIONS = do_GET

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.flag = f"--host-resolver-rules=MAP * 127.0.0.1:{self._server.server_port}, EXCLUDE 127.0.0.1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()


class Formgrader:
    """A running formgrader of a course, and the browser that looks at it."""

    def __init__(self, address, page, ear):
        self.address, self.page, self.ear = address, page, ear
        self.asked: list[str] = []
        page.add_init_script(BELL)
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("dialog", self._answer)
        page.on("popup", lambda popup: self.asked.append(f"window {popup.url}"))

    def _answer(self, dialog):
        if dialog.type != "beforeunload":  # JupyterLab asks before it is left
            self.asked.append(f"a dialog: {dialog.message}")
        dialog.accept()

    def look(self, path, poke=True) -> list[str]:
        """Open a page, do to it what a person does, and tell what was live: rung, asked for, or only waiting."""
        self.page.goto("about:blank")  # so that nothing of the page before is heard
        self.asked.clear()
        self.ear.heard.clear()
        where = f"{self.address}{path}"
        try:
            answer = self.page.goto(where, wait_until="load")
            live = [] if answer.status == 200 else [f"the page answered {answer.status}"]
            self.page.wait_for_load_state("networkidle")
        except Error as error:
            live = [f"the page could not be opened: {str(error)[:100]}"]
        if poke:
            with contextlib.suppress(Exception):  # a page that has led away is told below
                self.page.evaluate(POKE)
            self.page.wait_for_timeout(300)
        with contextlib.suppress(Exception):
            live += [f"rang {bell}" for bell in self.page.evaluate("window.bells || []")]
            live += [f"stands there: {text}" for text in self.page.evaluate(LIVE)]
        live += [f"asked for {url}" for url in self.asked if not self._is_its_own(url, where)]
        live += [f"asked for {path}" for path in self.ear.heard]
        return live + ([] if self.page.url.split("?")[0] == where else [f"led away to {self.page.url}"])

    def _is_its_own(self, url, where):
        inside = url.startswith(where) and not re.search(r"\.\.|%2e", url[len(where) :])  # pictures beside the notebook
        return url.startswith(("data:", "blob:null")) or inside or bool(ITS_OWN.search(url))

    def terminals(self) -> list:
        """The terminals that are open on this server: each a shell with the instructor's rights."""
        with urllib.request.urlopen(f"{self.address}/api/terminals", timeout=30) as answer:
            return json.load(answer)


@contextlib.contextmanager
def formgrader(course, home):
    """Serve a course's formgrader, and look at it."""
    ear = Ear()
    try:
        with serving(course, home, "--formgrader") as address, browsing(ear.flag) as (page, _):
            yield Formgrader(address, page, ear)
    finally:
        ear.close()


def submissions(course, unit) -> dict[tuple[str, str], str]:
    """The path of each submission's page, by student and notebook."""
    from course_grader.course import plan

    with plan.gradebook(plan.settings(course)) as book:
        found = {}
        for one in book.assignment_submissions(unit):
            found |= {(one.student.id, book.name): f"/formgrader/submissions/{book.id}/" for book in one.notebooks}
        return found
