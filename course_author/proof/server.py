"""The process behind `execution.Runner`: it imports once what setup cells import, then only forks, a child per job."""

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
import sys
import time
import types
from dataclasses import asdict, dataclass, field
from pathlib import Path

from course_grader.judging.cells import OutOfTime, execute, interruptible, start_timers, stop_timers
from course_grader.judging.magics import without_magics

from .jobs import Cell, ExecutionError, Job, Verdict

MEMORY_BYTES = 6 << 30


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
