"""Grades one submission: a plan and a submission in, a verdict out.

An `Engine` holds one prepared process. For each submission that process forks two: the judge, which gets the tests, and
the sandboxed base of the student's processes, which gets what the student wrote. Nothing is written anywhere. Several
threads may grade with one engine at the same time: the work is done in the forked processes, a thread only waits.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import subprocess
import sys
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..contracts import BadUnit, CannotStart, CellRun, CellVerdict, GraderError, Plan, Submission, Verdict
from ..judging import needs
from ..sandbox import cell as sandbox
from ..sandbox import gate
from ..sandbox.surroundings import clean_environment
from ..wire.json_frames import receive_json, send_json

SUBMISSION_SECONDS = 300.0  # on the clock for a whole submission that sleeps; one that computes has more
WALL_SECONDS = 60.0  # per cell: for whoever sleeps or waits; generous, so that a busy machine changes no verdict
SILENT = 3.0  # a judge that says nothing for that many times a submission's limit is given up
START_SECONDS = 300.0
ENVIRONMENT = {
    # One thread from the start: a process with two threads must not fork.
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"),
    # All of Python's memory from one heap of huge pages: a fork then copies 500 times fewer page-table entries
    # (measured: 4.5 ms instead of 15).
    "PYTHONMALLOC": "malloc",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "MPLBACKEND": "Agg",
    "NBGRADER_EXECUTION": "autograde",  # what nbgrader sets while it grades: widgets then show their static form
    "CUDA_VISIBLE_DEVICES": "",
    "COURSE_DEVICE": "cpu",
    "PYTHONHASHSEED": "0",  # the order of a set must not differ between two runs of one answer
}


class EngineDied(GraderError):
    """The prepared process ended, and all that it had under way with it; nothing was found out. Grade again."""


class Engine:
    """Grades submissions. A context manager; `start` begins to start it while the caller goes on.

    Parameters
    ----------
    course : path
        The course folder. Students' code cannot read it.
    isolation : "full" or "none"
        "none" runs students' code as the person who grades; it is refused unless asked for by name.
    readable : list of paths
        Data folders that setup cells and students' code may read.
    wall_seconds, submission_seconds : float
        Limits on the clock for each cell, and for a whole submission (see `judge.Session`).
    libraries : sequence of str
        Modules to import before anything is graded; empty for those of `prepared.MODULES`. Those that a plan needs
        besides (`needs.imports`) are imported when it is first graded.

    Raises
    ------
    GraderError
        The sandbox cannot be made here; the message says what to do.
    """

    def __init__(
        self,
        course: Path | str = ".",
        isolation: str = "full",
        readable=(),
        wall_seconds=WALL_SECONDS,
        libraries=(),
        submission_seconds=SUBMISSION_SECONDS,
    ):
        self._course, self._isolation, self._wall_seconds = Path(course).resolve(), isolation, wall_seconds
        self._submission_seconds = submission_seconds
        data = os.environ.get("COURSE_MNIST_DIR")
        self._readable = [str(path) for path in (*readable, *([data] if data else []))]
        self._libraries = tuple(libraries)
        self._prepared_for, self._imported = set(), set()  # digests of plans, names of modules
        self._process, self._tried, self._closed = None, None, False
        self._generation = 0  # how many prepared processes there were
        self._turn = threading.RLock()  # one thread at a time talks to the prepared process
        self._beside_of: dict[str, list[str]] = {}
        self._last_sent: tuple[str, dict] = "", {}

    def start(self) -> Engine:
        """Begin to import the libraries and to try the sandbox; whoever grades first waits for both."""
        if self._tried is None:
            self._launch()
            trier = ThreadPoolExecutor(1)
            self._tried = trier.submit(self._check)
            trier.shutdown(wait=False)
        return self

    def __enter__(self) -> Engine:
        self._closed = False
        try:
            with self._turn:
                self._ensure()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def _check(self) -> None:
        """Try the sandbox. A hole shows each time; the trial of CPU time alone may fail once on a very busy machine."""
        try:
            gate.check_or_refuse(self._isolation, self._course, self._readable)
        except GraderError:
            gate.check_or_refuse(self._isolation, self._course, self._readable)

    def close(self) -> None:
        """End the prepared process and all below it, also what another thread has under way."""
        self._closed, self._tried = True, None
        self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            process.kill()
            process.wait()
            self._control.close()

    def _launch(self) -> None:
        ours, theirs = socket.socketpair()
        package = str(Path(__file__).resolve().parents[2])
        paths = [str(self._course), package, os.environ.get("PYTHONPATH", "")]
        environment = {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "HOME": os.environ.get("HOME", "/")}
        command = f"from course_grader.engine.prepared import serve; serve({theirs.fileno()}, {self._libraries!r})"
        self._process = sandbox.launch(
            [sys.executable, "-P", "-c", command],  # -P: the folder it is started in is no place to import from
            clean_environment(environment | self._mnist() | ENVIRONMENT),
            isolation=self._isolation, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
        )  # fmt: skip
        theirs.close()
        ours.settimeout(START_SECONDS)
        self._control, self._ready = ours, False
        self._prepared_for, self._imported = set(), set()
        self._generation += 1
        if self._closed:  # by another thread, just now
            self._end()

    def _await(self) -> None:
        """Wait until the prepared process has imported what it was told to."""
        if self._ready:
            return
        said = self._heard()
        if said is None:
            self._end()
            raise (EngineDied if self._imported else GraderError)(
                "The prepared process died while it imported the libraries: its last words stand above."
            )
        if said["threads"] != 1:
            self._end()
            raise GraderError(
                f"The prepared process has {said['threads']} threads, and a process with threads must not "
                "fork: find the import that starts one."
            )
        self._ready = True

    def _heard(self):
        """Its next message; None if it has ended, or hangs."""
        try:
            return receive_json(self._control)
        except (OSError, ValueError):
            return None

    def prepare(self, plan: Plan) -> None:
        """Have the prepared process import what the setup cells of this plan do, once, instead of each submission."""
        with self._turn:
            self._ensure()
            if plan.digest not in self._prepared_for:
                self._import(needs.imports(plan))
                self._prepared_for.add(plan.digest)

    def _import(self, modules) -> None:
        """Have the prepared process import those of these modules that it has not."""
        missing = [name for name in modules if name not in self._imported]
        if not missing:
            return
        with self._turn:
            self._ensure()
            self._ready = False
            with contextlib.suppress(OSError):
                send_json(self._control, {"import": missing})
            self._imported.update(missing)
            self._await()

    def _mnist(self) -> dict:
        return {name: value for name, value in os.environ.items() if name == "COURSE_MNIST_DIR"}

    def grade(self, plan: Plan, submission: Submission, known: Verdict | None = None) -> Verdict:
        """The verdict on one submission; the same for the same input, whatever was graded before.

        known: verdicts on some of its exercises, which are then not executed again

        Raises
        ------
        CannotStart
            The engine cannot be started; BadUnit: the setup cells do not run.
        EngineDied
            The prepared process was killed meanwhile; the next submission gets a new one.
        """
        self.prepare(plan)
        self._import(needs.heavy([*submission.answers.values(), *(added.source for added in submission.added)]))
        verdict = self._grade(plan, submission, self._beside(plan) if plan.allow_student_process else [], known)
        return _in_order(plan, verdict) if known else verdict

    def _grade(self, plan: Plan, submission: Submission, beside: list[str], known: Verdict | None = None) -> Verdict:
        started = time.perf_counter()
        verdict = Verdict(plan.unit, plan.notebook, submission.student, notes=list(submission.notes))
        if known:
            verdict.cells, verdict.runs = list(known.cells), list(known.runs)
        left = self._submission_seconds
        while not self._judge(plan, submission, verdict, beside, max(left, 0.0)):
            # The judge itself was brought down, by a number that made a test work for ever, say. That costs the
            # exercise at which it happened; a new judge takes the others, in the time that is left.
            left = self._submission_seconds - (time.perf_counter() - started)
            if not _deny_next(plan, verdict):
                break
        verdict.seconds["total"] = time.perf_counter() - started
        return verdict

    def _beside(self, plan: Plan) -> list[str]:
        """Names of the tests that run in the student's process: those that do not even pass the course's own answers.

        Found before a submission is looked at. If it were found while one is judged, an answer could choose to be
        judged where it can reach the test, by giving an object that cannot be judged from outside.
        """
        key = plan.digest
        if key not in self._beside_of:
            names = needs.rebinding(plan)
            if plan.reference:
                verdict = self._grade(plan, Submission("", dict(plan.reference)), names)
                names += [cell.name for cell in verdict.cells if cell.cause and cell.name not in names]
            self._beside_of[key] = names  # two threads that come here together find the same
        return self._beside_of[key]

    def _judge(self, plan: Plan, submission: Submission, verdict: Verdict, beside: list[str], seconds: float) -> bool:
        """Let one judge work on the tests that have no verdict yet, so long; did it get to the end?"""
        started = time.perf_counter()
        judge, generation = self._fork()
        forked = time.perf_counter() - started
        with judge:
            judge.settimeout(SILENT * self._submission_seconds)
            known = [cell.name for cell in verdict.cells]
            with contextlib.suppress(OSError):  # a judge that has gone is one that says nothing
                now = {"done": known, "beside": beside, "submission_seconds": seconds}
                send_json(judge, self._job(plan, submission) | now)
            done = self._listen(judge, verdict)
        verdict.seconds["fork"] = verdict.seconds.get("fork", 0.0) + forked
        if not done and self._is_gone(generation):
            raise EngineDied("The process that graded this has ended: look for a lack of memory, and grade it again.")
        return done

    def _fork(self) -> tuple[socket.socket, int]:
        """A socket to a new judge, and which prepared process has made it."""
        with self._turn:
            for _ in range(2):  # it may have died since the last submission
                self._ensure()
                with contextlib.suppress(OSError):
                    send_json(self._control, {"fork": True})
                    _, descriptors, _, _ = socket.recv_fds(self._control, 1, 1)
                    if descriptors:
                        return socket.socket(fileno=descriptors[0]), self._generation
                self._end()
            raise EngineDied("The prepared process has died: grade again.")

    def _ensure(self) -> None:
        """Wait for the prepared process; start a new one if it has died."""
        if self._closed:
            raise GraderError("The engine was closed while this was graded: grade again.")
        tried = self.start()._tried
        if tried is not None:  # else another thread closes it just now
            tried.result()
        if self._process is None or self._process.poll() is not None:
            self._launch()
        self._await()

    def _is_gone(self, generation: int) -> bool:
        """Has the prepared process with this number ended? Its judges end with it, and say nothing."""
        with self._turn:
            if self._closed or generation != self._generation:
                return True
            with contextlib.suppress(OSError):
                send_json(self._control, {"still": "there"})
            if self._heard() is not None:
                return False
            self._end()
            return True

    def _job(self, plan: Plan, submission: Submission) -> dict:
        cells = len(plan.cells) + len(submission.added)
        limits = {"cpu_s": plan.cpu_seconds * min(cells, 4) + 2, "wall_s": self._wall_seconds * min(cells, 4) + 2}
        return {
            **self._sent(plan),
            "submission": dataclasses.asdict(submission),
            "names": needs.said(plan, submission),
            "isolation": self._isolation,
            "hidden": [str(self._course)],
            "readable": self._readable,
            "environment": {"NBGRADER_EXECUTION": "autograde"},
            "seed": zlib.crc32(f"{plan.unit}/{plan.notebook}/{submission.student}".encode()),
            "limits": limits,
            "wall_seconds": self._wall_seconds,
        }

    def _sent(self, plan: Plan) -> dict:
        """What the judge gets of a plan: all but the course's own answers, and its tests compiled. The last is kept."""
        kept = self._last_sent
        if kept[0] != plan.digest:
            from ..judging.judge import compiled_tests

            text = dataclasses.replace(plan, reference={}).json
            kept = self._last_sent = plan.digest, {"plan": text, "code": compiled_tests(plan)}
        return kept[1]

    def _listen(self, judge: socket.socket, verdict: Verdict) -> bool:
        while True:
            try:
                message = receive_json(judge)
            except OSError:
                message = None
            if message is None:
                return False
            if "fault" in message:
                kind = BadUnit if message.get("cell") else CannotStart
                raise kind(f"Grading cannot start: {message['fault']}.")
            if "verdict" in message:
                verdict.cells.append(CellVerdict(**message["verdict"]))
            elif "run" in message:
                verdict.runs.append(CellRun(**message["run"]))
            else:
                verdict.seconds = message["seconds"]
                return True


def _in_order(plan: Plan, verdict: Verdict) -> Verdict:
    """Put verdicts that were known and those that are new into the plan's order."""
    places = {cell.name: place for place, cell in enumerate(plan.cells) if cell.name}
    verdict.cells.sort(key=lambda cell: places[cell.name])
    verdict.runs.sort(key=lambda run: places[run.exercise])
    return verdict


def _deny_next(plan: Plan, verdict: Verdict) -> bool:
    """Give 0 to the first exercise without a verdict; False if there is none."""
    heard = {cell.name for cell in verdict.cells}
    for exercise in plan.exercises():
        silent = [plan.cells[place] for place in exercise.tests if plan.cells[place].name not in heard]
        if silent:
            message = "The judge of this exercise ended before its tests did: an instructor has to look at it."
            verdict.cells += [CellVerdict(cell.name, 0.0, cell.points, "died", message) for cell in silent]
            return True
    return False
