"""What to do on a system where sandboxes cannot be made, as sentences for the person who grades."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from . import seccomp

SETTINGS = (
    ("kernel.unprivileged_userns_clone", "0", "1"),
    ("user.max_user_namespaces", "0", "15000"),
    ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),  # Ubuntu 24.04
)
CONTAINER = (
    "--cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
    "--security-opt systempaths=unconfined"
)


def advice() -> str:
    """What to do when sandboxes cannot be made here: a few sentences."""
    last = "`--isolation none` grades without a sandbox: student code can then do all that you can."
    if sys.platform != "linux":
        return f"The sandbox needs Linux: run the grader in a Linux container or virtual machine. {last}"
    return f"{_what_to_do()} {last}"


def _what_to_do() -> str:
    release = os.uname().release
    version = tuple(int(part) for part in re.match(r"(\d+)\.(\d+)", release).groups())
    if os.uname().machine not in seccomp.ARCHITECTURE:
        return f"It is built for x86_64 and aarch64 processors, not {os.uname().machine}."
    if version < (5, 12):
        return f"It needs Linux 5.12 or newer; this is {release}."
    for name, bad, good in SETTINGS:
        if _setting(name) == bad:
            return f"This system forbids user namespaces: set `sysctl -w {name}={good}` as root, or run it as root."
    if any(Path(name).exists() for name in ("/.dockerenv", "/run/.containerenv")):
        return f"A container must be allowed to make namespaces: start it with `{CONTAINER}`."
    return "Run the grader as root, or in a container or virtual machine that may make namespaces."


def _setting(name: str) -> str:
    try:
        return Path("/proc/sys", *name.split(".")).read_text().strip()
    except OSError:
        return ""
