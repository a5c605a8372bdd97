"""The lower limit of a class's time: the graded cells alone, in one warm process without a sandbox."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import subprocess
import sys
import time

from course_grader.judging import needs
from course_grader.judging.cells import execute, interruptible, start_timers, stop_timers
from course_grader.judging.magics import without_magics

from ..units.unit import ROOT, Unit, UnitError, graded

CELL_S = 5.0  # CPU time of a bare cell, as in the grader


def bare(unit: Unit, written: dict[str, dict[str, str]]) -> list[float]:
    """CPU seconds of each student's answer and test cells in one warm process without a sandbox or a second process."""
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    own = {"MPLBACKEND": "Agg", "NBGRADER_EXECUTION": "autograde", "PYTHONPATH": str(ROOT)}
    cells = {
        "setup": unit.setup,
        "exercises": [[one.slug, one.check, one.hidden] for one in graded(unit)],
        "students": list(written.values()),
    }
    done = subprocess.run(
        [sys.executable, "-c", "from course_author.bench.bare import bare_cells; bare_cells()"],
        input=json.dumps(cells), env=os.environ | one_thread | own, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise UnitError(f"The cells of {unit.name} could not be run bare: {done.stderr.strip()[-300:]}")
    return json.loads(done.stdout.strip().split("\n")[-1])


def bare_cells() -> None:
    """The process of `bare`: cells as JSON on stdin, seconds of each student as JSON on stdout.

    Each student's cells run in a fork, so that one who damages a library or ends the process leaves the others alone.
    """
    job, namespace = json.load(sys.stdin), {"__name__": "__main__", "display": lambda *_, **__: None}
    for source in job["setup"]:
        exec(compile(without_magics(source), "<setup>", "exec"), namespace)
    sources = [source for answers in job["students"] for source in answers.values()]
    sources += [source for _, *tests in job["exercises"] for source in tests]
    heavy = [*needs.heavy(sources), *(["torch._dynamo"] if "torch" in sys.modules else [])]
    for name in heavy:  # once, as in a warm process: each of the forks below would do it again
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    found = []
    for answers in job["students"]:
        seen, tells = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.write(tells, json.dumps(_bare_student(dict(namespace), job["exercises"], answers)).encode())
            finally:
                os._exit(0)
        os.close(tells)
        _, _, used = os.wait4(pid, 0)
        said = os.read(seen, 100)
        os.close(seen)
        found.append(json.loads(said) if said else used.ru_utime + used.ru_stime)
    print(json.dumps(found))


def _bare_student(namespace: dict, exercises: list, answers: dict[str, str]) -> float:
    before = time.process_time()
    for slug, *tests in exercises:
        for source in (answers[slug], *tests):
            start_timers(CELL_S, 60.0)
            sink = io.StringIO()
            with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
                try:
                    with interruptible():
                        execute(source, f"<{slug}>", namespace)
                except BaseException:  # a wrong answer; its other cells still run
                    pass
            stop_timers()
    return time.process_time() - before
