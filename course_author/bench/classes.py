"""Make a class from the bank of right and wrong answers, and grade it with either grader."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import numpy as np

from ..proof.bank import read_bank
from ..proof.demo import make_course
from ..units.release import environment, generate, try_own_answers
from ..units.unit import ROOT, Unit, UnitError, graded

CORES = 2
STUDENTS = 40
RIGHT = 0.6  # the share of right answers in a class; a third or so of real ones are wrong


# -- the class ---------------------------------------------------------------------------------------------------------


def mixed(unit: Unit, count: int, seed: int, root: Path) -> dict[str, dict[str, str]]:
    """Student -> answer cell -> source; each answer drawn from the bank, right or wrong."""
    rng = np.random.default_rng([seed, unit.chapter])
    banks = {exercise.slug: read_bank(unit.name, exercise.slug, root) for exercise in graded(unit)}
    found = {}
    for number in range(count):
        answers = {}
        for slug, bank in banks.items():
            wanted = rng.random() < RIGHT
            answers[slug] = str(rng.choice([one.source for one in bank if one.right == wanted]))
        found[f"student-{number:03}"] = answers
    return found


def hand_in(course: Path, unit: Unit, written: dict[str, dict[str, str]], examples: bool = True) -> None:
    """Write the submissions; examples: with the code cells that nbgrader does not know."""
    released = nbformat.read(course / "release" / unit.name / f"{unit.name}.ipynb", as_version=4)
    if not examples:
        released.cells = [cell for cell in released.cells if cell.cell_type != "code" or "nbgrader" in cell.metadata]
    text = json.dumps(released)
    for student, answers in written.items():
        notebook = nbformat.from_dict(json.loads(text))
        for cell in notebook.cells:
            cell.source = answers.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
        path = course / "submitted" / student / unit.name / f"{unit.name}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)


def new_course(folder: Path, unit: Unit, root: Path) -> Path:
    make_course(folder, [unit], root)
    generate(unit.name, folder)
    try_own_answers([unit.name], folder)  # as nbgrader's own command does with the course's settings
    return folder


def for_stock(course: Path, folder: Path) -> Path:
    """A copy of a released course with the settings of plain nbgrader."""
    shutil.copytree(course, folder)
    shutil.copy(ROOT / "stock_config.py", folder / "nbgrader_config.py")
    return folder


def points(course: Path, unit: Unit) -> dict[str, dict[str, float]]:
    """Student -> test -> points, from the gradebook."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        return {
            one.student.id: {grade.name: grade.auto_score for book_ in one.notebooks for grade in book_.grades}
            for one in book.assignment_submissions(unit.name)
        }


# -- ours --------------------------------------------------------------------------------------------------------------


def ours(course: Path, unit: Unit, jobs: int, watch=None) -> dict:
    """Grade what was handed in with `course-grader grade`. Seconds of the whole command, and until the first verdict.

    watch: called with the running process; what it returns is called at the end, for its findings
    """
    command = [sys.executable, "-m", "course_grader", "grade", unit.name, "--course", str(course), "--jobs", str(jobs)]
    with tempfile.TemporaryDirectory() as empty:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, env=environment(Path(empty)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        found = watch(process) if watch else dict
        said, first = "", None
        for line in process.stderr:
            said, first = line, first or time.perf_counter() - started
        status = process.wait()
    wall = time.perf_counter() - started
    if status != 0:
        raise UnitError(f"course-grader could not grade {unit.name}: {said.strip()[-300:]}")
    return {"wall_s": wall, "start_s": first, **found()}


def spent(course: Path, unit: Unit) -> dict[str, list[float]]:
    """What the verdicts say: seconds of each submission, by part."""
    found: dict[str, list[float]] = {}
    for path in (course / "autograded").glob(f"*/{unit.name}/{unit.name}.verdict.json"):
        for part, seconds in json.loads(path.read_text(encoding="utf-8"))["seconds"].items():
            found.setdefault(part, []).append(seconds)
    return found


# -- stock nbgrader ----------------------------------------------------------------------------------------------------


def stock(course: Path, unit: Unit) -> dict:
    """Grade the same with plain `nbgrader autograde`, which is one process."""
    command = [sys.executable, "-m", "nbgrader", "autograde", unit.name, "--create"]
    with tempfile.TemporaryDirectory() as empty:
        started = time.perf_counter()
        done = subprocess.run(
            command, cwd=course, env=environment(Path(empty)), capture_output=True, text=True, check=False
        )
    if done.returncode != 0:
        raise UnitError(f"Stock nbgrader could not grade {unit.name}: {done.stderr.strip()[-300:]}")
    return {"wall_s": time.perf_counter() - started}


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
