"""Checks that explain themselves: what was asked, what came, and what probably went wrong.

Visible check cells use the functions of this module directly and show expected and received values. Hidden tests use
the same functions as ``check.hidden.close(...)`` and so on: the same verdicts and the same likely causes, but no value
of an input or of an expected result is ever printed.

Every failure is a `CheckFailed`, an AssertionError with a short message and no stack of our own frames. Nothing is
written to stderr, because plain nbgrader takes any text there for a wrong answer.
"""

import itertools
import numbers
import warnings

import numpy as np

__all__ = [
    "CheckFailed", "close", "each", "equal", "finite", "gradient", "hidden", "items", "kind", "passed", "quiet",
    "raises", "raises_each", "shape", "student_side", "that", "unchanged", "within",
]  # fmt: skip


class CheckFailed(AssertionError):
    """A check that did not hold; its text is written for the person who reads it in the notebook."""

    def _render_traceback_(self):
        """Let IPython show the message alone: the frames of this module help nobody, and hidden lines stay hidden."""
        return [f"Not yet right: {self}"]


def student_side(function):
    """Mark a probe that has to run where the student's live objects are.

    In a notebook, and under plain nbgrader, tests and answers share one process and this is the identity. The separate
    judge sends the source of a marked function to the student's process and gets plain data (numbers, strings, arrays)
    back. A probe therefore takes all its inputs as arguments and returns evidence, never a verdict.
    """
    function.__student_side__ = True
    return function


def kind(value):
    """Say what a value is, in one word, for live objects and for their stand-ins in the separate judge alike.

    Use it in tests instead of isinstance: an array scalar is a "float", "int" or "bool" like the Python one.

    Returns
    -------
    str
        "none", "bool", "int", "float", "complex", "str", "array", "tensor", "list", "tuple", "dict", or else the
        name of the class.

    Examples
    --------
    >>> kind(np.float32(1.5)), kind(np.zeros(3)), kind([1, 2])
    ('float', 'array', 'list')
    """
    word = _EXACT_KINDS.get(id(type(value)))
    if word is not None:
        return word
    if hasattr(type(value), "word_for_kind"):  # the separate judge's stand-in for an object of the student's
        return type(value).word_for_kind(value)
    for word, types in _KINDS:
        if isinstance(value, types):
            return word
    # Found by name, so that this module never has to import torch.
    if type(value).__module__.split(".")[0] == "torch" and hasattr(value, "detach"):
        return "tensor"
    return type(value).__name__


_KINDS = [
    ("bool", (bool, np.bool_)),
    ("int", numbers.Integral),
    ("float", numbers.Real),
    ("complex", numbers.Complex),
    ("str", str),
    ("array", np.ndarray),
    ("list", list),
    ("tuple", tuple),
    ("dict", dict),
]
# By id, for speed, and because a student's metaclass may have its own idea of a hash.
_EXACT_KINDS = {
    id(type(None)): "none",
    **{id(cls): cls.__name__ for cls in (bool, int, float, complex, str, list, tuple, dict)},
    id(np.ndarray): "array",
}


@student_side
def quiet(function, *args, **kwargs):
    """Call a function and collect the warnings it sets off, NumPy's floating-point ones included.

    Returns
    -------
    tuple
        The result of the call, and the list of warning texts. An honest underflow (a result too small to be told from
        0) is no warning here.
    """
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("always")
        result = function(*args, **kwargs)
    return result, [str(warning.message) for warning in caught]


def each(function, cases, **options):
    """Call a function with each of many arguments: ``[function(*case, **options) for case in cases]``.

    The separate judge sends all cases in one message, so a test of a hundred calls takes a tenth of the time that a
    loop of them would.

    Parameters
    ----------
    function : callable
    cases : iterable of sequences
        The positional arguments of each call.
    **options
        Passed to every call.

    Returns
    -------
    list
        One result for each case, in their order. What a call raises ends the others.
    """
    cases = [tuple(case) for case in cases]
    results = _each(function, cases, options)
    if type(results) is not list or len(results) != len(cases):
        raise CheckFailed("Not every call gave a result.")
    return results


@student_side
def _each(function, cases, options):
    return [function(*case, **options) for case in cases]


