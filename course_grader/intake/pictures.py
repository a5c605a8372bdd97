"""Pictures of a student's: checked by their structure, never decoded, and kept only if they are what they say."""

from __future__ import annotations

import base64
import binascii
import struct
import zlib

LARGEST_IMAGE = (2 << 20, 16_000_000)  # bytes, pixels
MOST_PASTED = (20, 8 << 20)  # pictures of a notebook, and their bytes together
LONGEST_NAME = 200

_CHUNKS = (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"pHYs")


def png(data: str) -> tuple[bytes, int, int] | None:
    """The bytes of a base64 PNG, rebuilt of its picture chunks alone, with width and height; None if it is not sound.

    Text, profiles, animation and whatever follows the end are dropped; lengths and checksums are verified.
    """
    raw = _raw(data)
    if raw is None or raw[:8] != b"\x89PNG\r\n\x1a\n":
        return None
    chunks = _chunks(raw)
    if not chunks or chunks[0][0] != b"IHDR" or len(chunks[0][1]) != 13 or chunks[-1] != (b"IEND", b""):
        return None
    width, height = struct.unpack(">II", chunks[0][1][:8])
    drawn = any(name == b"IDAT" for name, _ in chunks)
    if not drawn or not 0 < width * height <= LARGEST_IMAGE[1] or max(width, height) > 20_000:
        return None
    kept = b"".join(_chunk(name, body) for name, body in chunks if name in _CHUNKS)
    return raw[:8] + kept, width, height


def _chunks(raw: bytes) -> list[tuple[bytes, bytes]]:
    """Name and body of each chunk up to IEND; [] if a length or a checksum does not hold."""
    place, found = 8, []
    while place + 12 <= len(raw):
        size, name = struct.unpack(">I4s", raw[place : place + 8])
        body = raw[place + 8 : place + 8 + size]
        if len(body) < size or raw[place + 8 + size : place + 12 + size] != struct.pack(">I", zlib.crc32(name + body)):
            return []
        found.append((name, body))
        if name == b"IEND":
            break
        place += 12 + size
    return found


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def jpeg(data: str) -> bytes | None:
    """The bytes of a base64 JPEG whose parts follow each other up to the picture's data; None if it is not sound."""
    raw = _raw(data)
    if raw is None or raw[:3] != b"\xff\xd8\xff":
        return None
    place, drawn = 2, False
    while place + 4 <= len(raw) and raw[place] == 0xFF:
        kind, size = raw[place + 1], int.from_bytes(raw[place + 2 : place + 4], "big")
        if kind == 0xDA:  # the picture's data begin
            return raw if drawn else None
        if kind in _FRAMES:
            height, width = struct.unpack(">HH", raw[place + 5 : place + 9].ljust(4, b"\0"))
            drawn = 0 < width * height <= LARGEST_IMAGE[1]
        place += 2 + size
    return None


_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # the parts that tell a picture's size


def _raw(data: str) -> bytes | None:
    """What stands behind base64 with or without line ends, if it is no more than a picture may have."""
    if len(data) > 2 * LARGEST_IMAGE[0]:
        return None
    try:
        raw = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if len(raw) <= LARGEST_IMAGE[0] else None


class Pasted:
    """Takes the pictures that were pasted into a notebook's cells (nbformat: attachments), up to what one may have."""

    def __init__(self):
        self._count, self._bytes = MOST_PASTED

    def take(self, attachments) -> tuple[dict[str, dict[str, str]], int]:
        """What is kept of one cell's, as nbformat has it (name -> {type: base64}), and how many are not."""
        kept, there = {}, attachments if isinstance(attachments, dict) else {}
        for name, types in there.items():
            named = name.isprintable() and len(name) <= LONGEST_NAME  # half a surrogate pair could not be written
            found = _sound(types) if named and self._count > 0 else None
            if found is not None and len(found[1]) <= self._bytes:
                self._count, self._bytes = self._count - 1, self._bytes - len(found[1])
                kept[name] = {found[0]: base64.b64encode(found[1]).decode("ascii")}
        return kept, len(there) - len(kept)


def _sound(types) -> tuple[str, bytes] | None:
    """Type and bytes of the first picture among an attachment's types."""
    for kind in ("image/png", "image/jpeg"):
        data = types.get(kind) if isinstance(types, dict) else None
        data = "".join(data) if isinstance(data, list) and all(isinstance(part, str) for part in data) else data
        if isinstance(data, str):
            found = (png(data) or (None,))[0] if kind == "image/png" else jpeg(data)
            if found is not None:
                return kind, found
    return None
