"""The prepared process: imports once what cells import, then only forks. Runs no computation and no student's line."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import socket
import sys
import types
from pathlib import Path

from ..judging import parent, session, shell
from ..sandbox import cell as sandbox
from ..wire.json_frames import receive_json, send_json

MODULES = (
    "numpy", "numpy.linalg", "numpy.random", "matplotlib", "matplotlib.pyplot", "torch", "torch.nn.functional",
    "torch.optim", "IPython", "ipywidgets", "course_utils", "course_utils.check", "course_utils.data",
    "course_utils.plot", "course_utils.widgets",
)  # fmt: skip


def serve(descriptor: int, libraries=()) -> None:
    """Import the libraries, then do what the grader says, one JSON message after the other, until it hangs up.

    {"import": modules} imports more; answered, as the start is, with `_state`.
    {"fork": true} forks a judge and a parent process; answered with the judge's socket.
    {"still": "there"} is answered with itself.
    """
    control = socket.socket(fileno=descriptor)
    gc.disable()  # nothing that is imported becomes garbage, and looking for it takes a tenth of the time
    the_shell = _make_ready(libraries or MODULES)
    gc.enable()
    send_json(control, _state())
    signal.signal(signal.SIGCHLD, lambda *_: _reap())
    while (asked := receive_json(control)) is not None:
        if "fork" in asked:
            _fork_pair(control, the_shell)
        elif "import" in asked:
            _import(asked["import"])
            send_json(control, _state())
        else:
            send_json(control, asked)


def _make_ready(libraries):
    """Import them, and make the shell that all of a student's cells run in."""
    _import(libraries)
    the_shell = shell.make_shell()
    if "matplotlib" in sys.modules:
        with contextlib.suppress(Exception):
            the_shell.run_line_magic("matplotlib", "inline")
    _settle()
    return the_shell


def _import(modules) -> None:
    before = len(sys.modules)
    for name in modules:
        with contextlib.suppress(Exception):  # a course without torch is a course, too
            importlib.import_module(name)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
        _spare_the_compiler(sys.modules["torch"])
    if len(sys.modules) > before:
        _settle()


class _Compiler(types.ModuleType):
    """Stands for torch._dynamo, torch's compiler, until something of it is used for which there is no answer here.

    Every first step of an optimizer imports it, which takes 2 s and 75 MB, only to tell it, where nothing is being
    compiled, that nothing shall be. That much is said here; for all else it is imported.
    """

    @staticmethod
    def graph_break(msg: str = "") -> None:
        pass

    @staticmethod
    def disable(fn, recursive=True, *, reason=None, wrapping=True):
        return fn

    def __getattr__(self, name):
        if name.startswith("__") and name != "__path__":  # asked of every module, by `inspect` for one
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def _spare_the_compiler(torch) -> None:
    if "torch._dynamo" in sys.modules:  # done before
        return
    torch._dynamo = sys.modules["torch._dynamo"] = _Compiler("torch._dynamo")
    # Should another torch ask more of it, it is imported here and now, once for all.
    optimizer = torch.optim.SGD([torch.zeros(1)])
    optimizer.step()
    optimizer.zero_grad()


def _settle() -> None:
    """So that a child's garbage collector does not write to every page."""
    gc.collect()
    gc.freeze()


def _state() -> dict:
    """What the grader wants to know before it has anything forked."""
    return {"threads": len(list(Path("/proc/self/task").iterdir()))}


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _fork_pair(control: socket.socket, the_shell) -> None:
    graders, judges = socket.socketpair()
    to_parent, to_judge = socket.socketpair()
    for fork, run, foreign in (
        (sandbox.fork_parent, lambda: parent.main(to_judge, the_shell), (control, graders, judges, to_parent)),
        (os.fork, lambda: session.main(judges, to_parent, the_shell), (control, graders, to_judge)),
    ):
        if fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for other in foreign:
                other.close()
            _child(run)
    for other in (judges, to_parent, to_judge):
        other.close()
    socket.send_fds(control, [b"!"], [graders.fileno()])
    graders.close()


def _child(run) -> None:
    status = 1
    try:
        run()
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(status)
