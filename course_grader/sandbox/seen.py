"""What this kernel has been seen to do since it was started, kept for the next command.

One trial of the sandbox burns a whole second of CPU time, the smallest that the kernel counts. What it has shown stays
true until the machine is started again or the sandbox's code changes, so it is written down where only this user can
write, and students' code cannot even look. In doubt nothing has been seen: then it burns again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import stat
from pathlib import Path


def before() -> bool:
    """Has the kernel been seen to end a process that used up its CPU time?"""
    try:
        path = _path()
        for place, is_right in ((path.parent, stat.S_ISDIR), (path, stat.S_ISREG)):
            found = place.lstat()
            if not is_right(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
                return False
        return path.read_text() == _what()
    except (OSError, ValueError):
        return False


def keep() -> None:
    """It has just been seen."""
    with contextlib.suppress(OSError, ValueError):
        path, text = _path(), _what()
        path.parent.mkdir(mode=0o700, exist_ok=True)
        new = path.with_suffix(f".{os.getpid()}")  # another command may read it meanwhile
        new.write_text(text)
        new.replace(path)


def _path() -> Path:
    """In a folder that ends with the machine's run. ValueError if there is none."""
    folder = "/run" if os.geteuid() == 0 else os.environ.get("XDG_RUNTIME_DIR")
    if not folder:
        raise ValueError("no folder of this user's own")
    return Path(folder, "course-grader", "cpu-limit")


def _what() -> str:
    """This run of this kernel, and the code that looked."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot} {platform.release()} {digest.hexdigest()}\n"
