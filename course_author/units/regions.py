"""The marked regions of a cell, and the function around one of its lines."""

from __future__ import annotations

import ast

SOLUTION = ("BEGIN SOLUTION", "END SOLUTION")
HIDDEN = ("BEGIN HIDDEN TESTS", "END HIDDEN TESTS")
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def region(source: str, markers: tuple[str, str]) -> list[str]:
    """Lines between the markers of all regions in a cell (the markers themselves left out)."""
    inside, lines = False, []
    for line in source.split("\n"):
        if markers[0] in line:
            inside = True
        elif markers[1] in line:
            inside = False
        elif inside:
            lines.append(line)
    return lines


def enclosing(source: str, line: int) -> str | None:
    """Dotted name of the innermost function around a line (1 is the first) of Python `source`; None outside any."""
    best, name = None, None
    stack = [(node, "") for node in ast.parse(source).body]
    while stack:
        node, prefix = stack.pop()
        if isinstance(node, DEFINITIONS):
            dotted = prefix + node.name
            is_function = not isinstance(node, ast.ClassDef)
            inside = node.body[0].lineno <= line <= node.end_lineno or node.lineno < line <= node.end_lineno
            if is_function and inside and (best is None or node.lineno > best):
                best, name = node.lineno, dotted
            stack += [(child, dotted + ".") for child in node.body]
    return name
