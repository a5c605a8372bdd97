"""Plain values as bytes and back: the only form in which anything of the student's process reaches the judge.

No pickle. Decoding builds exact built-in types from an allow-list, checks every length against the bytes that are left
before it allocates, compares no two objects that are not plain, and gives a value or a CodecError. One value has one
form: what is not written the way that `encode` writes it is refused.

A message is the byte 1 (the format's version) and one node; a node is a tag byte and what the table says. `length` and
all counts are varints (7 bits a byte, lowest first, shortest form), a text is length and UTF-8 (surrogates allowed).

| tag | value | after the tag |
|---|---|---|
| N T F . | None, True, False, Ellipsis | nothing |
| i | int | length, two's complement, big-endian, shortest form |
| f c | float, complex | 8 bytes, 2 x 8 bytes, IEEE 754 big-endian |
| s b B | str, bytes, bytearray | text; length and bytes |
| ( [ | tuple, list | count, nodes |
| { | dict | count, that many pairs of nodes: key, value |
| S Z | set, frozenset | count, nodes sorted by their bytes |
| : r | slice, range | three nodes; three int nodes |
| / | pathlib path | text |
| d | NumPy dtype | text: `dtype.str` of kind b i u f c U S |
| a | NumPy array | flags (1 Fortran order, 2 read-only), dtype text, count and sizes of axes, the elements' bytes |
| n | NumPy number | dtype text, the bytes |
| u v | numpy.str_, numpy.bytes_ | text; length and bytes |
| y | built-in or NumPy scalar type | text: its name |
| t | torch tensor | flags (1 requires_grad, 2 has .grad), dtype text, axes, bytes (little-endian, C order), node t |
| D V | torch dtype, device | text |
| G | NumPy Generator | text: bit generator; its state, laid out as in _GENERATORS |
| X | Ext | text: kind; node: payload |

Lost on purpose: identity of objects that occur twice, strides beyond C and Fortran order, masks and other extras of
subclasses, a tensor's graph, a Generator's `spawn`, the name of an integer type (`longlong` is `int64` here).
The elements of a set go in another order than the set's own. Refused: longdouble (its unused bits would leak memory,
and invalid ones crash C libraries), object and structured dtypes, torch.Generator (torch believes any state).
"""

from __future__ import annotations

import functools
import math
import re
import struct
import sys
from collections import OrderedDict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePath

import numpy as np


class CodecError(ValueError):
    """A value or bytes that are refused; the message is one sentence."""


@dataclass(frozen=True)
class Caps:
    """Most that one message may hold; `items` counts nodes, and more for those that need much memory (_WEIGHTS)."""

    total_bytes: int = 64 << 20
    depth: int = 64
    items: int = 2_000_000
    array_bytes: int = 64 << 20
    ndim: int = 32
    string_bytes: int = 8 << 20
    int_bits: int = 65_536


@dataclass(frozen=True)
class Ext:
    """A node that the caller gives its meaning: `payload` is any value that can be encoded."""

    kind: str
    payload: object


CAPS = Caps()
_VERSION = 1
_NAME_BYTES, _PATH_BYTES = 64, 32_768
_SAME_HASH = 16  # keys of one hash in a dict or set: more would make it slow, and honest keys have few
# One unit is about 100 bytes of memory once decoded; tags that are not named here weigh 1.
_WEIGHTS = {"B": 2, "[": 2, "{": 4, "S": 4, "Z": 4, ":": 2, "r": 4, "/": 8, "d": 2, "a": 6, "n": 2, "u": 2, "v": 2}
_WEIGHTS |= {"t": 16, "G": 64}
_WEIGHT = [_WEIGHTS.get(chr(tag), 1) for tag in range(256)]

