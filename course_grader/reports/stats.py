"""`course-grader stats UNIT`: how a unit went, for the class as a whole and exercise by exercise.

Difficulty is the mean share of an exercise's points. Discrimination is the correlation between an exercise's points and
the points of all other exercises (the item-rest or corrected item-total correlation; J. P. Guilford, Educational and
Psychological Measurement 13, 1953, 87-93): the exercise itself is left out of the total, or it would correlate with
itself. Its 95 % interval is Fisher's, tanh(artanh r ± 1.96/sqrt(n - 3)). Late penalties are left out throughout.
"""

from __future__ import annotations

import json
import math
import statistics
import textwrap
from collections import Counter
from pathlib import Path

import numpy as np

from ..contracts import GraderError
from ..course import plan as plans
from ..records.verdict_file import read_verdict
from ..words import WIDTH, clean, shown
from . import points as classbook
from .points import Item, Row

FEWEST = 10  # students for a correlation: with 9, even an r of 0.6 has an interval that reaches below 0
BINS = 10
BAR = 40  # letters of the longest bar


def run(arguments) -> int:
    """The command."""
    course = plans.settings(arguments.course)
    found = collect(course, arguments.unit)
    if arguments.figure:
        draw(found, arguments.figure)
    if arguments.json:
        print(json.dumps(found))
    else:
        print(text(found))
    return 0


# -- the figures -------------------------------------------------------------------------------------------------------


def collect(course: plans.Settings, unit: str) -> dict:
    """All figures as plain data; None where there are too few students for one to mean anything.

    Raises
    ------
    GraderError
        If nobody's submission is graded, or the unit is unknown.
    """
    items, rows = classbook.read(course, unit)
    handed_in = [row for row in rows if row.points]
    graded = [row for row in handed_in if not row.waiting]
    if not graded:
        more = f" ({len(handed_in)} wait{'s' * (len(handed_in) == 1)} for a person's points)" if handed_in else ""
        raise GraderError(f"No submission of {unit} is graded{more}: run `course-grader grade {unit}` first.")
    verdicts = [_verdicts(course, unit, row.student, items) for row in graded]
    return {
        "unit": unit,
        "students": len(graded),
        "left_out": len(handed_in) - len(graded),
        "not_handed_in": len(rows) - len(handed_in),
        "late": sum(row.penalty > 0 for row in graded),
        "max_points": sum(item.max_points for item in items),
        "points": distribution([row.earned for row in graded], sum(item.max_points for item in items)),
        "exercises": [_exercise(item, graded, verdicts) for item in items],
        "seconds": spread([sum(one["seconds"] for one in found.values()) for found in verdicts if found]),
    }


def distribution(points: list[float], most: float) -> dict:
    """Mean, quartiles, and how many students lie in each tenth of the points (the last holds its upper end)."""
    counts, _ = np.histogram(points, bins=BINS, range=(0, most or 1))
    return spread(points) | {"mean": statistics.fmean(points), "tenths": counts.tolist()}


def spread(values: list[float]) -> dict | None:
    """Least, quartiles and most of some numbers; None of none."""
    if not values:
        return None
    names = ("least", "quarter", "median", "three_quarters", "most")
    return dict(zip(names, np.quantile(values, [0, 0.25, 0.5, 0.75, 1]).tolist(), strict=True))


def _exercise(item: Item, rows: list[Row], verdicts: list[dict]) -> dict:
    points = [row.points.get(item.name) or 0.0 for row in rows]
    rest = [row.earned - own for row, own in zip(rows, points, strict=True)]
    found = [one[item.name] for one in verdicts if item.name in one]
    messages = Counter(one["message"] for one in found if one["message"])
    return {
        "name": item.name,
        "max_points": item.max_points,
        "difficulty": statistics.fmean(points) / item.max_points if item.max_points else None,
        "full": sum(own == item.max_points for own in points),
        "none": sum(own == 0 for own in points),
        "discrimination": discrimination(points, rest),
        "causes": dict(Counter(one["cause"] for one in found if one["cause"]).most_common()),
        "message": _commonest(messages),
        "seconds": spread([one["seconds"] for one in found]),
    }


