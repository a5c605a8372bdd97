"""Mechanical mutants of the reference solutions: small faults that nobody thought of, which must lose points.

One fixed list of operators works on the syntax tree of an answer cell, inside its solution regions only. Results lie
in `tests/answers/mutants.json` under a hash of everything they depend on; `tests/answers/equivalent.toml` names the
mutants that are no fault, each with its proof.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import random
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from pathlib import Path

from course_utils import check

from .answers import graded
from .build import write
from .execution import Runner, job_for, outcome
from .units import ROOT, SOLUTION, Exercise, Unit, UnitError, chosen_units, load_unit

OPERATORS_VERSION = 1  # raise it when an operator changes what it makes: all results are then stale
CAP = 120  # mutants per exercise, spread evenly over the operators
LEAST_KILLED = 0.95
MOST_DECLARED = 0.05


class MutantError(UnitError):
    """The bookkeeping of mutants is wrong; the message is one sentence."""


@dataclass(frozen=True)
class Mutant:
    """One faulty answer cell. `id` holds place, operator and change in words, so that it outlives edits elsewhere."""

    id: str
    operator: str
    source: str


# -- operators: node -> replacements ---------------------------------------------------------------------------------

BINARY = {
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div, ast.Add), ast.Div: (ast.Mult, ast.FloorDiv),
    ast.FloorDiv: (ast.Div, ast.Mult), ast.Mod: (ast.FloorDiv,), ast.Pow: (ast.Mult,), ast.MatMult: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,), ast.BitXor: (ast.BitOr,),
}  # fmt: skip
COMPARE = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}  # fmt: skip
_PAIRS = (
    "maximum minimum, exp log, exp expm1, log log1p, mean sum, sum max, max min, argmax argmin, any all, zeros ones, "
    "zeros_like ones_like, sqrt square, std var, floor ceil, cumsum cumprod, prod sum, sin cos, tanh sin, abs sign, "
    "dot multiply, logaddexp maximum, ReLU Tanh, relu tanh, sigmoid tanh, vstack hstack, amax amin, float32 float64"
)
RENAMES: dict[str, list[str]] = defaultdict(list)
for _pair in _PAIRS.split(", "):
    _one, _other = _pair.split()
    RENAMES[_one].append(_other)
    RENAMES[_other].append(_one)
AXIS_NAMES = ("axis", "dim")
# Changes that could not matter on any input are not made, rather than declared equivalent each time.
SYMMETRIC = ("max", "min", "maximum", "minimum", "add", "multiply", "logaddexp", "hypot", "isclose", "allclose")
HARMLESS_KEYWORDS = ("strict",)  # zip(strict=True) guards the solution's author


def _called(node: ast.Call) -> str:
    return ast.unparse(node.func).split(".")[-1]


def _with(node: ast.AST, **fields) -> ast.AST:
    """A shallow copy of a node with other fields."""
    changed = copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _replaced(items: list, index: int, *new) -> list:
    return [*items[:index], *new, *items[index + 1 :]]


def swap_operator(node, names):
    if isinstance(node, ast.BinOp | ast.AugAssign):
        for other in BINARY.get(type(node.op), ()):
            yield _with(node, op=other())


def swap_operands(node, names):
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub | ast.Div | ast.Pow | ast.MatMult | ast.FloorDiv):
        yield _with(node, left=node.right, right=node.left)


def keep_one_operand(node, names):
    if isinstance(node, ast.BinOp):
        yield node.left
        yield node.right
    elif isinstance(node, ast.BoolOp):
        yield from node.values


def assign_plainly(node, names):
    if isinstance(node, ast.AugAssign):
        yield ast.Assign([node.target], node.value)


def swap_comparison(node, names):
    if isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            for other in COMPARE[type(operator)]:
                yield _with(node, ops=_replaced(node.ops, index, other()))


def swap_and_or(node, names):
    if isinstance(node, ast.BoolOp):
        yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())


def drop_sign_or_not(node, names):
    if isinstance(node, ast.UnaryOp):
        yield node.operand


def change_number(node, names):
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        for value in (node.value + 1, node.value - 1, type(node.value)(0), -node.value):
            if value != node.value:
                yield ast.Constant(value) if value >= 0 else ast.UnaryOp(ast.USub(), ast.Constant(-value))


def flip_constant(node, names):
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)


def change_axis(node, names):
    if isinstance(node, ast.keyword) and node.arg in AXIS_NAMES:
        for value in (ast.Constant(0), ast.Constant(1), ast.UnaryOp(ast.USub(), ast.Constant(1)), ast.Constant(None)):
            if ast.unparse(value) != ast.unparse(node.value):
                yield _with(node, value=value)


def drop_keyword(node, names):
    if isinstance(node, ast.Call):
        for index, keyword in enumerate(node.keywords):
            if keyword.arg not in HARMLESS_KEYWORDS:
                yield _with(node, keywords=_replaced(node.keywords, index))


def swap_arguments(node, names):
    if isinstance(node, ast.Call) and len(node.args) >= 2 and _called(node) not in SYMMETRIC:
        yield _with(node, args=[*node.args[:-2], node.args[-1], node.args[-2]])


def keep_argument(node, names):
    """f(x) -> x and x.f() -> x: a call that is left out."""
    if isinstance(node, ast.Call) and node.args and not isinstance(node.args[0], ast.Starred):
        yield node.args[0]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        yield node.func.value
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield node.value


def rename_function(node, names):
    if isinstance(node, ast.Attribute):
        for other in RENAMES.get(node.attr, ()):
            yield _with(node, attr=other)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        for other in RENAMES.get(node.func.id, ()):
            if other in ("max", "min", "sum", "any", "all", "abs"):  # those that Python has itself
                yield _with(node, func=ast.Name(other))


def swap_variable(node, names):
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names and len(names) > 1:
        place = names.index(node.id)
        for other in dict.fromkeys((names[(place + 1) % len(names)], names[place - 1])):
            yield ast.Name(other)


def change_slice(node, names):
    if isinstance(node, ast.Slice):
        for side in ("lower", "upper"):
            bound = getattr(node, side)
            if bound is not None:
                yield _with(node, **{side: None})
                yield _with(node, **{side: ast.BinOp(bound, ast.Add(), ast.Constant(1))})
                yield _with(node, **{side: ast.BinOp(bound, ast.Sub(), ast.Constant(1))})


def force_condition(node, names):
    if isinstance(node, ast.If | ast.IfExp):
        yield _with(node, test=ast.Constant(True))
        yield _with(node, test=ast.Constant(False))
        yield _with(node, test=ast.UnaryOp(ast.Not(), node.test))
    elif isinstance(node, ast.While):
        yield _with(node, test=ast.Constant(False))
    elif isinstance(node, ast.comprehension) and node.ifs:
        yield _with(node, ifs=[])


def drop_statement(node, names):
    simple = ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Return | ast.Raise | ast.For | ast.While | ast.If
    if isinstance(node, simple) or (isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant)):
        yield ast.Pass()


def drop_context(node, names):
    if isinstance(node, ast.With):
        yield ast.If(ast.Constant(True), node.body, [])


def return_early(node, names):
    if isinstance(node, ast.Assign):
        yield ast.Return(node.value)
    elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and len(node.value.elts) >= 2:
        first, second, *rest = node.value.elts
        yield ast.Return(_with(node.value, elts=[second, first, *rest]))


def shorten_loop(node, names):
    if isinstance(node, ast.For):
        items = ast.Call(ast.Name("list"), [node.iter], [])
        for part in ("1:", ":-1"):
            yield _with(node, iter=ast.parse(f"{ast.unparse(items)}[{part}]", mode="eval").body)
    if isinstance(node, ast.For | ast.While):
        yield _with(node, body=[*node.body, ast.Break()])


def swap_break(node, names):
    if isinstance(node, ast.Break):
        yield ast.Continue()
        yield ast.Pass()
    elif isinstance(node, ast.Continue):
        yield ast.Break()
        yield ast.Pass()


def change_exception(node, names):
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        yield ast.Raise(ast.Call(ast.Name("RuntimeError"), node.exc.args, node.exc.keywords), node.cause)


OPERATORS = (
    swap_operator, swap_operands, keep_one_operand, assign_plainly, swap_comparison, swap_and_or, drop_sign_or_not,
    change_number, flip_constant, change_axis, drop_keyword, swap_arguments, keep_argument, rename_function,
    swap_variable, change_slice, force_condition, drop_statement, drop_context, return_early, shorten_loop, swap_break,
    change_exception,
)  # fmt: skip


# -- making mutants ----------------------------------------------------------------------------------------------------


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


# -- results -----------------------------------------------------------------------------------------------------------


def _name(exercise: Exercise) -> str:
    return f"{exercise.unit}/{exercise.slug}"


def _results_path(root: Path) -> Path:
    return Path(root) / "tests" / "answers" / "mutants.json"


def key(unit: Unit, exercise: Exercise) -> str:
    """Hash of what an exercise's results depend on: setup, earlier and own solution, tests, checks, operators."""
    before = [earlier.answer for earlier in unit.exercises if earlier.index < exercise.index]
    checks = [path.read_text(encoding="utf-8") for path in sorted(Path(check.__file__).parent.glob("*.py"))]
    parts = [str(OPERATORS_VERSION), *checks, *unit.setup, *before, exercise.answer, exercise.check, exercise.hidden]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def results(root: Path = ROOT) -> dict[str, dict]:
    """The kept results: exercise -> key, number of mutants, how many fell to check and hidden tests, survivors."""
    path = _results_path(root)
    try:
        kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError:
        kept = None
    if not isinstance(kept, dict):
        raise MutantError(f"{path.name} is not JSON of ours: delete it and run `make mutants`.")
    return kept


