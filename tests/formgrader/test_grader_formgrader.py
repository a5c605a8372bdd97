"""The judge behind `nbgrader autograde` and formgrader's buttons: what `course-grader grade` does, and never less."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import plain_course
import pytest
import tiny_course
from browser import browsing, screenshot, serving
from nbgrader.apps import NbGraderAPI
from plain_course import UNIT, answered, grades, hand_in, released
from playwright.sync_api import expect
from traitlets.config import Config

from course_author.units.build import build
from course_grader.cli import main as cli
from course_grader.course import plan
from course_grader.engine import engine as engines
from course_grader.engine import worker
from course_grader.grading import own_answers as own

pytestmark = pytest.mark.part("grader")
AREA = "def area(r):\n    return math.pi * r * r"
SHIFT = "def shift(x):\n    return x + base"


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One real engine for all tests here: starting it takes seconds."""
    with engines.Engine(tmp_path_factory.mktemp("none")) as engine:
        yield engine


@pytest.fixture
def engine(shared, monkeypatch):
    """A stand-in for `Engine` that grades with the shared one and counts."""

    class Shared:
        started, closed, graded, tried = 0, 0, [], []

        def __init__(self, course, isolation="full", **modules):
            pass

        def __enter__(self):
            Shared.started += 1
            return self

        def start(self):
            Shared.started += 1

        def prepare(self, plan):
            shared.prepare(plan)

        def grade(self, plan, submission, known=None):
            (Shared.tried if submission.student == own.STUDENT else Shared.graded).append(submission.student)
            return shared.grade(plan, submission, known)

        def close(self):
            Shared.closed += 1

    monkeypatch.setattr(engines, "Engine", Shared)
    yield Shared
    worker.close()


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    course = plain_course.make(tmp_path_factory.mktemp("course"))
    right = answered(released(course), area=AREA, shift=SHIFT)
    hand_in(course, "ada", right, released(course, "second"), when="2026-11-22 10:00:00 UTC")
    hand_in(course, "bob", answered(released(course), area="def area(r):\n    print(r)\n    return 3 * r * r"))
    return course


@pytest.fixture
def course(original, tmp_path):
    return shutil.copytree(original, tmp_path / "course", symlinks=True)


def autograde(course, student="*", force=True, **config):
    """What formgrader's button does: nbgrader's converter in this process; all students at once like the command."""
    settings = plan.settings(course)
    for name, value in config.items():
        settings.config.Autograde[name] = value
    return NbGraderAPI(settings.coursedir, config=Config(settings.config)).autograde(UNIT, student, force=force)


def held(course, student="*"):
    """The gradebook and the autograded notebooks, as text."""
    with plan.gradebook(plan.settings(course)) as book:
        found = [str(one.to_dict()) for one in book.assignment_submissions(UNIT)]
        found = [re.sub(r"'id': '\w+'", "", one) for one in found]
        names = [one.student.id for one in book.assignment_submissions(UNIT)]
    found += [str((name, grades(course, name), plain_course.comments(course, name))) for name in names]
    for path in sorted((course / "autograded").rglob("*")):
        content = path.read_text() if path.suffix == ".ipynb" else ""
        found.append(f"{path.relative_to(course)} {path.stat().st_mode:o} {content}")
    return found


# -- the same thing ----------------------------------------------------------------------------------------------------


def test_the_command_and_the_button_do_what_ours_does(course, engine, capsys):
    other = shutil.copytree(course, course.with_name("other"))
    assert cli.main(["grade", UNIT, "--course", str(other), "--jobs", "1"]) == 0
    result = autograde(course)
    assert result["success"], result
    assert held(course) == held(other) and len(held(course)) == 15
    assert grades(course, "ada")["area-hidden"] == (3, None, False)
    assert "first: 6 of 6 points" in result["log"]


def test_one_engine_for_a_whole_process(course, engine):
    assert autograde(course)["success"] and autograde(course, "ada")["success"]
    assert (engine.started, engine.closed, engine.graded) == (1, 0, ["ada", "ada", "bob", "ada", "ada"])
    assert len(engine.tried) == 1, "the own answers of the notebook that has tests, once"
    worker.close()
    assert engine.closed == 1


