"""Values: of which kind one is, whether two are the same or near, and how one is shown."""

import numbers

import numpy as np

from .errors import CheckFailed


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


def must_return(got, what):
    if got is None:
        raise CheckFailed(f"{what} is None. Is a `return` missing?")


def as_array(got, what):
    """A numeric array of `got`, or a sentence that says why there is none."""
    must_return(got, what)
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


def are_same(got, expected):
    """Equality for numbers, strings, arrays, and lists or tuples of them."""
    if type(got) is type(expected) and type(got) in (int, float, str, bool):
        return got == expected
    kinds = {kind(got), kind(expected)}
    if kinds == {"dict"}:
        return got.keys() == expected.keys() and all(are_same(got[key], expected[key]) for key in got)
    if kinds <= {"list", "tuple"}:
        return len(got) == len(expected) and all(are_same(*pair) for pair in zip(got, expected, strict=True))
    return np.array_equal(got, expected)


def near(found, expected, rtol, atol):
    found, expected = np.asarray(found), np.asarray(expected)
    with np.errstate(invalid="ignore", over="ignore"):
        if found.dtype.kind in "fiu" and expected.dtype.kind == "f":
            near = np.abs(found - expected) <= atol + rtol * np.abs(expected)
            if near.all() and np.isfinite(expected).all():
                return near  # what isclose would say, in a third of its time
        return np.isclose(found, expected, rtol=rtol, atol=atol)


def short(value):
    """A value on few lines."""
    if kind(value) in ("list", "tuple") and len(value) > 12:
        return f"[{', '.join(map(repr, value[:6]))}, ... {len(value) - 6} more]"
    if kind(value) in ("list", "tuple", "str"):
        return repr(value)
    return np.array2string(np.asarray(value), precision=6, threshold=20, separator=", ", suppress_small=True)
