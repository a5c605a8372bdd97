"""The judge's process: holds the tests, runs them on remote values, and says what came of them.

It never runs a line of a student's. A test cell has passed when its code ran to the end here and no assert failed, here
or in a function that the answer called back; everything else, silence included, has not.
"""

from __future__ import annotations

import base64
import contextlib
import io
import linecache
import marshal
import math
import resource
import secrets
import socket
import sys
import time
import traceback
import types
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..causes import ENDINGS, LATE
from ..contracts import OUTPUT_CHARS, REST_LEFT_OUT, STUDENT, CellRun, CellVerdict, Exercise, Plan, PlanCell, Submission
from ..wire.channel import Closed, ProtocolError, Silent
from ..wire.codec import CodecError
from ..wire.json_frames import receive_json, send_json
from . import needs
from .base import setup_fault
from .cells import OutOfTime as JudgeOutOfTime
from .cells import compile_cell, interruptible, run_compiled, start_timers, stop_timers
from .magics import PARSING
from .remote import Judge, OutOfTime, Probe, Unsupported

MESSAGE = 2_000
JUDGE_CPU = 4.0  # a test may take that many times the CPU time that an answer may
STUCK_S = 10  # CPU seconds more than that, for a test in a library's loop that no timer interrupts: the judge ends
MEMORY = 3 << 30  # bytes that tests may take: an answer might make them ask for much
GENEROUS = 3.0  # the judge waits that many times the wall-clock limit before it takes a process for stuck
BUSY = 4.0  # seconds on the clock that a second of CPU time is worth: load must not change a grade
OUTPUTS_CHARS = 40_000_000  # of what all cells show together


class SetupFails(Exception):
    """A setup cell of the course's own does not run; the message says which, and why."""


@dataclass
class Attempt:
    """What came of one run of an exercise."""

    verdicts: list[CellVerdict] = field(default_factory=list)
    runs: list[dict] = field(default_factory=list)

    @property
    def points(self) -> float:
        return sum(verdict.points for verdict in self.verdicts)

    @property
    def passed(self) -> bool:
        return all(verdict.passed for verdict in self.verdicts)


def main(grader: socket.socket, base: socket.socket, shell) -> None:
    """Judge one submission: the job comes from the grader as JSON, verdicts go back one by one.

    shell: IPython's, for magics in setup cells; no line of a student's runs in this process
    """
    job = receive_json(grader)
    if job is None:
        return
    _limit()
    plan, submission = Plan.from_json(job["plan"]), Submission.from_data(job["submission"])
    needs.know(plan, submission, job["names"])
    Session(grader, base, plan, submission, job, shell).run()


