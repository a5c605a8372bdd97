"""`course-grader export`: whatever is in a name comes back out of the file, and no cell is a formula."""

import csv
import datetime
import io
import shutil

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from plain_course import UNIT, answered, hand_in, released
from recording import graded
from recording import save_graded as save

from course_grader.cli import main as cli
from course_grader.course import plan
from course_grader.reports import export
from course_grader.reports import points as classbook
from course_grader.reports.points import Item, Row

PEOPLE = {  # id: first name, last name, email, lms_user_id
    "ada": ("Ada", "Lovelace, Countess", "ada@example.org", "4711"),
    "bo": ('"Bo"', "Ünal\nØrsted", "", "a12"),
    "evil": ('=HYPERLINK("http://x")', "@SUM(1+1)", "+1@example.org", "-1"),
    "zoe": ("蔵", "'t Hooft", "zoe@example.org", ""),  # handed in nothing
}


@pytest.fixture(scope="module")
def course(one_notebook, tmp_path_factory):
    folder = shutil.copytree(one_notebook, tmp_path_factory.mktemp("export") / "course")
    with (folder / "nbgrader_config.py").open("a") as file:
        file.write("c.LatePenalty.percent_per_day = 10\n")
    with plan.gradebook(plan.settings(folder)) as book:
        book.find_assignment(UNIT).duedate = datetime.datetime(2026, 1, 10)
        for name, (first, last, email, lms) in PEOPLE.items():
            book.add_student(name, first_name=first, last_name=last, email=email, lms_user_id=lms)
        book.db.commit()
    solved = answered(released(folder), area="def area(r):\n    return math.pi * r * r")
    for student, day, failed in (
        ("ada", 9, {}),
        ("bo", 11, {"shift_check": "wrong"}),
        ("evil", 9, {"area_check": 0.5}),
    ):
        hand_in(folder, student, solved, when=f"2026-01-{day:02} 12:00:00 UTC")
        save(folder, student, graded(folder, student, **failed))
    return folder


def run(course, tmp_path, form, *arguments):
    """The file's bytes and its cells."""
    path = tmp_path / "out.csv"
    assert cli.main(["export", UNIT, "--course", str(course), "--format", form, "--output", str(path), *arguments]) == 0
    return path.read_bytes(), read_back(path.read_bytes())


def read_back(data):
    return [
        [export.plain(cell) for cell in row] for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    ]


# -- the three formats -------------------------------------------------------------------------------------------------


def test_csv_holds_everything(course, tmp_path):
    data, table = run(course, tmp_path, "csv")
    assert data.startswith(b"\xef\xbb\xbfstudent_id,"), "Excel reads UTF-8 only with a byte order mark"
    assert table[0] == [
        "student_id", "last_name", "first_name", "email", "lms_user_id",
        "hw submitted (UTC)", "hw area", "hw shift", "hw late penalty", "hw total", "hw of",
    ]  # fmt: skip
    rows = {row[0]: row for row in table[1:]}
    assert {name: (row[2], row[1], row[3], row[4]) for name, row in rows.items()} == PEOPLE
    assert rows["ada"][5:] == ["2026-01-09 12:00:00", "4", "2", "0", "6", "6"]
    assert rows["bo"][5:] == ["2026-01-11 12:00:00", "4", "0", "0.8", "3.2", "6"], "two started days"
    assert rows["evil"][5:] == ["2026-01-09 12:00:00", "3.5", "2", "0", "5.5", "6"]
    assert rows["zoe"][5:] == ["", "", "", "", "", "6"], "nothing handed in is empty, not 0"


def test_canvas_imports_units_and_only_shows_exercises(course, tmp_path):
    data, table = run(course, tmp_path, "canvas", "--title", "hw=Homework 1 (99)")
    assert data.startswith(b"Student,ID,SIS User ID,SIS Login ID,Section,Homework 1 (99),")
    assert table[0][6:] == [f"Homework 1 (99) {name} Final Points" for name in ("area", "shift", "late penalty")]
    assert table[1] == ["    Points Possible", "", "", "", "", "6", *["(read only)"] * 3]
    rows = {row[3]: row for row in table[2:]}
    assert rows["ada"] == ["Lovelace, Countess, Ada", "4711", "", "ada", "", "6", "4", "2", "0"]
    assert rows["bo"] == ['Ünal\nØrsted, "Bo"', "", "a12", "bo", "", "3.2", "4", "0", "0.8"]
    assert rows["evil"][1:3] == ["", "-1"]
    assert rows["zoe"][5:] == [""] * 4


