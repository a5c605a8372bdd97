"""The base process of the trials, like that of a submission: it makes cells that try, and says what got through."""

# ruff: noqa: PTH208
# Paths are strings here: what the kernel gives and takes.

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from . import cell as sandbox
from . import in_cell
from .in_cell import SMALL
from .limits import Ended, Limits
from .usage import Usage


@dataclass(frozen=True)
class Trial:
    """One thing that student code must not be able to do. held: it could not; sentence: what happened."""

    name: str
    held: bool
    sentence: str


def main() -> None:
    """In a process that `launch` started: try all, print the findings as JSON."""
    target = json.loads(sys.argv[1])
    said, says = os.pipe()
    pid = sandbox.fork_base()
    if pid == 0:
        code = 1
        try:
            readable = [Path(path) for path in target["readable"]]
            sandbox.enter(readable, hidden=map(Path, target["hidden"]), without=frozenset(target["without"]))
            os.write(says, json.dumps([vars(found) for found in _all(target)]).encode())
            code = 0
        except BaseException as error:
            print(f"{error}", file=sys.stderr, flush=True)
        os._exit(code)
    os.close(says)
    with os.fdopen(said) as pipe:
        print(pipe.read(), flush=True)
    os.waitpid(pid, 0)


def _all(target: dict) -> list[Trial]:
    found = []
    for name, (held, attempt) in ATTEMPTS.items():
        if target["only"] and name not in target["only"]:
            continue
        try:
            faults = attempt(target)
        except Exception as error:  # what cannot run has not held
            faults = [f"the probe failed: {type(error).__name__}: {error}"]
        sentence = f"{held}." if not faults else f"{name}: {'; '.join(faults)}."
        found.append(Trial(name, not faults, sentence))
    return found


@dataclass
class _Try:
    """Something for a cell to do. It is over when the cell has reported or died, or has used `enough` CPU seconds.

    Not by the clock: a busy machine must not make a trial fail.
    """

    action: Callable[[], list]
    limits: Limits = SMALL
    watched: bool = True
    enough: float = 10.0
    report: list | None = None
    ended: Ended | None = None  # None: it was alive when it was over
    pid: int = 0
    channel: int = -1
    said: bytes = b""

    def start(self) -> None:
        self.channel, says = os.pipe()
        self.pid = sandbox.fork_cell(self.limits, [says])
        if self.pid == 0:
            _report(says, self.action)
        os.close(says)
        os.set_blocking(self.channel, False)

    def over(self) -> bool:
        dead = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        used = Usage(self.pid)
        with suppress(OSError), closing(used):
            used.look()
        if self.watched and not dead:
            dead = bool(sandbox.watch(self.pid))
        with suppress(BlockingIOError):
            self.said += os.read(self.channel, 1 << 16)
        if not (dead or self.said.endswith(b"\n") or used.cpu_s > self.enough):
            return False
        ended = sandbox.end_cell(self.pid)
        os.close(self.channel)
        self.ended = ended if dead or ended.cause else None
        self.report = json.loads(self.said) if self.said.endswith(b"\n") else None
        return True


def _run(*tries: _Try) -> None:
    """Run them side by side."""
    for one in tries:
        one.start()
    running, deadline = list(tries), time.monotonic() + 60
    while running and time.monotonic() < deadline:
        running = [one for one in running if not one.over()]
        time.sleep(0.005)
    for one in running:
        sandbox.end_cell(one.pid)
        os.close(one.channel)


def _report(says: int, action: Callable[[], list]) -> None:
    try:
        faults = action()
    except BaseException as error:
        faults = [f"{type(error).__name__}: {error}"]
    os.write(says, json.dumps(faults).encode() + b"\n")
    time.sleep(60)
    os._exit(0)


def _tries(action: Callable[[dict], list[str]], watched: bool = True) -> Callable[[dict], list[str]]:
    """An attempt whose cell must live and report; what it reports are the faults. watched: not by the kernel alone?"""

    def run(target: dict) -> list[str]:
        one = _Try(lambda: action(target), watched=watched)
        _run(one)
        return one.report if one.report is not None else [f"the cell died ({one.ended and one.ended.cause})"]

    return run


def _leftover(target: dict) -> list[str]:
    before = set(filter(str.isdigit, os.listdir("/proc")))
    _run(_Try(lambda: in_cell.stay(target)))
    left = set(filter(str.isdigit, os.listdir("/proc"))) - before
    for pid in left:  # what the attempt made, if nothing else ended it
        with suppress(OSError):
            os.kill(int(pid), signal.SIGKILL)
    return [f"{len(left)} processes outlived their cell"] if left else []


def _caps(target: dict) -> list[str]:
    """What takes a while: one process that computes, which the kernel stops; and what `watch` stops."""
    watched = "watch" not in target["without"]
    alone = _Try(in_cell.limit_of_cpu if target["kernel_seen"] else in_cell.burn, Limits(cpu_s=0.5), False, 2)
    tries = {
        "one process used more CPU time than it may": alone,
        "four processes used more CPU time than a cell may": _Try(in_cell.burn_many, Limits(cpu_s=0.3), watched, 1.5),
        "a sleeping cell went on after its time": _Try(in_cell.oversleep, Limits(wall_s=0.2), watched),
        "the processes of a cell took more memory than it may": _Try(in_cell.memory_many, SMALL, watched),
    }
    _run(*tries.values())
    causes = [one.ended.cause if one.ended else "" for one in tries.values()]
    wanted = ["time", "time", "time", "memory"]
    if target["kernel_seen"]:
        causes[0] = "time" if alone.report == [] else ""
    return [what for what, cause, right in zip(tries, causes, wanted, strict=True) if cause != right]


def _output(target: dict) -> list[str]:
    """Nothing that a cell writes to stdout or stderr arrives anywhere."""
    said, says = os.pipe()
    os.set_blocking(said, False)
    kept = os.dup(1), os.dup(2)
    os.dup2(says, 1)
    os.dup2(says, 2)
    try:
        _run(_Try(lambda: [os.write(fd, b"x" * 1000) for fd in (1, 2)] and []))
    finally:
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        for fd in (*kept, says):
            os.close(fd)
    with os.fdopen(said, "rb", buffering=0) as pipe:
        return ["a cell wrote to the grader's output"] if pipe.read() else []


# name: (what it means when it holds, the attempt)
ATTEMPTS: dict[str, tuple[str, Callable[[dict], list[str]]]] = {
    "network": ("A cell reaches no network, no port and no socket of this machine", _tries(in_cell.network)),
    "files": (
        "A cell sees no file of the course, of a home or of the system's secrets, and changes none",
        _tries(in_cell.files),
    ),
    "environment": ("A cell can read the Python environment", _tries(in_cell.needed)),
    "processes": ("A cell sees its own processes only", _tries(in_cell.processes)),
    "power": ("A cell has no privileges", _tries(in_cell.power)),
    "calls": ("Dangerous system calls are refused", _tries(in_cell.calls)),
    "secrets": ("A cell inherits no environment variable and no open file of the grader", _tries(in_cell.secrets)),
    "fork": ("The number of processes is capped", _tries(in_cell.fork_bomb, watched=False)),
    "leftover": ("Nothing outlives its cell", _leftover),
    "memory": ("Memory of a process is capped", _tries(in_cell.memory_one, watched=False)),
    "caps": ("CPU time, memory of all processes together, and waiting are capped", _caps),
    "file size": ("The size of a file is capped", _tries(in_cell.file_size)),
    "disk": ("The size of all files together is capped", _tries(in_cell.disk)),
    "output": ("Output goes nowhere but to the grader's own channel", _output),
}
