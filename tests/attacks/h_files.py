"""H - files: what lies in the submission's folder, beside the notebook or in its place."""
# ruff: noqa: E501 - the long lines are students' code

import contextlib
import os
import socket
import stat
from pathlib import Path

from .base import attack
from .course import UNIT

NAME = f"{UNIT}.ipynb"
LURE = "print(open('lure').read()[-20000:] if __import__('os').path.exists('lure') else '')"


def _course(folder: Path) -> Path:
    return folder.parents[2]


def _notebook_is_a_link(folder):
    (folder / NAME).unlink()
    (folder / NAME).symlink_to(_course(folder) / "source" / UNIT / NAME)


def _folder_is_a_link(folder):
    (folder / NAME).unlink()
    folder.rmdir()
    folder.symlink_to(_course(folder) / "submitted" / "bea-honest" / UNIT, target_is_directory=True)


def _links_out(folder):
    (folder / "lure").symlink_to(_course(folder) / "source" / UNIT / NAME)
    (folder / "data").symlink_to("/")
    (folder / "gradebook.db").symlink_to(_course(folder) / "gradebook.db")


def _fifo_as_notebook(folder):
    (folder / NAME).unlink()
    os.mkfifo(folder / NAME)


def _fifos_beside(folder):
    os.mkfifo(folder / "data.csv")
    os.mkfifo(folder / "timestamp.txt")


def _many_files(folder):
    deep = folder / "cache"
    deep.mkdir()
    for number in range(20_000):
        os.close(os.open(deep / str(number), os.O_CREAT | os.O_WRONLY))


def _sparse(folder):
    with (folder / "data.bin").open("wb") as file:
        file.truncate(1 << 36)
    with (folder / "more.bin").open("wb") as file:
        file.truncate(1 << 40)


def _sparse_notebook(folder):
    with (folder / NAME).open("r+b") as file:
        file.truncate(1 << 33)


def _names(folder):
    for name in ("..\\..\\gradebook.db", "a\nb.py", "<img src=x onerror=alert(1)>.txt", "-rf", "$(reboot)", "m" * 240):
        (folder / name).write_text("mallory")
    Path(os.fsdecode(bytes(folder) + b"/\xff\xfe\x80.csv")).write_text("mallory")


def _special_files(folder):
    server = socket.socket(socket.AF_UNIX)
    before = Path.cwd()
    os.chdir(folder)  # a socket's path is short
    try:
        server.bind("socket")
    finally:
        os.chdir(before)
    with contextlib.suppress(PermissionError):
        os.mknod(folder / "zero", 0o666 | stat.S_IFCHR, os.makedev(1, 5))


def _hard_link(folder):
    (folder / NAME).unlink()
    os.link(_course(folder) / "submitted" / "bea-honest" / UNIT / NAME, folder / NAME)
    os.link(_course(folder) / "gradebook.db", folder / "lure")


def _directory_as_notebook(folder):
    (folder / NAME).unlink()
    (folder / NAME).mkdir()
    (folder / NAME / "index.ipynb").write_text("{}")


def _second_notebook(folder):
    (folder / "another.ipynb").write_bytes((folder / NAME).read_bytes())
    (folder / NAME.upper()).write_bytes((folder / NAME).read_bytes())
    (folder / f" {NAME}").write_text("{}")


def _nested(folder):
    place = folder
    before = Path.cwd()
    os.chdir(folder)
    try:
        for _ in range(600):
            Path("deeper").mkdir()
            os.chdir("deeper")
        Path("end.txt").write_text("mallory")
    finally:
        os.chdir(before)
    return place


def _forbidden(folder):
    (folder / "closed").mkdir(mode=0o000)
    (folder / "program").write_text("#!/bin/sh\necho mallory\n")
    (folder / "program").chmod(0o4777)
    (folder / NAME).chmod(0o000)


def _archive(folder):
    import zipfile

    with zipfile.ZipFile(folder / f"{UNIT}.zip", "w") as archive:
        archive.writestr("../../bea-honest/01_attack/01_attack.ipynb", "{}")
        archive.writestr("/tmp/mallory-was-here", "mallory")
        archive.writestr("bomb.txt", b"0" * 50_000_000, compress_type=zipfile.ZIP_DEFLATED)


def _timestamps(folder):
    (folder / "timestamp.txt").write_text("1970-01-01 00:00:00 UTC\n" + "9" * 10_000)
    os.utime(folder / NAME, (2**40, 2**40))


ATTACKS = [
    attack(
        "notebook-is-a-link",
        "The notebook is a symbolic link to the instructor's, with solutions.",
        "smooth",
        folder=_notebook_is_a_link,
        refused=True,
    ),
    attack(
        "folder-is-a-link",
        "The folder is a symbolic link to another student's.",
        "smooth",
        folder=_folder_is_a_link,
        refused=True,
    ),
    attack(
        "links-out", "Links beside the notebook lead to source/, gradebook.db and /.", "smooth", LURE, folder=_links_out
    ),
    attack(
        "fifo-as-notebook",
        "The notebook is a FIFO: who opens it waits for ever.",
        "search",
        folder=_fifo_as_notebook,
        refused=True,
        harmful="nbgrader waits for ever",
    ),
    attack(
        "fifos-beside",
        "FIFOs lie beside the notebook, one where nbgrader expects the time of submission.",
        "search",
        folder=_fifos_beside,
        refused=True,
        harmful="nbgrader waits for ever",
    ),
    attack("many-files", "Twenty thousand empty files lie beside the notebook.", "deal", folder=_many_files),
    attack(
        "sparse-files",
        "Files of 64 GB and 1 TB beside the notebook, which take no room until somebody copies them.",
        "deal",
        folder=_sparse,
        harmful="nbgrader copies the holes as zeros until the disk is full",
    ),
    attack(
        "sparse-notebook",
        "The notebook itself has 8 GB, all but its beginning a hole.",
        "deal",
        folder=_sparse_notebook,
        refused=True,
        harmful="nbgrader reads 8 GB into memory",
    ),
    attack(
        "hostile-names", "Files whose names are paths, options, commands, HTML and no text.", "register", folder=_names
    ),
    attack("special-files", "A socket and a device node lie in the folder.", "register", folder=_special_files),
    attack(
        "hard-links",
        "The notebook is a hard link to another student's, and a hard link to the gradebook lies beside it.",
        "smooth",
        LURE,
        folder=_hard_link,
        earns=6,
    ),
    attack(
        "directory-as-notebook",
        "A folder bears the notebook's name.",
        "register",
        folder=_directory_as_notebook,
        refused=True,
    ),
    attack(
        "second-notebook",
        "More notebooks lie beside the right one, with names that differ by case, by a space or altogether.",
        "search",
        folder=_second_notebook,
    ),
    attack("deep-folders", "Folders in folders, six hundred deep, longer than a path may be.", "deal", folder=_nested),
    attack(
        "forbidden-files",
        "A notebook and a folder that nobody may read, and a program with the setuid bit.",
        "smooth",
        folder=_forbidden,
    ),
    attack(
        "archive-with-paths",
        "A zip file whose members lead out of its folder, and a zip bomb.",
        "deal",
        folder=_archive,
    ),
    attack(
        "time-of-submission",
        "A forged time of submission, far in the past and followed by garbage.",
        "search",
        folder=_timestamps,
        refused=True,
    ),
]
