"""What a verdict depends on, as hashes: whether a submission was graded before, and which of its exercises were.

A whole notebook has one key, each exercise one of its own. When a test is changed, the keys of the exercises that it
can touch change, and no others: only those are executed again.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
import re
import sys
from collections.abc import Iterable
from dataclasses import asdict
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..contracts import Added, Plan, Submission, Verdict
from . import needs
from .magics import without_magics

# Rooms and files whose code can change a verdict; a test holds them against what the engine's processes import.
FILES = ("causes.py", "contracts.py", "words.py")
JUDGING = ("course", "engine", "intake", "judging", "sandbox", "wire")
LIBRARIES = ("numpy", "torch", "ipython", "matplotlib", "scikit-learn")
WRITING = ("records/notebook.py",)  # files that make the autograded notebook of a verdict

_PACKAGE = Path(__file__).resolve().parents[1]


@lru_cache
def grader_version() -> str:
    """A hash of the grader's own code, of course_utils, of Python's version and of the libraries'."""
    files = [_PACKAGE / name for name in FILES]
    files += [path for room in JUDGING for path in sorted((_PACKAGE / room).glob("*.py"))]
    files += sorted((_PACKAGE.parent / "course_utils").rglob("*.py"))
    found = [_digest(path) for path in files]
    found.append(".".join(map(str, sys.version_info[:2])))
    for library in LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            found.append(f"{library} {version(library)}")
    return _hash(found)


@lru_cache
def _writing_version() -> str:
    return _hash([_digest(_PACKAGE / name) for name in WRITING])


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _hash(*parts) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def of_notebook(plan: Plan, submission: Submission, prose: Iterable[Added] = (), pasted: dict | None = None) -> str:
    """The key of all that is recorded of one notebook: plan, submission, the student's own prose and pictures in it,
    the grader.
    """
    own = [[asdict(one) for one in prose], pasted or {}]
    return _hash(plan.digest, asdict(submission), *own, grader_version(), _writing_version())


# -- exercises ---------------------------------------------------------------------------------------------------------


def of_exercises(plan: Plan, submission: Submission) -> dict[str, str]:
    """A key for each exercise, by the name of its first test: equal keys mean equal verdicts."""
    cells = needs.student_cells(plan, submission)
    written = [(cell.place, _hash(cell.place, cell.name, cell.kind, cell.source)) for cell in cells]
    words = set().union(*(re.findall(r"\w+", cell.source) for cell in cells))
    ours = _words(plan) & words  # names of the course's own that the student's text has, too: messages may show them
    found = {}
    for exercise, fixed in zip(plan.exercises(), _fixed(plan), strict=True):
        before = [digest for place, digest in written if place < exercise.first]
        own = [submission.answers.get(plan.cells[place].name) for place in exercise.answers]
        found[plan.cells[exercise.first].name] = _hash(fixed, submission.student, before, own, sorted(ours))
    return found


def known(plan: Plan, before: Verdict | None, keys: dict[str, str]) -> Verdict | None:
    """What of an earlier verdict still holds for exercises with these keys; None if nothing does."""
    if before is None:
        return None
    exercises = plan.exercises()
    names = [plan.cells[exercise.first].name for exercise in exercises]
    there = {cell.name for cell in before.cells}
    kept = {
        place for place, name in enumerate(names)
        if before.keys.get(name) == keys[name] and there >= {plan.cells[i].name for i in exercises[place].tests}
    }  # fmt: skip
    depends = _depends(plan)
    for place in reversed(range(len(names))):  # what is run again needs the tests that it builds on to be run, too
        if place not in kept:
            kept -= depends[place]
    tests = {plan.cells[i].name for place in kept for i in exercises[place].tests}
    if not tests:
        return None
    cells = [cell for cell in before.cells if cell.name in tests]
    runs = [run for run in before.runs if run.exercise in tests]
    return Verdict(before.unit, before.notebook, before.student, cells, runs)


def is_whole(plan: Plan, verdict: Verdict) -> bool:
    """Does it hold a verdict on every test?"""
    return {cell.name for cell in verdict.cells} == {cell.name for cell in plan.cells if cell.kind == "test"}


_CACHE: dict[tuple[str, str], list] = {}  # per plan; a run has few


def _cached(name: str, plan: Plan, make):
    if (name, plan.digest) not in _CACHE:
        if len(_CACHE) > 100:
            _CACHE.clear()
        _CACHE[name, plan.digest] = make()
    return _CACHE[name, plan.digest]


def _words(plan: Plan) -> set[str]:
    code = [cell.source for cell in plan.cells if cell.cell_type == "code"]
    return _cached("words", plan, lambda: set().union(*(needs.Names.of(source).bound for source in code)))


