"""A made-up class, graded by the judge through nbgrader: the points are the ones that the answers deserve."""

import contextlib
import io
import json
import re
import sqlite3

import nbformat
import pytest
import small_course

from course_author.proof import demo
from course_author.proof.demo import DemoError
from course_author.units.text import load_unit
from course_author.units.unit import ROOT, graded

pytestmark = pytest.mark.part("grader")


@pytest.fixture(scope="module")
def graded_class(tmp_path_factory):
    """The small course with its class of twelve, graded once; what the command printed; its exit status."""
    course = small_course.make(tmp_path_factory.mktemp("course"))
    with pytest.MonkeyPatch.context() as patch:
        printed = []
        patch.setattr("builtins.print", lambda *words, **_: printed.append(" ".join(map(str, words))))
        status = demo.main(["--students", "12", "--root", str(course)])
    return course, "\n".join(printed), status


def test_points_are_as_expected_and_feedback_is_there(graded_class):
    course, printed, status = graded_class
    assert status == 0, printed
    assert "grading 12 of 12, mistake-02" in printed
    assert len(list((course / "demo" / "feedback").glob("*/01_small/01_small.html"))) == 12
    assert "make formgrader COURSE=demo" in printed


@pytest.mark.parametrize(
    ("student", "standardize", "count_above"),
    [
        ("ada-perfect", 4, 4),
        ("ben-other-methods", 4, 4),
        ("cleo-blank", 0, 0),
        ("dan-half-done", 4, 0),
        ("eva-warnings", 4, 4),
        ("fay-prints", 4, 4),
        ("gus-edited-tests", 0, 0),
        ("hal-syntax-error", 0, 4),
        ("ivy-deleted-test", 0, 4),
        ("jon-deleted-answer", 0, 4),
    ],
)
def test_each_manner_of_handing_in_gets_what_it_deserves(graded_class, student, standardize, count_above):
    """The same by hand, for the manners whose points anybody can say: `demo` must not merely agree with itself."""
    course, _, _ = graded_class
    given = demo.given_points(course / "demo", load_unit("01_small", course))[student]
    assert {slug: sum(points) for slug, points in given.items()} == {
        "standardize": standardize,
        "count-above": count_above,
    }


def test_submissions_are_what_their_names_say(graded_class):
    course, _, _ = graded_class

    def cells(student):
        path = course / "demo" / "submitted" / student / "01_small" / "01_small.ipynb"
        return {
            cell.metadata.nbgrader.grade_id: cell
            for cell in nbformat.read(path, 4).cells
            if "nbgrader" in cell.metadata
        }

    assert "NotImplementedError" in cells("cleo-blank")["standardize"].source
    assert "sys.stderr" in cells("eva-warnings")["standardize"].source
    assert cells("gus-edited-tests")["standardize-hidden"].source == "pass"
    assert "standardize-hidden" not in cells("ivy-deleted-test")
    assert "standardize" not in cells("jon-deleted-answer")


def test_hidden_tests_are_not_handed_out(graded_class):
    course, _, _ = graded_class
    assert "default_rng(5)" in (course / "demo" / "source" / "01_small" / "01_small.ipynb").read_text()
    for path in [*(course / "demo" / "release").rglob("*"), *(course / "demo" / "submitted").rglob("*")]:
        assert not path.is_file() or "default_rng(5)" not in path.read_text()


def test_warnings_come_when_the_tests_call(graded_class):
    """Else eva's points would say nothing about stderr: nbgrader looks at the graded cells only."""
    course, _, _ = graded_class
    path = course / "demo" / "submitted" / "eva-warnings" / "01_small" / "01_small.ipynb"
    source = next(cell.source for cell in nbformat.read(path, 4).cells if cell.id == "count-above")
    namespace, noise = {}, io.StringIO()
    with contextlib.redirect_stderr(noise):
        exec("import numpy as np\n" + source, namespace)
        assert noise.getvalue() == ""
        namespace["count_above"]([1, 2], 1)
    assert noise.getvalue() == "debugging count_above\n"


