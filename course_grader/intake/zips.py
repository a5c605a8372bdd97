"""A zip that nobody vouches for, opened: odd entries, wrong names and bombs are refused, each in a sentence."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path

from ..words import shown

MAX_ENTRIES = 20_000
MAX_DIRECTORY = 16 << 20  # bytes of a zip's own list of its entries
DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, KeyError, OverflowError, RuntimeError)
_UTF8 = 0x800  # flag: the name is UTF-8


class Refused(Exception):
    """Why an entry is not taken, to be put behind its name."""


@contextlib.contextmanager
def opened(path: Path):
    """The zip, after a look at the size of its own directory; names that only claim to be UTF-8 are no obstacle."""
    with contextlib.ExitStack() as stack:
        try:
            if not stat.S_ISREG(path.lstat().st_mode):
                raise Refused("is not a plain file: name the zip itself")
            file = stack.enter_context(path.open("rb"))
            start, size = _directory(file)
            wrong = _wrong_names(file, start, size)
            if wrong:
                file = _without_flags(file, stack.enter_context(tempfile.TemporaryFile()), wrong)
            archive = stack.enter_context(zipfile.ZipFile(file))
        except OSError as error:
            raise Refused(f"cannot be read ({error.strerror or error}): look at its name and place") from None
        except DAMAGE as error:
            raise Refused(f"is no readable zip ({shown(str(error))}): download it again") from None
        if len(archive.infolist()) > MAX_ENTRIES:
            raise Refused(f"holds more than {MAX_ENTRIES:,} entries: unpack it elsewhere and look what it is")
        yield archive


def _directory(file) -> tuple[int, int]:
    """Where the zip's list of entries lies, and its size in bytes (the format's appendix 4.3.14 to 4.3.16)."""
    length = file.seek(0, io.SEEK_END)
    file.seek(max(0, length - 65_557))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        raise zipfile.BadZipFile("it has no end record")
    end = length - len(tail) + at
    (size,) = struct.unpack("<L", tail[at + 12 : at + 16])
    if size == 0xFFFFFFFF and tail[at - 20 : at - 16] == b"PK\x06\x07":  # the long form
        (end,) = struct.unpack("<Q", tail[at - 12 : at - 4])
        file.seek(end)
        record = file.read(56)
        if record[:4] != b"PK\x06\x06" or len(record) < 56:
            raise zipfile.BadZipFile("its end record is damaged")
        (size,) = struct.unpack("<Q", record[40:48])
    if size > MAX_DIRECTORY:
        raise Refused(f"has a list of entries of {size:,} bytes, more than any class needs")
    if size > end:
        raise zipfile.BadZipFile("its list of entries begins before it")
    return end - size, size


def _wrong_names(file, start: int, size: int) -> list[int]:
    """Where the flags of those entries stand that call their name UTF-8 though it is not; zipfile would give up."""
    file.seek(start)
    data, at, wrong = file.read(size), 0, []
    while data[at : at + 4] == b"PK\x01\x02" and len(data) >= at + 46:
        (flags,) = struct.unpack("<H", data[at + 8 : at + 10])
        lengths = struct.unpack("<3H", data[at + 28 : at + 34])  # name, extra field, comment
        if flags & _UTF8:
            try:
                data[at + 46 : at + 46 + lengths[0]].decode("utf-8")
            except UnicodeDecodeError:
                (header,) = struct.unpack("<L", data[at + 42 : at + 46])  # the entry's own copy of all this
                wrong += [start + at + 8, header + 6]
        at += 46 + sum(lengths)
    return wrong


def _without_flags(file, copy, places: list[int]):
    """Copy the zip, with entries that do not claim to have a name in UTF-8; returns the copy."""
    file.seek(0)
    shutil.copyfileobj(file, copy)
    for place in places:
        copy.seek(place)
        (flags,) = struct.unpack("<H", copy.read(2).ljust(2, b"\0"))
        copy.seek(place)
        copy.write(struct.pack("<H", flags & ~_UTF8))
    return copy


# -- entries -----------------------------------------------------------------------------------------------------------


def refuse_odd(info: zipfile.ZipInfo, name: str) -> None:
    """What no learning platform writes; some of it is made to do harm."""
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name):
        raise Refused("has an absolute path")
    if ".." in re.split(r"[/\\]", name):
        raise Refused("has a path that leads out of the zip's folder")
    if "\0" in info.orig_filename:
        raise Refused("has a name with a zero byte in it")
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        raise Refused("is no plain file (a link, or something stranger)")
    if info.flag_bits & 1:
        raise Refused("is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Refused("is packed in an unusual way")


def readable(info: zipfile.ZipInfo) -> str:
    """An entry's name; many programs write UTF-8 without saying so, and zipfile then reads it as an old code page."""
    if info.flag_bits & _UTF8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename
