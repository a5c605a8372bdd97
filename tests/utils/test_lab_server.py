"""What a student's JupyterLab shows and lets read: the workbook alone; and `course submit` in its terminals."""

import asyncio
import http.client
import json
import os
import shutil
import sys
import urllib.parse
from itertools import product
from pathlib import Path

import pytest
from browser import browsing, ours, screenshot, serving
from playwright.sync_api import expect
from tornado.websocket import websocket_connect

UNITS = ("00_start_here", "01_basic_concepts")
SECRET = "# a line of the solution"
SECRETS = (
    "source/01_basic_concepts.py", "source/01_basic_concepts/01_basic_concepts.ipynb", "tests/answers/softmax.py",
    "course_grader/engine/engine.py", "gradebook.db", "nbgrader_config.py",
)  # fmt: skip
TOKEN = "t0ken"  # without one, Jupyter refuses what comes from no page of its own
SETTINGS = "c = get_config()\nc.CourseDirectory.course_id = 'read-from-the-course'\n"
ROUTES = (
    "/api/contents/", "/files/", "/view/", "/nbconvert/html/", "/nbconvert/script/", "/lab/tree/", "/tree/", "/edit/",
    "/notebooks/", "/static/", "/formgrader/",
)  # fmt: skip
UPWARDS = (
    "", "/", "../", "%2e%2e/", "..%2f", "%2E%2E%2F", "..%5c", "..%252f", ".%2e/", "%c0%ae%c0%ae/", "~/",
    f"{UNITS[0]}/../../", f"{UNITS[0]}/%2e%2e/%2e%2e/", f"{UNITS[0]}%2f..%2f..%2f", "{course}/", "{quoted}%2f",
)  # fmt: skip


def make_course(folder):
    """A course of two small units, with a secret in each of its files that students shall not read."""
    for name in SECRETS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(SECRET)
    (folder / "nbgrader_config.py").write_text(f"{SECRET}\n{SETTINGS}")
    for unit in UNITS:
        (folder / "release" / unit).mkdir(parents=True)
        answer = {"grade_id": "softmax", "solution": True, "grade": False, "locked": False, "schema_version": 3}
        cell = {
            "cell_type": "code",
            "source": "raise NotImplementedError('1.3')",
            "outputs": [],
            "execution_count": None,
        }
        notebook = {"cells": [cell | {"metadata": {"nbgrader": answer}}], "nbformat": 4, "nbformat_minor": 4}
        (folder / "release" / unit / f"{unit}.ipynb").write_text(json.dumps(notebook | {"metadata": {}}))
    return folder


@pytest.fixture(scope="module")
def as_from_a_terminal():
    """No PATH to the environment, as where nothing was activated, and no id remembered by the shell."""
    with pytest.MonkeyPatch.context() as patch:
        folders = (one for one in os.environ["PATH"].split(os.pathsep) if not Path(one, "alembic").exists())
        patch.setenv("PATH", os.pathsep.join(folders))
        patch.setenv("SHELL", shutil.which("sh"))
        patch.delenv("COURSE_STUDENT", raising=False)
        yield


@pytest.fixture(scope="module")
def room(tmp_path_factory, as_from_a_terminal):
    """A course, and the address of what `make lab` serves of it."""
    course = make_course(tmp_path_factory.mktemp("my course"))
    with serving(course, tmp_path_factory.mktemp("home"), token=TOKEN) as address:
        yield course, address


