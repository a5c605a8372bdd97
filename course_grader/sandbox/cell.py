"""The sandbox for student code: Linux namespaces around a fork, so that a warm process keeps its imports.

    worker = launch([sys.executable, "-m", ...], env)     # the prepared process; dies with us
    in it:   pid = fork_base()                            # like os.fork(); the base process of one submission
    in that: enter(readable)                              # sees the Python environment and nothing else, no network
             pid = fork_cell(limits, keep=[fd])           # like os.fork(); 0 in the child, which may run student code
             watch(pid)                                   # ten times a second: CPU, memory, processes of the whole tree
             ended = end_cell(pid)                        # kills all of it, says why it had died

The base process keeps the power to make sandboxes, so it must not run a line of a student's. A cell has none: own
user, pid, mount and ipc namespaces, no capabilities, kernel limits, and a list of refused system calls; the network
namespace, which has not even a loopback, is its base process's.
"""

# ruff: noqa: PTH118
# Paths are strings here: this runs for every submission and every cell, and pathlib is five times slower.

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ..contracts import GraderError
from . import launcher
from . import syscalls as ns
from .advice import advice
from .limits import Ended, Limits, cause_of_death
from .protections import Base, Start, confine
from .root import HOME, SCRATCH, change_root, make_scratch
from .surroundings import clean_environment, first_environment, wipe_environment
from .usage import PAGE, Usage
from .view import environment
from .view import view as what_to_show

FEW = 4  # as many processes may use up their limit of open files
NOBODY = 65534  # as whom a cell runs from outside, if we are root


@dataclass
class _Cell:
    """What is known of a running cell."""

    limits: Limits
    started: float
    resident: int  # bytes at the fork
    usage: Usage
    folder: str = ""  # isolation none: its scratch folder
    cause: str = ""


_base = Base()
_cells: dict[int, _Cell] = {}


# --- starting ----------------------------------------------------------------------------------------------------


def launch(argv: list[str], env: dict[str, str] | None = None, *, isolation: str = "full", **popen) -> subprocess.Popen:
    """Start the prepared process: it can make sandboxes, and dies with all below it when we die, even by SIGKILL.

    argv: the command; env: its whole environment (default: `clean_environment()`), which students can read
    The Popen is a small process in between; killing it kills everything. Its exit status is the command's, or
    `launcher.FAILED` if the namespaces could not be made (a sentence is on stderr; see `check_or_refuse`).
    """
    env = clean_environment() if env is None else env
    if sys.platform != "linux":
        return subprocess.Popen(argv, env=env, **popen)
    package = str(Path(__file__).resolve().parents[2])
    between = [sys.executable, "-I", "-S", "-c", launcher.CODE, package, str(os.getpid()), isolation]
    return subprocess.Popen([*between, *argv], env=env, **popen)


def fork_base() -> int:
    """Like os.fork(): 0 in the child, which is then process 1 of a pid namespace, and dies with us.

    For the base process of a submission: when it dies, the kernel kills every cell of it. In a process that `launch`
    did not start, or started with isolation "none", it is a plain fork that dies with its parent.
    """
    if sys.platform != "linux":
        return os.fork()
    environment(), _can_be_nobody(), first_environment()  # once: all forks have them then
    own = os.open("/proc/self/ns/pid", os.O_RDONLY)
    me = os.pidfd_open(os.getpid())
    try:
        pid = _fork_into_pid_namespace(own) if os.getpid() == 1 else os.fork()
        if pid == 0:
            ns.die_with(me)
        return pid
    finally:
        os.close(own)
        os.close(me)


def _fork_into_pid_namespace(own: int) -> int:
    ns.unshare(ns.NEWPID)  # counts for children
    try:
        pid = os.fork()
    except BaseException:
        ns.setns(own, ns.NEWPID)
        raise
    if pid:
        ns.setns(own, ns.NEWPID)  # without this a second unshare is refused
    return pid


# --- the base process --------------------------------------------------------------------------------------------


def enter(
    readable: Iterable[Path] = (),
    isolation: str = "full",
    *,
    hidden: Iterable[Path] = (),
    without: frozenset[str] = frozenset(),
) -> None:
    """Put this process, the base of one submission, into the sandbox. Run no line of a student's in it.

    readable: files and folders to show, read-only, beside the Python environment, course_utils and system libraries
    hidden: folders never to show, even if they lie in one that is shown (the course folder, homes)
    without: (tests) protections to leave out
    Raises GraderError when the system forbids it. The current folder is then an empty scratch folder.
    """
    global _base
    _base = Base(isolation, without=frozenset(without))
    if isolation == "none":
        return
    view = what_to_show(readable)
    try:
        _base.pid_namespace = os.open("/proc/self/ns/pid", os.O_RDONLY)
        _base.user = _cell_user()
        if _base.user[0] != os.geteuid():
            os.setgroups([])
            os.setresgid(_base.user[1], _base.user[1], _base.user[1])
            ns.prctl(ns.PR_SET_SECUREBITS, ns.KEEP_CAPABILITIES)  # a cell changes its user before it gives them up
        flags = {"network": ns.NEWNET, "ipc": ns.NEWIPC, "uts": ns.NEWUTS, "cgroup": ns.NEWCGROUP}
        ns.unshare(ns.NEWNS | sum(flag for name, flag in flags.items() if name not in _base.without))
        if "files" in _base.without:
            ns.mount("none", "/", flags=ns.MS_REC | ns.MS_PRIVATE)
            ns.mount("proc", "/proc", "proc")
        else:
            change_root(view, [os.path.realpath(path) for path in hidden], "readonly" not in _base.without)
        _base.in_scratch = view.below(SCRATCH)
        make_scratch(256 << 20, (0, 0), _base.in_scratch)
        if "environment" not in _base.without:
            wipe_environment(HOME, SCRATCH)
        ns.die_with_parent()
    except ValueError as error:
        raise GraderError(f"The sandbox cannot be made: {error}; move one of them.") from error
    except OSError as error:
        raise GraderError(f"The sandbox cannot be made: {error.strerror}. {advice()}") from error


