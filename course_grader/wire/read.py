"""Bytes that anybody may have written to plain values, or a CodecError; see `forms` for what the bytes are."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import numpy as np

from .errors import CodecError
from .forms import (
    CAPS,
    DEVICE,
    DTYPES,
    GENERATORS,
    NAME_BYTES,
    PATH_BYTES,
    SHARED,
    TYPES,
    VERSION,
    WEIGHT,
    Budget,
    dtype_of,
    length_of,
    require,
    tensor_dtypes,
)
from .keys import hashed

_INT, _FLOAT_TAG = b"if"
# Bound once and in this module: of an imported object, Python 3.11 calls a method much slower.
_float_at, _complex_at = struct.Struct(">d").unpack_from, struct.Struct(">dd").unpack_from


def decode(data: bytes | memoryview, *, extend=None, caps=CAPS):
    """The value of bytes that anybody may have written.

    extend: called as extend(kind, payload) for every Ext, returns the object; its errors pass through. As a dict's key
        that object is asked for its hash, and never whether it equals anything. Without `extend` an Ext is refused.
    raises: CodecError for everything that `encode` would not have written under the same `caps`
    """
    if memoryview(data).nbytes > caps.total_bytes:
        raise CodecError(f"The message is longer than {caps.total_bytes} bytes.")
    reader = _Reader(bytes(data), extend, caps)
    if reader.byte() != VERSION:
        raise CodecError("The message is of an unknown version.")
    try:
        value = reader.node()
    except RecursionError:
        raise CodecError("The message is nested deeper than this process can follow.") from None
    if reader.pos != reader.end:
        raise CodecError("Bytes follow after the end of the message.")
    return value


class _Reader(Budget):
    """Reads nodes from `data[pos:end]`, of which it believes nothing."""

    __slots__ = ("data", "end", "pos")

    def __init__(self, data, extend, caps):
        super().__init__(extend, caps)
        self.data, self.pos, self.end = data, 0, len(data)

    def node(self):
        pos = self.pos
        if pos >= self.end:
            raise CodecError("The message ends too early.")
        tag = self.data[pos]
        self.pos = pos + 1
        self.items -= WEIGHT[tag]
        if self.items < 0:
            self.charge(0)
        if pos + 10 <= self.end:  # the short forms, which most nodes have: see `_short` in write.py
            if tag == _INT:
                size, first = self.data[pos + 1], self.data[pos + 2]
                if size == 1 and first < 128:
                    self.pos = pos + 3
                    return first
                if size == 2 and first < 128:
                    value = first << 8 | self.data[pos + 3]
                    if value >= 128:
                        self.pos = pos + 4
                        return value
            if tag == _FLOAT_TAG:
                self.pos = pos + 9
                return _float_at(self.data, pos + 1)[0]
        return _READERS[tag](self)

    def byte(self) -> int:
        return self.data[self.skip(1)]

    def skip(self, size: int) -> int:
        """Where the next `size` bytes begin, once it is sure that they are there."""
        start = self.pos
        if size > self.end - start:
            raise CodecError("The message ends too early.")
        self.pos = start + size
        return start

    def take(self, size: int) -> bytes:
        start = self.skip(size)
        return self.data[start : start + size]

    def number(self) -> int:
        byte = self.byte()
        if byte < 0x80:
            return byte
        value, shift = byte & 0x7F, 7
        while byte >= 0x80 and shift < 63:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
        require(0 < byte < 0x80, "A length in the message is not written in its shortest form.")
        return value

    def raw(self, most: int) -> bytes:
        size = self.number()
        require(size <= most, "A text, bytes object or int in the message is too long.")
        return self.take(size)

    def text(self, most: int) -> str:
        try:
            return self.raw(most).decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise CodecError("A text in the message is not UTF-8.") from None

    def nodes(self, count: int) -> list:
        require(count <= self.end - self.pos, "The message ends too early.")  # a node has a byte at least
        self.descend()
        values = [self.node() for _ in range(count)]
        self.depth += 1
        return values

    def unknown(self):
        raise CodecError("The message has an unknown tag.")

    def int(self) -> int:
        data = self.raw(self.caps.int_bits // 8 + 1)
        value = int.from_bytes(data, "big", signed=True)
        shortest = len(data) == value.bit_length() // 8 + 1 and value.bit_length() <= self.caps.int_bits
        require(shortest, "An int in the message is too long or not written in its shortest form.")
        return value

    def float(self) -> float:
        return _float_at(self.data, self.skip(8))[0]

    def complex(self) -> complex:
        return complex(*_complex_at(self.data, self.skip(16)))

    def string(self) -> str:
        return self.text(self.caps.string_bytes)

    def bytes(self) -> bytes:
        return self.raw(self.caps.string_bytes)

    def list(self) -> list:
        return self.nodes(self.number())

    def dict(self) -> dict:
        parts = self.nodes(2 * self.number())
        keys = parts[::2]
        return hashed(keys, lambda: dict(zip(keys, parts[1::2], strict=True)))

    def set(self) -> list:
        """A set's elements, known to be safe to hash and compare."""
        self.descend()
        values, before = [], b""
        for _ in range(self.number()):
            start = self.pos
            values.append(self.node())
            before, last = self.data[start : self.pos], before
            require(before >= last, "The elements of a set in the message are not sorted.")
        self.depth += 1
        return hashed(values, lambda: set(values))

    def slice(self) -> slice:
        return slice(*self.nodes(3))

    def range(self) -> range:
        start, stop, step = self.nodes(3)
        whole = type(start) is type(stop) is type(step) is int and step
        require(whole, "A range in the message is not made of ints or has the step 0.")
        value = range(start, stop, step)
        self.charge(length_of(value))
        return value

    def path(self) -> Path:
        text = self.text(PATH_BYTES)
        self.charge(text.count("/"))
        return _as_written(Path(text), text)

    def named(self, table: dict):
        value = table.get(self.text(NAME_BYTES))
        require(value is not None, "The message names a type that it cannot hold.")
        return value

    def dtype(self) -> np.dtype:
        return dtype_of(self.text(NAME_BYTES), self.caps)

    def array(self) -> np.ndarray:
        flags = self.flags()
        dtype = self.dtype()
        shape, start = self.shape(dtype.itemsize)
        order = "F" if flags & 1 else "C"
        array = np.ndarray(shape, dtype, self.data, start, order=order).copy(order)
        require(not (flags & 1 and array.flags.c_contiguous), "An array in the message is not in its usual order.")
        _check_elements(array)
        if flags & 2:
            array.flags.writeable = False
        return array

    def flags(self) -> int:
        flags = self.byte()
        require(flags <= 3, "The message has unknown flags.")
        return flags

    def shape(self, itemsize: int) -> tuple[tuple, int]:
        """An array's axes and where its elements begin."""
        ndim = self.number()
        require(ndim <= self.caps.ndim, "An array in the message has too many axes.")
        shape = tuple([self.number() for _ in range(ndim)])
        return shape, self.skip(self.array_bytes(shape, itemsize))

    def scalar(self):
        dtype = DTYPES.get(self.text(NAME_BYTES))
        require(dtype is not None and dtype.isnative, "A number in the message has an unknown dtype.")
        array = np.ndarray((), dtype, self.data, self.skip(dtype.itemsize))
        _check_elements(array)
        return array[()]

    def tensor(self):
        import torch

        flags = self.flags()
        dtype = self.named(tensor_dtypes()[0])
        shape, start = self.shape(dtype.itemsize)
        data = bytearray(memoryview(self.data)[start : self.pos])
        require(dtype != torch.bool or not data.translate(None, b"\0\1"), "A bool in the message is neither 0 nor 1.")
        value = torch.frombuffer(data, dtype=dtype).reshape(shape).clone() if data else torch.empty(shape, dtype=dtype)
        if flags & 1:
            require(dtype.is_floating_point or dtype.is_complex, "A tensor of whole numbers has no gradient.")
            value.requires_grad_(True)
        if flags & 2:
            value.grad = self.gradient(value)
        return value

    def gradient(self, tensor):
        require(self.byte() == ord("t"), "A gradient in the message is not a tensor.")
        self.charge(WEIGHT[ord("t")])
        self.descend()
        grad = self.tensor()
        self.depth += 1
        plain = not grad.requires_grad and grad.grad is None
        fits = grad.shape == tensor.shape and grad.dtype == tensor.dtype
        require(plain and fits, "A gradient in the message does not fit its tensor.")
        return grad

    def tensor_dtype(self):
        return self.named(tensor_dtypes()[0])

    def device(self):
        import torch

        text = self.text(NAME_BYTES)
        require(DEVICE.fullmatch(text), "The message names an unknown torch device.")
        return _as_written(torch.device(text), text)

    def generator(self) -> np.random.Generator:
        name = self.text(NAME_BYTES)
        require(name in GENERATORS, "The message names an unknown bit generator.")
        state = {"bit_generator": name, "state": {}}
        for inner, field, size, count in GENERATORS[name]:
            data = self.take(size * count)
            words = int.from_bytes(data, "little") if count == 1 else np.frombuffer(data, f"<u{size}")
            (state["state"] if inner else state)[field] = words
        _check_state(state)
        bits = getattr(np.random, name)(0)
        bits.state = state
        return np.random.Generator(bits)

    def ext(self):
        if self.data.startswith(SHARED[1:], self.pos):  # nearly all are
            self.pos += len(SHARED) - 1
            kind = "shared"
            self.descend()
            payload = self.node()
            self.depth += 1
        else:
            kind = self.text(NAME_BYTES)
            (payload,) = self.nodes(1)
        require(self.extend is not None, "The message has an extension, and none is expected.")
        return self.extend(kind, payload)