def is_current(unit: Unit, exercise: Exercise, kept: dict[str, dict]) -> bool:
    return kept.get(_name(exercise), {}).get("key") == key(unit, exercise)


def totals(units: list[Unit], root: Path = ROOT) -> tuple[int, int, list[str]]:
    """Mutants killed and made (by current results), and the exercises whose results are stale or missing."""
    kept, killed, made, stale = results(root), 0, 0, []
    for unit in units:
        for exercise in graded(unit):
            if is_current(unit, exercise, kept):
                entry = kept[_name(exercise)]
                made += entry["mutants"]
                killed += entry["mutants"] - len(entry["survivors"])
            else:
                stale.append(_name(exercise))
    return killed, made, stale


def declared(root: Path = ROOT) -> dict[str, dict[str, str]]:
    """Mutants that are declared equivalent: exercise -> mutant id -> proof."""
    path = Path(root) / "tests" / "answers" / "equivalent.toml"
    if not path.is_file():
        return {}
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("equivalent", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MutantError(f"{path.name} is not TOML ({error}): mend it.") from None
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for entry in entries:
        if set(entry) != {"exercise", "mutant", "proof"} or not entry["proof"].strip() or "\n" in entry["proof"]:
            raise MutantError(f"{path.name}: each [[equivalent]] has exercise, mutant and a one-line proof: {entry}.")
        found[entry["exercise"]][entry["mutant"]] = entry["proof"]
    return found


def run(runner: Runner, unit: Unit, exercise: Exercise, chosen: list[Mutant]) -> dict[str, str]:
    """What became of mutants: id -> "check", "hidden" (who took the points), or "survived"."""
    plain = ast.unparse(ast.parse(exercise.answer))  # printed like the mutants: printing alone must kill nothing
    sources = [plain, *(mutant.source for mutant in chosen)]
    reference, *judged = runner.run([job_for(unit, exercise, source, until_failure=True) for source in sources])
    if not outcome(exercise, reference).passed:
        raise MutantError(f"The reference solution of {_name(exercise)} fails its own tests: mend that first.")
    fate = {}
    for mutant, verdicts in zip(chosen, judged, strict=True):
        found = outcome(exercise, verdicts)
        fate[mutant.id] = "check" if not found.check.passed else "survived" if found.hidden.passed else "hidden"
    return fate


def entry_for(unit: Unit, exercise: Exercise, fate: dict[str, str]) -> dict:
    """What `mutants.json` keeps of a run over all mutants of an exercise."""
    count = list(fate.values()).count
    survivors = sorted(name for name, end in fate.items() if end == "survived")
    return {
        "key": key(unit, exercise), "mutants": len(fate), "check": count("check"), "hidden": count("hidden"),
        "survivors": survivors,
    }  # fmt: skip


def save(kept: dict[str, dict], root: Path) -> None:
    """Replace `mutants.json` in one step, so that an interrupted run leaves the old one."""
    write(_results_path(root), (json.dumps(kept, indent=1, sort_keys=True) + "\n").encode())


def sample(exercise: Exercise, count: int = 8) -> list[Mutant]:
    """A seeded choice of an exercise's mutants, run again in each test run. A new solution brings a new choice."""
    made = mutants(exercise)
    seed = hashlib.sha256(exercise.answer.encode()).hexdigest()
    return random.Random(seed).sample(made, min(count, len(made)))


def faults(exercise: Exercise, entry: dict, equivalent: dict[str, str]) -> list[str]:
    """The plan's rules on the results of one exercise, each broken one as a sentence."""
    made, survivors, found = entry["mutants"], set(entry["survivors"]), []
    ids = {mutant.id for mutant in mutants(exercise)}
    possible = len(all_mutants(exercise))
    if made < min(30, possible):
        found.append(f"{made} mutants were run, at least {min(30, possible)} can be.")
    if made and (made - len(survivors)) / made < LEAST_KILLED:
        found.append(f"{made - len(survivors)} of {made} mutants lose points, {LEAST_KILLED:.0%} are asked for.")
    if len(equivalent) > MOST_DECLARED * made:
        found.append(f"{len(equivalent)} of {made} are declared equivalent, at most {MOST_DECLARED:.0%} may be.")
    for name in equivalent:
        if name not in ids:
            found.append(f"the declared mutant {name!r} does not exist (any more): drop it from equivalent.toml.")
        elif name not in survivors:
            found.append(f"the declared mutant {name!r} loses points, so it is not equivalent: drop its declaration.")
    return found


# -- the command -----------------------------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("unit", nargs="*", help="units to run (default: all)")
    parser.add_argument("--all", action="store_true", help="run all mutants again, not only stale results")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)


