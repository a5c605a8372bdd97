"""The few Linux system calls that the sandbox needs, through ctypes: namespaces, mounts, credentials.

Why not bubblewrap or unshare(1): they exec, and the caller is a fork that has numpy, torch and IPython imported.
Everything here raises OSError with the name of what failed. Standard library only: the launcher imports this module
in a bare interpreter.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

NEWNS, NEWCGROUP, NEWUTS, NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 4096, 16384, 1 << 18
MNT_DETACH = 2
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV = 1, 2, 4
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
MOUNT_SETATTR = 442  # system calls from 424 on have one number on all machines
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECUREBITS, PR_SET_NO_NEW_PRIVS = 1, 4, 28, 38
CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN = 6, 7, 21
KEEP_CAPABILITIES = 1 << 2  # securebit: a change of user keeps them

HEADER = (ctypes.c_uint32 * 2)(0x20080522, 0)  # of capget and capset: version 3, this process
NONE = (ctypes.c_uint32 * 6)()

LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
if LIBC:
    LIBC.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    LIBC.mount.argtypes = [*[ctypes.c_char_p] * 3, ctypes.c_ulong, ctypes.c_char_p]


def call(function, *arguments):
    """Call a C function that answers -1 for an error; returns what it returns. Raises OSError that names it."""
    result = function(*arguments)
    if result == -1:
        code = ctypes.get_errno()
        shown = ", ".join(str(a.decode() if isinstance(a, bytes) else a) for a in arguments)
        raise OSError(code, f"{function.__name__}({shown}): {os.strerror(code)}")
    return result


def prctl(option: int, value: int = 0, third: int = 0) -> int:
    return call(LIBC.prctl, option, value, third, 0, 0)


def unshare(flags: int) -> None:
    call(LIBC.unshare, flags)


def setns(fd: int, flags: int) -> None:
    call(LIBC.setns, fd, flags)


def syscall(number: int, *arguments) -> int:
    return call(LIBC.syscall, ctypes.c_long(number), *arguments)


# --- credentials -------------------------------------------------------------------------------------------------


def has_capability(number: int) -> bool:
    """Does this process have the capability (CAP_...), in its own user namespace?"""
    words = (ctypes.c_uint32 * 6)()
    call(LIBC.capget, HEADER, words)
    return bool((words[0] | words[3] << 32) >> number & 1)


def is_mapped(number: int, kind: str = "uid") -> bool:
    """Does the own user namespace know the user (kind "uid") or group ("gid") of this number?"""
    for line in Path(f"/proc/self/{kind}_map").read_text().splitlines():
        first, _, count = map(int, line.split())
        if first <= number < first + count:
            return True
    return False


def drop_capabilities() -> None:
    """Give up every capability. That none comes back at an exec, no_new_privs sees to (and mounts are nosuid)."""
    call(LIBC.capset, HEADER, NONE)


def map_ids(inside: tuple[int, int], outside: tuple[int, int], proc: int | None = None) -> None:
    """In a fresh user namespace: let (uid, gid) `inside` stand for `outside`. proc: folder /proc/self, already open."""
    folder = os.open("/proc/self", os.O_RDONLY | os.O_DIRECTORY) if proc is None else proc
    lines = {"setgroups": "deny", "uid_map": f"{inside[0]} {outside[0]} 1", "gid_map": f"{inside[1]} {outside[1]} 1"}
    try:
        for name, text in lines.items():
            write_at(folder, name, text)
    finally:
        if proc is None:
            os.close(folder)


def write_at(folder: int, name: str, text: str) -> None:
    fd = os.open(name, os.O_WRONLY, dir_fd=folder)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def die_with(parent: int) -> None:
    """Be killed when the parent dies; `parent`: a pidfd of it. To be said again after each change of credentials."""
    prctl(PR_SET_PDEATHSIG, 9)
    if is_dead(parent):  # it died before the line above
        os._exit(1)


def die_with_parent() -> None:
    """The same, for whoever has no pidfd of the parent."""
    parent = os.getppid()  # 0 if it is outside our pid namespace: the caller must know then that it lives
    prctl(PR_SET_PDEATHSIG, 9)
    if os.getppid() != parent:
        os._exit(1)


def is_dead(pidfd: int) -> bool:
    import select

    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))


# --- mounts ------------------------------------------------------------------------------------------------------


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, data: str | None = None) -> None:
    encode = lambda text: None if text is None else os.fsencode(text)  # noqa: E731
    call(LIBC.mount, encode(source), encode(target), encode(kind), flags, encode(data))


def bind(source: str, target: str) -> None:
    # Recursive: in a user namespace a folder cannot be bound without what is mounted on it.
    mount(source, target, flags=MS_BIND | MS_REC)


def restrict(target: str, attributes: int = ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV, recursive: bool = True) -> None:
    """Set mount attributes on `target`, and on all that is mounted below it (Linux 5.12)."""
    request = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)
    flags = AT_RECURSIVE if recursive else 0
    syscall(MOUNT_SETATTR, AT_FDCWD, os.fsencode(target), flags, request, ctypes.c_size_t(32))


def pivot_root(new: str, old: str) -> None:
    syscall(PIVOT_ROOT[os.uname().machine], os.fsencode(new), os.fsencode(old))


def tmpfs(target: str, size: int, mode: str = "755", owner: tuple[int, int] | None = None) -> None:
    """Mount memory of at most `size` bytes (and a file or folder per 4 KiB of it, at most 100,000)."""
    data = f"size={max(size, 4096)},nr_inodes={min(max(size // 4096, 64), 100_000)},mode={mode}"
    if owner is not None:
        data += f",uid={owner[0]},gid={owner[1]}"
    mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, data)


def touch(path: str, text: str = "") -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