def test_nbgraders_choice_of_submissions_stays(course, engine):
    assert autograde(course, "bob")["success"]
    assert autograde(course, force=False)["success"]
    assert engine.graded == ["bob", "ada", "ada"], "bob was graded already"
    (course / "submitted" / "ada" / UNIT / "timestamp.txt").write_text("2026-11-23 10:00:00 UTC")
    assert autograde(course, force=False)["success"]
    assert engine.graded[3:] == ["ada", "ada"], "a newer submission"
    assert not autograde(course, "zoe")["success"]
    settings = plan.settings(course)
    settings.coursedir.notebook_id = "second"
    assert NbGraderAPI(settings.coursedir, config=Config(settings.config)).autograde(UNIT, "ada")["success"]
    assert engine.graded[5:] == ["ada"]
    assert (course / "autograded" / "ada" / UNIT / "first.ipynb").is_file()


def test_students_that_nobody_knows_can_be_refused(course, engine):
    settings = plan.settings(course)
    api = NbGraderAPI(settings.coursedir, config=Config(settings.config))
    result = api.autograde(UNIT, "ada", create=False)
    assert not result["success"] and "No student with ID 'ada'" in result["log"]


def test_a_new_release_is_seen_by_a_process_that_lives_long(course, engine):
    """Formgrader keeps its process for days, and the instructor mends a test meanwhile."""
    assert autograde(course, "ada")["success"]
    path = course / "source" / UNIT / "first.ipynb"
    text = (
        path.read_text().replace("shift(1) == 11", "shift(1) == 12").replace("return x + base", "return x + base + 1")
    )
    path.write_text(text)
    plain_course.release(course)
    assert autograde(course, "ada")["success"]
    assert grades(course, "ada")["shift-check"][0] == 0


# -- what must not be read ---------------------------------------------------------------------------------------------


def test_links_are_not_followed_when_files_are_copied(course, engine):
    """Plain nbgrader copies what a link points to into autograded/, where formgrader shows it."""
    folder = course / "submitted" / "bob" / UNIT
    (folder / "data.csv").symlink_to(course / "gradebook.db")
    (folder / "all").symlink_to(course / "source")
    os.mkfifo(folder / "pipe")
    (folder / "numpy.py").write_text("raise SystemExit")
    result = autograde(course, "bob")
    assert result["success"], result
    assert "data.csv is a link: left alone." in result["log"] and "pipe is a pipe (FIFO)" in result["log"]
    there = {path.name for path in (course / "autograded" / "bob" / UNIT).iterdir()}
    assert there == {"first.ipynb", "first.verdict.json"}


@pytest.mark.parametrize(
    ("name", "make", "says"),
    [
        ("timestamp.txt", os.mkfifo, "timestamp.txt is a pipe"),
        ("timestamp.txt", lambda path: path.symlink_to("/dev/zero"), "timestamp.txt is a link"),
        ("first.ipynb", lambda path: path.symlink_to("/etc/hostname"), "first.ipynb is a link"),
        ("first.ipynb", lambda path: path.write_bytes(b"\xff"), "is not UTF-8 text"),
        ("first.ipynb", lambda path: path.write_text('{"nbformat": 3, "worksheets": []}'), "has format 3"),
    ],
)
def test_a_refused_submission_leaves_the_others_and_the_gradebook(course, engine, name, make, says):
    folder = course / "submitted" / "ada" / UNIT
    (folder / name).unlink()
    make(folder / name)
    for force in (True, False) if name == "timestamp.txt" else (True,):  # nbgrader compares time stamps first
        (course / "autograded" / "ada" / UNIT).mkdir(parents=True, exist_ok=True)
        result = autograde(course, force=force)
        assert not result["success"] and says in result["log"]
    assert "ada" not in engine.graded and "bob" in engine.graded
    assert len([one for one in held(course) if one.startswith("{")]) == 1, "only bob is in the gradebook"


# -- never without the judge -------------------------------------------------------------------------------------------


