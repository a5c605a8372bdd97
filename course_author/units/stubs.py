"""What stands for an answer until a student writes it: a stub that names exercise and function."""

from __future__ import annotations

import ast

from .regions import SOLUTION, enclosing


def stub_line(label: str | None, names: str | None) -> str:
    """What stands for an answer: it names exercise and function, and says to delete it (nbgrader issue 1154)."""
    where = f"{label}: " if label else ""
    return f'raise NotImplementedError("{where}write {names or "your answer"}, then delete this line")'


def blank_answer(source: str, label: str | None) -> str:
    """An answer cell with each solution region replaced by a stub that names what belongs there.

    label: what the heading calls the exercise ("Exercise 1.3")
    """
    lines, inside = [], False
    for at, line in enumerate(source.split("\n"), 1):
        if SOLUTION[0] in line:
            if inside:
                raise RuntimeError("BEGIN SOLUTION opens again before END SOLUTION: close the first one")
            inside = True
            indent = line[: len(line) - len(line.lstrip())]
            lines += [f"{indent}# YOUR CODE HERE", indent + stub_line(label, _asked_for(source, at))]
        elif SOLUTION[1] in line:
            inside = False
        elif not inside:
            lines.append(line)
    if inside:
        raise RuntimeError("BEGIN SOLUTION is never closed: add END SOLUTION")
    return "\n".join(lines)


def _asked_for(source: str, line: int) -> str | None:
    """What a region is to define: the function around it, or the names that a region outside functions binds."""
    try:
        name = enclosing(source, line)
        tree = ast.parse(source)
    except SyntaxError:  # magics: the stub then names the exercise only
        return None
    if name:
        return name
    rows = source.split("\n")
    end = next(row for row in range(line, len(rows) + 1) if SOLUTION[1] in rows[row - 1])
    bound = []
    for node in tree.body:
        if line < node.lineno < end:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                bound.append(node.name)
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                bound += [leaf.id for target in targets for leaf in ast.walk(target) if isinstance(leaf, ast.Name)]
    return ", ".join(dict.fromkeys(bound)) or None
