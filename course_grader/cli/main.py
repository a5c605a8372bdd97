"""`course-grader grade UNIT`: grade submissions and record the points.

Exit status: 0 all were graded; 1 some submission could not be graded (its gradebook entry is as it was); 2 nothing
could be graded: a wrong request, a unit that was never released, or a sandbox that does not hold.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import glob
import json
import os
import re
import sys
import textwrap
from dataclasses import asdict
from pathlib import Path

from ..contracts import STUDENT, CellVerdict, Exercise, GraderError, Plan, Verdict
from ..words import WIDTH, shown, title
from . import commands as instructors


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
    grade.add_argument(
        "--jobs", metavar="N", type=_at_least_one, help="grade in N processes (default: one for each core)"
    )
    grade.add_argument(
        "--cluster", metavar="ADDRESS", help="grade on the workers of this Dask scheduler, e.g. tcp://10.0.0.5:8786"
    )
    grade.add_argument("--roster", action="store_true", help="only students whom the gradebook knows already")
    grade.add_argument("--regrade", action="store_true", help="also what is unchanged since it was graded")
    grade.add_argument("--json", action="store_true", help="one JSON document on stdout, for machines")
    grade.add_argument(
        "--isolation", choices=["full", "none"], default=None,
        help="none: run students' code without a sandbox, with all your rights (default: full, or as the course sets)",
    )  # fmt: skip
    diff = commands.add_parser("diff", help="what the last grading of each submission changed", formatter_class=form)
    diff.add_argument("unit", metavar="UNIT")
    diff.add_argument("--course", metavar="PATH", type=Path, default=Path(), help="the course folder (default: here)")
    diff.add_argument("--json", action="store_true", help="one JSON document on stdout, for machines")
    diff.set_defaults(run=_diff)
    instructors.register(commands)
    return top


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes")
    return int(text)


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


def run() -> int:
    """The command: `main`, and a quick end."""
    status = main()
    gc.freeze()  # Python would look through all that was imported for half a second; the system frees it at once
    return status


def grade(arguments) -> int:
    """Grade the submissions asked for."""
    from ..engine import worker

    try:
        _start_early(arguments)
        return _grade(arguments)
    finally:
        worker.close()


def _start_early(arguments) -> None:
    """Have torch imported and the sandbox tried while nbgrader is imported here: each takes seconds.

    A guess at what the course's settings will say, where nothing speaks against it; `_grade` ends a wrong one.
    """
    from ..engine import worker

    course, text = arguments.course.resolve(), ""
    with contextlib.suppress(OSError):
        text = (course / "nbgrader_config.py").read_text(encoding="utf-8", errors="replace")
    special = re.search(r"\b(libraries|isolation)\b|CourseDirectory\.(root|\w+_directory)", text)
    if not (arguments.cluster or special) and _any_work(course, arguments):
        worker.start(str(course), arguments.isolation or "full", ())


def _any_work(course: Path, arguments) -> bool:
    """Is there anything that was never graded, or is to be graded again?"""
    unit, there = arguments.unit, course / "submitted"
    students = arguments.student or [path.parent.name for path in there.glob(f"*/{glob.escape(unit)}")]
    if not students or not all((there / student / unit).is_dir() for student in students):
        return False
    return arguments.regrade or not all((course / "autograded" / student / unit).exists() for student in students)


def _grade(arguments) -> int:
    gc.disable()  # nothing that is imported becomes garbage, and looking for it takes a tenth of the time
    # jsonschema would import this for a check of web addresses that no notebook needs; it takes two seconds.
    sys.modules.setdefault("rfc3987_syntax", None)
    from ..course import plan as plans  # nbgrader and SQLAlchemy take a second to import: --help need not wait
    from ..engine import worker
    from ..grading.run import Run
    from ..grading.summary import Progress

    gc.freeze()  # nor does it become any while the class is graded
    gc.enable()
    course = plans.settings(arguments.course)
    isolation = arguments.isolation or course.grader.isolation
    worker.close(but=(str(course.root), isolation, tuple(course.grader.libraries)))
    run = Run(
        course, arguments.unit, isolation,
        apart=bool(arguments.cluster), regrade=arguments.regrade, create=_creates(course, arguments.roster),
        say=lambda sentence: print(f"course-grader: {sentence}", file=sys.stderr),
    )  # fmt: skip
    with run:
        students = _students(course, arguments.unit, arguments.student)
        report = (_Document if arguments.json else _Lines)(arguments.unit, run.plans)
        return _report(run.results(students, _pool(arguments, len(students))), report, Progress(len(students)))


def _report(results, report: _Lines, progress) -> int:
    """Say what became of each submission; the exit status."""
    try:
        with contextlib.closing(results):
            for result in results:
                report.add(result)
                progress.step()
    except GraderError as error:
        if not report.count:
            raise
        print(f"course-grader: {error}", file=sys.stderr)
        report.end(str(error))
        return 1 if report.graded else 2
    except KeyboardInterrupt:
        report.end("stopped")
        raise
    report.end()
    return 1 if report.refused else 0


def _diff(arguments) -> int:
    from ..reports.diff import run

    return run(arguments)


def _pool(arguments, students: int):
    """Where to judge."""
    from ..engine import pool

    if arguments.cluster:
        return pool.Cluster(arguments.cluster)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    jobs = min(arguments.jobs or cores, students)
    return pool.Local(jobs)


def _creates(course, roster: bool) -> bool:
    """May students be entered whom the gradebook does not know? nbgrader's own setting counts, too."""
    return not roster and bool(course.config.get("Autograde", {}).get("create_student", True))


