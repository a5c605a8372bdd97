"""What a cell's syntax tree tells by itself: the names that it binds, a function's own nodes, hidden lines."""

from __future__ import annotations

import ast

from . import rules

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef)
COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def bindings(tree: ast.AST) -> dict[str, ast.AST]:
    """Names that the code binds outside functions and classes, and what binds them."""
    found, queue = {}, list(ast.iter_child_nodes(tree))
    while queue:
        node = queue.pop(0)
        if isinstance(node, DEFINITIONS):
            found[node.name] = node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).split(".")[0]: node for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.setdefault(node.id, node)
        elif not isinstance(node, ast.Lambda | COMPREHENSIONS):
            queue += ast.iter_child_nodes(node)
    return found


def hidden_lines(source: str) -> set[int]:
    inside, lines = False, set()
    for number, line in enumerate(source.split("\n"), 1):
        inside = (inside or rules.HIDDEN[0] in line) and rules.HIDDEN[1] not in line
        lines |= {number} if inside else set()
    return lines


def own_nodes(function: ast.AST):
    """The nodes of a function's body without those of functions, classes and lambdas inside it."""
    queue = list(function.body)
    while queue:
        node = queue.pop()
        yield node
        if not isinstance(node, (*DEFINITIONS, ast.Lambda)):
            queue += ast.iter_child_nodes(node)


def arguments_of(call: ast.Call) -> list[ast.AST]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]
