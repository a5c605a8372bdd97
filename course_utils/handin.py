"""Handing in: one checked zip per unit out of the workbook. Standard library only."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import sys
import time
import zipfile
from pathlib import Path

from course_utils import submission, workbook
from course_utils.answer_cells import graded_cells, is_answer, meta, title, to_mend, unanswered
from course_utils.environment_setup import CourseError
from course_utils.workbook import place, read_notebook, sha256

OUTBOX = "outbox"  # in the workbook, where JupyterLab's file browser shows it
QUESTION = "Your student id (as your instructor knows it): "
TRIES = 3
NAME_IT = "give yours with --student ID (make submit UNIT=... STUDENT=ID)"


# ---- whose work it is


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
    problem = submission.student_problem(student)
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
        problem = submission.student_problem(student)
        if not problem:
            return student
        print(f"That cannot be one: {problem}.")
    raise CourseError(f"No student id was given, and nothing was written: submit again, or {NAME_IT}.")


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
    if path.stat().st_size > submission.MAX_NOTEBOOK:
        raise CourseError(
            f"{name} is larger than {submission.MAX_NOTEBOOK // 2**20} MB: in JupyterLab clear its outputs"
            " (Edit > Clear Outputs of All Cells), save and submit again."
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
    when = submission.now()
    while os.path.lexists(str(outbox / _zip_name(unit, student, when))):  # a second one within this second
        time.sleep(0.2)
        when = submission.now()
    record = {
        "format": submission.FORMAT,
        "unit": unit,
        "student": student,
        "time": f"{when.isoformat()}Z",
        "sha256": sha256(data),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{unit}.ipynb", data)
        archive.writestr(submission.RECORD, json.dumps(record, indent=1))
    path = outbox / _zip_name(unit, student, when)
    place(buffer.getvalue(), path)
    try:
        written = submission.read_submission(path)
    except submission.BadSubmission as problem:
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