def ask(address, route, method="GET", **body):
    """Status and bytes of an answer; the route goes out as it is, dots and all."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(address).netloc, timeout=60)
    try:
        connection.request(method, route, json.dumps(body) if body else None, {"Authorization": f"token {TOKEN}"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def readable(course, address):
    """The paths of all requests whose answer holds a secret."""
    upwards = (one.format(course=course, quoted=urllib.parse.quote(str(course), safe="")) for one in UPWARDS)
    paths = (route + up.replace(" ", "%20") + name for up, name, route in product(upwards, SECRETS, ROUTES))
    return [path for path in paths if SECRET.encode() in ask(address, path)[1]]


# ---- the workbook alone


def test_no_file_of_the_course_can_be_read(room):
    course, address = room
    assert (course / SECRETS[0]).read_text() == SECRET
    assert readable(course, address) == []
    assert ask(address, f"/files/{UNITS[1]}/{UNITS[1]}.ipynb")[0] == 200  # ... and this route works


def test_no_file_of_the_course_can_be_brought_in(room):
    """Copied, renamed, or read by the Validate button, which executes what it is told."""
    _, address = room
    outside = f"../{SECRETS[1]}"
    assert ask(address, "/api/contents", "POST", copy_from=outside)[0] == 404
    assert ask(address, f"/api/contents/{outside}", "PATCH", path="mine.ipynb")[0] == 404
    assert ask(address, "/assignments/validate", "POST", path=outside)[0] == 403


def test_a_link_in_a_release_is_handed_out_as_a_file_and_leads_nowhere(tmp_path):
    """Jupyter follows links that lie in the folder it serves: a workbook gets none from us."""
    from course_utils import workbook

    course = make_course(tmp_path)
    (course / "release" / UNITS[0] / "link.csv").symlink_to(course / "source" / "01_basic_concepts.py")
    (course / "release" / UNITS[0] / "folder").symlink_to(course / "source")
    workbook.update(course)
    assert [path for path in (course / "workbook").rglob("*") if path.is_symlink()] == []


def test_formgrader_is_not_served_to_students(room):
    _, address = room
    for page in ("manage_assignments", "api/students", "api/assignments"):
        assert ask(address, f"/formgrader/{page}")[0] == 404


def test_nbgraders_settings_come_from_the_course_folder(room):
    """Validate reads them for each request: with a kernel that does not exist it says so."""
    course, address = room
    settings = course / "nbgrader_config.py"
    before = settings.read_text()
    settings.write_text("c = get_config()\nc.Execute.kernel_name = 'kernel-named-by-the-course'\n")
    try:
        _, said = ask(address, "/assignments/validate", "POST", path=f"{UNITS[0]}/{UNITS[0]}.ipynb")
    finally:
        settings.write_text(before)
    assert "kernel-named-by-the-course" in json.loads(said)["value"]


def test_the_file_browser_shows_the_units_and_nothing_else(room):
    course, address = room
    shutil.rmtree(course / "workbook" / "outbox", ignore_errors=True)
    with browsing() as (page, errors):
        page.goto(f"{address}/lab?reset&token={TOKEN}")
        names = page.locator(".jp-DirListing-itemText")
        expect(names).to_have_text(list(UNITS))
        page.evaluate("() => jupyterapp.commands.execute('filebrowser:go-up')")  # from the top there is no way up
        expect(names).to_have_text(list(UNITS))
        screenshot(page, "workbook-alone")
        assert ours(errors) == []


def test_instructors_are_served_the_whole_course(tmp_path, as_from_a_terminal):
    """The same requests read the secrets there, so they could; and formgrader has the settings and a gradebook."""
    course = make_course(tmp_path / "a course")
    (course / "gradebook.db").unlink()
    (tmp_path / "home").mkdir()
    with serving(course, tmp_path / "home", "--formgrader", token=TOKEN) as address:
        assert {f"/files/{name}" for name in SECRETS if name != "gradebook.db"} <= set(readable(course, address))
        assert b"read-from-the-course" in ask(address, "/formgrader/manage_assignments")[1]
        assert json.loads(ask(address, "/formgrader/api/students")[1]) == []  # makes the gradebook, by alembic
        assert (course / "gradebook.db").is_file()


# ---- `course submit` in a terminal of JupyterLab


def type_in_terminal(address, folder, *steps):
    """Open a terminal in a folder of the workbook; type each line once the words before it are there. All it showed."""
    _, made = ask(address, "/api/terminals", "POST", cwd=folder)
    url = f"{address.replace('http', 'ws')}/terminals/websocket/{json.loads(made)['name']}?token={TOKEN}"
    return asyncio.run(_type(url, steps))


async def _type(url, steps):
    socket, shown, seen = await websocket_connect(url), "", 0
    for awaited, line in steps:
        while awaited not in shown[seen:]:
            kind, *words = json.loads(await asyncio.wait_for(socket.read_message(), 60))
            shown += words[0] if kind == "stdout" else ""
        seen = shown.index(awaited, seen) + len(awaited)
        if line:
            await socket.write_message(json.dumps(["stdin", f"{line}\r"]))
    socket.close()
    return shown


def test_course_submit_in_a_terminal_asks_for_the_id_once(room):
    course, address = room
    manifest = course / "workbook" / ".handed_out.json"
    asked = "Your student id (as your instructor knows it): "
    prompt = "# " if os.geteuid() == 0 else "$ "
    shown = type_in_terminal(
        address, UNITS[1], (prompt, "course submit 01"), (asked, "a b"), ("to 64 letters (a-z)", ""), (asked, "anna"),
        ("Written and checked", ""), (".zip)", ""),
    )  # fmt: skip
    (zip_path,) = (course / "workbook" / "outbox").iterdir()
    assert f"in JupyterLab's file browser: outbox/{zip_path.name})" in shown
    assert "Still unanswered (1):" in shown and "The id anna is remembered" in shown
    assert json.loads(manifest.read_text())["student"] == "anna"
    again = type_in_terminal(address, "", (prompt, "course submit 01"), ("Written and checked, for student anna", ""))
    assert "Your student id" not in again
    _, listing = ask(address, "/api/contents/outbox")
    assert zip_path.name in [one["name"] for one in json.loads(listing)["content"]]


def test_the_program_beside_this_python_is_ours():
    """What the tests above start; the set-up installs it."""
    assert Path(sys.executable).with_name("course").is_file()
