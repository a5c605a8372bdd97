"""Each grading setting, seen at work on a submission that needs it; and the same points with the judge and without."""

import shutil
import sqlite3
from html.parser import HTMLParser

import nbformat
import pytest
import small_course
from traitlets.config.loader import PyFileConfigLoader

from course_author.proof.demo import DemoError, given_points, nbgrader
from course_author.units.release import generate
from course_author.units.text import load_unit
from course_author.units.unit import ROOT

pytestmark = pytest.mark.part("grader")

WARNS = """\
import warnings, sys
def count_above(values, limit):
    warnings.warn("deprecated")
    print("on stderr", file=sys.stderr)
    return sum(value > limit for value in values)
"""
RIGHT = "def count_above(values, limit):\n    return sum(value > limit for value in values)\n"
WRONG = "def count_above(values, limit):\n    return 0\n"
LOOPS = "def count_above(values, limit):\n    while True:\n        pass\n"
SCRIPT = """\
from IPython.display import HTML, Javascript, Markdown, SVG, display
display(HTML("<b>shown</b><script>steal('html')</script><img src=x onerror=steal('attribute')>"))
display(Markdown("<script>steal('markdown')</script>[link](javascript:steal('link'))"))
display(SVG("<svg xmlns='http://www.w3.org/2000/svg'><script>steal('svg')</script></svg>"))
display(Javascript("steal('javascript')"))
"""
STANDARDIZE = small_course.STANDARDIZE


def course_with(folder, submissions, config="", settings="stock_config.py"):
    """A released small course with submissions (student -> function that edits the released notebook)."""
    small_course.make(folder, bank=False)
    shutil.copy(ROOT / settings, folder / "nbgrader_config.py")
    with (folder / "nbgrader_config.py").open("a") as file:
        file.write(config)
    generate(small_course.UNIT, folder)
    for student, edit in submissions.items():
        notebook = nbformat.read(folder / "release" / small_course.UNIT / f"{small_course.UNIT}.ipynb", as_version=4)
        cells = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in notebook.cells}
        cells["standardize"].source = STANDARDIZE
        edit(notebook, cells)
        path = folder / "submitted" / student / small_course.UNIT / f"{small_course.UNIT}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)
    return folder


def answers(source):
    def edit(notebook, cells):
        cells["count-above"].source = source

    return edit


def deletes(source, *names):
    """Answer, then delete cells."""

    def edit(notebook, cells):
        cells["count-above"].source = source
        notebook.cells = [cell for cell in notebook.cells if cell not in [cells[name] for name in names]]

    return edit


SUBMISSIONS = {
    "warns": answers(WARNS),
    "deleted-test": deletes(WRONG, "count-above-hidden"),
    "deleted-both": deletes(RIGHT, "count-above-check", "count-above-hidden"),
    "deleted-answer": deletes(RIGHT, "count-above"),
    "scripts": answers(RIGHT + SCRIPT),
}
SHORT = "\nc.Execute.timeout = 3  # else each endless cell waits its 30 s\n"


class _Active(HTMLParser):
    """Collects what a browser would run: scripts of the student, event handlers, javascript: links."""

    def __init__(self):
        super().__init__()
        self.found, self._in_script = [], False

    def handle_starttag(self, tag, attributes):
        self._in_script = tag == "script"
        for name, value in attributes:
            if name.startswith("on") or (value or "").strip().lower().startswith("javascript:"):
                self.found.append(f"{tag} {name}={value}")

    def handle_endtag(self, tag):
        self._in_script = False

    def handle_data(self, text):
        if self._in_script and "steal" in text:
            self.found.append(f"script {text}")


def active_parts(html):
    parser = _Active()
    parser.feed(html)
    return parser.found


def points(folder):
    unit = load_unit(small_course.UNIT, folder)
    nbgrader(folder, "autograde", unit)
    return given_points(folder, unit)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = course_with(tmp_path_factory.mktemp("course"), SUBMISSIONS)
    home = folder / "submitted" / "warns" / small_course.UNIT
    (home / ".ipynb_checkpoints").mkdir()
    shutil.copy(home / f"{small_course.UNIT}.ipynb", home / ".ipynb_checkpoints" / "old.ipynb")
    (home / ".DS_Store").write_bytes(b"\0")
    return folder, points(folder)


@pytest.mark.parametrize(
    ("student", "check", "hidden"),
    [
        ("warns", 1, 3),  # IgnorePattern
        ("deleted-test", 0, 0),  # add_missing_cells: the test is back, and finds the wrong answer out
        ("deleted-both", 1, 3),
        ("deleted-answer", 0, 0),
        ("scripts", 1, 3),
    ],
)
def test_points(course, student, check, hidden):
    given = course[1][student]
    assert given["count-above"] == (check, hidden)
    assert given["standardize"] == (1, 3), "the rest is graded as usual"


def test_deleted_test_is_really_back(course):
    path = course[0] / "autograded" / "deleted-test" / small_course.UNIT / f"{small_course.UNIT}.ipynb"
    text = path.read_text()
    assert "was missing from the submission" in text
    assert "count_above([0.5] * 40, 0.25)" in text


