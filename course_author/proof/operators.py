"""The fixed list of operators that mutants are made by: from a node of a syntax tree to what may stand in its place."""

from __future__ import annotations

import ast
from collections import defaultdict
from copy import copy

OPERATORS_VERSION = 1  # raise it when an operator changes what it makes: all results are then stale
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
