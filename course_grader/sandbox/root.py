"""The file system that a cell sees: a read-only view as its root, and an empty scratch folder."""

# ruff: noqa: PTH102, PTH103, PTH211
# Paths are strings here: this runs for every submission and every cell, and pathlib is five times slower.

from __future__ import annotations

import os

from . import syscalls as ns
from .view import View

STAND_INS = {
    "/etc/passwd": "student:x:1000:1000::/tmp/home:/bin/sh\n",
    "/etc/group": "student:x:1000:\n",
    "/etc/hosts": "127.0.0.1 localhost\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
DEVICES = ("null", "zero", "full", "random", "urandom")
SCRATCH = "/tmp"  # all that a cell can write to: one tmpfs; /dev/shm is a link into it
WORK, HOME = "/tmp/work", "/tmp/home"


def change_root(view: View, hidden: list[str], readonly: bool) -> None:
    """Make the read-only view the root of this mount namespace. As bubblewrap does it."""
    base = SCRATCH  # any folder that exists; only in our own mount namespace is anything mounted on it
    ns.mount("none", "/", flags=ns.MS_REC | ns.MS_PRIVATE)
    ns.tmpfs(base, 16 << 20)
    root, old = f"{base}/new", f"{base}/old"
    os.mkdir(root)
    os.mkdir(old)
    ns.bind(root, root)
    ns.pivot_root(base, old)  # paths below are of the new root; the machine is at /old
    _build(view, hidden, readonly)
    os.chdir("/new")
    ns.pivot_root(".", ".")
    ns.call(ns.LIBC.umount2, b".", ns.MNT_DETACH)
    os.chdir("/")


def _build(view: View, hidden: list[str], readonly: bool) -> None:
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
    if readonly:
        ns.restrict("/new")
    for name in DEVICES:
        ns.bind(f"/old/dev/{name}", f"/new/dev/{name}")
    ns.mount("proc", "/new/proc", "proc", ns.MS_NOSUID | ns.MS_NODEV | ns.MS_NOEXEC)


def make_scratch(size: int, owner: tuple[int, int], view: View) -> None:
    """Mount an empty /tmp, with what lies below it and is to be seen; go to the empty work folder in it."""
    seen = {place: os.open(place, os.O_PATH) for place in view.binds}
    ns.tmpfs(SCRATCH, size, "1777", owner)
    for folder in (WORK, HOME, f"{SCRATCH}/shm"):
        os.mkdir(folder)
        os.chown(folder, *owner)
    view.build("", {place: f"/proc/self/fd/{fd}" for place, fd in seen.items()})
    for fd in seen.values():
        os.close(fd)
    os.chdir(WORK)
