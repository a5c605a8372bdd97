"""Whole classes in several processes: the same points as in one, nothing lost, nothing twice, nothing run again."""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import plain_course
import pytest
import scale_class
from plain_course import UNIT, answered, hand_in, released
from scale_class import KINDS, assert_right, fill, grade, points, verdicts

from course_grader.cli import main as cli
from course_grader.course import plan
from course_grader.engine.engine import Engine
from course_grader.grading import own_answers as own

pytestmark = pytest.mark.part("scale")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return scale_class.make(tmp_path_factory.mktemp("scale") / "course")


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


def changed_test(course, *changes):
    """The instructor mends one hidden test, perhaps the course's own answer with it, and releases again."""
    path = course / "source" / UNIT / "first.ipynb"
    text = path.read_text()
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    path.write_text(text)
    plain_course.release(course)


def executions(monkeypatch):
    """Which tests each submission had run, as the engines were asked: student -> known tests that were not."""
    asked = {}
    real = Engine.grade

    def spy(self, the_plan, submission, known=None):
        if submission.student == own.STUDENT:
            return real(self, the_plan, submission, known)
        asked[submission.student] = {cell.name for cell in known.cells} if known else set()
        return real(self, the_plan, submission, known)

    monkeypatch.setattr(Engine, "grade", spy)
    return asked


def test_a_changed_test_is_run_again_and_nothing_else(course, made, capsys, monkeypatch):
    arguments = ["grade", UNIT, "--course", str(course), "--jobs", "1"]
    assert cli.main(arguments) == 0
    before = verdicts(course)
    test = '-6, what=\\"double of a negative', '6, what=\\"double of a negative'
    changed_test(course, test, ("return 2 * x", "return 2 * abs(x)"))
    asked = executions(monkeypatch)
    capsys.readouterr()
    assert cli.main(arguments) == 0
    assert asked == {student: {"root-check", "root-hidden"} for student in made}, "of each, the changed exercise alone"
    after = verdicts(course)
    assert all(after[student][2:] == before[student][2:] for student in made)
    whole = shutil.copytree(course, course.with_name("whole"))
    assert cli.main(["grade", UNIT, "--course", str(whole), "--jobs", "1", "--regrade"]) == 0
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
    changed_test(course, ('check.hidden.equal(double(-3), -6, what=\\"double of a negative\\")', "pass"))
    assert cli.main(["grade", UNIT, "--course", str(course), "--jobs", "1"]) == 0
    assert points(course)["s00003-blank"] == 3


# -- killed and run again ----------------------------------------------------------------------------------------------


