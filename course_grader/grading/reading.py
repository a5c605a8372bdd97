"""A submission's folder, read: what lies in submitted/ in, a `HandedIn` out. Nothing of a student's runs here."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from nbgrader import utils

from ..contracts import GraderError, Plan
from ..course import plan as plans
from ..intake.folder import fetch, only_one, pictures, student_problem, survey
from ..intake.submission import whole
from ..records.handed_in import HandedIn, HandedNotebook
from ..words import short

TIMESTAMP_BYTES, SECRET_BYTES = 200, 1000


def students(course: plans.Settings, unit: str) -> list[str]:
    """Who handed in this unit: the names of the folders in submitted/."""
    above = course.submitted("ID", "UNIT").parent.parent
    names = [path.name for path in above.iterdir() if not path.name.startswith(".")] if above.is_dir() else []
    return sorted(name for name in names if os.path.lexists(course.submitted(name, unit)))


def read(
    course: plans.Settings,
    loaded: Mapping[str, Plan],
    unit: str,
    student: str,
    notebooks: Iterable[str] | None = None,
) -> HandedIn:
    """What a student handed in.

    loaded: the unit's plans by notebook; notebooks: names of those to grade, default all

    Raises
    ------
    GraderError
        The submission cannot be graded as it is; the message says what to do.
    """
    folder = _folder(course, unit, student)
    found = survey(folder)
    when, ready = timestamp(folder), []
    for name, plan in loaded.items():
        only_one(folder, found, f"{name}.ipynb")
        if os.path.lexists(folder / f"{name}.ipynb") and (notebooks is None or name in notebooks):
            ready.append(_notebook(folder, plan, student, found.notes))
    if not ready:
        raise GraderError(f"{folder} holds no notebook of {unit}.")
    lacking = frozenset(name for name in loaded if not os.path.lexists(folder / f"{name}.ipynb"))
    return HandedIn(unit, student, when, tuple(ready), lacking, pictures(folder, found), _secret(folder))


def _folder(course: plans.Settings, unit: str, student: str) -> Path:
    problem = student_problem(student)
    if problem:
        raise GraderError(f"{short(student)} is no student id ({problem}): rename its folder in submitted/.")
    folder = course.submitted(student, unit)
    for above in (folder.parent, folder):
        if not os.path.lexists(above) or above.is_symlink() or not above.is_dir():
            raise GraderError(f"There is no submission of {student} for {unit}: {above} is no folder.")
    return folder


def _notebook(folder: Path, plan: Plan, student: str, notes: list[str]) -> HandedNotebook:
    data = fetch(folder, f"{plan.notebook}.ipynb")
    try:
        submission, prose, pasted = whole(data, plan, student, notes)
    except GraderError as error:
        raise GraderError(f"{folder / plan.notebook}.ipynb: {error}") from None
    return HandedNotebook(plan, submission, prose, pasted)


def timestamp(folder: Path) -> str:
    """The text of a submission's timestamp.txt, "" if there is none.

    Raises
    ------
    GraderError
        If it is no regular file or no time: else a broken one would be a way around a late penalty.
    """
    if not os.path.lexists(folder / "timestamp.txt"):
        return ""
    try:
        text = fetch(folder, "timestamp.txt", TIMESTAMP_BYTES).decode("utf-8").strip()
        utils.parse_utc(text or None)
    except GraderError:
        raise
    except Exception:
        raise GraderError(f"{folder / 'timestamp.txt'} holds no time: write it as 2026-11-22 16:00:00 UTC.") from None
    return text


def _secret(folder: Path) -> bytes:
    """nbgrader's exchange finds the feedback by it; one that cannot be read is left out."""
    with contextlib.suppress(GraderError):
        if os.path.lexists(folder / "submission_secret.txt"):
            return fetch(folder, "submission_secret.txt", SECRET_BYTES)
    return b""
