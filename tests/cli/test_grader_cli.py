"""`course-grader grade`: its table, its JSON, its refusals; and nbgrader's own course, graded by us and by nbgrader."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import plain_course
import pytest
from plain_course import UNIT, answered, grades, hand_in, named, released

from course_author.units.unit import ROOT
from course_grader.cli import main as cli
from course_grader.contracts import STUDENT, CellVerdict, GraderError, Verdict
from course_grader.course import plan
from course_grader.engine import engine as engines
from course_grader.engine import worker as work

pytestmark = pytest.mark.part("grader")
AREA = "def area(r):\n    return math.pi * r * r"
SHIFT = "def shift(x):\n    return x + base"


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One real engine for all tests here: starting it takes seconds."""
    with engines.Engine(tmp_path_factory.mktemp("none")) as engine:
        yield engine


TRIED = r"course-grader: The course's own answers to hw are tried first; this is kept until they change\.\n"


class Shared:
    """Stands for `Engine`; counts its starts."""

    real, starts = None, 0

    def __init__(self, course, isolation="full", **modules):
        Shared.asked_for = isolation

    def start(self):
        Shared.starts += 1
        return self

    def prepare(self, plan):
        Shared.real.prepare(plan)

    def grade(self, plan, submission, known=None):
        return Shared.real.grade(plan, submission, known)

    def close(self):
        pass


@pytest.fixture
def engine(shared, monkeypatch):
    Shared.real, Shared.starts = shared, 0
    monkeypatch.setattr(engines, "Engine", Shared)
    return Shared


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    course = plain_course.make(tmp_path_factory.mktemp("course"))
    hand_in(course, "ada", answered(released(course), area=AREA, shift=SHIFT), released(course, "second"))
    hand_in(course, "bob", answered(released(course), area="def area(r):\n    return 3 * r * r"))
    return course


@pytest.fixture
def course(original, tmp_path):
    return shutil.copytree(original, tmp_path / "course", symlinks=True)


def run(course, *arguments, unit=UNIT):
    """In this process, where the engine can be replaced; test_scale_run.py is about several."""
    return cli.main(["grade", unit, "--course", str(course), "--jobs", "1", *arguments])


# -- what it says ------------------------------------------------------------------------------------------------------


def test_a_table_for_people(course, engine, capsys):
    assert run(course) == 0
    out, err = capsys.readouterr()
    out = re.sub(r"\d\.\d\d s", "T", out)
    assert out.split("\n") == [
        "ada: 6 of 6 points",
        "  first",
        "  area   4/4  T",
        "  shift  2/2  T",
        "  second",
        "bob: 0 of 6 points",
        "  first",
        "  area   0/4  T  wrong       An assertion did not hold.",
        "  shift  0/2  T  unanswered  This exercise has not been answered yet.",
        "",
        "  exercise      mean  full points  commonest message",
        "  first: area    2/4          50%  An assertion did not hold. (1)",
        "  first: shift   1/2          50%  This exercise has not been answered yet. (1)",
        "",
        "hw: 2 graded",
        "",
    ]
    assert re.fullmatch(rf"{TRIED}1 of 2\n2 of 2, \d+ a minute, 0:00 left\n", err)
    assert grades(course, "ada")["area-hidden"] == (3, None, False)
    assert grades(course, "bob")["area-hidden"] == (0, None, False)
    assert engine.asked_for == "full"


def test_a_document_for_machines(course, engine, capsys):
    os.mkfifo(hand_in(course, "eve", released(course)) / "pipe")
    (hand_in(course, "sly", b"") / "first.ipynb").write_bytes(b"{}")
    assert run(course, "--json") == 1
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["unit"] == UNIT and list(found) == ["unit", "submissions", "exercises"]
    by_student = {one["student"]: one for one in found["submissions"]}
    assert {student: (one["status"], one.get("points")) for student, one in by_student.items()} == {
        "ada": ("graded", 6), "bob": ("graded", 0), "eve": ("graded", 0), "sly": ("refused", None),
    }  # fmt: skip
    assert by_student["sly"]["error"].endswith("first.ipynb: This file is no notebook: it has no nbformat.")
    first = by_student["bob"]["notebooks"][0]
    fields = ("name", "points", "max_points", "cause", "where")
    assert [tuple(cell[field] for field in fields) for cell in first["cells"]] == [
        ("area-check", 0, 1, "wrong", "judge"), ("area-hidden", 0, 3, "wrong", "judge"),
        ("shift-check", 0, 2, "unanswered", "judge"),
    ]  # fmt: skip
    assert all(isinstance(cell["cpu_s"], float) for cell in first["cells"])
    assert "pipe is a pipe (FIFO): left alone." in by_student["eve"]["notebooks"][0]["notes"]
    assert {one["exercise"]: one["mean"] for one in found["exercises"]} == {"area": 4 / 3, "shift": 2 / 3}
    assert "4 of 4" in err