def _limit() -> None:
    """What comes from a student may be a number that makes a test work for ever, or ask for all memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    sys.setrecursionlimit(10_000)


class Session:
    """The judging of one submission."""

    def __init__(self, grader, base, plan: Plan, submission: Submission, job: dict, shell):
        self.grader, self.base, self.plan, self.submission, self.job = grader, base, plan, submission, job
        self._shell = shell
        self.channel: Judge | None = None
        self.seconds = {"fork": 0.0, "sandbox": 0.0, "student": 0.0}
        self._started = time.monotonic()
        self._is_last_wait = False  # would silence now be the end of the submission's time?
        self._room = OUTPUTS_CHARS
        # A class's name may be shown if the task asks for it, or if it is a library's: a name made up during a test
        # call could carry what the test passed in.
        code = [cell.source for cell in plan.cells if cell.cell_type == "code"]
        self.words = _library_words().union(*(needs.Names.of(source).bound for source in code))

    def run(self) -> None:
        setup = [(cell.name, cell.source) for cell in self.plan.cells if cell.kind == "setup"]
        limits, passed_on = (
            self.job["limits"],
            ("isolation", "hidden", "readable", "environment", "wall_seconds", "seed"),
        )
        send_json(
            self.base,
            {name: self.job[name] for name in passed_on}
            | {"setup": setup, "limits": limits, "cpu_seconds": self.plan.cpu_seconds},
        )
        try:
            self.namespace = self._judge_setup(setup)
        except SetupFails as error:
            send_json(self.grader, {"fault": str(error), "cell": True})
            return
        names = set(self.namespace)
        self.cells = needs.student_cells(self.plan, self.submission)
        answer = receive_json(self.base)
        if answer is None or "fault" in answer:
            answer = answer or {"fault": "the sandboxed process died at its start"}
            send_json(self.grader, {"fault": answer["fault"], "cell": answer.get("cell", False)})
            return
        self.seconds["sandbox"] += answer["ready"]
        done = set(self.job["done"])
        for exercise in self.plan.exercises():
            if not done.issuperset(self.plan.cells[place].name for place in exercise.tests):
                self._report(self._exercise(exercise, names), self.plan.cells[exercise.first].name)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        self.seconds["judge"] = usage.ru_utime + usage.ru_stime
        send_json(self.grader, {"seconds": self.seconds})

    def _report(self, attempt: Attempt, exercise: str) -> None:
        for verdict in attempt.verdicts:
            send_json(self.grader, {"verdict": asdict(verdict)})
        for run in attempt.runs:
            send_json(self.grader, {"run": run | {"exercise": exercise}})

    def _judge_setup(self, setup) -> dict:
        """The setup cells' names on this side, with probes in place of the functions marked @student_side."""
        module = sys.modules["__main__"] = types.ModuleType("__main__")
        module.display = lambda *_, **__: None
        self._visible = _hand_checks(lambda function: Probe(lambda: self.channel, function))
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            for name, source in setup:
                try:
                    _run(self._plain(source, module), name, module.__dict__)
                except BaseException as error:  # SystemExit, too: it would end the judge without a word
                    raise SetupFails(setup_fault(name, error)) from None
        return module.__dict__

    def _plain(self, source: str, module: types.ModuleType) -> str:
        """A setup cell as plain Python; where it has magics, `get_ipython` means a shell that works on these names."""
        text = self._shell.transform_cell(source)
        if text.strip() != source.strip():
            self._shell.user_module, self._shell.user_ns = module, module.__dict__
            module.get_ipython = lambda: self._shell
        return text

    # -- one exercise ----------------------------------------------------------------------------------------------

    def _exercise(self, exercise: Exercise, setup: set[str]) -> Attempt:
        if self._seconds_left() <= 0:
            tests = [self.plan.cells[place] for place in exercise.tests]
            return Attempt([CellVerdict(cell.name, 0.0, cell.points, "time", LATE) for cell in tests])
        names = needs.remote_names(self.plan, exercise, setup)
        waiting = needs.attempts(self.plan, exercise, self.cells, names, setup)
        before, best, causes = dict(self.namespace), None, []
        while waiting:
            cells = waiting.pop(0)
            self.namespace.clear()
            self.namespace.update(before)
            attempt = self._attempt(exercise, cells, names)
            causes.append(next((one.cause for one in attempt.verdicts if one.cause), ""))
            if best is None or attempt.points > best.points:
                attempt.runs = attempt.runs or (best.runs if best else [])
                best = attempt
            # A process whose own timers were silent, too, has switched them off: no busy machine explains that.
            if attempt.passed or self.channel.is_silent or self._seconds_left() <= 0:
                break
            if causes == ["time"]:
                waiting.insert(0, cells)  # once more, before it is believed
        if len(causes) > 1:
            for verdict in best.verdicts:
                verdict.attempts = causes
        return best

    def _attempt(self, exercise: Exercise, cells, names: list[str]) -> Attempt:
        """Run the cells in a process of their own, then the tests on what they left."""
        send_json(self.base, {"cells": [(cell.name, cell.source) for cell in cells]})
        _, descriptors, _, _ = socket.recv_fds(self.base, 1, 1)
        connection = socket.socket(fileno=descriptors[0])
        attempt, tests = Attempt(), [self.plan.cells[place] for place in exercise.tests]
        self.channel = Judge(connection, self.words)
        try:
            attempt.runs = self._ready(exercise, cells)
            self._bind(names)
            for place, cell in enumerate(tests):
                beside = cell.name in self.job["beside"]
                attempt.verdicts.append(self._beside(tests[: place + 1]) if beside else self._test(cell))
                if attempt.verdicts[-1].cause in ("died", "tampered") or self.channel.is_silent:
                    break
        except BaseException as error:
            attempt.verdicts.append(self._fallen(tests[len(attempt.verdicts)], error))
        connection.close()
        send_json(self.base, {"end": True})
        ended = receive_json(self.base) or {"cause": "died", "cpu_s": 0.0, "fork_s": 0.0}
        self.seconds["student"] += ended["cpu_s"]
        self.seconds["fork"] += ended["fork_s"]
        self._settle(attempt, tests, ended)
        return attempt

    def _ready(self, exercise: Exercise, cells) -> list[dict]:
        """Wait until the cells have run; how this exercise's own cells did."""
        self._patience(len(cells))
        kind, runs = self.channel.receive()
        if kind != "ready":
            raise ProtocolError("no report of how the cells ran")
        found = []
        for run in runs if type(runs) is list else []:
            found.append(_cell_run(run, min(OUTPUT_CHARS, self._room)))
            self._room -= _chars(found[-1]["outputs"])
        if [run["name"] for run in found] != [cell.name for cell in cells]:
            raise ProtocolError("a report about other cells than were run")
        own = {cell.name for cell in cells if cell.kind == "added"}
        own |= {self.plan.cells[place].name for place in exercise.answers}
        return [run for run in found if run["name"] in own]

    def _patience(self, cells: int = 1) -> None:
        patience, left = GENEROUS * self.job["wall_seconds"] * max(1, cells), self._seconds_left()
        self._is_last_wait = left < patience
        self.channel.deadline = time.monotonic() + min(patience, left)

    def _seconds_left(self) -> float:
        """Of the submission's time on the clock. What computes gets more, since the machine may be busy; what sleeps
        does not."""
        busy = self.seconds["student"] + time.process_time()
        return self._started + self.job["submission_seconds"] + BUSY * busy - time.monotonic()

    def _bind(self, names: list[str]) -> None:
        """Put the student's names into the tests' namespace; a name that they did not define is not defined here."""
        for name in names:
            self.namespace.pop(name, None)
        values = self.channel.request("names", names)
        if type(values) is not dict or not set(values) <= set(names):
            raise ProtocolError("names that nobody asked for")
        self.namespace.update(values)

    def _test(self, cell: PlanCell) -> CellVerdict:
        started, printed = time.process_time(), io.StringIO()
        verdict = CellVerdict(cell.name, 0.0, cell.points)
        if self._visible is not None:
            self._visible.reveal = not cell.hidden  # whatever its author wrote
        self._patience()
        self.channel.failed = None
        start_timers(JUDGE_CPU * self.plan.cpu_seconds, GENEROUS * self.job["wall_seconds"])
        most = int(started + JUDGE_CPU * self.plan.cpu_seconds) + STUCK_S
        resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
                self.channel.request("cell")
                with interruptible():
                    value = _run(cell.source, cell.name, self.namespace, self.job["code"].get(cell.name))
            if self.channel.failed is not None:
                raise self.channel.failed
            verdict.points = self._points(value, cell)
        except BaseException as error:
            self._explain(verdict, cell, error)
        stop_timers()
        verdict.cpu_s = time.process_time() - started
        verdict.output = "" if cell.hidden else printed.getvalue()[:MESSAGE]
        return verdict

    def _points(self, value, cell: PlanCell) -> float:
        """Points of a test that ran to its end; a plain nbgrader test may name them in its last expression."""
        if self.plan.allow_student_process:
            return _score(value, cell.points)
        if value is not None:
            # It might be the answer that names the score.
            raise AssertionError("the test cell ends in a value, which would be read as a score")
        return cell.points

    def _fallen(self, cell: PlanCell, error: BaseException) -> CellVerdict:
        verdict = CellVerdict(cell.name, 0.0, cell.points)
        self._explain(verdict, cell, error)
        return verdict

    def _explain(self, verdict: CellVerdict, cell: PlanCell, error: BaseException) -> None:
        """Cause and message of a test that did not pass, without a value of a hidden test or from one."""
        verdict.cause, verdict.message = explain(error, cell, getattr(error, "from_student", False))
        if isinstance(error, Silent) and self._is_last_wait:
            verdict.message = LATE
        verdict.detail = f"{type(error).__name__}: {error}"[:MESSAGE] + _line_of(error, cell)

    def _settle(self, attempt: Attempt, tests: list[PlanCell], ended: dict) -> None:
        """What the end of the process says about tests that it did not live to see."""
        if any(verdict.cause == "died" for verdict in attempt.verdicts):
            cause = ended["cause"] or "died"
            for verdict in attempt.verdicts:
                if verdict.cause == "died":
                    verdict.cause, verdict.message = cause, ENDINGS[cause]
        last = attempt.verdicts[-1]
        for cell in tests[len(attempt.verdicts) :]:
            attempt.verdicts.append(CellVerdict(cell.name, 0.0, cell.points, last.cause, last.message, last.detail))
        for verdict, cell in zip(attempt.verdicts, tests, strict=True):
            if not verdict.passed and self._blank(cell):
                verdict.cause, verdict.message = "unanswered", ENDINGS["unanswered"]

    def _blank(self, test: PlanCell) -> bool:
        """Has the student left all answers of this test as they were released?"""
        for exercise in self.plan.exercises():
            if any(self.plan.cells[place] is test for place in exercise.tests):
                answers = [self.plan.cells[place] for place in exercise.answers]
                same = [self.submission.answers.get(cell.name, "").strip() == cell.source.strip() for cell in answers]
                return bool(same) and all(same)
        return False

    # -- tests of plain nbgrader assignments -------------------------------------------------------------------------

    def _beside(self, tests: list[PlanCell]) -> CellVerdict:
        """Judge the last of these tests, one that cannot work on remote values, inside the student's process."""
        cell, token = tests[-1], secrets.token_hex(16)
        verdict = CellVerdict(cell.name, 0.0, cell.points, where=STUDENT)
        try:
            self._patience()
            self.channel.request("cell")
            answer = self.channel.request("tests", [test.source for test in tests], token)
            if type(answer) is not tuple or len(answer) != 2 or answer[0] != token:
                raise ProtocolError("no completion message of a test")
            verdict.points = _score(answer[1], cell.points)
        except BaseException as error:
            self._explain(verdict, cell, error)
        return verdict


