"""The prepared process: imports once what cells import, then only forks. Runs no computation and no student's line."""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
from pathlib import Path

from . import base, judge, sandbox, shell

MODULES = (
    "numpy", "numpy.linalg", "numpy.random", "matplotlib", "matplotlib.pyplot", "torch", "torch.nn.functional",
    "torch.optim", "IPython", "ipywidgets", "course_utils", "course_utils.check", "course_utils.data",
    "course_utils.plot", "course_utils.widgets",
)  # fmt: skip


def serve(descriptor: int, modules=(), also=()) -> None:
    """Fork a judge and a base process for each byte that arrives; send back the judge's socket."""
    control = socket.socket(fileno=descriptor)
    prepared = _prepare([*(modules or MODULES), *also])
    control.sendall(json.dumps(prepared).encode() + b"\n")
    if prepared["threads"] != 1:
        return
    signal.signal(signal.SIGCHLD, lambda *_: _reap())
    the_shell = sys.modules["IPython"].get_ipython()
    while control.recv(1):
        _fork_pair(control, the_shell)


def _prepare(modules) -> dict:
    missing = {}
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception as error:  # a course without torch is a course, too
            missing[name] = str(error)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    the_shell = shell.make_shell()
    if "matplotlib" in sys.modules:
        with contextlib.suppress(Exception):
            the_shell.run_line_magic("matplotlib", "inline")
    gc.collect()
    gc.freeze()  # so that a child's collector does not write to every page
    return {"threads": len(list(Path("/proc/self/task").iterdir())), "missing": missing, "pid": os.getpid()}


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _fork_pair(control: socket.socket, the_shell) -> None:
    graders, judges = socket.socketpair()
    to_base, to_judge = socket.socketpair()
    for fork, run, foreign in (
        (sandbox.fork_base, lambda: base.main(to_judge, the_shell), (control, graders, judges, to_base)),
        (os.fork, lambda: judge.main(judges, to_base), (control, graders, to_judge)),
    ):
        if fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for other in foreign:
                other.close()
            _child(run)
    for other in (judges, to_base, to_judge):
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
