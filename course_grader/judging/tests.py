"""The tests' cells in the judge: compiled once for all judges, with checks made for it, and what a test scores."""

from __future__ import annotations

import base64
import contextlib
import linecache
import marshal
import math
import sys

from ..contracts import Plan
from .cells import compile_cell, run_compiled
from .magics import PARSING


def run_cell(source: str, name: str, namespace: dict, compiled: str | None = None):
    filename = f"<{name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)  # for inspect.getsource
    code = compile_cell(source, filename) if compiled is None else marshal.loads(base64.b64decode(compiled))
    return run_compiled(code, namespace)


def compiled_tests(plan: Plan) -> dict[str, str]:
    """The tests' code by name, so that not each judge has to compile it again."""
    found = {}
    for cell in plan.cells:
        if cell.kind == "test":
            # What does not compile, the judge says.
            with PARSING, contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
                code = marshal.dumps(compile_cell(cell.source, f"<{cell.name}>"))
                found[cell.name] = base64.b64encode(code).decode()
    return found


def hand_checks(student_side):
    """Let this process's tests import checks made for it; the visible ones, None where a course has no checks."""
    with contextlib.suppress(ImportError):
        import course_utils
        from course_utils import check

        module, visible = check.for_judge(student_side)
        course_utils.check = sys.modules["course_utils.check"] = module
        return visible
    return None


def score(value, points: float) -> float:
    """Points of a test that ran to its end: all, or those that its last expression names, as under nbgrader."""
    if type(value) in (int, float) and not isinstance(value, bool):
        if not (math.isfinite(value) and 0 <= value <= points):
            raise AssertionError("the test ended in a number that is no score")
        return float(value)
    return points
