"""The late penalty: its rules, and the same points from nbgrader's own autograde, from our judge and from `late`."""

import datetime
import json
import shutil
import subprocess
import sys

import plain_course
import pytest
from plain_course import UNIT, answered, hand_in, released
from recording import graded
from recording import save_graded as save
from traitlets.config import Config

from course_author.units.release import environment
from course_author.units.unit import ROOT
from course_grader.cli import main as cli
from course_grader.contracts import GraderError
from course_grader.course import plan
from course_grader.records import late

HOUR, DAY = 3600, 86_400
AREA = "def area(r):\n    return math.pi * r * r"
SHIFT = "def shift(x):\n    return x + base"
RULES = """
c.LatePenalty.grace_hours = 1
c.LatePenalty.percent_per_day = 15
c.LatePenalty.cap_percent = 40
c.LatePenalty.extension_hours = {"eve": 48, "fay": {"hw": 24}, "gus": {"another": 24}}
"""
DUE = datetime.datetime(2026, 1, 10, 12)
# student: (hours after the deadline, started days that cost something, points taken off the 6)
CLASS = {
    "ada": (-1, 0, 0),
    "ben": (1, 0, 0),  # the last second of grace
    "cleo": (1.01, 1, 0.9),
    "dan": (25.5, 2, 1.8),
    "eva": (24 * 9, 9, 2.4),  # the cap
    "eve": (50, 1, 0.9),
    "fay": (25, 0, 0),
    "gus": (25, 1, 0.9),  # an extension for another unit
}


def penalty(student="ada", score=10.0, late_s=DAY, unit="", **settings):
    step = late.penalty_step(
        Config({"AssignLatePenalties": {"plugin_class": late.LatePenalty}, "LatePenalty": settings}), unit
    )
    return step.plugin_inst.late_submission_penalty(student, score, late_s)


# -- the rules ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("late_s", "due"),
    [(0, None), (0.5, 1), (1, 1), (DAY, 1), (DAY + 1, 2), (2 * DAY, 2), (9 * DAY, 9), (10 * DAY, 10), (99 * DAY, 10)],
)
def test_a_started_day_counts(late_s, due):
    assert penalty(late_s=late_s, percent_per_day=10) == due


def test_grace_and_extension_move_the_deadline():
    rules = {"percent_per_day": 10, "grace_hours": 2, "extension_hours": {"eve": 24, "fay": {"one": 48.5}}}
    assert penalty(late_s=2 * HOUR, **rules) is None
    assert penalty(late_s=2 * HOUR + 1, **rules) == 1
    assert penalty(late_s=26 * HOUR, **rules) == 1, "days count from the end of the grace"
    assert penalty("eve", late_s=26 * HOUR, **rules) is None
    assert penalty("fay", late_s=50.5 * HOUR, unit="one", **rules) is None
    assert penalty("fay", late_s=50.5 * HOUR, unit="two", **rules) == 3


@pytest.mark.parametrize(
    ("score", "percent", "due"),
    [
        (0.29, 100, 0.29),
        (4.35, 10, 0.43),  # 0.435, in the student's favour
        (1 / 3, 10, 0.03),
        (0.0, 50, None),
        (-1.0, 50, None),
        (7.0, 0, None),
        (0.001, 100, 0.0),
    ],
)
def test_points_are_rounded_down_and_never_go_below_0(score, percent, due):
    assert penalty(score=score, percent_per_day=percent) == due


def test_the_cap_and_nbgraders_own_method():
    assert penalty(late_s=30 * DAY, percent_per_day=10, cap_percent=35) == 3.5
    assert penalty(percent_per_day=10, cap_percent=0) is None
    assert penalty(percent_per_day=1, penalty_method="zero") == 10
    assert penalty(late_s=HOUR, grace_hours=2, penalty_method="zero") is None


