"""Plans from a gradebook and a release: what they hold, and that they are refused when the two disagree."""

import shutil
import sqlite3

import nbformat
import plain_course
import pytest

from course_grader.contracts import GraderError
from course_grader.course import plan

pytestmark = pytest.mark.part("grader")
MEND = "run `nbgrader generate_assignment hw --force`"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return plain_course.make(tmp_path_factory.mktemp("course"))


@pytest.fixture
def course(original, tmp_path):
    """A copy that a test may spoil."""
    return shutil.copytree(original, tmp_path / "course")


def test_cells_stand_in_the_notebooks_order(original):
    made = plan.load(original, "hw", "first")
    assert [(cell.kind, cell.name, cell.points) for cell in made.cells] == [
        ("text", "", 0), ("setup", "setup", 0), ("example", "", 0), ("answer", "area", 0), ("test", "area-check", 1),
        ("test", "area-hidden", 3), ("example", "", 0), ("answer", "shift", 0), ("test", "shift-check", 2),
    ]  # fmt: skip
    assert [(one.answers, one.tests) for one in made.exercises()] == [([3], [4, 5]), ([7], [8])]
    assert {cell.cell_id for cell in made.cells} == {cell["id"] for cell in plain_course.FIRST}


def test_tests_hold_what_students_do_not_see_and_answers_hold_no_solution(original):
    cells = {cell.name: cell for cell in plan.load(original, "hw", "first").cells}
    hidden = cells["area-hidden"]
    assert "assert area(3) > 28" in hidden.source and hidden.released == "# more" and hidden.hidden
    assert not cells["area-check"].hidden
    assert "math.pi * r" not in cells["area"].source and "NotImplementedError" in cells["area"].source


def test_manual_answers_and_tasks(original):
    cells = {cell.name: cell for cell in plan.load(original, "hw", "second").cells}
    assert {name: (cell.kind, cell.cell_type, cell.points) for name, cell in cells.items()} == {
        "intro": ("text", "markdown", 0), "why": ("manual", "markdown", 4), "draw": ("manual", "code", 5),
        "essay": ("text", "markdown", 6),
    }  # fmt: skip
    assert "Because" not in cells["why"].source
    assert "1 point a word" in cells["essay"].source and "1 point a word" not in cells["essay"].released


def test_a_unit_of_several_notebooks_asks_which(original):
    assert plan.notebooks(plan.settings(original), "hw") == ["first", "second"]
    with pytest.raises(GraderError, match="Unit hw has the notebooks first, second: name one of them"):
        plan.load(original, "hw")


def test_settings_of_a_unit(course):
    text = 'c.CourseGrader.cpu_seconds_of = {"hw": 9}\nc.CourseGrader.no_added_cells = ["hw"]\n'
    with (course / "nbgrader_config.py").open("a") as file:
        file.write(text)
    made = plan.load(course, "hw", "first")
    assert (made.cpu_seconds, made.allow_added_cells, made.allow_student_process) == (9.0, False, False)
    with (course / "nbgrader_config.py").open("a") as file:
        file.write('c.CourseGrader.no_student_process = ["other"]\n')
    made = plan.load(course, "hw", "first")
    assert made.allow_student_process and made.reference.keys() == {c.name for c in made.cells if c.kind == "answer"}


def test_without_a_release_the_source_gives_the_order(course):
    with_release = plan.load(course, "hw", "first")
    shutil.rmtree(course / "release")
    assert plan.load(course, "hw", "first") == with_release
    shutil.rmtree(course / "source")
    with pytest.raises(GraderError, match="There is neither release/hw/first.ipynb nor source/hw/first.ipynb"):
        plan.load(course, "hw", "first")


# -- release and gradebook disagree ------------------------------------------------------------------------------------


def edited(course, edit):
    path = course / "release" / "hw" / "first.ipynb"
    notebook = nbformat.read(path, as_version=4)
    edit(notebook, plain_course.named(notebook))
    nbformat.write(notebook, path)


def retext(name, text):
    def edit(notebook, cells):
        cells[name].source = text

    return edit


def repoint(notebook, cells):
    cells["area-check"].metadata.nbgrader.points = 9


def delete(notebook, cells):
    notebook.cells.remove(cells["shift-check"])


