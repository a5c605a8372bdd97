"""May we grade here? Only where every protection of the sandbox, tried in a real cell, has held."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from ..contracts import GraderError
from . import seen, trials
from .advice import advice
from .attempts import Trial


@lru_cache
def _tried_once(course: Path | None, readable: tuple[Path, ...]) -> list[Trial]:
    known = seen.before()
    found = trials.carry_out(course, readable, kernel_seen=known)
    if not known and any(one.name == "caps" and one.held for one in found):
        seen.keep()
    return found


def check_or_refuse(isolation: str = "full", course: Path | None = None, readable: Iterable[Path] = ()) -> None:
    """Raise GraderError, saying what got through and what to do, unless every trial held.

    course: students' code must not see its files. Takes about two seconds, once per process.
    isolation "none": nothing is tried; whoever types it takes the risk.
    """
    if not hasattr(os, "fork"):
        raise GraderError("Grading needs processes that fork, which this system has not; use a Linux container.")
    if isolation == "none":
        return
    if sys.platform != "linux":
        raise GraderError(f"The sandbox for student code cannot be made here. {advice()}")
    through = [found for found in _tried_once(course, tuple(readable)) if not found.held]
    if through:
        said = " ".join(found.sentence for found in through)
        raise GraderError(f"The sandbox for student code does not hold here: {said} {advice()}")
