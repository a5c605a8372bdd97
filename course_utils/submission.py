"""A submission: the form of its zip, and the reading of one that anybody may have made.

A zip holds exactly two members, `<unit>.ipynb` and `submission.json` (unit, student, time, SHA-256 of the notebook).
Whoever reads one trusts nothing in it: sizes are capped while reading, names and hash are checked, and what it claims
about student and time is a claim (anybody can write any name into a zip). Standard library only.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import stat
import struct
import zipfile
import zlib
from collections import namedtuple
from pathlib import Path

from course_utils.workbook import read_notebook, sha256

FORMAT = 1
RECORD = "submission.json"
MAX_NOTEBOOK = 20 * 2**20  # bytes; a filled-in chapter with its figures stays below 5 MB
MAX_RECORD = 10_000
MAX_ZIP = MAX_NOTEBOOK + 2**20
CLOCK_SLACK = dt.timedelta(hours=24)
STUDENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # no folder on Windows can be called so
NOT_OURS = "ask for the zip that `make submit` writes"
# All that zipfile is known to raise on bytes that somebody bent on purpose.
DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, KeyError, OverflowError, RuntimeError)

Submission = namedtuple("Submission", "path unit student time sha256 notebook")  # notebook: its bytes


class BadSubmission(Exception):
    """What is wrong with a zip and what to do, to be put behind its name."""


def student_problem(student):
    """Why this cannot be a student id, or None if it can."""
    if not isinstance(student, str) or not STUDENT_ID.fullmatch(student):
        return (
            "an id has 1 to 64 letters (a-z), digits, dots, dashes and underscores, and starts with a letter or digit"
        )
    if ".." in student or student.endswith("."):
        return "an id neither ends in a dot nor holds two in a row"
    if RESERVED.fullmatch(student):
        return "Windows keeps that name for a device"
    return None


def now():
    return dt.datetime.now(dt.UTC).replace(microsecond=0, tzinfo=None)


def read_submission(path):
    """Read one zip without trusting anything in it.

    Raises
    ------
    BadSubmission : what is wrong and what to do.
    """
    path = Path(path)
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise BadSubmission("is not a plain file (a link or a folder): put the zip itself there")
        if status.st_size > MAX_ZIP:
            raise BadSubmission(f"is larger than {MAX_ZIP // 2**20} MB: ask for one with its outputs cleared")
        return read_archive(path)
    except OSError as error:
        raise BadSubmission(f"cannot be read ({error.strerror or error}): copy it there again") from None


def read_archive(file, path=None):
    """Read one zip, from a path or an open file; `path` is what the result is to say about where it came from.

    Raises
    ------
    BadSubmission : what is wrong and what to do.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = _members(archive)
            record = _record(_read(archive, members[RECORD], MAX_RECORD))
            if set(members) != {RECORD, f"{record['unit']}.ipynb"}:
                raise BadSubmission(f"does not hold the notebook of the unit it names ({record['unit']!r}): {NOT_OURS}")
            data = _read(archive, members[f"{record['unit']}.ipynb"], MAX_NOTEBOOK)
    except DAMAGE as error:
        raise BadSubmission(f"is not a readable zip ({error or type(error).__name__}): {NOT_OURS}") from None
    if sha256(data) != record["sha256"]:
        raise BadSubmission(f"holds a notebook that is not the one it was sealed with (SHA-256 differs): {NOT_OURS}")
    try:
        read_notebook(data)
    except ValueError as error:
        raise BadSubmission(f"holds no usable notebook ({error}): {NOT_OURS}") from None
    return Submission(path or file, record["unit"], record["student"], record["when"], record["sha256"], data)


def _members(archive):
    """The two members by name; nothing is ever extracted, so names cannot lead anywhere, but only two are right."""
    infos = archive.infolist()
    names = [info.filename for info in infos]
    if len(infos) != 2 or len(set(names)) != 2 or RECORD not in names:
        raise BadSubmission(f"is not a submission (it should hold one notebook and {RECORD}, nothing else): {NOT_OURS}")
    for info in infos:
        kind = stat.S_IFMT(info.external_attr >> 16)
        if info.is_dir() or kind not in (0, stat.S_IFREG):
            raise BadSubmission(f"holds a member that is not a plain file: {NOT_OURS}")
        if info.flag_bits & 1:
            raise BadSubmission(f"is encrypted: {NOT_OURS}")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadSubmission(f"is packed in an unusual way: {NOT_OURS}")
    return dict(zip(names, infos, strict=True))


def _read(archive, info, cap):
    """Read a member up to its cap, whatever size its header tells."""
    with archive.open(info) as member:
        data = member.read(cap + 1)
    if len(data) > cap:
        raise BadSubmission(f"unpacks to more than {cap:,} bytes where that is the most allowed: {NOT_OURS}")
    return data


def _record(data):
    """The checked record of a zip, with its time as `when`."""
    try:
        record = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise BadSubmission(f"has a damaged {RECORD}: {NOT_OURS}")
    if record.get("format") != FORMAT:
        raise BadSubmission(f"was made by another version of the course (format {record.get('format')!r}): update both")
    if not all(isinstance(record.get(name), str) for name in ("unit", "student", "time", "sha256")):
        raise BadSubmission(f"has an incomplete {RECORD}: {NOT_OURS}")
    problem = student_problem(record["student"])
    if problem:
        raise BadSubmission(f"names a student id that cannot be used ({problem}): ask for one with another id")
    return dict(record, when=_time(record["time"]))


def _time(text):
    try:
        when = dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ") if TIME.fullmatch(text) else None
    except ValueError:
        when = None
    if when is None:
        raise BadSubmission(f"has no usable time in its {RECORD}: {NOT_OURS}")
    if when > now() + CLOCK_SLACK:
        raise BadSubmission(
            f"says it was made at {when} UTC, which is yet to come: ask for one made with the right clock"
        )
    return when
