"""What a worker does: one submission in, its verdicts out. It reads no file of the course and writes nothing.

Each process keeps its engine from one call to the next, because starting one takes seconds, and all its threads use the
same one: the work is done in processes that the engine's prepared process forks, and a thread only waits for their
answer. So an engine is held here and nowhere else.
"""

from __future__ import annotations

import json
import tempfile
import threading
from dataclasses import asdict, dataclass
from functools import lru_cache

from ..contracts import CannotStart, GraderError, Plan, Submission, Verdict
from ..judging import fingerprint
from . import engine as engines

_engines: dict[tuple, engines.Engine] = {}  # by course folder, isolation and libraries; started, perhaps not yet ready
_turn = threading.Lock()


@dataclass(frozen=True)
class Job:
    """One student's notebooks, to be judged.

    course: the course's folder, "" where the worker has none; isolation: see `Engine`
    notebooks: each with what is known of its verdict already, None if nothing is
    """

    course: str
    isolation: str
    notebooks: tuple[tuple[Plan, Submission, Verdict | None], ...]


def judge(job: Job) -> list[Verdict]:
    """Judge one student's notebooks.

    Raises
    ------
    CannotStart
        Nobody can be judged here.
    EngineDied
        The engine was killed; the job may be given again.
    GraderError
        This submission cannot be judged.
    """
    engine = _ready(job)
    return [engine.grade(*notebook) for notebook in job.notebooks]


# -- to another machine and back ---------------------------------------------------------------------------------------


def packed(job: Job) -> str:
    """The job as JSON, for a worker that has no folder of the course and perhaps another version of the grader."""
    notebooks = [
        {"plan": plan.json, "submission": asdict(submission), "known": known and asdict(known)}
        for plan, submission, known in job.notebooks
    ]
    return json.dumps({"version": fingerprint.grader_version(), "isolation": job.isolation, "notebooks": notebooks})


def judge_packed(text: str) -> str:
    """`judge` from JSON to JSON: {"verdicts": [...]}, {"error": sentence} or {"fatal": sentence}."""
    asked = json.loads(text)
    if asked["version"] != fingerprint.grader_version():
        return json.dumps({"fatal": f"{_here()} has another version of the grader or of its libraries: {_MEND}"})
    notebooks = tuple(
        (_plan(one["plan"]), Submission.from_data(one["submission"]), one["known"] and Verdict.from_data(one["known"]))
        for one in asked["notebooks"]
    )
    try:
        return json.dumps({"verdicts": [asdict(one) for one in judge(Job("", asked["isolation"], notebooks))]})
    except CannotStart as error:
        return json.dumps({"fatal": str(error)})
    except engines.EngineDied:
        raise  # whoever gave the job gives it again
    except GraderError as error:
        return json.dumps({"error": str(error)})


_MEND = "install the same ones as on the machine that records the points."


def unpacked(text: str) -> list[Verdict]:
    """What `judge` would have returned, or raised, where the text of `judge_packed` comes back."""
    answer = json.loads(text)
    if "fatal" in answer:
        raise CannotStart(answer["fatal"])
    if "error" in answer:
        raise GraderError(answer["error"])
    return [Verdict.from_data(data) for data in answer["verdicts"]]


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


def _ready(job: Job) -> engines.Engine:
    """The engine for these plans, when it can judge."""
    plans = [plan for plan, _, _ in job.notebooks]
    try:
        engine = start(job.course, job.isolation, tuple(plans[0].libraries))
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