def discrimination(points: list[float], rest: list[float]) -> dict:
    """r with its 95 % interval, or why there is none.

    points: of one exercise; rest: of all others together; both by student
    """
    count = len(points)
    if count < FEWEST:
        return {"r": None, "low": None, "high": None, "why": f"fewer than {FEWEST} students"}
    if np.ptp(points) == 0:
        return {"r": None, "low": None, "high": None, "why": "all have the same points in it"}
    if np.ptp(rest) < 1e-9:
        return {"r": None, "low": None, "high": None, "why": "all have the same points in the rest"}
    r = float(np.clip(np.corrcoef(points, rest)[0, 1], -1, 1))
    if abs(r) > 1 - 1e-9:
        return {"r": r, "low": r, "high": r, "why": ""}
    low, high = np.tanh(np.arctanh(r) + np.array([-1.96, 1.96]) / math.sqrt(count - 3)).tolist()
    return {"r": r, "low": low, "high": high, "why": ""}


def _commonest(messages: Counter) -> dict | None:
    """The message that most students got, how many, and how many other messages there were."""
    if not messages:
        return None
    message, count = min(messages.items(), key=lambda one: (-one[1], one[0]))
    return {"text": message, "count": count, "others": len(messages) - 1}


def _verdicts(course: plans.Settings, unit: str, student: str, items: list[Item]) -> dict[str, dict]:
    """Cause, message and CPU time by item, from the records beside the graded notebooks; none where there is none."""
    found = {}
    for notebook in {item.notebook for item in items}:
        verdict = read_verdict(course.verdict_file(student, unit, notebook), unit, notebook, student)
        cells = {cell.name: cell for cell in verdict.cells} if verdict else {}  # none: plain nbgrader, or a person
        for item in items:
            mine = [cells[name] for name in item.cells if name in cells] if item.notebook == notebook else []
            if mine:
                failed = next((cell for cell in mine if not cell.passed), None)
                found[item.name] = {
                    "cause": failed.cause if failed else "",
                    "message": failed.message if failed else "",
                    "seconds": sum(cell.cpu_s for cell in mine),
                }
    return found


# -- for people --------------------------------------------------------------------------------------------------------


def text(found: dict) -> str:
    """The figures as a page for the terminal."""
    points, most = found["points"], found["max_points"]
    lines = [f"{found['unit']}: {_students(found)}", ""]
    lines.append(f"points of {most:g}: mean {points['mean']:.1f}, median {points['median']:.1f},")
    lines[-1] += f" half between {points['quarter']:.1f} and {points['three_quarters']:.1f},"
    lines[-1] += f" from {points['least']:g} to {points['most']:g}"
    longest = max(points["tenths"])
    for tenth, count in enumerate(points["tenths"]):
        edges = f"{tenth * most / BINS:g}", f"{(tenth + 1) * most / BINS:g}"
        bar = "#" * math.ceil(count * BAR / longest)
        lines.append(f"  {edges[0]:>5} - {edges[1]:<5} {count:>5}  {bar}".rstrip())
    lines += [
        "",
        "exercise by exercise: mean share of the points, correlation with the rest, all right / nothing right",
    ]
    widths = max(len(one["name"]) for one in found["exercises"])
    for one in found["exercises"]:
        lines += _exercise_lines(one, widths)
    lines += ["", *map(_filled, _remarks(found))]
    return "\n".join(lines)


def _students(found: dict) -> str:
    parts = [f"{found['students']} graded"]
    parts += [f"{found['late']} with a late penalty (left out of these figures)"] if found["late"] else []
    parts += [f"{found['left_out']} left out: a person's points are missing"] if found["left_out"] else []
    parts += [f"{found['not_handed_in']} handed in nothing"] if found["not_handed_in"] else []
    return ", ".join(parts)


def _exercise_lines(one: dict, width: int) -> list[str]:
    share = "     -" if one["difficulty"] is None else f"{one['difficulty']:6.0%}"
    r = one["discrimination"]
    told = f"r {_signed(r['r'])} ({_signed(r['low'])} to {_signed(r['high'])})" if r["r"] is not None else "r -"
    seconds = f"CPU {one['seconds']['median']:.2f} s, at most {one['seconds']['most']:.2f} s" if one["seconds"] else ""
    line = f"  {one['name']:{width}} {share}  {told:24} {one['full']:>4} / {one['none']:<4} {seconds}"
    lines = [line.rstrip()]
    if one["causes"]:
        lines.append("      " + ", ".join(f"{cause} {count}" for cause, count in one["causes"].items()))
    if one["message"]:
        told = f"{one['message']['count']} x {shown(clean(one['message']['text']))}"
        others = one["message"]["others"]
        told += f" (and {others} other message{'s' * (others > 1)})" if others else ""
        lines.append(_filled(told, "      "))
    return lines


def _filled(line: str, indent: str = "") -> str:
    return textwrap.fill(line, WIDTH, initial_indent=indent, subsequent_indent=indent)


def _signed(number: float) -> str:
    return f"{number:.2f}".replace("-", "−")


