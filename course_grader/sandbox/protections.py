"""How a new cell confines itself, step by step, before it may run student code."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from . import launcher, seccomp
from . import syscalls as ns
from .limits import Limits, kernel_cpu
from .root import make_scratch
from .surroundings import wipe_environment
from .view import View

STUDENT = (1000, 1000)  # as whom it sees itself


@dataclass
class Base:
    """What `enter` leaves for the cells. `without`: protections that a test takes out."""

    isolation: str = "none"
    user: tuple[int, int] = (0, 0)  # (uid, gid) outside that a cell runs as
    pid_namespace: int = -1
    without: frozenset[str] = frozenset()
    in_scratch: View = field(default_factory=View)  # what is to be seen below /tmp, where the scratch folder goes


@dataclass
class Start:
    """What a new cell needs for setting itself up."""

    base: Base
    limits: Limits
    keep: list[int]
    size: int  # bytes of address space at the fork
    folder: str = ""
    says: int = -1  # pipe for a fault
    parent: int = -1  # pidfd
    proc: int = -1  # /proc/self as the parent's namespace has it


def confine(start: Start) -> None:
    """In the child: all protections, in an order in which each still has the power that it needs; all or an end."""
    try:
        for name, step in (FULL if start.base.isolation == "full" else PLAIN).items():
            if name not in start.base.without:
                step(start)
        os.close(start.says)
    except BaseException as error:  # whatever it is, no student code may run
        os.write(start.says, f"{type(error).__name__}: {error}".encode())
        os._exit(launcher.FAILED)


def _own_namespaces(start: Start) -> None:
    start.proc = os.open("/proc/self", os.O_RDONLY | os.O_DIRECTORY)
    ns.unshare(ns.NEWNS | ns.NEWIPC)  # an own network has the base process: no process of an earlier cell is left in it
    ns.mount("proc", "/proc", "proc", ns.MS_RDONLY | ns.MS_NOSUID | ns.MS_NODEV | ns.MS_NOEXEC)


def _own_scratch(start: Start) -> None:
    make_scratch(start.limits.scratch_bytes, start.base.user, start.base.in_scratch)


def _own_session(start: Start) -> None:
    os.setsid()
    if start.folder:
        os.chdir(start.folder)


def _close_files(start: Start) -> None:
    if missing := {0, 1, 2} - set(start.keep):
        nothing = os.open(os.devnull, os.O_RDWR)
        for fd in missing:
            os.dup2(nothing, fd)
    kept = [2, *sorted({*start.keep, start.says, start.parent, start.proc} - {-1, 0, 1, 2})]
    for below, above in zip(kept, [*kept[1:], 1 << 20], strict=True):
        os.closerange(below + 1, above)


def _clean_environment(start: Start) -> None:
    if start.folder:
        wipe_environment(start.folder, start.folder)


def _limit(start: Start) -> None:
    limits = start.limits
    cpu = kernel_cpu(limits)
    values = {
        "CPU": (cpu, cpu),  # alike: then SIGKILL comes, which process 1 of a namespace cannot ignore
        "AS": (start.size + limits.memory_bytes,) * 2,
        "NPROC": (limits.processes,) * 2,
        "FSIZE": (limits.file_bytes,) * 2,
        "NOFILE": (limits.open_files,) * 2,
        **dict.fromkeys(("CORE", "MSGQUEUE", "RTPRIO", "MEMLOCK"), (0, 0)),
        "SIGPENDING": (256, 256),
    }
    if start.base.isolation == "none":  # counts all processes of the user there
        values.pop("NPROC")
    for name, value in values.items():
        number = getattr(resource, f"RLIMIT_{name}", None)
        if number is not None and f"limit-{name}" not in start.base.without:
            resource.setrlimit(number, value)


def _first_victim(start: Start) -> None:
    """If memory runs out all the same, the kernel takes this one first."""
    ns.write_at(start.proc, "oom_score_adj", "1000")


def _own_user(start: Start) -> None:
    uid = start.base.user[0]
    if uid != os.geteuid():
        os.setresuid(uid, uid, uid)
    ns.unshare(ns.NEWUSER)
    ns.prctl(ns.PR_SET_DUMPABLE, 1)  # a change of user makes /proc/self root's
    ns.map_ids(STUDENT, start.base.user, start.proc)


def _no_power(start: Start) -> None:
    ns.drop_capabilities()
    ns.prctl(ns.PR_SET_DUMPABLE, 1)
    ns.prctl(ns.PR_SET_NO_NEW_PRIVS, 1)


def _die_with_parent(start: Start) -> None:
    if sys.platform == "linux":
        ns.die_with(start.parent)
        os.close(start.parent)
    if start.proc >= 0:
        os.close(start.proc)


def _refuse_system_calls(start: Start) -> None:
    seccomp.install()


# In this order: mounts need root, a limit on processes must come after the user namespace (else it would hold for all
# cells of that user together), a change of user forgets the parent's death.
FULL: dict[str, Callable[[Start], None]] = {
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
