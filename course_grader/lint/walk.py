"""Follow a test cell forward, from name to name, and collect what `rules.py` rejects.

Every name and expression has a level, followed through assignments, unpacking, loops and the cell's own functions:
REMOTE (an answer, or an object of a class that an answer defines), RESULT (what a remote call returned: data, or again
an object), EVIDENCE (what a probe returned: always data, always a copy), 0 (the judge's own).
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections import ChainMap
from contextlib import contextmanager
from typing import NamedTuple

from ..contracts import PlanCell
from . import rules
from .nodes import COMPREHENSIONS, DEFINITIONS, arguments_of, bindings, hidden_lines, own_nodes
from .rules import CHECK, SAY, Fault

REMOTE, RESULT, EVIDENCE = 3, 2, 1


class Mark(NamedTuple):
    """What is known of a value: its level, and, if no message could carry it, what it is in words."""

    level: int = 0
    thing: str = ""


OWN = Mark()


class Walk(ast.NodeVisitor):
    """Follows one cell forward and collects its faults."""

    def __init__(self, cell: PlanCell, names: dict[str, str], remote: dict):
        self.cell, self.names, self.remote = cell, names, remote
        self.modules = {full for full in names.values() if full in sys.stdlib_module_names | rules.MODULES}
        self.hidden = hidden_lines(cell.source)
        self.remote_classes = {name for name, node in remote.items() if isinstance(node, ast.ClassDef)}
        self.has_backward = any("backward" in bindings(node) for node in remote.values() if node)
        self.functions, self.classes, self.probes = {}, {}, set()  # the cell's own
        self.takes, self.returns, self.calling = {}, {}, set()  # levels in and out; functions that call remote ones
        self.report, self.faults = False, []

    def round(self, tree: ast.Module, report: bool) -> None:
        known = self.remote.items()  # of a name that no definition binds, all may be true: data, object, function
        marks = {name: Mark(REMOTE if isinstance(node, DEFINITIONS) else RESULT) for name, node in known}
        self.top = self.env = ChainMap({}, marks)
        self.report, self.modes, self.remote_lines, self.inside, self.span = report, [], set(), [], None
        for node in tree.body:
            self.visit(node)
        for name, node in list(self.functions.items()):  # after the rest: they see the names as they are in the end
            if node in tree.body and name not in self.probes:
                self._body(node)
        for line, (start, end), kind, words in self.modes:
            if any(start <= at <= end for at in self.remote_lines):
                self.fault(line, kind, words)

    def fault(self, line: int, kind: str, *words: str, warning: bool = False) -> None:
        if self.report:
            self.faults.append(Fault(self.cell.name, line, SAY[kind].format(*words), warning))

    # -- what is known of an expression

    def full(self, node: ast.AST) -> str:
        """The dotted name that a function has in its module, "" for anything else."""
        if isinstance(node, ast.Name):
            own = self.functions.keys() | self.classes.keys()
            return "" if node.id in self.env and node.id not in own else self.names.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            return f"{base}.{node.attr}" if (base := self.full(node.value)) else ""
        return ""

    def level(self, node: ast.AST | None) -> int:
        if isinstance(node, ast.Name):
            return self.env.get(node.id, OWN).level
        if isinstance(node, ast.Call):
            return self._call_level(node)
        if node is None or isinstance(node, ast.Compare | ast.JoinedStr | ast.Constant | ast.Lambda):
            return 0
        if isinstance(node, ast.Attribute):
            return 0 if node.attr in rules.PLAIN_ATTRIBUTES else min(self.level(node.value), RESULT)
        if isinstance(node, ast.Subscript):
            return self.level(node.value)
        if isinstance(node, COMPREHENSIONS):
            with self.scope(node):
                return max(self.level(getattr(node, part, None)) for part in ("elt", "key", "value"))
        return max(map(self.level, ast.iter_child_nodes(node)), default=0)

    def _call_level(self, node: ast.Call) -> int:
        name = self.full(node.func)
        if name in rules.REMOTE_CHECKS or name in self.probes:
            return EVIDENCE
        if name.startswith(CHECK) or name in rules.PLAIN or name in self.classes:
            return 0
        if name in self.functions:
            return self.returns.get(name, 0)
        if level := self.level(node.func):
            return REMOTE if getattr(node.func, "id", "") in self.remote_classes else min(level, RESULT)
        return min(max(map(self.level, arguments_of(node)), default=0), RESULT)

    def thing(self, node: ast.AST) -> str:
        """What a value is, in words, if no message could carry it; "" if one can."""
        if isinstance(node, ast.Name) and node.id in self.env:
            return self.env[node.id].thing
        if isinstance(node, ast.Call):
            return self._made(self.full(node.func))
        if self.full(node) in self.modules:
            return ast.unparse(node)
        if isinstance(node, ast.GeneratorExp):
            return "A generator expression"
        if isinstance(node, ast.List | ast.Tuple | ast.Set | ast.Dict | ast.IfExp):
            return next(filter(None, map(self.thing, ast.iter_child_nodes(node))), "")
        return ""

    def _made(self, name: str) -> str:
        """The same for what a call of `name` gives."""
        if name in self.classes:
            function = "__call__" in bindings(self.classes[name])  # sent as the function that it is
            return "" if function else f"An object of the cell's own class {name}"
        if name in self.functions and any(
            isinstance(n, ast.Yield | ast.YieldFrom) for n in own_nodes(self.functions[name])
        ):
            return f"The generator {name}(…)"
        if name == "open":
            return "An open file"
        return f"An object made by {name}" if rules.LIVE.match(name) else ""

    def is_probe(self, node: ast.FunctionDef) -> bool:
        return any(self.full(mark) == CHECK + "student_side" for mark in node.decorator_list)

    def is_remote_call(self, node: ast.Call) -> bool:
        """Does the call reach the student's code? A method that data have, too, is taken for theirs."""
        if self.full(node.func) in {*rules.REMOTE_CHECKS, *self.probes}:
            return True
        if isinstance(node.func, ast.Attribute) and node.func.attr in rules.DATA_METHODS:
            return self.level(node.func.value) == REMOTE
        return self.level(node.func) >= RESULT

    def asserts(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Call):
            name = self.full(node.func)
            return name.split(".")[-1].startswith("assert") or (name.startswith(CHECK) and name not in rules.NO_VERDICT)
        return isinstance(node, ast.Assert | ast.Raise)

    def has_value(self, node: ast.AST) -> bool:
        """Would the notebook show a value for this last line?"""
        if self.cell.source.rstrip().endswith(";") or not isinstance(node, ast.Call):
            return not self.cell.source.rstrip().endswith(";")
        name = self.full(node.func)
        if name in self.functions:
            return any(isinstance(part, ast.Return) and part.value for part in own_nodes(self.functions[name]))
        built_in = hasattr(builtins, name) and name not in rules.SILENT
        return bool(name in rules.EVIDENT or built_in or rules.VALUED.match(name) or self.is_remote_call(node))

    # -- names

    @contextmanager
    def scope(self, comprehension: ast.AST | None = None):
        outer, self.env = self.env, self.env.new_child()
        for part in comprehension.generators if comprehension else []:
            self.bind(part.target, part.iter, loop=True)
        yield
        self.env = outer

    def bind(self, target: ast.AST, value: ast.AST | None, loop: bool = False) -> None:
        """Give the names of a target what is known of the value, part by part where both are written out."""
        if isinstance(target, ast.Name):
            self._define(target.id, target.lineno, Mark(self.level(value), "" if loop else self.thing(value)))
        elif isinstance(target, ast.Starred):
            self.bind(target.value, value, loop=True)
        elif isinstance(target, ast.Tuple | ast.List):
            for part, source in zip(target.elts, self._parts(len(target.elts), value, loop), strict=True):
                self.bind(part, source, loop or source is value)
        elif isinstance(target, ast.Attribute | ast.Subscript):
            self._change(target, self.level(value))

    def _define(self, name: str, line: int, mark: Mark) -> None:
        if self.env is self.top and isinstance(self.remote.get(name), DEFINITIONS):
            self.fault(line, "rebound", name)
        self.env[name] = mark

    def _parts(self, count: int, value: ast.AST, loop: bool) -> list[ast.AST]:
        """The values of `count` unpacked names; the whole value for each where it cannot be told apart."""
        parts = value.elts if isinstance(value, ast.Tuple | ast.List) and not loop else []
        if loop and isinstance(value, ast.Call) and self.full(value.func) in ("zip", "enumerate"):
            parts = value.args if self.full(value.func) == "zip" else [ast.Constant(0), *value.args[:1]]
        written = len(parts) == count and not any(isinstance(part, ast.Starred) for part in parts)
        return parts if written else [value] * count

    def _change(self, target: ast.Attribute | ast.Subscript, level: int) -> None:
        root, name = target.value, self.full(target.value)
        if name == "os.environ" or (isinstance(target, ast.Attribute) and self._is_imported(root)):
            self.fault(target.lineno, "patch", f"{ast.unparse(target)} = …")
        if isinstance(root, ast.Name) and level > self.level(root):
            self.env[root.id] = Mark(level)

    def _is_imported(self, node: ast.AST) -> bool:
        """Is it a module, or something in one?"""
        while isinstance(node, ast.Attribute):
            node = node.value
        return isinstance(node, ast.Name) and node.id in self.names and node.id not in self.env

    # -- statements

    def visit_FunctionDef(self, node):
        self.functions[node.name] = node
        probe = self.is_probe(node)
        self._define(node.name, node.lineno, Mark(0, ""))
        if probe:
            self.probes.add(node.name)
            return
        with self._span(node.lineno):
            for part in (*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)):
                self.visit(part)
        if self.env is not self.top:
            self._body(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def _body(self, node: ast.FunctionDef) -> None:
        self.inside.append(node.name)
        with self.scope(), self._span(node.lineno):
            for name in (part.arg for part in ast.walk(node.args) if isinstance(part, ast.arg)):
                self.env[name] = Mark(self.takes.get((node.name, name), 0))
            for part in node.body:
                self.visit(part)
        self.inside.pop()

    @contextmanager
    def _span(self, start: int, end: float = float("inf")):
        """Lines on which a mode set here would act; the outermost loop or function counts."""
        outer, self.span = self.span, self.span or (start, end)
        yield
        self.span = outer

    def visit_ClassDef(self, node):
        self.classes[node.name] = node
        self._define(node.name, node.lineno, Mark(0, f"The cell's own class {node.name}"))
        if any(self.level(base) for base in node.bases):
            self.fault(node.lineno, "inherit", node.name)
        with self.scope():
            self.generic_visit(node)

    def visit_Return(self, node):
        self.generic_visit(node)
        if self.inside:
            self.returns[self.inside[-1]] = max(self.returns.get(self.inside[-1], 0), self.level(node.value))

    def visit_Assign(self, node):
        self.visit(node.value)
        for target in node.targets:
            self.visit(target)
            self.bind(target, node.value)

    def visit_AnnAssign(self, node):
        self.generic_visit(node)
        if node.value:
            self.bind(node.target, node.value)

    def visit_AugAssign(self, node):
        self.generic_visit(node)
        self.bind(node.target, ast.BinOp(node.target, node.op, node.value))

    def visit_NamedExpr(self, node):
        self.generic_visit(node)
        self.bind(node.target, node.value)

    def visit_For(self, node):
        self.visit(node.iter)
        with self._span(node.lineno):
            for _ in range(2):  # a second time, with what the first one left behind
                self.bind(node.target, node.iter, loop=True)
                for part in (*node.body, *node.orelse):
                    self.visit(part)

    def visit_While(self, node):
        with self._span(node.lineno):
            self.generic_visit(node)
            self.generic_visit(node)

    def visit_With(self, node):
        for item in node.items:
            outer, self.span = self.span, (node.lineno, node.end_lineno)
            self.visit(item.context_expr)
            self.span = outer
            if item.optional_vars:
                self.bind(item.optional_vars, item.context_expr)
        for part in node.body:
            self.visit(part)

    def visit_ExceptHandler(self, node):
        self._caught(node.type)
        self.generic_visit(node)

    def _caught(self, node: ast.AST | None) -> None:
        if node and self.level(node) == REMOTE:
            self.fault(node.lineno, "caught", ast.unparse(node))

    def visit_Comprehension(self, node):
        with self.scope(node):
            self.generic_visit(node)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_Comprehension

    def visit_Lambda(self, node):
        with self.scope():
            self.env.update({part.arg: OWN for part in ast.walk(node.args) if isinstance(part, ast.arg)})
            self.generic_visit(node)

    # -- expressions that rules name

    def visit_Compare(self, node):
        self.generic_visit(node)
        sides = [node.left, *node.comparators]
        for operator, left, right in zip(node.ops, sides, sides[1:], strict=False):
            none = any(isinstance(side, ast.Constant) and side.value is None for side in (left, right))
            if isinstance(operator, ast.Is | ast.IsNot) and not none and (self.level(left) or self.level(right)):
                self.fault(node.lineno, "same", ast.unparse(node))
            if isinstance(operator, rules.ORDER) and REMOTE in (self.level(left), self.level(right)):
                self.fault(node.lineno, "compared", ast.unparse(node))

    def visit_Attribute(self, node):
        self.generic_visit(node)
        if node.attr in rules.SAME_ATTRIBUTES and self.level(node.value) and self.level(node.value) < REMOTE:
            self.fault(node.lineno, "same", ast.unparse(node))
        if node.attr in rules.TYPE_ATTRIBUTES and self.level(node.value) >= RESULT:
            self.fault(node.lineno, "type", ast.unparse(node))

    def visit_Call(self, node):
        self.generic_visit(node)
        name, given = self.full(node.func), arguments_of(node)
        level, shown = max(map(self.level, given), default=0), f"{ast.unparse(node.func)}(…)"
        if rules.TYPE.match(name) and given and self.level(given[0]) >= RESULT:
            self.fault(node.lineno, "type", shown)
        if rules.SAME.match(name) and level:
            self.fault(node.lineno, "same", shown)
        if self._differentiates(node, name, level):
            self.fault(node.lineno, "autograd", shown)
        for kind, pattern in (("mode", rules.MODE), ("printed", rules.PRINTED), ("time", rules.TIME)):
            if pattern.match(name):
                self.modes.append((node.lineno, self.span or (node.lineno, float("inf")), kind, shown))
        method = getattr(node.func, "attr", "") in rules.FILE_METHODS and not self.level(node.func)
        if method or (rules.FILES.match(name) and not (given and " by io." in self.thing(given[0]))):
            self.fault(node.lineno, "files", shown)
        if name in ("setattr", "delattr") and given and self._is_imported(given[0]):
            self.fault(node.lineno, "patch", shown)
        self._look_at_check(node, name, shown)
        self._follow(node, name, given)

    def _differentiates(self, node: ast.Call, name: str, level: int) -> bool:
        if rules.AUTOGRAD.match(name) and not rules.MODE.match(name):
            return level >= RESULT
        backward = isinstance(node.func, ast.Attribute) and node.func.attr == "backward" and not self.has_backward
        return backward and self.level(node.func.value) == RESULT

    def _look_at_check(self, node: ast.Call, name: str, shown: str) -> None:
        if node.lineno in self.hidden and name in rules.REVEALING:
            self.fault(node.lineno, "reveal", shown, name.removeprefix(CHECK))
        if node.lineno in self.hidden and name.startswith(("numpy.testing.", "torch.testing.")):
            self.fault(node.lineno, "testing", shown)
        if name.startswith(CHECK) and name.endswith((".raises", ".raises_each")) and node.args:
            self._caught(node.args[0])

    def _follow(self, node: ast.Call, name: str, given: list[ast.AST]) -> None:
        """Note what a call takes along, and that it reaches the student's code, also through the cell's functions."""
        if name in self.functions and name not in self.probes:
            arguments = self.functions[name].args
            order = [part.arg for part in (*arguments.posonlyargs, *arguments.args)]
            taken = [*zip(order, node.args, strict=False), *((keyword.arg, keyword.value) for keyword in node.keywords)]
            for parameter, value in taken:
                key = (name, parameter)
                self.takes[key] = max(self.takes.get(key, 0), self.level(value))
        remote = self.is_remote_call(node)
        if remote or name in self.calling:
            self.remote_lines.add(node.lineno)
            self.calling.update(self.inside)
        for argument in given if remote else []:
            if thing := self.thing(argument):
                self.fault(argument.lineno, "argument", thing)
