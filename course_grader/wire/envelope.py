"""Envelopes: what the codec makes of a message, five times faster for the usual ones."""

from __future__ import annotations

from .write import small_int

_FEW = 128  # changes, dropped objects, letters of a kind: their count is one byte


def close_usual(kind: str, changes: list, body: bytes, dropped: list) -> bytes | None:
    """The bytes of encode((kind, changes, body, dropped)); None if it has to write them."""
    if len(changes) >= _FEW or len(dropped) >= _FEW:
        return None
    parts = [b"\1(\4s%c" % len(kind), kind.encode("ascii"), b"[%c" % len(changes)]
    for number, name, state in changes:
        node = small_int(number)
        if node is None:
            return None
        parts += [b"(\3", node, b"s%c" % len(name), name.encode("ascii"), b"b", _varint(len(state)), state]
    nodes = [small_int(number) for number in dropped]
    if None in nodes:
        return None
    return b"".join([*parts, b"b", _varint(len(body)), body, b"[%c" % len(nodes), *nodes])


def _varint(value: int) -> bytes:
    made = bytearray()
    while value >= 0x80:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)


def open_usual(frame: bytes) -> tuple[str, list, bytes, list] | None:
    """What `decode` makes of a frame that `close_usual` may have written; None for every other."""
    try:
        at = _Cursor(frame)
        at.expect(b"\1(\4")
        kind = at.text()
        at.expect(b"[")
        changes = []
        for _ in range(at.count()):
            at.expect(b"(\3")
            changes.append((at.int(), at.text(), at.bytes()))
        body = at.bytes()
        at.expect(b"[")
        dropped = [at.int() for _ in range(at.count())]
    except (_Unusual, IndexError, UnicodeDecodeError):
        return None
    return (kind, changes, body, dropped) if at.pos == len(frame) else None


class _Unusual(Exception):
    """The frame has another form."""


class _Cursor:
    """Reads the nodes of a usual envelope."""

    __slots__ = ("data", "pos")

    def __init__(self, data: bytes):
        self.data, self.pos = data, 0

    def expect(self, text: bytes) -> None:
        if not self.data.startswith(text, self.pos):
            raise _Unusual
        self.pos += len(text)

    def count(self) -> int:
        value = self.data[self.pos]
        if value >= _FEW:
            raise _Unusual
        self.pos += 1
        return value

    def take(self, size: int) -> bytes:
        start, self.pos = self.pos, self.pos + size
        if self.pos > len(self.data):
            raise _Unusual
        return self.data[start : self.pos]

    def text(self) -> str:
        self.expect(b"s")
        return self.take(self.count()).decode("ascii")

    def int(self) -> int:
        self.expect(b"i")
        size = self.count()
        value = int.from_bytes(self.take(size), "big")
        if small_int(value) is None or size != (1 if value < 128 else 2):
            raise _Unusual
        return value

    def bytes(self) -> bytes:
        self.expect(b"b")
        size = shift = 0
        while True:
            byte = self.data[self.pos]
            self.pos += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if shift > 7 and not byte:  # a length in more bytes than it needs
            raise _Unusual
        return self.take(size)
