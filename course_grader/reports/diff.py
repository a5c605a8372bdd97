"""`course-grader diff UNIT`: what the last grading of each submission changed, by student and exercise.

Each verdict keeps the one that it replaced beside it (`<notebook>.before.verdict.json` in autograded/). Nothing is run.
"""

from __future__ import annotations

import json
from pathlib import Path

from ..contracts import GraderError, Plan, Verdict
from ..course import plan as plans
from ..records.verdict_file import read_verdict
from ..words import WIDTH, shown, title


def run(arguments) -> int:
    """The command; 0 also when nothing has changed."""
    course = plans.settings(arguments.course)
    loaded = plans.of_unit(course, arguments.unit)
    found = [change for name, plan in loaded.items() for change in changes(course, plan, name)]
    if arguments.json:
        print(json.dumps({"unit": arguments.unit, "changes": found}))
        return 0
    for line in lines(found, arguments.unit):
        print(line)
    return 0


def changes(course, plan: Plan, notebook: str) -> list[dict]:
    """One entry for each student and exercise whose points or message changed."""
    above = course.folder("autograded", "ID", plan.unit).parent.parent
    found = []
    for path in sorted(above.glob(f"*/{plan.unit}/{notebook}.before.verdict.json")):
        now = path.with_name(f"{notebook}.verdict.json")
        if not path.parts[-3].startswith("."):
            found += _compare(plan, _read(path, plan), _read(now, plan))
    return found


def _read(path: Path, plan: Plan) -> Verdict:
    verdict = read_verdict(path, plan.unit, plan.notebook, path.parts[-3])
    if verdict is None:
        raise GraderError(f"{path} is no readable verdict: grade that student again with --regrade.")
    return verdict


def _compare(plan: Plan, before: Verdict, now: Verdict) -> list[dict]:
    found = []
    for exercise in plan.exercises():
        tests = [plan.cells[place].name for place in exercise.tests]
        old, new = _of(before, tests), _of(now, tests)
        if old != new:
            found.append({
                "student": now.student, "notebook": plan.notebook, "exercise": title(plan, exercise),
                "before": old, "after": new,
            })  # fmt: skip
    return found


def _of(verdict: Verdict, tests: list[str]) -> dict:
    """Points, causes and message of an exercise, as the student is told."""
    found = [cell for cell in verdict.cells if cell.name in tests]
    told = [cell for cell in found if cell.cause]
    return {
        "points": sum(cell.points for cell in found), "max_points": sum(cell.max_points for cell in found),
        "causes": [cell.cause for cell in told], "message": told[0].message if told else "",
    }  # fmt: skip


def lines(found: list[dict], unit: str) -> list[str]:
    """The changes as text: two lines for each, before and after."""
    made = []
    for one in found:
        made.append(f"{shown(one['student'])}: {one['exercise']}")
        for when in ("before", "after"):
            side = one[when]
            points = f"{side['points']:g}/{side['max_points']:g}"
            line = f"  {when:6}  {points:>7}  {', '.join(dict.fromkeys(side['causes']))}  {shown(side['message'])}"
            made.append(line.rstrip() if len(line) <= WIDTH else line[: WIDTH - 3] + "...")
    students = len({one["student"] for one in found})
    up = sum(one["after"]["points"] > one["before"]["points"] for one in found)
    down = sum(one["after"]["points"] < one["before"]["points"] for one in found)
    made.append(f"{unit}: {len(found)} changes for {students} students, {up} with more points, {down} with less")
    return made
