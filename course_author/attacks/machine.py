"""Namespaces around each grader that is attacked, in case its sandbox fails; `inside.py` runs in them."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
from pathlib import Path

from ..units.unit import ROOT, UnitError
from .corpus import Outcome, named

INSIDE = "COURSE_ATTACKS_INSIDE"
MEMORY = 10 << 30  # bytes of address space for every process, in case a cap of the sandbox fails


def outer() -> list[str]:
    """The command in front of everything that runs inside."""
    if shutil.which("unshare") is None:
        raise UnitError("The attacks need Linux's unshare (util-linux), so that a failing sandbox does no harm.")
    flags = ["-m", "-n", "-i", "-p", "-f", "--mount-proc", "--kill-child", "--propagation", "private"]
    mapped = [] if os.getuid() == 0 else ["-U", "-r"]
    return ["unshare", *mapped, *flags, "prlimit", f"--as={MEMORY}", "--core=0", "--"]


@functools.cache
def template() -> bytes:
    """The course to attack, released, with another student's submission, as a tar file."""
    from attacks import course

    with tempfile.TemporaryDirectory() as scratch:
        folder = course.make(Path(scratch) / "course")
        course.hand_in_honestly(folder)
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.add(folder, ".")
    return packed.getvalue()


def run(which: str, names: list[str], jobs: int = 2, on_outcome=lambda outcome: None) -> list[Outcome]:
    """Grade the attacks of these names with "ours" or "stock", in `jobs` machines at a time."""
    packed, outcomes, lock = template(), [], threading.Lock()

    def one(number: int) -> None:
        command = [sys.executable, "-m", "course_author.attacks.inside", which, f"{number}/{jobs}"]
        process = subprocess.Popen(
            outer() + command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT,
            env=os.environ | {INSIDE: "\n".join(names), "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(packed)
        for line in process.stdout:
            outcome = Outcome(**json.loads(line))
            with lock:
                outcomes.append(outcome)
                on_outcome(outcome)
        process.wait()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen = {outcome.name for outcome in outcomes}
    for letter, attack in named(names):
        if attack.name not in seen:
            outcomes.append(Outcome(attack.name, letter, stopped="the grader died with it"))
            on_outcome(outcomes[-1])
    return outcomes