class _Lines:
    """Says what became of each submission as it comes, and at the end what the class made of each exercise."""

    def __init__(self, unit: str, loaded: dict[str, Plan]):
        from ..grading.summary import Summary

        self._unit, self._loaded, self._summary = unit, loaded, Summary(loaded)
        self.count, self.graded, self.refused = 0, 0, []

    def add(self, result: dict) -> None:
        """One more submission."""
        self.count += 1
        if "error" in result:
            self.refused.append((result["student"], result["error"]))
        else:
            self.graded += result["again"]
            for verdict in result["verdicts"]:
                self._summary.add(verdict)
        self._show(result)

    def _show(self, result: dict) -> None:
        print(table(result, self._loaded), flush=True)

    def end(self, error: str = "") -> None:
        """Nothing more comes."""
        print(_exercises(self._summary.data(), len(self._loaded) > 1), end="")
        unchanged = self.count - self.graded - len(self.refused)
        parts = [f"{self.graded} graded"] + ([f"{unchanged} unchanged"] if unchanged else [])
        parts += [f"{len(self.refused)} not graded"] if self.refused else []
        parts += ["the run ended early"] if error else []
        print(f"\n{self._unit}: {', '.join(parts)}")
        for student, why in sorted(self.refused):
            print(_remark(f"{student}: {why}"))


class _Document(_Lines):
    """The same as one JSON document, written piece by piece: a large class does not have to fit into memory."""

    def _show(self, result: dict) -> None:
        print("," if self.count > 1 else self._head(), json.dumps(_plain(result)), sep="\n", end="", flush=True)

    def _head(self) -> str:
        return f'{{"unit": {json.dumps(self._unit)}, "submissions": ['

    def end(self, error: str = "") -> None:
        rest = {"exercises": self._summary.data()} | ({"error": error} if error else {})
        print("" if self.count else self._head(), "], ", json.dumps(rest)[1:], sep="")


def _students(course, unit: str, wanted: list[str] | None) -> list[str]:
    from ..grading import reading

    there = reading.students(course, unit)
    for name in wanted or []:
        if name not in there:
            raise GraderError(f"There is no submission of {name!r} for {unit}.")
    if not there:
        raise GraderError(f"There are no submissions for {unit}: collect them into submitted/ID/{unit}/ first.")
    return list(dict.fromkeys(wanted)) if wanted else there


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
        "notebooks": [_without_keys(verdict) for verdict in verdicts],
    }


def _without_keys(verdict: Verdict) -> dict:
    return {name: value for name, value in asdict(verdict).items() if name not in ("key", "keys")}


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
    tests = {plan.cells[place].name for place in exercise.tests}
    found = [cell for cell in verdict.cells if cell.name in tests]
    failed = [cell for cell in found if not cell.passed]
    score = f"{sum(cell.points for cell in found):g}/{sum(cell.max_points for cell in found):g}"
    seconds = f"{sum(cell.cpu_s for cell in found):.2f} s"
    return title(plan, exercise), score, _causes(failed), seconds, _message(failed, found)


def _causes(failed: list[CellVerdict]) -> str:
    return ", ".join(dict.fromkeys(cell.cause for cell in failed))


def _message(failed: list[CellVerdict], found: list[CellVerdict]) -> str:
    beside = [cell.name for cell in found if cell.where == STUDENT]
    told = f"[{', '.join(beside)}: graded in the student's process] " if beside else ""
    return shown(told + (failed[0].message if failed else ""))


def _remark(text: str) -> str:
    return textwrap.fill(shown(text), WIDTH, initial_indent="  - ", subsequent_indent="    ")


def _exercises(rows: list[dict], several: bool) -> str:
    """What the class made of each exercise, as a table."""
    if not rows:
        return ""
    lines = [("exercise", "mean", "full points", "commonest message")]
    for row in rows:
        name = f"{row['notebook']}: {row['exercise']}" if several else row["exercise"]
        message = f"{shown(row['message'])} ({row['times']})" if row["message"] else ""
        lines.append((name, f"{row['mean']:.3g}/{row['max_points']:g}", f"{row['full']:.0%}", message))
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    made = (f"  {a:{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}  {d}".rstrip() for a, b, c, d in lines)
    return "\n" + "".join((line if len(line) <= WIDTH else line[: WIDTH - 3] + "...") + "\n" for line in made)


if __name__ == "__main__":
    sys.exit(run())
