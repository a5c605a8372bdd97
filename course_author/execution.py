"""Run the cells of an exercise as plain nbgrader would, fast: one prepared process, one fork per answer.

A `Runner` starts a server process that imports once what the units' setup cells import. For each `Job` (cells in
notebook order) the server forks a child, which runs them in one fresh `__main__` and reports a verdict per cell. As
under nbgrader, a cell that fails does not stop the next one, and a graded cell passes when it raises nothing.

Not imitated: kernels, magics, and cells that no graded cell may need (examples, the tests of other exercises).
"""

from __future__ import annotations

import ast
import contextlib
import gc
import importlib
import json
import linecache
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from course_grader.judging.cells import OutOfTime, execute, interruptible, start_timers, stop_timers
from course_grader.judging.magics import without_magics

from .units import ROOT, Exercise, Unit, UnitError

CPU_SECONDS = 5  # per cell, the course's cap for one odd answer; chapter 5 trains networks
CPU_SECONDS_OF = {"05_mnist_project": 20}
WALL_SECONDS = 60  # per cell, for whoever sleeps or waits: generous, so that a busy machine changes no verdict
MEMORY_BYTES = 6 << 30
SERVER_ENVIRONMENT = {
    # One thread from the start: a process with two threads must not fork.
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"),
    "MPLBACKEND": "Agg",
    "NBGRADER_EXECUTION": "autograde",  # what nbgrader sets while it grades: widgets then show their static form
    "CUDA_VISIBLE_DEVICES": "",
    "COURSE_DEVICE": "cpu",
}


class ExecutionError(UnitError):
    """The cells around an answer (setup, reference solutions) do not run, or the machine cannot run any."""


@dataclass(frozen=True)
class Cell:
    """One cell to run. Roles: "setup" (must run, else the job is void), "answer", "test"."""

    role: str
    name: str
    source: str


@dataclass(frozen=True)
class Job:
    """Cells that one child runs in order; with `until_failure` it stops at the first test that fails."""

    cells: tuple[Cell, ...]
    cpu_seconds: float = CPU_SECONDS
    wall_seconds: float = WALL_SECONDS
    until_failure: bool = False


@dataclass(frozen=True)
class Verdict:
    """What became of one cell.

    cause: "" (passed), "wrong" (a check or assert did not hold), "error" (another exception), "time", "skipped"
    exception: the exception's class name; message: its text
    """

    passed: bool
    cause: str = ""
    exception: str = ""
    message: str = ""


@dataclass(frozen=True)
class Outcome:
    """The verdicts of an answer's three cells. `points` is what nbgrader would give."""

    answer: Verdict
    check: Verdict
    hidden: Verdict

    @property
    def passed(self) -> bool:
        return self.check.passed and self.hidden.passed

    def points(self, exercise: Exercise) -> tuple[float, float]:
        return exercise.points_check * self.check.passed, exercise.points_hidden * self.hidden.passed


def job_for(
    unit: Unit, exercise: Exercise, answer: str, earlier: Mapping[str, str] | None = None, until_failure: bool = False
) -> Job:
    """The cells that decide about `answer`: setup, earlier answers, this answer, its check, its hidden tests.

    Parameters
    ----------
    earlier : mapping from slug to source, optional
        What the same student wrote in exercises before this one; the reference solution where it says nothing.
    """
    cells = [Cell("setup", f"setup cell {number}", source) for number, source in enumerate(unit.setup, 1)]
    for before in unit.exercises[: unit.exercises.index(exercise)]:
        written = (earlier or {}).get(before.slug)
        role, source = ("setup", before.answer) if written is None else ("answer", written)
        cells.append(Cell(role, before.slug, source))
    cells += [
        Cell("answer", exercise.slug, answer),
        Cell("test", f"{exercise.slug}-check", exercise.check),
        Cell("test", f"{exercise.slug}-hidden", exercise.hidden),
    ]
    return Job(tuple(cells), CPU_SECONDS_OF.get(unit.name, CPU_SECONDS), until_failure=until_failure)


def outcome(exercise: Exercise, verdicts: Mapping[str, Verdict]) -> Outcome:
    """Pick an exercise's own verdicts out of a job's."""
    return Outcome(*(verdicts[name] for name in (exercise.slug, f"{exercise.slug}-check", f"{exercise.slug}-hidden")))


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
            [sys.executable, "-c", "from course_author.execution import serve; serve()"],
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


# -- the server: imports, then only forks ----------------------------------------------------------------------------


