"""The benchmark of a class runs to its end on a small course and reports every figure. Nothing is timed here."""

import json

import pytest
import small_course

from course_author.bench import throughput
from course_author.bench.bare import bare
from course_author.bench.classes import mixed
from course_author.proof.bank import read_bank
from course_author.units.text import load_unit
from course_author.units.unit import UnitError

pytestmark = pytest.mark.part("scale")
KEYS = {
    "speedup", "speedup_by_unit", "speedup_without_examples", "limit_ratio", "p50_s", "p95_s", "submissions",
    "same_points",
}  # fmt: skip


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return small_course.make(tmp_path_factory.mktemp("bench") / "course")


@pytest.fixture(scope="module")
def unit(course):
    return load_unit(small_course.UNIT, course)


def test_both_grade_the_same_class_and_every_figure_is_told(course, capsys):
    status = throughput.main(["--students", "3", "--stock-students", "2", "--root", str(course)])
    printed = capsys.readouterr().out
    assert status == 0, printed
    result = json.loads(printed.strip().split("\n")[-1])
    assert result.keys() >= KEYS
    assert result["same_points"] is True and result["submissions"] == 3 and result["stock_submissions"] == 2
    only = small_course.UNIT
    assert result["speedup_by_unit"] == {only: pytest.approx(result["speedup"])}  # one chapter is all chapters
    assert result["speedup"] == pytest.approx(result["per_minute"][only] / result["stock_per_minute"][only])
    assert result["limit_ratio"] == pytest.approx(result["core_s"][only] / result["bare_s"][only])
    assert 0 < result["p50_s"] <= result["p95_s"] and result["start_s"][only] > 0
    assert "where the core-seconds of a submission go" in printed and "student" in printed


def test_other_points_are_noticed(course, monkeypatch, capsys):
    given = {"student-000": {"standardize-check": 1.0}, "student-001": {"standardize-check": 0.0}}
    other = {"student-000": {"standardize-check": 1.0}, "student-001": {"standardize-check": 1.0}}
    monkeypatch.setattr(throughput, "points", lambda folder, unit: given if folder.name == "ours" else other)
    monkeypatch.setattr(throughput, "ours", lambda *_: {"wall_s": 1.0, "start_s": 0.5})
    monkeypatch.setattr(throughput, "spent", lambda *_: {"total": [0.5], "student": [0.25]})
    monkeypatch.setattr(throughput, "stock", lambda *_: {"wall_s": 50.0})
    assert throughput.main(["--students", "2", "--root", str(course)]) == 1
    told = capsys.readouterr()
    assert "student-001: stock gives other points" in told.err and "points NOT the same" in told.out
    assert json.loads(told.out.strip().split("\n")[-1])["same_points"] is False


def test_the_class_mixes_right_and_wrong_answers_and_is_the_same_each_time(unit, course):
    written = mixed(unit, 40, 6, course)
    assert written == mixed(unit, 40, 6, course) != mixed(unit, 40, 7, course)
    right = {"standardize": 0, "count-above": 0}
    for answers in written.values():
        for slug, source in answers.items():
            bank = read_bank(unit.name, slug, course)
            right[slug] += any(one.right and one.source == source for one in bank)
    assert all(14 <= count <= 34 for count in right.values())  # 24 of 40 expected; beyond this is one in 1,000


def test_the_bare_cells_of_an_endless_answer_end(unit, monkeypatch):
    answers = {one.slug: one.answer for one in unit.exercises}
    endless = answers | {"count-above": "def count_above(values, limit):\n    raise SystemExit"}
    gone = answers | {"standardize": "import os\nos._exit(0)"}
    seconds = bare(unit, {"a": answers, "b": endless, "c": gone})
    assert len(seconds) == 3 and all(0 < one < 5 for one in seconds)


def test_a_class_of_none_is_refused():
    with pytest.raises(UnitError, match="--students and --stock-students are 1 or more"):
        throughput.main(["--students", "3", "--stock-students", "4"])


@pytest.mark.full
def test_time_and_memory_of_made_submissions_are_told(course, capsys):
    assert throughput.main(["--made", "20", "40", "--root", str(course)]) == 0
    results = json.loads(capsys.readouterr().out.strip().split("\n")[-1])["made"]
    assert [one["submissions"] for one in results] == [20, 40]
    for one in results:
        assert one["cpu_s"] > 0 and one["class_page_s"] > 0
        assert all(value > 0 for name in ("writer", "prepared") for value in one["memory"][name].values())
