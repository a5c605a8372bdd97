"""What is said about a run: how fast it goes, and what the class made of each exercise; in memory of fixed size."""

from __future__ import annotations

import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field

from ..contracts import Plan, Verdict
from ..words import title

EVERY_S = 0.5  # between two lines of progress
RECENT = 200  # results that the rate is taken from
MESSAGES = 1000  # different messages that are counted for an exercise


class Progress:
    """Lines on stderr: how many of how many, the rate, the time that is left."""

    def __init__(self, total: int, now=time.monotonic):
        self._total, self._now = total, now
        self._times = deque(maxlen=RECENT)
        self._last, self.done = float("-inf"), 0

    def step(self) -> None:
        """One more is done."""
        self.done += 1
        self._times.append(self._now())
        if self._times[-1] - self._last >= EVERY_S or self.done == self._total:
            self._last = self._times[-1]
            print(self.line(), file=sys.stderr, flush=True)

    def line(self) -> str:
        told = f"{self.done} of {self._total}"
        if len(self._times) < 2:
            return told
        rate = (len(self._times) - 1) / max(self._times[-1] - self._times[0], 1e-3)
        return f"{told}, {60 * rate:.0f} a minute, {_clock((self._total - self.done) / rate)} left"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@dataclass
class _Row:
    notebook: str
    exercise: str
    tests: set[str]
    most: float
    points: float = 0.0
    count: int = 0
    full: int = 0
    messages: Counter = field(default_factory=Counter)


class Summary:
    """Mean, share of full points and commonest message of each exercise, of all verdicts that were added."""

    def __init__(self, plans: dict[str, Plan]):
        self._rows: dict[str, list[_Row]] = {}
        for name, plan in plans.items():
            for exercise in plan.exercises():
                tests = [plan.cells[place] for place in exercise.tests]
                most = sum(cell.points for cell in tests)
                row = _Row(name, title(plan, exercise), {cell.name for cell in tests}, most)
                self._rows.setdefault(name, []).append(row)

    def add(self, verdict: Verdict) -> None:
        """Count one notebook of one student."""
        for row in self._rows.get(verdict.notebook, []):
            found = [cell for cell in verdict.cells if cell.name in row.tests]
            points = sum(cell.points for cell in found)
            row.count, row.points, row.full = row.count + 1, row.points + points, row.full + (points >= row.most)
            row.messages.update([cell.message for cell in found if cell.message][:1])
            if len(row.messages) > MESSAGES:
                row.messages = Counter(dict(row.messages.most_common(MESSAGES // 2)))

    def data(self) -> list[dict]:
        """A dictionary for each exercise; message: what most of those were told who did not get full points."""
        made = []
        for row in (row for rows in self._rows.values() for row in rows if row.count):
            message, times = row.messages.most_common(1)[0] if row.messages else ("", 0)
            made.append({
                "notebook": row.notebook, "exercise": row.exercise, "submissions": row.count, "max_points": row.most,
                "mean": row.points / row.count, "full": row.full / row.count, "message": message, "times": times,
            })  # fmt: skip
        return made
