"""A small class, graded end to end: submissions made of bank answers, graded through nbgrader, points compared.

The points to expect come from `execution`, which runs each student's answers outside nbgrader. nbgrader's own commands
then release, grade (by the judge, as the course's settings say; `--stock`: by plain nbgrader) and write feedback in a
course folder of their own, and every difference is an error.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat

from ..units.release import environment, generate
from ..units.text import chosen_units, load_unit
from ..units.unit import ROOT, Exercise, Unit, UnitError, graded
from .bank import Answer, read_bank
from .execution import Runner
from .jobs import job_for, outcome

MARKER = ".demo-class"
LEAST_STUDENTS = 12
EXPECTED = "expected_points.json"


class DemoError(UnitError):
    """The class cannot be made or graded; the message is one sentence."""


@dataclass
class Student:
    """One made-up student: how to answer exercise number i, and what else to do to the notebook."""

    name: str
    answer: Callable[[int, Exercise, list[Answer]], str | None]  # None: leave the released stub
    spoil: Callable[[nbformat.NotebookNode, list[Exercise]], None] = lambda notebook, exercises: None


# -- the class ---------------------------------------------------------------------------------------------------------


def _right(bank: list[Answer], place: int) -> str:
    sources = [answer.source for answer in bank if answer.right]
    return sources[place % len(sources)]


def _wrong(bank: list[Answer], place: int) -> str:
    sources = [answer.source for answer in bank if not answer.right]
    return sources[place % len(sources)]


def _noisy(exercise: Exercise, source: str) -> str:
    """A right answer whose functions write to stderr each time they are called, as a warning would."""
    lines = [source, "", "import functools, sys", "", "def _noisy(function):", "    @functools.wraps(function)"]
    lines += ["    def told(*args, **kwargs):", '        print("debugging", function.__name__, file=sys.stderr)']
    lines += ["        return function(*args, **kwargs)", "    return told", ""]
    return "\n".join(lines + [f"{name} = _noisy({name})" for name in _functions(source, exercise)])


def _functions(source: str, exercise: Exercise) -> list[str]:
    return [name for name in exercise.names if re.search(rf"^def {name}\b", source, re.MULTILINE)]


def _chatty(source: str) -> str:
    return f'{source}\n\nprint("still here")\nfor step in range(3):\n    print("step", step)'


def _edit_tests(notebook, exercises) -> None:
    """Empty every test and raise its points: nbgrader puts both back."""
    for cell in notebook.cells:
        options = cell.metadata.get("nbgrader", {})
        if options.get("grade"):
            cell.source = "pass"
            options["points"] = 100


def _delete(ending: str):
    """Delete the first exercise's cell with this ending of its name."""

    def spoil(notebook, exercises):
        name = exercises[0].slug + ending
        notebook.cells = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") != name]

    return spoil


def students(count: int | None, mistakes: int) -> list[Student]:
    """The class: ten manners of handing in, then one student for each kind of mistake that the bank knows.

    Student k of the mistakes hands in wrong answer k + i of exercise i; with all of them, every wrong one is handed in.
    """
    manners = [
        Student("ada-perfect", lambda i, exercise, bank: _right(bank, 0)),
        Student("ben-other-methods", lambda i, exercise, bank: _right(bank, i + 1)),
        Student("cleo-blank", lambda i, exercise, bank: None),
        Student("dan-half-done", lambda i, exercise, bank: _right(bank, i) if i % 2 == 0 else None),
        Student("eva-warnings", lambda i, exercise, bank: _noisy(exercise, _right(bank, i))),
        Student("fay-prints", lambda i, exercise, bank: _chatty(_right(bank, i + 2))),
        Student("gus-edited-tests", lambda i, exercise, bank: _wrong(bank, i), _edit_tests),
        Student("hal-syntax-error", lambda i, exercise, bank: "def oops(:\n    return" if i == 0 else _right(bank, i)),
        Student("ivy-deleted-test", lambda i, exercise, bank: (_right if i else _wrong)(bank, i), _delete("-hidden")),
        Student("jon-deleted-answer", lambda i, exercise, bank: _right(bank, i), _delete("")),
    ]
    every = [
        Student(f"mistake-{place + 1:02}", lambda i, exercise, bank, place=place: _wrong(bank, place + i))
        for place in range(max(mistakes, LEAST_STUDENTS - len(manners)))
    ]
    return (manners + every)[:count]


def _answers_of(student: Student, unit: Unit, root: Path) -> dict[str, str]:
    """Slug -> what the student writes, without the exercises that stay blank."""
    written = {}
    for i, exercise in enumerate(graded(unit)):
        source = student.answer(i, exercise, read_bank(unit.name, exercise.slug, root))
        if source is not None:
            written[exercise.slug] = source
    return written


