"""The course's own answers, graded before anybody's: a broken test, or a setup cell, must not take points from a class.

They are judged exactly as a student's are, by the pool that judges those. What passed is kept in the
course folder under a fingerprint of all that it depends on, so it costs its time once for each release.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..contracts import BadUnit, CannotStart, GraderError, Plan, Submission, Verdict
from ..course import plan as plans
from ..engine.worker import Job
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


def check(
    course: plans.Settings,
    loaded: Mapping[str, Plan],
    pool,
    isolation: str,
    folder: str,
    say: Callable[[str], None] = lambda sentence: None,
) -> None:
    """Have the pool judge a unit's own answers, unless they are known to get full points.

    loaded: the unit's plans by notebook; folder: the course's, for the workers, "" where they have none
    say: is told why some cannot be tried, and that the others are

    Raises
    ------
    CannotStart
        They do not get full points (BadUnit), or nothing can be judged here.
    """
    waiting, remarks = trials(course, loaded.values(), isolation)
    if waiting:
        unit = waiting[0].plan.unit
        remarks.append(f"The course's own answers to {unit} are tried first; this is kept until they change.")
    for sentence in remarks:
        say(sentence)
    jobs = [(one, Job(folder, isolation, ((one.plan, one.submission, None),))) for one in waiting]
    settle(course, [(one, _verdict(said)) for one, said in pool.stream(jobs)])


def check_released(course: plans.Settings, unit: str, pool, say=lambda sentence: None) -> None:
    """The same for a unit that was just released, with nobody to be graded; closes the pool."""
    with contextlib.closing(pool):
        check(course, plans.of_unit(course, unit), pool, course.grader.isolation, str(course.root), say)


def _verdict(said: list[Verdict] | GraderError) -> Verdict:
    if isinstance(said, GraderError):
        raise CannotStart(str(said)) from None
    return said[0]


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
