"""The checks themselves: each raises `CheckFailed`, with the likely cause, unless it holds."""

import numpy as np

from . import causes
from .errors import CheckFailed
from .values import are_same, as_array, kind, must_return, near, short

REVEALING = ("that", "shape", "close", "gradient", "equal", "finite", "within", "unchanged", "raises", "raises_each")


def passed(what):
    """Print the one line that a check cell ends with."""
    print(f"{what}: all visible checks pass.")


class Checks:
    """The checks in two manners: `reveal=True` shows values, `reveal=False` (hidden tests) shows none."""

    def __init__(self, reveal, evidence):
        self.reveal, self._evidence = reveal, evidence

    def that(self, condition, message):
        """Fail with `message` unless `condition` holds."""
        if not condition:
            raise CheckFailed(message)

    def shape(self, got, expected, *, what="the result"):
        """Fail unless `got` is an array (or a number, for ``()``) of the shape `expected`."""
        found = np.shape(as_array(got, what))
        if found != tuple(expected):
            told = f"has shape {found}, expected {tuple(expected)}" if self.reveal else causes.axes(found, expected)
            raise CheckFailed(f"{what} {told}.{causes.shape_cause(found, expected)}")

    def close(self, got, expected, *, rtol=1e-7, atol=1e-9, what="the result", hints=None):
        """Fail unless `got` equals `expected` in shape and, within ``atol + rtol * |expected|``, in every value.

        Parameters
        ----------
        got, expected : array_like
            Numbers or arrays of one shape; NaN equals nothing.
        rtol, atol : float
            The tolerance. The default allows for another order of float64 operations, not for another formula.
        what : str
            What `got` is, as the subject of the sentence: "softmax([2, 1, 0])".
        hints : dict, optional
            Likely causes and the wrong value that each gives: ``{"the axis is missing": value}``.
        """
        found = as_array(got, what)
        expected = np.asarray(expected)
        if found.shape != expected.shape:
            cause = causes.hinted(found, expected, hints, rtol, atol)
            if cause:
                raise CheckFailed(f"{what} has the wrong shape.{cause}")
            self.shape(found, expected.shape, what=what)
        right = near(found, expected, rtol, atol)
        if right.all():
            return
        cause = causes.hinted(found, expected, hints, rtol, atol)
        cause = cause or causes.value_cause(found, expected, rtol, atol, self.reveal)
        raise CheckFailed(f"{what} {self._difference(found, expected, right)}.{cause}")

    def gradient(
        self, got, expected, *, rtol=1e-6, atol=1e-9, batch=None, what="the gradient", hints=None, drifts=None
    ):
        """As `close`, and name what usually goes wrong in a backward pass.

        Parameters
        ----------
        got, expected : array_like
            Gradients of one shape.
        batch : int, optional
            Number of samples N, to tell a missing 1/N from one too many.
        hints : dict, optional
            Likely causes of this gradient's own, as for `close`; they come first.
        drifts : dict, optional
            Causes that add an unknown multiple of a known array to the right gradient: ``{"stale weights": array}``.
        """
        found, expected = as_array(got, what), np.asarray(expected)
        named = dict(hints or {})
        if found.ndim == expected.ndim == 2:
            named["it is transposed"] = expected.T
        if batch not in (None, 1):
            named |= {
                f"it is {batch} times too large, which is N: the 1/N of the mean is missing": batch * expected,
                f"it is {batch} times too small, which is N: there is one 1/N too many": expected / batch,
                "the sign is reversed, and the 1/N of the mean is missing": -batch * expected,
                "the sign is reversed, and there is one 1/N too many": -expected / batch,
            }
        for cause, along in (drifts or {}).items():
            if causes.differs_along(found, expected, along):
                named[cause] = found
        self.close(found, expected, rtol=rtol, atol=atol, what=what, hints=named)

    def equal(self, got, expected, *, what="the result", hints=None):
        """Fail unless `got` equals `expected` exactly: for counts, labels, strings and lists of them."""
        must_return(got, what)
        same = kind(got) == kind(expected) or {kind(got), kind(expected)} <= {"list", "tuple", "array"}
        if same and are_same(got, expected):
            return
        for cause, wrong in (hints or {}).items():
            if are_same(got, wrong):
                shown = f" is {short(got)}, expected {short(expected)}" if self.reveal else " is not right"
                raise CheckFailed(f"{what}{shown}. Likely cause: {cause}.")
        if not same:
            raise CheckFailed(f"{what} is of kind {kind(got)}, expected {kind(expected)}.")
        shown = f" is {short(got)}, expected {short(expected)}." if self.reveal else " is not what it should be."
        raise CheckFailed(what + shown)

    def finite(self, got, *, what="the result"):
        """Fail if a value is NaN or infinite."""
        found = as_array(got, what)
        if not np.isfinite(found).all():
            raise CheckFailed(f"{what} contains {causes.not_finite(found)}.{causes.NOT_FINITE_CAUSE}")

    def within(self, got, low, high, *, what="the result"):
        """Fail unless every value lies in the closed interval from `low` to `high`; NaN lies nowhere."""
        found = as_array(got, what)
        inside = (found >= low) & (found <= high)
        if not inside.all():
            if not self.reveal:
                raise CheckFailed(f"{what} is outside the range that it must lie in.")
            raise CheckFailed(f"{what} must {_interval(low, high)}, but a value is {found[~inside].flat[0]:.6g}.")

    def unchanged(self, now, before, *, what="the input"):
        """Fail unless an input still has, bit for bit, the values of the copy made before the call."""
        now, before = np.asarray(now), np.asarray(before)
        same = now.shape == before.shape and now.dtype == before.dtype and now.tobytes() == before.tobytes()
        if not same:
            raise CheckFailed(
                f"{what} was changed by the call. Work on a copy: an operation such as `z -= 1` writes into the "
                "caller's array."
            )

    def raises(self, exception, function, *args, what="the call", mentions=(), **kwargs):
        """Fail unless ``function(*args, **kwargs)`` raises `exception` (or a subclass), with `mentions` in its text."""
        try:
            function(*args, **kwargs)
        except exception as error:
            lacking = [text for text in mentions if text not in str(error)]
            if lacking:
                named = f" {' and '.join(lacking)}" if self.reveal else " everything that the task asks for"
                raise CheckFailed(f"{what}: the text of the {exception.__name__} does not contain{named}.") from None
            return
        except NotImplementedError:
            raise  # the stub of an unanswered exercise speaks for itself
        except Exception as other:
            raise CheckFailed(f"{what} must raise {exception.__name__}, but raised {type(other).__name__}.") from None
        raise CheckFailed(f"{what} must raise {exception.__name__}, but nothing was raised.")

    def raises_each(self, exception, function, cases, *, what="the call"):
        """As `raises`, for many calls in one message to the separate judge.

        Parameters
        ----------
        exception : type
            One of Python's own.
        cases : iterable of sequences
            The positional arguments of each call.
        what : str or list of str
            What is called, in all cases or in each.
        """
        cases = [tuple(case) for case in cases]
        named = [what] * len(cases) if isinstance(what, str) else list(what)
        found = self._evidence.raised(function, cases)
        if type(found) is not list or len(found) != len(cases):
            raise CheckFailed("Not every call gave a result.")
        for names, which in zip(found, named, strict=True):
            if exception.__name__ not in names:
                other = str(names[0]) if self.reveal and names else "another error"
                told = f"raised {other}" if names else "nothing was raised"
                raise CheckFailed(f"{which} must raise {exception.__name__}, but {told}.")

    def _difference(self, found, expected, right):
        """Which values differ, and (only where values may be shown) where the first one is, and what."""
        if not self.reveal:
            return f"is not right{causes.part(right)}"
        place = tuple(int(i) for i in np.argwhere(~right)[0])
        where = f" at index {place if len(place) > 1 else place[0]}" if place else ""
        count = f" ({np.sum(~right)} of {right.size} values differ)" if right.size > 1 else ""
        if right.size > 1 and right.size <= 12:
            return f"is\n{short(found)}\nexpected\n{short(expected)}\nfirst difference{where}{count}"
        return f"is {found[place]:.6g}{where}, expected {expected[place]:.6g}{count}"


def _interval(low, high):
    if high == np.inf:
        return f"be at least {low:g}"
    return f"be at most {high:g}" if low == -np.inf else f"lie between {low:g} and {high:g}"
