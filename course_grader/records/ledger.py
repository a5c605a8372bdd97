"""The gradebook while grades are written: one connection, and one transaction for each submission.

nbgrader's own helpers open it nine times for a submission, and load rows one by one. Here it is opened once, what a
unit consists of is read once, and a submission costs about ten statements on nbgrader's own tables.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from datetime import datetime

from nbgrader import utils
from nbgrader.api import (
    Comment,
    Grade,
    Gradebook,
    MissingEntry,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from ..contracts import GraderError, Plan
from ..course import plan as plans
from ..course.refusals import Locked, plain_words
from . import late

STUDENTS, SUBMISSIONS, NOTEBOOKS = Student.__table__, SubmittedAssignment.__table__, SubmittedNotebook.__table__
GRADES, COMMENTS = Grade.__table__, Comment.__table__
LOCKED_MS = 1_000  # how long to wait for a gradebook that was found locked once; the first time it is five seconds


@dataclass(frozen=True)
class Notebook:
    """What the gradebook knows of a unit's notebook. graded, commented: cell id -> name."""

    row: str
    graded: dict[str, str]
    commented: dict[str, str]
    checksums: dict[str, str]
    tasks: frozenset[str]
    kernelspec: dict


@dataclass(frozen=True)
class Unit:
    row: str
    due: datetime | None
    notebooks: dict[str, Notebook]


@dataclass
class Scores:
    """Points and remarks on one notebook, by the names of its cells; see `scores`."""

    grades: dict[str, float | None] = field(default_factory=dict)
    comments: dict[str, str | None] = field(default_factory=dict)


def scores(notebook) -> Scores:
    """What nbgrader's SaveAutoGrades reads from an autograded notebook."""
    found = Scores()
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if utils.is_grade(cell):
            found.grades[name], _ = utils.determine_grade(cell)
        if utils.is_solution(cell):
            unchanged = cell.metadata.nbgrader.checksum == utils.compute_checksum(cell)
            found.comments[name] = "No response." if unchanged else None
        elif utils.is_task(cell):
            found.comments[name] = None
    return found


