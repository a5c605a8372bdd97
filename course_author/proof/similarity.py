"""How alike two answers are, whatever their authors called things."""

from __future__ import annotations

import ast
import builtins
import difflib


def similarity(one: str, other: str) -> float:
    """How alike two answers are, 0 to 1, whatever their author called things.

    Each answer becomes a list of words: the node types of its syntax tree in reading order, without docstrings and what
    the task prescribes to all: signatures, and guards of the form `if …: raise …`. Variables and functions of the
    author's own, and constants, are a bare node type; names that say *how* something is computed (`np`, `exp`, `where`,
    `max`, keyword names) stay. The measure is difflib's ratio of matching words, the larger of the two directions.
    """
    first, second = (_words(source) for source in (one, other))
    return max(
        difflib.SequenceMatcher(None, a, b, autojunk=False).ratio() for a, b in ((first, second), (second, first))
    )


def _words(source: str) -> list[str]:
    tree = ast.parse(source)
    own = _own_names(tree)
    # Functions in the order of their names: moving one up or down is no other method.
    body = sorted(tree.body, key=lambda node: getattr(node, "name", ""))
    return [word for node in body for word in _walk(node, own, top=True)]


def _own_names(tree: ast.AST) -> set[str]:
    own = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            own.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            own.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.add(node.id)
    return own


def _walk(node: ast.AST, own: set[str], top: bool = False):
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return  # a docstring
    if isinstance(node, ast.If) and [type(part) for part in node.body] == [ast.Raise] and not node.orelse:
        return  # a guard
    if isinstance(node, ast.FunctionDef) and top:
        children = node.body
    else:
        children = [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr_context)]
    if isinstance(node, ast.ClassDef):
        yield "ClassDef"
        for child in children:
            yield from _walk(child, own, top=True)
        return
    yield _word(node, own)
    for child in children:
        yield from _walk(child, own)


def _word(node: ast.AST, own: set[str]) -> str:
    name = type(node).__name__
    if isinstance(node, ast.Attribute):
        return f"{name} {node.attr}"
    if isinstance(node, ast.keyword):
        return f"{name} {node.arg}"
    if isinstance(node, ast.Name) and (node.id not in own or hasattr(builtins, node.id)):
        return f"{name} {node.id}"
    return name
