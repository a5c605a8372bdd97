"""What a database or a disk can refuse, in plain words."""

from __future__ import annotations

import contextlib
import errno

from sqlalchemy.exc import SQLAlchemyError

from ..contracts import GraderError

FULL = "The disk is full: free some space and run it again; what was graded before is recorded."
LOCKED = "The gradebook is locked by another program: close what holds it and run it again."


class Locked(GraderError):
    """Another program holds the gradebook."""


@contextlib.contextmanager
def plain_words():
    """Turn errors of the gradebook's database, and of writing files, into one sentence."""
    try:
        yield
    except SQLAlchemyError as error:
        raise in_words(error) from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise GraderError(FULL) from None
        raise GraderError(f"The result cannot be written ({error.strerror or error}).") from None


def in_words(error: Exception) -> GraderError:
    """The sentence for a database's refusal."""
    said = " ".join(str(getattr(error, "orig", None) or error).split())[:200]
    if "locked" in said:
        return Locked(LOCKED)
    if any(words in said for words in ("disk is full", "disk I/O", "No space", "unable to open database")):
        return GraderError(FULL)
    return GraderError(f"The gradebook refuses the points, and nothing is recorded ({said}).")
