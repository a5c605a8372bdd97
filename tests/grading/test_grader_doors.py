"""A refusal loses nothing: gradebook and autograded/ stay as they were, by whichever door the grading was asked for."""

import contextlib
import re
import shutil
import sqlite3
import subprocess
import sys

import plain_course
import pytest
import scale_class
from browser import browsing, serving
from plain_course import UNIT, answered, hand_in, released
from playwright.sync_api import expect
from scale_class import KINDS

from course_author.units.release import environment
from course_grader.cli import main as cli
from course_grader.contracts import CannotStart
from course_grader.course import lock, plan
from course_grader.engine import pool
from course_grader.grading import run as runs

pytestmark = pytest.mark.part("grader")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """ada and bob, graded once."""
    course = scale_class.make(tmp_path_factory.mktemp("doors") / "course")
    for student in ("ada", "bob"):
        hand_in(course, student, answered(released(course), **KINDS["right"][0]))
    assert cli.main(["grade", UNIT, "--course", str(course)]) == 0
    return course


@pytest.fixture
def course(original, tmp_path):
    return shutil.copytree(original, tmp_path / "course")


def state(course):
    """All that grading may change: the gradebook's rows, and each file below autograded/ with its mode."""
    book = sqlite3.connect(course / "gradebook.db")
    with contextlib.closing(book):
        rows = list(book.iterdump())
    files = sorted(path for path in (course / "autograded").rglob("*") if path.is_file())
    return rows, [(path, path.read_bytes(), path.stat().st_mode) for path in files]


# -- what refuses ------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def damaged(course):
    path = course / "submitted" / "ada" / UNIT / "first.ipynb"
    before = path.read_bytes()
    path.write_bytes(before[:300])
    yield "The notebook is damaged: it is no JSON"
    path.write_bytes(before)


@contextlib.contextmanager
def held(course):
    with lock.alone(course):
        yield "Another course-grader is at work in"


@contextlib.contextmanager
def broken(course):
    source = course / "source" / UNIT / "first.ipynb"
    before = source.read_text()
    source.write_text(before.replace("double(-3), -6", "double(-3), 6"))
    plain_course.release(course)
    yield "double-hidden gives 0 of 3 points"
    source.write_text(before)
    plain_course.release(course)


@contextlib.contextmanager
def no_id(course):
    """A folder whose name would stand in formgrader's pages as markup."""
    folder = course / "submitted" / "<img src=x>"
    shutil.copytree(course / "submitted" / "ada", folder)
    yield "is no student id (an id has at most 128 letters"
    shutil.rmtree(folder)


FAULTS = {"damaged": damaged, "held": held, "broken": broken, "no id": no_id}


def submitter(fault):
    return "<img src=x>" if fault == "no id" else "ada"


def status(fault):
    """1: this submission is refused; 2: nobody can be graded."""
    return 2 if fault in ("held", "broken") else 1


# -- doors -------------------------------------------------------------------------------------------------------------


def test_the_command(course, capsys):
    for name, fault in FAULTS.items():
        with fault(course) as says:
            before = state(course)
            command = ["grade", UNIT, "--course", str(course), "--regrade", "--student", submitter(name)]
            assert cli.main(command) == status(name), name
            assert says in " ".join("".join(capsys.readouterr()).split()), name
            assert state(course) == before, name
    assert cli.main(["grade", UNIT, "--course", str(course), "--regrade"]) == 0


def test_nbgrader_autograde(course, tmp_path):
    for name, fault in FAULTS.items():
        with fault(course) as says:
            before = state(course)
            command = [sys.executable, "-m", "nbgrader", "autograde", UNIT, "--student", submitter(name), "--force"]
            done = subprocess.run(
                command, cwd=course, env=environment(tmp_path), capture_output=True, text=True, timeout=120, check=False
            )
            assert says in done.stderr, name
            assert done.returncode == status(name), name
            assert state(course) == before, name
    done = subprocess.run([*command[:5], "--force"], cwd=course, env=environment(tmp_path), timeout=120, check=False)
    assert done.returncode == 0


