"""The course's own answers, graded before anybody's: a broken test, or a setup cell, must not take points from a class.

They are judged exactly as a student's are, by the engine or the pool that judges those. What passed is kept in the
course folder under a fingerprint of all that it depends on, so it costs its time once for each release.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..contracts import BadUnit, GraderError, Plan, Submission, Verdict
from ..course import plan as plans
from ..judging import fingerprint as keys

KEPT = ".course-grader.own-answers.json"
MOST = 200  # fingerprints that are kept, the newest
STUDENT = ""  # nobody's id: no folder can be called so
NAMED = 5  # tests that a message names


@dataclass(frozen=True)
class Trial:
    """One notebook's own answers as a submission, which has not been seen to get full points."""

    plan: Plan
    submission: Submission
    fingerprint: str


def trials(course: plans.Settings, loaded: Iterable[Plan], isolation: str) -> tuple[list[Trial], list[str]]:
    """What has to be tried before anybody is graded by these plans, and a remark on each that cannot be."""
    known, found, remarks = set(_kept(course.root)), [], []
    for plan in loaded:
        if not any(cell.kind == "test" for cell in plan.cells):
            continue
        try:
            answers = plans.own_answers(course, plan.unit, plan.notebook, plan.cells)
        except GraderError as error:
            remarks.append(
                f"The course's own answers to {plan.unit}/{plan.notebook} cannot be tried ({error}): a test that is "
                "broken would take points from everybody."
            )
            continue
        submission = Submission(STUDENT, answers)
        text = f"{keys.of_notebook(plan, submission)} {isolation}"
        trial = Trial(plan, submission, hashlib.sha256(text.encode()).hexdigest())
        if trial.fingerprint not in known:
            found.append(trial)
    return found, remarks


def settle(course: plans.Settings, tried: Iterable[tuple[Trial, Verdict]]) -> None:
    """Keep what got full points.

    Raises
    ------
    BadUnit
        Some did not; the message names the tests, with their errors.
    """
    passed, lost = [], []
    for trial, verdict in tried:
        faults = [cell for cell in verdict.cells if cell.points < cell.max_points]
        if faults:
            lost.append(_sentence(trial.plan, faults))
        else:
            passed.append(trial.fingerprint)
    _keep(course.root, passed)
    if lost:
        raise BadUnit(" ".join(lost))


def _sentence(plan: Plan, faults: list) -> str:
    told = [
        f"{cell.name} gives {cell.points:g} of {cell.max_points:g} points ({cell.detail or cell.message})"
        for cell in faults[:NAMED]
    ]
    told += [f"{len(faults) - NAMED} more"] if len(faults) > NAMED else []
    return (
        f"The course's own answers to {plan.unit}/{plan.notebook} lose points, so nobody is graded: {'; '.join(told)}. "
        f"Mend the test or the answer in source/{plan.unit}, run `nbgrader generate_assignment {plan.unit} --force`, "
        "and grade again."
    )


# -- what was seen before ----------------------------------------------------------------------------------------------


def _kept(root: Path) -> list[str]:
    try:
        found = json.loads((root / KEPT).read_text(encoding="utf-8"))
        return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
    except (OSError, ValueError):
        return []


def _keep(root: Path, fingerprints: list[str]) -> None:
    """In doubt nothing is kept: then it is tried again."""
    if not fingerprints:
        return
    kept = [one for one in _kept(root) if one not in fingerprints] + fingerprints
    new = root / f"{KEPT}.{os.getpid()}"
    with contextlib.suppress(OSError):
        new.write_text(json.dumps(kept[-MOST:], indent=0) + "\n", encoding="utf-8")
        new.replace(root / KEPT)
