"""Was this graded before, and is it still the same?"""

from __future__ import annotations

from ..contracts import Verdict
from ..course import plan as plans
from .handed_in import HandedNotebook
from .ledger import Ledger


def before(course: plans.Settings, handed: HandedNotebook) -> Verdict | None:
    """The verdict that lies in autograded/ for this notebook, whatever it was about; None if there is none."""
    path = course.verdict_file(handed.submission.student, handed.plan.unit, handed.plan.notebook)
    try:
        if not path.with_name(f"{handed.plan.notebook}.ipynb").is_file():
            return None
        return Verdict.from_json(path.read_text(encoding="utf-8"))
    except Exception:
        return None


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
