"""The student's base process: enters the sandbox, runs the setup cells, and forks one process per exercise.

It runs no line of a student's. So each exercise starts from the same state, and what happened in one exercise's process
cannot be seen in another's. It is told what to do by the judge, in JSON lines over a socket.
"""

from __future__ import annotations

import contextlib
import os
import random
import select
import socket
import sys
import time
from pathlib import Path

from ..sandbox import cell as sandbox
from ..sandbox.limits import Limits
from ..wire.json_frames import receive_json, send_json
from .student import live

MESSAGE = 500  # characters of a setup cell's error
LOOK_EVERY_S = 0.1  # how often the running exercise's whole process tree is held against its limits


def main(connection: socket.socket, shell) -> None:
    """Serve one judge until it hangs up."""
    job = receive_json(connection)
    if job is None:
        return
    started = time.perf_counter()
    try:
        readable, hidden = ([Path(path) for path in job[name]] for name in ("readable", "hidden"))
        sandbox.enter(readable, job["isolation"], hidden=hidden)
    except Exception as error:
        send_json(connection, {"fault": f"{type(error).__name__}: {error}"})
        return
    for name, source in job["setup"]:
        error = _setup(shell, source)
        if error is not None:
            with contextlib.suppress(OSError):  # the judge has met it, too, and gone
                send_json(connection, {"fault": setup_fault(name, error), "cell": True})
            return
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads != 1:
        told = f"the setup cells leave {threads - 1} threads behind, and a process with threads must not fork"
        send_json(connection, {"fault": told, "cell": True})
        return
    send_json(connection, {"ready": time.perf_counter() - started})
    setup = dict(shell.user_ns)
    while True:
        message = receive_json(connection)
        if message is None:
            return
        _exercise(connection, shell, setup, job, message["cells"])


def _setup(shell, source: str) -> BaseException | None:
    """Setup cells are ours, and need nothing of the shell but its namespace and magics. Returns what went wrong."""
    result = shell.run_cell(source, store_history=False)
    return result.error_before_exec or result.error_in_exec


def setup_fault(name: str, error: BaseException) -> str:
    """What is said of a setup cell that does not run."""
    why = f"{type(error).__name__}: {error}"[:MESSAGE]
    return (
        f"the setup cell {name!r} does not run where the tests are judged ({why}). It runs there without the files "
        "beside the notebook, without a network and without a front end: let it import and define what the cells need, "
        "release the unit again, and grade again"
    )


def _exercise(connection: socket.socket, shell, setup: dict, job: dict, cells: list) -> None:
    """Fork a process for one exercise, hand the judge its socket, and end it when the judge says so."""
    limits = Limits(**job["limits"])
    ours, theirs = socket.socketpair()
    started = time.perf_counter()
    pid = sandbox.fork_cell(limits, keep=[theirs.fileno()])
    if pid == 0:
        status = 1
        try:
            os.environ.update(job["environment"])
            sys.path.insert(0, "")  # as in a notebook: a module that a cell has written can be imported
            _seed(job["seed"])
            live(theirs, shell, cells, setup, job["cpu_seconds"], job["wall_seconds"])
            status = 0
        finally:
            os._exit(status)
    theirs.close()
    socket.send_fds(connection, [b"!"], [ours.fileno()])
    ours.close()
    forked = time.perf_counter() - started
    _watch(connection, pid)
    message = receive_json(connection)
    ended = sandbox.end_cell(pid)
    if message is not None:
        with contextlib.suppress(OSError):
            send_json(connection, {"cause": ended.cause, "cpu_s": ended.cpu_s, "fork_s": forked})


def _seed(seed: int) -> None:
    """Start all global random streams anew: the same submission draws the same numbers each time it is graded."""
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed)
    if "torch" in sys.modules:
        sys.modules["torch"].default_generator.manual_seed(seed)


def _watch(connection: socket.socket, pid: int) -> None:
    """Wait for the judge's word; meanwhile hold the exercise's processes, all together, against the limits."""
    while not select.select([connection], [], [], LOOK_EVERY_S)[0]:
        sandbox.watch(pid)
