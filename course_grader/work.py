"""What a worker does: one submission in, its verdicts out. It reads no file of the course and writes nothing.

`judge` is a pure function from JSON to JSON, so it runs here, in a process of this machine, or on another machine. Each
process keeps its engines from one call to the next: starting one takes seconds.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import tempfile
import threading
from functools import lru_cache

from . import keys, needs
from .model import CellRun, CellVerdict, GraderError, Plan, Submission, Verdict

_idle: dict[tuple, list] = {}  # engines by course folder, isolation and modules
_turn = threading.Lock()  # a Dask worker may have several threads; each has an engine of its own while it judges


def job(course: str, isolation: str, notebooks: list[dict]) -> str:
    """What `judge` takes, as JSON. notebooks: see `notebook`; course: its folder, "" where a worker has none."""
    version = "" if course else keys.grader_version()  # a worker beside the course has the same files
    return json.dumps({"version": version, "course": course, "isolation": isolation, "notebooks": notebooks})


def judge(text: str) -> str:
    """Judge one student's notebooks.

    Returns JSON: {"verdicts": [...]}, {"error": sentence} if this submission cannot be judged, or {"fatal": sentence}
        if none can be judged here.
    """
    asked = json.loads(text)
    if asked["version"] not in ("", keys.grader_version()):
        return json.dumps({"fatal": f"{_here()} has another version of the grader or of its libraries: {_MEND}"})
    try:
        plans = [_plan(one["plan"]) for one in asked["notebooks"]]
        libraries, also = (
            plans[0].libraries,
            tuple(dict.fromkeys(name for plan in plans for name in needs.imports(plan))),
        )
        with _engine(asked["course"], asked["isolation"], libraries, also) as engine:
            return json.dumps({"verdicts": [_judged(engine, one) for one in asked["notebooks"]]})
    except _CannotStart as error:
        return json.dumps({"fatal": str(error)})
    except GraderError as error:
        return json.dumps({"error": str(error)})


_MEND = "install the same ones as on the machine that records the points."


def _judged(engine, asked: dict) -> dict:
    from dataclasses import asdict

    plan, submission, known = _plan(asked["plan"]), Submission.from_data(asked["submission"]), asked["known"]
    if known is None:
        return asdict(engine.grade(plan, submission))
    cells, runs = [CellVerdict(**one) for one in known["cells"]], [CellRun(**one) for one in known["runs"]]
    known = Verdict(plan.unit, plan.notebook, submission.student, cells, runs)
    return asdict(engine.grade(plan, submission, known))


@lru_cache(maxsize=16)
def _plan(text: str) -> Plan:
    return Plan.from_json(text)


# -- engines -----------------------------------------------------------------------------------------------------------


class _CannotStart(GraderError):
    """The engine does not start, or the sandbox does not hold."""


@contextlib.contextmanager
def _engine(course: str, isolation: str, libraries: tuple, also: tuple):
    """An engine of this process that nobody uses meanwhile; a new one if there is none."""
    with _turn:
        waiting = _idle.setdefault((course, isolation, libraries, also), [])
        engine = waiting.pop() if waiting else None
    engine = engine or _started(course, isolation, libraries, also)
    try:
        yield engine
    finally:
        with _turn:
            waiting.append(engine)


def _started(course: str, isolation: str, libraries: tuple, also: tuple):
    from . import engine as engines

    try:
        return engines.Engine(course or _empty(), isolation, libraries=libraries, also=also).__enter__()
    except GraderError as error:
        raise _CannotStart(str(error)) from None


@lru_cache
def _empty() -> str:
    """A folder with nothing in it, for a machine without the course."""
    return tempfile.mkdtemp(prefix="no-course-")


def close() -> None:
    """End the engines that this process does not use now."""
    with _turn:
        engines = [engine for waiting in _idle.values() for engine in waiting]
        _idle.clear()
    for engine in engines:
        engine.close()


def _here() -> str:
    import socket

    return f"A worker on {socket.gethostname()}"


# -- worker processes of this machine ----------------------------------------------------------------------------------


def begin(grader: int) -> None:
    """Called once in a new worker process: Ctrl-C is the grader's business, and with the grader this process ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "pidfd_open"):
        alive = os.pidfd_open(grader)
        if os.getppid() != grader:
            os._exit(1)
        threading.Thread(target=_end_with, args=(alive,), daemon=True).start()


def _end_with(alive: int) -> None:
    poll = select.poll()
    poll.register(alive, select.POLLIN)
    poll.poll()
    os._exit(1)
