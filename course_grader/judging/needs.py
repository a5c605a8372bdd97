"""Which of a student's cells an exercise needs, found in their source text alone.

An exercise is graded in a process of its own that runs the answer and those earlier cells that bind a name which the
answer uses. So a crash, an endless loop or a damaged global in one exercise leaves the others alone. Where that run
fails although cells were left out that could matter in a way no name shows (a module was patched, a seed set), the
exercise is run once more after *all* earlier cells, as plain nbgrader would, and the better result counts.
"""

from __future__ import annotations

import ast
import builtins
import re
import symtable
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ..contracts import Exercise, Plan, Submission
from .magics import parse, without_magics

READ = 200_000  # characters of a cell; of a longer one nothing is read


@dataclass(frozen=True)
class StudentCell:
    """A cell that runs in the student's process. `place`: index in the plan; an added one has that of the one above."""

    name: str
    kind: str  # "answer", "added", "example"
    source: str
    place: int

    @cached_property
    def names(self) -> Names:
        return Names.of(self.source)


@dataclass(frozen=True)
class Names:
    """What a cell's text says about names. `inert`: running it can only bind names."""

    bound: frozenset[str]
    used: frozenset[str]
    inert: bool

    @classmethod
    def of(cls, source: str) -> Names:
        """What `source` says; of a cell that is no Python, or that is too large or too deep to be read, nothing."""
        return cls._of(source) if len(source) <= READ else UNREAD

    @classmethod
    @lru_cache(maxsize=1024)
    def _of(cls, source: str) -> Names:
        if source in _KNOWN:
            return _KNOWN[source]
        try:
            return cls._read(source)
        except (SyntaxError, ValueError):
            return cls(frozenset(), frozenset(), True)  # it stops before it does anything
        except Exception:  # RecursionError, MemoryError, and what else a text of a student's may bring about
            return UNREAD

    @classmethod
    def _read(cls, source: str) -> Names:
        text = source
        try:
            tree = parse(text)
        except SyntaxError:
            text = without_magics(source)
            tree = parse(text)
        table = symtable.symtable(text, "<cell>", "exec")
        bound = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
        bound |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_namespace()}
        used = set(_globals_used(table))
        return cls(frozenset(bound), frozenset(used), text == source and all(map(_inert, tree.body)))


UNREAD = Names(frozenset(), frozenset(), False)  # it may do anything, so it is run wherever plain nbgrader would run it
# A judge lives for one submission; what the cells say is found by the grader, which has asked already, and sent along.
_KNOWN: dict[str, Names] = {}


def said(plan: Plan, submission: Submission) -> list[list]:
    """What the cells of a plan and of a submission say, as JSON; for `know`."""
    names = map(Names.of, _sources(plan, submission))
    return [[sorted(one.bound), sorted(one.used), one.inert] for one in names]


def know(plan: Plan, submission: Submission, said: list[list]) -> None:
    """Take over what `said` found in another process."""
    for source, (bound, used, inert) in zip(_sources(plan, submission), said, strict=True):
        _KNOWN[source] = Names(frozenset(bound), frozenset(used), inert)


def _sources(plan: Plan, submission: Submission) -> list[str]:
    own = [*submission.answers.values(), *(added.source for added in submission.added)]
    return [*(cell.source for cell in plan.cells if cell.cell_type == "code"), *own]


