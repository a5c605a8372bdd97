"""Read test cells and reject what the separate judge would judge on the wrong side, or could not run at all.

`python -m course_grader.lint [UNIT …]` reads the notebooks `source/UNIT/*.ipynb` of the course in this folder and
prints one line per fault. Names that answer cells define are *remote* for the judge: calls cross to the student's
process, and plain data come back. So a test cannot ask for the type or the identity of such a thing, and a seed, a mode
or a patch of the judge's never reaches it. `rules.py` has the list.
"""

from __future__ import annotations

import ast
import builtins
import symtable
import sys
from pathlib import Path

import nbformat

from ..contracts import GraderError, Plan, PlanCell
from ..judging.magics import without_magics
from . import rules
from .nodes import FUNCTIONS, bindings, own_nodes
from .rules import CHECK, SAY, Fault
from .walk import Walk

BUILTINS = set(dir(builtins)) | rules.NOTEBOOK


def lint(plan: Plan) -> list[Fault]:
    """All faults of a notebook's test cells, in notebook order."""
    faults, setup, remote, tests = [], "", {}, {}
    for cell in plan.cells:
        if cell.cell_type != "code":
            continue
        if cell.kind == "setup":
            setup += without_magics(cell.source) + "\n"
        elif cell.kind in ("answer", "manual"):
            remote |= bindings(_parse(cell.source))
        elif cell.kind == "test":
            try:
                found = _lint_cell(cell, ast.parse(without_magics(cell.source)), _parse(setup), remote, tests)
            except SyntaxError as error:
                found = [Fault(cell.name, error.lineno or 1, SAY["syntax"].format(error.msg))]
            faults += sorted(set(found))
            tests |= bindings(_parse(cell.source))
    return faults


def lint_cells(name: str, cells: list) -> list[Fault]:
    """The same for the cells of a notebook with nbgrader's metadata; they need no gradebook."""
    return lint(Plan(name, name, tuple(map(_plan_cell, cells))))


def _plan_cell(cell) -> PlanCell:
    options = cell.metadata.get("nbgrader") or {}
    flags = tuple(bool(options.get(key)) for key in ("grade", "solution", "locked"))
    kinds = {(False, True, False): "answer", (True, True, False): "manual", (False, False, True): "setup"}
    kind = kinds.get(flags, "test" if flags[0] else "example")
    return PlanCell(kind, options.get("grade_id", ""), cell.source, "", cell.cell_type)


# -- reading ---------------------------------------------------------------------------------------------------------


def _parse(source: str) -> ast.Module:
    """The syntax tree; an empty one for what is not Python (a stub may be anything)."""
    try:
        return ast.parse(without_magics(source))
    except SyntaxError:
        return ast.Module([], [])


def _full_names(*trees: ast.AST) -> dict[str, str]:
    """What imports call things here: {"np": "numpy", "nn": "torch.nn", "check": "course_utils.check"}."""
    names = {"check": "course_utils.check"}
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            whole = [(alias, alias.name.split(".")[0]) for alias in node.names]
            names |= {alias.asname or top: alias.name if alias.asname else top for alias, top in whole}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _free_names(source: str) -> set[str]:
    """Names that Python code uses where it does not bind them."""
    tables, found = [symtable.symtable(source, "cell", "exec")], set()
    while tables:
        table = tables.pop()
        top = table.get_type() == "module"
        found |= {s.get_name() for s in table.get_symbols() if s.is_referenced() and (top or s.is_global())}
        tables += table.get_children()
    return found


# -- one cell --------------------------------------------------------------------------------------------------------


def _lint_cell(cell: PlanCell, tree: ast.Module, setup: ast.Module, remote: dict, tests: dict) -> list[Fault]:
    bound = BUILTINS | set(bindings(setup))
    known = bound | set(tests) | set(bindings(tree)) | rules.FIXTURES
    # A name that nobody else binds must come from an answer: a stub may be a bare comment.
    remote = {name: None for name in _free_names(without_magics(cell.source)) if name not in known} | remote
    walk = Walk(cell, _full_names(setup, *tests.values(), tree), remote)
    for last in (False, False, True):  # the first rounds settle what functions take and return, the last one reports
        walk.round(tree, last)
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS) and walk.is_probe(node):
            _look_at_probe(walk, node, bound, tree)
    if not any(walk.asserts(node) for node in ast.walk(tree)):
        walk.fault(1, "silent")
    if tree.body and isinstance(tree.body[-1], ast.Expr) and walk.has_value(tree.body[-1].value):
        walk.fault(tree.body[-1].lineno, "score")
    return walk.faults


# -- probes ----------------------------------------------------------------------------------------------------------


