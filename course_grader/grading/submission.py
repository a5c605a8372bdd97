"""One submission from its folder to the gradebook: what `course-grader grade` and nbgrader's autograde both do."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..contracts import CannotStart, GraderError, Plan, Verdict
from ..course import plan as plans
from ..course.lock import alone
from ..intake import notebook as intake
from ..records import save as record
from . import own_answers as own


@dataclass(frozen=True)
class Done:
    """A verdict that is in the gradebook. again: False if it was there before, for the same submission."""

    plan: Plan
    verdict: Verdict
    again: bool = True


class Grader:
    """Grades submissions of one course. A context manager; the engine starts with the first submission that needs it.

    course: the course's settings; isolation: see `Engine`, by default what the course has set
    """

    def __init__(self, course: plans.Settings, isolation: str | None = None):
        self.course = course
        self._isolation = isolation or course.grader.isolation
        self._engine = None
        self._plans: dict[str, dict[str, Plan]] = {}
        self._held: str | None = None

    def __enter__(self) -> Grader:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """End the engine, if it runs."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    @property
    def engine(self):
        """The running engine. Starting it takes seconds: it imports what students' code may need, and probes the
        sandbox."""
        if self._engine is None:
            from ..engine.engine import Engine

            try:
                self._engine = Engine(
                    self.course.root, self._isolation, libraries=self.course.grader.libraries
                ).__enter__()
            except GraderError as error:
                raise CannotStart(str(error)) from None
        return self._engine

    def plans(self, unit: str) -> dict[str, Plan]:
        """The unit's plans by notebook."""
        if unit not in self._plans:
            self._plans[unit] = plans.of_unit(self.course, unit)
        return self._plans[unit]

    def forget_plans(self) -> None:
        """Read plans anew: the instructor may have released again."""
        self._plans.clear()

    def students(self, unit: str) -> list[str]:
        """Who handed in this unit: the names of the folders in submitted/."""
        above = self._submitted()
        names = [path.name for path in above.iterdir() if not path.name.startswith(".")] if above.is_dir() else []
        return sorted(name for name in names if os.path.lexists(self.course.submitted(name, unit)))

    def _submitted(self) -> Path:
        return self.course.submitted("ID", "UNIT").parent.parent

    def grade(
        self, unit: str, student: str, notebooks: list[str] | None = None, create_student=True, regrade=True
    ) -> list[Done]:
        """Read, judge and record one submission.

        notebooks: names of those to grade, default all
        regrade: also what is unchanged since its verdict was recorded

        Raises
        ------
        GraderError
            If the submission cannot be read or judged; gradebook and autograded/ are then as they were.
        """
        with self.hold(unit):
            return self._grade(unit, student, notebooks, create_student, regrade)

    @contextlib.contextmanager
    def hold(self, unit: str, say=lambda sentence: None) -> Iterator[None]:
        """Be the one who writes into the course, having seen that the unit's own answers get full points.

        Several submissions may be graded inside. say: is told why own answers could not be tried.

        Raises
        ------
        CannotStart
            Somebody else writes, nothing can be judged here, or a test of the unit is broken.
        """
        if self._held == unit:
            yield
            return
        with alone(self.course.root):
            self.try_own_answers(unit, say)
            self._held = unit
            try:
                yield
            finally:
                self._held = None

    def try_own_answers(self, unit: str, say=lambda sentence: None) -> None:
        """Judge the unit's own answers, unless they are known to get full points; see `own`.

        Raises
        ------
        CannotStart
            They do not (BadUnit), or nothing can be judged here.
        """
        waiting, remarks = own.trials(self.course, self.plans(unit).values(), self._isolation)
        for sentence in remarks:
            say(sentence)
        try:
            own.settle(self.course, [(one, self.engine.grade(one.plan, one.submission)) for one in waiting])
        except CannotStart:
            raise
        except GraderError as error:
            raise CannotStart(str(error)) from None

    def _grade(self, unit, student, notebooks, create_student, regrade) -> list[Done]:
        folder, found, ready = self.read(unit, student, notebooks)
        if not regrade:
            before = [record.recorded(self.course, one) for one in ready]
            if all(before):
                return [Done(one.plan, verdict, again=False) for one, verdict in zip(ready, before, strict=True)]
        record.tidy(self.course, unit, student)
        judged = []
        for one in ready:
            verdict = self.engine.grade(one.plan, one.submission)
            judged.append(one.judged(verdict, intake.pictures(folder, found)))
        record.record_all(self.course, unit, student, judged, create_student)
        return [Done(one.plan, one.verdict) for one in judged]

    def read(self, unit: str, student: str, notebooks: list[str] | None = None):
        """The submission's folder, what lies in it, and its notebooks without verdicts. Runs nothing of a student's."""
        problem = intake.student_problem(student)
        if problem:
            raise GraderError(f"{intake.show(student)} is no student id ({problem}): rename its folder in submitted/.")
        folder = self.course.submitted(student, unit)
        for above in (folder.parent, folder):
            if not os.path.lexists(above) or above.is_symlink() or not above.is_dir():
                raise GraderError(f"There is no submission of {student} for {unit}: {above} is no folder.")
        found = intake.survey(folder)
        record.timestamp(folder)
        ready = []
        for name, plan in self.plans(unit).items():
            intake.only_one(folder, found, f"{name}.ipynb")
            if os.path.lexists(folder / f"{name}.ipynb") and (notebooks is None or name in notebooks):
                ready.append(self._read_one(folder, plan, student, found.notes))
        if not ready:
            raise GraderError(f"{folder} holds no notebook of {unit}.")
        return folder, found, ready

    def _read_one(self, folder: Path, plan: Plan, student: str, notes: list[str]) -> record.Graded:
        data = intake.fetch(folder, f"{plan.notebook}.ipynb")
        try:
            submission, prose, pasted = intake.whole(data, plan, student, notes)
        except GraderError as error:
            raise GraderError(f"{folder / plan.notebook}.ipynb: {error}") from None
        nothing = Verdict(plan.unit, plan.notebook, student)
        return record.Graded(plan, submission, nothing, prose, pasted=pasted)
