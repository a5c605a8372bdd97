"""A cell's text as plain Python, for whoever looks at its names: IPython's magics are taken out, nothing is run.

IPython's own transformer starts anew after each magic that it finds, up to 500 times, so a text of sixty of them takes
seconds. Here each line is looked at once.
"""

from __future__ import annotations

import ast
import re
import threading

# Python 3.11 counts the depth of a syntax tree in one place for all threads, and raises SystemError when two are at it.
# So whatever makes a tree, or code from a tree, in a process that grades has to hold this.
PARSING = threading.RLock()

RUN_PYTHON = ("time", "timeit", "prun", "capture")  # magics whose argument, or cell, is Python that runs here
_MAGIC = re.compile(r"%(\w+)((?: +-\w\S*(?: +\d+)?)*) *(.*)")
_HELP = re.compile(r"%{0,2}[\w.*\[\]]+\?\??")
_ASSIGNED = re.compile(r"(\w[\w.]*(?: *, *\w[\w.]*)*) *= *[!%]")


def parse(source: str) -> ast.Module:
    """`ast.parse`, by one thread at a time."""
    with PARSING:
        return ast.parse(source)


def without_magics(source: str) -> str:
    """The cell without magics, line for line; the same text where it is plain Python (a comment may end in `?`)."""
    if _is_python(source):
        return source
    lines = source.split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    for number in range(first, len(lines)):
        if not lines[number].startswith("%%"):
            break
        if lines[number][2:].partition(" ")[0].strip() not in RUN_PYTHON:
            return ""  # a cell of another language
        lines[number] = ""
    return "\n".join(map(_line, lines))


def _is_magic(line: str) -> bool:
    line = line.strip()
    return line.startswith(("%", "!", "?")) or bool(_HELP.fullmatch(line)) or _ASSIGNED.match(line) is not None


def _line(line: str) -> str:
    """A line of Python for a line of IPython's."""
    if not _is_magic(line):
        return line
    text = line.strip()
    indent = line[: len(line) - len(line.lstrip())]
    found = _MAGIC.fullmatch(text)
    if found and found[1] in RUN_PYTHON and _is_python(found[3]):
        return indent + found[3]
    assigned = _ASSIGNED.match(text)
    return f"{indent}{assigned[1]} = None" if assigned else f"{indent}pass"


def _is_python(text: str) -> bool:
    try:
        parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