def invent(notebook, cells):
    notebook.cells.append(plain_course.cell("setup", "new", "x = 1"))


def double(notebook, cells):
    notebook.cells.append(cells["setup"])


def unlock(notebook, cells):
    cells["setup"].metadata.nbgrader.update(locked=False, solution=True)


def rename(notebook, cells):
    cells["setup"].metadata.nbgrader.grade_id = "start"


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (retext("area-check", "assert True"), r"The cell area-check .* differ \(the text that students get\)"),
        (retext("area-hidden", "# more\nassert area(3) > 28"), "The cell area-hidden .* differ"),
        (retext("setup", "import math"), "The cell setup .* differ"),
        (retext("area", "def area(r): ..."), "The cell area .* differ"),
        (repoint, r"The cell area-check .* differ \(the points\)"),
        (delete, "The cell shift-check stands in the gradebook but not in release/hw/first.ipynb"),
        (invent, "The cell new stands in release/hw/first.ipynb but not in the gradebook"),
        (double, "The cell setup stands in release/hw/first.ipynb twice"),
        (unlock, "The cell setup .* differ"),
        (rename, "The cell start stands in release/hw/first.ipynb but not in the gradebook"),
    ],
)
def test_a_release_that_was_edited_is_refused(course, edit, says):
    edited(course, edit)
    with pytest.raises(GraderError, match=says) as refusal:
        plan.load(course, "hw", "first")
    assert MEND in str(refusal.value)


def database(course, statement):
    with sqlite3.connect(course / "gradebook.db") as connection:
        assert connection.execute(statement).rowcount == 1


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE source_cell SET source = 'pass' WHERE name = 'area-check'", "the text that students get"),
        ("UPDATE source_cell SET source = replace(source, '28', '27') WHERE name = 'area-hidden'", "the checksum"),
        ("UPDATE grade_cells SET max_score = 40 WHERE max_score = 3", "the points"),
        ("UPDATE source_cell SET cell_type = 'markdown' WHERE name = 'setup'", "one is code, the other text"),
        ("DELETE FROM source_cell WHERE name = 'setup'", "but not in the gradebook"),
    ],
)
def test_a_gradebook_that_was_edited_is_refused(course, statement, says):
    database(course, statement)
    with pytest.raises(GraderError, match=says) as refusal:
        plan.load(course, "hw", "first")
    assert MEND in str(refusal.value)


def test_hidden_tests_released_by_mistake_are_refused(course):
    """A release made without ClearHiddenTests: students have the hidden tests."""
    edited(course, lambda notebook, cells: cells.__getitem__("area-hidden").update(source=plain_course.FIRST[5].source))
    with pytest.raises(GraderError, match="area-hidden .* differ"):
        plan.load(course, "hw", "first")


# -- no course, no gradebook, no unit ----------------------------------------------------------------------------------


def test_what_is_missing_is_said(course, tmp_path):
    with pytest.raises(GraderError, match="There is no course folder"):
        plan.load(tmp_path / "nowhere", "hw")
    with pytest.raises(GraderError, match="knows no unit hw2: run `nbgrader generate_assignment hw2`"):
        plan.load(course, "hw2")
    (course / "gradebook.db").write_bytes(b"no database" * 100)
    with pytest.raises(GraderError, match="is no gradebook"):
        plan.load(course, "hw")
    (course / "gradebook.db").unlink()
    with pytest.raises(GraderError, match="There is no gradebook .*run `nbgrader generate_assignment UNIT`"):
        plan.load(course, "hw")
    assert not (course / "gradebook.db").exists(), "asking makes no empty gradebook"


def test_settings_that_fail_stop_grading(course):
    """nbgrader's command would go on without them, and grade without the judge."""
    with (course / "nbgrader_config.py").open("a") as file:
        file.write("import absent_package\n")
    with pytest.raises(GraderError, match="The settings in .*nbgrader_config.py fail: .*absent_package"):
        plan.load(course, "hw", "first")


def test_the_folder_one_stands_in_has_no_say(original, tmp_path, monkeypatch):
    (tmp_path / "nbgrader_config.py").write_text("c.CourseGrader.cpu_seconds = 99.0\n")
    monkeypatch.chdir(tmp_path)
    assert plan.load(original, "hw", "first").cpu_seconds == 5.0