def test_moodle_has_what_its_import_finds_a_student_by(course, tmp_path):
    data, table = run(course, tmp_path, "moodle")
    assert data.startswith(b"Username,First name,Last name,ID number,Email address,hw,hw area,")
    rows = {row[0]: row for row in table[1:]}
    assert {name: (row[1], row[2], row[4], row[3]) for name, row in rows.items()} == PEOPLE
    assert rows["bo"][5:] == ["3.2", "4", "0", "0.8"]


@pytest.mark.parametrize("form", export.FORMATS)
def test_no_cell_is_a_formula(course, tmp_path, form):
    data, _ = run(course, tmp_path, form)
    cells = [cell for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")) for cell in row]
    assert '\'=HYPERLINK("http://x")' in cells or '\'@SUM(1+1), =HYPERLINK("http://x")' in cells
    assert not [cell for cell in cells if cell.lstrip(" '") != cell.lstrip() and cell[0] != "'"]
    assert not [cell for cell in cells if cell.lstrip()[:1] in tuple("=+-@") or cell[:1] in tuple("\t\r\n")]


# -- round trips of anything -------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
TRICKY = st.text(st.sampled_from("=+-@'\"\t\r\n ,;ä＝|"), max_size=5)


@given(TEXTS | TRICKY)
@example("'=1")
@example("''=1")
@example("'t Hooft")
@example(" =1")
@example("＝1")
def test_defusing_loses_nothing(text):
    cell = export.defused(text)
    assert export.plain(cell) == text
    assert cell.lstrip()[:1] not in tuple("=+-@＝＋－＠") and cell[:1] not in tuple("\t\r\n")


PERSON = st.builds(
    Row, student=TEXTS | TRICKY, first_name=TEXTS | TRICKY, last_name=TEXTS | TRICKY, email=TEXTS, lms_user_id=TRICKY,
    points=st.just({}) | st.fixed_dictionaries({"a": st.none() | st.integers(0, 400).map(lambda n: n / 100)}),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(PERSON, unique_by=lambda row: row.student, max_size=5), TEXTS, st.sampled_from(sorted(export.FORMATS)))
def test_any_table_comes_back(people, title, form):
    read = {"u": ([Item("a", "u", ("a",), 4.0)], people)}
    table = export.FORMATS[form](read, {"u": title})
    assert read_back(export.encoded(table, form)) == table
    head = 2 if form == "canvas" else 1
    column = 3 if form == "canvas" else 0
    assert [row[column] for row in table[head:]] == [row.student for row in people]
    points = table[0].index(f"{title} a Final Points" if form == "canvas" else f"{title} a")
    found = [None if not row[points] else float(row[points]) for row in table[head:]]
    assert found == [row.points.get("a") for row in people]


# -- requests ----------------------------------------------------------------------------------------------------------


def test_stdout_and_what_waits_for_a_person(course, capfdbinary):
    with plan.gradebook(plan.settings(course)) as book:
        book.find_grade("shift-check", "first", UNIT, "ada").auto_score = None
        book.db.commit()
    try:
        assert cli.main(["export", UNIT, "--course", str(course), "--format", "csv"]) == 0
    finally:
        with plan.gradebook(plan.settings(course)) as book:
            book.find_grade("shift-check", "first", UNIT, "ada").auto_score = 2
            book.db.commit()
    out, err = capfdbinary.readouterr()
    assert read_back(out)[1][6:8] == ["4", ""]
    assert err == b"course-grader: hw: 1 submission waits for a person's points, which count 0 in this table.\n"


def test_totals_are_nbgraders_own(course):
    settings_ = plan.settings(course)
    _, rows = classbook.read(settings_, UNIT)
    with plan.gradebook(settings_) as book:
        theirs = {one.student.id: one.score - one.late_submission_penalty for one in book.assignment_submissions(UNIT)}
    assert {row.student: pytest.approx(row.total) for row in rows if row.points} == theirs


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([UNIT, "other"], "The gradebook knows no unit other"),
        ([UNIT, "--title", "other=x"], "--title 'other=x' names no unit of this export: write UNIT=TITLE."),
        ([UNIT, "--title", "hw="], "names no unit of this export"),
        ([UNIT, "--output", "/nowhere/a.csv"], "/nowhere/a.csv cannot be written (No such file or directory)"),
    ],
)
def test_wrong_requests_are_one_sentence(course, capsys, arguments, says):
    assert cli.main(["export", *arguments, "--course", str(course), "--format", "csv"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and says in err and err.count("\n") == 1
