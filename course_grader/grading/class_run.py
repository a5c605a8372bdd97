"""A whole class: read each submission, leave out what is known, have the rest judged, record it.

One process, this one, reads submissions and writes the gradebook, each submission in one transaction; a pool (pool.py)
does the work in between. A few submissions are held at a time, whatever the size of the class.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass

from ..contracts import CannotStart, GraderError, Plan, Submission, Verdict
from ..course.lock import alone
from ..engine import worker as work
from ..intake import notebook as intake
from ..judging import fingerprint as keys
from ..records import save as record
from ..records.ledger import Ledger
from ..records.save import Graded
from . import own_answers as own
from .submission import Grader


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
    say: is told what a person should know before anybody is graded, a sentence at a time
    """

    def __init__(
        self,
        grader: Grader,
        unit: str,
        pool,
        isolation: str,
        apart=False,
        regrade=False,
        create=True,
        say: Callable[[str], None] = lambda sentence: None,
    ):
        self._grader, self._unit, self._pool = grader, unit, pool
        self._isolation, self._regrade, self._create, self._say = isolation, regrade, create, say
        self._course = "" if apart else str(grader.course.root)

    def results(self, students: Iterable[str]) -> Iterator[dict]:
        """What became of each submission, as it is known: {"student", "error"} or {"student", "verdicts", "again"}.

        Raises
        ------
        CannotStart
            Nothing can be judged, here or of this unit; what was recorded so far stays.
        """
        course = self._grader.course
        with contextlib.closing(self._pool), alone(course.root), Ledger(course) as self._ledger:
            self._known = None if self._create else self._ledger.students()
            self._ledger.unit(self._unit)
            self._try_own_answers()
            opened = map(self._open, students)
            for one, said in self._pool.stream((one, one.job) for one in opened):
                yield self._close(one, said)

    def _try_own_answers(self) -> None:
        """Judge the unit's own answers where the students' will be, unless they are known to get full points."""
        plans = self._grader.plans(self._unit).values()
        waiting, remarks = own.trials(self._grader.course, plans, self._isolation)
        if waiting:
            remarks.append(f"The course's own answers to {self._unit} are tried first; this is kept until they change.")
        for sentence in remarks:
            self._say(sentence)
        jobs = [(one, self._job([(one.plan, one.submission, None)])) for one in waiting]
        own.settle(self._grader.course, [(one, _own_verdict(said)) for one, said in self._pool.stream(jobs)])

    def _job(self, notebooks: Iterable[tuple[Plan, Submission, Verdict | None]]) -> str:
        """Notebooks of one submission with what is known of their verdicts, for a worker."""
        sent = [
            {"plan": plan.json, "submission": asdict(submission), "known": known and _sent(known)}
            for plan, submission, known in notebooks
        ]
        return work.job(self._course, self._isolation, sent)

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
        one.job = self._job((r.plan, r.submission, k) for r, k in zip(one.ready, known, strict=True))

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


def _own_verdict(said: str) -> Verdict:
    answer = json.loads(said)
    if "verdicts" not in answer:
        raise CannotStart(answer.get("fatal") or answer["error"])
    return Verdict.from_data(answer["verdicts"][0])
