"""The student's `workbook/`: a copy of `release/` that is filled up and never overwritten.

A released file that changed since it was handed out arrives beside the student's, as `name (update 2026-11-22).ipynb`.
What was handed out stands in a small hidden file, by hash; without it nothing is lost, at worst an update comes
twice. Standard library only, like all that runs before the set-up.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import uuid
from pathlib import Path

from course_utils.environment_setup import CourseError

MANIFEST = ".handed_out.json"
FORMAT = 1


# ---- files


def sha256(data):
    """Hex SHA-256 of some bytes."""
    return hashlib.sha256(data).hexdigest()


def place(data, target):
    """Write a new file in one step; FileExistsError, and nothing written, if the name is taken.

    A reader sees the whole file or none, also when the power fails half-way.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = _write_beside(data, target)
    try:
        if os.name == "nt":
            fresh.rename(target)  # refuses a taken name on Windows only
        else:
            _link(fresh, target)
    finally:
        if fresh.exists():
            fresh.unlink()


def _link(fresh, target):
    try:
        os.link(str(fresh), str(target))  # refuses a taken name; a rename would overwrite it
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links (FAT, some network shares)
        if os.path.lexists(str(target)):
            raise FileExistsError(str(target)) from None
        fresh.replace(target)


def overwrite(data, target):
    """Replace one of our own files in one step."""
    fresh = _write_beside(data, Path(target))
    try:
        fresh.replace(target)
    finally:
        if fresh.exists():
            fresh.unlink()


def _write_beside(data, target):
    # not tempfile: its files are for their owner's eyes only, which would keep a grader of another user out
    fresh = target.with_name(f".course-{uuid.uuid4().hex}.tmp")
    try:
        with fresh.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        if fresh.exists():
            fresh.unlink()
        raise
    return fresh


# ---- notebooks


def read_notebook(data):
    """The notebook in these bytes as a dict; ValueError with a reason if it is none."""
    try:
        notebook = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise ValueError("it is not valid JSON") from None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise ValueError("it is JSON, but not a notebook (it has no list of cells)")
    if notebook.get("nbformat") != 4:
        raise ValueError(f"its notebook format is {notebook.get('nbformat')!r}, not 4")
    for number, cell in enumerate(notebook["cells"], start=1):
        if not _is_cell(cell):
            raise ValueError(f"its cell number {number} is damaged")
    return notebook


def _is_cell(cell):
    if not isinstance(cell, dict) or not isinstance(cell.get("metadata"), dict):
        return False
    source = cell.get("source")
    lines = source if isinstance(source, list) else [source]
    return isinstance(cell.get("cell_type"), str) and all(isinstance(line, str) for line in lines)


def released_units(root):
    """Names of the units in release/, in order."""
    return sorted(path.parent.name for path in Path(root, "release").glob("*/*.ipynb") if path.stem == path.parent.name)


# ---- what was handed out


def load_manifest(root):
    """The record of what was handed out, and a line if it was damaged (it is then set aside, not thrown away)."""
    path = Path(root, "workbook", MANIFEST)
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return _empty(), None
    except ValueError:
        text = ""
    try:
        manifest = json.loads(text)
        files = manifest["files"]
        sound = all(isinstance(hashes, list) for hashes in files.values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        sound = False
    if sound:
        return {"format": FORMAT, "student": manifest.get("student"), "files": files}, None
    aside = _free_name(path.with_name(".handed_out.damaged.json"))
    path.rename(aside)
    return _empty(), (
        f"The course's own record workbook/{MANIFEST} was damaged and is now {aside.name}: nothing of yours is lost,"
        " but an update you have already seen may come once more, and `submit` may ask for your student id again."
    )


def save_manifest(root, manifest):
    """Write the record in one step."""
    folder = Path(root, "workbook")
    folder.mkdir(exist_ok=True)
    overwrite(json.dumps(manifest, indent=1, sort_keys=True).encode("utf-8"), folder / MANIFEST)


def _empty():
    return {"format": FORMAT, "student": None, "files": {}}


def _free_name(path):
    """The path itself if no file has that name, else with ", 2", ", 3" ... behind its stem."""
    number, free = 1, path
    while os.path.lexists(str(free)):
        number += 1
        free = path.with_name(f"{path.stem}, {number}{path.suffix}")
    return free


# ---- handing out


def update(root, today=None):
    """Bring workbook/ up to date with release/ and return the lines that say what was done.

    Parameters
    ----------
    root : course folder
    today : date for the names of updates; the real one by default

    Raises
    ------
    CourseError : if there is nothing to hand out, or the disk refuses.
    """
    root = Path(root)
    today = today or dt.date.today()
    files = _released_files(root)
    if not files:
        raise CourseError(f"{root / 'release'} holds no unit: get the course's files afresh, or run `make release`.")
    try:
        (root / "workbook").mkdir(exist_ok=True)
        manifest, damage = load_manifest(root)
        lines = [damage] if damage else []
        before = json.dumps(manifest, sort_keys=True)
        fresh = 0
        for name in files:
            line, new = _hand_out(root, name, manifest["files"], today)
            lines += [line] if line else []
            fresh += new
        if fresh:
            lines.append(f"workbook/: {fresh} new file{'s' if fresh > 1 else ''} handed out.")
        if damage or json.dumps(manifest, sort_keys=True) != before:
            save_manifest(root, manifest)
    except OSError as error:
        raise CourseError(
            f"workbook/ could not be brought up to date ({error.strerror or error}: {error.filename}): nothing of"
            " yours was changed; free some space or see that the folder is yours to write to, then run this again."
        ) from error
    return lines


def _released_files(root):
    """Files below release/<unit>/ as relative names with slashes, hidden ones left out."""
    release = Path(root, "release")
    names = (path.relative_to(release) for path in sorted(release.glob("*/**/*")) if path.is_file())
    return [name.as_posix() for name in names if not any(part.startswith(".") for part in name.parts)]


def _hand_out(root, name, handed_out, today):
    """Hand out one released file; return a line to print (or None) and whether the file is new to the student."""
    data = Path(root, "release", name).read_bytes()
    if name.endswith(".ipynb"):
        try:
            read_notebook(data)
        except ValueError as error:
            return f"release/{name} was left out, because {error}: get the course's files afresh (git checkout).", False
    target = Path(root, "workbook", name)
    seen, hash_ = handed_out.get(name, []), sha256(data)
    line, new = None, False
    if not os.path.lexists(str(target)):
        place(data, target)
        line = f"workbook/{name} was missing and has been put back." if name in handed_out else None
        new = name not in handed_out
    elif hash_ not in seen and not _holds(target, hash_) and not _delivered_beside(target, hash_):
        beside = _place_beside(data, target, today)
        line = f"workbook/{name} has a new version: it lies beside yours as '{beside.name}' (yours is untouched)."
    if hash_ not in seen:
        handed_out[name] = [*seen, hash_]
    return line, new


def _holds(path, hash_):
    return path.is_file() and sha256(path.read_bytes()) == hash_


def _delivered_beside(target, hash_):
    """True if this very update lies there already (the record of it was lost)."""
    prefix = f"{target.stem} (update "
    return any(_holds(path, hash_) for path in target.parent.iterdir() if path.name.startswith(prefix))


def _place_beside(data, target, today):
    number = 1
    while True:
        more = "" if number == 1 else f", {number}"
        beside = target.with_name(f"{target.stem} (update {today.isoformat()}{more}){target.suffix}")
        try:
            place(data, beside)
        except FileExistsError:
            number += 1
        else:
            return beside
