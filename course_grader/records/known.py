"""Was this graded before, and is it still the same?"""

from __future__ import annotations

from ..contracts import Verdict
from ..course import plan as plans
from .handed_in import HandedNotebook
from .ledger import Ledger
from .verdict_file import read_verdict


def before(course: plans.Settings, handed: HandedNotebook) -> Verdict | None:
    """The verdict that lies in autograded/ beside this student's notebook, on whatever text; None if there is none."""
    unit, notebook, student = handed.plan.unit, handed.plan.notebook, handed.submission.student
    path = course.verdict_file(student, unit, notebook)
    return read_verdict(path, unit, notebook, student) if path.with_name(f"{notebook}.ipynb").is_file() else None


def holds(ledger: Ledger, handed: HandedNotebook, when: str, verdict: Verdict | None) -> bool:
    """Is this earlier verdict on exactly this submission, and does the gradebook say the same, of the same time?

    when: the submission's time stamp
    """
    if verdict is None or verdict.key != handed.key:
        return False
    unit, student = handed.plan.unit, handed.submission.student
    if not ledger.has_stamp(unit, student, when):
        return False
    found = ledger.auto_scores(unit, handed.plan.notebook, student)
    if found is None:
        return False
    due = {cell.name: cell.points for cell in verdict.cells}
    return due == {name: score for name, score in found.items() if name in due}
