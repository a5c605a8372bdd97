"""A real JupyterLab and a real Chromium, for tests that look at the course as a person does."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
ARTIFACTS = ROOT / "artifacts" / "browser"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def find_chromium():
    """The browser to use, or the end of the test: a failure in CI, a loud skip elsewhere."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None:
        sentence = "chromium is missing: `make dev` installs it on Debian where it may; else install it by hand."
        (pytest.fail if os.environ.get("CI") else pytest.skip)(sentence)
    return found


@contextlib.contextmanager
def serving(course, home, *options, token=""):
    """Serve a course folder as `make lab` does, with an empty Jupyter configuration; yields the address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    surroundings = os.environ | {
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "course_utils.lab", "lab", "--here", "--no-browser", "--port", str(port)]
    command += ["--course", str(course), *options]
    command += ["--", f"--IdentityProvider.token={token}", "--LabApp.expose_app_in_browser=True"]
    log = home / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(command, cwd=course, env=surroundings, stdout=output, stderr=subprocess.STDOUT)
        try:
            _wait_for(f"http://127.0.0.1:{port}/api", server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()


@contextlib.contextmanager
def serving_release(tmp_path_factory):
    """Serve a fresh workbook of this course, in a folder of its own; yields the address."""
    course, home = tmp_path_factory.mktemp("course"), tmp_path_factory.mktemp("home")
    shutil.copytree(ROOT / "release", course / "release")
    shutil.copy(ROOT / "nbgrader_config.py", course)
    with serving(course, home) as address:
        yield address


def _wait_for(address, server, log, patience_s=90):
    for _ in range(patience_s * 4):
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        if server.poll() is not None:
            break
        time.sleep(0.25)
    pytest.fail(f"JupyterLab did not start; its last lines:\n{log.read_text()[-2000:]}")


@contextlib.contextmanager
def browsing(*flags):
    """A page in headless Chromium, and the list of its console errors and uncaught exceptions."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=[*FLAGS, *flags])
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)  # 5 s by default, too little for a busy machine
        errors = []
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        try:
            yield page, errors
        finally:
            browser.close()


def screenshot(page, name):
    """Keep a picture to look at, under artifacts/browser/."""
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    # JupyterLab's question about its news would lie over the lower right; a page of ours allows no style from outside.
    hidden = ".Toastify { display: none }" if page.locator(".Toastify").count() else None
    page.screenshot(path=ARTIFACTS / f"{name}.png", style=hidden)


# What JupyterLab and its own extensions log without our doing.
HARMLESS = ()


def ours(errors):
    """Console errors that are of our making."""
    return [error for error in errors if not any(harmless in error for harmless in HARMLESS)]


# -- a notebook in JupyterLab ------------------------------------------------------------------------------------------

PANEL = "jupyterapp.shell.currentWidget"
CELLS = f"{PANEL}.content.model.cells"
ACTIVE = ".jp-NotebookPanel .jp-Cell.jp-mod-active"


def open_notebook(page, address, unit):
    """Open a unit of the workbook, and wait until its kernel is idle."""
    # Without `reset`, JupyterLab opens again what was open before, and its kernel would run beside this one's.
    page.goto(f"{address}/lab/tree/{unit}/{unit}.ipynb?reset")
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell")
    wait_until_idle(page)


def close_notebook(page):
    """Save the open notebook and end its kernel, so that nothing of it is left when the next one opens."""
    page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    page.evaluate(f"() => {PANEL}.sessionContext.shutdown()")


def wait_until_idle(page, timeout_s=180):
    """Wait until the kernel has nothing to do."""
    session = f"{PANEL}.sessionContext.session"
    page.wait_for_function(f"() => {session}?.kernel?.status === 'idle'", timeout=timeout_s * 1000)


def cells(page):
    """Source, grade id, execution count and outputs of each cell, as the notebook holds them."""
    return page.evaluate(
        f"""() => [...Array({CELLS}.length).keys()].map(i => {{
            const cell = {CELLS}.get(i).toJSON();
            const outputs = cell.outputs ?? [];
            return {{
                type: cell.cell_type, source: cell.source, count: cell.execution_count ?? null,
                id: cell.metadata.nbgrader?.grade_id ?? '',
                text: outputs.map(o => o.text ?? (o.traceback ?? []).join('\\n')).join('\\n'),
                errors: outputs.filter(o => o.output_type === 'error').map(o => o.ename),
                // JupyterLab draws no alt attribute; exports of the notebook take it from here.
                alts: outputs.filter(o => o.data?.['image/png']).map(o => o.metadata?.['image/png']?.alt ?? ''),
            }};
        }})"""
    )


def index_of(page, wanted):
    """Place of the cell with this grade id, or with this beginning of its source."""
    return next(i for i, cell in enumerate(cells(page)) if wanted in (cell["id"], cell["source"][: len(wanted)]))


def go_to(page, index):
    """Bring a cell into view (JupyterLab draws only the visible ones), and return it."""
    page.evaluate(
        f"""async (i) => {{
            const notebook = {PANEL}.content;
            notebook.activeCellIndex = i;
            notebook.deselectAll();
            await notebook.scrollToItem(i, 'center');
        }}""",
        index,
    )
    cell = page.locator(ACTIVE)
    expect(cell).to_be_visible()
    return cell


def run_all(page):
    """Run All Cells from the menu; the code cells that are not empty, after the last of them has run."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    last = max(i for i, cell in enumerate(cells(page)) if cell["type"] == "code" and cell["source"].strip())
    page.wait_for_function(f"() => {CELLS}.get({last}).executionCount !== null", timeout=240_000)
    wait_until_idle(page)
    return [cell for cell in cells(page) if cell["type"] == "code" and cell["source"].strip()]


def failures(ran):
    """Names of the errors of each cell that failed, by grade id."""
    return {cell["id"]: cell["errors"] for cell in ran if cell["errors"]}


def unanswered(unit):
    """The `failures` of a blank notebook: the check cell of every exercise, and nothing else."""
    return {f"{exercise.slug}-check": ["NotImplementedError"] for exercise in unit.exercises}


def set_theme(page, name):
    """Switch JupyterLab to the theme "dark" or "light"."""
    theme = f"JupyterLab {name.capitalize()}"
    page.evaluate("(theme) => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
    light = "false" if name == "dark" else "true"
    page.wait_for_selector(f"body[data-jp-theme-light={light}]", state="attached")
