"""What stands in a notebook's answer cells: still unanswered, emptied, no Python, no code cell. Nothing of it is run.

Standard library only: `submit` runs with any Python. IPython's own lines (`%time`, `!ls`, `name?`, pasted prompts) are
therefore known by their looks, and only looked for in a cell that is not plain Python.
"""

from __future__ import annotations

import ast
import copy
import re
import warnings

KEYS = {"code": "Y", "markdown": "M"}  # JupyterLab's keys that make a cell one of that type
STUB = re.compile(r"^[ \t]*raise NotImplementedError\b", re.MULTILINE)
PROMPT = re.compile(r"^(>>> ?|\.\.\. ?|In \[\d+\]: ?|\s*\.{3,}: ?)")
MAGIC = re.compile(
    r"[%!?,;/]"  # %time f(), !ls, ?f and the marks of automatic calls
    r"|[A-Za-z_*][\w.*\[\]]*\?{1,2}\s*$"  # f?, f??
    r"|[\w.,\s\[\]]+=\s*[%!]\s*\w"  # files = !ls
)
PYTHON_BELOW = ("%%time", "%%timeit", "%%capture", "%%prun")  # cell magics that run the rest of their cell as Python


# ---- cells


def graded_cells(notebook):
    """grade_id -> cell; of doubled ids the lower one counts, as in nbgrader."""
    return {meta(cell)["grade_id"]: cell for cell in notebook["cells"] if isinstance(meta(cell).get("grade_id"), str)}


def meta(cell):
    """nbgrader's entry of a cell, empty if it has none."""
    found = cell["metadata"].get("nbgrader")
    return found if isinstance(found, dict) else {}


def is_answer(cell):
    """True for a cell that students fill in."""
    return meta(cell).get("solution") is True


def title(grade_id, cells):
    """An exercise as its task cell's heading names it: "Exercise 1.3 - Softmax with temperature"."""
    task = cells.get(f"{grade_id}-task")
    heading = re.search(r"^#+\s+(.+)$", _source(task), re.MULTILINE) if task else None
    if not heading:
        return grade_id
    return re.sub(r"\s*\([^()]*\b(points?|minutes?)\b[^()]*\)\s*$", "", heading.group(1)).strip()


def _source(cell):
    return "".join(cell["source"])


def _answers(notebook, release):
    """Title, cell and released cell of each exercise; the notebook has them all (handin refuses it otherwise)."""
    cells, wanted = graded_cells(notebook), graded_cells(release)
    for grade_id, released in wanted.items():
        if is_answer(released):
            yield title(grade_id, wanted), cells[grade_id], released


# ---- what is unanswered, and what cannot earn points as it stands


def unanswered(notebook, release):
    """Names of the exercises whose answer cells are still as released or still raise NotImplementedError."""
    names = []
    for name, cell, released in _answers(notebook, release):
        source = _source(cell)
        stub = released["cell_type"] == "code" and STUB.search(source)
        if cell["cell_type"] == released["cell_type"] and (stub or _tidy(source) == _tidy(_source(released))):
            names.append(name)
    return names


def to_mend(notebook, release):
    """One line for each exercise whose answer cell is of another type, is no Python or was emptied."""
    found = ((name, _fault(cell, released)) for name, cell, released in _answers(notebook, release))
    return [f"{name}: {fault}." for name, fault in found if fault]


def _fault(cell, released):
    kind, wanted = cell["cell_type"], released["cell_type"]
    if kind != wanted:
        key = KEYS.get(wanted, "Y")
        return f"its answer cell was turned into {kind}, so it does not run; click it, press Esc, then {key}"
    source = _source(cell)
    if not source.strip():
        return "its answer cell is empty; write your answer into it"
    return (syntax_problem(source) or emptied(source, _source(released))) if wanted == "code" else None


def _tidy(source):
    return "\n".join(line.rstrip() for line in source.strip().splitlines())


# ---- is it Python?


