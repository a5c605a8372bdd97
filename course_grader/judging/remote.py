"""The judge's side of the conversation: remote values, callbacks, and probes that run with the student's objects.

A test cell calls what the student defined through a `Handle`. Arguments go out and results come back as plain data,
rebuilt as exact built-in types, so that no object of the student's ever meets an assert. What is no data comes back as
a handle of its own. A handle never answers a question that decides a verdict: compared, tested for truth or turned into
an array, it raises `Unsupported`, because the answer would be the student's.
"""

from __future__ import annotations

import builtins
import importlib
import inspect
import marshal
import textwrap
import types
import weakref

import numpy as np

from ..wire.channel import Channel
from ..wire.errors import ProtocolError
from ..wire.forms import Ext

CALLBACKS = 10_000  # functions of the tests' alive on the student's side
HANDLES = 1_000_000
KNOWN_MODULES = ("builtins", "math", "operator", "numpy", "torch", "course_utils")


class Unsupported(Exception):
    """A test did with a student's object what only a process that holds both could do."""


class OutOfTime(BaseException):
    """The student's code used up its time; BaseException, so that no test takes it for an answer."""


class Handle:
    """A student's object that is no plain data. Attributes, calls, items, iteration and operators cross as messages."""

    # Else np.float64(2) * handle would be NumPy's to answer, with an empty array.
    __array_ufunc__ = None
    __slots__ = ("__weakref__", "_channel", "_met", "_number", "_word")

    def __init__(self, channel: Judge, number: int, word: str):
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


class Probe:
    """A function marked @student_side, seen from the judge: it runs over there and its evidence comes back."""

    __student_side__ = True

    def __init__(self, channel_of, function):
        self._channel_of, self._function = channel_of, function
        self._known = _global_name(function)
        self._code = self._known  # made when it is first needed
        self.__name__, self.__doc__ = function.__name__, function.__doc__

    def __call__(self, *args, **kwargs):
        return self._channel_of().request("probe", *self.name_and_code(), args, kwargs)

    def name_and_code(self) -> tuple[bool, str, str | bytes]:
        """(is it the other side's, too?, its name, its global name or what `_portable` makes of it)."""
        if self._code is None:
            self._code = _portable(self._function)
        return self._known is not None, self._function.__name__, self._code


def _portable(function) -> str | bytes:
    """A function's code for another process of the same Python: compiled, as it is here already; else its source text.

    The text where its defaults are no plain data, or a decorator or closure makes more of it than its code says.
    """
    if type(function) is types.FunctionType and function.__closure__ is None and not hasattr(function, "__wrapped__"):
        defaults, named = function.__defaults__, function.__kwdefaults__
        if all(type(value) in _MARSHALLED for value in (*(defaults or ()), *(named or {}).values())):
            code = function.__code__.replace(co_filename=f"<{function.__name__}>")
            return marshal.dumps((code, defaults, named))
    return textwrap.dedent(inspect.getsource(function))


_MARSHALLED = (type(None), bool, int, float, complex, str)  # of an array, marshal would make bytes, without a word


