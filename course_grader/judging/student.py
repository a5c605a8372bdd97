"""The student's side: the cells are run in an IPython shell, then the judge's requests are answered.

Everything here runs in a process that the student's code may take over. So nothing in it decides: it keeps the honest
on the path, and the judge takes what it says for the student's word.
"""

from __future__ import annotations

import ast
import contextlib
import enum
import marshal
import operator
import os
import socket
import sys
import threading
import time
import traceback
import types

import numpy as np

from ..wire.channel import Channel
from ..wire.errors import Closed
from ..wire.forms import Ext
from .cells import OutOfTime, execute, interruptible, start_timers, stop_timers, uninterrupted
from .handle import BINARY, UNARY
from .libraries import find_global
from .shell import Recorder, is_cell, one_line, run_cell

MESSAGE = 2_000  # characters of an exception's text
_PLAIN = (tuple, frozenset, slice, range, type(...), os.PathLike, np.generic, np.dtype, int, float, complex, str, bytes)
_OPERATIONS = {
    **{name: getattr(operator, name if name not in ("and", "or") else name + "_") for name in BINARY},
    **{f"i{name}": getattr(operator, f"i{name}") for name in BINARY},
    **{name: getattr(operator, name) for name in UNARY},
    **{name: getattr(operator, name) for name in ("getitem", "setitem", "delitem", "index")},
    **{"len": len, "iter": iter, "float": float, "int": int, "str": str},
}


_ONE_AT_A_TIME = threading.RLock()


class StudentChannel(Channel):
    """The student's end: serves the judge's requests on the objects of one namespace.

    Parameters
    ----------
    connection : socket.socket
    namespace : dict
        What the student's cells left behind.
    setup : dict
        What the setup cells alone left behind: the names that probes may use.
    cpu_seconds, wall_seconds : float
        For each of the judge's test cells.
    """

    def __init__(self, connection, namespace, setup, cpu_seconds, wall_seconds):
        super().__init__(connection, first=1)
        self._namespace, self._setup = namespace, setup
        self._limits = cpu_seconds, wall_seconds
        self._objects_out: dict[int, object] = {}
        self._numbers_out: dict[int, int] = {}
        self._next_out = 0
        self._stubs: dict[int, object] = {}
        self._probes: dict[str, object] = {}

    def run(self) -> None:
        """Answer requests until the judge hangs up."""
        with contextlib.suppress(Closed):
            while True:
                self.answer(*self.receive())

    # -- references ------------------------------------------------------------------------------------------------

    def export(self, value):
        stub = getattr(value, "_callback_number", None) if isinstance(value, types.FunctionType) else None
        if stub is not None:
            return Ext("callback", stub)
        if (isinstance(value, _PLAIN) and not _more_than_a_number(value)) or _torch_data(value):
            return NotImplemented
        number = self._numbers_out.get(id(value))
        if number is None:
            number, self._next_out = self._next_out, self._next_out + 1
            self._objects_out[number] = value
            self._numbers_out[id(value)] = number
        return Ext("handle", (number, type(value).__name__))

    def resolve(self, kind, payload):
        if kind == "yours":
            return self._objects_out[payload]
        if kind == "global":
            return find_global(payload)
        if kind == "callback":
            return self._stub(payload)
        if kind == "probe":  # a test's helper that runs here, given to an answer as an argument
            return self._found(*payload)
        return super().resolve(kind, payload)

    def _stub(self, number):
        if number not in self._stubs:

            def callback(*args, **kwargs):
                # One thread at a time: an answer may well call a function of the tests' from a pool of them.
                with uninterrupted(), _ONE_AT_A_TIME:
                    return self.request("callback", number, args, kwargs)

            callback._callback_number = number
            self._stubs[number] = callback
        return self._stubs[number]

    # -- requests --------------------------------------------------------------------------------------------------

    def answer(self, kind, body):
        if kind == "release":  # the one message that wants no answer
            self._release(*body)
        else:
            super().answer(kind, body)

    def serve(self, kind, body):
        with interruptible():
            return getattr(self, f"_do_{kind}")(*body)

    def _do_cell(self):
        """A new test cell begins: its time starts to count."""
        start_timers(*self._limits)

    def _do_names(self, names):
        return {name: self._namespace[name] for name in names if name in self._namespace}

    def _do_call(self, function, args, kwargs):
        return function(*args, **kwargs)

    def _do_getattr(self, value, name):
        return getattr(value, name)

    def _do_setattr(self, value, name, new):
        setattr(value, name, new)

    def _do_apply(self, name, *values):
        return _OPERATIONS[name](*values)

    def _do_next(self, iterator):
        try:
            return True, next(iterator)
        except StopIteration:
            return False, None

    def _do_enter(self, value):
        return type(value).__enter__(value)

    def _do_exit(self, value, description):
        if description is None:
            return bool(type(value).__exit__(value, None, None, None))
        error = self.rebuild(description)
        return bool(type(value).__exit__(value, type(error), error, None))

    def _release(self, numbers):
        for number in numbers:
            value = self._objects_out.pop(number, None)
            self._numbers_out.pop(id(value), None)

    def _do_probe(self, known, name, code, args, kwargs):
        return self._found(known, name, code)(*args, **kwargs)

    def _found(self, known, name, code):
        return find_global(code) if known else self._probe(name, code)

    def _probe(self, name, code):
        if code not in self._probes:
            namespace = dict(self._setup)
            if type(code) is bytes:
                compiled, defaults, named = marshal.loads(code)
                namespace[name] = types.FunctionType(compiled, namespace, name, defaults)
                namespace[name].__kwdefaults__ = named
            else:
                tree = ast.parse(code)
                tree.body[0].decorator_list = []
                exec(compile(tree, f"<{name}>", "exec"), namespace)
            self._probes[code] = namespace[name]
        return self._probes[code]

    def _do_tests(self, sources, token):
        """Run test cells here, beside the answer: for assignments whose tests cannot work on remote values.

        The last one counts; those before it may define what it uses, and one of them that fails stops nothing.
        """
        *before, last = sources
        for source in before:
            with contextlib.suppress(Exception):
                execute(source, "<cell test>", self._namespace)
        value = execute(last, "<cell test>", self._namespace)
        return token, value if type(value) in (int, float) else value is not None

    # -- exceptions ------------------------------------------------------------------------------------------------

    def describe(self, error):
        if isinstance(error, OutOfTime):
            return {"types": ["OutOfTime"], "message": str(error)}
        try:
            message = str(error)[:MESSAGE]
        except Exception:  # the class may be the student's own
            message = ""
        names = [cls.__name__ for cls in type(error).__mro__[:20]]
        return {"types": names, "message": message, "token": getattr(error, "_token", -1), "line": line_of(error)}

    def rebuild(self, description):
        import builtins

        names = description["types"]
        cls = next((getattr(builtins, name) for name in names if hasattr(builtins, name)), RuntimeError)
        try:
            error = cls(description["message"])
        except TypeError:
            error = RuntimeError(names[0])
        error._token = description["token"]
        return error


