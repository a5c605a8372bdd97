"""How time and memory grow with the class: a thousand, ten thousand made submissions of one unit, all distinct."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import threading
import time
from pathlib import Path

from ..units.unit import Unit
from .classes import CORES, STUDENTS, hand_in, mixed, new_course, ours, say

WIDTHS = (11, 10, 10, 12, 16, 16, 12)


def made(unit: Unit, count: int, seed: int, root: Path, folder: Path) -> dict:
    """Grade `count` submissions, all distinct; seconds a submission, memory early and late, in MiB."""
    course = new_course(folder / "course", unit, root)
    written = mixed(unit, STUDENTS, seed, root)
    patterns = list(written.values())
    hand_in(course, unit, {
        f"student-{number:05}": {slug: f"{text}\n# {number}" for slug, text in patterns[number % STUDENTS].items()}
        for number in range(count)
    })  # fmt: skip
    say(f"{unit.name}: {count} submissions handed in")
    found = ours(course, unit, CORES, _Memory)
    size = sum(path.stat().st_size for path in course.glob("gradebook.db*"))
    page = class_page(course, unit)
    shutil.rmtree(folder)
    return {
        "submissions": count, "wall_s": found["wall_s"], "cpu_s": found["cpu_s"] / count, "memory": found["memory"],
        "each_s": (found["wall_s"] - found["start_s"]) / count, "gradebook_mib": size / (1 << 20), "class_page_s": page,
    }  # fmt: skip


class _Memory:
    """Looks at the memory of the writer and of the prepared process below its launcher, and sums up what they used."""

    EVERY_S = 1.0

    def __init__(self, process: subprocess.Popen):
        self._process, self._seen = process, []
        self._before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        import psutil

        with_us = psutil.Process(self._process.pid)
        while self._process.poll() is None:
            try:
                prepared = [below.memory_info().rss for launcher in with_us.children() for below in launcher.children()]
                self._seen.append((with_us.memory_info().rss, max(prepared, default=0)))
            except psutil.Error:
                break
            time.sleep(self.EVERY_S)

    def __call__(self) -> dict:
        self._thread.join()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = sum(getattr(after, f) - getattr(self._before, f) for f in ("ru_utime", "ru_stime"))
        early, late = (
            self._seen[int(len(self._seen) * a) : int(len(self._seen) * b) + 1] for a, b in ((0.2, 0.3), (0.8, 0.95))
        )
        told = {
            name: {"early": max(one[i] for one in early) / (1 << 20), "late": max(one[i] for one in late) / (1 << 20)}
            for i, name in enumerate(("writer", "prepared"))
        }
        return {"memory": told, "cpu_s": used}


def class_page(course: Path, unit: Unit) -> float:
    """Seconds that nbgrader's API takes for formgrader's page of all submissions of an assignment."""
    from nbgrader.api import Gradebook  # noqa: F401  (imported before the clock starts)
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    from course_grader.course import plan as plans

    settings = plans.settings(course)
    api = NbGraderAPI(settings.coursedir, config=Config(settings.config))
    started = time.perf_counter()
    api.get_submissions(unit.name)
    return time.perf_counter() - started


def show_made(results: list[dict]) -> None:
    """How time and memory grow with the class."""
    heads = zip(
        ("submissions", "wall", "each", "writer CPU", "writer, MiB", "prepared, MiB", "class page"), WIDTHS, strict=True
    )
    print("\n" + "".join(f"{head:>{width}}" for head, width in heads))
    for one in results:
        memory = ["{early:.0f} -> {late:.0f}".format(**one["memory"][name]) for name in ("writer", "prepared")]
        print(
            f"{one['submissions']:11}{one['wall_s']:8.0f} s{one['each_s']:8.3f} s{one['cpu_s']:10.3f} s"
            f"{memory[0]:>16}{memory[1]:>16}{one['class_page_s']:10.1f} s"
        )
    print(json.dumps({"made": results}))