def test_what_is_unchanged_is_not_run_again(course, engine, capsys):
    assert run(course) == 0 and engine.starts == 1
    hand_in(course, "bob", answered(released(course), shift=SHIFT))
    capsys.readouterr()
    assert run(course) == 0
    out = capsys.readouterr().out
    assert "ada: 6 of 6 points  (unchanged since it was graded)" in out
    assert "bob: 2 of 6 points\n" in out and "hw: 1 graded, 1 unchanged" in out
    assert run(course) == 0 and engine.starts == 2, "nothing to grade: no engine"
    assert run(course, "--regrade", "--student", "ada") == 0 and engine.starts == 3
    assert capsys.readouterr().out.endswith("hw: 1 graded\n")


def test_tests_judged_beside_the_answers_are_named(course):
    loaded = {"first": plan.load(course, UNIT, "first")}
    found = [CellVerdict("area-check", 1, 1, where=STUDENT), CellVerdict("area-hidden", 0, 3, "time", "Too slow.")]
    verdict = Verdict(UNIT, "first", "ada", [*found, CellVerdict("shift-check", 2, 2)], notes=["A remark."])
    assert cli.table({"student": "ada", "verdicts": [verdict], "again": True}, loaded).split("\n") == [
        "ada: 3 of 6 points",
        "  area   1/4  0.00 s  time  [area-check: graded in the student's process] Too slow.",
        "  shift  2/2  0.00 s",
        "  - A remark.",
    ]


def test_nothing_of_a_student_steers_the_terminal(course, engine, capsys):
    evil = 'def area(r):\n    raise ValueError("\\x1b[2Jcleared\\n\\u202e")'
    hand_in(course, "x\x1b[31m", answered(released(course), area=evil))
    hand_in(course, "eve", answered(released(course), area=evil))
    assert run(course) == 1
    out = capsys.readouterr().out
    assert "eve: 0 of 6 points" in out
    assert "x [31m: not graded\n  - x?[31m is no student id (an id has at most 128 letters" in out
    assert "\x1b" not in out and "\u202e" not in out


# -- refusals ----------------------------------------------------------------------------------------------------------


def state(course):
    """Everything that grading may change."""
    with plan.gradebook(plan.settings(course)) as book:
        there = [(one.student.id, one.score) for one in book.assignment_submissions(UNIT)]
    return there, sorted(path.name for path in (course / "autograded").rglob("*"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--student", "zoe"], "There is no submission of 'zoe' for hw."),
        (["--student", "../bob"], "There is no submission of '../bob' for hw."),
        (["--student", "*"], "There is no submission of '*' for hw."),
        (["--course", "/nowhere"], "There is no course folder /nowhere."),
    ],
)
def test_wrong_requests_are_one_sentence(course, engine, capsys, arguments, says):
    assert run(course, *arguments) == 2
    assert capsys.readouterr() == ("", f"course-grader: {says}\n")
    assert engine.starts == 0 and state(course) == ([], [])


def test_units_that_cannot_be_graded(course, engine, capsys):
    assert run(course, unit="hw2") == 2
    assert "The gradebook knows no unit hw2: run `nbgrader generate_assignment hw2`." in capsys.readouterr().err
    shutil.rmtree(course / "submitted")
    assert run(course, "--json") == 2
    out, err = capsys.readouterr()
    assert json.loads(out)["error"] in err and "There are no submissions for hw: collect them" in err