def hand_in(student: Student, unit: Unit, course: Path, root: Path) -> dict[str, str]:
    """Write the student's notebook into `submitted/`; return the answer cells that stand in it, by slug."""
    written = _answers_of(student, unit, root)
    notebook = nbformat.read(course / "release" / unit.name / f"{unit.name}.ipynb", as_version=4)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = written.get(name, cell.source)
    student.spoil(notebook, graded(unit))
    path = course / "submitted" / student.name / unit.name / f"{unit.name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    slugs = {exercise.slug for exercise in unit.exercises}
    there = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell.source for cell in notebook.cells}
    return {slug: there.get(slug, "") for slug in slugs}


def expected_points(runner: Runner, unit: Unit, handed_in: dict[str, str]) -> dict[str, tuple[float, float]]:
    """Points (check, hidden) by slug for one student's answers, each seen after the same student's earlier ones."""
    exercises = graded(unit)
    jobs = [job_for(unit, exercise, handed_in[exercise.slug], earlier=handed_in) for exercise in exercises]
    found = [outcome(exercise, verdicts) for exercise, verdicts in zip(exercises, runner.run(jobs), strict=True)]
    return {one.slug: made.points(one) for one, made in zip(exercises, found, strict=True)}


# -- the course folder -------------------------------------------------------------------------------------------------


def make_course(course: Path, units: list[Unit], root: Path, stock: bool = False) -> None:
    """An empty course with the units' notebooks and nbgrader's settings; only a folder of ours is ever replaced.

    stock: with the settings for plain nbgrader
    """
    if course.exists() and (not course.is_dir() or any(course.iterdir())):
        if not (course / MARKER).is_file():
            raise DemoError(
                f"{course} is there and was not made by this command, so it stays: choose another folder with --course."
            )
        shutil.rmtree(course)
    course.mkdir(parents=True, exist_ok=True)
    (course / MARKER).write_text("Made by `make demo`, which replaces this whole folder each time.\n", encoding="utf-8")
    settings = ROOT / "stock_config.py" if stock else root / "nbgrader_config.py"
    shutil.copy(settings, course / "nbgrader_config.py")
    for unit in units:
        notebook = root / "source" / unit.name / f"{unit.name}.ipynb"
        if not notebook.is_file():
            raise DemoError(f"source/{unit.name}/{unit.name}.ipynb is missing: run `make source` first.")
        (course / "source" / unit.name).mkdir(parents=True)
        shutil.copy(notebook, course / "source" / unit.name)