def test_formgraders_button(course, tmp_path):
    """Clicked in a real browser: the button is always nbgrader's --force."""
    with serving(course, tmp_path, "--formgrader") as address, browsing() as (page, _):
        for name, fault in FAULTS.items():
            with fault(course) as says:
                before = state(course)
                page.goto(f"{address}/formgrader/manage_submissions/{UNIT}")
                row = page.locator("tr", has_text=submitter(name))
                row.locator(".autograde a").click()
                dialog = page.locator(".modal.show, .modal.in").first
                expect(dialog).to_contain_text(says, timeout=60_000)
                assert state(course) == before, name
                dialog.locator("button", has_text=re.compile("OK|Close|×")).first.click()
                expect(dialog).to_be_hidden()
        page.goto(f"{address}/formgrader/manage_submissions/{UNIT}")
        page.locator("tr", has_text="ada").locator(".autograde a").click()
        expect(page.locator(".modal.show, .modal.in").first).to_contain_text("Successfully autograded", timeout=60_000)


# -- the lock ----------------------------------------------------------------------------------------------------------


def test_one_submission_is_graded_under_the_lock(course, monkeypatch):
    """Reproduced before: a class run's `tidy` deleted the draft that another writer was just filling."""
    taken = []
    real = runs.save

    def look(ledger, handed, *arguments):
        with pytest.raises(CannotStart, match="Another course-grader is at work"), lock.alone(course):
            pass
        taken.append(handed.student)
        return real(ledger, handed, *arguments)

    monkeypatch.setattr(runs, "save", look)
    settings = plan.settings(course)
    with runs.Run(settings, UNIT, regrade=True) as run:
        for student in ("ada", "bob"):
            (result,) = run.results([student], pool.Local(1))
            assert result["again"]
        with pytest.raises(CannotStart, match="Another course-grader is at work"), runs.Run(settings, UNIT):
            pass
    assert taken == ["ada", "bob"]


def test_late_penalties_wait_for_a_run(course, capsys):
    with lock.alone(course):
        assert cli.main(["late", UNIT, "--course", str(course)]) == 2
    assert "Another course-grader is at work" in capsys.readouterr().err
    assert cli.main(["late", UNIT, "--course", str(course)]) == 0


def test_a_colleague_in_the_group_can_hold_it(course):
    """The file may be another person's: whoever may read it may hold it. (As root, who may all, by its own process.)"""
    lock_file = course / lock.LOCK
    lock_file.chmod(0o444)
    program = (
        "import os, sys, pathlib; from course_grader.course import lock\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "with lock.alone(pathlib.Path(sys.argv[1])): print('held')"
    )
    for folder in (course, *course.parents):
        folder.chmod(folder.stat().st_mode | 0o005)
    done = subprocess.run([sys.executable, "-c", program, str(course)], capture_output=True, text=True, check=False)
    assert done.stdout == "held\n", done.stderr


# -- a submission's time -----------------------------------------------------------------------------------------------


def times(course):
    with plan.gradebook(plan.settings(course)) as book:
        return {one.student.id: one.timestamp and str(one.timestamp) for one in book.assignment_submissions(UNIT)}


@pytest.mark.parametrize("changed", ["the notebook, too", "the time alone"])
def test_a_submission_replaced_by_one_without_a_time_has_none(changed, course):
    stamp = course / "submitted" / "ada" / UNIT / "timestamp.txt"
    stamp.write_text("2026-11-22 10:00:00 UTC")
    grade = ["grade", UNIT, "--course", str(course)]
    assert cli.main(grade) == 0
    assert times(course) == {"ada": "2026-11-22 10:00:00", "bob": None}
    stamp.unlink()
    if changed == "the notebook, too":
        hand_in(course, "ada", answered(released(course), **KINDS["half"][0]))
    assert cli.main(grade) == 0
    assert times(course) == {"ada": None, "bob": None}