# -- running a test cell -----------------------------------------------------------------------------------------------


def _run(source: str, name: str, namespace: dict, compiled: str | None = None):
    filename = f"<{name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)  # for inspect.getsource
    code = compile_cell(source, filename) if compiled is None else marshal.loads(base64.b64decode(compiled))
    return run_compiled(code, namespace)


def compiled_tests(plan: Plan) -> dict[str, str]:
    """The tests' code by name, so that not each judge has to compile it again."""
    found = {}
    for cell in plan.cells:
        if cell.kind == "test":
            # What does not compile, the judge says.
            with PARSING, contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
                code = marshal.dumps(compile_cell(cell.source, f"<{cell.name}>"))
                found[cell.name] = base64.b64encode(code).decode()
    return found


def _hand_checks(student_side):
    """Let this process's tests import checks made for it; the visible ones, None where a course has no checks."""
    with contextlib.suppress(ImportError):
        import course_utils
        from course_utils import check

        module, visible = check.for_judge(student_side)
        course_utils.check = sys.modules["course_utils.check"] = module
        return visible
    return None


def _score(value, points: float) -> float:
    """Points of a test that ran to its end: all, or those that its last expression names, as under nbgrader."""
    if type(value) in (int, float) and not isinstance(value, bool):
        if not (math.isfinite(value) and 0 <= value <= points):
            raise AssertionError("the test ended in a number that is no score")
        return float(value)
    return points


