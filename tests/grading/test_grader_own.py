"""The course's own answers come first: a broken test or setup cell takes points from nobody, by whichever door."""

import json
import shutil

import plain_course
import pytest
import scale_class
from nbgrader.apps import NbGraderAPI
from plain_course import UNIT, answered, cell, hand_in, released
from scale_class import CELLS, KINDS, LIGHT
from traitlets.config import Config

from course_author.units import release
from course_author.units.unit import UnitError
from course_grader.cli import main as cli
from course_grader.contracts import BadUnit, GraderError, Plan, PlanCell, Submission
from course_grader.course import plan
from course_grader.engine.engine import Engine
from course_grader.grading import own_answers as own
from course_grader.judging import fingerprint as keys

pytestmark = pytest.mark.part("grader")
TRIED = "The course's own answers to hw are tried first"


def make(folder, *changed, config=""):
    """The small course with some cells changed, and ada's right answers handed in."""
    changed = {one.id: one for one in changed}
    course = plain_course.make(folder, {"first": [changed.get(one.id, one) for one in CELLS]}, LIGHT + config)
    hand_in(course, "ada", answered(released(course), **KINDS["right"][0]))
    return course


def hidden(*lines):
    return cell("test", "double-hidden", scale_class.HIDDEN.format("\n".join(lines)), 3)


def setup(source):
    return cell("setup", "setup", source)


def graded(course, capsys):
    """(exit status, stdout, stderr) of `course-grader grade`."""
    status = cli.main(["grade", UNIT, "--course", str(course), "--jobs", "1"])
    return status, *capsys.readouterr()


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return make(tmp_path_factory.mktemp("own") / "course")


@pytest.fixture
def course(original, tmp_path):
    return shutil.copytree(original, tmp_path / "course")


# -- tests -------------------------------------------------------------------------------------------------------------