@student_side
def _raised(function, cases):
    """Evidence: for each case the names of what the call raises, from special to general; none if it raises nothing."""
    found = []
    for case in cases:
        try:
            function(*case)
        except NotImplementedError:
            raise  # the stub of an unanswered exercise speaks for itself
        except Exception as error:
            found.append([cls.__name__ for cls in type(error).__mro__])
        else:
            found.append([])
    return found


def items(iterable, most=10_000):
    """What an iterable gives, as a list, in one message to the separate judge.

    Raises
    ------
    CheckFailed
        If it gives more than `most`: it may never end.
    """
    found = _items(iterable, most)
    if type(found) is not list or len(found) > most:
        raise CheckFailed(f"An iteration gave more than {most} items: it may never end.")
    return found


@student_side
def _items(iterable, most):
    return list(itertools.islice(iterable, most + 1))


def passed(what):
    """Print the one line that a check cell ends with."""
    print(f"{what}: all visible checks pass.")


class Checks:
    """The checks in two manners: `reveal=True` shows values, `reveal=False` (hidden tests) shows none."""

    def __init__(self, reveal):
        self._reveal = reveal

    def that(self, condition, message):
        """Fail with `message` unless `condition` holds."""
        if not condition:
            raise CheckFailed(message)

    def shape(self, got, expected, *, what="the result"):
        """Fail unless `got` is an array (or a number, for ``()``) of the shape `expected`."""
        found = np.shape(_as_array(got, what))
        if found != tuple(expected):
            told = f"has shape {found}, expected {tuple(expected)}" if self._reveal else _axes(found, expected)
            raise CheckFailed(f"{what} {told}.{_shape_cause(found, expected)}")

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
        found = _as_array(got, what)
        expected = np.asarray(expected)
        if found.shape != expected.shape:
            cause = _hinted(found, expected, hints, rtol, atol)
            if cause:
                raise CheckFailed(f"{what} has the wrong shape.{cause}")
            self.shape(found, expected.shape, what=what)
        right = _near(found, expected, rtol, atol)
        if right.all():
            return
        cause = _hinted(found, expected, hints, rtol, atol)
        cause = cause or _value_cause(found, expected, rtol, atol, self._reveal)
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
        found, expected = _as_array(got, what), np.asarray(expected)
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
            if _differs_along(found, expected, along):
                named[cause] = found
        self.close(found, expected, rtol=rtol, atol=atol, what=what, hints=named)

    def equal(self, got, expected, *, what="the result", hints=None):
        """Fail unless `got` equals `expected` exactly: for counts, labels, strings and lists of them."""
        _must_return(got, what)
        same = kind(got) == kind(expected) or {kind(got), kind(expected)} <= {"list", "tuple", "array"}
        if same and _same(got, expected):
            return
        for cause, wrong in (hints or {}).items():
            if _same(got, wrong):
                shown = f" is {_short(got)}, expected {_short(expected)}" if self._reveal else " is not right"
                raise CheckFailed(f"{what}{shown}. Likely cause: {cause}.")
        if not same:
            raise CheckFailed(f"{what} is of kind {kind(got)}, expected {kind(expected)}.")
        shown = f" is {_short(got)}, expected {_short(expected)}." if self._reveal else " is not what it should be."
        raise CheckFailed(what + shown)

    def finite(self, got, *, what="the result"):
        """Fail if a value is NaN or infinite."""
        found = _as_array(got, what)
        if not np.isfinite(found).all():
            raise CheckFailed(f"{what} contains {_not_finite(found)}.{_NOT_FINITE_CAUSE}")

    def within(self, got, low, high, *, what="the result"):
        """Fail unless every value lies in the closed interval from `low` to `high`; NaN lies nowhere."""
        found = _as_array(got, what)
        inside = (found >= low) & (found <= high)
        if not inside.all():
            if not self._reveal:
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
                named = f" {' and '.join(lacking)}" if self._reveal else " everything that the task asks for"
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
        found = _raised(function, cases)
        if type(found) is not list or len(found) != len(cases):
            raise CheckFailed("Not every call gave a result.")
        for names, which in zip(found, named, strict=True):
            if exception.__name__ not in names:
                other = str(names[0]) if self._reveal and names else "another error"
                told = f"raised {other}" if names else "nothing was raised"
                raise CheckFailed(f"{which} must raise {exception.__name__}, but {told}.")

    def _difference(self, found, expected, right):
        """Which values differ, and (only where values may be shown) where the first one is, and what."""
        if not self._reveal:
            return f"is not right{_part(right)}"
        place = tuple(int(i) for i in np.argwhere(~right)[0])
        where = f" at index {place if len(place) > 1 else place[0]}" if place else ""
        count = f" ({np.sum(~right)} of {right.size} values differ)" if right.size > 1 else ""
        if right.size > 1 and right.size <= 12:
            return f"is\n{_short(found)}\nexpected\n{_short(expected)}\nfirst difference{where}{count}"
        return f"is {found[place]:.6g}{where}, expected {expected[place]:.6g}{count}"