_DTYPES = {
    text: np.dtype(text)
    for kind in ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16")
    for text in ([f"|{kind}"] if kind[1:] == "1" else [f"<{kind}", f">{kind}"])
}
_NUMBERS = tuple(np.dtype(code).type for code in "?bhilqBHILQefdFD")
_TYPES = {kind.__name__: kind for kind in (bool, int, float, complex, str, bytes, bytearray, tuple, list, dict, set)}
_TYPES |= {kind.__name__: kind for kind in (frozenset, slice, range, object)}
_TYPES |= {f"numpy.{kind.__name__}": kind for kind in (*_NUMBERS, np.str_, np.bytes_)}
_TYPE_NAMES = {id(kind): name for name, kind in _TYPES.items()}
_TENSOR_DTYPES = (
    "bool uint8 int8 int16 int32 int64 uint16 uint32 uint64 float16 bfloat16 float32 float64 complex64 complex128 "
    "float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu"
)
_TEXT_DTYPE = re.compile(r"([<>]U|\|S)(0|[1-9][0-9]{0,8})")
_DEVICE = re.compile(r"(cpu|cuda|mps|xpu|meta)(:(0|[1-9][0-9]?))?")

# The state of a bit generator: (within "state"?, field, bytes of a word, words), words little-endian.
_HALF_WORD = ((False, "has_uint32", 1, 1), (False, "uinteger", 4, 1))
_PCG = ((True, "state", 16, 1), (True, "inc", 16, 1), *_HALF_WORD)
_PHILOX = ((True, "counter", 8, 4), (True, "key", 8, 2), (False, "buffer", 8, 4), (False, "buffer_pos", 1, 1))
_GENERATORS = {
    "PCG64": _PCG,
    "PCG64DXSM": _PCG,
    "MT19937": ((True, "key", 4, 624), (True, "pos", 2, 1)),
    "Philox": (*_PHILOX, *_HALF_WORD),
    "SFC64": ((True, "state", 8, 4), *_HALF_WORD),
}


def encode(value, *, extend=None, caps=CAPS) -> bytes:
    """The bytes of a value; subclasses are written as their base, past whatever they override.

    extend: called with every object that is not exactly None, bool, int, float, complex, str or bytes; returns an Ext
        to be written in its place, or NotImplemented
    raises: CodecError for a value that has no form here or exceeds `caps`
    """
    usual = _write_usual_array(value, caps) if extend is None and type(value) is np.ndarray else None
    if usual is not None:
        return usual
    writer = _Writer(extend, caps)
    try:
        writer.node(value)
    except RecursionError:
        raise CodecError("The value is nested deeper than this process can follow.") from None
    writer.room(0)
    return bytes(writer.out)


def decode(data: bytes | memoryview, *, extend=None, caps=CAPS):
    """The value of bytes that anybody may have written.

    extend: called as extend(kind, payload) for every Ext, returns the object; its errors pass through. As a dict's key
        that object is asked for its hash, and never whether it equals anything. Without `extend` an Ext is refused.
    raises: CodecError for everything that `encode` would not have written under the same `caps`
    """
    if memoryview(data).nbytes > caps.total_bytes:
        raise CodecError(f"The message is longer than {caps.total_bytes} bytes.")
    reader = _Reader(bytes(data), extend, caps)
    if reader.byte() != _VERSION:
        raise CodecError("The message is of an unknown version.")
    try:
        value = reader.node()
    except RecursionError:
        raise CodecError("The message is nested deeper than this process can follow.") from None
    if reader.pos != reader.end:
        raise CodecError("Bytes follow after the end of the message.")
    return value


def _require(condition, sentence: str) -> None:
    if not condition:
        raise CodecError(sentence)


