"""`course-grader stats`: the figures are right, and the page says where they mean nothing."""

import json
import math
import random
import shutil
import statistics

import numpy as np
import pytest
from matplotlib import image
from plain_course import UNIT, answered, hand_in, released
from recording import graded
from recording import save_graded as save

from course_grader.cli import main as cli
from course_grader.course import plan
from course_grader.reports import points as classbook
from course_grader.reports import stats
from course_grader.reports.stats import discrimination

AREA = "def area(r):\n    return math.pi * r * r"


@pytest.fixture(scope="module")
def course(one_notebook, tmp_path_factory):
    """Twelve students: the first exercise tells them apart, one test of it nearly nobody passes."""
    folder = shutil.copytree(one_notebook, tmp_path_factory.mktemp("stats") / "course")
    for number in range(12):
        student = f"s{number:02}"
        hand_in(folder, student, answered(released(folder), area=AREA))
        failed = {} if number == 0 else {"area_hidden": "wrong"}
        failed |= {"shift_check": "time" if number > 10 else "unanswered"} if number > 5 else {}
        failed |= {"area_check": "wrong"} if number > 3 else {}
        one = graded(folder, student, **failed)
        for place, cell in enumerate(one.verdict.cells):
            cell.cpu_s = number / 100 + place
        save(folder, student, one)
    with plan.gradebook(plan.settings(folder)) as book:
        book.add_student("zoe")
    return folder


@pytest.fixture(scope="module")
def found(course):
    return stats.collect(plan.settings(course), UNIT)


def run(course, capsys, *arguments):
    status = cli.main(["stats", UNIT, "--course", str(course), *arguments])
    return status, *capsys.readouterr()


# -- the figures -------------------------------------------------------------------------------------------------------


def test_the_class(found):
    points = [6] + 3 * [3] + 2 * [2] + 6 * [0]
    assert (found["students"], found["not_handed_in"], found["left_out"], found["max_points"]) == (12, 1, 0, 6)
    assert found["points"]["mean"] == statistics.fmean(points)
    assert [found["points"][name] for name in ("least", "median", "most")] == [0, 1, 6]
    assert found["points"]["tenths"] == [6, 0, 0, 2, 0, 3, 0, 0, 0, 1], "3 of 6 begins a tenth; 6 is in the last"


def test_each_exercise(found):
    area, shift = found["exercises"]
    assert (area["name"], area["max_points"], area["full"], area["none"]) == ("area", 4, 1, 8)
    assert area["difficulty"] == pytest.approx((4 + 3) / 12 / 4)
    assert area["causes"] == {"wrong": 11} and shift["causes"] == {"unanswered": 5, "time": 1}
    assert area["message"] == {"text": "The reason of area-check.", "count": 8, "others": 1}
    assert area["seconds"]["most"] == pytest.approx(1.22) and shift["seconds"]["least"] == 2
    assert found["seconds"]["median"] == pytest.approx(3 + 3 * 0.055)
    area_points, shift_points = [4] + 3 * [1] + 8 * [0], 6 * [2] + 6 * [0]
    r = area["discrimination"]["r"]
    assert r == pytest.approx(statistics.correlation(area_points, shift_points))
    assert area["discrimination"]["low"] < r < area["discrimination"]["high"]
    assert shift["discrimination"]["r"] == pytest.approx(r), "of two exercises, each is the other's rest"


def test_an_exercise_is_not_correlated_with_itself():
    """Pure chance: with the exercise in the total r would be near 0.45, without it near 0."""
    draw = random.Random(4)
    table = np.array([[draw.random() for _ in range(5)] for _ in range(400)])
    rest = table.sum(axis=1) - table[:, 0]
    assert abs(discrimination(table[:, 0].tolist(), rest.tolist())["r"]) < 0.12
    assert statistics.correlation(table[:, 0], table.sum(axis=1)) > 0.35


def test_the_interval_holds_its_share_of_cases():
    """95 of 100 intervals of samples with correlation 0.5 hold 0.5 (more or less: the seed is fixed)."""
    rng, held = np.random.default_rng(2), 0
    for _ in range(300):
        x, noise = rng.normal(size=(2, 40))
        one = discrimination(x.tolist(), (0.5 * x + math.sqrt(0.75) * noise).tolist())
        held += one["low"] < 0.5 < one["high"]
    assert 0.92 < held / 300 < 0.98


