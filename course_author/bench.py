"""How fast a class is graded: `course-grader grade` and stock `nbgrader autograde`, side by side, on the same answers.

`make bench` makes a class for each chapter from the bank of right and wrong answers, grades it with both, compares all
points, runs the graded cells bare for the lower limit, and ends with one line of JSON. `make bench MADE="1000 10000"`
grades that many made submissions of one chapter, all distinct, and says how time and memory grow.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import nbformat
import numpy as np

from .answers import graded, read_bank
from .demo import make_course
from .release import environment, generate, try_own_answers
from .units import ROOT, Unit, UnitError, chosen_units, load_unit

CORES = 2
STUDENTS = 40
RIGHT = 0.6  # the share of right answers in a class; a third or so of real ones are wrong
OVERHEAD_S = 0.10  # core-seconds that a submission may cost beside its cells: our goal
WIDTHS = (11, 10, 10, 12, 16, 16, 12)
CELL_S = 5.0  # CPU time of a bare cell, as in the grader
GOALS = {"speedup": 50, "speedup_by_unit": 30, "speedup_without_examples": 20, "limit_ratio": 1.5}


# -- the class ---------------------------------------------------------------------------------------------------------


def mixed(unit: Unit, count: int, seed: int, root: Path) -> dict[str, dict[str, str]]:
    """Student -> answer cell -> source; each answer drawn from the bank, right or wrong."""
    rng = np.random.default_rng([seed, unit.chapter])
    banks = {exercise.slug: read_bank(unit.name, exercise.slug, root) for exercise in graded(unit)}
    found = {}
    for number in range(count):
        answers = {}
        for slug, bank in banks.items():
            wanted = rng.random() < RIGHT
            answers[slug] = str(rng.choice([one.source for one in bank if one.right == wanted]))
        found[f"student-{number:03}"] = answers
    return found


def hand_in(course: Path, unit: Unit, written: dict[str, dict[str, str]], examples: bool = True) -> None:
    """Write the submissions; examples: with the code cells that nbgrader does not know."""
    released = nbformat.read(course / "release" / unit.name / f"{unit.name}.ipynb", as_version=4)
    if not examples:
        released.cells = [cell for cell in released.cells if cell.cell_type != "code" or "nbgrader" in cell.metadata]
    text = json.dumps(released)
    for student, answers in written.items():
        notebook = nbformat.from_dict(json.loads(text))
        for cell in notebook.cells:
            cell.source = answers.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
        path = course / "submitted" / student / unit.name / f"{unit.name}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)


def new_course(folder: Path, unit: Unit, root: Path) -> Path:
    make_course(folder, [unit], root)
    generate(unit.name, folder)
    try_own_answers([unit.name], folder)  # as nbgrader's own command does with the course's settings
    return folder


def for_stock(course: Path, folder: Path) -> Path:
    """A copy of a released course with the settings of plain nbgrader."""
    shutil.copytree(course, folder)
    shutil.copy(ROOT / "stock_config.py", folder / "nbgrader_config.py")
    return folder


def points(course: Path, unit: Unit) -> dict[str, dict[str, float]]:
    """Student -> test -> points, from the gradebook."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        return {
            one.student.id: {grade.name: grade.auto_score for book_ in one.notebooks for grade in book_.grades}
            for one in book.assignment_submissions(unit.name)
        }


# -- ours --------------------------------------------------------------------------------------------------------------


