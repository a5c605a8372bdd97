"""Cause and message of a test that did not pass: no value of a hidden test, or from one, reaches a student."""

from __future__ import annotations

import linecache
import traceback

from ..causes import ENDINGS
from ..contracts import PlanCell
from ..wire.errors import Closed, CodecError, ProtocolError, Silent
from .cells import OutOfTime
from .handle import Unsupported
from .remote import AnswerOutOfTime

MESSAGE = 2_000


def explain(error: BaseException, cell: PlanCell, from_student: bool) -> tuple[str, str]:
    """(cause, message for the student) of an exception that ended a test cell."""
    if isinstance(error, AnswerOutOfTime | OutOfTime | Silent):
        return "time", ENDINGS["time"]
    if isinstance(error, Closed):
        return "died", ENDINGS["died"]
    if isinstance(error, ProtocolError):
        return "tampered", ENDINGS["tampered"]
    if isinstance(error, CodecError) and not from_student:
        return "tampered", ENDINGS["tampered"]
    if isinstance(error, Unsupported):
        return "wrong", ENDINGS["unsupported"]
    if isinstance(error, MemoryError):
        return "memory", ENDINGS["memory"]
    return _explain_ordinary(error, cell, from_student)


def _explain_ordinary(error: BaseException, cell: PlanCell, from_student: bool) -> tuple[str, str]:
    name, text = type(error).__name__, str(error)[:MESSAGE]
    if isinstance(error, NotImplementedError) and from_student:
        return "error", "Your code raised NotImplementedError: delete that line once the answer is written."
    if name == "CheckFailed" and not from_student:
        return "wrong", text
    if from_student and cell.hidden:
        # Its text may hold what the test passed in.
        return "error", f"Your code raised {name} in a hidden test. Try it with other shapes and values."
    if isinstance(error, AssertionError):
        return "wrong", "A hidden test did not hold." if cell.hidden else text or "An assertion did not hold."
    if isinstance(error, NameError) and not from_student:
        return "error", f"{text}: it is expected to be defined by your answer." if not cell.hidden else _missing(error)
    return "error", f"{name} in a hidden test." if cell.hidden else f"{name}: {text}"


def line_of(error: BaseException, cell: PlanCell) -> str:
    """The line of the test that an exception came from, for the instructor."""
    filename = f"<{cell.name}>"
    walked = traceback.walk_tb(error.__traceback__)
    numbers = [number for frame, number in walked if frame.f_code.co_filename == filename]
    if not numbers:
        return ""
    return f" [line {numbers[-1]}: {linecache.getline(filename, numbers[-1]).strip()[:200]}]"


def _missing(error: NameError) -> str:
    return f"{error.name!r} is not defined: it is expected from your answer."