# -- messages ----------------------------------------------------------------------------------------------------------


def explain(error: BaseException, cell: PlanCell, from_student: bool) -> tuple[str, str]:
    """(cause, message for the student) of an exception that ended a test cell."""
    if isinstance(error, OutOfTime | JudgeOutOfTime | Silent):
        return "time", ENDINGS["time"]
    if isinstance(error, Closed):
        return "died", ENDINGS["died"]
    if isinstance(error, ProtocolError):
        return "tampered", ENDINGS["tampered"]
    if isinstance(error, CodecError) and not from_student:
        return "tampered", ENDINGS["tampered"]
    if isinstance(error, Unsupported):
        return "wrong", ENDINGS["unsupported"]
    if isinstance(error, MemoryError):
        return "memory", ENDINGS["memory"]
    return _explain_ordinary(error, cell, from_student)


def _explain_ordinary(error: BaseException, cell: PlanCell, from_student: bool) -> tuple[str, str]:
    name, text = type(error).__name__, str(error)[:MESSAGE]
    if isinstance(error, NotImplementedError) and from_student:
        return "error", "Your code raised NotImplementedError: delete that line once the answer is written."
    if name == "CheckFailed" and not from_student:
        return "wrong", text
    if from_student and cell.hidden:
        # Its text may hold what the test passed in.
        return "error", f"Your code raised {name} in a hidden test. Try it with other shapes and values."
    if isinstance(error, AssertionError):
        return "wrong", "A hidden test did not hold." if cell.hidden else text or "An assertion did not hold."
    if isinstance(error, NameError) and not from_student:
        return "error", f"{text}: it is expected to be defined by your answer." if not cell.hidden else _missing(error)
    return "error", f"{name} in a hidden test." if cell.hidden else f"{name}: {text}"


