"""How long one submission takes to grade: ours and stock nbgrader, in one run, on one core.

`make bench-one` grades chapter 1's solutions again and again with a warm engine, measures the memory of its processes
while a submission is in flight, runs stock `nbgrader autograde` on the same file, and ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import contextlib
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

from ..proof.demo import make_course
from ..units.release import environment, generate
from ..units.text import load_unit
from ..units.unit import ROOT, Unit, UnitError

STUDENT = "perfect"
PARTS = ("fork", "sandbox", "student", "judge")
LOOK_EVERY_S = 0.02
MIB = 1 << 20


def hand_in(course: Path, unit: Unit) -> Path:
    """Write the perfect submission: the released notebook with the source's answers. Returns its path."""
    solved = {cell.metadata["nbgrader"]["grade_id"]: cell for cell in unit.cells if "nbgrader" in cell.metadata}
    notebook = nbformat.read(course / "release" / unit.name / f"{unit.name}.ipynb", as_version=4)
    for cell in notebook.cells:
        options = cell.metadata.get("nbgrader", {})
        if options.get("solution"):
            cell.source = solved[options["grade_id"]].source
    path = course / "submitted" / STUDENT / unit.name / f"{unit.name}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)
    return path


# -- time --------------------------------------------------------------------------------------------------------------


def ours(course: Path, unit: Unit, path: Path, rounds: int) -> dict:
    """Medians over `rounds` gradings of one submission by a warm engine, in seconds; then the memory, in MiB."""
    from course_grader.course import plan as plans
    from course_grader.engine.engine import Engine
    from course_grader.intake import submission as intake
    from course_grader.records.handed_in import HandedIn, HandedNotebook
    from course_grader.records.ledger import Ledger
    from course_grader.records.save import save

    settings, data = plans.settings(course), path.read_bytes()
    plan = plans.of_unit(settings, unit.name)[unit.name]
    with Ledger(settings) as ledger, Engine(settings.root, libraries=settings.grader.libraries) as engine:
        walls, splits, records, own = [], [], [], 0.0
        below = _cpu_below(engine)
        for number in range(rounds + 2):  # the first two are warm-up
            started, busy = time.perf_counter(), time.process_time()
            submission = intake.parse(data, plan, STUDENT)
            verdict = engine.grade(plan, submission)
            judged = time.perf_counter()
            own += time.process_time() - busy
            if verdict.points != verdict.max_points:
                lost = [(cell.name, cell.cause, cell.detail or cell.message) for cell in verdict.cells if cell.cause]
                raise UnitError(f"The solutions of {unit.name} do not get all points: {lost}.")
            save(ledger, HandedIn(unit.name, STUDENT, "", (HandedNotebook(plan, submission),)), [verdict])
            if number >= 2:
                walls.append(judged - started)
                splits.append(verdict.seconds)
                records.append(time.perf_counter() - judged)
        cpu = (own + _cpu_below(engine) - below) / (rounds + 2)
        split = {part: statistics.median(one.get(part, 0.0) for one in splits) for part in PARTS}
        memory = in_flight(engine, lambda: engine.grade(plan, submission))
    return {
        "seconds": statistics.median(walls), "best": min(walls), "worst": max(walls), "cpu": cpu, "rounds": rounds,
        "split": split | {"record": statistics.median(records)}, "pss_mib": memory,
        "points": verdict.points,
    }  # fmt: skip


def stock(course: Path, unit: Unit, rounds: int) -> dict:
    """Medians of `nbgrader autograde` on the same submission, wall clock and CPU seconds of all its processes."""
    config = ROOT / "stock_config.py"
    shutil.copy(config if config.exists() else ROOT / "nbgrader_config.py", course / "nbgrader_config.py")
    walls, cpus = [], []
    with tempfile.TemporaryDirectory() as empty:
        command = [sys.executable, "-m", "nbgrader", "autograde", unit.name, "--student", STUDENT, "--force"]
        for _ in range(rounds):
            before, started = _cpu_of_children(), time.perf_counter()
            done = subprocess.run(
                command, cwd=course, env=environment(Path(empty)), capture_output=True, text=True, check=False
            )
            walls.append(time.perf_counter() - started)
            cpus.append(_cpu_of_children() - before)
            if done.returncode != 0:
                raise UnitError(f"Stock nbgrader could not grade {unit.name}: {done.stderr.strip()[-300:]}")
    points = _points(course, unit)
    return {"seconds": statistics.median(walls), "cpu": statistics.median(cpus), "rounds": rounds, "points": points}