@pytest.mark.parametrize(
    "settings",
    [
        {"percent_per_day": -1}, {"percent_per_day": 101}, {"cap_percent": 200}, {"grace_hours": -2},
        {"extension_hours": {"ada": -1}}, {"extension_hours": {"ada": "two days"}},
        {"extension_hours": {"ada": {"hw": float("nan")}}}, {"extension_hours": {"ada": True}},
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_one_sentence(settings):
    with pytest.raises(GraderError, match="The late penalty cannot be set up: .*") as error:
        penalty(**settings)
    assert "\n" not in str(error.value)


# -- with real nbgrader commands ---------------------------------------------------------------------------------------


def nbgrader(course, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments], cwd=course, env=environment(course.parent / "home"),
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


def penalties(course):
    with plan.gradebook(plan.settings(course)) as book:
        return {one.student.id: (one.score, one.late_submission_penalty) for one in book.assignment_submissions(UNIT)}


@pytest.fixture(scope="module")
def course(one_notebook, tmp_path_factory):
    """A class that hands in at all hours, recorded as `course-grader grade` and our `nbgrader autograde` do."""
    folder = shutil.copytree(one_notebook, tmp_path_factory.mktemp("late") / "course")
    with (folder / "nbgrader_config.py").open("a") as file:
        file.write(RULES)
    with plan.gradebook(plan.settings(folder)) as book:
        book.find_assignment(UNIT).duedate = DUE
        book.db.commit()
    solved = answered(released(folder), area=AREA, shift=SHIFT)
    for student, (hours, _, _) in CLASS.items():
        hand_in(folder, student, solved, when=f"{DUE + datetime.timedelta(hours=hours):%Y-%m-%d %H:%M:%S} UTC")
        save(folder, student, graded(folder, student))
    return folder


def test_each_student_gets_the_penalty_of_the_rules(course):
    assert penalties(course) == {student: (6, points) for student, (_, _, points) in CLASS.items()}


def test_plain_nbgrader_takes_off_the_same(course, tmp_path):
    chosen = ("eva", "fay")  # a second for each submission: the cap and an extension for the unit are enough
    stock = shutil.copytree(course, tmp_path / "stock", ignore=shutil.ignore_patterns("autograded"))
    with plan.gradebook(plan.settings(stock)) as book:
        for student in CLASS:
            book.remove_submission(UNIT, student)
    for student in CLASS.keys() - chosen:
        shutil.rmtree(stock / "submitted" / student)
    settings = (ROOT / "stock_config.py").read_text()
    settings = settings.replace("course_author.units.preprocessors.NamedStubs", plain_course.STUBS)
    (stock / "nbgrader_config.py").write_text(settings + RULES)
    nbgrader(stock, "autograde", UNIT)
    ours = penalties(course)
    assert penalties(stock) == {student: ours[student] for student in chosen}


def test_feedback_says_what_was_taken_off(course, tmp_path):
    nbgrader(course, "generate_feedback", UNIT, "--student", "cleo")
    page = (course / "feedback" / "cleo" / UNIT / "first.html").read_text()
    assert "Handed in late: 0.9 points are taken off the 6 that you earned." in page


# -- course-grader late ------------------------------------------------------------------------------------------------


def late_command(course, capsys, *arguments):
    status = cli.main(["late", UNIT, "--course", str(course), *arguments])
    return status, *capsys.readouterr()


def test_the_command_names_the_late_and_changes_nothing_by_itself(course, capsys):
    before = penalties(course)
    status, out, _ = late_command(course, capsys)
    assert status == 0 and penalties(course) == before
    lines = out.splitlines()
    assert lines[0] == "ben: 1 h after the deadline, 0 days counted: 0 of 6 points are taken off"
    assert "eve: 50 h after the deadline, 48 h of extension, 1 day counted: 0.9 of 6 points are taken off" in lines
    assert lines[-1] == "hw: 7 late"
    _, out, _ = late_command(course, capsys, "--json")
    found = {one["student"]: (one["days"], one["penalty"]) for one in json.loads(out)["late"]}
    assert found == {student: told[1:] for student, told in CLASS.items() if student != "ada"}


def test_a_later_extension_and_a_persons_points_are_reckoned_without_grading_again(course, tmp_path, capsys):
    copy = shutil.copytree(course, tmp_path / "copy")
    shutil.rmtree(copy / "submitted")  # nothing is executed
    with plan.gradebook(plan.settings(copy)) as book:
        book.find_submission(UNIT, "dan").extension = datetime.timedelta(hours=24)  # nbgrader's own extension
        (one,) = book.find_submission(UNIT, "eva").notebooks
        next(grade for grade in one.grades if grade.name == "shift-check").manual_score = 0
        book.db.commit()
    status, out, _ = late_command(copy, capsys)
    assert status == 0
    assert "dan: 1.5 h after the deadline, 1 day counted: 0.9 of 6 points are taken off (before: 1.8)" in out
    assert "eva: 216 h after the deadline, 9 days counted: 1.6 of 4 points are taken off (before: 2.4)" in out
    assert penalties(copy)["dan"] == (6, 0.9)


def test_wrong_requests_change_nothing(course, tmp_path, capsys):
    assert cli.main(["late", "hw2", "--course", str(course), "--json"]) == 2
    out, err = capsys.readouterr()
    assert "The gradebook knows no unit hw2" in json.loads(out)["error"] and err
    copy = shutil.copytree(course, tmp_path / "copy", ignore=shutil.ignore_patterns("submitted"))
    with (copy / "nbgrader_config.py").open("a") as file:
        file.write("c.LatePenalty.percent_per_day = 'ten'\n")
    before = penalties(copy)
    status, _, err = late_command(copy, capsys)
    assert status == 2 and "The late penalty cannot be set up" in err
    assert penalties(copy) == before