def test_wrong_arguments_end_in_usage(capsys):
    for arguments in ([], ["grade"], ["nonsense"], ["grade", "u", "--isolation", "half"]):
        with pytest.raises(SystemExit) as end:
            cli.main(arguments)
        assert end.value.code == 2
    with pytest.raises(SystemExit) as end:
        cli.main(["grade", "--help"])
    assert end.value.code == 0 and "Exit status" in capsys.readouterr().out


def test_a_sandbox_that_does_not_hold_stops_everything(course, capsys, monkeypatch):
    def refuse(*_):
        raise GraderError("A probe got through: install it.")

    monkeypatch.setattr(engines.gate, "check_or_refuse", refuse)
    assert run(course) == 2
    assert capsys.readouterr().err.endswith("course-grader: A probe got through: install it.\n")
    assert state(course) == ([], [])


def test_what_cannot_be_graded_is_named_and_the_others_are_graded(course, engine, capsys):
    (hand_in(course, "link", b"") / "first.ipynb").unlink()
    (course / "submitted" / "link" / UNIT / "first.ipynb").symlink_to(course / "source" / UNIT / "first.ipynb")
    (hand_in(course, "clock", released(course)) / "timestamp.txt").write_text("never")
    hand_in(course, "empty")
    (course / "submitted" / "outside").symlink_to(course / "submitted" / "ada")
    (course / "submitted" / "far").mkdir()
    (course / "submitted" / "far" / UNIT).symlink_to(course / "submitted" / "ada" / UNIT)
    (course / "submitted" / ".replaced" / UNIT).mkdir(parents=True)
    (course / "submitted" / "README.md").write_text("no student")
    assert run(course) == 1
    out = re.sub(r"\n +", " ", capsys.readouterr().out)
    assert re.search(r"link: not graded - .*first.ipynb is a link: only a regular file is graded", out)
    assert re.search(r"clock: not graded - .*timestamp.txt holds no time", out)
    assert re.search(r"empty: not graded - .* holds no notebook of hw", out)
    assert re.search(r"outside: not graded - There is no submission of outside", out)
    assert re.search(r"far: not graded - There is no submission of far", out)
    end = out.partition("hw: 2 graded, 5 not graded")[2]
    assert re.findall(r"- (\w+): ", end) == ["clock", "empty", "far", "link", "outside"], "each with its cause"
    assert "link: " in end and "first.ipynb is a link" in end
    assert [name for name, _ in state(course)[0]] == ["ada", "bob"]


def test_a_fault_in_one_submission_leaves_the_others(course, engine, capsys, monkeypatch):
    def grade(self, plan, submission, known=None):
        if submission.student == "ada":
            raise GraderError("The prepared process has died: grade again.")
        return Shared.real.grade(plan, submission)

    monkeypatch.setattr(Shared, "grade", grade)
    assert run(course) == 1
    assert "ada: not graded\n  - The prepared process has died: grade again." in capsys.readouterr().out
    assert [name for name, _ in state(course)[0]] == ["bob"]


def test_stopped_by_hand_keeps_what_is_graded(course, engine, capsys, monkeypatch):
    def grade(self, plan, submission, known=None):
        if submission.student == "bob":
            raise KeyboardInterrupt
        return Shared.real.grade(plan, submission)

    monkeypatch.setattr(Shared, "grade", grade)
    assert run(course) == 130
    assert "What was graded so far is recorded" in capsys.readouterr().err
    assert state(course)[0] == [("ada", 6)]


def test_isolation_none_must_be_typed(course, engine):
    assert run(course, "--student", "ada") == 0 and engine.asked_for == "full"
    assert run(course, "--regrade", "--student", "ada", "--isolation", "none") == 0 and engine.asked_for == "none"


def test_as_a_module_in_a_process_of_its_own(course):
    """The whole way once, sandbox and probes included: nothing but JSON on stdout, and no process left behind."""
    command = [sys.executable, "-m", "course_grader", "grade", UNIT, "--json", "--student", "ada"]
    surroundings = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=course, env=surroundings, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["submissions"][0]["points"] == 6
    assert re.fullmatch(rf"{TRIED}1 of 1\n", done.stderr)
    assert not [line for line in _processes() if str(course) in line]


def _processes():
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            environment = (path / "environ").read_bytes() + (path / "cmdline").read_bytes()
            if path.name != str(os.getpid()):
                yield environment.decode(errors="replace")