def test_without_course_grader_nbgrader_fails(course):
    """A settings file that imported it would be skipped in silence, and plain nbgrader would grade on."""
    before = (course / "gradebook.db").read_bytes()
    program = "import sys; sys.modules['course_grader'] = None; from nbgrader.apps.nbgraderapp import main; main()"
    for command in (["autograde", UNIT], ["generate_feedback", UNIT]):
        done = subprocess.run(
            [sys.executable, "-c", program, *command],
            cwd=course,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode != 0 and "course_grader" in done.stderr
    assert (course / "gradebook.db").read_bytes() == before
    assert not (course / "autograded").exists() and not (course / "feedback").exists()


def test_without_the_exporter_nothing_is_executed(course, engine):
    """The second lock: somebody changes one of the settings only."""
    mark = course / "ran"
    answer = f"open({str(mark)!r}, 'w').close()\n{AREA}"
    hand_in(course, "ada", answered(released(course), area=answer))
    result = autograde(course, "ada", exporter_class="nbconvert.exporters.NotebookExporter")
    assert not result["success"] and "nbgrader would run first without the judge" in result["log"]
    assert engine.graded == [] and not mark.exists()
    assert {score for score, _, _ in grades(course, "ada").values()} <= {None, 0}


# -- in a browser ------------------------------------------------------------------------------------------------------

TINY = "07_tiny"
RIGHT = "def double(x):\n    return x + x\n\n\ndef halve(x):\n    return x / 2"
SCRIPT = """
from IPython.display import HTML, display
display(HTML("<script>window.stolen = 1</script><img src=x onerror='window.stolen = 2'>"))
print("<script>window.stolen = 3</script>")
"""


def submit(course, student, source):
    notebook = nbformat.read(course / "release" / TINY / f"{TINY}.ipynb", as_version=4)
    for cell in notebook.cells:
        if source and cell.metadata.get("nbgrader", {}).get("grade_id") == "double":
            cell.source = source
    path = course / "submitted" / student / TINY / f"{TINY}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)


def close_dialog(page, says):
    """Formgrader says in a dialog what it has done."""
    dialog = page.locator(".modal.show, .modal.in").first
    expect(dialog).to_contain_text(says, timeout=120_000)
    dialog.locator("button", has_text=re.compile("OK|Close|×")).first.click()
    expect(dialog).to_be_hidden()


def test_generate_autograde_and_feedback_are_clicked(tmp_path):
    course = tmp_path / "course"
    course.mkdir()
    tiny_course.make_course(course)
    build(TINY, course)
    home = tmp_path / "home"
    home.mkdir()
    with serving(course, home, "--formgrader") as address, browsing() as (page, _):
        page.goto(f"{address}/formgrader/manage_assignments")
        page.locator("tr", has_text=TINY).locator(".assign a").click()
        close_dialog(page, "Successfully created the student version")
        assert "hidden_values" not in (course / "release" / TINY / f"{TINY}.ipynb").read_text()
        submit(course, "ada", RIGHT)
        submit(course, "bob", "def double(x):\n    return x + 1\n\n\ndef halve(x):\n    return x / 2")
        submit(course, "eve", RIGHT + SCRIPT)
        page.goto(f"{address}/formgrader/manage_submissions/{TINY}")
        for student in ("ada", "bob", "eve"):
            row = page.locator("tr", has_text=student)
            expect(row).to_contain_text("needs autograding")
            row.locator(".autograde a").click()
            close_dialog(page, "Successfully autograded")
        for student, score in (("ada", "4 / 4"), ("bob", "1 / 4"), ("eve", "4 / 4")):
            expect(page.locator("tr", has_text=student).locator(".score")).to_have_text(score)
        screenshot(page, "formgrader-judged")
        for student in ("ada", "bob", "eve"):
            page.locator("tr", has_text=student).locator(".generate-feedback a").click()
            close_dialog(page, "Successfully generated feedback")
        _no_script_runs(page, address, course)
        grader = _engines(course)
        assert len(grader) > 0, "one engine lives in the server"
    html = (course / "feedback" / "bob" / TINY / f"{TINY}.html").read_text()
    assert "hidden_values" not in html and "Double and halve" in html
    assert [path.name for path in (course / "feedback" / "bob" / TINY).iterdir()] == [f"{TINY}.html"]
    assert _engines(course) == [], "it ended with the server"


def _no_script_runs(page, address, course):
    """The instructor's view of a submission, whose outputs hold scripts."""
    with plan.gradebook(plan.settings(course)) as book:
        submission = book.find_submission_notebook(TINY, TINY, "eve").id
    page.goto(f"{address}/formgrader/submissions/{submission}/")
    expect(page.locator("body")).to_contain_text("<script>window.stolen = 3</script>")
    assert page.evaluate("window.stolen") is None


def _engines(course):
    """Processes of ours that serve this course."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command, environment = (path / "cmdline").read_bytes(), (path / "environ").read_bytes()
            if b"course_grader.engine.prepared" in command and str(course).encode() in environment:
                found.append(path.name)
    return found