class Judge(Channel):
    """The judge's end.

    Parameters
    ----------
    connection : socket.socket
        Connected to one student's process.
    words : set of str
        Class names that may appear in messages; others might carry text out of a test call, so they read "object".
    """

    def __init__(self, connection, words):
        super().__init__(connection, first=0)
        self._words = words
        self._handles: weakref.WeakValueDictionary[int, Handle] = weakref.WeakValueDictionary()
        self._callbacks: list = []
        self._callback_numbers: dict[int, int] = {}
        self._raised: list[BaseException] = []
        self.released: list[int] = []
        self.failed: BaseException | None = None  # an assert that failed inside a callback

    # -- out -------------------------------------------------------------------------------------------------------

    def export(self, value):
        if type(value) is Handle:
            return Ext("yours", value._number)
        if isinstance(value, Probe):
            return Ext("probe", value.name_and_code())
        name = _global_name(value)
        if name is not None:
            return Ext("global", name)
        if isinstance(value, types.FunctionType | types.MethodType | types.BuiltinFunctionType) or (
            callable(value) and type(value).__module__ in ("functools", "__main__")
        ):
            return Ext("callback", self._callback(value))
        return NotImplemented

    def _callback(self, function) -> int:
        number = self._callback_numbers.get(id(function))
        if number is None:
            if len(self._callbacks) >= CALLBACKS:
                raise Unsupported("too many functions were passed to an answer")
            number = self._callback_numbers[id(function)] = len(self._callbacks)
            self._callbacks.append(function)  # held, so that its id stays its own
        return number

    def request(self, kind, *body):
        if self.released:
            released, self.released = self.released, []
            self.send("release", (released,))
        return super().request(kind, *body)

    # -- in --------------------------------------------------------------------------------------------------------

    def resolve(self, kind, payload):
        if kind == "handle":
            number, word = _handle(payload)
            handle = self._handles.get(number)
            if handle is None:
                if len(self._handles) >= HANDLES:
                    raise ProtocolError("too many objects of the student's")
                handle = Handle(self, number, word if word in self._words else "object")
                self._handles[number] = handle
            return handle
        if kind == "callback" and type(payload) is int and 0 <= payload < len(self._callbacks):
            return self._callbacks[payload]
        raise ProtocolError(f"a reference of the unknown kind {kind!r}")

    def serve(self, kind, body):
        """The student's code calls a function of the tests'."""
        if kind != "callback" or type(body) is not tuple or [type(part) for part in body] != [int, tuple, dict]:
            raise ProtocolError(f"a request of the wrong form ({kind!r})")
        number, args, kwargs = body
        if not 0 <= number < len(self._callbacks) or any(type(name) is not str for name in kwargs):
            raise ProtocolError("a call of a function that never crossed")
        return self._callbacks[number](*args, **kwargs)

    # -- exceptions ------------------------------------------------------------------------------------------------

    def describe(self, error):
        if isinstance(error, AssertionError) and self.failed is None:
            self.failed = error  # the student's code might swallow it
        self._raised.append(error)
        return {"types": _names(error), "message": "", "token": len(self._raised) - 1}

    def rebuild(self, description):
        types_, message, token = _description(description)
        if 0 <= token < len(self._raised):
            return self._raised[token]  # one of our own, come back
        if "OutOfTime" in types_[:1]:
            return OutOfTime(message)
        error = _exception(types_, message)
        error.from_student = True
        return error


def _handle(payload):
    if type(payload) is not tuple or [type(part) for part in payload] != [int, str]:
        raise ProtocolError("a handle of the wrong form")
    return payload


def _description(body):
    if type(body) is not dict:
        raise ProtocolError("an error of the wrong form")
    types_, message, token = body.get("types"), body.get("message"), body.get("token", -1)
    if type(types_) is not list or type(message) is not str or type(token) is not int:
        raise ProtocolError("an error of the wrong form")
    return [name for name in types_ if type(name) is str], message, token


def _names(error: BaseException) -> list[str]:
    return [cls.__name__ for cls in type(error).__mro__[:20]]


# The end of an iteration says something to the loop of a test that calls an answer, so it is never an answer's to say:
# a `map` over its results would end before the first is looked at.
_ENDS = ("StopIteration", "StopAsyncIteration")
_EXCEPTIONS = {
    name: cls
    for name, cls in vars(builtins).items()
    if isinstance(cls, type) and issubclass(cls, Exception) and name not in _ENDS
} | {"LinAlgError": np.linalg.LinAlgError, "AxisError": np.exceptions.AxisError}


def _exception(names, message) -> Exception:
    """The most special exception class that we have under one of the names; SystemExit and the like never."""
    cls = next((_EXCEPTIONS[name] for name in names if name in _EXCEPTIONS), RuntimeError)
    try:
        return cls(message)
    except TypeError:  # UnicodeDecodeError and its like want more than a message
        return RuntimeError(f"{names[0]}: {message}")


def _global_name(value) -> str | None:
    """'module:name' of a function or class of a well-known library, which the other side has, too."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if isinstance(value, np.ufunc):
        module, name = "numpy", value.__name__
    if not isinstance(module, str) or not isinstance(name, str) or module.split(".")[0] not in KNOWN_MODULES:
        return None
    if not (isinstance(value, type | np.ufunc) or callable(value)) or "<" in name:
        return None
    return f"{module}:{name}" if find_global(f"{module}:{name}") is value else None


def find_global(known: str):
    """The object behind 'module:name', None if there is none."""
    module, _, name = known.partition(":")
    if module.split(".")[0] not in KNOWN_MODULES:
        return None
    try:
        found = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError):
        return None
    return found