# A hidden check says nothing that an answer could choose freely (a shape, a place, a factor): an answer that wants to
# read its hidden inputs would spell them in it.


def _axes(found, expected):
    """A wrong shape in words, without its numbers."""
    if len(found) == len(expected) or len(found) > 4:
        return "has the wrong shape"
    axes = "1 axis" if len(found) == 1 else f"{len(found)} axes"
    return f"has the wrong shape: {axes} where {len(tuple(expected))} are expected"


def _part(right):
    """Which part of an array is wrong, in words, without places and counts."""
    if right.size < 2:
        return ""
    if not right.any():
        return ": no value is"
    for place, word in ((0, "first"), (-1, "last")):
        if np.sum(~right) == 1 and not right.flat[place]:
            return f" in its {word} value only"
    return " in some of its values"


def _differs_along(found, expected, along):
    """Is found = expected + c * along, for some number c that is not 0?"""
    along = np.asarray(along, dtype=float)
    if not found.shape == expected.shape == along.shape or not np.any(along) or not np.isfinite(found).all():
        return False
    gap = found - expected
    share = np.vdot(along, gap) / np.vdot(along, along)
    return share != 0 and np.linalg.norm(gap - share * along) <= 1e-6 * np.linalg.norm(gap)


def _interval(low, high):
    if high == np.inf:
        return f"be at least {low:g}"
    return f"be at most {high:g}" if low == -np.inf else f"lie between {low:g} and {high:g}"


def _must_return(got, what):
    if got is None:
        raise CheckFailed(f"{what} is None. Is a `return` missing?")


def _as_array(got, what):
    """A numeric array of `got`, or a sentence that says why there is none."""
    _must_return(got, what)
    word = kind(got)
    if word == "tensor":
        raise CheckFailed(f"{what} is a torch tensor; a NumPy array is expected here.")
    try:
        found = np.asarray(got)
        if found.dtype.kind in "biufc":
            return found
    except (TypeError, ValueError):
        pass
    raise CheckFailed(f"{what} is of kind {word}; an array of numbers is expected.")


def _same(got, expected):
    """Equality for numbers, strings, arrays, and lists or tuples of them."""
    if type(got) is type(expected) and type(got) in (int, float, str, bool):
        return got == expected
    kinds = {kind(got), kind(expected)}
    if kinds == {"dict"}:
        return got.keys() == expected.keys() and all(_same(got[key], expected[key]) for key in got)
    if kinds <= {"list", "tuple"}:
        return len(got) == len(expected) and all(_same(*pair) for pair in zip(got, expected, strict=True))
    return np.array_equal(got, expected)


def _near(found, expected, rtol, atol):
    found, expected = np.asarray(found), np.asarray(expected)
    with np.errstate(invalid="ignore", over="ignore"):
        if found.dtype.kind in "fiu" and expected.dtype.kind == "f":
            near = np.abs(found - expected) <= atol + rtol * np.abs(expected)
            if near.all() and np.isfinite(expected).all():
                return near  # what isclose would say, in a third of its time
        return np.isclose(found, expected, rtol=rtol, atol=atol)


