"""`course-grader export UNIT... --format canvas|moodle|csv`: points as a table that another program reads.

csv is for people and their spreadsheet programs: all there is, and a byte order mark in front, without which Excel
takes UTF-8 for the local code page and spoils names. canvas and moodle are for those programs' own import, which expect
plain UTF-8 and find their first column by its name: no mark.

What a column must be called was read in the programs' sources. Canvas (lib/gradebook_importer.rb) wants Student, ID,
SIS User ID, SIS Login ID and Section first, then a row of Points Possible, and takes no column whose name holds "Final
Points" for an assignment: so only the units are imported, and the exercises are there to be read. Moodle (grade/import)
lets the teacher say which column is what; it finds a student by username, ID number or email address.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from pathlib import Path

from ..contracts import GraderError
from ..course import plan as plans
from . import points as classbook
from .points import Item, Row

READ_ONLY = "(read only)"  # in Canvas's second row: do not import
NO_ASSIGNMENT = "Final Points"  # in a column's name: likewise


def run(arguments) -> int:
    """The command."""
    course = plans.settings(arguments.course)
    units = list(dict.fromkeys(arguments.unit))
    titles = _titles(arguments.title or [], units)
    read = {unit: classbook.read(course, unit) for unit in units}
    data = encoded(FORMATS[arguments.format](read, titles), arguments.format)
    if arguments.output:
        _write(arguments.output, data)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
    _warn(read)
    return 0


def _titles(given: list[str], units: list[str]) -> dict[str, str]:
    """Unit -> what its column is called."""
    titles = {unit: unit for unit in units}
    for one in given:
        unit, sign, title = one.partition("=")
        if unit not in titles or not sign or not title.strip():
            raise GraderError(f"--title {one!r} names no unit of this export: write UNIT=TITLE.")
        titles[unit] = title.strip()
    twice = [title for title in titles.values() if list(titles.values()).count(title) > 1]
    if twice:
        raise GraderError(f"Two units have the title {twice[0]!r}: give each its own.")
    return titles


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise GraderError(f"{path} cannot be written ({error.strerror}): name another place with --output.") from None


def _warn(read: dict) -> None:
    for unit, (_, rows) in read.items():
        waiting = sum(row.waiting for row in rows)
        if waiting:
            told = f"{waiting} submission{'s wait' if waiting > 1 else ' waits'} for a person's points, which count 0"
            print(f"course-grader: {unit}: {told} in this table.", file=sys.stderr)


# -- cells -------------------------------------------------------------------------------------------------------------

# What Excel, LibreOffice or Google Sheets may take for a formula, and a blank that such a program may skip before it.
_FORMULA = re.compile(r"'*(?:\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])")


def defused(text: str) -> str:
    """A text that no spreadsheet program takes for a formula: an apostrophe stands before what looks like one.

    `plain` takes it away again. A name such as 't Hooft is left as it is.
    """
    return f"'{text}" if _FORMULA.match(text) else text


def plain(cell: str) -> str:
    """The text that `defused` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def number(points: float | None) -> str:
    """Points with at most four decimals; "" for none."""
    return "" if points is None else f"{points:.4f}".rstrip("0").rstrip(".")


def encoded(table: list[list[str]], form: str) -> bytes:
    """The table as a file's bytes."""
    text = io.StringIO()
    csv.writer(text).writerows([defused(cell) for cell in row] for row in table)
    return text.getvalue().encode("utf-8-sig" if form == "csv" else "utf-8")


# -- tables ------------------------------------------------------------------------------------------------------------

Read = dict[str, tuple[list[Item], list[Row]]]


def students(read: Read):
    """(student, {unit: row}) for everybody in the gradebook. Who handed in nothing has empty cells, not zeros."""
    by_unit = {unit: {row.student: row for row in rows} for unit, (_, rows) in read.items()}
    first = next(iter(by_unit.values()))
    return [(who, {unit: rows[student] for unit, rows in by_unit.items()}) for student, who in first.items()]


def _total(row: Row) -> str:
    return number(row.total) if row.points else ""


def _penalty(row: Row) -> str:
    return number(row.penalty) if row.points else ""


def _most(items: list[Item]) -> str:
    return number(sum(item.max_points for item in items))


def csv_table(read: Read, titles: dict[str, str]) -> list[list[str]]:
    """Everything: who, when, each exercise, penalty, total and the points that could be had."""
    header = ["student_id", "last_name", "first_name", "email", "lms_user_id"]
    for unit, (items, _) in read.items():
        name = titles[unit]
        header += [f"{name} submitted (UTC)", *(f"{name} {item.name}" for item in items)]
        header += [f"{name} late penalty", f"{name} total", f"{name} of"]
    table = [header]
    for who, rows in students(read):
        line = [who.student, who.last_name, who.first_name, who.email, who.lms_user_id]
        for unit, (items, _) in read.items():
            row = rows[unit]
            line += [f"{row.submitted:%Y-%m-%d %H:%M:%S}" if row.submitted else ""]
            line += [number(row.points.get(item.name)) for item in items]
            line += [_penalty(row), _total(row), _most(items)]
        table.append(line)
    return table


def canvas_table(read: Read, titles: dict[str, str]) -> list[list[str]]:
    """For Canvas's gradebook import: a column for each unit, and for reading one for each exercise and penalty."""
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *titles.values()]
    possible = ["    Points Possible", "", "", "", "", *(_most(items) for items, _ in read.values())]
    for unit, (items, _) in read.items():
        names = [*(item.name for item in items), "late penalty"]
        header += [f"{titles[unit]} {name} {NO_ASSIGNMENT}" for name in names]
        possible += [READ_ONLY] * len(names)
    table = [header, possible]
    for who, rows in students(read):
        canvas_id = who.lms_user_id if who.lms_user_id.isascii() and who.lms_user_id.isdigit() else ""
        other_id = "" if canvas_id else who.lms_user_id  # Canvas would read the ID 12ab as 12: somebody else's
        line = [_sortable(who), canvas_id, other_id, who.student, "", *(_total(rows[unit]) for unit in read)]
        for unit, (items, _) in read.items():
            line += [number(rows[unit].points.get(item.name)) for item in items] + [_penalty(rows[unit])]
        table.append(line)
    return table


def _sortable(who: Row) -> str:
    """Last, First: as Canvas shows names in its gradebook."""
    return ", ".join(filter(None, [who.last_name, who.first_name])) or who.student


def moodle_table(read: Read, titles: dict[str, str]) -> list[list[str]]:
    """For Moodle's grade import: who, then a column for each unit, each exercise and each penalty."""
    header = ["Username", "First name", "Last name", "ID number", "Email address"]
    for unit, (items, _) in read.items():
        name = titles[unit]
        header += [name, *(f"{name} {item.name}" for item in items), f"{name} late penalty"]
    table = [header]
    for who, rows in students(read):
        line = [who.student, who.first_name, who.last_name, who.lms_user_id, who.email]
        for unit, (items, _) in read.items():
            row = rows[unit]
            line += [_total(row), *(number(row.points.get(item.name)) for item in items), _penalty(row)]
        table.append(line)
    return table


FORMATS = {"canvas": canvas_table, "moodle": moodle_table, "csv": csv_table}
