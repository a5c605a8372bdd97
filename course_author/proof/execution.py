"""Run the cells of an exercise as plain nbgrader would, fast: one prepared process, one fork per answer.

A `Runner` starts a server process (`server.py`) that imports once what the units' setup cells import. For each `Job`
(cells in notebook order) the server forks a child, which runs them in one fresh `__main__` and reports a verdict per
cell. As under nbgrader, a cell that fails does not stop the next one, and a graded cell passes when it raises nothing.

Not imitated: kernels, magics, and cells that no graded cell may need (examples, the tests of other exercises).
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from ..units.unit import ROOT, Exercise, Unit
from .jobs import ExecutionError, Job, Outcome, Verdict, job_for, outcome

SERVER_ENVIRONMENT = {
    # One thread from the start: a process with two threads must not fork.
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"),
    "MPLBACKEND": "Agg",
    "NBGRADER_EXECUTION": "autograde",  # what nbgrader sets while it grades: widgets then show their static form
    "CUDA_VISIBLE_DEVICES": "",
    "COURSE_DEVICE": "cpu",
}


class Runner:
    """Runs jobs in forked children of one prepared process. A context manager.

    Parameters
    ----------
    root : path
        The course whose `course_utils` the cells import (if it holds one; else the installed one).
    workers : int
        Children at a time.
    """

    def __init__(self, root: Path = ROOT, workers: int = 2):
        self._root, self._workers = Path(root), workers
        self._server = None

    def __enter__(self) -> Runner:
        if not hasattr(os, "fork"):
            raise ExecutionError("This system cannot fork processes: run this command on Linux or macOS.")
        paths = [str(self._root), str(ROOT), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | SERVER_ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
        self._scratch = tempfile.TemporaryDirectory(prefix="course-execution-")
        # -c, not -m: the child's `__main__` must be free for the cells.
        self._server = subprocess.Popen(
            [sys.executable, "-c", "from course_author.proof.server import serve; serve()"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd=self._scratch.name, text=True,
        )  # fmt: skip
        return self

    def __exit__(self, *_):
        for pipe in (self._server.stdin, self._server.stdout):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        try:
            self._server.wait(timeout=2)
        except subprocess.TimeoutExpired:  # in the midst of jobs that nobody waits for any more
            self._server.kill()
            self._server.wait()
        self._scratch.cleanup()

    def outcomes(self, unit: Unit, exercise: Exercise, sources: Iterable[str]) -> list[Outcome]:
        """Verdicts for answer cells; the other exercises are answered by the reference solution."""
        jobs = [job_for(unit, exercise, source) for source in sources]
        return [outcome(exercise, verdicts) for verdicts in self.run(jobs)]

    def run(self, jobs: Iterable[Job]) -> list[dict[str, Verdict]]:
        """Verdicts by cell name, a dict per job in the jobs' order."""
        jobs = list(jobs)
        request = {"workers": self._workers, "jobs": [asdict(job) for job in jobs]}
        try:
            self._server.stdin.write(json.dumps(request) + "\n")
            self._server.stdin.flush()
        except BrokenPipeError:
            raise ExecutionError("The process that runs answers has died: start the command again.") from None
        results: list[dict[str, Verdict]] = [{} for _ in jobs]
        for _ in jobs:
            reply = self._reply()
            results[reply["job"]] = {name: Verdict(**verdict) for name, verdict in reply["verdicts"].items()}
        # Only now: a reply left unread would be taken for the next run's.
        for job, verdicts in zip(jobs, results, strict=True):
            self._refuse_broken_setup(job, verdicts)
        return results

    def _reply(self) -> dict:
        line = self._server.stdout.readline()
        if not line:
            raise ExecutionError("The process that runs answers has died: its last words stand above.")
        reply = json.loads(line)
        if "fault" in reply:
            raise ExecutionError(reply["fault"])
        return reply

    def _refuse_broken_setup(self, job: Job, verdicts: dict[str, Verdict]) -> None:
        for cell in job.cells:
            if cell.role == "setup" and not verdicts[cell.name].passed:
                verdict = verdicts[cell.name]
                raise ExecutionError(
                    f"{cell.name!r}, which comes before the answer, does not run ({verdict.exception}: "
                    f"{verdict.message}): mend it in the unit's text first."
                )