def syntax_problem(source):
    """Why a cell cannot run at all, with the line in the cell, or None if it can; it is compiled and never run."""
    error = _error(source)
    if error is None:
        return None
    second = _error(plain_python(source))
    if second is None:
        return None
    if _is_magic(source, getattr(error, "lineno", None)):  # Python stumbled over IPython's line: what else is wrong?
        error = second
    told = getattr(error, "msg", None) or str(error) or "nested too deeply"  # Python escapes odd letters itself
    if getattr(error, "lineno", None):
        return f"{type(error).__name__} in line {error.lineno} of its answer cell ({told}); mend that line"
    return f"Python cannot read its answer cell ({type(error).__name__}: {told}); write it anew, more simply"


def _error(source):
    """What Python raises on reading a cell, or None; a cell may await, as in IPython."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an odd backslash is the student's business
        try:
            compile(source, "<answer>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, True)
        except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError) as error:
            return error
    return None


def _is_magic(source, number):
    lines = source.split("\n")
    return bool(number and number <= len(lines) and MAGIC.match(lines[number - 1].lstrip()))


def plain_python(source):
    """A cell with IPython's lines made `pass`, so that line numbers stay; empty if another language stands in it."""
    lines = source.split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    if lines[first].startswith("%%"):
        if lines[first].split()[0] not in PYTHON_BELOW:
            return ""
        lines[first] = ""
    elif PROMPT.match(lines[first]):
        lines = [PROMPT.sub("", line) for line in lines]
    indent = _indent(lines[first])  # IPython takes it away from all lines
    return "\n".join(_without_magics(line[len(indent) :] if line.startswith(indent) else line for line in lines))


def _without_magics(lines):
    """The lines with `pass` for each of IPython's, and nothing for those that a backslash adds to one."""
    goes_on = False
    for line in lines:
        magic = goes_on or MAGIC.match(line.lstrip())
        yield "" if goes_on else f"{_indent(line)}pass" if magic else line
        goes_on = bool(magic) and line.endswith("\\")


def _indent(line):
    return line[: len(line) - len(line.lstrip())]


# ---- is anything left of it?


def emptied(source, released):
    """What says that an answer was taken away: no code at all, or functions whose stub is gone with nothing instead."""
    try:
        mine, stub = ast.parse(plain_python(source)), ast.parse(released)
        if not _written(mine):
            return "its answer cell holds no Python code; write your answer into it"
        now = _functions(mine)
        names = [name for name, given in _functions(stub).items() if _is_stub(given) and _same(now.get(name), given)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # not to be read: then it is not empty either
        return None
    return f"nothing is left in {_join(names)}; write your answer there" if names else None


def _written(tree):
    """The statements of a module or function as texts, without what does nothing: docstrings, `...` and `pass`."""
    bare = _Bare().visit(copy.deepcopy(tree))
    return [ast.dump(statement) for statement in bare.body]


class _Bare(ast.NodeTransformer):
    """Takes away statements that do nothing, and the stubs of a release."""

    def visit_Expr(self, node):
        return None if isinstance(node.value, ast.Constant) else node

    def visit_Pass(self, node):
        return None

    def visit_Raise(self, node):
        return None if _raises_stub(node) else node


def _raises_stub(node):
    raised = getattr(node, "exc", None)
    named = raised.func if isinstance(raised, ast.Call) else raised
    return isinstance(named, ast.Name) and named.id == "NotImplementedError"


def _is_stub(function):
    return any(_raises_stub(node) for node in ast.walk(function))


def _same(mine, released):
    """True if a function says no more than the release, and its stub is gone (else it counts as unanswered)."""
    return mine is not None and not _is_stub(mine) and _written(mine) == _written(released)


def _functions(tree, prefix=""):
    """Qualified name -> function, methods and inner functions included; of doubled names the lower one counts."""
    found = {}
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            name = f"{prefix}{node.name}"
            if not isinstance(node, ast.ClassDef):
                found[name] = node
            found.update(_functions(node, f"{name}."))
    return found


def _join(names):
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
