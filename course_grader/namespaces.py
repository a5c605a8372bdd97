"""The few Linux system calls that the sandbox needs, through ctypes: namespaces, mounts, credentials.

Why not bubblewrap or unshare(1): they exec, and the caller is a fork that has numpy, torch and IPython imported.
Everything here raises OSError with the name of what failed. Standard library only: the launcher imports this module
in a bare interpreter.
"""

from __future__ import annotations

import ctypes
import os
import stat
import sys
from dataclasses import dataclass, field
from pathlib import Path

NEWNS, NEWCGROUP, NEWUTS, NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 4096, 16384, 1 << 18
MNT_DETACH = 2
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV = 1, 2, 4
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
MOUNT_SETATTR = 442  # system calls from 424 on have one number on all machines
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_KEEPCAPS, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 8, 24, 38
CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN = 6, 7, 21
CAPABILITY_VERSION = 0x20080522

LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def call(function, *arguments):
    """Call a C function that answers -1 for an error; returns what it returns. Raises OSError that names it."""
    result = function(*arguments)
    if result == -1:
        code = ctypes.get_errno()
        shown = ", ".join(str(a.decode() if isinstance(a, bytes) else a) for a in arguments)
        raise OSError(code, f"{function.__name__}({shown}): {os.strerror(code)}")
    return result


def prctl(option: int, value: int = 0) -> int:
    return call(LIBC.prctl, option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0))


def unshare(flags: int) -> None:
    call(LIBC.unshare, flags)


def setns(fd: int, flags: int) -> None:
    call(LIBC.setns, fd, flags)


def syscall(number: int, *arguments) -> int:
    return call(LIBC.syscall, ctypes.c_long(number), *arguments)


# --- credentials -------------------------------------------------------------------------------------------------


def has_capability(number: int) -> bool:
    """Does this process have the capability (CAP_...), in its own user namespace?"""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> number & 1)
    return False


def is_mapped(number: int, kind: str = "uid") -> bool:
    """Does the own user namespace know the user (kind "uid") or group ("gid") of this number?"""
    for line in Path(f"/proc/self/{kind}_map").read_text().splitlines():
        first, _, count = map(int, line.split())
        if first <= number < first + count:
            return True
    return False


def set_capabilities(effective: int, permitted: int) -> None:
    """Set both sets (bit masks; the inheritable set is emptied)."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    words = []
    for shift in (0, 32):
        words += [effective >> shift & 0xFFFFFFFF, permitted >> shift & 0xFFFFFFFF, 0]
    call(LIBC.capset, header, (ctypes.c_uint32 * 6)(*words))


def drop_capabilities() -> None:
    """Give up every capability, for ever: also those that a later exec could hand out."""
    for number in range(64):
        try:
            prctl(PR_CAPBSET_DROP, number)
        except OSError:  # the first number that this kernel does not know
            break
    set_capabilities(0, 0)


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


def become(uid: int, gid: int) -> None:
    """Turn from root into an ordinary user, keeping the one capability that makes a user namespace anywhere."""
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    prctl(PR_SET_KEEPCAPS, 1)
    os.setresuid(uid, uid, uid)
    set_capabilities(1 << CAP_SYS_ADMIN, 1 << CAP_SYS_ADMIN)


def die_with(parent: int) -> None:
    """Be killed when the parent dies; `parent`: a pidfd of it. To be said again after each change of credentials."""
    prctl(PR_SET_PDEATHSIG, 9)
    if is_dead(parent):  # it died before the line above
        os._exit(1)


def is_dead(pidfd: int) -> bool:
    import select

    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))


# --- mounts ------------------------------------------------------------------------------------------------------


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, data: str | None = None) -> None:
    encode = lambda text: None if text is None else os.fsencode(text)  # noqa: E731
    call(LIBC.mount, encode(source), encode(target), encode(kind), ctypes.c_ulong(flags), encode(data))


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


# --- the view ----------------------------------------------------------------------------------------------------


@dataclass
class View:
    """What a sandbox sees of the machine: folders and files by their place, in the order in which they are made.

    Symbolic links on the way to a shown path are made again, so that the path means the same inside.
    """

    folders: dict[str, None] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    binds: dict[str, bool] = field(default_factory=dict)  # place -> is it a folder?

    def show(self, path: Path | str) -> None:
        """Show a file or folder of the machine, at its place; a path that does not exist is left out."""
        todo = list(reversed(Path(os.path.abspath(path)).parts[1:]))  # abspath: keeps symbolic links
        here = "/"
        for _ in range(1000):  # links in a circle end here
            if self.covered(here):
                return
            if not todo:
                break
            part = todo.pop()
            if part in (".", ".."):
                here = here if part == "." else os.path.dirname(here)
                continue
            place = os.path.join(here, part)
            try:
                mode = os.lstat(place).st_mode
            except OSError:
                return
            if stat.S_ISLNK(mode):
                target = os.readlink(place)
                self.parents(place)
                self.links.setdefault(place, target)
                todo += [p for p in reversed(Path(target).parts) if p != "/"]
                here = "/" if target.startswith("/") else here
            else:
                here = place
        if here != "/" and os.path.exists(here):
            self.parents(here)
            self.binds[here] = os.path.isdir(here)

    def parents(self, place: str) -> None:
        for parent in reversed(Path(place).parents):
            self.folders.setdefault(str(parent))

    def covered(self, place: str) -> bool:
        """Does the path lie in a folder that is shown already?"""
        return place in self.binds or any(self.binds.get(str(parent)) for parent in Path(place).parents)

    def build(self, root: str, machine: str) -> None:
        """Make the view below the folder `root` (an empty tmpfs); not yet read-only. machine: where its root is now."""
        for folder in self.folders:
            os.makedirs(root + folder, mode=0o755, exist_ok=True)
        for place, target in self.links.items():
            if not self.covered(os.path.dirname(place)):
                os.symlink(target, root + place)
        for place, folder in self.binds.items():
            if folder:
                os.makedirs(root + place, mode=0o755, exist_ok=True)
            else:
                touch(root + place)
            bind(machine + place, root + place)


def touch(path: str, text: str = "") -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
