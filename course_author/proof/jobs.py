"""The cells that decide about an answer, and what can become of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..units.unit import Exercise, Unit, UnitError

CPU_SECONDS = 5  # per cell, the course's cap for one odd answer; chapter 5 trains networks
CPU_SECONDS_OF = {"05_mnist_project": 20}
WALL_SECONDS = 60  # per cell, for whoever sleeps or waits: generous, so that a busy machine changes no verdict


class ExecutionError(UnitError):
    """The cells around an answer (setup, reference solutions) do not run, or the machine cannot run any."""


@dataclass(frozen=True)
class Cell:
    """One cell to run. Roles: "setup" (must run, else the job is void), "answer", "test"."""

    role: str
    name: str
    source: str


@dataclass(frozen=True)
class Job:
    """Cells that one child runs in order; with `until_failure` it stops at the first test that fails."""

    cells: tuple[Cell, ...]
    cpu_seconds: float = CPU_SECONDS
    wall_seconds: float = WALL_SECONDS
    until_failure: bool = False


@dataclass(frozen=True)
class Verdict:
    """What became of one cell.

    cause: "" (passed), "wrong" (a check or assert did not hold), "error" (another exception), "time", "skipped"
    exception: the exception's class name; message: its text
    """

    passed: bool
    cause: str = ""
    exception: str = ""
    message: str = ""


@dataclass(frozen=True)
class Outcome:
    """The verdicts of an answer's three cells. `points` is what nbgrader would give."""

    answer: Verdict
    check: Verdict
    hidden: Verdict

    @property
    def passed(self) -> bool:
        return self.check.passed and self.hidden.passed

    def points(self, exercise: Exercise) -> tuple[float, float]:
        return exercise.points_check * self.check.passed, exercise.points_hidden * self.hidden.passed


def job_for(
    unit: Unit, exercise: Exercise, answer: str, earlier: Mapping[str, str] | None = None, until_failure: bool = False
) -> Job:
    """The cells that decide about `answer`: setup, earlier answers, this answer, its check, its hidden tests.

    Parameters
    ----------
    earlier : mapping from slug to source, optional
        What the same student wrote in exercises before this one; the reference solution where it says nothing.
    """
    cells = [Cell("setup", f"setup cell {number}", source) for number, source in enumerate(unit.setup, 1)]
    for before in unit.exercises[: unit.exercises.index(exercise)]:
        written = (earlier or {}).get(before.slug)
        role, source = ("setup", before.answer) if written is None else ("answer", written)
        cells.append(Cell(role, before.slug, source))
    cells += [
        Cell("answer", exercise.slug, answer),
        Cell("test", f"{exercise.slug}-check", exercise.check),
        Cell("test", f"{exercise.slug}-hidden", exercise.hidden),
    ]
    return Job(tuple(cells), CPU_SECONDS_OF.get(unit.name, CPU_SECONDS), until_failure=until_failure)


def outcome(exercise: Exercise, verdicts: Mapping[str, Verdict]) -> Outcome:
    """Pick an exercise's own verdicts out of a job's."""
    return Outcome(*(verdicts[name] for name in (exercise.slug, f"{exercise.slug}-check", f"{exercise.slug}-hidden")))
