"""The feedback page: what students read there, what never stands there, and that nothing on it comes alive."""

import base64
import contextlib
import html
import http.server
import itertools
import json
import re
import struct
import threading
import zlib
from urllib.parse import quote, unquote

import nbformat
import plain_course
import pytest
from browser import browsing, screenshot
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import InvalidNotebook
from nbformat import v4
from nbgrader.apps import NbGraderAPI
from payloads import PAYLOADS
from recording import Graded, record
from traitlets.config import Config

from course_grader.causes import ENDINGS, LATE, PART_WORDS, WHY
from course_grader.contracts import (
    STUDENT,
    Added,
    CellRun,
    CellVerdict,
    GraderError,
    Plan,
    PlanCell,
    Submission,
    Verdict,
)
from course_grader.course import plan
from course_grader.feedback import page as feedback
from course_grader.feedback.autograded import BY_STOCK, submission_of
from course_grader.feedback.highlight import highlight
from course_grader.feedback.text import MOST_TEXT
from course_grader.intake import pictures
from course_grader.intake import submission as intake
from course_grader.records.verdict_file import read_verdict

pytestmark = pytest.mark.part("grader")
CANARIES = ["canary_hidden_81", "canary-expected-82", "canary_solution_83", "8184.25", "canary-detail-84"]


def cell(kind, name, source, released=None, cell_type="code", points=0.0):
    return PlanCell(kind, name, source, source if released is None else released, cell_type, "", points)


def exercise(number, slug, title):
    hidden = f"# Tested with rows of very different size.\ncanary_hidden_81 = {slug}(8184.25)\n"
    hidden += f"assert canary_hidden_81 == 'canary-expected-82', '{slug}'"
    return [
        cell("text", f"{slug}-task", f"### Exercise {number} - {title} (6 points, 9 minutes)", None, "markdown"),
        cell("answer", slug, f"def {slug}(x):\n    raise NotImplementedError"),
        cell("test", f"{slug}-check", f"check.equal({slug}(1), 2)", points=2),
        cell("test", f"{slug}-hidden", hidden, "# Tested with rows of very different size.", points=4),
    ]


TITLES = ["Perceptron learning", "Activations", "Softmax with temperature", "XOR by hand", "A network of any depth"]
SLUGS = ["perceptron", "activations", "softmax", "xor", "forward"]


def make_plan(notebook="01_small"):
    cells = [cell("text", "", "# Chapter 1: Basics\n\n```\n# no heading\n```", None, "markdown")]
    for place, (slug, title) in enumerate(zip(SLUGS, TITLES, strict=True), 1):
        cells += exercise(f"1.{place}", slug, title)
    cells.append(cell("text", "", "### Exercise 1.6 - In your own words", None, "markdown"))
    cells.append(cell("manual", "words", "YOUR ANSWER HERE", None, "markdown", 4))
    return Plan("01_small", notebook, tuple(cells))


def picture(text=b"", after=b"", size=(3, 2)) -> str:
    """A PNG in base64, with a text chunk and bytes after the end if asked for."""
    rows = b"".join(b"\0" + b"\x80" * size[0] for _ in range(min(size[1], 9)))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0)), (b"tEXt", text), (b"IDAT", zlib.compress(rows))]
    body = b"".join(pictures._chunk(*chunk) for chunk in [*chunks, (b"IEND", b"")])
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + body + after).decode()


