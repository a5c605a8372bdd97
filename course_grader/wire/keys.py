"""Keys of a dict or set that anybody may have made up: only plain ones are compared, and only few."""

from __future__ import annotations

from pathlib import Path

from .errors import CodecError
from .forms import NUMBERS, require

_SAME_HASH = 16  # keys of one hash in a dict or set: more would make it slow, and honest keys have few
_SCALARS = frozenset((bool, int, float, complex, type(None), type(...), str, bytes, type(Path())))


def hashed(keys: list, build):
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
    require(len(built) == len(keys), "A key occurs twice in the message.")
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
            require(safe, "Keys in the message are made to collide.")


def _family(key):
    """What a key may be compared with. A NumPy number is never asked whether it equals a tuple or a frozenset, as it
    would make an array of it; what `extend` returned is never asked at all (None)."""
    kind = type(key)
    if kind in _SCALARS:
        return "plain"
    if kind in NUMBERS:
        return "number"
    if kind is tuple or kind is frozenset:
        parts = [_family(part) for part in key]
        if all(part in ("plain", "nest") for part in parts):
            return "nest"
        if None not in parts and (kind is tuple or len(set(parts)) == 1):
            return (kind, *parts)
    return None
