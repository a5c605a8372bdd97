"""What lies in the folder that a student handed in: looked through without following a link or opening a device."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from ..contracts import GraderError
from ..words import listed, short

NOTEBOOK_BYTES = 20 << 20
FILES = 2000  # entries of a folder that are looked at; the rest is counted by nobody
DEPTH = 16  # folders in folders
STUDENT_ID = re.compile(r"[^\W_][\w.@+ -]{0,127}")
PICTURES = {b"\x89PNG\r\n\x1a\n": ".png", b"\xff\xd8\xff": ".jpg", b"GIF8": ".gif"}
PICTURE_BYTES = 5 << 20
PICTURE_COUNT = 20


@dataclass
class Survey:
    """What lies in a submission's folder: regular files by their path within it, and sentences on the rest."""

    files: dict[str, int] = field(default_factory=dict)  # path within the folder -> bytes
    refused: dict[str, str] = field(default_factory=dict)  # path -> what it is
    notes: list[str] = field(default_factory=list)


def survey(folder: Path) -> Survey:
    """Look through a submission's folder with lstat alone; nothing is opened, no link is followed.

    Raises
    ------
    GraderError
        If the folder itself is missing or is no real folder.
    """
    kind = _kind(folder)
    if kind != "folder":
        raise GraderError(f"{folder} is {_article(kind)}, not a folder: nothing of it is read.")
    found = Survey()
    if not _walk(folder, "", 0, found):
        found.notes.append(f"The folder holds more than {FILES} files: only the first {FILES} were looked at.")
    for name, what in found.refused.items():
        found.notes.append(f"{short(name)} is {_article(what)}: left alone.")
    return found


def _walk(folder: Path, inside: str, depth: int, found: Survey) -> bool:
    """Collect what lies below; False once the cap on entries is reached. Notebooks come first at each level."""
    with os.scandir(folder) as entries:
        listed = [entry for _, entry in zip(range(FILES + 1), entries, strict=False)]
    for entry in sorted(listed, key=lambda entry: (not entry.name.endswith((".ipynb", ".txt")), entry.name)):
        if len(found.files) + len(found.refused) >= FILES:
            return False
        name = f"{inside}{entry.name}"
        kind = _kind(Path(entry.path))
        if kind == "file":
            found.files[name] = entry.stat(follow_symlinks=False).st_size
        elif kind != "folder":
            found.refused[name] = kind
        elif depth >= DEPTH:
            found.refused[name] = f"folder more than {DEPTH} folders deep"
        elif not _walk(Path(entry.path), f"{name}/", depth + 1, found):
            return False
    return len(listed) <= FILES


def _kind(path: Path) -> str:
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return "missing file"
    names = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link", stat.S_IFIFO: "pipe (FIFO)"}
    return names.get(stat.S_IFMT(mode), "socket" if stat.S_ISSOCK(mode) else "device")


def _article(kind: str) -> str:
    return f"a {kind}"


def student_problem(name: str) -> str:
    """Why a folder's name can be no student's id, "" if it can.

    An id stands in paths, in addresses, and unescaped on pages of nbgrader's: other signs have no business there.
    """
    if not STUDENT_ID.fullmatch(unicodedata.normalize("NFC", name)) or ".." in name:
        return "an id has at most 128 letters, digits and . _ - @ + or blanks, and begins with a letter or a digit"
    return ""


def fetch(folder: Path, name: str, cap: int = NOTEBOOK_BYTES) -> bytes:
    """The bytes of one file of a submission: a regular file of at most `cap` bytes, and no link on the way to it.

    Raises
    ------
    GraderError
        In all other cases; the message says what it is instead.
    """
    folder = Path(folder)
    for above in (folder, *[folder / one for one in Path(name).parents]):
        if _kind(above) != "folder":
            raise GraderError(f"{above} is {_article(_kind(above))}, not a folder: nothing of it is read.")
    path = folder / name
    if _kind(path) != "file":
        raise GraderError(f"{path} is {_article(_kind(path))}: only a regular file is graded.")
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise GraderError(f"{path} cannot be read: {error.strerror}.") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):  # swapped since we looked
        os.close(handle)
        raise GraderError(f"{path} is no regular file: only a regular file is graded.")
    with os.fdopen(handle, "rb") as file:
        data = file.read(cap + 1)
    if len(data) > cap:
        raise GraderError(f"{path} has more than {cap >> 20} MB: clear its outputs, save it and hand it in again.")
    return data


def only_one(folder: Path, found: Survey, name: str) -> None:
    """Refuse a folder with two different files of one name, in two places or in two ways of writing it.

    Raises
    ------
    GraderError
        Nobody but the student can say which of them counts.
    """
    alike = [one for one in found.files if _plain(Path(one).name) == _plain(name) and not _is_hidden(one)]
    if len(alike) > 1 and len({fetch(folder, one) for one in alike}) > 1:
        raise GraderError(
            f"{folder} holds {len(alike)} different notebooks named {name} ({listed(alike)}): keep the right one."
        )


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in Path(name).parts)


def pictures(folder: Path, found: Survey) -> dict[str, bytes]:
    """Pictures that a student handed in beside the notebook, for whoever grades by hand: name -> content.

    Only at the top of the folder, only PNG, JPEG and GIF by their first bytes; no other file of a student is kept.
    """
    kept = {}
    for name, size in found.files.items():
        if "/" in name or size > PICTURE_BYTES or len(kept) >= PICTURE_COUNT:
            continue
        if Path(name).suffix.lower() in (".png", ".jpg", ".jpeg", ".gif"):
            data = fetch(folder, name, PICTURE_BYTES)
            if data.startswith(tuple(PICTURES)):
                kept[name] = data
    return kept