class _Budget:
    """What reading and writing count alike: nodes and depth."""

    __slots__ = ("caps", "depth", "extend", "items")

    def __init__(self, extend, caps):
        self.extend, self.caps = extend, caps
        self.items, self.depth = caps.items, caps.depth

    def charge(self, items: int) -> None:
        self.items -= items
        if self.items < 0:
            raise CodecError(f"The value has too many parts (more than {self.caps.items}).")

    def descend(self) -> None:
        self.depth -= 1
        if self.depth < 0:
            raise CodecError(f"The value is nested deeper than {self.caps.depth} levels.")

    def array_bytes(self, shape: tuple, itemsize: int) -> int:
        """How many bytes an array has; one without any is charged for its axes, which a caller may loop over."""
        _require(len(shape) <= self.caps.ndim, "An array has too many axes.")
        _require(itemsize, "An array has elements of no size.")
        size = math.prod(shape) * itemsize
        _require(size <= self.caps.array_bytes, "An array has too many bytes.")
        if not size:
            self.charge(math.prod(axis or 1 for axis in shape) + itemsize // 64)
        return size


class _Writer(_Budget):
    """Appends nodes to `out`."""

    __slots__ = ("out",)

    def __init__(self, extend, caps):
        super().__init__(extend, caps)
        self.out = bytearray((_VERSION,))

    def node(self, value) -> None:
        kind = type(value)  # never isinstance: that asks the object's own __class__
        short = self._short(kind, value)
        if short is not None:
            self.items -= 1
            if self.items < 0:
                self.charge(0)
            self.out += short
            return
        write = _PLAIN_WRITERS.get(id(kind))
        if write is None and self.extend is not None and kind is not Ext:
            other = self.extend(value)
            if other is not NotImplemented:
                value, write = other, _Writer.ext
        (write or _writer(kind))(self, value)

    def _short(self, kind: type, value) -> bytes | None:
        """The bytes of a small int, a float or a short text, which most nodes are: three times faster than their way
        below."""
        if kind is int:
            return small_int(value)
        if kind is float:
            return b"f" + _FLOAT.pack(value)
        if kind is str and len(value) < _SHORT and value.isascii() and len(value) <= self.caps.string_bytes:
            return b"s%c" % len(value) + value.encode()
        return None

    def open(self, tag: bytes) -> None:
        self.charge(_WEIGHT[tag[0]])
        self.out += tag

    def room(self, size: int) -> None:
        if len(self.out) + size > self.caps.total_bytes:
            raise CodecError(f"The message would be longer than {self.caps.total_bytes} bytes.")

    def number(self, value: int) -> None:
        while value >= 0x80:
            self.out.append(value & 0x7F | 0x80)
            value >>= 7
        self.out.append(value)

    def raw(self, data) -> None:
        """Length and bytes."""
        size = len(data)
        self.room(size)
        self.number(size)
        self.out += data

    def text(self, value: str, most: int) -> None:
        _require(str.__len__(value) <= most, "A text is too long.")  # before it is copied
        data = str.encode(value, "utf-8", "surrogatepass")
        _require(len(data) <= most, "A text is too long.")
        self.raw(data)

    def nodes(self, values) -> None:
        self.descend()
        for value in values:
            self.node(value)
        self.depth += 1

    def bool(self, value) -> None:
        self.open(b"T" if value else b"F")

    def int(self, value) -> None:
        self.open(b"i")
        value = int.__int__(value)
        _require(value.bit_length() <= self.caps.int_bits, "An int has too many digits.")
        self.raw(value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))

    def float(self, value) -> None:
        self.open(b"f")
        self.out += struct.pack(">d", value)  # reads the C double of any subclass

    def complex(self, value) -> None:
        self.open(b"c")
        self.out += struct.pack(">dd", complex.real.__get__(value), complex.imag.__get__(value))

    def _string(self, value, tag) -> None:
        self.open(tag)
        self.text(value, self.caps.string_bytes)

    def _bytes(self, value, tag) -> None:
        self.open(tag)
        data = memoryview(value)
        _require(data.nbytes <= self.caps.string_bytes, "A bytes object is too long.")
        self.raw(data)

    def _sequence(self, value, tag, base) -> None:
        self.open(tag)
        values = base.__getitem__(value, slice(None))  # an exact copy, whatever a subclass says
        self.number(len(values))
        self.nodes(values)

    def dict(self, value) -> None:
        self._pairs(list(dict.items(value)))

    def ordered(self, value) -> None:
        keys = list(OrderedDict.__iter__(value))  # its own order, which dict.items does not know
        self._pairs([(key, dict.__getitem__(value, key)) for key in keys])

    def _pairs(self, pairs) -> None:
        self.open(b"{")
        self.number(len(pairs))
        self.nodes([part for pair in pairs for part in pair])

    def _set(self, value, tag, base) -> None:
        self.open(tag)
        values = list(base.__iter__(value))
        self.number(len(values))
        self.descend()
        ends = [len(self.out)]
        for each in values:
            self.node(each)
            ends.append(len(self.out))
        self.out[ends[0] :] = b"".join(sorted(bytes(self.out[a:b]) for a, b in pairwise(ends)))
        self.depth += 1

    def slice(self, value) -> None:
        self.open(b":")
        self.nodes((value.start, value.stop, value.step))

    def range(self, value) -> None:
        self.open(b"r")
        self.charge(_length(value))
        self.nodes((value.start, value.stop, value.step))

    def path(self, value) -> None:
        self.open(b"/")
        text = PurePath.__str__(value)
        self.charge(text.count("/"))
        self.text(text, _PATH_BYTES)

    def type(self, value) -> None:
        self._name(b"y", _TYPE_NAMES.get(id(value)), "this type")

    def _name(self, tag, name, what) -> None:
        _require(name is not None, f"A message cannot hold {what}.")
        self.open(tag)
        self.text(name, _NAME_BYTES)

    def dtype(self, value) -> None:
        self._name(b"d", _dtype_text(value, self.caps), "")

    def array(self, value) -> None:
        self.open(b"a")
        array = np.ndarray.view(value, np.ndarray)
        dtype, flags = _dtype_text(array.dtype, self.caps), array.flags
        size = self.array_bytes(array.shape, array.itemsize)
        fortran = flags.f_contiguous and not flags.c_contiguous
        self.out.append(fortran + 2 * (not flags.writeable))
        self._header(dtype, array.shape)
        self.room(size)
        self.out += array.tobytes("F" if fortran else "C")

    def _header(self, dtype: str, shape: tuple) -> None:
        self.text(dtype, _NAME_BYTES)
        self.number(len(shape))
        for axis in shape:
            self.number(axis)

    def scalar(self, value) -> None:
        self.open(b"n")
        self.text(np.generic.dtype.__get__(value).str, _NAME_BYTES)
        self.out += np.generic.tobytes(value)

    def tensor(self, value) -> None:
        try:
            self._tensor(value)
        except CodecError:
            raise
        except Exception as error:  # a subclass with its own kernels may raise anything
            raise CodecError(f"A message cannot hold this tensor: {type(error).__name__}.") from None

    def _tensor(self, value) -> None:
        import torch

        with torch._C.DisableTorchFunctionSubclass():  # a subclass's own methods are not asked
            tensor = torch.Tensor
            plain = tensor.detach(value)
            name = _tensor_dtypes()[1].get(plain.dtype)
            dense = type(plain) is tensor and plain.layout == torch.strided and plain.device.type == "cpu"
            _require(dense and name, "A message holds only dense tensors on the CPU, of the usual dtypes.")
            needs_grad, leaf = tensor.requires_grad.__get__(value), tensor.is_leaf.__get__(value)
            grad = tensor.grad.__get__(value) if leaf else None
            self.open(b"t")
            self.room(self.array_bytes(tuple(plain.shape), plain.dtype.itemsize))
            self.out.append(needs_grad + 2 * (grad is not None))
            self._header(name, tuple(plain.shape))
            plain = plain.resolve_conj().resolve_neg().contiguous().reshape(-1)
            self.out += plain.view(torch.uint8).numpy().tobytes()
            if grad is not None:
                self.descend()
                self._tensor(tensor.detach(grad))
                self.depth += 1

    def tensor_dtype(self, value) -> None:
        self._name(b"D", _tensor_dtypes()[1].get(value), "this torch dtype")

    def device(self, value) -> None:
        self._name(b"V", str(value) if _DEVICE.fullmatch(str(value)) else None, "this torch device")

    def generator(self, value) -> None:
        bits = np.random.Generator.bit_generator.__get__(value)
        base = next((base for base in _bases(type(bits)) if id(base) in _bit_generators()), None)
        self._name(b"G", base and base.__name__, "a Generator with this bit generator")
        state = base.state.__get__(bits)
        for inner, field, size, count in _GENERATORS[base.__name__]:
            words = (state["state"] if inner else state)[field]
            self.out += int(words).to_bytes(size, "little") if count == 1 else words.astype(f"<u{size}").tobytes()

    def ext(self, value) -> None:
        if type(value) is not Ext:
            raise TypeError("extend must return an Ext or NotImplemented")
        number = small_int(value.payload) if type(value.payload) is int else None
        if number is not None and value.kind == "shared" and self.depth > 0:  # nearly all are
            self.charge(_WEIGHT[_EXT] + 1)
            self.out += _SHARED + number
            return
        self._name(b"X", value.kind, "an Ext without a kind")
        self.nodes((value.payload,))