@pytest.mark.full
def test_endless_cell_ended_at_the_time_out(tmp_path):
    folder = course_with(tmp_path, {"loops": answers(LOOPS)}, SHORT)
    assert points(folder)["loops"] == {"standardize": (1, 3), "count-above": (0, 0)}
    path = folder / "autograded" / "loops" / small_course.UNIT / f"{small_course.UNIT}.ipynb"
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in nbformat.read(path, 4).cells}
    for name in ("count-above-check", "count-above-hidden"):
        assert {output.ename for output in cells[name].outputs} & {"CellTimeoutError", "KeyboardInterrupt"}


def test_no_script_of_a_student_survives_in_feedback(course):
    folder = course[0]
    nbgrader(folder, "generate_feedback", load_unit(small_course.UNIT, folder))
    html = (folder / "feedback" / "scripts" / small_course.UNIT / f"{small_course.UNIT}.html").read_text()
    assert "<b>shown</b>" in html, "harmless output is still there"
    assert active_parts(html) == []
    assert "Score: 8.0 / 8.0" in html
    assert "Student's answer" in html


@pytest.mark.full
def test_without_the_settings_points_and_scripts_would_differ(tmp_path):
    """Shows that nbgrader's own defaults would fail the tests above, so that they test the settings."""
    defaults = "\nc.IgnorePattern.enabled = False\nc.OverwriteCells.add_missing_cells = False"
    defaults += "\nc.HTMLExporter.sanitize_html = False\n"
    chosen = {name: SUBMISSIONS[name] for name in ("warns", "deleted-both", "scripts")}
    folder = course_with(tmp_path, chosen, defaults)
    given = points(folder)
    assert given["warns"]["count-above"] == (0, 0)
    assert given["deleted-both"]["count-above"] != (1, 3)
    nbgrader(folder, "generate_feedback", load_unit(small_course.UNIT, folder))
    html = (folder / "feedback" / "scripts" / small_course.UNIT / f"{small_course.UNIT}.html").read_text()
    assert len(active_parts(html)) >= 4


def test_leftovers_are_not_copied(course):
    folder = course[0]
    assert (folder / "submitted" / "warns" / small_course.UNIT / ".DS_Store").is_file()
    there = {path.name for path in (folder / "autograded" / "warns" / small_course.UNIT).iterdir()}
    assert there == {f"{small_course.UNIT}.ipynb"}


def test_missing_preprocessor_stops_the_run(course):
    """The settings name preprocessors as strings: a name that cannot be imported must not be skipped in silence."""
    folder = course[0]
    shutil.rmtree(folder / "autograded" / "deleted-both")  # so that there is something to grade
    config = folder / "nbgrader_config.py"
    before = config.read_text()
    config.write_text(before + '\nc.Autograde.autograde_preprocessors = ["absent_package.Execute"]\n')
    try:
        with pytest.raises(DemoError, match="autograde 01_small failed"):
            points(folder)
    finally:
        config.write_text(before)


@pytest.mark.parametrize("name", ["nbgrader_config.py", "stock_config.py"])
def test_settings_are_short_and_import_nothing_of_ours(name):
    text = (ROOT / name).read_text()
    assert len(text.splitlines()) <= 64
    assert not [line for line in text.splitlines() if line.startswith(("import ", "from "))]


# -- with the judge and without ----------------------------------------------------------------------------------------


def loaded(name):
    return dict(PyFileConfigLoader(name, path=str(ROOT)).load_config())


def test_plain_settings_are_the_courses_without_the_judge():
    ours, plain = loaded("nbgrader_config.py"), loaded("stock_config.py")
    judge = {name: ours.pop(name) for name in ("Autograde", "GenerateFeedback", "CourseGrader")}
    assert ours["GenerateAssignment"].pop("exporter_class") == "course_grader.nbgrader_plugin.TriedExporter"
    assert ours == plain and len(plain) >= 6
    assert set(judge["Autograde"]) == {"exporter_class", "sanitize_preprocessors", "autograde_preprocessors"}
    lines = (ROOT / "nbgrader_config.py").read_text().split("\n")
    own = [line for line in (ROOT / "stock_config.py").read_text().split("\n\n", 2)[2].split("\n") if line not in lines]
    assert own == [], "the reasons are the same, too"


def test_the_judge_gives_the_points_that_plain_nbgrader_gives(course, tmp_path):
    """Both read submissions of many manners; only the settings differ."""
    folder = shutil.copytree(course[0], tmp_path / "judged")
    for name in ("autograded", "feedback"):
        shutil.rmtree(folder / name, ignore_errors=True)
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    with sqlite3.connect(folder / "gradebook.db") as database:
        database.execute("UPDATE grade SET auto_score = NULL")
    assert points(folder) == course[1]
    assert len(list(folder.glob("autograded/*/*/*.verdict.json"))) == len(SUBMISSIONS)
    there = {path.name for path in (folder / "autograded" / "warns" / small_course.UNIT).iterdir()}
    assert there == {f"{small_course.UNIT}.ipynb", f"{small_course.UNIT}.verdict.json"}, "leftovers are not copied"
