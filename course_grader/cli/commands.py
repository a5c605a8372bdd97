"""The commands around grading (late, ...): their arguments. What they do stands in modules of their own.

Those are imported when a command runs: nbgrader, matplotlib and SQLAlchemy take seconds, and --help need not wait.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

HOMES = {
    "late": ".late", "collect": ".collect", "bundle": ".bundle", "stats": "..reports.stats",
    "export": "..reports.export",
}  # fmt: skip


def register(commands) -> None:
    """Add the commands to the command line; each sets `run`, a function of the arguments that gives the exit status."""
    late = _command(
        commands, "late", "reckon late penalties anew: after a change of deadline, extension or a person's points",
        "Name the late submissions of a unit, and reckon their penalties by the settings as they are now.\n"
        "Nothing is executed, and points that were earned stay as they are.",
    )  # fmt: skip
    late.add_argument("unit", metavar="UNIT")
    _json(late)

    stats = _command(
        commands, "stats", "how a unit went: points, exercises, commonest messages, time",
        "Distribution of the points; for each exercise the mean share of its points, the correlation with all others,\n"
        "the commonest message and the CPU time. Late penalties are left out.",
    )  # fmt: skip
    stats.add_argument("unit", metavar="UNIT")
    stats.add_argument("--figure", metavar="FILE", type=Path, help="also draw it, as a PNG file")
    _json(stats)

    export = _command(
        commands, "export", "points by exercise as a table, for Canvas, Moodle or a spreadsheet",
        "Points of one or more units, by exercise, with late penalties taken off the totals. Who handed in nothing\n"
        "has empty cells. A cell that a spreadsheet program could take for a formula gets an apostrophe in front.",
    )  # fmt: skip
    export.add_argument("unit", metavar="UNIT", nargs="+")
    export.add_argument("--format", choices=["canvas", "moodle", "csv"], required=True)
    export.add_argument("--output", metavar="FILE", type=Path, help="where to write it (default: stdout)")
    export.add_argument("--title", metavar="UNIT=TITLE", action="append", help="what a unit is called over there")

    collect = _command(
        commands, "collect", "sort a zip with everybody's files, from Canvas or Moodle, into submitted/",
        "Sort the notebooks and `make submit` zips in a learning platform's zip into submitted/; of several by one\n"
        "student the newest counts. Exit status 1: something was refused, each named with the reason.",
    )  # fmt: skip
    collect.add_argument("zip", metavar="ZIP", nargs="+", type=Path)
    _json(collect)

    bundle = _command(
        commands, "bundle", "the course for students, without solutions and hidden tests, in one zip",
        "Write release/, course_utils/ and what `make lab` and `make submit` need into one zip, always the same\n"
        "bytes. Refused if a line of a solution or of a hidden test would be in it.",
    )  # fmt: skip
    bundle.add_argument("--output", metavar="ZIP", type=Path, help="default: dist/deep-learning-fundamentals.zip")


def _command(commands, name: str, told: str, description: str):
    """One command with what all of them have; it runs the function `run` of the module that `HOMES` names."""
    parser = commands.add_parser(
        name, help=told, description=description, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--course", metavar="PATH", type=Path, default=Path(), help="the course folder (default: here)")
    parser.set_defaults(run=lambda arguments: import_module(HOMES[name], __package__).run(arguments))
    return parser


def _json(parser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, for machines")