def _as_written(value, text: str):
    require(str(value) == text, "A name in the message is not written in its usual form.")
    return value


def _check_elements(array: np.ndarray) -> None:
    """Refuse what no honest array holds: a bool that is neither 0 nor 1, a character beyond Unicode."""
    kind = array.dtype.kind
    if kind == "b":
        require(array.view(np.uint8).max(initial=0) <= 1, "A bool in the message is neither 0 nor 1.")
    if kind == "U":
        letters = array.ravel("K").view(f"{array.dtype.byteorder}u4")
        require(letters.max(initial=0) <= sys.maxunicode, "A text in the message has a character that is none.")


def _check_state(state: dict) -> None:
    """Refuse states that NumPy takes without a check and that then read foreign memory or repeat one number."""
    inner = state["state"]
    good = state.get("has_uint32", 0) <= 1 and state.get("buffer_pos", 0) <= 4 and inner.get("inc", 1) & 1
    if state["bit_generator"] == "MT19937":
        good = inner["pos"] <= 624 and (inner["key"][0] >> 31 or inner["key"][1:].any())
    require(good, "The state of a Generator in the message is not one that NumPy produces.")


_R = _Reader
_READ = {
    "N": lambda reader: None,
    "T": lambda reader: True,
    "F": lambda reader: False,
    ".": lambda reader: ...,
    "i": _R.int,
    "f": _R.float,
    "c": _R.complex,
    "s": _R.string,
    "b": _R.bytes,
    "B": lambda reader: bytearray(reader.bytes()),
    "(": lambda reader: tuple(reader.list()),
    "[": _R.list,
    "{": _R.dict,
    "S": _R.set,
    "Z": lambda reader: frozenset(reader.set()),
    ":": _R.slice,
    "r": _R.range,
    "/": _R.path,
    "y": lambda reader: reader.named(TYPES),
    "d": _R.dtype,
    "a": _R.array,
    "n": _R.scalar,
    "u": lambda reader: np.str_(reader.string()),
    "v": lambda reader: np.bytes_(reader.bytes()),
    "t": _R.tensor,
    "D": _R.tensor_dtype,
    "V": _R.device,
    "G": _R.generator,
    "X": _R.ext,
}
_READERS = [_READ.get(chr(tag), _R.unknown) for tag in range(256)]