# -- nbgrader's own course ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
    """nbgrader's quickstart course, released, with the two submissions of nbgrader's user guide."""
    return plain_course.quickstart(tmp_path_factory.mktemp("quickstart"))


def test_nbgraders_own_course_gets_the_points_that_nbgrader_gives(quickstart, engine, capsys):
    stock = shutil.copytree(quickstart, quickstart.with_name("stock"))
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", "ps1"],
        cwd=stock, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert run(quickstart, "--json", unit="ps1") == 0
    report = json.loads(capsys.readouterr().out)
    for student in ("bitdiddle", "hacker"):
        ours, theirs = grades(quickstart, student, "ps1"), grades(stock, student, "ps1")
        assert ours == theirs and len(ours) == 9
        assert plain_course.comments(quickstart, student, "ps1") == plain_course.comments(stock, student, "ps1")
    assert {score for score, _, _ in grades(quickstart, "bitdiddle", "ps1").values()} >= {0, 0.5, None}
    judged = {
        (one["student"], cell["name"]): cell["where"]
        for one in report["submissions"]
        for book in one["notebooks"]
        for cell in book["cells"]
    }
    assert judged["hacker", "correct_squares"] == "judge"
    assert judged["hacker", "sum_of_squares_uses_squares"] == STUDENT, "it deletes a function and expects a NameError"
    kept = json.loads(plan.settings(quickstart).verdict_file("hacker", "ps1", "problem1").read_text())
    assert STUDENT in {cell["where"] for cell in kept["cells"]}
    there = quickstart / "autograded" / "hacker" / "ps1"
    assert (there / "jupyter.png").read_bytes() == (quickstart / "source" / "ps1" / "jupyter.png").read_bytes()
    book = named(plain_course.nbformat.read(there / "problem1.ipynb", as_version=4))
    assert "hypotenuse" in book["sum_of_squares_application"].source


# -- the early start ---------------------------------------------------------------------------------------------------


def guessed(course, *arguments):
    """Isolation of the engine that is started before the settings are known; None if none is."""
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(work, "start", lambda *settings: found.append(settings))
        cli._start_early(cli.parser().parse_args(["grade", UNIT, "--course", str(course), *arguments]))
    if not found:
        return None
    ((folder, isolation, libraries),) = found
    assert (folder, libraries) == (str(course), ())
    return isolation


def test_the_engine_is_started_early_where_it_will_probably_be_needed(course, engine):
    assert guessed(course) == "full"
    assert guessed(course, "--isolation", "none") == "none"
    assert guessed(course, "--student", "bob") == "full"
    assert guessed(course, "--student", "zoe") is None
    assert guessed(course, "--cluster", "tcp://127.0.0.1:9") is None
    assert guessed(course.with_name("nowhere")) is None
    run(course)
    assert guessed(course) is None, "all is graded"
    assert guessed(course, "--regrade") == "full"
    assert guessed(course, "--student", "ada", "--regrade") == "full"


@pytest.mark.parametrize(
    "line",
    ["c.CourseGrader.libraries = ['numpy']", "c.CourseGrader.isolation = 'none'", "c.CourseDirectory.root = '/x'"],
)
def test_nothing_is_guessed_where_the_settings_speak_of_it(course, line):
    path = course / "nbgrader_config.py"
    path.write_text(path.read_text() + f"\n{line}\n")
    assert guessed(course) is None


def test_an_engine_for_other_settings_is_ended(course, engine, capsys, monkeypatch):
    """The settings say it in a way that the guess cannot read."""
    path = course / "nbgrader_config.py"
    path.write_text(path.read_text() + "\nsetattr(c.CourseGrader, 'isola' + 'tion', 'none')\n")
    events = []
    monkeypatch.setattr(engine, "start", lambda self: events.append(f"start {self.asked_for}"))
    monkeypatch.setattr(engine, "close", lambda self: events.append(f"close {self.asked_for}"))
    monkeypatch.setattr(engine, "__init__", lambda self, course, isolation, **_: setattr(self, "asked_for", isolation))
    assert run(course) == 0
    assert events == ["start full", "close full", "start none", "close none"]