def _remarks(found: dict) -> list[str]:
    """What the figures do not say."""
    remarks = []
    reasons = {}
    for one in found["exercises"]:
        if one["discrimination"]["why"]:
            reasons.setdefault(one["discrimination"]["why"], []).append(one["name"])
    for why, names in reasons.items():
        which = "any exercise" if len(names) == len(found["exercises"]) else ", ".join(names)
        remarks.append(f"No correlation for {which}: {why}.")
    if found["students"] < FEWEST:
        remarks.append(f"With {found['students']} student{'s' * (found['students'] > 1)}, means and quartiles describe "
                       "these students and no others.")  # fmt: skip
    elif any(one["discrimination"]["r"] is not None for one in found["exercises"]):
        remarks.append("In brackets: the 95 % interval. An exercise whose interval reaches below 0 may tell nothing "
                       "about a student; one well below 0 has a fault in its task or its tests.")  # fmt: skip
    if found["seconds"] is None:
        remarks.append("No CPU times and messages: there are no records of the judge beside the graded notebooks.")
    else:
        most = found["seconds"]
        remarks.append(
            f"CPU time of a submission's tests: median {most['median']:.2f} s, at most {most['most']:.2f} s."
        )
    return remarks


# -- the figure --------------------------------------------------------------------------------------------------------


def draw(found: dict, path: Path) -> None:
    """Distribution and exercises as one PNG file, opaque, with a description inside."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from course_utils import plot

    path = Path(path)
    count = len(found["exercises"])
    left, right = plot.axes(1, 2, size=(9.6, max(3.4, 1.5 + 0.42 * count)), width_ratios=[1, 1.25])
    plot.styled(_draw_points)(found, left)
    plot.styled(_draw_exercises)(found, right)
    left.figure.suptitle(f"{found['unit']}, {found['students']} students", fontsize=11, x=0.01, ha="left")
    told = {"Title": f"{found['unit']}: points and exercises", "Description": _in_words(found)}
    try:
        plot.styled(left.figure.savefig)(path, format="png", metadata=told)
    except OSError as error:
        raise GraderError(f"The figure {path} cannot be written ({error.strerror}): name another place.") from None
    finally:
        plt.close(left.figure)


def _draw_points(found: dict, ax) -> None:
    width = (found["max_points"] or 1) / BINS
    tenths = found["points"]["tenths"]
    ax.bar(np.arange(BINS) * width, tenths, width=width, align="edge", color="C0", edgecolor="white")
    ax.axvline(found["points"]["median"], color="black", ls="--", lw=1.5, label=f"median {found['points']['median']:g}")
    ax.yaxis.get_major_locator().set_params(integer=True)
    ax.set(xlabel=f"points (of {found['max_points']:g})", ylabel="students", xlim=(0, found["max_points"] or 1))
    ax.set_ylim(0, 1.25 * max(tenths))
    ax.legend(loc="upper left")


def _draw_exercises(found: dict, ax) -> None:
    """Mean shares as bars; the correlation with its interval as a point with a line."""
    exercises = found["exercises"]
    places = np.arange(len(exercises))
    shares = [one["difficulty"] or 0.0 for one in exercises]
    ax.barh(places, shares, height=0.55, color="C5", label="mean share of the points")
    known = [(place, one["discrimination"]) for place, one in zip(places, exercises, strict=True)]
    known = [(place, r) for place, r in known if r["r"] is not None]
    if known:
        middle = np.array([r["r"] for _, r in known])
        reach = [middle - [r["low"] for _, r in known], [r["high"] for _, r in known] - middle]
        ax.errorbar(
            middle, [place for place, _ in known], xerr=reach, fmt="D", color="C1", ms=6, capsize=3, lw=1.5,
            label="correlation with the rest, 95 %",
        )  # fmt: skip
    lowest = min([0.0, *(r["low"] for _, r in known)])
    ax.set(xlim=(min(0.0, lowest - 0.05), 1.05), ylim=(len(exercises) - 0.4, -0.6), xlabel="share or correlation")
    ax.set_yticks(places, [one["name"] for one in exercises])
    ax.axvline(0, color="0.5", lw=1)
    ax.grid(axis="y", visible=False)
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.1)


def _in_words(found: dict) -> str:
    points = found["points"]
    shares = ", ".join(f"{one['name']} {one['difficulty'] or 0:.0%}" for one in found["exercises"])
    return (
        f"Points of {found['students']} students, median {points['median']:g} of {found['max_points']:g}; "
        f"mean share of each exercise's points: {shares}."
    )