def serve() -> None:
    """Answer requests (JSON lines on stdin) until stdin closes. Runs in a process of its own."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever prints while it is imported must not mix with the replies
    with contextlib.suppress(BrokenPipeError):  # whoever asked has left
        for line in sys.stdin:
            request = json.loads(line)
            jobs = [Job(tuple(Cell(**cell) for cell in job.pop("cells")), **job) for job in request["jobs"]]
            try:
                _import_once(jobs)
                for number, verdicts in _run_all(jobs, request["workers"]):
                    reply = {"job": number, "verdicts": {name: asdict(verdict) for name, verdict in verdicts.items()}}
                    print(json.dumps(reply), file=replies, flush=True)
            except ExecutionError as error:
                print(json.dumps({"fault": str(error)}), file=replies, flush=True)


def _import_once(jobs: list[Job]) -> None:
    """Import the modules that setup cells import, so that no child has to. Failures show in the setup cell itself."""
    for source in dict.fromkeys(cell.source for job in jobs for cell in job.cells if cell.role == "setup"):
        with contextlib.suppress(SyntaxError):
            for node in ast.parse(without_magics(source)).body:
                if isinstance(node, ast.Import | ast.ImportFrom):
                    with contextlib.suppress(Exception):
                        exec(compile(ast.Module([node], []), "<setup>", "exec"), {})
    if "torch" in sys.modules and any("optim" in cell.source for job in jobs for cell in job.cells):
        importlib.import_module("torch._dynamo")  # 1.5 s that every first optimizer would pay
    gc.freeze()


def _threads() -> int:
    task = Path("/proc/self/task")
    return len(list(task.iterdir())) if task.is_dir() else 1


def _run_all(jobs: list[Job], workers: int):
    """Yield (number, verdicts) as children end, `workers` at a time."""
    if _threads() != 1:
        raise ExecutionError(
            f"The prepared process has {_threads()} threads, and a process with threads must not fork: "
            "find the import in a setup cell that starts one."
        )
    waiting, running = list(enumerate(jobs))[::-1], {}
    with selectors.DefaultSelector() as selector:
        while waiting or running:
            while waiting and len(running) < workers:
                child = _Child(*waiting.pop())
                running[child.pipe] = child
                selector.register(child.pipe, selectors.EVENT_READ)
            for key, _ in selector.select(timeout=0.5):
                running[key.fileobj].read()
            for child in list(running.values()):
                if child.ended():
                    selector.unregister(child.pipe)
                    del running[child.pipe]
                    yield child.number, child.verdicts()


@dataclass
class _Child:
    """A forked process at work on one job, seen from the server."""

    number: int
    job: Job
    pid: int = 0
    pipe: int = 0
    open: bool = True
    started: float = field(default_factory=time.monotonic)
    received: bytes = b""

    def __post_init__(self):
        self.pipe, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                os.close(self.pipe)
                _run_job(self.job, write)
                status = 0
            finally:
                os._exit(status)
        os.close(write)

    def read(self) -> None:
        block = os.read(self.pipe, 1 << 16)
        self.received += block
        self.open = bool(block)

    def ended(self) -> bool:
        """Has it said all it will say? One that outlives every cap is killed."""
        caps = (self.job.wall_seconds + 2) * len(self.job.cells)
        if self.open and time.monotonic() - self.started < caps:
            return False
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        os.close(self.pipe)
        _, self.status = os.waitpid(self.pid, 0)
        return True

    def verdicts(self) -> dict[str, Verdict]:
        """Default deny: a cell of which nothing was heard did not pass."""
        heard = {}
        for line in self.received.split(b"\n")[:-1]:
            name, verdict = json.loads(line)
            heard[name] = Verdict(**verdict)
        if heard.pop(_END, None):  # a whole run: what is missing was skipped on purpose
            return {cell.name: heard.get(cell.name, Verdict(False, "skipped")) for cell in self.job.cells}
        signalled = os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else None
        silence = Verdict(False, "error", "", "the process ended before this cell did")
        if signalled in (signal.SIGXCPU, signal.SIGKILL):
            silence = Verdict(False, "time", "", "used up its time and could not be interrupted")
        return {cell.name: heard.get(cell.name, silence) for cell in self.job.cells}


# -- the child: one job ----------------------------------------------------------------------------------------------


_END = "the end"  # a child's last line, named so that no cell is named like it


def _run_job(job: Job, report: int) -> None:
    os.setpgrp()
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    module.display = lambda *_, **__: None
    _limit(job)
    for cell in job.cells:
        verdict = _run_cell(cell, job, module.__dict__)
        os.write(report, json.dumps([cell.name, asdict(verdict)]).encode() + b"\n")
        if not verdict.passed and (cell.role == "setup" or (cell.role == "test" and job.until_failure)):
            break
    os.write(report, json.dumps([_END, asdict(Verdict(True))]).encode() + b"\n")


def _limit(job: Job) -> None:
    """Caps by the kernel, for what swallows the timers' exception; SIGXCPU, unhandled, ends the child."""
    import resource

    total = int(job.cpu_seconds * len(job.cells)) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (total, total))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (100 << 20, 100 << 20))
    with contextlib.suppress(ValueError, OSError):  # macOS refuses this one
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))


def _run_cell(cell: Cell, job: Job, namespace: dict) -> Verdict:
    source = without_magics(cell.source)
    filename = f"<{cell.name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)  # for inspect.getsource
    try:
        start_timers(job.cpu_seconds, job.wall_seconds)
        with interruptible():
            value = execute(source, filename, namespace)
    except OutOfTime as error:
        return Verdict(False, "time", "OutOfTime", str(error))
    except BaseException as error:
        cause = "wrong" if isinstance(error, AssertionError) else "error"
        return Verdict(False, cause, type(error).__name__, _text(error)[:2000])
    finally:
        stop_timers()
    if cell.role == "test" and value is not None:
        # nbgrader reads the value of a last expression as a score.
        return Verdict(False, "error", "", "the test cell ends in a value, which nbgrader would read as a score")
    return Verdict(True)


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # an exception class may be the student's own
        return "(its message cannot be shown)"