class _Reader(_Budget):
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
        self.items -= _WEIGHT[tag]
        if self.items < 0:
            self.charge(0)
        if pos + 10 <= self.end:  # the short forms, which most nodes have: see _Writer._short
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
                return _FLOAT.unpack_from(self.data, pos + 1)[0]
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
        _require(0 < byte < 0x80, "A length in the message is not written in its shortest form.")
        return value

    def raw(self, most: int) -> bytes:
        size = self.number()
        _require(size <= most, "A text, bytes object or int in the message is too long.")
        return self.take(size)

    def text(self, most: int) -> str:
        try:
            return self.raw(most).decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise CodecError("A text in the message is not UTF-8.") from None

    def nodes(self, count: int) -> list:
        _require(count <= self.end - self.pos, "The message ends too early.")  # a node has a byte at least
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
        _require(shortest, "An int in the message is too long or not written in its shortest form.")
        return value

    def float(self) -> float:
        return _FLOAT.unpack_from(self.data, self.skip(8))[0]

    def complex(self) -> complex:
        return complex(*_COMPLEX.unpack_from(self.data, self.skip(16)))

    def string(self) -> str:
        return self.text(self.caps.string_bytes)

    def bytes(self) -> bytes:
        return self.raw(self.caps.string_bytes)

    def list(self) -> list:
        return self.nodes(self.number())

    def dict(self) -> dict:
        parts = self.nodes(2 * self.number())
        keys = parts[::2]
        return _hashed(keys, lambda: dict(zip(keys, parts[1::2], strict=True)))

    def set(self) -> list:
        """A set's elements, known to be safe to hash and compare."""
        self.descend()
        values, before = [], b""
        for _ in range(self.number()):
            start = self.pos
            values.append(self.node())
            before, last = self.data[start : self.pos], before
            _require(before >= last, "The elements of a set in the message are not sorted.")
        self.depth += 1
        return _hashed(values, lambda: set(values))

    def slice(self) -> slice:
        return slice(*self.nodes(3))

    def range(self) -> range:
        start, stop, step = self.nodes(3)
        whole = type(start) is type(stop) is type(step) is int and step
        _require(whole, "A range in the message is not made of ints or has the step 0.")
        value = range(start, stop, step)
        self.charge(_length(value))
        return value

    def path(self) -> Path:
        text = self.text(_PATH_BYTES)
        self.charge(text.count("/"))
        return _as_written(Path(text), text)

    def named(self, table: dict):
        value = table.get(self.text(_NAME_BYTES))
        _require(value is not None, "The message names a type that it cannot hold.")
        return value

    def dtype(self) -> np.dtype:
        return _dtype(self.text(_NAME_BYTES), self.caps)

    def array(self) -> np.ndarray:
        flags = self.flags()
        dtype = self.dtype()
        shape, start = self.shape(dtype.itemsize)
        order = "F" if flags & 1 else "C"
        array = np.ndarray(shape, dtype, self.data, start, order=order).copy(order)
        _require(not (flags & 1 and array.flags.c_contiguous), "An array in the message is not in its usual order.")
        _check_elements(array)
        if flags & 2:
            array.flags.writeable = False
        return array

    def flags(self) -> int:
        flags = self.byte()
        _require(flags <= 3, "The message has unknown flags.")
        return flags

    def shape(self, itemsize: int) -> tuple[tuple, int]:
        """An array's axes and where its elements begin."""
        ndim = self.number()
        _require(ndim <= self.caps.ndim, "An array in the message has too many axes.")
        shape = tuple([self.number() for _ in range(ndim)])
        return shape, self.skip(self.array_bytes(shape, itemsize))

    def scalar(self):
        dtype = _DTYPES.get(self.text(_NAME_BYTES))
        _require(dtype is not None and dtype.isnative, "A number in the message has an unknown dtype.")
        array = np.ndarray((), dtype, self.data, self.skip(dtype.itemsize))
        _check_elements(array)
        return array[()]

    def tensor(self):
        import torch

        flags = self.flags()
        dtype = self.named(_tensor_dtypes()[0])
        shape, start = self.shape(dtype.itemsize)
        data = bytearray(memoryview(self.data)[start : self.pos])
        _require(dtype != torch.bool or not data.translate(None, b"\0\1"), "A bool in the message is neither 0 nor 1.")
        value = torch.frombuffer(data, dtype=dtype).reshape(shape).clone() if data else torch.empty(shape, dtype=dtype)
        if flags & 1:
            _require(dtype.is_floating_point or dtype.is_complex, "A tensor of whole numbers has no gradient.")
            value.requires_grad_(True)
        if flags & 2:
            value.grad = self.gradient(value)
        return value

    def gradient(self, tensor):
        _require(self.byte() == ord("t"), "A gradient in the message is not a tensor.")
        self.charge(_WEIGHT[ord("t")])
        self.descend()
        grad = self.tensor()
        self.depth += 1
        plain = not grad.requires_grad and grad.grad is None
        fits = grad.shape == tensor.shape and grad.dtype == tensor.dtype
        _require(plain and fits, "A gradient in the message does not fit its tensor.")
        return grad

    def tensor_dtype(self):
        return self.named(_tensor_dtypes()[0])

    def device(self):
        import torch

        text = self.text(_NAME_BYTES)
        _require(_DEVICE.fullmatch(text), "The message names an unknown torch device.")
        return _as_written(torch.device(text), text)

    def generator(self) -> np.random.Generator:
        name = self.text(_NAME_BYTES)
        _require(name in _GENERATORS, "The message names an unknown bit generator.")
        state = {"bit_generator": name, "state": {}}
        for inner, field, size, count in _GENERATORS[name]:
            data = self.take(size * count)
            words = int.from_bytes(data, "little") if count == 1 else np.frombuffer(data, f"<u{size}")
            (state["state"] if inner else state)[field] = words
        _check_state(state)
        bits = getattr(np.random, name)(0)
        bits.state = state
        return np.random.Generator(bits)

    def ext(self):
        if self.data.startswith(_SHARED[1:], self.pos):  # nearly all are
            self.pos += len(_SHARED) - 1
            kind = "shared"
            self.descend()
            payload = self.node()
            self.depth += 1
        else:
            kind = self.text(_NAME_BYTES)
            (payload,) = self.nodes(1)
        _require(self.extend is not None, "The message has an extension, and none is expected.")
        return self.extend(kind, payload)


