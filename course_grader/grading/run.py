"""The only way from submitted/ to the gradebook, whoever asks: the command, nbgrader's autograde, formgrader's button.

One process, this one, reads submissions and writes the gradebook, each submission in one transaction; a pool (engine's
pool.py) judges in between. A few submissions are held at a time, whatever the size of the class.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ..contracts import GraderError, Verdict
from ..course import plan as plans
from ..course.lock import alone
from ..engine.worker import Job
from ..judging import fingerprint
from ..records import known
from ..records.handed_in import HandedIn
from ..records.ledger import Ledger
from ..records.save import save, tidy
from . import own_answers
from .reading import read


@dataclass
class _Open:
    """A submission between reading and recording.

    job: None if nothing has to be executed; unchanged: nor to be recorded
    """

    student: str
    error: str = ""
    handed: HandedIn | None = None
    verdicts: list[Verdict] | None = None
    unchanged: bool = False
    job: Job | None = None


class Run:
    """The grading of one unit: a context manager that is the only writer in the course meanwhile.

    course: the course's settings
    isolation: see `Engine`; by default what the course has set
    apart: the pool's workers have no course folder
    regrade: execute also what is unchanged
    create: enter students whom the gradebook does not know
    say: is told what a person should know before anybody is graded, a sentence at a time

    `plans` has the unit's plans by notebook, inside.
    """

    def __init__(
        self,
        course: plans.Settings,
        unit: str,
        isolation: str | None = None,
        apart: bool = False,
        regrade: bool = False,
        create: bool = True,
        say: Callable[[str], None] = lambda sentence: None,
    ):
        self._course, self._unit, self._say = course, unit, say
        self._isolation = isolation or course.grader.isolation
        self._regrade, self._create = regrade, create
        self._judged_for = "" if apart else str(course.root)
        self._tried = False

    def __enter__(self) -> Run:
        """Take the course's lock and open its gradebook, once.

        Raises
        ------
        CannotStart
            Somebody else is grading.
        GraderError
            The gradebook does not know the unit, or release and gradebook do not agree.
        """
        with contextlib.ExitStack() as stack:
            stack.enter_context(alone(self._course.root))
            self._ledger = stack.enter_context(Ledger(self._course))
            self._ledger.unit(self._unit)
            self.plans = self._ledger.plans(self._unit)
            self._roster = None if self._create else self._ledger.students()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_) -> None:
        self._stack.close()

    def results(self, students: Iterable[str], pool, notebooks: Iterable[str] | None = None) -> Iterator[dict]:
        """What became of each submission, as it is known: {"student", "error"} or {"student", "verdicts", "again"}.

        The unit's own answers are tried before the first one.

        pool: `pool.Local` or `pool.Cluster`, which is closed at the end
        notebooks: names of those to grade, default all

        Raises
        ------
        CannotStart
            Nothing can be judged, here or of this unit; what was recorded so far stays.
        """
        with contextlib.closing(pool):
            if not self._tried:
                own_answers.check(self._course, self.plans, pool, self._isolation, self._judged_for, self._say)
                self._tried = True
            opened = (self._open(student, notebooks) for student in students)
            for one, said in pool.stream((one, one.job) for one in opened):
                yield self._close(one, said)

    # -- before ----------------------------------------------------------------------------------------------------

    def _open(self, student: str, notebooks: Iterable[str] | None) -> _Open:
        """Read a submission, and find out what of it has to be executed."""
        one = _Open(student)
        try:
            if self._roster is not None and student not in self._roster:
                raise GraderError(f"No student with ID '{student}' exists in the gradebook.")
            one.handed = read(self._course, self.plans, self._unit, student, notebooks)
            self._look_up(one)
        except GraderError as error:
            one.error, one.job = str(error), None
        except OSError as error:
            one.error = f"The submission cannot be read ({error.strerror}: {error.filename})."
        return one

    def _look_up(self, one: _Open) -> None:
        """What is known already: all of it and recorded, all of it, some exercises, nothing."""
        tidy(self._course, self._unit, one.student)
        handed = one.handed.notebooks
        before = [known.before(self._course, notebook) for notebook in handed]
        if self._regrade:
            before = [None] * len(before)
        elif all(known.holds(self._ledger, n, one.handed.when, b) for n, b in zip(handed, before, strict=True)):
            one.verdicts, one.unchanged = before, True
            return
        kept = [fingerprint.known(n.plan, b, n.exercises) for n, b in zip(handed, before, strict=True)]
        if all(k is not None and fingerprint.is_whole(n.plan, k) for n, k in zip(handed, kept, strict=True)):
            for verdict, notebook, earlier in zip(kept, handed, before, strict=True):
                verdict.notes, verdict.seconds = list(notebook.submission.notes), earlier.seconds
            one.verdicts = kept
            return
        asked = tuple((n.plan, n.submission, k) for n, k in zip(handed, kept, strict=True))
        one.job = Job(self._judged_for, self._isolation, asked)

    # -- after -----------------------------------------------------------------------------------------------------

    def _close(self, one: _Open, said: list[Verdict] | GraderError | None) -> dict:
        """Record what came back."""
        if one.error or isinstance(said, GraderError):
            return {"student": one.student, "error": one.error or str(said)}
        if one.unchanged:
            return {"student": one.student, "verdicts": one.verdicts, "again": False}
        verdicts = one.verdicts or said
        try:
            save(self._ledger, one.handed, verdicts, self._create)
        except GraderError as error:
            return {"student": one.student, "error": str(error)}
        return {"student": one.student, "verdicts": verdicts, "again": True}
