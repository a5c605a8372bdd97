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
| G | NumPy Generator | text: bit generator; its state, laid out as in GENERATORS |
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
from dataclasses import dataclass

import numpy as np

from .errors import CodecError


@dataclass(frozen=True)
class Caps:
    """Most that one message may hold; `items` counts nodes, and more for those that need much memory (WEIGHTS)."""

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
VERSION = 1
NAME_BYTES, PATH_BYTES = 64, 32_768

# One unit is about 100 bytes of memory once decoded; tags that are not named here weigh 1.
WEIGHTS = {"B": 2, "[": 2, "{": 4, "S": 4, "Z": 4, ":": 2, "r": 4, "/": 8, "d": 2, "a": 6, "n": 2, "u": 2, "v": 2}
WEIGHTS |= {"t": 16, "G": 64}
WEIGHT = [WEIGHTS.get(chr(tag), 1) for tag in range(256)]
DTYPES = {
    text: np.dtype(text)
    for kind in ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16")
    for text in ([f"|{kind}"] if kind[1:] == "1" else [f"<{kind}", f">{kind}"])
}
NUMBERS = tuple(np.dtype(code).type for code in "?bhilqBHILQefdFD")
TYPES = {kind.__name__: kind for kind in (bool, int, float, complex, str, bytes, bytearray, tuple, list, dict, set)}
TYPES |= {kind.__name__: kind for kind in (frozenset, slice, range, object)}
TYPES |= {f"numpy.{kind.__name__}": kind for kind in (*NUMBERS, np.str_, np.bytes_)}
TENSOR_DTYPES = (
    "bool uint8 int8 int16 int32 int64 uint16 uint32 uint64 float16 bfloat16 float32 float64 complex64 complex128 "
    "float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu"
)
_TEXT_DTYPE = re.compile(r"([<>]U|\|S)(0|[1-9][0-9]{0,8})")
DEVICE = re.compile(r"(cpu|cuda|mps|xpu|meta)(:(0|[1-9][0-9]?))?")

# The state of a bit generator: (within "state"?, field, bytes of a word, words), words little-endian.
_HALF_WORD = ((False, "has_uint32", 1, 1), (False, "uinteger", 4, 1))
_PCG = ((True, "state", 16, 1), (True, "inc", 16, 1), *_HALF_WORD)
_PHILOX = ((True, "counter", 8, 4), (True, "key", 8, 2), (False, "buffer", 8, 4), (False, "buffer_pos", 1, 1))
GENERATORS = {
    "PCG64": _PCG,
    "PCG64DXSM": _PCG,
    "MT19937": ((True, "key", 4, 624), (True, "pos", 2, 1)),
    "Philox": (*_PHILOX, *_HALF_WORD),
    "SFC64": ((True, "state", 8, 4), *_HALF_WORD),
}
SHARED = b"X\6shared"


def require(condition, sentence: str) -> None:
    if not condition:
        raise CodecError(sentence)


class Budget:
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
        require(len(shape) <= self.caps.ndim, "An array has too many axes.")
        require(itemsize, "An array has elements of no size.")
        size = math.prod(shape) * itemsize
        require(size <= self.caps.array_bytes, "An array has too many bytes.")
        if not size:
            self.charge(math.prod(axis or 1 for axis in shape) + itemsize // 64)
        return size


def length_of(value: range) -> int:
    """len(), which fails beyond 2**63, to within one."""
    return max(0, (value.stop - value.start) // value.step)


def dtype_of(text: str, caps: Caps) -> np.dtype:
    """The dtype of that name, from the allow-list or a text dtype that is not too wide."""
    dtype = DTYPES.get(text)
    if dtype is None:
        fits = _TEXT_DTYPE.fullmatch(text) and 4 * int(text[2:]) <= caps.array_bytes
        require(fits, "A message cannot hold this dtype.")
        dtype = np.dtype(text)
    return dtype


@functools.cache
def tensor_dtypes() -> tuple[dict, dict]:
    """Tensor dtypes by name and the reverse; this is where torch is imported, if nobody did before."""
    import torch

    table = {name: getattr(torch, name) for name in TENSOR_DTYPES.split() if hasattr(torch, name)}
    return table, {dtype: name for name, dtype in table.items()}
