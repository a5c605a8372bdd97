"""Bad input and a machine that fails: the rest of the class is graded, and the cause stands in one sentence."""

import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time

import plain_course
import pytest
import scale_class
from plain_course import UNIT, answered, hand_in, released
from scale_class import KINDS, fill, points
from sqlalchemy.exc import OperationalError

from course_grader.cli import main as cli
from course_grader.contracts import GraderError
from course_grader.course import plan
from course_grader.course import refusals as faults
from course_grader.grading import run
from course_grader.records import ledger

pytestmark = pytest.mark.part("scale")
REFUSED = "The gradebook refuses the points, and nothing is recorded (a b)."
FEW = ("right", "wrong", "half", "blank")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    course = scale_class.make(tmp_path_factory.mktemp("faults") / "course")
    fill(course, 4, FEW)
    return course


@pytest.fixture
def course(original, tmp_path):
    return shutil.copytree(original, tmp_path / "course")


def grade_here(course, capsys, *arguments):
    """In this process: exit status, JSON document, what stands on stderr."""
    status = cli.main(["grade", UNIT, "--course", str(course), "--jobs", "1", "--json", *arguments])
    out, err = capsys.readouterr()
    return status, json.loads(out), err


def refused(document) -> dict:
    return {one["student"]: one["error"] for one in document["submissions"] if one["status"] == "refused"}


# -- bad input ---------------------------------------------------------------------------------------------------------


def test_submissions_that_are_none_leave_the_rest_of_the_class(course, capsys):
    book = answered(released(course), **KINDS["right"][0])
    hand_in(course, "no-notebook", b"This is a letter.")
    hand_in(course, "empty")
    (hand_in(course, "essay") / "essay.docx").write_bytes(b"PK")
    two = hand_in(course, "two", book)
    (two / "again").mkdir()
    (two / "again" / "first.ipynb").write_bytes(plain_course.as_bytes(released(course)))
    cased = hand_in(course, "cased", book)
    (cased / "First.ipynb").write_bytes(plain_course.as_bytes(released(course)))
    copy = hand_in(course, "copy", book)
    (copy / "backup").mkdir()
    shutil.copy(copy / "first.ipynb", copy / "backup")  # the same twice is no question
    (copy / ".ipynb_checkpoints").mkdir()
    (copy / ".ipynb_checkpoints" / "first.ipynb").write_bytes(b"{}")
    status, document, _ = grade_here(course, capsys)
    assert status == 1
    told = refused(document)
    assert told.keys() == {"no-notebook", "empty", "essay", "two", "cased"}
    assert told["no-notebook"].endswith("first.ipynb: The notebook is damaged: it is no JSON (line 1).")
    assert told["empty"].endswith(f"empty/{UNIT} holds no notebook of {UNIT}.") and "no notebook" in told["essay"]
    assert "2 different notebooks named first.ipynb (" in told["two"] and "again/first.ipynb" in told["two"]
    assert "First.ipynb" in told["cased"]
    assert all(sentence.count(". ") == 0 and sentence.endswith(".") for sentence in told.values()), "one sentence each"
    assert points(course) == {f"s{n:05}-{kind}": KINDS[kind][1] for n, kind in enumerate(FEW)} | {"copy": 7}
    assert cli.main(["grade", UNIT, "--course", str(course), "--jobs", "1"]) == 1
    summary = capsys.readouterr().out.partition("hw: 0 graded, 5 unchanged, 5 not graded")[2]
    assert all(f"- {student}: " in summary for student in told)


def test_students_whom_the_roster_does_not_know(course, capsys):
    with plan.gradebook(plan.settings(course)) as book:
        for number, kind in enumerate(FEW[:3]):
            book.add_student(f"s{number:05}-{kind}")
    status, document, _ = grade_here(course, capsys, "--roster")
    assert status == 1
    assert refused(document) == {"s00003-blank": "No student with ID 's00003-blank' exists in the gradebook."}
    assert len(points(course)) == 3
    with (course / "nbgrader_config.py").open("a") as file:
        file.write("\nc.Autograde.create_student = False\n")
    assert grade_here(course, capsys)[0] == 1, "nbgrader's own setting means the same"
    with plan.gradebook(plan.settings(course)) as book:
        assert len(book.students) == 3


