"""A class's points in one unit, read from the gradebook: by student and exercise, for statistics and export."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from nbgrader.api import (
    BaseCell,
    Grade,
    MissingEntry,
    Notebook,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)

from ..contracts import GraderError, Plan
from ..course import plan as plans
from ..words import title


@dataclass(frozen=True)
class Item:
    """What is counted together: the tests of an exercise, or one cell that a person grades.

    cells: names of the graded cells in the notebook
    """

    name: str
    notebook: str
    cells: tuple[str, ...]
    max_points: float


@dataclass
class Row:
    """One student. points: item's name -> points, None where a person has yet to grade; empty: nothing handed in.

    submitted: time of handing in, UTC without a zone, as nbgrader keeps it
    """

    student: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    lms_user_id: str = ""
    points: dict[str, float | None] = field(default_factory=dict)
    penalty: float = 0.0
    submitted: dt.datetime | None = None

    @property
    def earned(self) -> float:
        """Points before the late penalty; what is not graded yet counts 0, as in nbgrader."""
        return sum(points or 0.0 for points in self.points.values())

    @property
    def total(self) -> float:
        return max(0.0, self.earned - self.penalty)

    @property
    def waiting(self) -> bool:
        """Has a person yet to grade something?"""
        return None in self.points.values()


def items(course: plans.Settings, unit: str) -> list[Item]:
    """The unit's exercises in their order; with more than one notebook, names begin with the notebook's.

    Raises
    ------
    GraderError
        If the unit was never released, or if gradebook and release do not agree.
    """
    notebooks = plans.notebooks(course, unit)
    found = []
    for notebook in notebooks:
        plan = plans.load(course, unit, notebook)
        before = f"{notebook}/" if len(notebooks) > 1 else ""
        for name, places in _groups(plan):
            cells = [plan.cells[place] for place in places]
            points = sum(cell.points for cell in cells)
            found.append(Item(before + name, notebook, tuple(cell.name for cell in cells), points))
    return found


def _groups(plan: Plan) -> list[tuple[str, list[int]]]:
    """(name, places of the graded cells), in notebook order."""
    groups = []
    for exercise in plan.exercises():
        groups.append((title(plan, exercise, ("answer",)), exercise.tests))  # what a person grades is counted apart
    by_hand = [place for place, cell in enumerate(plan.cells) if cell.kind in ("manual", "text") and cell.points]
    groups += [(plan.cells[place].name, [place]) for place in by_hand]
    return sorted(groups, key=lambda group: group[1][0])


def read(course: plans.Settings, unit: str) -> tuple[list[Item], list[Row]]:
    """The unit's items, and a row for each student of the gradebook, by id.

    Raises
    ------
    GraderError
        See `items`.
    """
    counted = items(course, unit)
    item_of = {(item.notebook, cell): item.name for item in counted for cell in item.cells}
    with plans.gradebook(course) as book:
        try:
            assignment = book.find_assignment(unit).id
        except MissingEntry:
            told = f"The gradebook knows no unit {unit}: run `nbgrader generate_assignment {unit}`."
            raise GraderError(told) from None
        rows = {one.id: _row(one) for one in book.db.query(Student).order_by(Student.id)}
        times = book.db.query(SubmittedAssignment.student_id, SubmittedAssignment.timestamp)
        for student, when in times.filter(SubmittedAssignment.assignment_id == assignment):
            rows[student].submitted = when
        for student, penalty in _penalties(book, assignment):
            rows[student].penalty += penalty or 0.0
        for student, notebook, cell, auto, manual, extra in _grades(book, assignment):
            if (notebook, cell) in item_of:
                _add(rows[student].points, item_of[notebook, cell], auto, manual, extra)
    return counted, list(rows.values())


def _row(student: Student) -> Row:
    told = (student.first_name, student.last_name, student.email, student.lms_user_id)
    return Row(student.id, *(text or "" for text in told))


def _penalties(book, assignment: str):
    """(student, points), one for each notebook handed in."""
    columns = book.db.query(SubmittedAssignment.student_id, SubmittedNotebook.late_submission_penalty)
    joined = columns.join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
    return joined.filter(SubmittedAssignment.assignment_id == assignment)


def _grades(book, assignment: str):
    """(student, notebook, cell, points of the tests, of a person, extra), in one query for the whole class."""
    return (
        book.db.query(
            SubmittedAssignment.student_id, Notebook.name, BaseCell.name,
            Grade.auto_score, Grade.manual_score, Grade.extra_credit,
        )
        .select_from(Grade)
        .join(SubmittedNotebook, Grade.notebook_id == SubmittedNotebook.id)
        .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Notebook, SubmittedNotebook.notebook_id == Notebook.id)
        .join(BaseCell, Grade.cell_id == BaseCell.id)
        .filter(SubmittedAssignment.assignment_id == assignment)
    )  # fmt: skip


def _add(points: dict, name: str, auto: float | None, manual: float | None, extra: float | None) -> None:
    """Add a cell's points to its item; nbgrader's rule: a person's points stand above the tests'."""
    found = auto if manual is None else manual
    before = points.get(name, 0.0)
    points[name] = None if found is None or before is None else before + found + (extra or 0.0)