def imports(plan: Plan) -> tuple[str, ...]:
    """Modules to prepare: those that setup cells import, which both sides run for each submission, and `heavy` ones."""
    found = dict.fromkeys(heavy(cell.source for cell in plan.cells if cell.kind in ("answer", "test")))
    for cell in plan.cells:
        if cell.kind == "setup":
            try:
                body = parse(without_magics(cell.source)).body
            except SyntaxError:
                continue
            for node in body:
                if isinstance(node, ast.Import):
                    found |= dict.fromkeys(alias.name for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and not node.level:  # what is imported may be a module, too
                    found |= dict.fromkeys((node.module, *(f"{node.module}.{a.name}" for a in node.names)))
    return tuple(found)


_PARTS = {
    "scipy": ("special", "stats", "linalg", "optimize", "signal"),
    "sklearn": ("metrics", "preprocessing", "linear_model", "datasets", "model_selection"),
}
_HEAVY = {f"{package}.{part}": (package, part) for package, parts in _PARTS.items() for part in parts} | {
    # torch imports its compiler when a function is differentiated. (By a submodule: see `prepared._Compiler`.)
    "torch._dynamo.config": ("torch", "func"),
}
_OTHERS = {
    "pandas": re.compile(r"\b(?:import|from) pandas\b"),
    # torch imports SymPy at the first `backward` that is given a gradient to begin with.
    "torch.fx.experimental.symbolic_shapes": re.compile(r"backward\((?!\)|\w{1,40}=)|\bgrad_outputs\b"),
}
_DOTTED = re.compile(r"\b(scipy|sklearn|torch)\.(\w{1,40})\b")
_FROM = re.compile(r"\bfrom (scipy|sklearn|torch) import ")


def heavy(sources: Iterable[str]) -> list[str]:
    """Well-known modules that take long to import, and that these cells import, or have torch import.

    What one student's cells need is imported once, for all who come after, too. Only modules that are named here: which
    modules the prepared process imports must not be for a student to choose. Each line is read once: a pattern that
    looked for `from scipy import` and for `stats` behind it would look from each of a thousand beginnings to the end.
    """
    found = set()
    for source in sources:
        found |= {name for name, pattern in _OTHERS.items() if pattern.search(source)}
        pairs = {*_DOTTED.findall(source), *_from_imports(source)}
        found |= {name for name, pair in _HEAVY.items() if pair in pairs}
    return [name for name in (*_HEAVY, *_OTHERS) if name in found]


def _from_imports(source: str) -> Iterator[tuple[str, str]]:
    """(package, word) for each word behind a `from package import`, to the end of its line."""
    for line in source.split("\n"):
        first = _FROM.search(line)
        if first:
            words = set(re.findall(r"\w+", line[first.end() :]))
            for package in {first[1], *(words & {"scipy", "sklearn", "torch"})}:
                yield from ((package, word) for word in words)


def _globals_used(table: symtable.SymbolTable) -> Iterable[str]:
    for symbol in table.get_symbols():
        # `count += 1` under `global count` counts as a use, although Python's table calls it an assignment alone.
        if symbol.is_declared_global() or (
            symbol.is_referenced() and (symbol.is_global() or table.get_type() == "module")
        ):
            yield symbol.get_name()
    for child in table.get_children():
        yield from _globals_used(child)


_SIMPLE = (ast.Constant, ast.Name, ast.Lambda, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.UnaryOp, ast.BinOp)


def _inert(node: ast.stmt) -> bool:
    """Can running this statement do nothing but bind names? In doubt, no."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        arguments = [*node.args.defaults, *filter(None, node.args.kw_defaults), *node.decorator_list]
        return all(map(_simple, arguments))
    if isinstance(node, ast.ClassDef):
        return not node.keywords and all(map(_simple, node.decorator_list)) and all(map(_inert, node.body))
    if isinstance(node, ast.Import):
        return True
    if isinstance(node, ast.ImportFrom):
        return all(alias.name != "*" for alias in node.names)
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return all(isinstance(target, ast.Name) for target in targets) and (node.value is None or _simple(node.value))
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _simple(node: ast.expr) -> bool:
    """No call, attribute, item or comprehension: evaluating it runs no code of anybody's."""
    return all(isinstance(part, (*_SIMPLE, ast.expr_context, ast.operator, ast.unaryop)) for part in _values(node))


def _values(node: ast.expr) -> Iterator[ast.AST]:
    """All that is evaluated with it: not what stands inside a lambda. However deep: a sum of 1,500 terms is a tree."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


# -- the cells of a submission -----------------------------------------------------------------------------------------


def student_cells(plan: Plan, submission: Submission) -> list[StudentCell]:
    """All cells that may run in the student's process, in notebook order."""
    cells, count = [], 0
    for place in range(-1, len(plan.cells)):
        if place >= 0:
            cell = plan.cells[place]
            if cell.kind in ("answer", "manual") and cell.cell_type == "code":
                source = submission.answers.get(cell.name, "")
                cells.append(StudentCell(cell.name, "answer", source, place))
            elif cell.kind == "example" and cell.cell_type == "code":
                source = submission.examples.get(place, cell.source)
                cells.append(StudentCell(f"example {place}", "example", source, place))
        for added in submission.added if plan.allow_added_cells else ():
            if added.after == place:
                count += 1
                cells.append(StudentCell(f"added {count}", "added", added.source, place))
    return cells


def remote_names(plan: Plan, exercise: Exercise, setup: set[str]) -> list[str]:
    """The names in an exercise's tests that are the student's to define.

    Those that the stub of an answer binds, wherever else they are bound, and those that the tests use and nobody on the
    judge's side binds. A name of Python's own or of the setup cells is never the student's, or a `len` of theirs would
    count for the tests.
    """
    declared, used, tests = set(), set(), set()
    for place in range(exercise.last):
        if plan.cells[place].kind == "answer":
            declared |= Names.of(plan.cells[place].source).bound
    for place in range(exercise.last + 1):
        if plan.cells[place].kind == "test":
            names = Names.of(plan.cells[place].source)
            tests |= names.bound  # those of earlier tests, too: a helper of theirs is no name of the student's
            used |= names.used if place in exercise.tests else set()
    ours = setup | set(vars(builtins)) | tests
    return sorted((used & declared) | (used - ours - {"__name__", "__file__"}))


def rebinding(plan: Plan) -> list[str]:
    """The tests that take away or replace a name of the answer's: the judge's would do so to a stand-in only."""
    setup = set().union(*(Names.of(cell.source).bound for cell in plan.cells if cell.kind == "setup"))
    found = []
    for exercise in plan.exercises():
        names = set(remote_names(plan, exercise, setup))
        tests = [plan.cells[place] for place in exercise.tests]
        found += [test.name for test in tests if Names.of(test.source).bound & names]
    return found


def attempts(plan: Plan, exercise: Exercise, cells: list[StudentCell], names: list[str], setup: set[str]):
    """The lists of cells to run for an exercise, in the order to try them (one or two lists)."""
    first = exercise.tests[0]
    start = exercise.answers[0] if exercise.answers else first
    before = [cell for cell in cells if cell.place < first]
    own = [cell for cell in before if cell.kind != "example" and cell.place >= start - 1 and _belongs(cell, start)]
    chosen, wanted = list(own), set(names)
    for cell in own:
        wanted |= cell.names.used - cell.names.bound
    for cell in reversed([cell for cell in before if cell not in own]):
        if cell.names.bound & (wanted - setup):
            chosen.append(cell)
            wanted |= cell.names.used - cell.names.bound
    chosen.sort(key=before.index)
    everything = [cell for cell in before if cell.kind != "example" or cell in chosen]
    left_out = [cell for cell in everything if cell not in chosen]
    harmless = all(cell.names.inert and not cell.names.bound & wanted for cell in left_out)
    return [chosen] if harmless else [chosen, everything]


def _belongs(cell: StudentCell, start: int) -> bool:
    """Is this cell part of the exercise: its answer, or the student's own cells around it?"""
    return cell.place >= start or cell.kind == "added"
