"""How fast a class is graded: `course-grader grade` and stock `nbgrader autograde`, side by side, on the same answers.

`make bench` makes a class for each chapter from the bank of right and wrong answers, grades it with both, compares all
points, runs the graded cells bare for the lower limit, and ends with one line of JSON. `make bench MADE="1000 10000"`
grades that many made submissions of one chapter, all distinct, and says how time and memory grow.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
from pathlib import Path

import numpy as np

from ..units.text import chosen_units, load_unit
from ..units.unit import ROOT, Unit, UnitError, graded
from .bare import bare
from .classes import CORES, STUDENTS, for_stock, hand_in, mixed, new_course, ours, points, say, spent, stock
from .growth import made, show_made

OVERHEAD_S = 0.10  # core-seconds that a submission may cost beside its cells: our goal
GOALS = {"speedup": 50, "speedup_by_unit": 30, "speedup_without_examples": 20, "limit_ratio": 1.5}


# -- one chapter, side by side -----------------------------------------------------------------------------------------


def chapter(unit: Unit, students: int, stock_students: int, seed: int, root: Path, folder: Path) -> dict:
    """All figures of one chapter. Stock grades the first `stock_students` of the class."""
    written = mixed(unit, students, seed, root)
    few = dict(list(written.items())[:stock_students])
    mine = new_course(folder / "ours", unit, root)
    others = {name: for_stock(mine, folder / name) for name in ("stock", "stripped")}
    hand_in(mine, unit, written)
    found = {"ours": ours(mine, unit, CORES)}
    say(f"{unit.name}: {students} submissions in {found['ours']['wall_s']:.1f} s")
    found["spent"], given = spent(mine, unit), points(mine, unit)
    found["bare_s"] = bare(unit, written)
    found["same_points"] = True
    for name, other in others.items():
        hand_in(other, unit, few, examples=name == "stock")
        found[name] = stock(other, unit)
        say(f"{unit.name}: {len(few)} submissions in {found[name]['wall_s']:.1f} s by nbgrader ({name})")
        differ = [one for one, due in points(other, unit).items() if due != given[one]]
        found["same_points"] &= not differ
        for one in differ:
            say(f"  {one}: {name} gives other points")
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


# -- the command -------------------------------------------------------------------------------------------------------


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