def _cpu_below(engine) -> float:
    """CPU seconds of the prepared process and of all its children so far; waits until the last one has ended."""
    prepared = _children(engine._process.pid)[0]
    while _children(prepared):
        time.sleep(0.01)
    fields = Path(f"/proc/{prepared}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _points(course: Path, unit: Unit) -> float:
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        return gradebook.find_submission(unit.name, STUDENT).score


# -- memory ------------------------------------------------------------------------------------------------------------


def in_flight(engine, grade, rounds: int = 5) -> dict:
    """PSS of the engine's processes, in MiB: prepared at rest, and all at the moment when the children need most.

    "judge", "student" (the base process and the exercise's, which share most of their pages) and "prepared" are of one
    moment; the memory that processes share is divided among them.
    """
    prepared = _children(engine._process.pid)[0]
    best = {"judge": 0.0, "student": 0.0, "prepared": 0.0}
    done = threading.Event()

    def look() -> None:
        nonlocal best
        while not done.wait(LOOK_EVERY_S):
            with contextlib.suppress(OSError, IndexError):
                seen = _look(prepared)
                best = max(best, seen, key=lambda one: one["judge"] + one["student"])

    rest = _pss(prepared)
    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        for _ in range(rounds):
            grade()
    finally:
        done.set()
        watcher.join()
    children = best["judge"] + best["student"]
    return {"at_rest": rest, "children": children} | best


def _look(prepared: int) -> dict:
    """PSS of the judge, of the student's side and of the prepared process now."""
    sides = {child: _tree(child) for child in _children(prepared)}
    judge = [child for child, tree in sides.items() if len(tree) == 1]
    student = [pid for tree in sides.values() if len(tree) > 1 for pid in tree]
    if len(judge) != 1 or not student:
        raise OSError("not in the middle of a submission")
    return {"judge": _pss(judge[0]), "student": sum(map(_pss, student)), "prepared": _pss(prepared)}


def _tree(pid: int) -> list[int]:
    return [pid, *(below for child in _children(pid) for below in _tree(child))]


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _pss(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().split("\n"):
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / MIB
    raise OSError(f"process {pid} has ended")


# -- the command -------------------------------------------------------------------------------------------------------


def show(result: dict) -> None:
    """The figures for people, then for machines."""
    mine, other, memory = result["ours"], result["stock"], result["ours"]["pss_mib"]
    split = ", ".join(f"{part} {seconds:.3f}" for part, seconds in mine["split"].items())
    print(
        f"{result['unit']}, the perfect submission ({mine['points']:g} points), one core, {mine['rounds']} times, warm"
    )
    spread = f"median; {mine['best']:.3f} to {mine['worst']:.3f}"
    print(f"from bytes to verdict  {mine['seconds']:.3f} s  ({spread}), CPU {mine['cpu']:.3f} s")
    print(f"of it, in seconds      {split} (record comes after the verdict)")
    print(f"stock autograde        {other['seconds']:.2f} s, CPU {other['cpu']:.2f} s, {other['points']:g} points")
    print(
        f"ratio                  {result['ratio']:.1f}, of CPU seconds {result['cpu_ratio']:.1f} (load hardly matters)"
    )
    print(
        f"memory (PSS, MiB)      children {memory['children']:.0f} (judge {memory['judge']:.0f}, student's side "
        f"{memory['student']:.0f}), prepared process {memory['prepared']:.0f} more, {memory['at_rest']:.0f} at rest"
    )
    print(json.dumps(result))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("unit", nargs="?", default="01_basic_concepts", help="default: chapter 1")
    parser.add_argument("--rounds", type=int, default=21, help="gradings to take the median of (default 21)")
    parser.add_argument("--stock-rounds", type=int, default=3, help="the same for stock nbgrader (default 3)")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)


def main(argv: list[str]) -> int:
    """Measure and print. Nothing outside a temporary folder is changed."""
    parser = argparse.ArgumentParser(prog="course_author bench-one", description=__doc__.split("\n")[0])
    add_arguments(parser)
    arguments = parser.parse_args(argv)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # all that we start inherits it
    unit = load_unit(arguments.unit, arguments.root)
    with tempfile.TemporaryDirectory(prefix="bench-one-") as folder:
        course = Path(folder) / "course"
        make_course(course, [unit], arguments.root)
        generate(unit.name, course)
        path = hand_in(course, unit)
        result = {"unit": unit.name, "ours": ours(course, unit, path, arguments.rounds)}
        result["stock"] = stock(course, unit, arguments.stock_rounds)
    result["ratio"] = result["stock"]["seconds"] / result["ours"]["seconds"]
    result["cpu_ratio"] = result["stock"]["cpu"] / result["ours"]["cpu"]
    show(result)
    return 0