def _length(value: range) -> int:
    """len(), which fails beyond 2**63, to within one."""
    return max(0, (value.stop - value.start) // value.step)


def _as_written(value, text: str):
    _require(str(value) == text, "A name in the message is not written in its usual form.")
    return value


def _dtype_text(dtype: np.dtype, caps: Caps) -> str:
    _require(dtype.names is None, "A message cannot hold this dtype.")
    _dtype(dtype.str, caps)
    return dtype.str


def _dtype(text: str, caps: Caps) -> np.dtype:
    """The dtype of that name, from the allow-list or a text dtype that is not too wide."""
    dtype = _DTYPES.get(text)
    if dtype is None:
        fits = _TEXT_DTYPE.fullmatch(text) and 4 * int(text[2:]) <= caps.array_bytes
        _require(fits, "A message cannot hold this dtype.")
        dtype = np.dtype(text)
    return dtype


def _check_elements(array: np.ndarray) -> None:
    """Refuse what no honest array holds: a bool that is neither 0 nor 1, a character beyond Unicode."""
    kind = array.dtype.kind
    if kind == "b":
        _require(array.view(np.uint8).max(initial=0) <= 1, "A bool in the message is neither 0 nor 1.")
    if kind == "U":
        letters = array.ravel("K").view(f"{array.dtype.byteorder}u4")
        _require(letters.max(initial=0) <= sys.maxunicode, "A text in the message has a character that is none.")


def _check_state(state: dict) -> None:
    """Refuse states that NumPy takes without a check and that then read foreign memory or repeat one number."""
    inner = state["state"]
    good = state.get("has_uint32", 0) <= 1 and state.get("buffer_pos", 0) <= 4 and inner.get("inc", 1) & 1
    if state["bit_generator"] == "MT19937":
        good = inner["pos"] <= 624 and (inner["key"][0] >> 31 or inner["key"][1:].any())
    _require(good, "The state of a Generator in the message is not one that NumPy produces.")


def _hashed(keys: list, build):
    """`build()`, once it is sure that only plain keys are compared, and only few."""
    try:
        hashes = [hash(key) for key in keys]
        if len(set(hashes)) != len(hashes):  # else no key is ever compared with another
            _check_collisions(keys, hashes)
        built = build()
    except CodecError:
        raise
    except Exception as error:  # unhashable, or a number too large to compare
        raise CodecError(f"A key in the message cannot be used: {type(error).__name__}.") from None
    _require(len(built) == len(keys), "A key occurs twice in the message.")
    return built


def _check_collisions(keys: list, hashes: list) -> None:
    """Refuse keys of one hash, which a dict will compare, if they are many or their comparison could run anything.

    Honest ones do occur: 0, False, "" and b"" have one hash, -1 and -2 too, Path("a") has that of ("a",).
    """
    groups = {}
    for key, value in zip(keys, hashes, strict=True):
        groups.setdefault(value, []).append(key)
    for group in groups.values():
        if len(group) > 1:
            families = {_family(key) for key in group}
            alike = len(families) == 1 or families <= {"plain", "nest"} or families <= {"plain", "number"}
            safe = alike and None not in families and len(group) <= _SAME_HASH
            _require(safe, "Keys in the message are made to collide.")


def _family(key):
    """What a key may be compared with. A NumPy number is never asked whether it equals a tuple or a frozenset, as it
    would make an array of it; what `extend` returned is never asked at all (None)."""
    kind = type(key)
    if kind in _SCALARS:
        return "plain"
    if kind in _NUMBERS:
        return "number"
    if kind is tuple or kind is frozenset:
        parts = [_family(part) for part in key]
        if all(part in ("plain", "nest") for part in parts):
            return "nest"
        if None not in parts and (kind is tuple or len(set(parts)) == 1):
            return (kind, *parts)
    return None


_SCALARS = frozenset((bool, int, float, complex, type(None), type(...), str, bytes, type(Path())))
_FLOAT, _COMPLEX = struct.Struct(">d"), struct.Struct(">dd")
_SHORT = 128  # lengths below are one byte
_SMALL_INTS = [b"i\1%c" % value for value in range(128)]
_INT, _FLOAT_TAG, _EXT, _ARRAY = b"ifXa"
_SHARED = b"X\6shared"


# The first bytes of an array in a message of its own, up to its axes, by dtype.
_ARRAY_HEADS = {dtype: b"%ca\0%c" % (_VERSION, len(name)) + name.encode() for name, dtype in _DTYPES.items()}


def _write_usual_array(array: np.ndarray, caps: Caps) -> bytes | None:
    """What _Writer makes of a small array in C order that may be written to, three times faster; None for others."""
    head, shape, flags = _ARRAY_HEADS.get(array.dtype), array.shape, array.flags
    if head is None or not (flags.c_contiguous and flags.writeable and 0 < array.nbytes <= caps.array_bytes):
        return None
    if len(shape) > caps.ndim or max(shape, default=0) >= _SHORT or caps.items < _WEIGHT[_ARRAY]:
        return None
    data = b"".join((head, bytes((len(shape), *shape)), array.tobytes()))
    return data if len(data) <= caps.total_bytes else None


def small_int(value: int) -> bytes | None:
    """The node of an int from 0 to 32767, None for others."""
    if 0 <= value < 128:
        return _SMALL_INTS[value]
    return b"i\2%c%c" % (value >> 8, value & 0xFF) if 128 <= value < 32768 else None


@functools.cache
def _tensor_dtypes() -> tuple[dict, dict]:
    """Tensor dtypes by name and the reverse; this is where torch is imported, if nobody did before."""
    import torch

    table = {name: getattr(torch, name) for name in _TENSOR_DTYPES.split() if hasattr(torch, name)}
    return table, {dtype: name for name, dtype in table.items()}


@functools.cache
def _bit_generators() -> frozenset:
    return frozenset(id(getattr(np.random, name)) for name in _GENERATORS)


def _bases(kind: type) -> tuple:
    return type.__dict__["__mro__"].__get__(kind)


def _writer(kind: type):
    """How to write an object of this type: as its nearest base that has a form here."""
    writers = _writers("torch" in sys.modules)
    for base in _bases(kind):
        write = writers.get(id(base))  # by id: a metaclass may have its own idea of a hash
        if write is not None:
            return write
    raise CodecError(f"A message cannot hold an object of the type {type.__dict__['__name__'].__get__(kind)[:100]!a}.")


def _with(write, *arguments):
    return lambda writer, value: write(writer, value, *arguments)


_W, _R = _Writer, _Reader
_PLAIN = {
    type(None): lambda writer, value: writer.open(b"N"),
    bool: _W.bool,
    int: _W.int,
    float: _W.float,
    complex: _W.complex,
    str: _with(_W._string, b"s"),
    bytes: _with(_W._bytes, b"b"),
}
_OTHER = {
    type(...): lambda writer, value: writer.open(b"."),
    bytearray: _with(_W._bytes, b"B"),
    tuple: _with(_W._sequence, b"(", tuple),
    list: _with(_W._sequence, b"[", list),
    OrderedDict: _W.ordered,
    dict: _W.dict,
    set: _with(_W._set, b"S", set),
    frozenset: _with(_W._set, b"Z", frozenset),
    slice: _W.slice,
    range: _W.range,
    PurePath: _W.path,
    type: _W.type,
    np.dtype: _W.dtype,
    np.ndarray: _W.array,
    np.str_: _with(_W._string, b"u"),
    np.bytes_: _with(_W._bytes, b"v"),
    np.random.Generator: _W.generator,
    Ext: _W.ext,
    **dict.fromkeys(_NUMBERS, _W.scalar),
}
_PLAIN_WRITERS = {id(kind): write for kind, write in _PLAIN.items()}


@functools.cache
def _writers(with_torch: bool) -> dict:
    """By id of the type; torch's own are known once somebody has imported torch."""
    types = _PLAIN | _OTHER
    if with_torch:
        import torch

        types |= {torch.Tensor: _W.tensor, torch.dtype: _W.tensor_dtype, torch.device: _W.device}
    return {id(kind): write for kind, write in types.items()}


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
    "y": lambda reader: reader.named(_TYPES),
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
