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

# ruff: noqa: PTH102, PTH103, PTH118, PTH211
# Paths are strings here: this runs for every submission and every cell, and pathlib is five times slower.

from __future__ import annotations

import ctypes
import math
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from ..contracts import GraderError
from . import launcher, seccomp
from . import syscalls as ns
from .advice import advice
from .usage import PAGE, Usage
from .view import View, environment
from .view import view as what_to_show

STAND_INS = {
    "/etc/passwd": "student:x:1000:1000::/tmp/home:/bin/sh\n",
    "/etc/group": "student:x:1000:\n",
    "/etc/hosts": "127.0.0.1 localhost\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
DEVICES = ("null", "zero", "full", "random", "urandom")
SCRATCH = "/tmp"  # all that a cell can write to: one tmpfs; /dev/shm is a link into it
WORK, HOME = "/tmp/work", "/tmp/home"
FEW = 4  # as many processes may use up their limit of open files
NOBODY = 65534  # as whom a cell runs from outside, if we are root
STUDENT = (1000, 1000)  # as whom it sees itself

KEPT_ENVIRONMENT = ("PATH", "LANG", "LANGUAGE", "TZ", "PYTHONHASHSEED", "PYTHONMALLOC", "MPLBACKEND", "VIRTUAL_ENV")
KEPT_PREFIXES = ("LC_", "OMP_", "MKL_", "OPENBLAS_", "GLIBC_TUNABLES", "NBGRADER_EXECUTION")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one cell may use, for its whole life.

    cpu_s: CPU seconds of all its processes together (the kernel holds each process to whole seconds, `watch` the sum)
    wall_s: seconds by the clock; a backstop for code that sleeps, so that load does not change grades: take it large
    memory_bytes: above what the process has at the fork
    processes: and threads, together
    file_bytes: of one file; scratch_bytes: of all files together; open_files: per process
    """

    cpu_s: float = 60.0
    wall_s: float = 600.0
    memory_bytes: int = 1 << 30
    processes: int = 64
    file_bytes: int = 32 << 20
    scratch_bytes: int = 64 << 20
    open_files: int = 256


@dataclass(frozen=True)
class Ended:
    """How a cell ended. cause: "" (it lived until `end_cell`), "time", "memory" or "died"; status: exit status."""

    signal: int | None
    status: int | None
    cpu_s: float
    max_rss_bytes: int
    cause: str


@dataclass
class _Base:
    """What `enter` leaves for `fork_cell`. `without`: protections that a test takes out."""

    isolation: str = "none"
    user: tuple[int, int] = (0, 0)  # (uid, gid) outside that a cell runs as
    pid_namespace: int = -1
    without: frozenset[str] = frozenset()
    in_scratch: View = field(default_factory=View)  # what is to be seen below /tmp, where the scratch folder goes


@dataclass
class _Cell:
    """What is known of a running cell."""

    limits: Limits
    started: float
    resident: int  # bytes at the fork
    usage: Usage
    folder: str = ""  # isolation none: its scratch folder
    cause: str = ""


_base = _Base()
_cells: dict[int, _Cell] = {}


# --- starting ----------------------------------------------------------------------------------------------------


def clean_environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """The few environment variables that student code may see (no tokens), and `extra`."""
    kept = {k: v for k, v in os.environ.items() if k in KEPT_ENVIRONMENT or k.startswith(KEPT_PREFIXES)}
    return {**kept, **(extra or {})}


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
    environment(), _can_be_nobody(), _first_environment()  # once: all forks have them then
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
    _base = _Base(isolation, without=frozenset(without))
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
            _change_root(view, [os.path.realpath(path) for path in hidden])
        _base.in_scratch = view.below(SCRATCH)
        _make_scratch(256 << 20, (0, 0))
        if "environment" not in _base.without:
            _wipe_environment(HOME, SCRATCH)
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


def _change_root(view: View, hidden: list[str]) -> None:
    """Make the read-only view the root of this mount namespace. As bubblewrap does it."""
    base = SCRATCH  # any folder that exists; only in our own mount namespace is anything mounted on it
    ns.mount("none", "/", flags=ns.MS_REC | ns.MS_PRIVATE)
    ns.tmpfs(base, 16 << 20)
    root, old = f"{base}/new", f"{base}/old"
    os.mkdir(root)
    os.mkdir(old)
    ns.bind(root, root)
    ns.pivot_root(base, old)  # paths below are of the new root; the machine is at /old
    _build(view, hidden)
    os.chdir("/new")
    ns.pivot_root(".", ".")
    ns.call(ns.LIBC.umount2, b".", ns.MNT_DETACH)
    os.chdir("/")


def _build(view: View, hidden: list[str]) -> None:
    view.build("/new", {place: f"/old{place}" for place in view.binds})
    for path in hidden:
        view.hide(path, "/new")
    for folder in ("/proc", "/dev", "/tmp", "/etc"):
        os.makedirs("/new" + folder, exist_ok=True)
    for path, text in STAND_INS.items():
        ns.touch("/new" + path, text)
    for name in DEVICES:
        ns.touch(f"/new/dev/{name}")
    links = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "shm": f"{SCRATCH}/shm"}
    for name, target in links.items():
        os.symlink(target, f"/new/dev/{name}")
    if "readonly" not in _base.without:
        ns.restrict("/new")
    for name in DEVICES:
        ns.bind(f"/old/dev/{name}", f"/new/dev/{name}")
    ns.mount("proc", "/new/proc", "proc", ns.MS_NOSUID | ns.MS_NODEV | ns.MS_NOEXEC)


def _make_scratch(size: int, owner: tuple[int, int]) -> None:
    """Mount an empty /tmp, with what lies below it and is to be seen; go to the empty work folder in it."""
    seen = {place: os.open(place, os.O_PATH) for place in _base.in_scratch.binds}
    ns.tmpfs(SCRATCH, size, "1777", owner)
    for folder in (WORK, HOME, f"{SCRATCH}/shm"):
        os.mkdir(folder)
        os.chown(folder, *owner)
    _base.in_scratch.build("", {place: f"/proc/self/fd/{fd}" for place, fd in seen.items()})
    for fd in seen.values():
        os.close(fd)
    os.chdir(WORK)


# --- cells -------------------------------------------------------------------------------------------------------


def fork_cell(limits: Limits, keep: Iterable[int] = ()) -> int:
    """Like os.fork(): 0 in the child, which is confined when this returns and may run student code.

    keep: file descriptors for the child; all others are closed, 0 to 2 become /dev/null
    Raises GraderError, in the parent, if a protection could not be set up; the child is gone then.
    """
    size, resident = _memory()
    start = _Start(limits, sorted({int(fd) for fd in keep}), size)
    if _base.isolation == "none":
        start.folder = tempfile.mkdtemp(prefix="cell-")
    said, start.says = os.pipe()
    start.parent = os.pidfd_open(os.getpid()) if sys.platform == "linux" else -1
    full = _base.isolation == "full" and "processes" not in _base.without
    pid = _fork_into_pid_namespace(_base.pid_namespace) if full else os.fork()
    if pid == 0:
        _confine(start)
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


@dataclass
class _Start:
    """What a new cell needs for setting itself up."""

    limits: Limits
    keep: list[int]
    size: int  # bytes of address space at the fork
    folder: str = ""
    says: int = -1  # pipe for a fault
    parent: int = -1  # pidfd
    proc: int = -1  # /proc/self as the parent's namespace has it


def _confine(start: _Start) -> None:
    """In the child: all protections, in an order in which each still has the power that it needs; all or an end."""
    try:
        for name, step in (FULL if _base.isolation == "full" else PLAIN).items():
            if name not in _base.without:
                step(start)
        os.close(start.says)
    except BaseException as error:  # whatever it is, no student code may run
        os.write(start.says, f"{type(error).__name__}: {error}".encode())
        os._exit(launcher.FAILED)


def _own_namespaces(start: _Start) -> None:
    start.proc = os.open("/proc/self", os.O_RDONLY | os.O_DIRECTORY)
    ns.unshare(ns.NEWNS | ns.NEWIPC)  # an own network has the base process: no process of an earlier cell is left in it
    ns.mount("proc", "/proc", "proc", ns.MS_RDONLY | ns.MS_NOSUID | ns.MS_NODEV | ns.MS_NOEXEC)


def _own_scratch(start: _Start) -> None:
    _make_scratch(start.limits.scratch_bytes, _base.user)


def _own_session(start: _Start) -> None:
    os.setsid()
    if start.folder:
        os.chdir(start.folder)


def _close_files(start: _Start) -> None:
    if missing := {0, 1, 2} - set(start.keep):
        nothing = os.open(os.devnull, os.O_RDWR)
        for fd in missing:
            os.dup2(nothing, fd)
    kept = [2, *sorted({*start.keep, start.says, start.parent, start.proc} - {-1, 0, 1, 2})]
    for below, above in zip(kept, [*kept[1:], 1 << 20], strict=True):
        os.closerange(below + 1, above)


def _clean_environment(start: _Start) -> None:
    if start.folder:
        _wipe_environment(start.folder, start.folder)


@lru_cache
def _first_environment() -> tuple[int, int]:
    """Where in memory the kernel put the environment at the start: its first byte, and the one after its last."""
    if sys.platform != "linux":
        return 0, 0
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    return int(fields[47]), int(fields[48])


def _wipe_environment(home: str, temporary: str) -> None:
    """Leave a few variables, also in the memory of the process, where /proc/self/environ reads it."""
    kept = clean_environment()
    for name in list(os.environ):
        del os.environ[name]
    first, last = _first_environment()
    ctypes.memset(first, 0, last - first)
    path = os.pathsep.join([os.path.join(sys.prefix, "bin"), "/usr/local/bin", "/usr/bin", "/bin"])
    os.environ.update({**kept, "PATH": path, "HOME": home, "TMPDIR": temporary, "USER": "student"})
    tempfile.tempdir = None


def _kernel_cpu(limits: Limits) -> int:
    """The kernel's own limit, whole seconds. It counts ticks, which on a busy machine run 15 % ahead of the CPU time
    that is reported, and `watch` counts: so it comes a little later."""
    return math.ceil(1.25 * limits.cpu_s)


def _limit(start: _Start) -> None:
    limits = start.limits
    cpu = _kernel_cpu(limits)
    values = {
        "CPU": (cpu, cpu),  # alike: then SIGKILL comes, which process 1 of a namespace cannot ignore
        "AS": (start.size + limits.memory_bytes,) * 2,
        "NPROC": (limits.processes,) * 2,
        "FSIZE": (limits.file_bytes,) * 2,
        "NOFILE": (limits.open_files,) * 2,
        **dict.fromkeys(("CORE", "MSGQUEUE", "RTPRIO", "MEMLOCK"), (0, 0)),
        "SIGPENDING": (256, 256),
    }
    if _base.isolation == "none":  # counts all processes of the user there
        values.pop("NPROC")
    for name, value in values.items():
        number = getattr(resource, f"RLIMIT_{name}", None)
        if number is not None and f"limit-{name}" not in _base.without:
            resource.setrlimit(number, value)


def _first_victim(start: _Start) -> None:
    """If memory runs out all the same, the kernel takes this one first."""
    ns.write_at(start.proc, "oom_score_adj", "1000")


def _own_user(start: _Start) -> None:
    uid = _base.user[0]
    if uid != os.geteuid():
        os.setresuid(uid, uid, uid)
    ns.unshare(ns.NEWUSER)
    ns.prctl(ns.PR_SET_DUMPABLE, 1)  # a change of user makes /proc/self root's
    ns.map_ids(STUDENT, _base.user, start.proc)


def _no_power(start: _Start) -> None:
    ns.drop_capabilities()
    ns.prctl(ns.PR_SET_DUMPABLE, 1)
    ns.prctl(ns.PR_SET_NO_NEW_PRIVS, 1)


def _die_with_parent(start: _Start) -> None:
    if sys.platform == "linux":
        ns.die_with(start.parent)
        os.close(start.parent)
    if start.proc >= 0:
        os.close(start.proc)


def _refuse_system_calls(start: _Start) -> None:
    seccomp.install()


# In this order: mounts need root, a limit on processes must come after the user namespace (else it would hold for all
# cells of that user together), a change of user forgets the parent's death.
FULL: dict[str, Callable[[_Start], None]] = {
    "own namespaces": _own_namespaces,
    "scratch": _own_scratch,
    "session": _own_session,
    "close": _close_files,
    "environment": _clean_environment,
    "victim": _first_victim,
    "user": _own_user,
    "limits": _limit,
    "power": _no_power,
    "parent": _die_with_parent,
    "seccomp": _refuse_system_calls,
}
PLAIN = {
    "session": _own_session,
    "close": _close_files,
    "environment": _clean_environment,
    "limits": _limit,
    "parent": _die_with_parent,
}


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
    cause = cell.cause or ("" if before is None else _cause(number, cpu, cell.limits))
    return Ended(number, code, cpu, rss, cause)


def _kill(pid: int) -> None:
    if _base.isolation == "none":
        try:
            os.killpg(pid, signal.SIGKILL)
            return
        except (ProcessLookupError, PermissionError):
            pass
    os.kill(pid, signal.SIGKILL)


def _cause(number: int | None, cpu_s: float, limits: Limits) -> str:
    """Why did a cell die that nobody here killed? Process 1 of a namespace cannot be killed from inside."""
    if number == signal.SIGXCPU or (number == signal.SIGKILL and cpu_s >= 0.75 * _kernel_cpu(limits)):
        return "time"
    return "memory" if number == signal.SIGKILL else "died"


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
