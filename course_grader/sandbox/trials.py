"""Trials at the start: try, in a real cell, what student code must not be able to do.

A setting that looks right proves nothing (a container, an old kernel or a security module can take any of it away), so
each protection is tried. `carry_out` starts a process like the prepared one, which makes cells that try; the targets
(listening sockets, a secret file, a folder that anyone may write to) are the grader's own.
"""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from pathlib import Path

from . import cell as sandbox
from .attempts import Trial
from .in_cell import CANARY
from .surroundings import clean_environment

CODE = "import sys; sys.path.append(sys.argv.pop(1)); from course_grader.sandbox.attempts import main; main()"


def carry_out(
    course: Path | None = None,
    readable: Iterable[Path] = (),
    *,
    hidden: Iterable[Path] = (),
    without: Iterable[str] = (),
    only: Iterable[str] = (),
    kernel_seen: bool = False,
) -> list[Trial]:
    """Try every protection; about two seconds. One `Trial` each, those that held too.

    course: the course folder; no cell may see a file of it
    without: (tests) protections to leave out; only: (tests) names of the trials
    kernel_seen: the kernel is known to end a process that has used up its CPU time; see only that the limit is set
    """
    with ExitStack() as stack:
        target = _targets(stack, course, readable)
        target |= {"hidden": [str(path) for path in (*hidden, *([course] if course else []))]}
        target |= {"without": sorted(without), "only": sorted(only), "kernel_seen": kernel_seen}
        env = clean_environment({CANARY: target["canary"]})
        package = str(Path(__file__).resolve().parents[2])
        command = [sys.executable, "-I", "-c", CODE, package, json.dumps(target)]
        process = sandbox.launch(command, env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
        try:
            return [Trial(**found) for found in json.loads(out)]
        except ValueError:
            said = (err.decode(errors="replace").strip().splitlines() or [f"exit status {process.returncode}"])[-1]
            return [Trial("sandbox", False, f"No sandbox could be made: {said}.")]


def _targets(stack: ExitStack, course: Path | None, readable: Iterable[Path]) -> dict:
    """What the cells try to reach; it is closed and deleted when `stack` is."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="probe-")))
    folder.chmod(0o755)
    secret, open_folder = folder / "secret", folder / "readable"
    secret.write_text("no cell may read this")
    secret.chmod(0o644)
    open_folder.mkdir()
    open_folder.chmod(0o777)
    name = secrets.token_hex(16)
    tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
    abstract.bind(f"\0{name}")
    abstract.listen()
    udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    udp.bind(("127.0.0.1", 0))
    specs = [importlib.util.find_spec(name) for name in ("json", "numpy", "torch", "course_utils")]
    return {
        "canary": name,
        "grader": os.getpid(),
        "tcp": tcp.getsockname()[1],
        "udp": udp.getsockname()[1],
        "nameservers": _nameservers(),
        "secret": [str(secret), "/etc/shadow", "/etc/hostname", "/root/.bashrc", *_some_files(course)],
        "folder": str(open_folder),
        "needed": [spec.origin for spec in specs if spec and spec.has_location],
        "readable": [str(path) for path in (open_folder, *readable)],
    }


def _some_files(course: Path | None) -> list[str]:
    """Paths of files in the course folder, and in the home folder, that exist."""
    found = []
    for folder in filter(None, (course, Path.home())):
        with suppress(OSError):
            found += [str(path) for path in sorted(Path(folder).resolve().iterdir()) if path.is_file()][:20]
    return found + ([str(Path(course).resolve() / "source")] if course else [])


def _nameservers() -> list[str]:
    with suppress(OSError):
        lines = (line.split() for line in Path("/etc/resolv.conf").read_text().splitlines())
        return [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]
    return []
