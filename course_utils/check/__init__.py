"""Checks that explain themselves: what was asked, what came, and what probably went wrong.

Visible check cells use the functions of this module directly and show expected and received values. Hidden tests use
the same functions as ``check.hidden.close(...)`` and so on: the same verdicts and the same likely causes, but no value
of an input or of an expected result is ever printed.

Every failure is a `CheckFailed`, an AssertionError with a short message and no stack of our own frames. Nothing is
written to stderr, because plain nbgrader takes any text there for a wrong answer.
"""

import types

from .errors import CheckFailed
from .probes import Evidence, quiet, student_side
from .values import kind
from .verdicts import REVEALING, Checks, passed

__all__ = [
    "CheckFailed", "close", "each", "equal", "finite", "gradient", "hidden", "items", "kind", "passed", "quiet",
    "raises", "raises_each", "shape", "student_side", "that", "unchanged", "within",
]  # fmt: skip

_here = Evidence(student_side)
_visible, hidden = Checks(True, _here), Checks(False, _here)
each, items = _here.each, _here.items
that, shape, close, equal = _visible.that, _visible.shape, _visible.close, _visible.equal
gradient = _visible.gradient
finite, within, unchanged = _visible.finite, _visible.within, _visible.unchanged
raises, raises_each = _visible.raises, _visible.raises_each


def for_judge(student_side):
    """What stands for this module in the separate judge, where the student's objects are in another process.

    Parameters
    ----------
    student_side : callable
        What `student_side` is there: it makes of a probe a function that runs it where those objects are.

    Returns
    -------
    module, Checks
        The module that tests get as ``check``, and its visible checks: while their `reveal` is False, they show no
        values, whatever a test's author wrote.
    """
    there = Evidence(student_side)
    visible = Checks(True, there)
    module = types.ModuleType(__name__, __doc__)
    vars(module).update(globals())
    vars(module).update({name: getattr(visible, name) for name in REVEALING})
    vars(module).update({name: getattr(there, name) for name in ("each", "items", "quiet")})
    vars(module).update(hidden=Checks(False, there), student_side=student_side)
    return module, visible