def _cell_user() -> tuple[int, int]:
    """Root hands a cell to nobody; who has only one user to give (an ordinary user) hands over that."""
    return (NOBODY, NOBODY) if _can_be_nobody() and "user" not in _base.without else (os.geteuid(), os.getegid())


@lru_cache
def _can_be_nobody() -> bool:
    capable = ns.has_capability(ns.CAP_SETUID) and ns.has_capability(ns.CAP_SETGID)
    return capable and ns.is_mapped(NOBODY) and ns.is_mapped(NOBODY, "gid")


# --- cells -------------------------------------------------------------------------------------------------------


def fork_cell(limits: Limits, keep: Iterable[int] = ()) -> int:
    """Like os.fork(): 0 in the child, which is confined when this returns and may run student code.

    keep: file descriptors for the child; all others are closed, 0 to 2 become /dev/null
    Raises GraderError, in the parent, if a protection could not be set up; the child is gone then.
    """
    size, resident = _memory()
    start = Start(_base, limits, sorted({int(fd) for fd in keep}), size)
    if _base.isolation == "none":
        start.folder = tempfile.mkdtemp(prefix="cell-")
    said, start.says = os.pipe()
    start.parent = os.pidfd_open(os.getpid()) if sys.platform == "linux" else -1
    full = _base.isolation == "full" and "processes" not in _base.without
    pid = _fork_into_pid_namespace(_base.pid_namespace) if full else os.fork()
    if pid == 0:
        confine(start)
        return 0
    for fd in (start.says, start.parent):
        if fd >= 0:
            os.close(fd)
    fault = os.read(said, 4096).decode(errors="replace")  # nothing when the child closes its end: all is set
    os.close(said)
    if fault:
        os.waitpid(pid, 0)
        shutil.rmtree(start.folder, ignore_errors=True) if start.folder else None
        raise GraderError(f"A sandbox could not be set up: {fault}. {advice()}")
    usage = Usage(pid, session=_base.isolation == "none")
    _cells[pid] = _Cell(limits, time.monotonic(), resident, usage, start.folder)
    return pid


def _memory(pid: str = "self") -> tuple[int, int]:
    """(bytes of address space, resident bytes) of a process."""
    if sys.platform != "linux":
        return 1 << 40, 0
    size, resident = Path(f"/proc/{pid}/statm").read_text().split()[:2]
    return int(size) * PAGE, int(resident) * PAGE


def end_cell(pid: int) -> Ended:
    """Kill the cell and all that it started, and say how it ended, or had ended before."""
    cell = _cells.pop(pid)
    before = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    if before is None:
        _kill(pid)
    elif _base.isolation == "none":
        _kill(pid)  # what it left in its process group
    _, status, used = os.wait4(pid, 0)  # returns when all of the pid namespace are gone
    cell.usage.close()
    if cell.folder:
        shutil.rmtree(cell.folder, ignore_errors=True)
    cpu = max(used.ru_utime + used.ru_stime, cell.usage.cpu_s)
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
    rss = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    cause = cell.cause or ("" if before is None else cause_of_death(number, cpu, cell.limits))
    return Ended(number, code, cpu, rss, cause)


def _kill(pid: int) -> None:
    if _base.isolation == "none":
        try:
            os.killpg(pid, signal.SIGKILL)
            return
        except (ProcessLookupError, PermissionError):
            pass
    os.kill(pid, signal.SIGKILL)


def watch(pid: int) -> str:
    """Hold the cell's processes together to their limits; call it ten times a second. Kills on excess.

    Returns "", or the cause for which it killed the cell ("time", "memory"). A limit of the kernel is one process's:
    without this, a program that forks has each of them many times.
    """
    cell = _cells[pid]
    if not cell.cause:
        cell.cause = _excess(cell)
        if cell.cause:
            _kill(pid)
    return cell.cause


def _excess(cell: _Cell) -> str:
    limits, usage = cell.limits, cell.usage
    if time.monotonic() - cell.started >= limits.wall_s:
        return "time"
    try:
        usage.look()
    except OSError:  # it has died by itself
        return ""
    if usage.cpu_s >= limits.cpu_s:
        return "time"
    if usage.holds_more_than(cell.resident + limits.memory_bytes):
        return "memory"
    if len(usage.processes) > FEW and usage.open_files() > FEW * limits.open_files:
        return "memory"  # full pipes and sockets are memory that no process seems to hold
    return "died" if usage.threads > limits.processes else ""  # the kernel sees to this, except in isolation none