def test_a_unit_that_was_never_released(course, capsys):
    assert cli.main(["grade", "hw9", "--course", str(course), "--json"]) == 2
    out, err = capsys.readouterr()
    told = "The gradebook knows no unit hw9: run `nbgrader generate_assignment hw9`."
    assert json.loads(out)["error"] == told and told in err


# -- a gradebook that is locked ----------------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch):
    """Do not wait five seconds for a lock."""
    monkeypatch.setattr(ledger, "LOCKED_MS", 50)
    real = ledger.Ledger.__init__

    def init(self, course):
        real(self, course)
        self._be_quick()

    monkeypatch.setattr(ledger.Ledger, "__init__", init)


def hold(course):
    other = sqlite3.connect(course / "gradebook.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_a_gradebook_that_another_program_holds_for_a_while(course, capsys, quick, monkeypatch):
    """Those who came in that while are named; all others are graded, and the next run grades the rest."""
    real = run.Run._close

    def close(self, one, said):
        other = hold(course) if one.student == "s00001-wrong" else None
        result = real(self, one, said)
        if other:
            other.close()
        return result

    monkeypatch.setattr(run.Run, "_close", close)
    status, document, _ = grade_here(course, capsys)
    assert status == 1
    told = refused(document)
    assert told == {"s00001-wrong": faults.LOCKED}
    assert len(points(course)) == 3 and not (course / "autograded" / "s00001-wrong" / UNIT).exists()
    monkeypatch.setattr(run.Run, "_close", real)
    assert grade_here(course, capsys)[0] == 0 and len(points(course)) == 4


def test_a_gradebook_that_stays_locked(course, capsys, quick):
    other = hold(course)
    status, document, _ = grade_here(course, capsys)
    other.close()
    assert status == 1 and len(refused(document)) == 4
    assert points(course) == {}


def test_a_gradebook_that_is_locked_for_reading_too(course, capsys):
    other = sqlite3.connect(course / "gradebook.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    status, document, err = grade_here(course, capsys)
    other.close()
    assert status == 2 and "The gradebook is locked by another program" in document["error"]


def test_two_runs_at_once_are_refused(course, capsys):
    with run.alone(course):
        status, document, _ = grade_here(course, capsys)
    assert status == 2 and "Another course-grader is at work" in document["error"]
    assert grade_here(course, capsys)[0] == 0


# -- a disk that fills up ----------------------------------------------------------------------------------------------

FULL = """
set -e
mount -t tmpfs -o size={size}k none {place}
cp -r {course}/. {place}
dd if=/dev/zero of={place}/filler bs=1k count=$(($(df -k --output=avail {place} | tail -1) - {room}))
{command} --course {place} --jobs 1 --json > {out} || echo $? > {out}.status
cp {place}/gradebook.db {out}.db
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a small disk is made with Linux namespaces")
def test_a_disk_that_fills_up_during_the_run(course, tmp_path):
    """A small tmpfs in a mount namespace: a part of the class fits, the others are named, and nothing is damaged."""
    place, out = tmp_path / "small", tmp_path / "out.json"
    place.mkdir()
    fill(course, 12, ("right",))
    used = int(subprocess.run(["du", "-sk", str(course)], capture_output=True, text=True, check=True).stdout.split()[0])
    command = f"{sys.executable} -m course_grader grade {UNIT}"
    script = FULL.format(size=used + 2000, room=170, place=place, course=course, command=command, out=out)
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    done = subprocess.run(
        ["unshare", "--mount", *user, "sh", "-c", script],
        env=scale_class.surroundings(), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.json.status").read_text() == "1\n"
    document = json.loads(out.read_text())
    told = refused(document)
    graded = {one["student"] for one in document["submissions"] if one["status"] == "graded"}
    assert told and graded and len(told) + len(graded) == 4 + 11, document
    assert set(told.values()) == {faults.FULL}
    with sqlite3.connect(f"{out}.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = database.execute("SELECT student_id FROM submitted_assignment").fetchall()
    database.close()
    assert {student for (student,) in rows} == graded


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), faults.FULL),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), faults.FULL),
        (OSError(errno.EACCES, "Permission denied"), "The result cannot be written (Permission denied)."),
        (OperationalError("INSERT", {}, Exception("database is locked")), faults.LOCKED),
        (OperationalError("INSERT", {}, Exception("disk I/O error")), faults.FULL),
        (OperationalError("x", {}, Exception("a\nb")), REFUSED),
    ],
)  # fmt: skip
def test_what_disks_and_databases_say_is_put_in_words(error, told):
    with pytest.raises(GraderError) as said, faults.plain_words():
        raise error
    assert str(said.value) == told


def test_a_large_class_does_not_pile_up(course):
    """What waits between reading and recording is bounded, however slow the writer is."""
    from course_grader.engine import pool

    class Fast(pool._Futures):
        def __init__(self):
            self.most = 0

        def room(self):
            return 6

        def submit(self, text):
            from concurrent.futures import Future

            future = Future()
            threading.Timer(0.001, future.set_result, [text]).start()
            return future

        def close(self):
            pass

    read = 0

    def jobs():
        nonlocal read
        for number in range(300):
            read += 1
            yield number, None if number % 3 == 0 else str(number)

    done = set()
    for tag, said in Fast().stream(jobs()):
        time.sleep(0.001)
        done.add(tag)
        assert read - len(done) <= 7
        assert said == (None if tag % 3 == 0 else str(tag))
    assert done == set(range(300))


def test_a_fault_of_the_grader_itself_costs_one_submission(course):
    """A bug that only one submission finds must not stop the class."""
    from concurrent.futures import Future

    from course_grader.engine import pool

    class Buggy(pool._Futures):
        def room(self):
            return 2

        def submit(self, text):
            future = Future()
            future.set_exception(ZeroDivisionError("oh")) if text == "b" else future.set_result(text)
            return future

        def close(self):
            pass

    said = dict(Buggy().stream([(1, "a"), (2, "b"), (3, "c")]))
    assert (said[1], said[3]) == ("a", "c")
    assert isinstance(said[2], GraderError) and "ZeroDivisionError: oh" in str(said[2])


def test_what_ends_its_worker_again_and_again_is_given_up(course):
    """And those that were under way beside it are not."""
    from concurrent.futures import Future

    from course_grader.engine import pool
    from course_grader.engine.engine import EngineDied

    class Deadly(pool._Futures):
        def __init__(self):
            self.waiting = []

        def room(self):
            return 3

        def submit(self, text):
            future = Future()
            self.waiting.append((text, future))
            if len(self.waiting) == 3 or text == "deadly":
                batch, self.waiting = self.waiting, []
                broken = any(one == "deadly" for one, _ in batch)
                for one, waiting in batch:
                    waiting.set_exception(EngineDied()) if broken else waiting.set_result(one)
            else:
                threading.Timer(0.2, self._finish, [future, text]).start()
            return future

        def _finish(self, future, text):
            if not future.done():
                self.waiting = [one for one in self.waiting if one[1] is not future]
                future.set_result(text)

        def close(self):
            pass

    names = ["a", "b", "deadly", "c", "d"]
    said = dict(Deadly().stream([(name, name) for name in names]))
    assert {name: said[name] for name in names if name != "deadly"} == {name: name for name in "abcd"}
    assert isinstance(said["deadly"], GraderError) and "ended 3 times" in str(said["deadly"])