def _fixed(plan: Plan) -> list[str]:
    """For each exercise, a hash of all in the plan that its verdict can depend on."""
    return _cached("fixed", plan, lambda: [_fixed_of(plan, place) for place in range(len(plan.exercises()))])


def _fixed_of(plan: Plan, number: int) -> str:
    exercises = plan.exercises()
    exercise = exercises[number]
    how = [grader_version(), plan.unit, plan.notebook, plan.cpu_seconds, plan.allow_added_cells, plan.libraries]
    # A test that runs beside the answers is found by the whole plan.
    how.append(plan.digest if plan.allow_student_process else "")
    setup = [(cell.name, cell.source) for cell in plan.cells if cell.kind == "setup"]
    builds_on = [place for one in _depends(plan)[number] for place in exercises[one].tests]
    above = []
    for place, cell in enumerate(plan.cells[: exercise.last + 1]):
        if cell.kind != "test":
            above.append((cell.kind, cell.name, cell.source) if cell.kind in ("answer", "manual", "example") else "")
        elif place in exercise.tests or place in builds_on:
            above.append((cell.name, cell.source, cell.released, cell.points))
        else:  # a name that an earlier test binds is none of the student's
            above.append(sorted(needs.Names.of(cell.source).bound))
    return _hash(how, setup, above)


def _depends(plan: Plan) -> list[set[int]]:
    """For each exercise, the earlier ones whose tests leave behind what its own tests use."""
    return _cached("depends", plan, lambda: _find_depends(plan))


def _find_depends(plan: Plan) -> list[set[int]]:
    made = set().union(*(_assigned(cell.source) for cell in plan.cells if cell.kind == "setup"))
    free, left = [], []
    for exercise in plan.exercises():
        text = "\n".join(without_magics(plan.cells[place].source) for place in exercise.tests)
        free.append(free_names(text))
        names = needs.Names.of(text)
        left.append(names.bound | (names.used & made))  # the setup's objects can be changed, too
    depends: list[set[int]] = []
    for number in range(len(free)):
        direct = {earlier for earlier in range(number) if free[number] & left[earlier]}
        depends.append(direct.union(*(depends[earlier] for earlier in direct)))
    return depends


def _assigned(source: str) -> set[str]:
    """Names that a setup cell gives to objects of its own: not imports, functions and classes."""
    try:
        tree = needs.parse(without_magics(source))
    except SyntaxError:
        return set()
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    imported = {
        (alias.asname or alias.name).partition(".")[0]
        for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names
    }  # fmt: skip
    return set(needs.Names.of(source).bound) - defined - imported


def free_names(source: str) -> set[str]:
    """Names that a cell uses before it has surely bound them itself. In doubt a name is free."""
    try:
        body = needs.parse(source).body
    except SyntaxError:
        return set(re.findall(r"\w+", source))
    free: set[str] = set()
    _look_through(body, set(), free)
    return free


def _look_through(body: list[ast.stmt], bound: set[str], free: set[str]) -> None:
    """Add to `free` what the statements use, to `bound` what they have bound when all of them have run."""
    for node in body:
        if not isinstance(node, ast.If | ast.For | ast.While | ast.Try | ast.With):
            free |= _loaded(node) - bound
            bound |= _stored(node)
            continue
        inside = set(bound)
        for head in ast.iter_child_nodes(node):
            if not isinstance(head, ast.stmt | ast.excepthandler):
                free |= _loaded(head) - bound
                inside |= _stored(head)
        handlers = getattr(node, "handlers", [])
        free |= set().union(*(_loaded(handler.type) for handler in handlers if handler.type)) - bound
        for block in (
            node.body,
            getattr(node, "orelse", []),
            getattr(node, "finalbody", []),
            *(h.body for h in handlers),
        ):
            after = inside | {handler.name for handler in handlers if handler.name}
            _look_through(block, after, free)
            if isinstance(node, ast.With):
                bound |= after


def _loaded(node: ast.AST) -> set[str]:
    """Names of the cell's own scope that a piece of it uses, also inside its functions."""
    if isinstance(node, ast.stmt):
        changed = node.target if isinstance(node, ast.AugAssign) else None
        deleted = node.targets if isinstance(node, ast.Delete) else []
        names = {part.id for part in [changed, *deleted] if isinstance(part, ast.Name)}
        return names | set(needs.Names.of(ast.unparse(node)).used)
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)}


def _stored(node: ast.AST) -> set[str]:
    """Names that it binds in the cell's own scope."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    if hasattr(node, "body") or hasattr(node, "cases") or (isinstance(node, ast.AnnAssign) and node.value is None):
        return set()  # not for sure
    targets = [part for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]
    inside = [part for part in ast.walk(node) if isinstance(part, ast.comprehension | ast.Lambda)]
    hidden = {id(name) for one in inside for name in ast.walk(one)}
    return {part.id for part in targets if id(part) not in hidden}