@pytest.mark.parametrize(
    ("points", "rest", "why"),
    [
        ([1, 2, 3] * 3, [1, 2, 3] * 3, "fewer than 10 students"),
        ([1.0] * 10, list(range(10)), "all have the same points in it"),
        (list(range(10)), [0.1 + 0.2] * 9 + [0.3], "all have the same points in the rest"),
    ],
)
def test_where_a_correlation_means_nothing_there_is_none(points, rest, why):
    assert discrimination(points, rest) == {"r": None, "low": None, "high": None, "why": why}
    assert discrimination(list(range(10)), list(range(10)))["r"] == pytest.approx(1)


def test_the_class_book_agrees_with_nbgrader(course):
    """One query for all grades, against the gradebook's own sums, a person's points and extra credit included."""
    settings = plan.settings(course)
    with plan.gradebook(settings) as book:
        (notebook,) = book.find_submission(UNIT, "s11").notebooks
        grade = next(one for one in notebook.grades if one.name == "area-check")
        grade.manual_score, grade.extra_credit = 0.5, 0.25
        book.db.commit()
        try:
            _, rows = classbook.read(settings, UNIT)
            theirs = {one.student.id: one.score for one in book.assignment_submissions(UNIT)}
        finally:
            grade.manual_score = grade.extra_credit = None
            book.db.commit()
    assert theirs["s11"] == 0.75 and len(theirs) == 12
    assert {row.student: row.earned for row in rows if row.points} == theirs


# -- what people and machines read -------------------------------------------------------------------------------------


def test_the_page(course, capsys):
    status, out, err = run(course, capsys)
    assert status == 0 and err == ""
    lines = out.split("\n")
    assert lines[0] == "hw: 12 graded, 1 handed in nothing"
    assert "points of 6: mean 1.6, median 1.0, half between 0.0 and 3.0, from 0 to 6" in lines
    assert f"      0 - 0.6       6  {'#' * 40}" in lines and f"    5.4 - 6         1  {'#' * 7}" in lines
    assert any(
        line.startswith("  area     15%  r 0.52 (−0.07 to 0.84)      1 / 8    CPU 1.11 s, at most 1.22")
        for line in lines
    )
    assert "      8 x The reason of area-check. (and 1 other message)" in lines
    assert "      unanswered 5, time 1" in lines
    assert "In brackets: the 95 % interval." in out


def test_few_students_are_said_to_be_few(course, capsys, monkeypatch):
    monkeypatch.setattr(stats, "FEWEST", 13)
    _, out, _ = run(course, capsys)
    assert "No correlation for any exercise: fewer than 13 students." in out
    assert "With 12 students, means and quartiles describe these students and no others." in out
    assert " r - " in out and "95 %" not in out


def test_json_and_the_figure(course, tmp_path, capsys):
    status, out, _ = run(course, capsys, "--json", "--figure", str(tmp_path / "stats.png"))
    assert status == 0 and json.loads(out) == stats.collect(plan.settings(course), UNIT)
    pixels = image.imread(tmp_path / "stats.png")
    assert pixels.shape[0] > 300 and pixels.shape[1] > 900
    assert pixels.shape[2] == 3 or (pixels[..., 3] == 1).all(), "opaque"
    assert pixels.std() > 0.05
    assert b"mean share of each exercise's points: area 15%" in (tmp_path / "stats.png").read_bytes()


def test_a_figure_that_cannot_be_written_is_one_sentence(course, tmp_path, capsys):
    status, _, err = run(course, capsys, "--figure", str(tmp_path / "nowhere" / "a.png"))
    assert status == 2 and err.endswith("cannot be written (No such file or directory): name another place.\n")


def test_nothing_graded_and_a_unit_unknown(course, tmp_path, capsys):
    assert cli.main(["stats", "hw2", "--course", str(course)]) == 2
    assert "The gradebook knows no unit hw2" in capsys.readouterr().err
    copy = shutil.copytree(course, tmp_path / "copy")
    with plan.gradebook(plan.settings(copy)) as book:
        book.find_grade("shift-check", "first", UNIT, "s00").auto_score = None
        for number in range(1, 12):
            book.remove_submission(UNIT, f"s{number:02}")
    told = json.loads(run(copy, capsys, "--json")[1])["error"]
    assert told.startswith("No submission of hw is graded (1 waits for a person's points): ")
    with plan.gradebook(plan.settings(copy)) as book:
        book.remove_submission(UNIT, "s00")
    status, out, err = run(copy, capsys)
    assert status == 2 and out == ""
    assert err == "course-grader: No submission of hw is graded: run `course-grader grade hw` first.\n"
