"""What one student handed in for a unit, as it is known once it has been read: the form between intake and records."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from ..contracts import Added, Plan, Submission
from ..judging import fingerprint


@dataclass(frozen=True)
class HandedNotebook:
    """One notebook: the text in it that is graded, and what is recorded beside that.

    prose: the student's own Markdown
    pasted: pictures in Markdown cells, by the answer's name or the number of the prose; see `intake.submission.whole`
    """

    plan: Plan
    submission: Submission
    prose: tuple[Added, ...] = ()
    pasted: dict[str, dict] = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """What all that is recorded of the notebook depends on, as a hash."""
        return fingerprint.of_notebook(self.plan, self.submission, self.prose, self.pasted)

    @cached_property
    def exercises(self) -> dict[str, str]:
        """The same for each exercise."""
        return fingerprint.of_exercises(self.plan, self.submission)


@dataclass(frozen=True)
class HandedIn:
    """A student's folder in submitted/, read once; nothing after this looks into it again.

    when: the text of its time stamp, "" if there is none
    notebooks: those to be graded now; lacking: names of the unit's notebooks that were not handed in
    pictures: files beside the notebooks, name -> content
    secret: what nbgrader's exchange finds the feedback by, if it lies there
    """

    unit: str
    student: str
    when: str
    notebooks: tuple[HandedNotebook, ...]
    lacking: frozenset[str] = frozenset()
    pictures: dict[str, bytes] = field(default_factory=dict)
    secret: bytes = b""
