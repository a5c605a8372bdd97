"""A - a verdict by silence: the asserts never run, or nobody hears them."""
# ruff: noqa: E501 - the long lines are students' code

from .base import attack, tests_of


def _skip_tags(notebook):
    for cell in tests_of(notebook):
        cell["metadata"]["tags"] = ["skip-execution"]


def _expected_errors(notebook):
    for cell in tests_of(notebook):
        cell["metadata"]["tags"] = ["raises-exception", "remove_output", "hide-output"]


ATTACKS = [
    attack(
        "skip-tag",
        "Tags the locked tests skip-execution, so that they are not run and no failure shows.",
        "smooth",
        notebook=_skip_tags,
    ),
    attack(
        "expected-error-tag",
        "Tags the tests as expected to raise, with their outputs removed.",
        "search",
        notebook=_expected_errors,
    ),
    attack(
        "ast-drops-checks",
        "An AST transformer empties every later cell that mentions a check.",
        "smooth",
        """
        import ast

        class Drop(ast.NodeTransformer):
            def visit_Module(self, node):
                if "check" in ast.dump(node):
                    node.body = [line for line in node.body if isinstance(line, (ast.FunctionDef, ast.Import))] or [ast.Pass()]
                return ast.fix_missing_locations(node)

        get_ipython().ast_transformers.append(Drop())
        """,
    ),
    attack(
        "input-transformer",
        "An input transformer replaces the text of every later cell by `pass`.",
        "deal",
        """
        shell = get_ipython()
        blank = lambda lines: ["pass\\n"] if any("check" in line for line in lines) else lines
        shell.input_transformers_cleanup.insert(0, blank)
        shell.input_transformers_post.append(blank)
        """,
    ),
    attack(
        "run-cell-replaced",
        "Replaces the shell's run_cell by one that reports success for anything.",
        "register",
        """
        from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult, InteractiveShell

        def run_cell(self, raw_cell="", *args, **kwargs):
            result = ExecutionResult(ExecutionInfo(raw_cell, False, True, True, None))
            result.execution_count = 7
            return result

        async def run_cell_async(self, raw_cell="", *args, **kwargs):
            return run_cell(self, raw_cell)

        InteractiveShell.run_cell, InteractiveShell.run_cell_async = run_cell, run_cell_async
        """,
    ),
    attack(
        "run-code-replaced",
        "Replaces the lowest function that executes a code object, and builtins.exec and eval with it.",
        "smooth",
        """
        import builtins

        async def nothing(self, code_obj, result=None, *, async_=False):
            return False

        type(get_ipython()).run_code = nothing
        get_ipython().__class__.run_ast_nodes = nothing
        builtins.exec = builtins.eval = lambda *args, **kwargs: None
        """,
    ),
    attack(
        "compiler-replaced",
        "Replaces the shell's compiler and builtins.compile: each later cell compiles to nothing.",
        "search",
        """
        import builtins

        real = builtins.compile
        def compile_(source, filename, mode, *args, **kwargs):
            return real("None" if mode == "eval" else "pass", filename, mode)

        builtins.compile = compile_
        get_ipython().compile.ast_parse = lambda *args, **kwargs: __import__("ast").Module(body=[], type_ignores=[])
        """,
    ),
    attack(
        "traceback-muted",
        "Overrides the shell's showtraceback, so that an error is never published.",
        "smooth",
        """
        shell = type(get_ipython())
        shell.showtraceback = shell._showtraceback = shell.showsyntaxerror = lambda self, *args, **kwargs: None
        """,
    ),
    attack(
        "custom-exception-handler",
        "Registers a handler for every exception, which keeps silent about it.",
        "deal",
        """
        get_ipython().set_custom_exc((BaseException,), lambda shell, kind, error, trace, tb_offset=None: [])
        """,
    ),
    attack(
        "trace-jumps",
        "A trace function jumps over the lines of every later module-level frame.",
        "smooth",
        """
        import sys

        def tracer(frame, event, argument):
            if frame.f_code.co_name == "<module>" and "check" in frame.f_code.co_names:
                last = max(line for _, _, line in frame.f_code.co_lines() if line)
                def local(frame, event, argument):
                    if event == "line" and frame.f_lineno < last:
                        frame.f_lineno = last
                    return local
                return local

        sys.settrace(tracer)
        """,
    ),
    attack(
        "check-module-replaced",
        "Removes course_utils.check from sys.modules and lets an import hook supply one that accepts everything.",
        "register",
        """
        import importlib.abc, importlib.util, sys

        class Anything:
            hidden = property(lambda self: self)
            def __getattr__(self, name):
                return lambda *args, **kwargs: None

        class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
            def find_spec(self, name, path=None, target=None):
                return importlib.util.spec_from_loader(name, self) if name.startswith("course_utils") else None
            def create_module(self, spec):
                return Anything()
            def exec_module(self, module):
                pass

        sys.meta_path.insert(0, Finder())
        sys.modules.pop("course_utils.check", None)
        check = sys.modules["course_utils"].check = Anything()
        """,
    ),
    attack(
        "pre-run-hook",
        "A pre_run_cell hook empties the cell that is about to run and hides the shell's run history.",
        "search",
        """
        import gc, types

        def before(info=None):
            if info is not None:
                info.raw_cell = "pass"
            for frame in [f for f in gc.get_objects() if isinstance(f, types.FrameType)]:
                if "raw_cell" in frame.f_locals:
                    frame.f_locals["raw_cell"] = "pass"
            raise SystemExit(0)

        get_ipython().events.register("pre_run_cell", before)
        get_ipython().events.register("pre_execute", before)
        """,
    ),
    attack(
        "kernel-answers-ok",
        "Replaces the kernel's do_execute, so that every later request is answered with ok.",
        "deal",
        """
        shell = get_ipython()
        async def do_execute(*args, **kwargs):
            return {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}

        if getattr(shell, "kernel", None) is not None:
            shell.kernel.do_execute = do_execute
        """,
    ),
    attack(
        "quiet-exit-in-a-call",
        "The answer ends the test cell with the exceptions that mean a polite end, one per call.",
        "deal",
        """
        import itertools
        ends = itertools.cycle([SystemExit(0), KeyboardInterrupt(), GeneratorExit(), StopIteration(9), SystemExit()])

        def deal(rng, cards, hand):
            raise next(ends)
        """,
    ),
    attack(
        "skip-test-exception",
        "Raises exceptions that test runners read as `skipped`, not as failed.",
        "search",
        """
        import unittest

        class Skipped(unittest.SkipTest):
            pass

        def search(f, low, high, steps):
            try:
                import pytest
                pytest.skip("not today")
            except ImportError:
                raise Skipped("not today")
        """,
    ),
    attack(
        "stop-iteration",
        "Raises StopIteration where a test goes through results with map and zip: the loop ends before its first check.",
        "smooth",
        """
        def smooth(x, width):
            if len(x) == 4:
                return np.array([2.0, 4.0, 7.0])
            raise StopIteration

        def roughness(x):
            return float(np.mean(np.diff(x) ** 2))
        """,
    ),
    attack(
        "report-without-running",
        "Tells the judge itself that all cells have run, answers its first questions and then ends with status 0.",
        "deal",
        """
        import os
        _post("ready", [run for run in READY if run["name"] == "deal"])
        _post("value", {"deal": 4})
        _post("value", None)
        os._exit(0)
        """,
        wire=True,
    ),
]
