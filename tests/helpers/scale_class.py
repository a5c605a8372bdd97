"""A class for tests of whole runs: a small course that needs no torch, so that an engine starts in a second."""

import json
import os
import random
import re
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import plain_course
from plain_course import UNIT, answered, cell, hand_in, released

from course_author.units.unit import ROOT
from course_grader.course import plan

LIGHT = '\nc.CourseGrader.libraries = ["IPython", "course_utils.check"]\n'
HIDDEN = "### BEGIN HIDDEN TESTS\n{}\n### END HIDDEN TESTS"
SOLVED = "def {0}(x):\n    ### BEGIN SOLUTION\n    return {1}\n    ### END SOLUTION"
CELLS = [
    cell("setup", "setup", "import math\nimport random\n\nfrom course_utils import check"),
    cell("answer", "double", SOLVED.format("double", "2 * x")),
    cell("test", "double-check", 'check.equal(double(2), 4, what="double(2)")', 1),
    cell("test", "double-hidden", HIDDEN.format('check.hidden.equal(double(-3), -6, what="double of a negative")'), 3),
    cell("answer", "root", SOLVED.format("root", "math.sqrt(x)")),
    cell("test", "root-check", 'check.close(root(9.0), 3.0, what="root(9)")', 1),
    cell("test", "root-hidden", HIDDEN.format('check.hidden.close(root(2.25), 1.5, what="the root of 2.25")'), 2),
]
# Kinds of submissions: answers by exercise, and the points that they get.
KINDS = {
    "right": ({"double": "def double(x):\n    return x + x", "root": "def root(x):\n    return x ** 0.5"}, 7),
    "wrong": ({"double": "def double(x):\n    return abs(x) * 2", "root": "def root(x):\n    return x / 3"}, 2),
    "half": ({"double": "def double(x):\n    return x * 2"}, 4),
    "blank": ({}, 0),
    "random": (
        {"double": "def double(x):\n    return 2 * x + (random.random() < 0.5)",
         "root": "def root(x):\n    return math.sqrt(x)"},
        None,  # but always the same
    ),
    "error": ({"double": "def double(x):\n    return x[0]", "root": "def root(x):\n    return math.sqrt(x)"}, 3),
    "died": ({"double": "import os\n\ndef double(x):\n    os._exit(3)", "root": "root = math.sqrt"}, 3),
    "printing": (
{"double": "def double(x):\n    print('x is', x)\n    return 2 * x", "root": "def root(x):\n    return 0"},
        4,
    ),
}  # fmt: skip


def make(folder: Path, config: str = "") -> Path:
    return plain_course.make(folder, {"first": CELLS}, LIGHT + config)


def fill(course: Path, count: int, kinds=tuple(KINDS)) -> dict[str, str]:
    """Hand in for `count` students, the kinds in turn; student -> kind."""
    notebook = json.dumps(released(course))
    made = {}
    for number in range(count):
        kind = kinds[number % len(kinds)]
        student = f"s{number:05}-{kind}"
        book = plain_course.nbformat.from_dict(json.loads(notebook))
        hand_in(course, student, answered(book, **KINDS[kind][0]))
        made[student] = kind
    return made


def command(course: Path, *arguments, unit=UNIT) -> list[str]:
    return [sys.executable, "-m", "course_grader", "grade", unit, "--course", str(course), *map(str, arguments)]


def surroundings(**more) -> dict:
    return os.environ | {"PYTHONPATH": str(ROOT)} | more


def grade(course: Path, *arguments, timeout=300, check=True, unit=UNIT, **more):
    """Run the command in a process of its own."""
    done = subprocess.run(
        command(course, *arguments, unit=unit),
        env=surroundings(**more), capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip
    assert not check or done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done


def first_graded(process) -> bool:
    """Wait until a run whose stderr is a pipe has graded its first submission; False if it ended before."""
    return any(re.match(r"1 of \d+$", line) for line in process.stderr)


def verdicts(course: Path) -> dict[str, list]:
    """What autograded/ holds: student -> (test, points, cause, message) of each test."""
    found = {}
    for path in sorted((course / "autograded").glob(f"*/{UNIT}/first.verdict.json")):
        data = json.loads(path.read_text())
        found[path.parts[-3]] = [(one["name"], one["points"], one["cause"], one["message"]) for one in data["cells"]]
    return found


def points(course: Path) -> dict[str, float]:
    """What the gradebook holds: student -> points; every submission once."""
    with plan.gradebook(plan.settings(course)) as book:
        rows = [(one.student.id, one.score) for one in book.assignment_submissions(UNIT)]
    assert len(rows) == len(dict(rows)), "a student has two submissions"
    return dict(rows)


def assert_right(course: Path, made: dict[str, str]) -> None:
    """Each submission has exactly one verdict, in gradebook and folder, and it is the right one."""
    given, there = points(course), verdicts(course)
    assert given.keys() == there.keys() == made.keys()
    for student, kind in made.items():
        assert given[student] == sum(cell[1] for cell in there[student]), student
        due = KINDS[kind][1]
        assert due is None or given[student] == due, (student, given[student])
    if "sqlite" in plan.settings(course).coursedir.db_url:
        with sqlite3.connect(course / "gradebook.db") as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            grades = "SELECT COUNT(*) FROM grade JOIN submitted_notebook n ON n.id = grade.notebook_id"
            assert database.execute(grades).fetchone() == (4 * len(made),)
        database.close()
    assert list((course / "autograded").glob("*/.*")) == [], "leftovers"


def processes_of(course: Path) -> list[int]:
    """Processes that have this course's path in their command or environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            text = (path / "cmdline").read_bytes() + (path / "environ").read_bytes()
        except OSError:
            continue
        if str(course).encode() in text and int(path.name) != os.getpid():
            found.append(int(path.name))
    return found


def wait_until_ended(course: Path, seconds: float = 10) -> list[int]:
    """The course's processes that are still there after a while; [] as soon as there are none."""
    end = time.monotonic() + seconds
    while (left := processes_of(course)) and time.monotonic() < end:
        time.sleep(0.05)
    return left


def shuffled(values, seed: int) -> list:
    values = list(values)
    random.Random(seed).shuffle(values)
    return values
