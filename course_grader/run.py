"""A whole class: read each submission, leave out what is known, have the rest judged, record it.

One process, this one, reads submissions and writes the gradebook, each submission in one transaction; a pool (pool.py)
does the work in between. A few submissions are held at a time, whatever the size of the class.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from . import intake, keys, record, work
from .faults import FULL
from .ledger import Ledger
from .model import GraderError, Verdict
from .record import Graded
from .steps import CannotStart, Grader

LOCK = ".course-grader.lock"


@dataclass
class _Open:
    """A submission between reading and recording. job: None if nothing has to be executed."""

    student: str
    error: str = ""
    ready: list[Graded] = None
    verdicts: list[Verdict] = None
    pictures: dict[str, bytes] = None
    job: str | None = None


class ClassRun:
    """The grading of one unit for many students.

    grader: of the course; its engine is not used
    pool: `pool.Local` or `pool.Cluster`
    apart: the pool's workers have no course folder
    regrade: execute also what is unchanged
    create: enter students whom the gradebook does not know
    """

    def __init__(self, grader: Grader, unit: str, pool, isolation: str, apart=False, regrade=False, create=True):
        self._grader, self._unit, self._pool = grader, unit, pool
        self._isolation, self._regrade, self._create = isolation, regrade, create
        self._course = "" if apart else str(grader.course.root)

    def results(self, students: Iterable[str]) -> Iterator[dict]:
        """What became of each submission, as it is known: {"student", "error"} or {"student", "verdicts", "again"}.

        Raises
        ------
        CannotStart
            Nothing can be judged; what was recorded so far stays.
        """
        with alone(self._grader.course.root), Ledger(self._grader.course) as self._ledger:
            self._known = None if self._create else self._ledger.students()
            self._ledger.unit(self._unit)
            opened = map(self._open, students)
            with contextlib.closing(self._pool.stream((one, one.job) for one in opened)) as stream:
                for one, said in stream:
                    yield self._close(one, said)

    # -- before ----------------------------------------------------------------------------------------------------

    def _open(self, student: str) -> _Open:
        """Read a submission, and find out what of it has to be executed."""
        one = _Open(student)
        try:
            if self._known is not None and student not in self._known:
                raise GraderError(f"No student with ID '{student}' exists in the gradebook.")
            folder, found, one.ready = self._grader.read(self._unit, student)
            one.pictures = intake.pictures(folder, found)
            self._look_up(one)
        except GraderError as error:
            one.error, one.job = str(error), None
        except OSError as error:
            one.error = f"The submission cannot be read ({error.strerror}: {error.filename})."
        return one

    def _look_up(self, one: _Open) -> None:
        record.tidy(self._grader.course, self._unit, one.student)
        before = [record.before(self._grader.course, ready) for ready in one.ready]
        if self._regrade:
            before = [None] * len(before)
        elif all(record.holds(self._ledger, *pair) for pair in zip(one.ready, before, strict=True)):
            one.verdicts = before
            one.ready = []  # nothing to record
            return
        known = [keys.known(r.plan, b, r.exercises) for r, b in zip(one.ready, before, strict=True)]
        if all(k is not None and keys.is_whole(r.plan, k) for r, k in zip(one.ready, known, strict=True)):
            for verdict, ready, earlier in zip(known, one.ready, before, strict=True):
                verdict.notes, verdict.seconds = list(ready.submission.notes), earlier.seconds
            one.verdicts = known
            return
        notebooks = [
            {"plan": r.plan.json, "submission": asdict(r.submission), "known": k and _sent(k)}
            for r, k in zip(one.ready, known, strict=True)
        ]
        one.job = work.job(self._course, self._isolation, notebooks)

    # -- after -----------------------------------------------------------------------------------------------------

    def _close(self, one: _Open, said: str | None) -> dict:
        """Record what came back."""
        answer = json.loads(said) if said else {}
        if "fatal" in answer:
            raise CannotStart(answer["fatal"])
        if "error" in answer or one.error:
            return {"student": one.student, "error": one.error or answer["error"]}
        if not one.ready:
            return {"student": one.student, "verdicts": one.verdicts, "again": False}
        try:
            verdicts = one.verdicts or [Verdict.from_data(data) for data in answer["verdicts"]]
            done = [ready.judged(v, one.pictures) for ready, v in zip(one.ready, verdicts, strict=True)]
            record.save(self._ledger, self._unit, one.student, done, self._create)
        except GraderError as error:
            return {"student": one.student, "error": str(error)}
        return {"student": one.student, "verdicts": verdicts, "again": True}


def _sent(known: Verdict) -> dict:
    return {"cells": [asdict(cell) for cell in known.cells], "runs": [asdict(run) for run in known.runs]}


@contextlib.contextmanager
def alone(course: Path):
    """Hold the course: two runs at once would grade everything twice and trip over each other's files."""
    path = course / LOCK
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise GraderError(
            FULL if error.errno == 28 else f"{path} cannot be written ({error.strerror}): grade as who owns the course."
        ) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise GraderError(
                f"Another course-grader is at work in {course}: wait until it has ended, or end it."
            ) from None
        yield
    finally:
        os.close(handle)  # the file stays: deleting it could let two in
