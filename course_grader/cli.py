"""`course-grader grade UNIT`: grade submissions and record the points.

Exit status: 0 all were graded; 1 some submission could not be graded (its gradebook entry is as it was); 2 nothing
could be graded: a wrong request, a unit that was never released, or a sandbox that does not hold.
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from dataclasses import asdict
from pathlib import Path

from . import instructors
from .model import STUDENT, CellVerdict, Exercise, GraderError, Plan, Verdict

WIDTH = 118


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    form = argparse.RawTextHelpFormatter
    top = argparse.ArgumentParser(prog="course-grader", description=__doc__, formatter_class=form)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    told = "grade what lies in submitted/"
    grade = commands.add_parser("grade", help=told, description=__doc__, formatter_class=form)
    grade.add_argument("unit", metavar="UNIT", help="the unit (nbgrader: assignment), as its folder is named")
    grade.add_argument("--student", metavar="ID", action="append", help="only this student (may be given again)")
    grade.add_argument("--course", metavar="PATH", type=Path, default=Path(), help="the course folder (default: here)")
    grade.add_argument("--regrade", action="store_true", help="also what is unchanged since it was graded")
    grade.add_argument("--json", action="store_true", help="one JSON document on stdout, for machines")
    grade.add_argument(
        "--isolation", choices=["full", "none"], default=None,
        help="none: run students' code without a sandbox, with all your rights (default: full, or as the course sets)",
    )  # fmt: skip
    instructors.register(commands)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    arguments = parser().parse_args(argv)
    try:
        return getattr(arguments, "run", grade)(arguments)  # the other commands set theirs
    except GraderError as error:
        print(f"course-grader: {error}", file=sys.stderr)
        if getattr(arguments, "json", False):
            print(json.dumps({"unit": arguments.unit, "error": str(error), "submissions": []}))
        return 2
    except KeyboardInterrupt:
        print("course-grader: stopped. What was graded so far is recorded; run it again to go on.", file=sys.stderr)
        return 130


def grade(arguments) -> int:
    """Grade the submissions asked for, one after the other."""
    from . import plan as plans  # nbgrader and SQLAlchemy take a second to import: --help need not wait
    from .steps import Grader

    course = plans.settings(arguments.course)
    with Grader(course, arguments.isolation) as grader:
        loaded = grader.plans(arguments.unit)
        students = _students(grader, arguments.unit, arguments.student)
        results = []
        for number, student in enumerate(students, 1):
            _progress(f"grading {number} of {len(students)}: {student}")
            results.append(_one(grader, arguments.unit, student, arguments.regrade))
            if not arguments.json:
                print(table(results[-1], loaded), flush=True)
    refused = [one for one in results if "error" in one]
    if arguments.json:
        print(json.dumps({"unit": arguments.unit, "submissions": [_plain(one) for one in results]}))
    else:
        print(_summary(arguments.unit, results))
    return 1 if refused else 0


def _students(grader, unit: str, wanted: list[str] | None) -> list[str]:
    there = grader.students(unit)
    for name in wanted or []:
        if name not in there:
            raise GraderError(f"There is no submission of {name!r} for {unit}.")
    if not there:
        raise GraderError(f"There are no submissions for {unit}: collect them into submitted/ID/{unit}/ first.")
    return list(dict.fromkeys(wanted)) if wanted else there


def _one(grader, unit: str, student: str, regrade: bool) -> dict:
    """What became of one submission: its verdicts, or the sentence that says why there is none."""
    from .steps import CannotStart

    try:
        done = grader.grade(unit, student, regrade=regrade)
    except CannotStart:
        raise
    except GraderError as error:
        return {"student": student, "error": str(error)}
    return {"student": student, "verdicts": [one.verdict for one in done], "again": any(one.again for one in done)}


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _plain(result: dict) -> dict:
    """A result as JSON data."""
    if "error" in result:
        return {"student": result["student"], "status": "refused", "error": result["error"]}
    verdicts = result["verdicts"]
    return {
        "student": result["student"],
        "status": "graded" if result["again"] else "unchanged",
        "points": sum(verdict.points for verdict in verdicts),
        "max_points": sum(verdict.max_points for verdict in verdicts),
        "notebooks": [asdict(verdict) for verdict in verdicts],
    }


# -- for people --------------------------------------------------------------------------------------------------------


def table(result: dict, loaded: dict[str, Plan]) -> str:
    """One submission as a few lines: a line per exercise, remarks below."""
    if "error" in result:
        return f"{shown(result['student'])}: not graded\n{_remark(result['error'])}"
    verdicts, lines = result["verdicts"], []
    points, most = sum(one.points for one in verdicts), sum(one.max_points for one in verdicts)
    unchanged = "" if result["again"] else "  (unchanged since it was graded)"
    lines.append(f"{shown(result['student'])}: {points:g} of {most:g} points{unchanged}")
    for verdict in verdicts:
        plan = loaded[verdict.notebook]
        rows = [_row(plan, exercise, verdict) for exercise in plan.exercises()]
        widths = [max(len(row[column]) for row in rows) for column in range(4)] if rows else []
        if len(loaded) > 1:
            lines.append(f"  {verdict.notebook}")
        for name, score, cause, seconds, message in rows:
            line = f"  {name:{widths[0]}}  {score:>{widths[1]}}  {seconds:>{widths[3]}}  {cause:{widths[2]}}  {message}"
            lines.append(line.rstrip() if len(line) <= WIDTH else line[: WIDTH - 3] + "...")
        lines += [_remark(note) for note in verdict.notes]
    return "\n".join(lines)


def _row(plan: Plan, exercise: Exercise, verdict: Verdict) -> tuple[str, str, str, str, str]:
    """An exercise's name, points, cause, CPU time and message."""
    names = [plan.cells[place].name for place in exercise.answers] or [plan.cells[exercise.first].name]
    tests = {plan.cells[place].name for place in exercise.tests}
    found = [cell for cell in verdict.cells if cell.name in tests]
    failed = [cell for cell in found if not cell.passed]
    score = f"{sum(cell.points for cell in found):g}/{sum(cell.max_points for cell in found):g}"
    seconds = f"{sum(cell.cpu_s for cell in found):.2f} s"
    return ", ".join(names), score, _causes(failed), seconds, _message(failed, found)


def _causes(failed: list[CellVerdict]) -> str:
    return ", ".join(dict.fromkeys(cell.cause for cell in failed))


def _message(failed: list[CellVerdict], found: list[CellVerdict]) -> str:
    beside = [cell.name for cell in found if cell.where == STUDENT]
    told = f"[{', '.join(beside)}: graded in the student's process] " if beside else ""
    return shown(told + (failed[0].message if failed else ""))


def _remark(text: str) -> str:
    return textwrap.fill(shown(text), WIDTH, initial_indent="  - ", subsequent_indent="    ")


def shown(text: str) -> str:
    """Text on one line that cannot steer a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in " ".join(text.split()))


def _summary(unit: str, results: list[dict]) -> str:
    graded = [one for one in results if "error" not in one and one["again"]]
    refused = [one for one in results if "error" in one]
    unchanged = len(results) - len(graded) - len(refused)
    parts = [f"{len(graded)} graded"] + ([f"{unchanged} unchanged"] if unchanged else [])
    parts += [f"{len(refused)} not graded: {', '.join(shown(one['student']) for one in refused)}"] if refused else []
    return f"\n{unit}: {', '.join(parts)}"


if __name__ == "__main__":
    sys.exit(main())