def ours(course: Path, unit: Unit, jobs: int, watch=None) -> dict:
    """Grade what was handed in with `course-grader grade`. Seconds of the whole command, and until the first verdict.

    watch: called with the running process; what it returns is called at the end, for its findings
    """
    command = [sys.executable, "-m", "course_grader", "grade", unit.name, "--course", str(course), "--jobs", str(jobs)]
    with tempfile.TemporaryDirectory() as empty:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, env=environment(Path(empty)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        found = watch(process) if watch else dict
        said, first = "", None
        for line in process.stderr:
            said, first = line, first or time.perf_counter() - started
        status = process.wait()
    wall = time.perf_counter() - started
    if status != 0:
        raise UnitError(f"course-grader could not grade {unit.name}: {said.strip()[-300:]}")
    return {"wall_s": wall, "start_s": first, **found()}


def spent(course: Path, unit: Unit) -> dict[str, list[float]]:
    """What the verdicts say: seconds of each submission, by part."""
    found: dict[str, list[float]] = {}
    for path in (course / "autograded").glob(f"*/{unit.name}/{unit.name}.verdict.json"):
        for part, seconds in json.loads(path.read_text(encoding="utf-8"))["seconds"].items():
            found.setdefault(part, []).append(seconds)
    return found


# -- stock nbgrader ----------------------------------------------------------------------------------------------------


def stock(course: Path, unit: Unit) -> dict:
    """Grade the same with plain `nbgrader autograde`, which is one process."""
    command = [sys.executable, "-m", "nbgrader", "autograde", unit.name, "--create"]
    with tempfile.TemporaryDirectory() as empty:
        started = time.perf_counter()
        done = subprocess.run(
            command, cwd=course, env=environment(Path(empty)), capture_output=True, text=True, check=False
        )
    if done.returncode != 0:
        raise UnitError(f"Stock nbgrader could not grade {unit.name}: {done.stderr.strip()[-300:]}")
    return {"wall_s": time.perf_counter() - started}


# -- the lower limit: the graded cells alone ---------------------------------------------------------------------------


def bare(unit: Unit, written: dict[str, dict[str, str]]) -> list[float]:
    """CPU seconds of each student's answer and test cells in one warm process without a sandbox or a second process."""
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    own = {"MPLBACKEND": "Agg", "NBGRADER_EXECUTION": "autograde", "PYTHONPATH": str(ROOT)}
    cells = {
        "setup": unit.setup,
        "exercises": [[one.slug, one.check, one.hidden] for one in graded(unit)],
        "students": list(written.values()),
    }
    done = subprocess.run(
        [sys.executable, "-c", "from course_author.bench import bare_cells; bare_cells()"],
        input=json.dumps(cells), env=os.environ | one_thread | own, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise UnitError(f"The cells of {unit.name} could not be run bare: {done.stderr.strip()[-300:]}")
    return json.loads(done.stdout.strip().split("\n")[-1])


def bare_cells() -> None:
    """The process of `bare`: cells as JSON on stdin, seconds of each student as JSON on stdout.

    Each student's cells run in a fork, so that one who damages a library or ends the process leaves the others alone.
    """
    from course_grader.judging import needs
    from course_grader.judging.magics import without_magics

    job, namespace = json.load(sys.stdin), {"__name__": "__main__", "display": lambda *_, **__: None}
    for source in job["setup"]:
        exec(compile(without_magics(source), "<setup>", "exec"), namespace)
    sources = [source for answers in job["students"] for source in answers.values()]
    sources += [source for _, *tests in job["exercises"] for source in tests]
    heavy = [*needs.heavy(sources), *(["torch._dynamo"] if "torch" in sys.modules else [])]
    for name in heavy:  # once, as in a warm process: each of the forks below would do it again
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    found = []
    for answers in job["students"]:
        seen, tells = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.write(tells, json.dumps(_bare_student(dict(namespace), job["exercises"], answers)).encode())
            finally:
                os._exit(0)
        os.close(tells)
        _, _, used = os.wait4(pid, 0)
        said = os.read(seen, 100)
        os.close(seen)
        found.append(json.loads(said) if said else used.ru_utime + used.ru_stime)
    print(json.dumps(found))


def _bare_student(namespace: dict, exercises: list, answers: dict[str, str]) -> float:
    from course_grader.judging.cells import execute, interruptible, start_timers, stop_timers

    before = time.process_time()
    for slug, *tests in exercises:
        for source in (answers[slug], *tests):
            start_timers(CELL_S, 60.0)
            sink = io.StringIO()
            with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
                try:
                    with interruptible():
                        execute(source, f"<{slug}>", namespace)
                except BaseException:  # a wrong answer; its other cells still run
                    pass
            stop_timers()
    return time.process_time() - before


# -- one chapter, side by side -----------------------------------------------------------------------------------------


def chapter(unit: Unit, students: int, stock_students: int, seed: int, root: Path, folder: Path) -> dict:
    """All figures of one chapter. Stock grades the first `stock_students` of the class."""
    written = mixed(unit, students, seed, root)
    few = dict(list(written.items())[:stock_students])
    mine = new_course(folder / "ours", unit, root)
    others = {name: for_stock(mine, folder / name) for name in ("stock", "stripped")}
    hand_in(mine, unit, written)
    found = {"ours": ours(mine, unit, CORES)}
    _say(f"{unit.name}: {students} submissions in {found['ours']['wall_s']:.1f} s")
    found["spent"], given = spent(mine, unit), points(mine, unit)
    found["bare_s"] = bare(unit, written)
    found["same_points"] = True
    for name, other in others.items():
        hand_in(other, unit, few, examples=name == "stock")
        found[name] = stock(other, unit)
        _say(f"{unit.name}: {len(few)} submissions in {found[name]['wall_s']:.1f} s by nbgrader ({name})")
        differ = [one for one, due in points(other, unit).items() if due != given[one]]
        found["same_points"] &= not differ
        for one in differ:
            _say(f"  {one}: {name} gives other points")
    shutil.rmtree(folder)
    return found


def summed(found: dict[str, dict], students: int, stock_students: int) -> dict:
    """The figures of all chapters as the line of JSON has them."""
    rate = {name: students / one["ours"]["wall_s"] for name, one in found.items()}
    other = {
        kind: {name: stock_students / one[kind]["wall_s"] for name, one in found.items()}
        for kind in ("stock", "stripped")
    }

    def together(rates):  # submissions a second where all chapters' submissions are graded one after the other
        return len(rates) / sum(1 / one for one in rates.values())

    core_s = {name: CORES * one["ours"]["wall_s"] / students for name, one in found.items()}
    warm = {name: CORES * (one["ours"]["wall_s"] - one["ours"]["start_s"]) / students for name, one in found.items()}
    bare_s = {name: statistics.mean(one["bare_s"]) for name, one in found.items()}
    totals = [seconds for one in found.values() for seconds in one["spent"]["total"]]
    return {
        "speedup": together(rate) / together(other["stock"]),
        "speedup_by_unit": {name: rate[name] / other["stock"][name] for name in found},
        "speedup_without_examples": together(rate) / together(other["stripped"]),
        "limit_ratio": sum(core_s.values()) / sum(bare_s.values()),
        "limit_ratio_by_unit": {name: (core_s[name] - OVERHEAD_S) / bare_s[name] for name in found},
        "p50_s": float(np.percentile(totals, 50)), "p95_s": float(np.percentile(totals, 95)),
        "submissions": students * len(found), "stock_submissions": stock_students * len(found),
        "same_points": all(one["same_points"] for one in found.values()),
        "core_s": core_s, "core_s_after_start": warm, "bare_s": bare_s,
        "start_s": {name: one["ours"]["start_s"] for name, one in found.items()},
        "per_minute": {name: 60 * rate[name] for name in found},
        "stock_per_minute": {name: 60 * other["stock"][name] for name in found},
    }  # fmt: skip


def show(result: dict, found: dict[str, dict]) -> None:
    """The figures for people, then for machines."""
    print(
        f"\n{'chapter':32}{'ours/min':>9}{'stock/min':>10}{'ratio':>7}{'core-s':>8}{'bare-s':>8}{'ratio':>7}{'start':>8}"
    )
    for name in found:
        print(
            f"{name:32}{result['per_minute'][name]:9.0f}{result['stock_per_minute'][name]:10.1f}"
            f"{result['speedup_by_unit'][name]:7.1f}{result['core_s'][name]:8.2f}{result['bare_s'][name]:8.2f}"
            f"{result['limit_ratio_by_unit'][name]:7.2f}{result['start_s'][name]:6.1f} s"
        )
    print(
        f"\nall together: {result['speedup']:.1f} times stock, {result['speedup_without_examples']:.1f} times without"
    )
    print(f"the examples; {result['limit_ratio']:.2f} times the bare cells; points {_same(result)}")
    print(
        f"a submission: {result['p50_s']:.2f} s (median), {result['p95_s']:.2f} s (95 %), {CORES} cores, start included"
    )
    print("\nwhere the core-seconds of a submission go")
    for name, one in found.items():
        parts = {part: statistics.mean(seconds) for part, seconds in one["spent"].items() if part != "total"}
        told = ", ".join(f"{part} {seconds:.3f}" for part, seconds in parts.items())
        rest = result["core_s_after_start"][name] - sum(parts.values())
        print(f"  {name:32}{told}, waiting and recording {rest:.3f}, start {CORES * result['start_s'][name]:.1f} once")
    goals = {goal: _reached(result, goal) for goal in GOALS}
    print("goals not reached:", ", ".join(goal for goal, reached in goals.items() if not reached) or "none")
    print(json.dumps(result))


def _same(result: dict) -> str:
    return "the same" if result["same_points"] else "NOT the same"


def _reached(result: dict, goal: str) -> bool:
    if goal == "limit_ratio":
        return max(result[goal], *result["limit_ratio_by_unit"].values()) <= GOALS[goal]
    values = result[goal].values() if isinstance(result[goal], dict) else [result[goal]]
    return min(values) >= GOALS[goal]


# -- a thousand, ten thousand ------------------------------------------------------------------------------------------


def made(unit: Unit, count: int, seed: int, root: Path, folder: Path) -> dict:
    """Grade `count` submissions, all distinct; seconds a submission, memory early and late, in MiB."""
    course = new_course(folder / "course", unit, root)
    written = mixed(unit, STUDENTS, seed, root)
    patterns = list(written.values())
    hand_in(course, unit, {
        f"student-{number:05}": {slug: f"{text}\n# {number}" for slug, text in patterns[number % STUDENTS].items()}
        for number in range(count)
    })  # fmt: skip
    _say(f"{unit.name}: {count} submissions handed in")
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


# -- the command -------------------------------------------------------------------------------------------------------


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("unit", nargs="*", help="units to measure (default: all with graded exercises)")
    parser.add_argument("--students", type=int, default=STUDENTS, help=f"size of each class (default {STUDENTS})")
    parser.add_argument(
        "--stock-students", type=int, default=None,
        help="how many of them stock nbgrader grades (default: all, which takes two hours)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=6, help="which answers are drawn (default 6)")
    parser.add_argument("--made", type=int, nargs="+", help="instead: that many made submissions of the first unit")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)


def main(argv: list[str]) -> int:
    """Measure and print; 1 if stock gives other points. Nothing outside a temporary folder is changed."""
    parser = argparse.ArgumentParser(prog="course_author bench", description=__doc__.split("\n")[0])
    add_arguments(parser)
    arguments = parser.parse_args(argv)
    few = arguments.stock_students or arguments.students
    if not 1 <= few <= arguments.students:
        raise UnitError("--students and --stock-students are 1 or more, and stock grades at most the whole class.")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < CORES:
        raise UnitError(f"The benchmark compares on {CORES} cores, and here is {len(cores)}.")
    os.sched_setaffinity(0, cores[:CORES])  # all that is started from here inherits it
    root = arguments.root
    units = [load_unit(name, root) for name in chosen_units(arguments.unit, root)]
    units = [unit for unit in units if graded(unit)]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        if arguments.made:
            show_made([made(units[0], count, arguments.seed, root, Path(folder) / "made") for count in arguments.made])
            return 0
        found = {
            unit.name: chapter(unit, arguments.students, few, arguments.seed, root, Path(folder) / unit.name)
            for unit in units
        }
    result = summed(found, arguments.students, few)
    show(result, found)
    return 0 if result["same_points"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
