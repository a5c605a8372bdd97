"""The judge's side of the conversation: remote values, callbacks, and probes that run with the student's objects."""

from __future__ import annotations

import builtins
import inspect
import marshal
import textwrap
import types
import weakref

import numpy as np

from ..wire.channel import Channel
from ..wire.errors import ProtocolError
from ..wire.forms import Ext
from .handle import Handle, Unsupported
from .libraries import global_name

CALLBACKS = 10_000  # functions of the tests' alive on the student's side
HANDLES = 1_000_000


class AnswerOutOfTime(BaseException):
    """The student's code used up its time; BaseException, so that no test takes it for an answer."""


class Probe:
    """A function marked @student_side, seen from the judge: it runs over there and its evidence comes back."""

    __student_side__ = True

    def __init__(self, channel_of, function):
        self._channel_of, self._function = channel_of, function
        self._known = global_name(function)
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


class JudgeChannel(Channel):
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
        name = global_name(value)
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
            return AnswerOutOfTime(message)
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
