"""Where submissions are judged: on this machine, or on a Dask cluster.

Both take jobs one by one, hold a few of them at a time, and give results as they come, so memory does not depend on the
size of the class; both give futures, and one loop serves both. Here a thread waits for each submission that is judged:
the work itself is done in processes that one prepared process forks, so worker processes of our own would only cost
their start. (joblib, tried first, took 6 s for it with two workers; its Dask backend does not notice a scheduler that
goes away.)
"""

from __future__ import annotations

import contextlib
import queue
import sys
import time
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..contracts import CannotStart, GraderError, Verdict
from . import worker
from .engine import EngineDied

CONNECT_S = 10  # how long to try to reach a scheduler
PATIENCE_S = 60.0  # how long a cluster may give no sign before the run ends
DIED = "The process that graded this ended {} times: look for a lack of memory, then grade it alone with --student."


@dataclass
class _Given:
    tag: object
    job: worker.Job
    tries: int = 0


class _Futures:
    """A pool that gives futures. Subclasses say how."""

    def room(self) -> int:
        """How many jobs to hold at a time."""
        raise NotImplementedError

    def submit(self, job: worker.Job):
        """Start a job; a future."""
        raise NotImplementedError

    def verdicts(self, future) -> list[Verdict]:
        """What a future has to say; raises what `worker.judge` does, or what the way there has added."""
        return future.result()

    def idle(self) -> None:
        """Called while nothing comes back; may raise GraderError when nothing will."""

    def close(self) -> None:
        raise NotImplementedError

    def stream(self, jobs: Iterable[tuple]) -> Iterator[tuple]:
        """(tag, result) for each (tag, job), in any order; a job of None has the result None at once.

        A result is the job's verdicts, or a GraderError that says why there are none.

        Raises
        ------
        CannotStart
            Nobody can be judged.
        """
        jobs = iter(jobs)
        done: queue.SimpleQueue = queue.SimpleQueue()
        again: deque[_Given] = deque()  # under way when a worker died: one at a time, to find the culprit
        under_way: dict[object, _Given] = {}
        left = True
        while left or again or under_way:
            careful = any(one.tries for one in (*again, *under_way.values()))
            while len(under_way) < (1 if careful else self.room()) and (again or left):
                one = again.popleft() if again else None
                if one is None:
                    tag, job = next(jobs, (None, None))
                    if tag is None:
                        left = False
                        break
                    if job is None:
                        yield tag, None
                        continue
                    one = _Given(tag, job)
                self._start(one, under_way, done)
                careful = careful or bool(one.tries)
            if not under_way:
                continue
            try:
                future = done.get(timeout=1.0)
            except queue.Empty:
                self.idle()
                continue
            one = under_way.pop(future, None)
            if one is not None:
                yield from self._ended(one, future, again)

    def _start(self, one: _Given, under_way: dict, done: queue.SimpleQueue) -> None:
        future = self.submit(one.job)
        under_way[future] = one
        future.add_done_callback(done.put)

    def _ended(self, one: _Given, future, again: deque) -> Iterator[tuple]:
        try:
            yield one.tag, self.verdicts(future)
        except CannotStart:
            raise
        except Exception as error:
            if self.is_lost(error, future):
                one.tries += self.blames(error)
                if one.tries < self.tries:
                    again.append(one)
                    return
                error = GraderError(DIED.format(one.tries))
            elif not isinstance(error, GraderError):
                told = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
                error = GraderError(f"The grader itself failed on this submission ({told}): please report it.")
            yield one.tag, error

    tries = 3  # how often a submission may bring its worker down before it is given up

    def is_lost(self, error: BaseException, future) -> bool:
        """Did the job not come to an end? Then it is sent once more."""
        return isinstance(error, EngineDied)

    def blames(self, error: BaseException) -> bool:
        """May the job itself be why its worker was lost?"""
        return True