def nbgrader(course: Path, command: str, unit: Unit, on_line: Callable[[str], None] = lambda line: None) -> None:
    """Run one nbgrader command in the course folder; a failure is a `DemoError` with nbgrader's own last words."""
    with tempfile.TemporaryDirectory() as empty:
        process = subprocess.Popen(
            [sys.executable, "-m", "nbgrader", command, unit.name],
            cwd=course, env=environment(Path(empty)), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        log = []
        for line in process.stdout:
            log.append(line.strip())
            on_line(line)
        if process.wait() != 0:
            errors = [line for line in log if "ERROR" in line or "Error" in line] or log or ["it said nothing"]
            raise DemoError(f"nbgrader {command} {unit.name} failed: {errors[-1]}")


def grade(course: Path, unit: Unit, names: list[str]) -> None:
    """Autograde all submissions of a unit in one nbgrader run, with a line per student, then write the feedback."""
    numbers = itertools.count(1)

    def progress(line: str) -> None:
        found = re.search(rf"\] Autograding .*[/\\]([^/\\]+)[/\\]{unit.name}[/\\]{unit.name}\.ipynb", line)
        if found:
            print(f"  {unit.name}: grading {next(numbers)} of {len(names)}, {found[1]}", flush=True)

    nbgrader(course, "autograde", unit, progress)
    nbgrader(course, "generate_feedback", unit)


def given_points(course: Path, unit: Unit) -> dict[str, dict[str, tuple[float, float]]]:
    """What the gradebook says: student -> slug -> points (check, hidden)."""
    from nbgrader.api import Gradebook

    given = {}
    with Gradebook(f"sqlite:///{course.resolve() / 'gradebook.db'}") as gradebook:
        for submission in gradebook.assignment_submissions(unit.name):
            scores = {score.name: score.score for notebook in submission.notebooks for score in notebook.grades}
            given[submission.student.id] = {
                exercise.slug: (scores[f"{exercise.slug}-check"], scores[f"{exercise.slug}-hidden"])
                for exercise in graded(unit)
                if {f"{exercise.slug}-check", f"{exercise.slug}-hidden"} <= scores.keys()  # a lost grade is no zero
            }
    return given


# -- the comparison ----------------------------------------------------------------------------------------------------


def compare(course: Path, units: list[Unit]) -> int:
    """Print student x exercise, expected and given; the number of differences, missing feedback included."""
    expected = json.loads((course / EXPECTED).read_text(encoding="utf-8"))
    differences = 0
    for unit in units:
        exercises, given = graded(unit), given_points(course, unit)
        print(f"\n{unit.name}: expected/given points, of", end=" ")
        print(", ".join(f"{one.number} {one.points_check + one.points_hidden:g}" for one in exercises))
        print(" " * 22 + "".join(f"{one.number:>10}" for one in exercises) + "  feedback")
        for name, due in expected[unit.name].items():
            differences += _print_row(course, unit, name, due, given.get(name, {}))
    return differences


def _print_row(course: Path, unit: Unit, name: str, due: dict, got: dict) -> int:
    cells, differences = [], 0
    for exercise in graded(unit):
        wanted, given = tuple(due[exercise.slug]), got.get(exercise.slug)
        differs = given is None or wanted != tuple(given)
        differences += differs
        shown = "none" if given is None else f"{sum(given):g}"
        cells.append(f"{sum(wanted):g}/{shown}{'!' if differs else ' '}".rjust(10))
    feedback = course / "feedback" / name / unit.name / f"{unit.name}.html"
    there = feedback.is_file() and feedback.stat().st_size > 0
    print(f"{name:22}{''.join(cells)}  {'html' if there else 'missing!'}")
    return differences + (not there)


# -- the command -------------------------------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("unit", nargs="*", help="units to grade (default: all that have exercises)")
    parser.add_argument("--course", type=Path, default=None, help="course folder to make (default: demo)")
    parser.add_argument(
        "--students", type=int, default=None, help="size of the class, 12 or more (default and at most: every mistake)"
    )
    parser.add_argument("--stock", action="store_true", help="grade with plain nbgrader, without the judge: slow")
    parser.add_argument("--compare", action="store_true", help="grade nothing: compare a class that is there")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)


def main(argv: list[str]) -> int:
    """Make, grade and compare; 1 if any student's points or feedback are not what they should be."""
    parser = argparse.ArgumentParser(prog="course_author demo", description=__doc__.split("\n")[0])
    add_arguments(parser)
    arguments = parser.parse_args(argv)
    if arguments.students is not None and arguments.students < LEAST_STUDENTS:
        raise DemoError(f"A class has at least {LEAST_STUDENTS} students here, not {arguments.students}.")
    root, course = arguments.root, arguments.course or arguments.root / "demo"
    units = [load_unit(name, root) for name in chosen_units(arguments.unit, root)]
    units = [unit for unit in units if graded(unit)]
    if not units:
        raise DemoError("No unit has an exercise that gives points yet, so there is nothing to grade.")
    if arguments.compare:
        if not (course / EXPECTED).is_file() or not (course / "gradebook.db").is_file():
            raise DemoError(f"{course} holds no demo class to compare: run `make demo` first.")
    else:
        make_class(course, units, root, arguments.students, arguments.stock)
    return _report(compare(course, units), course, root)


def make_class(course: Path, units: list[Unit], root: Path, count: int | None, stock: bool = False) -> None:
    """Release, hand in, work out the points to expect, grade, write feedback."""
    banks = [read_bank(unit.name, exercise.slug, root) for unit in units for exercise in graded(unit)]
    mistakes = max(sum(not answer.right for answer in bank) for bank in banks)
    pupils = students(count, mistakes)
    make_course(course, units, root, stock)
    expected: dict[str, dict] = {}
    with Runner(root) as runner:
        for unit in units:
            generate(unit.name, course)
            expected[unit.name] = {
                pupil.name: expected_points(runner, unit, hand_in(pupil, unit, course, root)) for pupil in pupils
            }
            print(f"{unit.name}: released, {len(pupils)} submissions handed in", flush=True)
    (course / EXPECTED).write_text(json.dumps(expected, indent=1), encoding="utf-8")
    for unit in units:
        grade(course, unit, [pupil.name for pupil in pupils])


def _report(differences: int, course: Path, root: Path) -> int:
    if differences:
        print(f"\n{differences} differences (marked !) between the points expected and given.")
        return 1
    shown = course.relative_to(root) if course.is_relative_to(root) else course
    print("\nEvery student has the points that the answers deserve, and feedback to read.")
    print(f"To look at the class in formgrader: make formgrader COURSE={shown}")
    return 0
