"""Remote values: a test cell calls what the student defined through a `Handle`.

Arguments go out and results come back as plain data, rebuilt as exact built-in types, so that no object of the
student's ever meets an assert. What is no data comes back as a handle of its own. A handle never answers a question
that decides a verdict: compared, tested for truth or turned into an array, it raises `Unsupported`, because the answer
would be the student's.
"""

from __future__ import annotations

from ..wire.errors import ProtocolError


class Unsupported(Exception):
    """A test did with a student's object what only a process that holds both could do."""


class Handle:
    """A student's object that is no plain data. Attributes, calls, items, iteration and operators cross as messages."""

    # Else np.float64(2) * handle would be NumPy's to answer, with an empty array.
    __array_ufunc__ = None
    __slots__ = ("__weakref__", "_channel", "_met", "_number", "_word")

    def __init__(self, channel, number: int, word: str):
        for name, value in (("_channel", channel), ("_number", number), ("_word", word), ("_met", False)):
            object.__setattr__(self, name, value)

    def __repr__(self):
        return f"<the student's {self._word}>"

    def __hash__(self):
        return object.__hash__(self)

    def __eq__(self, other):
        """The same object; anything else would be for the student's `__eq__` to say."""
        return self is other

    def __call__(self, *args, **kwargs):
        return self._channel.request("call", self, args, kwargs)

    def __getattr__(self, name):
        # A protocol of Python's or NumPy's is ours to follow, not the student's to answer: an `__array_interface__` of
        # theirs would name an address in this process's memory.
        if name.startswith("__") and name.endswith("__") and name not in ("__name__", "__doc__", "__qualname__"):
            raise AttributeError(name)
        return self._channel.request("getattr", self, name)

    def __setattr__(self, name, value):
        self._channel.request("setattr", self, name, value)

    def __getitem__(self, index):
        return self._channel.request("apply", "getitem", self, index)

    def __setitem__(self, index, value):
        self._channel.request("apply", "setitem", self, index, value)

    def __delitem__(self, index):
        self._channel.request("apply", "delitem", self, index)

    def __len__(self):
        return _exact(self._channel.request("apply", "len", self), int)

    def __iter__(self):
        iterator = self._channel.request("apply", "iter", self)
        if not isinstance(iterator, Handle):
            return iter(iterator)
        return iterator._walk()

    def __next__(self):
        found, value = _pair(self._channel.request("next", self))
        if not found:
            raise StopIteration
        return value

    def _walk(self):
        """Ask for one element after the other; StopIteration of the student's ends it, as in one process."""
        while True:
            try:
                value = self.__next__()
            except StopIteration:
                return
            yield value

    def __enter__(self):
        return self._channel.request("enter", self)

    def __exit__(self, kind, error, traceback):
        described = None if error is None else self._channel.describe(error)
        return bool(self._channel.request("exit", self, described))

    def __float__(self):
        return _exact(_apply("float", self), float)

    def __int__(self):
        return _exact(_apply("int", self), int)

    def __index__(self):
        return _exact(_apply("index", self), int)

    def __str__(self):
        return _exact(self._channel.request("apply", "str", self), str)

    def __array__(self, dtype=None, copy=None):
        raise TypeError(f"an object of class {self._word} is no array of numbers")

    @property
    def __class__(self):
        """isinstance asks for it, and only the student's process knows."""
        raise Unsupported(f"isinstance on the student's {self._word}: use check.kind, or a @check.student_side probe")

    def __del__(self):
        self._channel.released.append(self._number)


def _exact(value, cls):
    if type(value) is not cls:
        raise TypeError(f"expected {cls.__name__}, the answer gave {type(value).__name__}")
    return value


def _pair(value):
    if type(value) is not tuple or len(value) != 2 or type(value[0]) is not bool:
        raise ProtocolError("an answer to `next` of the wrong form")
    return value


def _apply(name, *operands):
    """The result of an operator, as the student's object has it; but never a number that a test could decide by.

    What the tests' own number and an object of the student's make together (`_met`) stays an object: or
    `abs(answer - 2.5) < 1e-9` would hold for an object that says its difference to anything is 0.
    """
    handles = [one for one in operands if type(one) is Handle]
    met = any(one._met for one in handles) or len(handles) < len(operands)
    result = handles[0]._channel.request("apply", name, *operands)
    if not met or name.endswith("matmul"):  # a product of matrices is no comparison
        return result
    if type(result) is not Handle:
        raise Unsupported(f"`{name}` on the student's {handles[0]._word}, which gave plain data: give it a number")
    object.__setattr__(result, "_met", True)
    return result


def _operator(name):
    def apply(self, *others):
        return _apply(name, self, *others)

    apply.__name__ = f"__{name}__"
    return apply


def _reflected(name):
    def apply(self, other):
        return _apply(name, other, self)

    apply.__name__ = f"__r{name}__"
    return apply


def _refused(name):
    def refuse(self, *others):
        raise Unsupported(f"`{name}` on the student's {self._word}: its answer would be the student's to give")

    return refuse


BINARY = ("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "pow", "lshift", "rshift", "and", "xor", "or")
UNARY = ("neg", "pos", "abs", "invert")
for _name in BINARY:
    setattr(Handle, f"__{_name}__", _operator(_name))
    setattr(Handle, f"__r{_name}__", _reflected(_name))
    setattr(Handle, f"__i{_name}__", _operator(f"i{_name}"))
for _name in UNARY:
    setattr(Handle, f"__{_name}__", _operator(_name))
for _name in ("lt", "le", "gt", "ge", "bool", "contains"):
    setattr(Handle, f"__{_name}__", _refused(_name))


def _word_for_kind(handle) -> str:
    """What `check.kind` says of a handle."""
    return object.__getattribute__(handle, "_word")


Handle.word_for_kind = staticmethod(_word_for_kind)
