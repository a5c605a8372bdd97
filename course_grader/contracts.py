"""What the steps of grading hand to each other: a unit's plan, a submission, a verdict. Plain data, and JSON both ways.

A *plan* is what the instructor knows about a notebook (all of its cells in order, hidden tests included). A
*submission* is what one student wrote, as source text and nothing else. A *verdict* is what grading found; it is pure
data, so grading is a function from (plan, submission) to verdict, and recording it is a step of its own.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import cached_property

OUTPUT_CHARS = 4_000_000  # of what one cell shows, pictures included; an honest process cuts its text long before
REST_LEFT_OUT = "... (the rest of the output is left out)\n"
JUDGE, STUDENT = "judge", "student's process"  # where a test cell was judged


class GraderError(Exception):
    """Grading cannot go on; the message says in a sentence what happened and what to do."""


class CannotStart(GraderError):
    """No submission at all can be graded here: the engine does not start, or the sandbox does not hold."""


class BadUnit(CannotStart):
    """No submission of this unit can be graded anywhere: a cell of the course's own does not do what it should."""


@dataclass(frozen=True)
class PlanCell:
    """One cell of the instructor's notebook.

    kind: "setup" (locked code that both sides run), "answer" (the student writes it), "test" (graded code, locked),
        "example" (code that nobody grades), "manual" (an answer that a person grades: solution and grade at once, code
        or Markdown), "text" (all other Markdown, and nbgrader's task cells)
    name: nbgrader's grade_id, "" where there is none
    source: the instructor's text: a test's with its hidden tests, an answer's as the stub that students get
    released: the text that students get
    cell_id: the cell's nbformat id, "" if it has none
    points: of graded cells (tests, manual)
    """

    kind: str
    name: str
    source: str
    released: str
    cell_type: str = "code"
    cell_id: str = ""
    points: float = 0.0

    @property
    def hidden(self) -> bool:
        """Does a test hold lines that students do not see?"""
        return self.kind == "test" and self.source != self.released


@dataclass(frozen=True)
class Plan:
    """One notebook of a unit, in notebook order; `cpu_seconds` caps every cell of a student."""

    unit: str
    notebook: str
    cells: tuple[PlanCell, ...]
    cpu_seconds: float = 5.0
    allow_added_cells: bool = True
    allow_student_process: bool = True  # may tests that cannot work on remote values run beside the student's code?
    reference: dict[str, str] = field(default_factory=dict)  # the course's own answers by name; tell which tests cannot
    libraries: tuple[str, ...] = ()  # imported before anything is graded; () for the usual ones

    @cached_property
    def json(self) -> str:
        """The plan as text, the same for the same plan: how it goes to another process."""
        return json.dumps(asdict(self), sort_keys=True)

    @cached_property
    def digest(self) -> str:
        """A hash of all of it."""
        return hashlib.sha256(self.json.encode()).hexdigest()

    @classmethod
    def from_json(cls, text: str) -> Plan:
        data = json.loads(text)
        cells = tuple(PlanCell(**cell) for cell in data["cells"])
        return cls(**data | {"cells": cells, "libraries": tuple(data["libraries"])})

    def exercises(self) -> list[Exercise]:
        """The tests, grouped by the answers that they follow."""
        found: list[Exercise] = []
        for place, cell in enumerate(self.cells):
            if cell.kind == "test":
                if not found or any(other.kind in ("answer", "manual") for other in self.cells[found[-1].last : place]):
                    found.append(Exercise(place))
                found[-1].tests.append(place)
        for before, exercise in zip([None, *found], found, strict=False):
            start = before.last + 1 if before else 0
            exercise.answers = [i for i in range(start, exercise.last) if self.cells[i].kind in ("answer", "manual")]
        return found


@dataclass
class Exercise:
    """Places (indexes into `Plan.cells`) of the tests that follow the same answers, and of those answers."""

    first: int
    tests: list[int] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    @property
    def last(self) -> int:
        return self.tests[-1] if self.tests else self.first


@dataclass(frozen=True)
class Added:
    """A code cell of the student's own. `after`: place of the plan's cell that it follows, -1 for the very top."""

    after: int
    source: str


@dataclass(frozen=True)
class Submission:
    """What one student handed in for one notebook.

    answers: grade_id -> source text of the cells that the student had to write (code and Markdown)
    added: code cells of the student's own, in order
    examples: place in the plan -> source, for example cells that the student changed
    notes: what the grader noticed and a person should know, as sentences ("the cell softmax-check was edited: ...")
    """

    student: str
    answers: dict[str, str]
    added: tuple[Added, ...] = ()
    examples: dict[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @classmethod
    def from_data(cls, data: dict) -> Submission:
        """From what `asdict` made of one, also after its way through JSON."""
        examples = {int(place): source for place, source in data["examples"].items()}
        added = tuple(Added(**cell) for cell in data["added"])
        return cls(data["student"], data["answers"], added, examples, tuple(data["notes"]))


@dataclass
class CellVerdict:
    """What became of one test cell.

    cause: "" (passed) or one of causes.CAUSES; message: for the student, no hidden value in it
    detail: for the instructor alone: the exception's type and full text
    attempts: a cause per attempt, when there was more than one
    """

    name: str
    points: float
    max_points: float
    cause: str = ""
    message: str = ""
    detail: str = ""
    where: str = JUDGE
    cpu_s: float = 0.0
    attempts: list[str] = field(default_factory=list)
    output: str = ""  # what a visible check printed

    @property
    def passed(self) -> bool:
        return self.cause == ""


@dataclass
class CellRun:
    """How one cell of the student's ran, before any test: `outputs` as nbformat has them, `error` as one line."""

    name: str  # grade_id, or "added 1", "example 7"
    outputs: list[dict] = field(default_factory=list)
    error: str = ""
    cpu_s: float = 0.0
    exercise: str = ""  # for which it ran, by the name of its first test


@dataclass
class Verdict:
    """All that grading found out about one notebook of one student.

    key, keys: what it depends on, of the notebook and of each exercise (see judging/fingerprint.py); "" and {} until it
        is recorded
    """

    unit: str
    notebook: str
    student: str
    cells: list[CellVerdict] = field(default_factory=list)
    runs: list[CellRun] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)  # fork, sandbox, student (CPU), judge (CPU), total
    key: str = ""
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def points(self) -> float:
        return sum(cell.points for cell in self.cells)

    @property
    def max_points(self) -> float:
        return sum(cell.max_points for cell in self.cells)

    def to_json(self) -> str:
        return json.dumps(asdict(self))  # ASCII: half a surrogate pair in a message must not stop a file's writing

    @classmethod
    def from_json(cls, text: str) -> Verdict:
        return cls.from_data(json.loads(text))

    @classmethod
    def from_data(cls, data: dict) -> Verdict:
        """From what `asdict` made of one; `data` is taken apart."""
        cells = [CellVerdict(**cell) for cell in data.pop("cells")]
        return cls(cells=cells, runs=[CellRun(**run) for run in data.pop("runs")], **data)
