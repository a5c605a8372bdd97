"""The answers bank through the separate judge: the same questions as `execution` answers in one process."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from course_grader.contracts import CellVerdict, Plan, PlanCell, Submission
from course_grader.engine.engine import Engine

from ..units.unit import ROOT, Exercise, Unit
from .jobs import CPU_SECONDS, CPU_SECONDS_OF, Outcome, Verdict

HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS", re.DOTALL)


def plan_of(unit: Unit, only: Exercise | None = None) -> Plan:
    """A unit's plan made from its text; with `only`, the tests of all other exercises are left out."""
    cells = [PlanCell("setup", f"setup {number}", source, source) for number, source in enumerate(unit.setup, 1)]
    for exercise in unit.exercises:
        cells.append(PlanCell("answer", exercise.slug, exercise.stub, exercise.stub))
        if only is None or exercise is only:
            for name, source, points in _tests(exercise):
                cells.append(PlanCell("test", name, source, HIDDEN.sub("", source), points=points))
    seconds = CPU_SECONDS_OF.get(unit.name, CPU_SECONDS)
    return Plan(unit.name, unit.name, tuple(cells), seconds, allow_student_process=False)


def _tests(exercise: Exercise):
    yield f"{exercise.slug}-check", exercise.check, exercise.points_check
    if exercise.hidden:
        yield f"{exercise.slug}-hidden", exercise.hidden, exercise.points_hidden


class JudgedRunner:
    """Answers judged as students' are: out of process, in the sandbox. A context manager; see `execution.Runner`.

    Parameters
    ----------
    root : path
        The course whose `course_utils` the cells import (if it holds one; else the installed one).
    """

    def __init__(self, root: Path = ROOT):
        self._engine = Engine(root)

    def __enter__(self) -> JudgedRunner:
        self._engine.__enter__()
        return self

    def __exit__(self, *_):
        self._engine.close()

    def outcomes(self, unit: Unit, exercise: Exercise, sources: Iterable[str]) -> list[Outcome]:
        """Verdicts for answer cells; the other exercises are answered by the reference solution."""
        plan, reference = plan_of(unit, exercise), {other.slug: other.answer for other in unit.exercises}
        submissions = (Submission("author", reference | {exercise.slug: source}) for source in sources)
        return [_outcome(exercise, self._engine.grade(plan, submission)) for submission in submissions]


def _outcome(exercise: Exercise, found) -> Outcome:
    verdicts = {cell.name: _as_in_one_process(cell) for cell in found.cells}
    return Outcome(Verdict(True), *(verdicts[f"{exercise.slug}-{ending}"] for ending in ("check", "hidden")))


def _as_in_one_process(cell: CellVerdict) -> Verdict:
    if cell.passed:
        return Verdict(True)
    cause = cell.cause if cell.cause in ("wrong", "time") else "error"
    return Verdict(False, cause, cell.detail.partition(":")[0], cell.message)
