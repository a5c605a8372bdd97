"""One writer at a time in a course: whoever records verdicts, by whichever door, holds the course's lock meanwhile."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from ..contracts import CannotStart
from .refusals import FULL

LOCK = ".course-grader.lock"


@contextlib.contextmanager
def alone(course: Path) -> Iterator[None]:
    """Hold the course: two runs at once would grade everything twice and trip over each other's files.

    Refuses at once where another one holds it: formgrader grades in its server's own process, and a lock that is waited
    for would stop the server.

    Raises
    ------
    CannotStart
        Somebody else holds it, or the course folder cannot be written.
    """
    path = course / LOCK
    try:
        handle = _opened(path)
    except OSError as error:
        raise CannotStart(
            FULL if error.errno == 28 else f"{path} cannot be written ({error.strerror}): grade as who owns the course."
        ) from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotStart(
                f"Another course-grader is at work in {course}: wait until it has ended, or end it."
            ) from None
        yield
    finally:
        os.close(handle)  # the file stays: deleting it could let two in


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except PermissionError:  # made by a colleague in a course that a group shares: reading is enough to hold it
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
