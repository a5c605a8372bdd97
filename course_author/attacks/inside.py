"""What runs in namespaces of its own, in front of a share of the corpus: `python -m course_author.attacks.inside`."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from ..units.unit import ROOT
from .corpus import WORD, Outcome, named
from .machine import INSIDE
from .ours import Ours
from .stock import Stock

HOME = "/mnt/home"


def inside(which: str, names: list[str], share: str) -> int:
    """Runs in namespaces of its own; the template course comes in on stdin, a line per outcome goes out on stdout."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    _private_machine()
    # Attacks on stock nbgrader find every course below /tmp, so the one that is copied for each lies elsewhere.
    course = Path("/mnt/template") if which == "stock" else Path(tempfile.mkdtemp(dir="/tmp")) / f"{WORD}-0"
    with tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read())) as archive:
        archive.extractall(course, filter="fully_trusted")
    number, count = map(int, share.split("/"))
    todo = named(names)
    machine = (Stock if which == "stock" else Ours)(course)
    known = set(_processes())
    for letter, attack in todo[number::count]:
        outcome = machine.measure(letter, attack)
        out.write(json.dumps(dataclasses.asdict(outcome)) + "\n")
        out.flush()
    if which == "ours":
        machine.close()
        time.sleep(0.3)
        left = [process for process in _processes() if process not in known and process != os.getpid()]
        if left:
            names = [Path(f"/proc/{process}/cmdline").read_bytes()[:80] for process in left]
            out.write(json.dumps(dataclasses.asdict(Outcome("processes-left", "F", changed=[f"{names}"]))) + "\n")
    out.flush()
    os._exit(0)


def _processes() -> list[int]:
    """Numbers of all processes here that have not ended; an orphan that has waits for its parent, which is this one."""
    found = []
    for name in [path.name for path in Path("/proc").iterdir() if path.name.isdigit()]:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{name}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                found.append(int(name))
    return found


def _private_machine() -> None:
    """An own /tmp, /dev/shm and home, and everything else read-only, as far as mounts can be."""
    hidden = str(ROOT).startswith("/tmp/")  # a checkout below /tmp has to stay in sight
    if hidden:
        subprocess.run(["mount", "--bind", str(ROOT), "/srv"], check=True)
    for place in ("/tmp", "/var/tmp", "/dev/shm"):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6g", "tmpfs", place], check=True)
    if hidden:
        ROOT.mkdir(parents=True)
        subprocess.run(["mount", "--bind", "/srv", str(ROOT)], check=True)
    for line in Path("/proc/self/mounts").read_text().split("\n"):
        place = line.split(" ")[1] if line else ""
        if place and not place.startswith(("/proc", "/dev", "/sys", "/tmp", "/var/tmp")):
            subprocess.run(["mount", "-o", "remount,bind,ro", place], capture_output=True, check=False)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", "/mnt"], check=True)
    Path(HOME).mkdir()
    os.environ |= {"HOME": HOME, "TMPDIR": "/tmp", "PYTHONDONTWRITEBYTECODE": "1", "IPYTHONDIR": f"{HOME}/.ipython"}
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        os.environ.pop(name, None)
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


if __name__ == "__main__":
    sys.exit(inside(sys.argv[1], os.environ.pop(INSIDE).split("\n"), sys.argv[2]))
