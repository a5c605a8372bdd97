"""Whole classes in several processes: the same points as in one, nothing lost, nothing twice, nothing run again."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import plain_course
import pytest
import scale_class
from plain_course import UNIT, answered, hand_in, released
from scale_class import KINDS, assert_right, fill, grade, points, verdicts

from course_grader import keys, plan, work
from course_grader.engine import Engine
from course_grader.model import Plan, PlanCell, Submission, Verdict

pytestmark = pytest.mark.part("scale")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    course = scale_class.make(tmp_path_factory.mktemp("scale") / "course")
    return course


@pytest.fixture(scope="module")
def made(original):
    """The class of eight, one of each kind: student -> kind."""
    return fill(original, len(KINDS))


@pytest.fixture
def course(original, made, tmp_path):
    return shutil.copytree(original, tmp_path / "course")


def assert_ended(course):
    left = scale_class.wait_until_ended(course)
    assert left == [], "processes stayed behind"


# -- several processes -------------------------------------------------------------------------------------------------


def test_two_processes_give_what_one_gives(course, made):
    """The same verdicts, the right points, a summary; then nothing is executed again, and an engine is not started."""
    twin = shutil.copytree(course, course.with_name("twin"))
    report = json.loads(grade(course, "--jobs", 2, "--json").stdout)
    assert_right(course, made)
    assert_ended(course)
    grade(twin, "--jobs", 1)
    assert verdicts(twin) == verdicts(course)
    assert_right(twin, made)
    assert {one["student"] for one in report["submissions"]} == made.keys()
    assert {one["status"] for one in report["submissions"]} == {"graded"}
    (double, root) = report["exercises"]
    assert (double["exercise"], double["submissions"], double["max_points"]) == ("double", len(made), 4)
    assert root["message"] == "This exercise has not been answered yet." and root["times"] == 2
    assert double["mean"] == sum(sum(cell[1] for cell in found[:2]) for found in verdicts(course).values()) / len(made)
    stamps = {path: path.stat().st_mtime_ns for path in (course / "autograded").rglob("*")}
    again = grade(course, "--jobs", 2)
    assert f"hw: 0 graded, {len(made)} unchanged" in again.stdout
    assert re.search(rf"^{len(made)} of {len(made)}, \d+ a minute, 0:00 left$", again.stderr, re.MULTILINE)
    assert stamps == {path: path.stat().st_mtime_ns for path in (course / "autograded").rglob("*")}


def changed_test(course, old, new):
    """The instructor mends one hidden test and releases again."""
    path = course / "source" / UNIT / "first.ipynb"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    plain_course.release(course)


def executions(monkeypatch):
    """Which tests each submission had run, as the engines were asked: student -> known tests that were not."""
    asked = {}
    real = Engine.grade

    def spy(self, plan, submission, known=None):
        asked[submission.student] = {cell.name for cell in known.cells} if known else set()
        return real(self, plan, submission, known)

    monkeypatch.setattr(Engine, "grade", spy)
    return asked


def test_a_changed_test_is_run_again_and_nothing_else(course, made, capsys, monkeypatch):
    from course_grader import cli

    arguments = ["grade", UNIT, "--course", str(course), "--jobs", "1"]
    assert cli.main(arguments) == 0
    before = verdicts(course)
    changed_test(course, '-6, what=\\"double of a negative', '6, what=\\"double of a negative')
    asked = executions(monkeypatch)
    capsys.readouterr()
    assert cli.main(arguments) == 0
    assert asked == {student: {"root-check", "root-hidden"} for student in made}, "of each, the changed exercise alone"
    after = verdicts(course)
    assert all(after[student][2:] == before[student][2:] for student in made)
    whole = shutil.copytree(course, course.with_name("whole"))
    grade(whole, "--jobs", 2, "--regrade")
    assert verdicts(whole) == after, "the same as if all had been run"
    capsys.readouterr()
    assert cli.main(["diff", UNIT, "--course", str(course), "--json"]) == 0
    changes = {one["student"]: one for one in json.loads(capsys.readouterr().out)["changes"]}
    assert {name for name in made if after[name] != before[name]} == changes.keys()
    wrong, right = changes["s00001-wrong"], changes["s00000-right"]
    assert [wrong[when]["points"] for when in ("before", "after")] == [1, 4]
    assert [right[when]["points"] for when in ("before", "after")] == [4, 1]
    assert right["exercise"] == "double" and right["before"]["message"] == ""
    assert right["after"]["message"].startswith("double of a negative")
    assert cli.main(["diff", UNIT, "--course", str(course)]) == 0
    text = capsys.readouterr().out
    assert re.search(r"s00001-wrong: double\n  before +1/4  wrong  double of a neg.*\n  after +4/4\n", text)
    assert re.search(r"hw: (\d) changes for \1 students, 1 with more points, [34] with less\n$", text)


def test_a_test_that_was_emptied_also_counts_for_those_who_left_it_blank(course, made):
    """An instructor withdraws an unfair test: everybody gets its points, whatever stands in the answer."""
    changed_test(course, 'check.hidden.equal(double(-3), -6, what=\\"double of a negative\\")', "pass")
    grade(course, "--jobs", 2)
    assert points(course)["s00003-blank"] == 3
