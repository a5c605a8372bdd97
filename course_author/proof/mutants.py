"""Mechanical mutants of the reference solutions: small faults that nobody thought of, which must lose points.

One fixed list of operators works on the syntax tree of an answer cell, inside its solution regions only.
"""

from __future__ import annotations

import ast
import hashlib
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ..units.regions import SOLUTION
from ..units.unit import Exercise
from .operators import HARMLESS_KEYWORDS, OPERATORS

CAP = 120  # mutants per exercise, spread evenly over the operators


@dataclass(frozen=True)
class Mutant:
    """One faulty answer cell. `id` holds place, operator and change in words, so that it outlives edits elsewhere."""

    id: str
    operator: str
    source: str


@dataclass
class _Site:
    """Where a node hangs: `parent.field` or `parent.field[index]`; `names`: the variables of the function around it."""

    node: ast.AST
    parent: ast.AST
    field: str
    index: int | None
    function: str
    names: tuple[str, ...]

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def all_mutants(exercise: Exercise) -> list[Mutant]:
    """Every mutant that the operators make, in reading order, no two with the same code."""
    tree = ast.parse(exercise.answer)
    lines = exercise.answer.split("\n")
    inside = _solution_lines(lines)
    seen, ids, found = {ast.unparse(tree)}, defaultdict(int), []
    for site in _sites(tree, "", ()):
        line = _first_line(site.node)
        if line not in inside:
            continue
        for operator in OPERATORS:
            for changed in list(operator(site.node, site.names)):
                site.put(ast.fix_missing_locations(ast.copy_location(changed, site.node)))
                source = _unparse(tree)
                site.put(site.node)
                if source is None or source in seen:
                    continue
                seen.add(source)
                column = getattr(site.node, "col_offset", 0)
                change = f"{_brief(site.node)} -> {_brief(changed)}"
                name = f"{site.function}: {lines[line - 1].strip()} @{column} {operator.__name__}: {change}"
                ids[name] += 1
                found.append(Mutant(name + (f" #{ids[name]}" if ids[name] > 1 else ""), operator.__name__, source))
    return found


def mutants(exercise: Exercise, cap: int = CAP) -> list[Mutant]:
    """At most `cap` mutants, spread over the operators in turn; which ones depends on nothing but their ids."""
    groups: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in all_mutants(exercise):
        groups[mutant.operator].append(mutant)
    for group in groups.values():
        group.sort(key=lambda mutant: hashlib.sha256(mutant.id.encode()).digest(), reverse=True)
    chosen: list[Mutant] = []
    while any(groups.values()) and len(chosen) < cap:
        for group in groups.values():
            if group and len(chosen) < cap:
                chosen.append(group.pop())
    return sorted(chosen, key=lambda mutant: mutant.id)


def sample(exercise: Exercise, count: int = 8) -> list[Mutant]:
    """A seeded choice of an exercise's mutants, run again in each test run. A new solution brings a new choice."""
    made = mutants(exercise)
    seed = hashlib.sha256(exercise.answer.encode()).hexdigest()
    return random.Random(seed).sample(made, min(count, len(made)))


def _solution_lines(lines: list[str]) -> set[int]:
    inside, found = False, set()
    for number, line in enumerate(lines, 1):
        if SOLUTION[0] in line:
            inside = True
        elif SOLUTION[1] in line:
            inside = False
        elif inside:
            found.add(number)
    return found


def _sites(node: ast.AST, function: str, names: tuple[str, ...]) -> Iterator[_Site]:
    """All places of the tree, outermost first, without texts, annotations and what an error message shows."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        function = f"{function}.{node.name}".lstrip(".")
    if isinstance(node, ast.FunctionDef):
        names = _variables(node, names)
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "ctx") or isinstance(node, ast.Raise):
            continue
        if isinstance(node, ast.keyword) and node.arg in HARMLESS_KEYWORDS:
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST) and not isinstance(child, ast.JoinedStr):
                yield _Site(child, node, field, index, function, names)
                yield from _sites(child, function, names)


def _variables(function: ast.FunctionDef, outer: tuple[str, ...]) -> tuple[str, ...]:
    own = [node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)]
    own += [node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    return tuple(dict.fromkeys([*own, *outer]))


def _first_line(node: ast.AST) -> int | None:
    """Line of a node; keywords of a comprehension and slices have children with one."""
    for part in ast.walk(node):
        if hasattr(part, "lineno"):
            return part.lineno
    return None


def _unparse(tree: ast.AST) -> str | None:
    """The mutant's code; None where the change makes no sense (a literal as target, an empty slice)."""
    try:
        source = ast.unparse(tree)
        compile(source, "<mutant>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, AttributeError, TypeError):
        return None
    return source


def _brief(node: ast.AST) -> str:
    return ast.unparse(node).split("\n")[0] or "nothing"