class Ledger:
    """A course's gradebook, open. A context manager; one process has one, and nobody else writes verdicts meanwhile."""

    def __init__(self, course: plans.Settings):
        self.course = course
        with plain_words():
            self._book = plans.gradebook(course)
        self._units: dict[str, Unit] = {}
        self._late: dict[str, object] = {}

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_) -> None:
        with contextlib.suppress(SQLAlchemyError):
            self._book.close()

    @contextlib.contextmanager
    def transaction(self):
        """All that is written inside is saved at the end, or nothing of it."""
        try:
            with plain_words():
                yield
                self._db.commit()
        except BaseException as error:
            with contextlib.suppress(SQLAlchemyError):
                self._db.rollback()
            if isinstance(error, Locked):
                self._be_quick()
            raise

    @property
    def _db(self):
        return self._book.db

    def _be_quick(self) -> None:
        """The next submissions shall not wait long for a lock that stays."""
        if self._book.engine.dialect.name == "sqlite":
            with contextlib.suppress(SQLAlchemyError):
                self._db.execute(text(f"PRAGMA busy_timeout = {LOCKED_MS}"))
                self._db.rollback()

    def students(self) -> set[str]:
        """Everybody whom the gradebook knows."""
        with self.transaction():
            return set(self._db.scalars(select(STUDENTS.c.id)))

    def plans(self, unit: str) -> dict[str, Plan]:
        """The unit's plans by notebook."""
        with self.transaction():
            return plans.of_unit(self.course, unit, self._book)

    def unit(self, name: str) -> Unit:
        """What a unit consists of; read once."""
        if name not in self._units:
            try:
                with self.transaction():
                    self._units[name] = _unit(self._book.find_assignment(name))
            except MissingEntry:
                raise GraderError(
                    f"The gradebook knows no unit {name}: run `nbgrader generate_assignment {name}`."
                ) from None
        return self._units[name]

    def has_stamp(self, unit: str, student: str, when: str) -> bool:
        """Is the recorded submission of this time? when: text of a time stamp, "" for none."""
        query = select(SUBMISSIONS.c.timestamp).where(
            SUBMISSIONS.c.assignment_id == self.unit(unit).row, SUBMISSIONS.c.student_id == student
        )
        with self.transaction():
            return self._db.scalar(query) == (utils.parse_utc(when) if when else None)

    def auto_scores(self, unit: str, notebook: str, student: str) -> dict[str, float | None] | None:
        """Recorded automatic points of a student's notebook by cell; None if nothing is recorded."""
        there = self.unit(unit)
        if notebook not in there.notebooks:
            return None
        query = (
            select(GRADES.c.cell_id, GRADES.c.auto_score)
            .join(NOTEBOOKS, GRADES.c.notebook_id == NOTEBOOKS.c.id)
            .join(SUBMISSIONS, NOTEBOOKS.c.assignment_id == SUBMISSIONS.c.id)
            .where(SUBMISSIONS.c.assignment_id == there.row, SUBMISSIONS.c.student_id == student)
            .where(NOTEBOOKS.c.notebook_id == there.notebooks[notebook].row)
        )
        names = there.notebooks[notebook].graded
        with self.transaction():
            rows = self._db.execute(query).all()
        return {names[cell]: score for cell, score in rows if cell in names} if rows else None

    def save(
        self, unit: str, student: str, when: str, found: dict[str, Scores], missing: set[str], create_student: bool
    ) -> None:
        """Write one submission's points, inside a `transaction`.

        found: by notebook; missing: notebooks that were not handed in, which get 0; when: the time stamp, "" for none
        """
        there = self.unit(unit)
        submission, is_late = self._submission(there, unit, student, when, create_student)
        rows = self._notebooks(there, submission)
        for name, notebook in there.notebooks.items():
            self._grades(rows[name], notebook, found.get(name), name in missing)
            self._comments(rows[name], notebook, found.get(name))
        self._penalize(unit, student, list(found), {name: rows[name] for name in found}, is_late)

    def _submission(self, there: Unit, unit: str, student: str, when: str, create_student: bool) -> tuple[str, bool]:
        """The submission's row, and whether it is late."""
        if self._db.scalar(select(STUDENTS.c.id).where(STUDENTS.c.id == student)) is None:
            if not create_student:
                raise GraderError(f"No student with ID '{student}' exists in the gradebook.")
            self._db.execute(insert(STUDENTS), {"id": student})
        query = select(SUBMISSIONS.c.id, SUBMISSIONS.c.timestamp, SUBMISSIONS.c.extension).where(
            SUBMISSIONS.c.assignment_id == there.row, SUBMISSIONS.c.student_id == student
        )
        row = self._db.execute(query).first()
        stamp = utils.parse_utc(when) if when else None
        if row is None:
            values = {"assignment_id": there.row, "student_id": student, "timestamp": stamp}
            made = self._db.execute(insert(SUBMISSIONS).values(**values)).inserted_primary_key[0]
            return made, bool(stamp and there.due and stamp > there.due)
        if stamp != row.timestamp:  # also one that has none any more: its old time is another submission's
            self._db.execute(update(SUBMISSIONS).where(SUBMISSIONS.c.id == row.id).values(timestamp=stamp))
        due = there.due
        if due and row.extension:
            due += row.extension
        return row.id, bool(stamp and due and stamp > due)

    def _notebooks(self, there: Unit, submission: str) -> dict[str, str]:
        """A row for each notebook of the unit: name -> id."""
        query = select(NOTEBOOKS.c.notebook_id, NOTEBOOKS.c.id).where(NOTEBOOKS.c.assignment_id == submission)
        rows = {row.notebook_id: row.id for row in self._db.execute(query)}
        for notebook in there.notebooks.values():
            if notebook.row not in rows:
                made = insert(NOTEBOOKS).values(notebook_id=notebook.row, assignment_id=submission)
                rows[notebook.row] = self._db.execute(made).inserted_primary_key[0]
        return {name: rows[notebook.row] for name, notebook in there.notebooks.items()}

    def _grades(self, row: str, notebook: Notebook, found: Scores | None, missing: bool) -> None:
        """Automatic points; what a person gave is never touched, but has to be looked at again."""
        query = select(GRADES).where(GRADES.c.notebook_id == row)
        there = {grade.cell_id: grade for grade in self._db.execute(query)}
        new, changed = [], []
        for cell, name in notebook.graded.items():
            grade = there.get(cell)
            auto, look = (grade.auto_score, grade.needs_manual_grade) if grade else (None, True)
            if missing:
                auto, look = 0.0, False
            elif found and name in found.grades:
                auto = found.grades[name]
                look = auto is None or (grade is not None and grade.manual_score is not None)
            values = {"auto_score": auto, "needs_manual_grade": look}
            if grade is None:
                new.append({"cell_id": cell, "notebook_id": row} | values)
            elif (grade.auto_score, grade.needs_manual_grade) != (auto, look):
                changed.append({"id": grade.id} | values)
        if new:
            self._db.execute(insert(GRADES), new)
        for values in changed:
            self._db.execute(update(GRADES).where(GRADES.c.id == values.pop("id")).values(**values))

    def _comments(self, row: str, notebook: Notebook, found: Scores | None) -> None:
        query = select(COMMENTS.c.cell_id, COMMENTS.c.id, COMMENTS.c.auto_comment).where(COMMENTS.c.notebook_id == row)
        there = {comment.cell_id: comment for comment in self._db.execute(query)}
        new = []
        for cell, name in notebook.commented.items():
            told = found.comments.get(name) if found else None
            if cell not in there:
                new.append({"cell_id": cell, "notebook_id": row, "auto_comment": told})
            elif found and name in found.comments and there[cell].auto_comment != told:
                self._db.execute(update(COMMENTS).where(COMMENTS.c.id == there[cell].id).values(auto_comment=told))
        if new:
            self._db.execute(insert(COMMENTS), new)

    def _penalize(self, unit: str, student: str, names: list[str], rows: dict[str, str], is_late: bool) -> None:
        """The late penalty, from the plugin that the course has chosen (nbgrader's AssignLatePenalties)."""
        if not is_late:
            for row in rows.values():
                there = NOTEBOOKS.c.id == row, NOTEBOOKS.c.late_submission_penalty.is_not(None)
                self._db.execute(update(NOTEBOOKS).where(*there).values(late_submission_penalty=None))
            return
        if unit not in self._late:
            self._late[unit] = late.penalty_step(self.course.config, unit)
        self._db.expire_all()
        submission = self._book.find_submission(unit, student)
        for row in submission.notebooks:
            if row.name in names:
                late.penalize(self._late[unit], submission, row, student)
        self._db.flush()


@contextlib.contextmanager
def one_transaction(book: Gradebook):
    """nbgrader commits in each of its helpers; here all of them are one step, saved at the end or not at all."""
    commit, book.db.commit = book.db.commit, book.db.flush
    try:
        yield
        commit()
    except BaseException:
        book.db.rollback()
        raise
    finally:
        book.db.commit = commit


def _unit(assignment) -> Unit:
    return Unit(assignment.id, assignment.duedate, {one.name: _notebook(one) for one in assignment.notebooks})


def _notebook(row) -> Notebook:
    graded = [*row.grade_cells, *row.task_cells]
    commented = [*row.solution_cells, *row.task_cells]
    return Notebook(
        row.id,
        {cell.id: cell.name for cell in graded},
        {cell.id: cell.name for cell in commented},
        {cell.name: cell.checksum for cell in row.source_cells},
        frozenset(cell.name for cell in row.task_cells),
        (json.loads(row.kernelspec) if row.kernelspec else None) or {},
    )
