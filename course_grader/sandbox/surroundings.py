"""The environment variables that student code may see, and nothing of the others left in memory."""

# ruff: noqa: PTH118
# Paths are strings here: this runs for every submission and every cell, and pathlib is five times slower.

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

KEPT_ENVIRONMENT = ("PATH", "LANG", "LANGUAGE", "TZ", "PYTHONHASHSEED", "PYTHONMALLOC", "MPLBACKEND", "VIRTUAL_ENV")
KEPT_PREFIXES = ("LC_", "OMP_", "MKL_", "OPENBLAS_", "GLIBC_TUNABLES", "NBGRADER_EXECUTION")


def clean_environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """The few environment variables that student code may see (no tokens), and `extra`."""
    kept = {k: v for k, v in os.environ.items() if k in KEPT_ENVIRONMENT or k.startswith(KEPT_PREFIXES)}
    return {**kept, **(extra or {})}


@lru_cache
def first_environment() -> tuple[int, int]:
    """Where in memory the kernel put the environment at the start: its first byte, and the one after its last."""
    if sys.platform != "linux":
        return 0, 0
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    return int(fields[47]), int(fields[48])


def wipe_environment(home: str, temporary: str) -> None:
    """Leave a few variables, also in the memory of the process, where /proc/self/environ reads it."""
    kept = clean_environment()
    for name in list(os.environ):
        del os.environ[name]
    first, last = first_environment()
    ctypes.memset(first, 0, last - first)
    path = os.pathsep.join([os.path.join(sys.prefix, "bin"), "/usr/local/bin", "/usr/bin", "/bin"])
    os.environ.update({**kept, "PATH": path, "HOME": home, "TMPDIR": temporary, "USER": "student"})
    tempfile.tempdir = None
