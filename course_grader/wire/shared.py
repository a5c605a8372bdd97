"""Shared objects of a conversation: which values are shared, whether one has changed, how it is changed in place."""

from __future__ import annotations

import hashlib
import operator
import sys

import numpy as np

from .errors import ProtocolError
from .write import encode


def type_of(value) -> str | None:
    """The type under which a mutable value is shared; None for all others. Subclasses count as their base."""
    cls = type(value)  # isinstance would believe a `__class__` that lies
    if id(cls) in BY_VALUE:
        return None
    name = _EXACT.get(id(cls)) or _base_of(cls)
    return name if name != "array" or value.dtype.kind in "biufcSU" else None


def _base_of(cls: type) -> str | None:
    for name, base in SHARED_TYPES.items():
        if issubclass(cls, base):
            return name
    torch = sys.modules.get("torch")
    if torch is None or not issubclass(cls, torch.Tensor):
        return None
    _EXACT[id(torch.Tensor)] = "tensor"
    return "tensor"


SHARED_TYPES = {
    "list": list,
    "dict": dict,
    "set": set,
    "bytearray": bytearray,
    "array": np.ndarray,
    "generator": np.random.Generator,
}

# By id of the type, for speed: a type that is no built-in one may have its own idea of a hash.
_EXACT = {id(cls): name for name, cls in SHARED_TYPES.items()}
BY_VALUE = frozenset(
    id(cls) for cls in (type(None), bool, int, float, complex, str, bytes, tuple, frozenset, slice, range, type(...),
                        np.bool_, np.int64, np.int32, np.uint8, np.float64, np.float32)
)  # fmt: skip
CONTAINERS = ("list", "dict", "set", "bytearray")


def state_of(kind: str, value):
    """What decides about a shared object's content, one level deep, as something that the codec takes."""
    if kind == "list":
        return tuple(list.__iter__(value))
    if kind == "dict":
        return tuple(dict.items(value))
    if kind == "set":
        return tuple(set.__iter__(value))
    return bytes(value) if kind == "bytearray" else value


_SMALL = 1 << 16  # bytes of a state that is kept, instead of a digest


def look_at(kind: str, value):
    """What shows later whether a shared object has changed since: much cheaper than its encoded state.

    Of a container it holds the very elements: those that can change are shared, and looked at on their own.
    """
    if kind == "dict":
        return (*dict.keys(value), *dict.values(value))
    return state_of(kind, value) if kind in CONTAINERS else as_kept(encode(value))


def as_kept(state: bytes) -> bytes:
    """A look at an array, generator or tensor: its encoded state, or a digest of that."""
    return state if len(state) <= _SMALL else hashlib.blake2b(state, digest_size=16).digest()


def looks_same(kind: str, one, other) -> bool:
    """Are two looks at one object alike?"""
    if kind in ("list", "dict", "set"):
        return one is not None and len(one) == len(other) and all(map(operator.is_, one, other))
    return one == other


def blank_of(kind: str, state):
    """A new object to hold `state`; containers are filled later, since they may contain each other."""
    return {"list": list, "dict": dict, "set": set, "bytearray": bytearray}[kind]() if kind in CONTAINERS else state


def fill(kind: str, value, state) -> None:
    """Give an existing object the content `state`, in place."""
    if kind == "list":
        list.__setitem__(value, slice(None), state)
    elif kind == "dict":
        dict.clear(value)
        dict.update(value, state)
    elif kind == "set":
        set.clear(value)
        set.update(value, state)
    elif kind == "bytearray":
        value[:] = state
    elif kind == "array":
        _fill_array(value, state)
    elif kind == "generator":
        value.bit_generator.state = state.bit_generator.state
    else:
        _fill_tensor(value, state)


def _fill_array(value, state) -> None:
    """Only what can be done without moving the array's memory: others may look at it, too."""
    if value.dtype != state.dtype or value.size != state.size:
        raise ProtocolError("an array was given another type or size in place")
    if value.shape != state.shape:
        value.shape = state.shape
    value[...] = state  # a read-only array refuses
    if not state.flags.writeable:
        value.flags.writeable = False


def _fill_tensor(value, state) -> None:
    value.data = state.data
    if value.is_leaf:
        value.requires_grad_(state.requires_grad)
        value.grad = state.grad