BROKEN = {
    "a wrong value": ('check.hidden.equal(double(-3), 6, what="double")', "CheckFailed: double"),
    "a check that is none": ("check.near(double(2), 4)", "has no attribute 'near'"),
    "a name that is none": ("assert doubled(2) == 4", "name 'doubled' is not defined"),
    "no Python": ("assert double(2) = 4", "SyntaxError"),
    "a bare assert": ("assert double(2) == 5", "[line 2: assert double(2) == 5]"),
    "a test without an end": ("while True: pass", "OutOfTime"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_test_stops_the_run_and_is_named(fault, tmp_path, capsys):
    line, says = BROKEN[fault]
    course = make(tmp_path / "course", hidden(line), config="c.CourseGrader.cpu_seconds = 0.3\n")
    status, out, err = graded(course, capsys)
    assert status == 2 and "ada" not in out
    assert "lose points, so nobody is graded: double-hidden gives 0 of 3 points (" in err and says in err
    assert not (course / "autograded").exists()
    assert not (course / own.KEPT).exists(), "only what passed is kept"
    with plan.gradebook(plan.settings(course)) as book:
        assert book.assignment_submissions(UNIT) == []


def test_all_that_fail_are_named_and_a_long_list_is_cut(tmp_path, capsys):
    wrong = [cell("test", f"more-{n}", "assert double(1) == 3", 1) for n in range(8)]
    course = plain_course.make(tmp_path / "course", {"first": [*CELLS[:4], *wrong, *CELLS[4:]]}, LIGHT)
    hand_in(course, "ada", released(course))
    status, _, err = graded(course, capsys)
    assert status == 2 and "more-0 gives 0 of 1 points" in err and "more-5" not in err and "; 3 more." in err


def test_a_document_for_machines_says_so(tmp_path, capsys):
    course = make(tmp_path / "course", hidden("check.near(double(2), 4)"))
    assert cli.main(["grade", UNIT, "--course", str(course), "--json"]) == 2
    said = json.loads(capsys.readouterr().out)
    assert said["submissions"] == [] and "double-hidden gives 0 of 3" in said["error"]


# -- setup cells -------------------------------------------------------------------------------------------------------

IMPORTS = "import math\nimport random\n\nfrom course_utils import check\n"
FAILING = {
    "a file beside the notebook": ("rows = open('d.csv').read()", "FileNotFoundError: [Errno 2] No such file"),
    "a module beside the notebook": ("import helper_of_hw", "ModuleNotFoundError: No module named 'helper_of_hw'"),
    "a front end": ("%matplotlib nowhere", "nowhere"),
    "an exit": ("raise SystemExit(3)", "SystemExit: 3"),
    "no Python": ("def f(:", "SyntaxError"),
    "top-level await": ("import asyncio\nawait asyncio.sleep(0)", "SyntaxError"),
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with Engine(tmp_path_factory.mktemp("none"), libraries=["IPython", "course_utils.check"]) as engine:
        yield engine


def verdict(engine, setup, test="assert double(-3) == -6"):
    """The verdict on a right answer, of a plan with this setup cell and this test."""
    cells = PlanCell("setup", "setup", setup, setup), PlanCell("answer", "double", "", "")
    made = Plan("hw", "first", (*cells, PlanCell("test", "double-check", test, test, points=1.0)), 5.0, True, False)
    return engine.grade(made, Submission("ada", {"double": "def double(x):\n    return x + x"}))


@pytest.mark.parametrize("fault", FAILING)
def test_a_setup_cell_that_cannot_run_where_the_judge_is_has_its_own_sentence(fault, engine):
    line, says = FAILING[fault]
    with pytest.raises(BadUnit) as refused:
        verdict(engine, IMPORTS + line)
    said = str(refused.value)
    assert said.startswith("Grading cannot start: the setup cell 'setup' does not run where the tests are judged (")
    assert says in said and "without the files beside the notebook" in said


def test_a_setup_cell_that_starts_a_thread_has_its_own_sentence(engine):
    line = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    with pytest.raises(BadUnit, match="the setup cells leave 1 threads behind"):
        verdict(engine, IMPORTS + line)


def test_a_setup_cell_that_cannot_run_stops_the_run(tmp_path, capsys):
    status, out, err = graded(make(tmp_path / "course", setup(IMPORTS + "open('d.csv')")), capsys)
    assert status == 2 and "ada" not in out and "the setup cell 'setup' does not run" in err


def test_without_own_answers_the_setup_cell_stops_the_run_all_the_same(tmp_path, capsys):
    course = make(tmp_path / "course", setup(IMPORTS + "open('d.csv')"))
    shutil.rmtree(course / "source")
    status, out, err = graded(course, capsys)
    assert status == 2 and "the setup cell 'setup' does not run" in err and "ada" not in out


MAGICS = {
    "inline figures": ("%matplotlib inline", ""),
    "their resolution": ("%config InlineBackend.figure_format = 'retina'", ""),
    "a reload": ("%load_ext autoreload\n%autoreload 2", ""),
    "a shell": ("!ls > /dev/null", ""),
    "what a shell says": ("said = !echo 4", "assert said == ['4']"),
    "help": ("math.floor?", ""),
    "a timed statement": ("%time four = 4", "assert four == 4"),
    "an environment": ("%env COLOUR=blue", ""),
}


@pytest.mark.parametrize("magic", MAGICS)
def test_magics_in_setup_cells_work(magic, engine):
    """A test uses what they bind, on the judge's side."""
    line, used = MAGICS[magic]
    assert verdict(engine, IMPORTS + line, f"{used or 'pass'}\nassert double(-3) == -6").points == 1


def test_a_cell_magic_in_a_setup_cell_works(engine):
    made = "%%capture printed\n" + IMPORTS + "print('not shown')\nfour = 4"
    assert verdict(engine, made, "assert double(2) == four").points == 1


# -- once for each release ---------------------------------------------------------------------------------------------


def test_they_are_tried_once(course, capsys, monkeypatch):
    assert TRIED in graded(course, capsys)[2]
    hand_in(course, "bob", answered(released(course), **KINDS["right"][0]))
    assert TRIED not in graded(course, capsys)[2]
    monkeypatch.setattr(keys, "grader_version", lambda: "another")
    assert TRIED in graded(course, capsys)[2], "another grader may judge otherwise"


@pytest.mark.parametrize("changed", ["answer", "test", "settings", "kept"])
def test_whatever_changes_they_are_tried_again(changed, course, capsys):
    assert graded(course, capsys)[0] == 0
    source, config = course / "source" / UNIT / "first.ipynb", course / "nbgrader_config.py"
    if changed == "answer":
        source.write_text(source.read_text().replace("return 2 * x", "return x + x"))
    elif changed == "test":
        source.write_text(source.read_text().replace("double(-3), -6", "double(-4), -8"))
        plain_course.release(course)
    elif changed == "settings":
        config.write_text(config.read_text() + "\nc.CourseGrader.cpu_seconds = 4\n")
    else:
        (course / own.KEPT).write_text("no JSON")
    status, _, err = graded(course, capsys)
    assert status == 0 and TRIED in err


def test_an_own_answer_that_was_broken_later_is_found(course, capsys):
    assert graded(course, capsys)[0] == 0
    source = course / "source" / UNIT / "first.ipynb"
    source.write_text(source.read_text().replace("return 2 * x", "return 3 * x"))
    status, _, err = graded(course, capsys)
    assert status == 2 and "double-check gives 0 of 1" in err


@pytest.mark.parametrize(("lost", "says"), [("folder", "is not here"), ("answer", "has no answer 'double'")])
def test_without_own_answers_it_is_said_and_graded_on(lost, says, course, capsys):
    source = course / "source" / UNIT / "first.ipynb"
    if lost == "folder":
        shutil.rmtree(course / "source")
    else:
        source.write_text(source.read_text().replace('"grade_id": "double",', '"grade_id": "other",'))
    status, out, err = graded(course, capsys)
    assert status == 0 and "ada: 7 of 7 points" in out
    assert "cannot be tried (source/hw/first.ipynb " in err and says in err and "take points from everybody" in err


# -- when a unit is released -------------------------------------------------------------------------------------------

HOOKED = 'c.GenerateAssignment.exporter_class = "course_grader.nbgrader_plugin.TriedExporter"\n'


def generated(course):
    """What formgrader's Generate button does."""
    (course / "nbgrader_config.py").open("a").write(HOOKED)
    settings = plan.settings(course)
    return NbGraderAPI(settings.coursedir, config=Config(settings.config)).generate_assignment(UNIT)


def test_a_release_tries_them_so_that_the_first_grading_need_not(course, capsys):
    result = generated(course)
    assert result["success"], result
    assert TRIED not in graded(course, capsys)[2]


def test_a_release_with_a_broken_test_says_so(course):
    source = course / "source" / UNIT / "first.ipynb"
    source.write_text(source.read_text().replace("double(-3), -6", "double(-3), 6"))
    result = generated(course)
    assert not result["success"] and "double-hidden gives 0 of 3 points" in result["log"]


def test_a_machine_that_cannot_judge_may_release(course, monkeypatch):
    from course_grader.sandbox import gate

    def refuse(*_):
        raise GraderError("no user namespaces here")

    monkeypatch.setattr(gate, "check_or_refuse", refuse)
    result = generated(course)
    assert result["success"] and "are tried when it is first graded (no user namespaces here)" in result["log"]


def test_make_release_tries_them(course):
    assert release.try_own_answers([UNIT], course) == ""
    source = course / "source" / UNIT / "first.ipynb"
    source.write_text(source.read_text().replace("return 2 * x", "return 3 * x"))
    with pytest.raises(UnitError, match="double-check gives 0 of 1"):
        release.try_own_answers([UNIT], course)
