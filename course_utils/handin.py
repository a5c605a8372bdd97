"""Handing in: one checked zip per unit out of the workbook, and zips sorted into nbgrader's `submitted/`.

A zip holds exactly two members, `<unit>.ipynb` and `submission.json` (unit, student, time, SHA-256 of the notebook).
Whoever collects trusts nothing in it: sizes are capped while reading, names and hash are checked, and what it claims
about student and time is a claim (anybody can write any name into a zip). Standard library only.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import re
import stat
import struct
import sys
import time
import zipfile
import zlib
from collections import namedtuple
from pathlib import Path

from course_utils import workbook
from course_utils.answer_cells import graded_cells, is_answer, meta, title, to_mend, unanswered
from course_utils.environment_setup import CourseError
from course_utils.workbook import place, read_notebook, sha256

FORMAT = 1
OUTBOX = "outbox"  # in the workbook, where JupyterLab's file browser shows it
SOURCES = (f"workbook/{OUTBOX}", "outbox", "inbox")  # what collect looks through; the second is that of older versions
QUESTION = "Your student id (as your instructor knows it): "
TRIES = 3
RECORD = "submission.json"
MAX_NOTEBOOK = 20 * 2**20  # bytes; a filled-in chapter with its figures stays below 5 MB
MAX_RECORD = 10_000
MAX_ZIP = MAX_NOTEBOOK + 2**20
CLOCK_SLACK = dt.timedelta(hours=24)
STUDENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # no folder on Windows can be called so

Submission = namedtuple("Submission", "path unit student time sha256 notebook")  # notebook: its bytes


NAME_IT = "give yours with --student ID (make submit UNIT=... STUDENT=ID)"


class BadSubmission(Exception):
    """What is wrong with a zip and what to do, to be put behind its name."""


# ---- student ids and times


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


def choose_student(given, remembered):
    """The student id: given, else COURSE_STUDENT, else the last one used, else asked for at the keyboard."""
    sources = (
        ("--student", given),
        ("COURSE_STUDENT", os.environ.get("COURSE_STUDENT")),
        ("the last submission", remembered),
    )
    source, student = next(((source, one) for source, one in sources if one), (None, None))
    if source is None:
        return _ask_student()
    problem = student_problem(student)
    if problem:
        raise CourseError(f"{student!r} ({source}) cannot be a student id ({problem}): {NAME_IT}.")
    return student


def _ask_student():
    """Ask for the id, a few times if need be; a program without a keyboard must name it."""
    if not (sys.stdin and sys.stdin.isatty()):
        raise CourseError(f"Whose work is it? No student id was given, and nothing was written: {NAME_IT}.")
    for _ in range(TRIES):
        try:
            student = input(QUESTION).strip()
        except EOFError:
            print()  # the end of the line that the question stands on
            break
        problem = student_problem(student)
        if not problem:
            return student
        print(f"That cannot be one: {problem}.")
    raise CourseError(f"No student id was given, and nothing was written: submit again, or {NAME_IT}.")


def _now():
    return dt.datetime.now(dt.UTC).replace(microsecond=0, tzinfo=None)


# ---- handing in


def submit(root, unit, student=None):
    """Pack workbook/UNIT/UNIT.ipynb into one zip in workbook/outbox/ and return the lines to print.

    What is unanswered or cannot run is named, and packed all the same: half of the exercises may be all there is.

    Raises
    ------
    CourseError : if it is not that unit's notebook; nothing is written then.
    """
    root = Path(root)
    unit = _find_unit(root, unit)
    path = root / "workbook" / unit / f"{unit}.ipynb"
    data, notebook = _read_own(path, unit)
    release = _read_release(root, unit)
    warnings = _compare_cells(notebook, release, f"workbook/{unit}/{unit}.ipynb", unit)
    manifest, damage = workbook.load_manifest(root)
    student = choose_student(student, manifest["student"])
    try:
        zip_path = _write_zip(root / "workbook" / OUTBOX, unit, student, data)
        if damage or manifest["student"] != student:
            workbook.save_manifest(root, dict(manifest, student=student))
    except OSError as error:
        raise CourseError(
            f"The zip could not be written to workbook/outbox/ ({error.strerror or error}): free some space or see that"
            " the folder is yours to write to, then submit again."
        ) from error
    lines = [damage] if damage else []
    lines += warnings + _answer_lines(notebook, release)
    saved = dt.datetime.fromtimestamp(path.stat().st_mtime).strftime("%H:%M:%S on %Y-%m-%d")
    lines.append(
        f"It holds the notebook as saved at {saved}; changed it since? Save first (Ctrl+S), then submit again."
    )
    if manifest["student"] != student:
        lines.append(f"The id {student} is remembered for the next time; --student ID takes another one.")
    lines.append(
        f"Written and checked, for student {student}: workbook/{OUTBOX}/{zip_path.name} (in JupyterLab's file browser:"
        f" {OUTBOX}/{zip_path.name})"
    )
    return lines


def _read_release(root, unit):
    """The unit's notebook as it was released."""
    try:
        return read_notebook((root / "release" / unit / f"{unit}.ipynb").read_bytes())
    except (OSError, ValueError) as error:
        raise CourseError(
            f"release/{unit}/{unit}.ipynb cannot be read ({error}): get the course's files afresh (git checkout"
            " release), then submit again."
        ) from None


