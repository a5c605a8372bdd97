"""`course-grader late UNIT`: reckon late penalties anew, after a change of deadline, extension or a person's points."""

from __future__ import annotations

import json
import math

from nbgrader.api import MissingEntry, SubmittedAssignment, SubmittedNotebook
from sqlalchemy.orm import joinedload, selectinload

from ..contracts import GraderError
from ..course import plan as plans
from ..course.lock import alone
from ..records.late import HOUR, LatePenalty, penalize, penalty_step
from ..records.ledger import one_transaction
from ..words import shown


def run(arguments) -> int:
    """`course-grader late UNIT`."""
    course = plans.settings(arguments.course)
    with alone(course.root):
        found = reckon(course, arguments.unit)
    if arguments.json:
        print(json.dumps({"unit": arguments.unit, "late": found}))
        return 0
    for one in found:
        print(_line(one))
    print(f"{arguments.unit}: {len(found)} late" if found else f"{arguments.unit}: nobody is late")
    return 0


def reckon(course, unit: str) -> list[dict]:
    """Give each submission of a unit its penalty anew, in one transaction; returns the late ones.

    Raises
    ------
    GraderError
        If the gradebook does not know the unit, or the settings are wrong; nothing is changed then.
    """
    step = penalty_step(course.config, unit)
    with plans.gradebook(course) as book, one_transaction(book):
        try:
            assignment = book.find_assignment(unit)
        except MissingEntry:
            raise GraderError(
                f"The gradebook knows no unit {unit}: run `nbgrader generate_assignment {unit}`."
            ) from None
        found = book.db.query(SubmittedAssignment).filter_by(assignment_id=assignment.id)
        found = found.order_by(SubmittedAssignment.student_id).options(
            joinedload(SubmittedAssignment.student),
            selectinload(SubmittedAssignment.notebooks).undefer(SubmittedNotebook.score),
        )  # all at once: one by one, a class of 2,000 takes 10 s
        return [told for submission in found.all() if (told := _reckon_one(step, submission, unit))]


def _reckon_one(step, submission, unit: str) -> dict | None:
    student = submission.student.id
    before = sum(row.late_submission_penalty or 0.0 for row in submission.notebooks)
    for row in submission.notebooks:
        penalize(step, submission, row, student)
    seconds, plugin = submission.total_seconds_late, step.plugin_inst
    if not seconds:
        return None
    own = isinstance(plugin, LatePenalty)  # another plugin has no days and no hours of its own
    return {
        "student": student,
        "hours_late": round(seconds / HOUR, 2),
        "extension_hours": plugin.extension(student, unit) if own else None,
        "days": plugin.days_late(student, seconds, unit) if own else None,
        "score": sum(row.score for row in submission.notebooks),
        "penalty": sum(row.late_submission_penalty or 0.0 for row in submission.notebooks),
        "penalty_before": before,
    }


def _line(one: dict) -> str:
    line = f"{shown(one['student'])}: {one['hours_late']:g} h after the deadline"
    line += f", {one['extension_hours']:g} h of extension" if one["extension_hours"] else ""
    line += f", {one['days']} day{'s' if one['days'] != 1 else ''} counted" if one["days"] is not None else ""
    line += f": {one['penalty']:g} of {one['score']:g} points are taken off"
    changed = not math.isclose(one["penalty"], one["penalty_before"], abs_tol=1e-9)
    return line + (f" (before: {one['penalty_before']:g})" if changed else "")