def test_a_difference_is_an_error(graded_class, capsys):
    course, _, _ = graded_class
    path = course / "demo" / demo.EXPECTED
    before = path.read_text()
    expected = json.loads(before)
    expected["01_small"]["ada-perfect"]["standardize"] = [1, 0]
    path.write_text(json.dumps(expected))
    try:
        assert demo.main(["--compare", "--root", str(course)]) == 1
    finally:
        path.write_text(before)
    out = capsys.readouterr().out
    assert re.search(r"^ada-perfect +1/4! +4/4 +html$", out, re.MULTILINE)
    assert "1 differences (marked !)" in out


def test_a_changed_grade_or_lost_feedback_is_an_error(graded_class, capsys):
    course, _, _ = graded_class
    database = sqlite3.connect(course / "demo" / "gradebook.db")
    with database:
        before = database.execute("SELECT id, auto_score FROM grade WHERE auto_score = 3 LIMIT 1").fetchone()
        database.execute("UPDATE grade SET auto_score = 2 WHERE id = ?", before[:1])
    feedback = course / "demo" / "feedback" / "cleo-blank" / "01_small" / "01_small.html"
    feedback.rename(feedback.with_suffix(".away"))
    try:
        assert demo.main(["--compare", "--root", str(course)]) == 1
    finally:
        with database:
            database.execute("UPDATE grade SET auto_score = 3 WHERE id = ?", before[:1])
        database.close()
        feedback.with_suffix(".away").rename(feedback)
    out = capsys.readouterr().out
    assert "4/3!" in out
    assert re.search(r"^cleo-blank .*missing!$", out, re.MULTILINE)
    assert "2 differences" in out


# -- without nbgrader ------------------------------------------------------------------------------------------------


@pytest.fixture
def course(tmp_path):
    return small_course.make(tmp_path)


def test_a_folder_of_somebody_else_stays(course):
    (course / "demo").mkdir()
    (course / "demo" / "thesis.txt").write_text("mine")
    with pytest.raises(DemoError, match="was not made by this command, so it stays: choose another folder"):
        demo.main(["--root", str(course)])
    assert (course / "demo" / "thesis.txt").read_text() == "mine"


def test_a_class_of_ours_is_made_anew(course):
    units = [load_unit("01_small", course)]
    demo.make_course(course / "demo", units, course)
    (course / "demo" / "old.txt").write_text("of the last time")
    demo.make_course(course / "demo", units, course)
    assert not (course / "demo" / "old.txt").exists()


def test_plain_nbgrader_grades_the_class_when_asked(course):
    units = [load_unit("01_small", course)]
    for stock, name in ((False, "nbgrader_config.py"), (True, "stock_config.py")):
        demo.make_course(course / "demo", units, course, stock=stock)
        assert (course / "demo" / "nbgrader_config.py").read_bytes() == (ROOT / name).read_bytes()


@pytest.mark.full
def test_plain_nbgrader_gives_the_same_points(course):
    """The same class without the judge: every manner of handing in is honest enough for plain nbgrader."""
    assert demo.main(["--students", "12", "--stock", "--root", str(course)]) == 0
    assert not list((course / "demo").rglob("*.verdict.json"))


def test_every_wrong_answer_is_handed_in_by_somebody(course):
    unit = load_unit("01_small", course)
    pupils = demo.students(None, mistakes=8)
    assert len(pupils) == 18
    for i, exercise in enumerate(graded(unit)):
        bank = demo.read_bank(unit.name, exercise.slug, course)
        written = {pupil.answer(i, exercise, bank) for pupil in pupils}
        assert {answer.source for answer in bank if not answer.right} <= written
        assert {answer.source for answer in bank if answer.right} & written


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--students", "3"], "A class has at least 12 students here, not 3"),
        (["--compare"], "holds no demo class to compare: run `make demo` first"),
        (["02_none"], "There is no unit '02_none'"),
    ],
)
def test_bad_requests_are_one_sentence(course, arguments, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        demo.main([*arguments, "--root", str(course)])


def test_unbuilt_notebook_is_one_sentence(course):
    (course / "source" / "01_small" / "01_small.ipynb").unlink()
    with pytest.raises(DemoError, match=r"01_small\.ipynb is missing: run `make source` first"):
        demo.main(["--root", str(course)])
