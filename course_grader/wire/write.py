"""Plain values to bytes; see `forms` for what the bytes are."""

from __future__ import annotations

import functools
import struct
import sys
from collections import OrderedDict
from itertools import pairwise
from pathlib import PurePath

import numpy as np

from .errors import CodecError
from .forms import (
    CAPS,
    DEVICE,
    DTYPES,
    GENERATORS,
    NAME_BYTES,
    NUMBERS,
    PATH_BYTES,
    SHARED,
    TYPES,
    VERSION,
    WEIGHT,
    Budget,
    Caps,
    Ext,
    dtype_of,
    length_of,
    require,
    tensor_dtypes,
)

_TYPE_NAMES = {id(kind): name for name, kind in TYPES.items()}
# Bound once and in this module: of an imported object, Python 3.11 calls a method much slower.
_pack_float = struct.Struct(">d").pack
_SHORT = 128  # lengths below are one byte
_SMALL_INTS = [b"i\1%c" % value for value in range(128)]
_EXT, _ARRAY = b"Xa"


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


class _Writer(Budget):
    """Appends nodes to `out`."""

    __slots__ = ("out",)

    def __init__(self, extend, caps):
        super().__init__(extend, caps)
        self.out = bytearray((VERSION,))

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
            return b"f" + _pack_float(value)
        if kind is str and len(value) < _SHORT and value.isascii() and len(value) <= self.caps.string_bytes:
            return b"s%c" % len(value) + value.encode()
        return None

    def open(self, tag: bytes) -> None:
        self.charge(WEIGHT[tag[0]])
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
        require(str.__len__(value) <= most, "A text is too long.")  # before it is copied
        data = str.encode(value, "utf-8", "surrogatepass")
        require(len(data) <= most, "A text is too long.")
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
        require(value.bit_length() <= self.caps.int_bits, "An int has too many digits.")
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
        require(data.nbytes <= self.caps.string_bytes, "A bytes object is too long.")
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
        self.charge(length_of(value))
        self.nodes((value.start, value.stop, value.step))

    def path(self, value) -> None:
        self.open(b"/")
        text = PurePath.__str__(value)
        self.charge(text.count("/"))
        self.text(text, PATH_BYTES)

    def type(self, value) -> None:
        self._name(b"y", _TYPE_NAMES.get(id(value)), "this type")

    def _name(self, tag, name, what) -> None:
        require(name is not None, f"A message cannot hold {what}.")
        self.open(tag)
        self.text(name, NAME_BYTES)

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
        self.text(dtype, NAME_BYTES)
        self.number(len(shape))
        for axis in shape:
            self.number(axis)

    def scalar(self, value) -> None:
        self.open(b"n")
        self.text(np.generic.dtype.__get__(value).str, NAME_BYTES)
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
            name = tensor_dtypes()[1].get(plain.dtype)
            dense = type(plain) is tensor and plain.layout == torch.strided and plain.device.type == "cpu"
            require(dense and name, "A message holds only dense tensors on the CPU, of the usual dtypes.")
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
        self._name(b"D", tensor_dtypes()[1].get(value), "this torch dtype")

    def device(self, value) -> None:
        self._name(b"V", str(value) if DEVICE.fullmatch(str(value)) else None, "this torch device")

    def generator(self, value) -> None:
        bits = np.random.Generator.bit_generator.__get__(value)
        base = next((base for base in _bases(type(bits)) if id(base) in _bit_generators()), None)
        self._name(b"G", base and base.__name__, "a Generator with this bit generator")
        state = base.state.__get__(bits)
        for inner, field, size, count in GENERATORS[base.__name__]:
            words = (state["state"] if inner else state)[field]
            self.out += int(words).to_bytes(size, "little") if count == 1 else words.astype(f"<u{size}").tobytes()

    def ext(self, value) -> None:
        if type(value) is not Ext:
            raise TypeError("extend must return an Ext or NotImplemented")
        number = small_int(value.payload) if type(value.payload) is int else None
        if number is not None and value.kind == "shared" and self.depth > 0:  # nearly all are
            self.charge(WEIGHT[_EXT] + 1)
            self.out += SHARED + number
            return
        self._name(b"X", value.kind, "an Ext without a kind")
        self.nodes((value.payload,))


def _dtype_text(dtype: np.dtype, caps: Caps) -> str:
    require(dtype.names is None, "A message cannot hold this dtype.")
    dtype_of(dtype.str, caps)
    return dtype.str


# The first bytes of an array in a message of its own, up to its axes, by dtype.
_ARRAY_HEADS = {dtype: b"%ca\0%c" % (VERSION, len(name)) + name.encode() for name, dtype in DTYPES.items()}


def _write_usual_array(array: np.ndarray, caps: Caps) -> bytes | None:
    """What _Writer makes of a small array in C order that may be written to, three times faster; None for others."""
    head, shape, flags = _ARRAY_HEADS.get(array.dtype), array.shape, array.flags
    if head is None or not (flags.c_contiguous and flags.writeable and 0 < array.nbytes <= caps.array_bytes):
        return None
    if len(shape) > caps.ndim or max(shape, default=0) >= _SHORT or caps.items < WEIGHT[_ARRAY]:
        return None
    data = b"".join((head, bytes((len(shape), *shape)), array.tobytes()))
    return data if len(data) <= caps.total_bytes else None


def small_int(value: int) -> bytes | None:
    """The node of an int from 0 to 32767, None for others."""
    if 0 <= value < 128:
        return _SMALL_INTS[value]
    return b"i\2%c%c" % (value >> 8, value & 0xFF) if 128 <= value < 32768 else None


@functools.cache
def _bit_generators() -> frozenset:
    return frozenset(id(getattr(np.random, name)) for name in GENERATORS)


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


_W = _Writer
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
    **dict.fromkeys(NUMBERS, _W.scalar),
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