class Local(_Futures):
    """Judges `jobs` submissions at a time on this machine.

    stay: leave the engine running for whoever grades next in this process
    """

    def __init__(self, jobs: int, stay: bool = False):
        self._jobs, self._stay, self._threads = jobs, stay, ThreadPoolExecutor(jobs)
        self._given = weakref.WeakSet()

    def room(self) -> int:
        return 2 * self._jobs

    def submit(self, job: worker.Job):
        future = self._threads.submit(worker.judge, job)
        self._given.add(future)
        return future

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        if not self._stay or any(not future.done() for future in self._given):
            worker.close()  # and what the threads wait for ends
        self._threads.shutdown(wait=True)


class Cluster(_Futures):
    """The workers of a Dask scheduler, however many there are at the time."""

    tries = 2  # Dask itself has tried four workers each time

    def __init__(self, address: str, say=None):
        try:
            import distributed
        except ImportError:
            raise GraderError("--cluster needs the package distributed: pip install distributed.") from None
        self._distributed, self._address = distributed, address
        self._say = say or (lambda line: print(line, file=sys.stderr, flush=True))
        self._client = None
        self._silent_since, self._told = None, ""
        self._cores, self._asked = 0, 0.0
        self._connect(CONNECT_S)

    def _connect(self, patience: float) -> None:
        try:
            self._client = self._distributed.Client(
                self._address, timeout=patience, set_as_default=False, name="course-grader"
            )
        except (OSError, ValueError, TimeoutError) as error:
            told = " ".join(str(error).split())[:120]
            raise GraderError(f"No Dask scheduler answers at {self._address} ({told}): start one.") from None

    def verdicts(self, future) -> list[Verdict]:
        return worker.unpacked(future.result())

    def is_lost(self, error: BaseException, future) -> bool:
        """A future that is not in error, and has no answer, was left behind by a scheduler that went away."""
        return self.blames(error) or (future.status != "error" and not isinstance(error, GraderError))

    def blames(self, error: BaseException) -> bool:
        return isinstance(error, EngineDied | self._distributed.KilledWorker)

    def room(self) -> int:
        return max(4, 2 * self._count_cores())

    def _count_cores(self) -> int:
        if time.monotonic() - self._asked > 1.0:
            self._asked = time.monotonic()
            with contextlib.suppress(Exception):
                self._cores = sum(self._client.ncores().values())
        return self._cores

    def submit(self, job: worker.Job):
        text = worker.packed(job)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            if self._client.status == "running":
                with contextlib.suppress(Exception):
                    self._silent_since = None
                    return self._client.submit(worker.judge_packed, text, pure=False)
            if time.monotonic() > deadline:
                raise GraderError(self._gone())
            self._tell(f"the scheduler at {self._address} is away: waiting for it")
            self._reconnect()

    def _reconnect(self) -> None:
        time.sleep(0.5)
        if self._client.status in ("closed", "closing"):
            with contextlib.suppress(GraderError):
                self._connect(5)

    def idle(self) -> None:
        """Nothing came for a second: is there anybody who works?"""
        working = self._client.status == "running" and self._count_cores() > 0
        if working:
            self._silent_since, self._told = None, ""
            return
        self._silent_since = self._silent_since or time.monotonic()
        self._tell(f"no worker is connected to {self._address}: waiting for one")
        if time.monotonic() - self._silent_since > PATIENCE_S:
            raise GraderError(self._gone())

    def _gone(self) -> str:
        return (
            f"The cluster at {self._address} has given no sign for {PATIENCE_S:.0f} s: start its scheduler and its "
            "workers, then run this again; what was graded so far is recorded."
        )

    def _tell(self, line: str) -> None:
        if line != self._told:
            self._told = line
            self._say(line)

    def close(self) -> None:
        with contextlib.suppress(Exception):
            if self._client.status == "running":
                self._client.run(worker.close, on_error="ignore")
        with contextlib.suppress(Exception):
            self._client.close(5)
