"""Collecting: zips that students handed in, sorted into nbgrader's `submitted/`. Standard library only."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

from course_utils import workbook
from course_utils.handin import OUTBOX
from course_utils.submission import BadSubmission, read_submission
from course_utils.workbook import sha256

SOURCES = (f"workbook/{OUTBOX}", "outbox", "inbox")  # what collect looks through; the second is that of older versions


def collect(root, sources=()):
    """Sort zips into submitted/<student>/<unit>/; the newest of a student and unit counts, and nothing is ever lost.

    Parameters
    ----------
    root : course folder
    sources : zips and folders of zips; by default those of SOURCES that exist

    Returns
    -------
    lines : what was done
    problems : one sentence per zip that could not be taken
    """
    root = Path(root)
    paths, problems = _zips(root, sources)
    units = workbook.released_units(root)
    newest, lines = {}, []
    for path in paths:
        try:
            one = read_submission(path)
            if one.unit not in units:
                raise BadSubmission(
                    f"is for unit {one.unit!r}, which release/ does not have: add it, or ask for the right one"
                )
        except BadSubmission as problem:
            problems.append(f"{_shown(path)} {problem}.")
            continue
        best = newest.get((one.student, one.unit))
        if best is None or (one.time, one.sha256) > (best.time, best.sha256):
            one, best = best, one
            newest[best.student, best.unit] = best
        if one and one.sha256 != best.sha256:
            lines.append(f"{_shown(one.path)} is older than {_shown(best.path)}, which counts.")
    for one in sorted(newest.values(), key=lambda one: (one.time, one.student, one.unit)):
        line, problem = sort_in(root / "submitted", one)
        lines += [line] if line else []
        problems += [f"{_shown(one.path)} {problem}."] if problem else []
    if not newest and not problems:
        lines.append("No zip to collect: put them into inbox/, or name a folder (make collect FROM=folder).")
    return lines, problems


def _zips(root, sources):
    """All zips of the sources in a settled order, and a sentence per source that is not there."""
    given = [Path(source) for source in sources] or [root / name for name in SOURCES if (root / name).is_dir()]
    paths, problems = [], []
    for source in given:
        if source.is_dir():
            found = (path for path in sorted(source.glob("**/*")) if path.suffix.lower() == ".zip")
            paths += [
                path for path in found if not path.name.startswith(".") and (path.is_symlink() or not path.is_dir())
            ]
        elif os.path.lexists(str(source)):
            paths.append(source)
        else:
            problems.append(f"There is no file or folder {_shown(source)}: check the name after FROM=.")
    return list(dict.fromkeys(paths)), problems


def _shown(path):
    """A file name fit for a terminal: control characters could forge lines."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(path.name))


def sort_in(submitted, one):
    """Put one submission in its place; returns the line that says so, or else why it could not be ("" for the other).

    one.time: None if nobody knows it; it then has no time stamp, and counts as newer than what is there.
    """
    try:
        return _sort_in(submitted, one), ""
    except BadSubmission as problem:
        return "", str(problem)
    except OSError as error:
        told = f"could not be sorted in ({error.strerror or error}: {error.filename}): mend that and collect again"
        return "", told


def _sort_in(submitted, one):
    _check_place(submitted, one)
    target = submitted / one.student / one.unit
    label = f"{one.student}  {one.unit}  {f'{one.time} UTC' if one.time else 'time unknown'}"
    note = "collected"
    if os.path.lexists(str(target)):
        old_time, old_sha256 = _collected_time(target), _collected_sha256(target, one.unit)
        if old_sha256 == one.sha256 and one.time in (None, old_time):
            return f"{label}  already there"
        if old_time and one.time and (old_time, old_sha256) > (one.time, one.sha256):
            return f"{label}  left out: a newer one, of {old_time} UTC, is already there"
        note = f"collected; the one before is kept in {_set_aside(submitted, one, old_time)}"
    fresh = submitted / one.student / f".incoming-{one.unit}"  # so that nbgrader never sees half a submission
    fresh.mkdir(parents=True, exist_ok=True)
    workbook.overwrite(one.notebook, fresh / f"{one.unit}.ipynb")
    if one.time:
        workbook.overwrite(f"{one.time} UTC\n".encode("ascii"), fresh / "timestamp.txt")
    fresh.rename(target)
    return f"{label}  {note}"


def _check_place(submitted, one):
    """Refuse an id that differs from a known one in letter case only, and folders that are links to elsewhere."""
    folders = [path.name for path in submitted.iterdir()] if submitted.is_dir() else []
    twin = next((name for name in folders if name != one.student and name.lower() == one.student.lower()), None)
    if twin:
        raise BadSubmission(
            f"names student {one.student!r}, but {twin!r} is there already, and some systems take both for one folder:"
            " ask for one with the same id as before"
        )
    for folder in (submitted / one.student, submitted / one.student / one.unit, submitted / ".replaced"):
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise BadSubmission(f"has no place to go, for {folder} is a link or a file: remove that and collect again")


def _collected_time(folder):
    try:
        return dt.datetime.strptime(
            (folder / "timestamp.txt").read_text(encoding="ascii").strip(), "%Y-%m-%d %H:%M:%S UTC"
        )
    except (OSError, ValueError):
        return None  # put there by other means


def _collected_sha256(folder, unit):
    path = folder / f"{unit}.ipynb"
    return sha256(path.read_bytes()) if path.is_file() else ""


def _set_aside(submitted, one, old_time):
    """Move the collected folder to submitted/.replaced/ (hidden, so that nbgrader does not take it for a student)."""
    name = f"{old_time:%Y%m%d-%H%M%S}" if old_time else "unknown-time"
    keep = submitted / ".replaced" / one.student / one.unit
    keep.mkdir(parents=True, exist_ok=True)
    number, aside = 1, keep / name
    while os.path.lexists(str(aside)):
        number += 1
        aside = keep / f"{name}-{number}"
    (submitted / one.student / one.unit).rename(aside)
    return aside.relative_to(submitted.parent).as_posix()