def _line_of(error: BaseException, cell: PlanCell) -> str:
    """The line of the test that an exception came from, for the instructor."""
    filename = f"<{cell.name}>"
    walked = traceback.walk_tb(error.__traceback__)
    numbers = [number for frame, number in walked if frame.f_code.co_filename == filename]
    if not numbers:
        return ""
    return f" [line {numbers[-1]}: {linecache.getline(filename, numbers[-1]).strip()[:200]}]"


def _missing(error: NameError) -> str:
    return f"{error.name!r} is not defined: it is expected from your answer."


def _cell_run(run, room: int) -> dict:
    """One cell's report, held against the form that it must have. room: characters that its outputs may have."""
    if type(run) is not dict or set(run) != {"name", "outputs", "error", "cpu_s"}:
        raise ProtocolError("a report of the wrong form")
    if [type(run[key]) for key in ("name", "outputs", "error", "cpu_s")] != [str, list, str, float]:
        raise ProtocolError("a report of the wrong form")
    if not (math.isfinite(run["cpu_s"]) and run["cpu_s"] >= 0):
        raise ProtocolError("a CPU time that is none")
    outputs = []
    for output in map(_output, run["outputs"][:1000]):
        room -= _chars([output])
        if room < 0:
            outputs.append({"output_type": "stream", "name": "stdout", "text": REST_LEFT_OUT})
            break
        outputs.append(output)
    return asdict(CellRun(run["name"], outputs, run["error"][:MESSAGE], run["cpu_s"]))


def _chars(outputs: list[dict]) -> int:
    """Characters of outputs that `_output` has made."""
    return sum(len(text) for one in outputs for text in (one.get("text", ""), *one.get("data", {}).values()))


def _output(output) -> dict:
    """One output in nbformat's form, with nothing in it but text and pictures."""
    if type(output) is not dict:
        raise ProtocolError("an output of the wrong form")
    if output.get("output_type") == "stream" and output.get("name") in ("stdout", "stderr"):
        text = output.get("text")
        if type(text) is str:
            return {"output_type": "stream", "name": output["name"], "text": text}
    data = output.get("data")
    if output.get("output_type") in ("display_data", "execute_result") and type(data) is dict:
        kept = {key: data[key] for key in ("text/plain", "image/png") if type(data.get(key)) is str}
        return {"output_type": "display_data", "data": kept, "metadata": {}}
    raise ProtocolError("an output of the wrong form")


def _library_words() -> set[str]:
    torch = sys.modules.get("torch")
    words = {"function", "type", "object", "method", "generator", "map", "filter", "zip", "module", "partial"}
    return words | (set(dir(torch.nn)) if torch else set())
