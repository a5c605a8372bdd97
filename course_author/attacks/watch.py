"""What an attack changed, left behind, told or sent out: the course before and after, and ears wherever it may talk."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

from ..units.unit import ROOT
from .corpus import WORD, Outcome


def state(course: Path, student: str) -> dict[str, str]:
    """Digests of all of a course that is not this student's: files by path, and others' rows of the gradebook."""
    found = {}
    for folder, folders, names in os.walk(course):
        folders[:] = [name for name in folders if name != student]
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for name in [*links, *(name for name in names if not name.startswith("gradebook.db"))]:
            path = Path(folder, name)
            content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
            found[str(path.relative_to(course))] = hashlib.sha256(content).hexdigest()
    return found | _rows(course / "gradebook.db", student)


def _rows(path: Path, student: str) -> dict[str, str]:
    """Digests of the gradebook's tables, without the rows of this student."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=1)) as book:
            own = "select id from submitted_assignment where student_id = ?"
            books = f"select id from submitted_notebook where assignment_id in ({own})"
            tables = {
                "grade": f"select * from grade where notebook_id not in ({books}) order by id",
                "comment": f"select * from comment where notebook_id not in ({books}) order by id",
                "submitted_notebook": f"select * from submitted_notebook where assignment_id not in ({own})",
                "submitted_assignment": "select * from submitted_assignment where student_id != ? order by id",
                "student": "select * from student where id != ? order by id",
                "source_cell": "select * from source_cell where '' != ? order by id",
                "base_cell": "select * from base_cell where '' != ? order by id",
                "sqlite_master": "select * from sqlite_master where '' != ? order by name",
            }
            return {
                f"gradebook.db: {name}": hashlib.sha256(
                    repr(book.execute(query, [student]).fetchall()).encode()
                ).hexdigest()
                for name, query in tables.items()
            }
    except sqlite3.Error as error:
        return {"gradebook.db": f"cannot be read ({error})"}


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def strays(seen: set[str]) -> list[Path]:
    """Files that appeared outside of the course: in the private /tmp, in /dev/shm, in the home folder."""
    found = []
    for top in ("/tmp", "/dev/shm", "/var/tmp", os.environ["HOME"]):
        for folder, folders, names in os.walk(top):
            # Neither the attacked course nor this one, which may lie below /tmp.
            folders[:] = [name for name in folders if WORD not in name and Path(folder, name) != ROOT]
            found += [Path(folder) / name for name in names]
    return [path for path in found if str(path) not in seen]


class Ears:
    """Listens wherever an attack may send something: TCP, UDP, DNS, a metadata service, an abstract socket."""

    def __init__(self):
        from attacks import base

        self.heard: list[bytes] = []
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        subprocess.run(["ip", "addr", "add", f"{base.METADATA[0]}/32", "dev", "lo"], check=False, capture_output=True)
        answer = f"HTTP/1.0 200 OK\r\n\r\n{base.METADATA_SECRET}".encode()
        for family, kind, place, reply in (
            (socket.AF_INET, socket.SOCK_STREAM, base.TCP, b"[]"),
            (socket.AF_INET, socket.SOCK_STREAM, base.METADATA, answer),
            (socket.AF_UNIX, socket.SOCK_STREAM, base.ABSTRACT, b"[]"),
            (socket.AF_INET, socket.SOCK_DGRAM, base.UDP, b""),
            (socket.AF_INET, socket.SOCK_DGRAM, base.DNS, b""),
        ):
            ear = socket.socket(family, kind)
            ear.bind(place)
            listen = self._packets if kind == socket.SOCK_DGRAM else self._streams
            threading.Thread(target=listen, args=(ear, reply), daemon=True).start()

    def _packets(self, ear, reply) -> None:
        while True:
            self.heard.append(ear.recv(65_536))

    def _streams(self, ear, reply) -> None:
        ear.listen()
        while True:
            connection, _ = ear.accept()
            with connection, contextlib.suppress(OSError):
                connection.settimeout(1)
                self.heard.append(b"connected")
                self.heard.append(connection.recv(65_536))
                connection.sendall(reply)

    def take(self) -> list[bytes]:
        heard, self.heard = self.heard, []
        return heard


def leaks_of(text: str, attack) -> list[str]:
    from attacks.scan import leaks

    own = "\n".join(attack.answers.values())
    return [word for word in leaks(text, attack.loot) if word not in own or word in attack.loot]


def active_in(page: str) -> list[str]:
    from attacks.scan import active

    return [f"page: {part}" for part in active(page)]


def look_outside(outcome: Outcome, attack, seen: set[str], ears: Ears, everywhere=False) -> None:
    """Files that an attack left outside of the course, and what it sent out.

    everywhere: does any such file count as a change, or only settings in the home folder, which others' programs read?
    """
    for path in strays(seen):
        content = ""
        with contextlib.suppress(OSError):
            content = path.read_bytes()[:1_000_000].decode("latin-1")
            path.unlink()
        outcome.leaked += leaks_of(content, attack)
        at_home = str(path).startswith(os.environ["HOME"])
        # At home Jupyter leaves files of its own; on stock only settings count, which others' programs read.
        settings = at_home and "mallory" in f"{path}{content}" and (everywhere or "/." in str(path))
        if settings or (everywhere and not at_home):
            outcome.changed.append(f"left {path}")
    time.sleep(0.02)
    heard = ears.take()
    if heard:
        outcome.leaked += [f"sent out {b' '.join(heard)[:60]!r}"]
    outcome.leaked = sorted(set(outcome.leaked))
