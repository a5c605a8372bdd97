"""Reads the verdict that grading has written beside an autograded notebook."""

from __future__ import annotations

from pathlib import Path

from ..contracts import Verdict


def read_verdict(path: Path, unit: str, notebook: str, student: str) -> Verdict | None:
    """The verdict that was recorded for this notebook; None if there is none, or if it is not ours."""
    if path.is_symlink() or not path.is_file():
        return None
    try:
        verdict = Verdict.from_json(path.read_text(encoding="utf-8"))
        # Written by save.py; but plain nbgrader copies whatever lay beside a submission, so it is held to its types.
        ours = (verdict.unit, verdict.notebook, verdict.student) == (unit, notebook, student)
        texts = [text for c in verdict.cells for text in (c.name, c.cause, c.message, c.output, c.where)]
        texts += [text for run in verdict.runs for text in (run.name, run.error)] + list(verdict.notes)
        numbers = [value for cell in verdict.cells for value in (cell.points, cell.max_points, cell.cpu_s)]
        lists = [cell.attempts for cell in verdict.cells]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    typed = all(isinstance(text, str) for text in texts) and all(isinstance(value, int | float) for value in numbers)
    return verdict if ours and typed and all(isinstance(value, list) for value in lists) else None