def _look_at_probe(walk: Walk, probe: ast.FunctionDef, bound: set[str], tree: ast.Module) -> None:
    """Rules for a function whose source text runs in the student's process."""
    for name in sorted(_free_names(ast.unparse(ast.Module([_bare(probe)], []))) - bound - {probe.name}):
        line = next((n.lineno for n in ast.walk(probe) if getattr(n, "id", "") == name), probe.lineno)
        walk.fault(line, "probe name", probe.name, name)
    for node in ast.walk(ast.Module(probe.body, [])):
        called = walk.full(node.func) if isinstance(node, ast.Call) else ""
        if isinstance(node, ast.Assert) or (called.startswith(CHECK) and called not in rules.EVIDENT):
            walk.fault(node.lineno, "probe check", probe.name)
    returned = [node.value for node in own_nodes(probe) if isinstance(node, ast.Return | ast.Yield) and node.value]
    if not returned:
        walk.fault(probe.lineno, "probe nothing", probe.name)
    for value in filter(lambda value: _is_verdict(walk, value), returned):
        walk.fault(value.lineno, "probe verdict", probe.name)
    expected = _expected_literals(walk, tree)
    for node in ast.walk(ast.Module(probe.body, [])):
        if isinstance(node, ast.Constant) and _is_telling(node.value) and node.value in expected:
            walk.fault(node.lineno, "probe secret", probe.name, repr(node.value), warning=True)


def _bare(probe: ast.FunctionDef) -> ast.FunctionDef:
    """The function without its decorators and annotations, as the student's process defines it."""
    copy = ast.parse(ast.unparse(probe)).body[0]
    copy.decorator_list, copy.returns = [], None
    for argument in (node for node in ast.walk(copy.args) if isinstance(node, ast.arg)):
        argument.annotation = None
    return copy


def _is_verdict(walk: Walk, value: ast.AST) -> bool:
    if isinstance(value, ast.BoolOp):
        return any(_is_verdict(walk, part) for part in value.values)
    negated = isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.Not)
    truth = isinstance(value, ast.Constant) and isinstance(value.value, bool)
    called = isinstance(value, ast.Call) and rules.VERDICT.match(walk.full(value.func))
    return bool(isinstance(value, ast.Compare) or negated or truth or called)


def _expected_literals(walk: Walk, tree: ast.Module) -> set:
    """Literals among the expected values of hidden checks."""
    found = set()
    for node in ast.walk(tree):
        name = walk.full(node.func) if isinstance(node, ast.Call) else ""
        count = rules.EXPECTS.get(name.removeprefix(CHECK + "hidden."), 0) if name.startswith(CHECK + "hidden.") else 0
        named = [k.value for k in node.keywords if k.arg in ("expected", "low", "high")] if count else []
        for part in [*node.args[1 : 1 + count], *named] if count else []:
            found |= {n.value for n in ast.walk(part) if isinstance(n, ast.Constant) and _is_telling(n.value)}
    return found


def _is_telling(value: object) -> bool:
    """Is a literal special enough to be more than chance? Small whole numbers, halves and tiny words are not."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    return len(value) > 2 if isinstance(value, str) else not (abs(value) <= 10 and 2 * value == int(2 * value))


# -- the command -----------------------------------------------------------------------------------------------------


def source_notebooks(units: list[str], root: Path) -> list[Path]:
    """The course's own notebooks of these units (none named: of all); a name that is no unit is a `GraderError`."""
    found = sorted((root / "source").glob("*/*.ipynb"))
    known = sorted({path.parent.name for path in found})
    for name in units:
        if name not in known:
            raise GraderError(f"There is no unit {name!r} in source/: choose from {', '.join(known) or 'none yet'}.")
    return [path for path in found if not units or path.parent.name in units]


def _cells(path: Path, root: Path) -> list:
    try:
        return nbformat.read(path, as_version=4).cells
    except Exception as error:  # nbformat raises many kinds
        shown = path.relative_to(root).as_posix()
        raise GraderError(f"{shown} is no readable notebook ({type(error).__name__}): build it again.") from None


def main(argv: list[str]) -> int:
    """Lint the units of the course in this folder (none named: all). Status 1 if there is anything to mend."""
    root = Path.cwd()
    try:
        paths = source_notebooks(argv, root)
        faults = [(path.stem, fault) for path in paths for fault in lint_cells(path.stem, _cells(path, root))]
    except GraderError as error:
        print(error, file=sys.stderr)
        return 2
    for name, fault in faults:
        note = "perhaps: " if fault.warning else ""
        print(f"{name}: cell {fault.cell}, line {fault.line}: {note}{fault.sentence}")
    return int(any(not fault.warning for _, fault in faults))
