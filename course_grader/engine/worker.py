"""What a worker does: one submission in, its verdicts out. It reads no file of the course and writes nothing.

`judge` is a pure function from JSON to JSON, so it runs in a thread of this process or on another machine. Each process
keeps its engine from one call to the next, because starting one takes seconds, and all its threads use the same one:
the work is done in processes that the engine's prepared process forks, and a thread only waits for their answer.
"""

from __future__ import annotations

import json
import tempfile
import threading
from functools import lru_cache

from ..contracts import CannotStart, CellRun, CellVerdict, GraderError, Plan, Submission, Verdict
from ..judging import fingerprint as keys
from . import engine as engines

_engines: dict[tuple, engines.Engine] = {}  # by course folder, isolation and libraries; started, perhaps not yet ready
_turn = threading.Lock()


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
        engine = _ready(asked["course"], asked["isolation"], plans)
        return json.dumps({"verdicts": [_judged(engine, one) for one in asked["notebooks"]]})
    except CannotStart as error:
        return json.dumps({"fatal": str(error)})
    except engines.EngineDied:
        raise  # whoever gave the job gives it again
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


def start(course: str, isolation: str, libraries: tuple) -> engines.Engine:
    """Begin to start the engine that jobs with these settings will need, and return it; no second one is made."""
    with _turn:
        key = course, isolation, libraries
        if key not in _engines:
            _engines[key] = engines.Engine(course or _empty(), isolation, libraries=libraries)
            _engines[key].start()
        return _engines[key]


def _ready(course: str, isolation: str, plans: list[Plan]) -> engines.Engine:
    """The engine for these plans, when it can judge."""
    try:
        engine = start(course, isolation, tuple(plans[0].libraries))
        for plan in plans:
            engine.prepare(plan)
    except engines.EngineDied:
        raise
    except GraderError as error:
        raise CannotStart(str(error)) from None
    return engine


@lru_cache
def _empty() -> str:
    """A folder with nothing in it, for a machine without the course."""
    return tempfile.mkdtemp(prefix="no-course-")


def close(but: tuple | None = None) -> None:
    """End the engines of this process, and what they have under way; `but`: not the one with these settings."""
    with _turn:
        ended = [_engines.pop(key) for key in list(_engines) if key != but]
    for engine in ended:
        engine.close()


def _here() -> str:
    import socket

    return f"A worker on {socket.gethostname()}"
