"""Functions and classes of well-known libraries cross by name: both sides have them."""

from __future__ import annotations

import importlib

import numpy as np

KNOWN_MODULES = ("builtins", "math", "operator", "numpy", "torch", "course_utils")


def global_name(value) -> str | None:
    """'module:name' of a function or class of a well-known library, which the other side has, too."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if isinstance(value, np.ufunc):
        module, name = "numpy", value.__name__
    if not isinstance(module, str) or not isinstance(name, str) or module.split(".")[0] not in KNOWN_MODULES:
        return None
    if not (isinstance(value, type | np.ufunc) or callable(value)) or "<" in name:
        return None
    return f"{module}:{name}" if find_global(f"{module}:{name}") is value else None


def find_global(known: str):
    """The object behind 'module:name', None if there is none."""
    module, _, name = known.partition(":")
    if module.split(".")[0] not in KNOWN_MODULES:
        return None
    try:
        found = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError):
        return None
    return found