def _find_unit(root, unit):
    units = workbook.released_units(root)
    if unit in units:
        return unit
    begins = [one for one in units if unit and one.startswith(unit)]
    if len(begins) == 1:
        return begins[0]
    asked = f"There is no unit {unit!r}" if unit else "Say which unit to hand in"
    example = units[-1] if units else "01_basic_concepts"
    raise CourseError(f"{asked}: course submit {example} (units here: {', '.join(units) or 'none'}).")


def _read_own(path, unit):
    """Bytes and notebook of the student's own file."""
    name = f"workbook/{unit}/{unit}.ipynb"
    if not path.is_file():
        raise CourseError(f"{name} does not exist: start the course once (make lab), which puts it there.")
    if path.stat().st_size > MAX_NOTEBOOK:
        raise CourseError(
            f"{name} is larger than {MAX_NOTEBOOK // 2**20} MB: in JupyterLab clear its outputs (Edit > Clear"
            " Outputs of All Cells), save and submit again."
        )
    data = path.read_bytes()
    try:
        return data, read_notebook(data)
    except ValueError as error:
        raise CourseError(
            f"{name} cannot be handed in, because {error}: open it in JupyterLab and save it again, or rename it, run"
            " make lab for a fresh one and copy your answers over."
        ) from None


def _compare_cells(notebook, release, name, unit):
    """Refuse another unit's notebook or a lost answer cell; return lines about lost or doubled other cells."""
    wanted, found = graded_cells(release), _grade_ids(notebook)
    missing = [grade_id for grade_id in wanted if grade_id not in found]
    cure = (
        "in JupyterLab undo the deletion, or rename your file, run make lab for a fresh one and copy your answers over"
    )
    if wanted and len(missing) == len(wanted):
        raise CourseError(f"{name} is not the notebook of unit {unit} (none of its cells is there): {cure}.")
    answers = [grade_id for grade_id in missing if is_answer(wanted[grade_id])]
    if answers:
        raise CourseError(
            f"{name} lacks the answer cell of {_join(title(one, wanted) for one in answers)} (deleted, or new in an"
            f" update that lies beside yours): {cure}."
        )
    lines = []
    if missing:
        lines.append(f"Locked cells that are no longer there (the grader puts them back): {', '.join(missing)}.")
    doubled = sorted({grade_id for grade_id in wanted if found.count(grade_id) > 1})
    if doubled:
        lines.append(f"Cells that stand there twice (the grader reads the lower one): {', '.join(doubled)}.")
    return lines


def answer_cells(root):
    """unit -> names of the answer cells in its release; units whose release cannot be read are left out."""
    found = {}
    for unit in workbook.released_units(root):
        try:
            cells = graded_cells(_read_release(Path(root), unit))
        except CourseError:
            continue
        found[unit] = {name for name, cell in cells.items() if is_answer(cell)}
    return found


def unit_of(notebook, answers):
    """The unit that most of a notebook's answer cells belong to, None if there is no such; answers: `answer_cells`."""
    ids = set(_grade_ids(notebook))
    shares = sorted(((len(names & ids) / len(names), unit) for unit, names in answers.items() if names), reverse=True)
    if not shares or shares[0][0] < 0.5 or (len(shares) > 1 and shares[1][0] == shares[0][0]):
        return None
    return shares[0][1]


def _answer_lines(notebook, release):
    """What to mend first, then what is unanswered; that every exercise has an answer only if neither is."""
    faults, names = to_mend(notebook, release), unanswered(notebook, release)
    lines = [f"To mend, for so it cannot earn its points ({len(faults)}):"] if faults else []
    lines += [f"  {fault}" for fault in faults]
    lines += [f"Still unanswered ({len(names)}):"] if names else []
    lines += [f"  {name}" for name in names]
    return lines or ["Every exercise has an answer."]


def _grade_ids(notebook):
    return [meta(cell).get("grade_id") for cell in notebook["cells"]]


def _join(names):
    return ", ".join(f"'{name}'" for name in names)


def _write_zip(outbox, unit, student, data):
    """Write the zip under a name of its own, after reading it back the way a collector will."""
    outbox.mkdir(exist_ok=True)
    when = _now()
    while os.path.lexists(str(outbox / _zip_name(unit, student, when))):  # a second one within this second
        time.sleep(0.2)
        when = _now()
    record = {
        "format": FORMAT,
        "unit": unit,
        "student": student,
        "time": f"{when.isoformat()}Z",
        "sha256": sha256(data),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{unit}.ipynb", data)
        archive.writestr(RECORD, json.dumps(record, indent=1))
    path = outbox / _zip_name(unit, student, when)
    place(buffer.getvalue(), path)
    try:
        written = read_submission(path)
    except BadSubmission as problem:
        path.unlink()
        raise CourseError(
            f"The zip in workbook/outbox/ did not read back ({problem}): check the disk, then submit again."
        ) from None
    if written.notebook != data:
        path.unlink()
        raise CourseError(
            "The zip in workbook/outbox/ did not read back as written: check the disk, then submit again."
        )
    return path


def _zip_name(unit, student, when):
    return f"{unit}--{student}--{when:%Y%m%d-%H%M%S}.zip"


# ---- reading a zip that anybody may have made

NOT_OURS = "ask for the zip that `make submit` writes"
# All that zipfile is known to raise on bytes that somebody bent on purpose.
DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, KeyError, OverflowError, RuntimeError)


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
    if when > _now() + CLOCK_SLACK:
        raise BadSubmission(
            f"says it was made at {when} UTC, which is yet to come: ask for one made with the right clock"
        )
    return when


# ---- collecting


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
