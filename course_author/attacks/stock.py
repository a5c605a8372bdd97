"""The corpus against nbgrader as it comes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from .corpus import WORD, Outcome, profile, unit_name
from .machine import MEMORY
from .submission import hand_in, own_points, remove, scores_in
from .watch import Ears, active_in, differences, leaks_of, look_outside, state, strays

STOCK_SECONDS = 240  # for one submission on stock nbgrader; longer counts as stopped


class Stock:
    """Grades the corpus with nbgrader as it comes: `nbgrader autograde`, then `generate_feedback`, per submission."""

    def __init__(self, folder: Path):
        self.template = folder
        (folder / "nbgrader_config.py").write_text(profile(), encoding="utf-8")
        self._nbgrader(folder, "autograde", "bea-honest")
        self._nbgrader(folder, "generate_feedback", "bea-honest")
        self.ears = Ears()

    def measure(self, letter: str, attack) -> Outcome:
        outcome, started = Outcome(attack.name, letter), time.monotonic()
        course = Path(shutil.copytree(self.template, f"/tmp/{WORD}-{attack.name}", symlinks=True))
        shutil.rmtree(os.environ["HOME"], ignore_errors=True)
        Path(os.environ["HOME"]).mkdir()
        hand_in(attack, course)
        before, seen = state(course, attack.student), {str(path) for path in strays(set())}
        self.ears.take()
        outcome.stopped = self._nbgrader(course, "autograde", attack.student)
        if letter == "J":  # what a page does in a browser matters there; elsewhere it would double the time
            self._nbgrader(course, "generate_feedback", attack.student)
        outcome.seconds = time.monotonic() - started
        outcome.changed += differences(before, state(course, attack.student))
        self._points(attack, course, outcome)
        self._leaked(attack, course, outcome)
        look_outside(outcome, attack, seen, self.ears)
        remove(course)
        return outcome

    def _nbgrader(self, course: Path, command: str, student: str) -> str:
        """Run one nbgrader command in a process space of its own; "" or why it did not go well."""
        line = [
            "unshare",
            "-pf",
            "--mount-proc",
            "--kill-child",
            "prlimit",
            f"--as={MEMORY}",
            "--core=0",
            f"--fsize={2 << 30}",
        ]
        line += [sys.executable, "-m", "nbgrader", command, unit_name(), f"--student={student}"]
        try:
            done = subprocess.run(
                line, cwd=course, capture_output=True, timeout=STOCK_SECONDS, check=False, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired:
            return f"nothing after {STOCK_SECONDS} s"
        errors = [line for line in done.stderr.decode(errors="replace").split("\n") if "ERROR" in line]
        return "" if done.returncode == 0 else f"ended with {done.returncode}: {(errors or ['nothing said'])[-1][:200]}"

    def _points(self, attack, course: Path, outcome: Outcome) -> None:
        try:
            scores = scores_in(course, attack.student)
        except sqlite3.Error:
            scores = {}
        outcome.gained, outcome.lost = own_points({name: score or 0.0 for name, score in scores.items()}, attack)
        missing = not scores or any(score is None for score in scores.values())
        if attack.refused and not outcome.stopped.startswith("nothing after"):
            outcome.refused, outcome.stopped = outcome.stopped, ""  # an error message is all that such a file deserves
        elif missing and not outcome.stopped:
            outcome.stopped = "no grade was given"

    def _leaked(self, attack, course: Path, outcome: Outcome) -> None:
        """Canaries in what the student's code put out (stock's pages show the hidden tests anyway: uncounted)."""
        path = course / "autograded" / attack.student / unit_name() / f"{unit_name()}.ipynb"
        with contextlib.suppress(Exception):
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
                for output in cell.get("outputs", []):
                    shown = {key: value for key, value in output.items() if key != "traceback"}
                    outcome.leaked += leaks_of(json.dumps(shown).replace("\\n", "\n"), attack)
        for page in (course / "feedback" / attack.student).rglob("*.html"):
            outcome.changed += _active_on_stock(page.read_text(encoding="utf-8", errors="replace"))


def _active_on_stock(page: str) -> list[str]:
    """Active parts that are an attack's: nbgrader's own pages hold scripts and forms of nbgrader's."""
    return [part for part in active_in(page) if "mallory" in part or "evil.example" in part]