def killed(course, seconds, *arguments):
    """Start a run, kill its writer after so many seconds; the exit status (-9 if it was still at work)."""
    process = subprocess.Popen(
        scale_class.command(course, *arguments),
        env=scale_class.surroundings(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert scale_class.first_graded(process)  # from here on it is not the start that is killed
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)  # its workers end, too, or they would hold the pipe open
    return process.returncode


def resume(course, made, moments, *arguments):
    """Kill runs at these moments after their first verdict, each time going on; then let one run end."""
    statuses = [killed(course, seconds, "--jobs", 2, *arguments) for seconds in moments]
    assert -signal.SIGKILL in statuses, "no run was at work when it was to be killed"
    grade(course, "--jobs", 2)
    assert_right(course, made)
    assert formgrader_reads(course) == points(course)
    return statuses


def formgrader_reads(course):
    """What formgrader's pages ask nbgrader's API for; and every notebook that it would open, opened."""
    settings = plan.settings(course)
    api = plain_course.NbGraderAPI(settings.coursedir, config=plain_course.Config(settings.config))
    assert api.get_assignment(UNIT)["num_submissions"] == len(points(course))
    for one in api.get_notebook_submissions(UNIT, "first"):
        notebook = plain_course.nbformat.read(
            course / "autograded" / one["student"] / UNIT / "first.ipynb", as_version=4
        )
        plain_course.nbformat.validate(notebook)
    return {one["student"]: one["score"] for one in api.get_submissions(UNIT)}


def test_killed_in_the_middle_it_goes_on_and_gives_each_one_verdict(course, made):
    """Six moments here, half of them of runs that grade all again; `make full` takes 200 and a class of 60."""
    rng = random.Random(6)
    for arguments in ([], ["--regrade"]):
        resume(course, made, [0.0, rng.random() / 10, rng.random() / 5], *arguments)
    assert_ended(course)


@pytest.mark.full
def test_killed_at_200_moments_of_a_class_of_60(original, tmp_path):
    course = shutil.copytree(original, tmp_path / "course")
    shutil.rmtree(course / "submitted", ignore_errors=True)
    made = fill(course, 60)
    reference = shutil.copytree(course, tmp_path / "reference")
    grade(reference, "--jobs", 2)
    empty = shutil.copytree(course, tmp_path / "empty")
    rng, count = random.Random(200), 0
    while count < 200:
        moments = [rng.random() * 2 for _ in range(4)]
        statuses = resume(course, made, moments)
        count += statuses.count(-signal.SIGKILL)
        assert verdicts(course) == verdicts(reference)
        shutil.rmtree(course)
        shutil.copytree(empty, course)
    assert_ended(course)


JUDGED = """
c.Autograde.exporter_class = "course_grader.nbgrader_plugin.JudgeExporter"
c.Autograde.sanitize_preprocessors = ["course_grader.nbgrader_plugin.Unjudged"]
c.Autograde.autograde_preprocessors = ["course_grader.nbgrader_plugin.Unjudged"]
"""
BUTTON = """
import sys
from nbgrader.apps import NbGraderAPI
from traitlets.config import Config
from course_grader.course import plan
settings = plan.settings(sys.argv[1])
api = NbGraderAPI(settings.coursedir, config=Config(settings.config))
for student in sys.argv[3:]:
    api.autograde(sys.argv[2], student, force=True, create=True)
"""
DOORS = {  # how a class is graded anew: the command, nbgrader's command, what formgrader's button calls
    "command": lambda course, made: scale_class.command(course, "--jobs", 2, "--regrade"),
    "nbgrader": lambda course, made: [sys.executable, "-m", "nbgrader", "autograde", UNIT, "--force", "--create"],
    "formgrader": lambda course, made: [sys.executable, "-c", BUTTON, str(course), UNIT, *made],
}


def recorded_since(course, start):
    """Verdicts that have taken their place since then."""
    count = 0
    for path in (course / "autograded").glob(f"*/{UNIT}/first.verdict.json"):
        with contextlib.suppress(FileNotFoundError):  # just now a new folder takes its place
            count += path.stat().st_mtime_ns > start
    return count


def killed_by_progress(course, command, after, pause):
    """Kill a run `pause` seconds after its `after`-th verdict; True if it was still at work."""
    start = time.time_ns()
    with course.with_name("said").open("w") as said:
        process = subprocess.Popen(command, cwd=course, env=scale_class.surroundings(), stdout=said, stderr=said)
        while process.poll() is None and recorded_since(course, start) < after:
            time.sleep(0.002)
        time.sleep(pause)
        process.kill()
        process.wait()
    return process.returncode == -signal.SIGKILL


def killed_through(door, original, folder, moments, students):
    """Kill runs through a door at so many moments; after four of them one is let run to its end, and looked at."""
    course = shutil.copytree(original, folder / "course")
    config = course / "nbgrader_config.py"
    config.write_text(config.read_text() + JUDGED)
    shutil.rmtree(course / "submitted", ignore_errors=True)
    made = fill(course, students)
    reference = shutil.copytree(course, folder / "reference")
    grade(reference, "--jobs", 2)
    rng, count = random.Random(50), 0
    while count < moments:
        for _ in range(min(4, moments - count)):
            after, pause = rng.randrange(len(made) - 1), rng.random() / 20
            count += killed_by_progress(course, DOORS[door](course, made), after, pause)
            known = {name: verdict for name, verdict in verdicts(course).items() if name in points(course)}
            assert known.items() <= verdicts(reference).items(), "half of a verdict"
        done = subprocess.run(
            DOORS[door](course, made), cwd=course, env=scale_class.surroundings(), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert verdicts(course) == verdicts(reference)
        assert_right(course, made)
        assert formgrader_reads(course) == points(course)
        hidden = [path for path in course.glob("autograded/*/*") if path.name.startswith(".")]
        assert hidden == [], "something was left behind"
    assert_ended(course)


@pytest.mark.parametrize("door", ["nbgrader", "formgrader"])
def test_killed_through_another_door(door, original, tmp_path):
    """Two moments here; `make full` takes 50 through each."""
    killed_through(door, original, tmp_path, moments=2, students=3)


@pytest.mark.full
@pytest.mark.parametrize("door", DOORS)
def test_killed_at_50_moments_through_each_door(door, original, tmp_path):
    killed_through(door, original, tmp_path, moments=50, students=12)


def test_a_prepared_process_that_is_killed_costs_nobody_the_grade(course, made):
    """As when the system runs out of memory: all that was under way is judged again, by a new one."""
    fill_more = {f"x{number}": "right" for number in range(4)}
    for student in fill_more:
        hand_in(course, student, answered(released(course), **KINDS["right"][0]))
    process = subprocess.Popen(
        scale_class.command(course, "--jobs", "2"),
        env=scale_class.surroundings(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert scale_class.first_graded(process)
    (launcher,) = [int(pid) for pid in _children(process.pid)]
    (victim,) = [int(pid) for pid in _children(launcher)]
    assert b"course_grader.engine.prepared" in Path(f"/proc/{victim}/cmdline").read_bytes()
    os.kill(victim, signal.SIGKILL)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, out + err
    assert_right(course, made | fill_more)
    assert_ended(course)


def _children(pid):
    """Of all its threads: the one that judges first has the engine started."""
    return " ".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")).split()


# -- always the same ---------------------------------------------------------------------------------------------------


def found(course, jobs, *arguments):
    grade(course, "--jobs", jobs, "--regrade", *arguments, timeout=900)
    return verdicts(course)


def test_the_same_whatever_the_number_of_workers_and_the_load(course, made):
    """One of each kind, 1, 2 and 4 workers, the last beside eight programs that take all they can get."""
    first = found(course, 1)
    busy = [subprocess.Popen(["nice", "-n", "5", "sh", "-c", "while :; do :; done"]) for _ in range(8)]
    try:
        assert found(course, 4) == first
    finally:
        for process in busy:
            process.kill()
            process.wait()


@pytest.mark.full
@pytest.mark.parametrize(("jobs", "loaded"), [(1, False), (4, False), (16, False), (4, True)])
def test_a_hundred_runs_give_the_same(course, jobs, loaded):
    """One submission of each kind 100 times in one run: a class of 800 in which the names differ, and nothing else.

    The answer with random numbers is left out of the comparison between students: its stream depends on the name.
    """
    books = {path.parts[-3]: path.read_bytes() for path in (course / "submitted").glob(f"*/{UNIT}/first.ipynb")}
    busy = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(6 if loaded else 0)]
    try:
        for number in range(100):
            for student, data in books.items():
                hand_in(course, f"{student}-{number}", data)
        there = found(course, jobs)
        again = found(course, jobs, "--student", "s00004-random-7", "--student", "s00001-wrong-7")
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert again == there
    for student in books:
        same = {json.dumps(there[f"{student}-{number}"]) for number in range(100)}
        assert len(same) == 1 or "random" in student, (student, same)