def _shape_cause(found, expected):
    """A likely cause for a wrong shape, as a sentence with a space before it, or nothing."""
    expected = tuple(expected)
    if len(found) == len(expected) > 1 and found == expected[::-1]:
        return " Likely cause: it is transposed."
    if np.prod(found, dtype=int) == np.prod(expected, dtype=int):
        return " Likely cause: the numbers are all there, but an axis of length 1 or a reshape is in the way."
    if len(found) < len(expected) and set(found) <= set(expected):
        return " Likely cause: a sum, mean or max ran over one axis too many."
    if len(found) > len(expected):
        return " Likely cause: broadcasting made it larger; compare the shapes of the two operands."
    return ""


def _hinted(found, expected, hints, rtol, atol):
    """The first hint whose wrong value is the one that came (and is not also the right one)."""
    for cause, wrong in (hints or {}).items():
        wrong = np.asarray(wrong)
        if wrong.shape not in (found.shape, ()):
            continue
        if wrong.shape in (expected.shape, ()) and _near(wrong, expected, rtol, atol).all():
            continue
        if _near(found, wrong, max(rtol, 1e-5), atol).all():  # hints are often written with few digits
            return f" Likely cause: {cause}."
    return ""


_NOT_FINITE_CAUSE = " Likely cause: an overflow (exp of a large number), 0/0, or inf - inf on the way."


def _not_finite(found):
    return "NaN" if np.isnan(found).any() else "infinite values"


def _value_cause(found, expected, rtol, atol, reveal):
    """What a wrong value betrays by itself: not finite, sign, factor, transposition, a constant, cut-off decimals."""
    if found.dtype.kind == "b" or expected.dtype.kind == "b":
        return ""  # truth values have no sign, factor or offset
    with np.errstate(all="ignore"):
        return _number_cause(found, expected, rtol, atol, reveal)


def _number_cause(found, expected, rtol, atol, reveal):
    if not np.isfinite(found).all() and np.isfinite(expected).all():
        return f" It contains {_not_finite(found)}.{_NOT_FINITE_CAUSE}"
    if found.dtype.kind in "iub" and expected.dtype.kind == "f" and _near(found, np.trunc(expected), rtol, atol).all():
        return " Likely cause: decimals were cut off; the array is of an integer type."
    if found.size < 2:
        return ""
    if _near(found, -expected, rtol, atol).all():
        return " Likely cause: the sign is reversed."
    if found.ndim == 2 and found.shape[0] == found.shape[1] and _near(found, expected.T, rtol, atol).all():
        return " Likely cause: it is transposed."
    solid = np.abs(expected) > atol
    if solid.sum() > 1:
        ratio = (found[solid] / expected[solid]).flat[0]
        if ratio != 0 and _near(found, ratio * expected, max(rtol, 1e-6), atol).all():
            times = f"{ratio:.4g} times" if reveal or _speaking(ratio, expected) else "a multiple of"
            return f" It is {times} the expected one everywhere: a factor is missing or too much."
    offset = (found - expected).flat[0]
    if _near(found, expected + offset, max(rtol, 1e-6), atol).all():
        return " It differs by the same constant everywhere: a term is missing or too much."
    return ""


def _speaking(ratio, expected):
    """Is a factor one that a forgotten or doubled step leaves: a sign, a half, a power of 10, a length of an axis?"""
    usual = [1, 2, 3, 4, 10, 100, 1000, expected.size, *expected.shape]
    return any(np.isclose(abs(ratio), (n, 1 / n), rtol=1e-6).any() for n in usual)


def _short(value):
    """A value on few lines."""
    if kind(value) in ("list", "tuple") and len(value) > 12:
        return f"[{', '.join(map(repr, value[:6]))}, ... {len(value) - 6} more]"
    if kind(value) in ("list", "tuple", "str"):
        return repr(value)
    return np.array2string(np.asarray(value), precision=6, threshold=20, separator=", ", suppress_small=True)


_visible = Checks(reveal=True)
hidden = Checks(reveal=False)
that, shape, close, equal = _visible.that, _visible.shape, _visible.close, _visible.equal
gradient = _visible.gradient
finite, within, unchanged = _visible.finite, _visible.within, _visible.unchanged
raises, raises_each = _visible.raises, _visible.raises_each
REVEALING = ("that", "shape", "close", "gradient", "equal", "finite", "within", "unchanged", "raises", "raises_each")
