"""Likely causes: what a wrong shape or a wrong value betrays by itself."""

import numpy as np

from .values import near

# A hidden check says nothing that an answer could choose freely (a shape, a place, a factor): an answer that wants to
# read its hidden inputs would spell them in it.


def axes(found, expected):
    """A wrong shape in words, without its numbers."""
    if len(found) == len(expected) or len(found) > 4:
        return "has the wrong shape"
    axes = "1 axis" if len(found) == 1 else f"{len(found)} axes"
    return f"has the wrong shape: {axes} where {len(tuple(expected))} are expected"


def part(right):
    """Which part of an array is wrong, in words, without places and counts."""
    if right.size < 2:
        return ""
    if not right.any():
        return ": no value is"
    for place, word in ((0, "first"), (-1, "last")):
        if np.sum(~right) == 1 and not right.flat[place]:
            return f" in its {word} value only"
    return " in some of its values"


def differs_along(found, expected, along):
    """Is found = expected + c * along, for some number c that is not 0?"""
    along = np.asarray(along, dtype=float)
    if not found.shape == expected.shape == along.shape or not np.any(along) or not np.isfinite(found).all():
        return False
    gap = found - expected
    share = np.vdot(along, gap) / np.vdot(along, along)
    return share != 0 and np.linalg.norm(gap - share * along) <= 1e-6 * np.linalg.norm(gap)


def shape_cause(found, expected):
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


def hinted(found, expected, hints, rtol, atol):
    """The first hint whose wrong value is the one that came (and is not also the right one)."""
    for cause, wrong in (hints or {}).items():
        wrong = np.asarray(wrong)
        if wrong.shape not in (found.shape, ()):
            continue
        if wrong.shape in (expected.shape, ()) and near(wrong, expected, rtol, atol).all():
            continue
        if near(found, wrong, max(rtol, 1e-5), atol).all():  # hints are often written with few digits
            return f" Likely cause: {cause}."
    return ""


NOT_FINITE_CAUSE = " Likely cause: an overflow (exp of a large number), 0/0, or inf - inf on the way."


def not_finite(found):
    return "NaN" if np.isnan(found).any() else "infinite values"


def value_cause(found, expected, rtol, atol, reveal):
    """What a wrong value betrays by itself: not finite, sign, factor, transposition, a constant, cut-off decimals."""
    if found.dtype.kind == "b" or expected.dtype.kind == "b":
        return ""  # truth values have no sign, factor or offset
    with np.errstate(all="ignore"):
        return _number_cause(found, expected, rtol, atol, reveal)


def _number_cause(found, expected, rtol, atol, reveal):
    if not np.isfinite(found).all() and np.isfinite(expected).all():
        return f" It contains {not_finite(found)}.{NOT_FINITE_CAUSE}"
    if found.dtype.kind in "iub" and expected.dtype.kind == "f" and near(found, np.trunc(expected), rtol, atol).all():
        return " Likely cause: decimals were cut off; the array is of an integer type."
    if found.size < 2:
        return ""
    if near(found, -expected, rtol, atol).all():
        return " Likely cause: the sign is reversed."
    if found.ndim == 2 and found.shape[0] == found.shape[1] and near(found, expected.T, rtol, atol).all():
        return " Likely cause: it is transposed."
    solid = np.abs(expected) > atol
    if solid.sum() > 1:
        ratio = (found[solid] / expected[solid]).flat[0]
        if ratio != 0 and near(found, ratio * expected, max(rtol, 1e-6), atol).all():
            times = f"{ratio:.4g} times" if reveal or _speaking(ratio, expected) else "a multiple of"
            return f" It is {times} the expected one everywhere: a factor is missing or too much."
    offset = (found - expected).flat[0]
    if near(found, expected + offset, max(rtol, 1e-6), atol).all():
        return " It differs by the same constant everywhere: a term is missing or too much."
    return ""


def _speaking(ratio, expected):
    """Is a factor one that a forgotten or doubled step leaves: a sign, a half, a power of 10, a length of an axis?"""
    usual = [1, 2, 3, 4, 10, 100, 1000, expected.size, *expected.shape]
    return any(np.isclose(abs(ratio), (n, 1 / n), rtol=1e-6).any() for n in usual)