def main(argv: list[str]) -> int:
    """Bring the kept results up to date and print survivors and declared ones; 1 if a rule is broken."""
    parser = argparse.ArgumentParser(prog="course_author mutants", description=__doc__.split("\n")[0])
    add_arguments(parser)
    arguments = parser.parse_args(argv)
    root = arguments.root
    everything = [load_unit(name, root) for name in chosen_units([], root)]
    chosen = chosen_units(arguments.unit, root)
    exercises = {_name(exercise): (unit, exercise) for unit in everything for exercise in graded(unit)}
    kept = {name: entry for name, entry in results(root).items() if name in exercises}
    equivalent = declared(root)
    broken = [f"equivalent.toml names {name!r}, which is no exercise." for name in equivalent if name not in exercises]
    with Runner(root) as runner:
        for name, (unit, exercise) in exercises.items():
            if unit.name in chosen:
                if arguments.all or not is_current(unit, exercise, kept):
                    kept[name] = entry_for(unit, exercise, run(runner, unit, exercise, mutants(exercise)))
                    save(kept, root)
                broken += _print_entry(exercise, kept[name], equivalent.get(name, {}))
    killed, made, _ = totals([unit for unit in everything if unit.name in chosen], root)
    for fault in broken:
        print(f"! {fault}")
    print(f"\nmutants killed {killed}/{made}")
    return 1 if broken else 0


def _print_entry(exercise: Exercise, entry: dict, equivalent: dict[str, str]) -> list[str]:
    survivors = entry["survivors"]
    print(
        f"{_name(exercise)}: {entry['mutants']} mutants, {entry['check']} fall to the check, {entry['hidden']} to the "
        f"hidden tests, {len(survivors)} survive, {len(equivalent)} declared equivalent"
    )
    for name in survivors:
        print(f"    {'equivalent' if name in equivalent else 'survivor'}  {name}")
        if name in equivalent:
            print(f"        proof: {equivalent[name]}")
    return [f"{_name(exercise)}: {fault}" for fault in faults(exercise, entry, equivalent)]