def stream(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": text}


def shown(**data):
    return {"output_type": "display_data", "metadata": {}, "data": {k.replace("_", "/"): v for k, v in data.items()}}


def sample(plan):
    """A student who got on in a different way in every exercise: submission, verdict, scores, comments."""
    softmax = "def softmax(z):\n    e = np.exp(z - z.max())  # against overflow\n    return e / e.sum()\n"
    answers = {
        "perceptron": "def perceptron(x):\n    return 2 * x",
        "activations": "def activations(x):\n    while True:\n        x = x + 1",
        "softmax": softmax,
        "xor": plan.cells[14].released,
        "forward": "def forward(x):\n    return nn.relu(x)",
        "words": "A perceptron draws **one** line, so it cannot learn XOR.",
    }
    runs = [
        CellRun("softmax", [stream("step 1\rstep 2\n"), stream("overflow", "stderr"), shown(image_png=picture())]),
        CellRun("forward", [], "NameError: name 'nn' is not defined"),
        CellRun("added 1", [stream("(3, 2)\n")]),
    ]
    message = "forward(x) is\n[[1. , 2. ],\n [3. , 4. ]]\nexpected\n[[1.5, 2. ],\n [3. , 4. ]]"
    verdicts = [
        CellVerdict("perceptron-check", 2, 2, output="perceptron: all visible checks pass."),
        CellVerdict("perceptron-hidden", 4, 4),
        CellVerdict("activations-check", 0, 2, "time", cpu_s=5.03),
        CellVerdict("activations-hidden", 0, 4, "time", cpu_s=5.01, attempts=["time", "time"]),
        CellVerdict("softmax-check", 2, 2),
        CellVerdict("softmax-hidden", 0, 4, "wrong", "the softmax of three rows is not right.", "canary-detail-84"),
        CellVerdict("xor-check", 0, 2, "unanswered", "xor is not answered yet."),
        CellVerdict("xor-hidden", 0, 4, "unanswered", "xor is not answered yet."),
        CellVerdict("forward-check", 0, 2, "wrong", message),
        CellVerdict("forward-hidden", 0, 4, "error", "The call of forward ended with a NameError."),
    ]
    submission = Submission(
        "ada-lovelace", answers, (Added(5, "print(W.shape)"),), notes=("The cell softmax-check was edited.",)
    )
    verdict = Verdict("01_small", "01_small", "ada-lovelace", verdicts, runs)
    return submission, verdict, {"words": (3.0, 4.0, True)}, {"words": "Why not?\nSee 1.3."}


def text_of(page: str) -> str:
    """What a reader of a page can read."""
    body = re.sub(r"<[^>]*>", "", page.split("</style>")[1])
    return re.sub(r"\s+", " ", html.unescape(body))


def one_output(*outputs, error=""):
    """The page's text when the first answer had these outputs."""
    plan = make_plan()
    submission = Submission("ada", {"perceptron": "x = 1"})
    verdict = Verdict("01_small", "01_small", "ada", runs=[CellRun("perceptron", list(outputs), error)])
    return feedback.page(plan, submission, verdict, {}, {})


# -- what it says ------------------------------------------------------------------------------------------------------


def test_the_page_says_what_happened_and_what_to_do():
    plan = make_plan()
    text = text_of(feedback.page(plan, *sample(plan), late_penalty=1))
    assert "Chapter 1: Basics" in text and "ada-lovelace" in text
    assert "10 of 34 points" in text and "1 point is taken off the 11 that you earned" in text
    assert "1 of 6 exercises is solved" in text
    assert "Exercise 1.3 - Softmax with temperature" in text and "(6 points" not in text
    assert "not right yet" in text and "the softmax of three rows is not right." in text
    assert "What they try: Tested with rows of very different size." in text
    assert "A cell may take 5 s of processor time." in text and "tried a second time" in text
    assert "xor is not answered yet" not in text, "the page's own words say it"
    assert "This cell is as it was handed out." in text
    assert "step 2" in text and "step 1" not in text
    assert "Warnings (they cost no points) overflow" in text
    assert "NameError: name 'nn' is not defined" in text
    assert "set by your instructor" in text and "See 1.3." in text
    assert "The cell softmax-check was edited." in text and "print(W.shape)" in text
    assert "all visible checks pass" not in text, "a check that passed needs no output"


def test_who_waited_is_not_told_of_processor_time():
    """Of a submission that took too long as a whole, the page said that it had used much processor time."""
    plan = make_plan()
    for message, cause, told in ((LATE, "late", False), (ENDINGS["time"], "time", True)):
        verdicts = [CellVerdict("perceptron-check", 0, 2, "time", message)]
        text = text_of(feedback.page(plan, Submission("ada", {}), Verdict("u", "n", "ada", verdicts), {}, {}))
        assert WHY[cause][0] in text and message not in text, "the page's own words say it"
        assert ("of processor time" in text) is told


@pytest.mark.parametrize("cause", [cause for cause in PART_WORDS if cause])
def test_every_cause_is_explained(cause):
    plan = make_plan()
    verdicts = [CellVerdict("perceptron-check", 2, 2), CellVerdict("perceptron-hidden", 0, 4, cause)]
    text = text_of(feedback.page(plan, Submission("ada", {}), Verdict("u", "n", "ada", verdicts), {}, {}))
    what, _, todo = WHY[cause]
    assert PART_WORDS[cause][1] in text and what in text and todo in text


def test_a_test_without_a_verdict_earns_nothing_and_says_so():
    text = text_of(feedback.page(make_plan(), Submission("ada", {}), Verdict("u", "n", "ada"), {}, {}))
    assert "0 of 34 points" in text and "no result" in text and "This cell was missing" in text


def test_scores_of_the_gradebook_win_over_the_verdict():
    plan = make_plan()
    submission, verdict, scores, comments = sample(plan)
    scores |= {"softmax-hidden": (3.5, 4.0, True), "words": (None, 4.0, False), "elsewhere": (1.0, 2.0, False)}
    text = text_of(feedback.page(plan, submission, verdict, scores, comments))
    assert "12.5 of 36 points" in text and "Hidden tests: set by your instructor 3.5 / 4" in text
    assert "waits for your instructor" in text and "Other graded parts" in text


def test_answers_of_both_kinds_without_tests_are_shown():
    cells = (cell("answer", "free", "# YOUR CODE HERE"), cell("manual", "proof", "def f():\n    pass", points=3))
    submission = Submission("ada", {"free": "a = 1", "proof": "def f():\n    return 2"})
    plan = Plan("u", "n", cells)
    text = text_of(feedback.page(plan, submission, Verdict("u", "n", "ada"), {}, {"free": "Nice."}))
    assert "a = 1" in text and "return 2" in text and "Nice." in text and "not graded" in text and "0 of 3" in text


def test_the_page_is_the_same_every_time():
    plan = make_plan()
    assert feedback.page(plan, *sample(plan)) == feedback.page(plan, *sample(plan))


# -- what is too long, cannot be seen, or is no picture ----------------------------------------------------------------


def test_long_output_is_cut_with_a_sentence():
    page = one_output(stream("".join(f"line {i}\n" for i in range(1_000_000))))
    text = text_of(page)
    assert "line 0 " in text and "line 999999" in text and "line 5000 " not in text
    assert "characters are left out here" in text and len(page) < 100_000


def test_a_hundred_megabytes_and_a_million_outputs_are_cut():
    big = one_output(stream("x" * 100_000_000), shown(text_plain="y" * 100_000_000), error="z" * 100_000_000)
    assert "99,990,000 characters are left out here" in text_of(big) and len(big) < 100_000
    many = one_output(*[shown(text_plain=f"value {i}") for i in range(100_000)])
    assert "99,970 more outputs are left out." in text_of(many) and len(many) < 100_000
    lines = one_output(*[stream(f"row {i}\n") for i in range(100_000)])
    assert "row 0 " in text_of(lines) and "row 99999" in text_of(lines)


def test_a_page_has_an_end():
    plan = make_plan()
    runs = [CellRun(f"added {i}", [shown(text_plain="x" * 9_000)] * 30) for i in range(1, 31)]
    submission = Submission("ada", {}, tuple(Added(0, "y" * 39_000) for _ in range(1000)))
    page = feedback.page(plan, submission, Verdict("u", "n", "ada", runs=runs), {}, {})
    assert len(page) < 1.3 * MOST_TEXT and "970 more are left out" in page and "has become too long" in page


def test_terminal_codes_go_and_unseen_characters_are_written_out():
    link = "\x1b]8;;http://a\x1b\\link\x1b]8;;\x1b\\"
    text = text_of(one_output(stream(f"\x1b[31mred\x1b[0m {link} \x1b]0;t"), stream("a\u202eb\0c", "stderr")))
    assert "red link 0;t" in text and "a‹U+202E›b‹U+0000›c" in text and "that cannot be seen" in text
    everything = one_output(stream("".join(map(chr, range(0x2100)))))
    assert not re.search("[\0-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", everything)


def test_code_hides_nothing_behind_a_carriage_return():
    plan = make_plan()
    submission = Submission("ada", {"perceptron": "steal()\rperceptron = 1\x1b[2K"})
    text = text_of(feedback.page(plan, submission, Verdict("u", "n", "ada"), {}, {}))
    assert "steal() perceptron = 1‹U+001B›[2K" in text


ODD_SOURCES = ["", "x = '''a\n", 'f"{x!r}" # c', "def f(a): return 'it''s' \\\n", '"""\\', "'a\nb'"]


@pytest.mark.parametrize("source", [*ODD_SOURCES, *PAYLOADS.values()])
def test_highlighting_changes_no_character(source):
    assert html.unescape(re.sub(r'<span class="[a-z]+">|</span>', "", highlight(source))) == source


def test_highlighting_marks_words():
    marked = highlight("def f(x):\n    return len('a') + 1.5e3  # why")
    for piece in ("k>def", "nf>f", "k>return", "nb>len", "s>&#39;a&#39;", "m>1.5e3", "c># why"):
        name, word = piece.split(">")
        assert f'<span class="{name}">{word}</span>' in marked


def test_images_are_rebuilt_of_their_picture_alone():
    sound = pictures.png(picture(text=b"Comment\0<script>", after=b"<script>alert(1)"))
    assert sound[1:] == (3, 2) and b"script" not in sound[0] and sound[0].endswith(b"IEND\xaeB`\x82")
    assert "data:image/png;base64," in one_output(shown(image_png=picture()))


def broken(change):
    raw = bytearray(base64.b64decode(picture()))
    change(raw)
    return base64.b64encode(bytes(raw)).decode()


NO_IMAGES = {
    "svg": base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>").decode(),
    "no base64": picture()[:-4] + '">',
    "wrong checksum": broken(lambda raw: raw.__setitem__(40, raw[40] ^ 1)),
    "cut": broken(lambda raw: raw.__delitem__(slice(-12, None))),
    "too many pixels": picture(size=(60_000, 60_000)),
    "too wide": picture(size=(10_000_000, 1)),
    "empty": picture(size=(0, 5)),
    "too large": picture(text=b"x" * (3 << 20)),
    "a number": 7,
}


@pytest.mark.parametrize("kind", NO_IMAGES)
def test_what_is_no_sound_png_is_not_shown(kind):
    page = one_output(shown(image_png=NO_IMAGES[kind]))
    assert "An image is not shown" in page and "<img" not in page


def test_images_share_a_budget():
    noise = zlib.compress(bytes(range(256)) * 10, 0)  # a chunk that is large enough to fill the budget soon
    raw = base64.b64decode(picture())
    big = base64.b64encode(raw[:-12] + pictures._chunk(b"IDAT", noise * 700) + raw[-12:]).decode()
    page = one_output(*[shown(image_png=big)] * 10)
    assert 1 < page.count("<img") < 10 and len(page) < 12 << 20


@pytest.mark.parametrize("output", [None, 3, {}, {"output_type": "stream"}, {"output_type": "stream", "text": {"a": 1}},
    {"output_type": "error", "traceback": "x", "ename": 3}, {"output_type": "display_data", "data": [1]},
    {"output_type": "display_data", "data": {"text/plain": None, "image/png": [1, None]}}, {"output_type": ["stream"]},
])  # fmt: skip
def test_outputs_of_any_shape_make_a_page(output):
    assert "</html>" in one_output(output)


def test_rich_outputs_are_shown_as_their_plain_text():
    text = text_of(one_output(shown(text_html="<b>rich</b>", text_plain="plain form"), shown(text_latex="$x$")))
    assert "plain form" in text and "rich" not in text and "text and PNG images only" in text


# -- nothing comes alive -----------------------------------------------------------------------------------------------

PLACES = 23


def attacked(payload: str) -> str:
    """A page with a text at every place that a student, or a name, can reach; each with the number of its place."""
    place = (f"(place{i:02})\n{payload}" for i in itertools.count())
    task = cell("text", "", "# " + next(place).replace("\n", " "), None, "markdown")
    stub = cell("answer", next(place), "stub")
    check = cell("test", payload, "check", points=1)
    more = cell("answer", "more", "stub")
    hidden = cell("test", "hidden", "x\nhidden", "# " + next(place).replace("\n", "\n# "), points=1)
    plan = Plan(payload, next(place), (task, stub, more, check, hidden, cell("manual", "m", "", "s", "markdown", 2)))
    trace = {"output_type": "error", "ename": next(place), "evalue": next(place), "traceback": []}
    outputs = [
        stream(next(place)), stream(next(place), "stderr"), trace, {**trace, "traceback": [next(place)]},
        shown(text_plain=next(place), text_html=payload, text_latex=payload, text_markdown=payload),
        {"output_type": "display_data", "data": {"image/svg+xml": payload, "application/javascript": payload}},
        shown(image_png=payload, text_plain=payload), {"output_type": "display_data", "data": {"image/jpeg": payload}},
        shown(image_png=picture(text=payload.encode("utf-8", "replace")), text_plain=next(place)),
    ]  # fmt: skip
    submission = Submission(
        next(place), {stub.name: next(place), "m": next(place)}, (Added(0, next(place)),), notes=(next(place),)
    )
    cells = [
        CellVerdict(check.name, 0, 1, "wrong", next(place), payload, output=next(place)),
        CellVerdict("hidden", 0, 1, "error", next(place), payload),
        CellVerdict(next(place), 0, 1, "wrong"),
    ]
    runs = [CellRun(stub.name, outputs), CellRun("added 1", [], next(place))]
    verdict = Verdict(plan.unit, plan.notebook, submission.student, cells, runs, [next(place)])
    page = feedback.page(plan, submission, verdict, {}, {stub.name: next(place), "m": payload})
    assert next(place).startswith(f"(place{PLACES})"), "PLACES does not say how many places there are"
    return page


def stock(payload: str) -> str:
    """The same text in nbconvert's page, with its sanitiser off, at the places that a notebook has."""
    outputs = [
        v4.new_output("stream", text=payload),
        v4.new_output("error", ename="e", evalue="v", traceback=[payload]),
    ]
    for kind in ("text/html", "image/svg+xml", "text/markdown", "text/latex", "text/plain", "image/png"):
        outputs.append(v4.new_output("display_data", data={kind: payload}))
    cells = [v4.new_markdown_cell(payload), v4.new_code_cell(payload, outputs=outputs)]
    try:
        return STOCK.from_notebook_node(v4.new_notebook(cells=cells))[0]
    except (InvalidNotebook, UnicodeError):  # a missing attachment, half a character: stock writes no page at all
        return ""


STOCK = HTMLExporter(template_name="basic", sanitize_html=False)
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>\n')
TAGS = """html head meta title style body header main footer section div p span strong em bdi h1 h2 ul li table caption
thead tbody tfoot tr th td a pre code details summary img""".split()  # noqa: SIM905
LOOK = """(tags) => [...document.querySelectorAll('iframe')].map(frame => {
  let page; try { page = frame.contentDocument } catch { page = null }
  if (!page || !page.documentElement) return [frame.name, ['left'], ''];
  const odd = new Set(), own = Element.prototype;  // a form can hide its own properties behind fields of that name
  for (const e of Document.prototype.querySelectorAll.call(page, '*')) {
    if (!tags.includes(e.localName) || e.namespaceURI !== 'http://www.w3.org/1999/xhtml') odd.add(e.localName);
    for (const name of own.getAttributeNames.call(e)) {
      const value = own.getAttribute.call(e, name);
      if (/^on|^style$|^ping$|^srcset$|action$/.test(name)) odd.add(name);
      if (/href$/.test(name) && !/^#part-[0-9]+$/.test(value)) odd.add('href');
      if (name === 'src' && !/^data:image\\/png;base64,[A-Za-z0-9+\\/]+=*$/.test(value)) odd.add('src');
      if (name === 'id' && !/^((part|title)-\\d+|overview|notes|added)$/.test(value)) odd.add('id');
      if (name === 'name' && !/^(viewport|color-scheme|referrer)$/.test(value)) odd.add('name');
    }
  }
  const said = [...page.images].map(image => image.alt).join(' ');
  const text = page.body ? page.body.textContent + said : '';
  for (const e of Document.prototype.querySelectorAll.call(page, 'a:not([href^="#"]), button, [onclick]'))
    e.dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true}));
  for (const e of Document.prototype.querySelectorAll.call(page, '[onmouseover]'))
    e.dispatchEvent(new MouseEvent('mouseover'));
  return [frame.name, [...odd], text];
})"""


class Room:
    """A browser page that shows many pages at once in frames, and hears what they do."""

    def __init__(self, page, address, files):
        self._page, self._address, self._files = page, address, files
        self.rang, self.asked = set(), set()
        page.expose_binding("bell", lambda source: self.rang.add(_outermost(source["frame"])))
        page.add_init_script("window.alert = window.confirm = window.prompt = () => window.bell()")
        page.on("dialog", lambda dialog: (self.rang.add("dialog"), dialog.dismiss()))
        page.on("popup", lambda popup: self.asked.add(("", "popup", popup.url)))
        page.on("request", self._hear)
        page.route(lambda url: not url.startswith(address), lambda route: route.abort())

    @contextlib.contextmanager
    def fresh(self):
        """Another page of the same browser, with nobody listening."""
        page = self._page.context.browser.new_page(viewport={"width": 1000, "height": 1000})
        try:
            yield page
        finally:
            page.close()

    def _hear(self, request):
        place = unquote(request.url.removeprefix(self._address))
        if request.url.startswith("data:") or place in self._files and place not in self._seen:
            self._seen.add(place)  # each page once; a second time it is a request of the page
            return
        self._requests.append((_outermost(request.frame), request))

    def show(self, pages: dict[str, str]) -> dict[str, tuple[list, str]]:
        """Open pages, poke at them; returns name -> (what is foreign there, text). Fills `rang` and `asked`."""
        self.rang.clear(), self.asked.clear()
        self._seen, self._requests = set(), []
        self._files.clear()
        self._files.update({f"/{name}": text for name, text in pages.items()})
        frames = "".join(f'<iframe name="{name}" src="/{quote(name)}" width=80 height=60></iframe>' for name in pages)
        self._files["/"] = f"<!DOCTYPE html><title>room</title>{frames}"
        self._page.goto(f"{self._address}/", wait_until="load")
        self._page.wait_for_timeout(500)
        found = self._page.evaluate(LOOK, TAGS)
        self._page.wait_for_timeout(500)
        for name, request in self._requests:
            if not (request.failure or "").startswith("csp"):  # those never left the browser
                kind = "navigation" if request.is_navigation_request() else "resource"
                self.asked.add((name, kind, request.url))
        self._page.goto("about:blank")
        return {name: (odd, text) for name, odd, text in found}


def _outermost(frame) -> str:
    while frame.parent_frame is not None and frame.parent_frame.parent_frame is not None:
        frame = frame.parent_frame
    return frame.name


@contextlib.contextmanager
def serving(files):
    """Serve texts by path on this machine."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            text = files.get(unquote(self.path))
            self.send_response(404 if text is None else 200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write((text or "").encode("utf-8", "replace"))

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def room():
    files = {}
    with serving(files) as address, browsing() as (page, _):
        yield Room(page, address, files)


SOME = dict(list(PAYLOADS.items())[::5])
ALL_OF_THEM = pytest.param(PAYLOADS, marks=pytest.mark.full, id="all")


def chunks(size):
    """The payloads as texts of `size` payloads each: name of the first -> text."""
    rows = [list(PAYLOADS.items())[i : i + size] for i in range(0, len(PAYLOADS), size)]
    return {row[0][0]: "\n".join(text for _, text in row) for row in rows}


def assert_dead(room, found):
    assert (room.rang, room.asked) == (set(), set())
    assert {name: odd for name, (odd, _) in found.items() if odd} == {}
    for name, (_, text) in found.items():
        assert {f"(place{i:02})" for i in range(PLACES)} <= set(re.findall(r"\(place\d\d\)", text)), name


# The browser takes 60 ms for a page, so pages hold several payloads here, and one each in `make full`.
@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.full), 12])
def test_no_payload_comes_alive(room, size):
    assert len(PAYLOADS) >= 60
    assert_dead(room, room.show({name: attacked(text) for name, text in chunks(size).items()}))


@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.full), 4])
def test_escaping_alone_is_enough(room, size):
    """The same pages without their content policy: nothing depends on it."""
    pages = {name: POLICY.sub("", attacked(text)) for name, text in chunks(size).items()}
    assert not any(POLICY.search(page) for page in pages.values())
    assert_dead(room, room.show(pages))


@pytest.mark.parametrize("payloads", [SOME, ALL_OF_THEM])
def test_the_policy_alone_stops_scripts_and_loading(room, payloads):
    """Payloads put into the page unescaped, as a broken template would: no script runs, nothing is fetched.

    A policy cannot stop a page from leading away (meta refresh, a link that is clicked), so those may be asked for.
    """
    page = attacked("nothing")
    found = room.show({name: page.replace("</main>", f"{text}</main>") for name, text in payloads.items()})
    assert room.rang == set()
    assert {kind for _, kind, _ in room.asked} <= {"navigation"}
    foreign = [name for name, (odd, _) in found.items() if odd]
    assert len(foreign) > 0.7 * len(payloads), "the look at the page's elements finds nothing any more"


@pytest.mark.parametrize("payloads", [SOME, ALL_OF_THEM])
def test_the_room_hears_what_stock_pages_do(room, payloads):
    """Without sanitiser and policy the same payloads do run and load: the silence above means something."""
    room.show({name: stock(text) for name, text in payloads.items()})
    loading = {name for name, _, _ in room.asked}
    print(f"stock nbconvert, sanitiser off: {len(room.rang)} of {len(payloads)} ran, {len(loading)} asked the network")
    assert len(room.rang) > 0.5 * len(payloads) and len(loading) > 0.2 * len(payloads)
    sure = {"script", "img-onerror", "svg-onload", "iframe-srcdoc", "link-javascript", "markdown-link"}
    assert sure & payloads.keys() <= room.rang
    sure = {"style-import", "link-stylesheet", "iframe-elsewhere", "meta-refresh", "markdown-image"}
    assert sure & payloads.keys() <= loading


def test_the_page_in_light_dark_and_on_a_phone(room, tmp_path):
    plan = make_plan()
    path = tmp_path / "page.html"
    path.write_text(feedback.page(plan, *sample(plan), late_penalty=1), encoding="utf-8")
    errors = []
    with room.fresh() as page:
        page.on("console", lambda message: errors.append(message.text))
        inks = set()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.goto(path.as_uri())
            inks.add(page.evaluate("getComputedStyle(document.body).color"))
            screenshot(page, f"feedback-{scheme}")
        assert len(inks) == 2, "the style sheet is refused by the page's own policy"
        page.set_viewport_size({"width": 360, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        screenshot(page, "feedback-phone")
        levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(h => h.localName)")
        assert levels[0] == "h1" and set(levels[1:]) == {"h2"}
        assert page.evaluate("[...document.images].every(i => i.alt && i.naturalWidth)")
        assert errors == []


# -- no hidden test, no solution; through nbgrader ---------------------------------------------------------------------


def leaks(text: str) -> list[str]:
    return [canary for canary in CANARIES if canary in text]


def test_no_hidden_line_is_on_the_page():
    plan = make_plan()
    assert leaks(feedback.page(plan, *sample(plan), late_penalty=1)) == []


def test_a_text_that_repeats_a_hidden_line_is_not_shown():
    """The judge must not do this; if it ever does, the page holds it back."""
    plan = make_plan()
    submission, verdict, scores, comments = sample(plan)
    hidden = plan.cells[4].source
    verdict.cells[1].message = f"AssertionError at\n{hidden}"
    verdict.runs[1].outputs = [stream(f"I read: {hidden}")]
    page = feedback.page(plan, submission, verdict, scores, comments)
    assert leaks(page) == [] and page.count("repeats a line of the hidden tests") == 2


STUDENT_ID = "o'hara <b>x<b>"  # a name that a file system takes
UNIT = plain_course.UNIT
HIDDEN = "\n### BEGIN HIDDEN TESTS\ncanary_hidden_81 = area(8184.25)\nassert canary_hidden_81 == 'canary-expected-82'"
ESSAY = "Write.\n=== BEGIN MARK SCHEME ===\ncanary_solution_83\n=== END MARK SCHEME ==="
ANSWER = "def area(r):\n    ### BEGIN SOLUTION\n    return 'canary_solution_83'\n    ### END SOLUTION"
SOURCE = [
    plain_course.cell("text", source="# Two exercises"),
    plain_course.cell("text", source="## Exercise 1 - Circles (4 points)"),
    plain_course.cell("answer", "area", ANSWER),
    plain_course.cell("test", "area-check", "assert area(0) == 0", 1),
    plain_course.cell("test", "area-hidden", f"# Tested far out.{HIDDEN}\n### END HIDDEN TESTS", 3),
    plain_course.cell("text", source="## Exercise 2 - Steps"),
    plain_course.cell("answer", "shift", ANSWER.replace("area", "shift")),
    plain_course.cell("test", "shift-check", "assert shift(1) == 11", 2),
    plain_course.cell("text", source="## Exercise 3 - Reasons"),
    plain_course.cell("manual", "why", "### BEGIN SOLUTION\ncanary_solution_83\n### END SOLUTION", 4, markdown=True),
    plain_course.cell("task", "essay", ESSAY, 6),
]


def hand_in_and_grade(course, student, how):
    """Hand in a notebook; "ours": record a verdict, "stock": leave what plain nbgrader leaves, tracebacks included."""
    notebook = plain_course.answered(
        plain_course.released(course),
        area="def area(r):\n    return 3 * r",
        shift="shift = 7",
        why="Because <b>so</b>.",
    )
    notebook.cells.insert(4, v4.new_code_cell("print('mine')"))
    plain_course.hand_in(course, student, notebook, when="2026-11-22 12:00:00 UTC")
    made = plan.load(course, UNIT, "first")
    submission = intake.parse(plain_course.as_bytes(notebook), made, student)
    cells = [
        CellVerdict("area-check", 1, 1),
        CellVerdict("area-hidden", 0, 3, "wrong", "The area is not right.", "canary-detail-84"),
        CellVerdict("shift-check", 0, 2, "error", "TypeError: 'int' object is not callable"),
    ]
    runs = [CellRun("area", [stream("three\n")]), CellRun("added 1", [stream("mine\n")])]
    record(course, UNIT, student, Graded(made, submission, verdict=Verdict(UNIT, "first", student, cells, runs)))
    with plan.gradebook(plan.settings(course)) as book:
        book.find_grade("why", "first", UNIT, student).manual_score = 3.0
        book.find_comment("why", "first", UNIT, student).manual_comment = "Why <b>not</b>?"
        book.find_submission_notebook("first", UNIT, student).late_submission_penalty = 1.0
        book.db.commit()
    if how == "stock":
        _as_stock_leaves_it(course / "autograded" / student / UNIT)


def _as_stock_leaves_it(folder):
    (folder / "first.verdict.json").unlink()
    notebook = nbformat.read(folder / "first.ipynb", as_version=4)
    stolen = v4.new_output("stream", text=" ".join(CANARIES))
    for name, made in plain_course.named(notebook).items():
        if name in ("area-hidden", "shift-check"):
            trace = [f"\x1b[31m{made.source}", *CANARIES]
            made.outputs = [v4.new_output("error", ename="AssertionError", evalue=made.source, traceback=trace)]
            made.outputs[0].evalue += " ".join(CANARIES)
        elif name == "shift":  # it ran in a process that had seen a hidden test
            made.outputs = [stolen]
    (folder / "first.ipynb").chmod(0o644)
    nbformat.write(notebook, folder / "first.ipynb")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course with two graded students, one with a verdict, one graded by plain nbgrader; feedback by nbgrader."""
    root = plain_course.make(tmp_path_factory.mktemp("course"), {"first": SOURCE})
    for student, how in ((STUDENT_ID, "ours"), ("stock", "stock")):
        hand_in_and_grade(root, student, how)
        folder = root / "autograded" / student / UNIT  # as if the settings let nbgrader copy all of it
        (folder / "evil.html").write_text("<script>alert(1)</script>", encoding="utf-8")
        (folder / "data").mkdir()
        (folder / "data" / "solution.txt").write_text(" ".join(CANARIES), encoding="utf-8")
    settings = plan.settings(root)
    assert (
        settings.config.GenerateFeedback.exporter_class == "course_grader.feedback.nbgrader_exporter.FeedbackExporter"
    )
    done = NbGraderAPI(settings.coursedir, config=Config(settings.config)).generate_feedback(UNIT)
    assert done["success"], done
    return root


def pages(root):
    return {path.parts[-3]: path.read_text(encoding="utf-8") for path in (root / "feedback").rglob("*.html")}


def test_nbgrader_writes_our_page(course):
    found = pages(course)
    assert set(found) == {STUDENT_ID, "stock"}
    ours = text_of(found[STUDENT_ID])
    assert "Content-Security-Policy" in found[STUDENT_ID] and STUDENT_ID in ours
    assert "3 of 16 points" in ours and "Handed in late: 1 point" in ours
    assert "Exercise 1 - Circles" in ours and "What they try: Tested far out." in ours
    assert "The area is not right." in ours and "It showed three" in ours and "return 3 * r" in ours
    assert "TypeError: 'int' object is not callable" in ours
    assert "Because <b>so</b>." in ours and "Why <b>not</b>?" in ours and "set by your instructor 3 / 4" in ours
    assert "waits for your instructor" in ours, "the task"
    assert "Added cell 1 print('mine') It showed mine" in ours


def test_without_a_verdict_there_is_a_page_with_the_points(course):
    text = text_of(pages(course)["stock"])
    assert "3 of 16 points" in text and BY_STOCK in text and "Exercise 2 - Steps" in text
    assert "return 3 * r" in text and "It showed three" in text and "not right yet" in text


def test_without_a_plan_there_is_a_page_too(course, monkeypatch):
    """Released by other means: what a student may see of a test is not known, so nothing of it is shown."""

    def no_plan(*_):
        raise GraderError("no plan")

    monkeypatch.setattr(plan, "load", no_plan)
    for student in (STUDENT_ID, "stock"):
        (page,) = feedback.write(course, UNIT, student)
        text = page.read_text(encoding="utf-8")
        assert leaks(text) == [] and "3 of 16 points" in text_of(text) and "Exercise 1 - Circles" in text_of(text)
        assert "return 3 * r" in text_of(text) and "print('mine')" in text_of(text)
    monkeypatch.undo()
    for student in (STUDENT_ID, "stock"):
        feedback.write(course, UNIT, student)


def test_no_canary_in_any_feedback_file(course):
    files = [path for path in (course / "feedback").rglob("*") if path.is_file()]
    assert sorted(path.name for path in files) == ["first.html", "first.html", "timestamp.txt", "timestamp.txt"]
    for path in files:
        assert leaks(path.read_text(encoding="utf-8")) == [], path
    graded = (course / "autograded" / "stock" / UNIT / "first.ipynb").read_text(encoding="utf-8")
    assert len(leaks(graded)) == len(CANARIES), "there is something to leak"


def test_what_the_student_wrote_is_read_from_the_graded_notebook(course):
    notebook = nbformat.read(course / "autograded" / STUDENT_ID / UNIT / "first.ipynb", as_version=4)
    handed_in = (course / "submitted" / STUDENT_ID / UNIT / "first.ipynb").read_bytes()
    made = plan.load(course, UNIT, "first")
    sent = intake.parse(handed_in, made, STUDENT_ID)
    found = submission_of(notebook, made, STUDENT_ID)
    assert (found.answers, found.added) == (sent.answers, sent.added) and found.added


def test_write_makes_the_same_pages_as_nbgrader(course):
    before = pages(course)
    made = feedback.write(course, UNIT, STUDENT_ID)
    assert [path.name for path in made] == ["first.html"]
    assert pages(course) == before
    assert not list((course / "feedback").rglob(".feedback-*"))


@pytest.mark.parametrize("name", ["nobody", "..", "a/b", "", "a\0b"])
def test_write_says_what_is_missing(course, name):
    with pytest.raises(GraderError, match="grade it first|cannot be the name"):
        feedback.write(course, UNIT, name)


@pytest.mark.parametrize("change", [
    {"student": "another"}, {"notes": [3]}, {"cells": 7}, {"cells": [{"name": "x"}]}, {"more": 1},
    {"cells": [{"name": "x", "points": "9", "max_points": 1}]},
])  # fmt: skip
def test_a_verdict_that_is_not_ours_is_not_read(tmp_path, change):
    path = tmp_path / "n.verdict.json"
    verdict = json.loads(Verdict("u", "n", "ada", [CellVerdict("x", 1, 1, where=STUDENT)]).to_json())
    path.write_text(json.dumps(verdict), encoding="utf-8")
    assert read_verdict(path, "u", "n", "ada").points == 1
    path.write_text(json.dumps(verdict | change), encoding="utf-8")
    assert read_verdict(path, "u", "n", "ada") is None