def _more_than_a_number(value) -> bool:
    """Is it a number, or a text, that carries attributes of its own, as a `class Value(float)` does?"""
    return (
        isinstance(value, int | float | complex | str)
        and bool(getattr(value, "__dict__", None))
        and not (isinstance(value, enum.Enum))
    )


def _torch_data(value) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.dtype | torch.device)


def line_of(error: BaseException) -> int | None:
    """The line of the student's cell on which an exception arose."""
    line = None
    for frame, number in traceback.walk_tb(error.__traceback__):
        if is_cell(frame.f_code.co_filename):
            line = number
    return line


# -- the whole life of the process -----------------------------------------------------------------------------------


def live(connection: socket.socket, shell, cells, setup: dict, cpu_seconds: float, wall_seconds: float) -> None:
    """Run the student's cells, report how they ran, then serve the judge. Never returns to the caller's code.

    `cells` are (name, source) pairs; `setup` is the namespace that the setup cells left.
    """
    sys.setrecursionlimit(3_000)  # as in a notebook
    recorder, runs = Recorder(shell), []
    for name, source in cells:
        started = time.process_time()
        start_timers(cpu_seconds, wall_seconds)
        try:
            with interruptible():
                error = run_cell(shell, recorder, name, source)
        except OutOfTime as again:  # the timers' second ring, while IPython still reported the first
            error = one_line(again)
        stop_timers()
        runs.append({"name": name, "outputs": recorder.take(), "error": error, "cpu_s": time.process_time() - started})
    recorder.close()
    student = StudentChannel(connection, shell.user_ns, setup, cpu_seconds, wall_seconds)
    student.send("ready", runs)
    student.run()
