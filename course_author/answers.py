"""Right and wrong answers against the tests: the bank `tests/answers/<unit>/<slug>.py`, and its matrix of verdicts.

A bank file holds percent cells titled `# %% right: how it works` or `# %% wrong: the misconception`; each cell stands
in for the exercise's answer cell. A right answer by somebody who saw only the task is titled `# %% right: blind - …`.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import difflib
import itertools
import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .execution import Outcome, Runner, Verdict
from .judged import JudgedRunner
from .units import ROOT, Exercise, Unit, UnitError, chosen_units, load_unit

CELL = re.compile(r"^# %%(.*)$")
TITLE = re.compile(r"^(right|wrong): (\S.*)$")
ALIKE = 0.7  # two right answers this similar count as one method


class AnswerError(UnitError):
    """A bank file that cannot be used; the message is one sentence for its author."""


@dataclass(frozen=True)
class Answer:
    """One cell of a bank file. `line` is that of its title."""

    right: bool
    title: str
    source: str
    line: int

    @property
    def blind(self) -> bool:
        return self.right and self.title.startswith("blind - ")

    @property
    def kind(self) -> str:
        return "right" if self.right else "wrong"


@dataclass(frozen=True)
class Judged:
    """An answer and what the tests made of it."""

    answer: Answer
    outcome: Outcome

    @property
    def off(self) -> bool:
        """Is the verdict not the one that the answer deserves? Hidden tests alone must reject every wrong answer."""
        return not self.outcome.passed if self.answer.right else self.outcome.hidden.passed


@dataclass(frozen=True)
class Matrix:
    """All judged answers of one exercise."""

    exercise: Exercise
    judged: tuple[Judged, ...]

    @cached_property
    def right(self) -> list[Judged]:
        return [one for one in self.judged if one.answer.right]

    @cached_property
    def wrong(self) -> list[Judged]:
        return [one for one in self.judged if not one.answer.right]

    @property
    def rejected_at_sight(self) -> float:
        """Share of the wrong answers that the visible check alone rejects."""
        return sum(not one.outcome.check.passed for one in self.wrong) / len(self.wrong)


# -- the bank --------------------------------------------------------------------------------------------------------


def bank_path(unit: str, slug: str, root=ROOT) -> Path:
    return Path(root) / "tests" / "answers" / unit / f"{slug}.py"


def graded(unit: Unit) -> list[Exercise]:
    """The exercises that give points; warm-ups for 0 points need no bank."""
    return [exercise for exercise in unit.exercises if exercise.points_check + exercise.points_hidden > 0]


def read_bank(unit: str, slug: str, root=ROOT) -> list[Answer]:
    """The answers of one exercise, checked.

    Raises
    ------
    AnswerError
        No file, a cell without a proper title, two titles alike, an empty or unreadable cell, no right or no wrong one.
    """
    path = bank_path(unit, slug, root)
    where = path.relative_to(root).as_posix()
    if not path.is_file():
        raise AnswerError(f"{where} does not exist: write right and wrong answers for exercise {slug!r} there.")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise AnswerError(f"{where} is not UTF-8 text (byte {error.start}): save it as UTF-8.") from None
    answers = parse_bank(text, where)
    for kind, there in (("right", True), ("wrong", False)):
        if all(answer.right != there for answer in answers):
            raise AnswerError(f"{where} has no {kind} answer: add a cell titled '# %% {kind}: …'.")
    return answers


def parse_bank(text: str, where: str) -> list[Answer]:
    """The answers in the text of a bank file; `where` names the file in messages."""
    answers, lines = [], text.split("\n")
    starts = [number for number, line in enumerate(lines) if CELL.match(line)]
    _refuse_loose_code("\n".join(lines[: starts[0] if starts else None]), where)
    for start, end in itertools.pairwise([*starts, len(lines)]):
        title = CELL.match(lines[start])[1].strip()
        answers.append(_answer(title, "\n".join(lines[start + 1 : end]).rstrip(), f"{where}:{start + 1}", start + 1))
    seen: dict[str, int] = {}
    for answer in answers:
        if answer.title in seen:
            raise AnswerError(
                f"{where}:{answer.line}: the title {answer.title!r} is already used at line {seen[answer.title]}: "
                "say what sets this answer apart."
            )
        seen[answer.title] = answer.line
    return answers


def _refuse_loose_code(head: str, where: str) -> None:
    body = _parse(head, f"{where}:1").body
    if body and not (len(body) == 1 and ast.get_docstring(ast.Module(body, []))):
        raise AnswerError(f"{where}:{body[0].lineno}: this code belongs to no cell: put '# %% right: …' above it.")


def _answer(title: str, source: str, where: str, line: int) -> Answer:
    match = TITLE.match(title)
    if match is None:
        raise AnswerError(
            f"{where}: the cell's title {title!r} says neither 'right: …' nor 'wrong: …': write '# %% right: how it "
            "works' or '# %% wrong: the misconception'."
        )
    if not _parse(source, where).body:
        raise AnswerError(f"{where}: the answer {title!r} is empty: write the code that the student would hand in.")
    return Answer(match[1] == "right", match[2].strip(), source, line)


def _parse(source: str, where: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError as error:
        raise AnswerError(f"{where}: not Python ({error.msg}, {error.lineno} lines on): mend the cell.") from None


def refuse_orphans(unit: Unit, root=ROOT) -> None:
    """A bank file whose name is no exercise of the unit tests nothing, so it is an error."""
    slugs = {exercise.slug for exercise in unit.exercises}
    for path in sorted((Path(root) / "tests" / "answers" / unit.name).glob("*.py")):
        if path.stem not in slugs:
            raise AnswerError(
                f"{path.relative_to(root).as_posix()} belongs to no exercise of {unit.name}: rename it to one of "
                f"{', '.join(sorted(slugs)) or 'its exercises'}, or delete it."
            )


# -- verdicts --------------------------------------------------------------------------------------------------------


def judge(runner: Runner | JudgedRunner, unit: Unit, exercise: Exercise, sources: Iterable[str]) -> list[Outcome]:
    """Verdicts for answer cells, in one process (`Runner`) or by the separate judge (`JudgedRunner`).

    The other exercises are answered by the reference solution.
    """
    return runner.outcomes(unit, exercise, sources)


def matrix(runner: Runner | JudgedRunner, unit: Unit, exercise: Exercise, root=ROOT) -> Matrix:
    """Judge the whole bank of one exercise."""
    answers = read_bank(unit.name, exercise.slug, root)
    outcomes = judge(runner, unit, exercise, [answer.source for answer in answers])
    return Matrix(exercise, tuple(map(Judged, answers, outcomes)))


# -- how alike two answers are -----------------------------------------------------------------------------------------


def similarity(one: str, other: str) -> float:
    """How alike two answers are, 0 to 1, whatever their author called things.

    Each answer becomes a list of words: the node types of its syntax tree in reading order, without docstrings and what
    the task prescribes to all: signatures, and guards of the form `if …: raise …`. Variables and functions of the
    author's own, and constants, are a bare node type; names that say *how* something is computed (`np`, `exp`, `where`,
    `max`, keyword names) stay. The measure is difflib's ratio of matching words, the larger of the two directions.
    """
    first, second = (_words(source) for source in (one, other))
    return max(
        difflib.SequenceMatcher(None, a, b, autojunk=False).ratio() for a, b in ((first, second), (second, first))
    )


def _words(source: str) -> list[str]:
    tree = ast.parse(source)
    own = _own_names(tree)
    # Functions in the order of their names: moving one up or down is no other method.
    body = sorted(tree.body, key=lambda node: getattr(node, "name", ""))
    return [word for node in body for word in _walk(node, own, top=True)]


def _own_names(tree: ast.AST) -> set[str]:
    own = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            own.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            own.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.add(node.id)
    return own


def _walk(node: ast.AST, own: set[str], top: bool = False):
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return  # a docstring
    if isinstance(node, ast.If) and [type(part) for part in node.body] == [ast.Raise] and not node.orelse:
        return  # a guard
    if isinstance(node, ast.FunctionDef) and top:
        children = node.body
    else:
        children = [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr_context)]
    if isinstance(node, ast.ClassDef):
        yield "ClassDef"
        for child in children:
            yield from _walk(child, own, top=True)
        return
    yield _word(node, own)
    for child in children:
        yield from _walk(child, own)


def _word(node: ast.AST, own: set[str]) -> str:
    name = type(node).__name__
    if isinstance(node, ast.Attribute):
        return f"{name} {node.attr}"
    if isinstance(node, ast.keyword):
        return f"{name} {node.arg}"
    if isinstance(node, ast.Name) and (node.id not in own or hasattr(builtins, node.id)):
        return f"{name} {node.id}"
    return name


# -- the rules of the course plan ------------------------------------------------------------------------------------


def bank_faults(answers: list[Answer], exercise: Exercise) -> list[str]:
    """Rules on a bank that need no run, each broken one as a sentence."""
    right = [answer for answer in answers if answer.right]
    faults = []
    if len(right) < 4:
        faults.append(f"{len(right)} right answers, at least 4 are asked for.")
    if len(answers) - len(right) < 8:
        faults.append(f"{len(answers) - len(right)} wrong answers, at least 8 are asked for.")
    if not any(answer.blind for answer in right):
        faults.append("no right answer is titled 'blind - …': have one written from the task text alone.")
    named = [("the reference", exercise.answer), *((answer.title, answer.source) for answer in right)]
    for number, (title, source) in enumerate(named):
        for other, its_source in named[:number]:
            alike = similarity(source, its_source)
            if alike >= ALIKE:
                faults.append(f"{title!r} and {other!r} are {alike:.2f} alike: right answers must differ in method.")
    return faults


def matrix_faults(found: Matrix) -> list[str]:
    """Rules on an exercise's verdicts as a whole, each broken one as a sentence."""
    faults = []
    if found.rejected_at_sight < 0.7:
        faults.append(f"the visible check rejects {found.rejected_at_sight:.0%} of the wrong answers, 70 % are asked.")
    unseen = sum(one.outcome.check.passed for one in found.wrong)
    if unseen < 2:
        faults.append(f"{unseen} wrong answers pass the visible check, at least 2 should (for the hidden tests alone).")
    outcomes = [(one.answer.title, one.outcome) for one in found.wrong]
    raising = [title for title, made in outcomes if "error" in (made.check.cause, made.hidden.cause)]
    if len(raising) > 1:
        faults.append(f"{len(raising)} wrong answers raise instead of returning something wrong: {', '.join(raising)}.")
    return faults


def answer_faults(one: Judged, exercise: Exercise) -> list[str]:
    """Rules on one judged answer, each broken one as a sentence."""
    check, hidden = one.outcome.check, one.outcome.hidden
    if one.answer.right:
        return [
            f"a right answer loses the points of the {name} ({verdict.exception}: {verdict.message})."
            for name, verdict in (("visible check", check), ("hidden tests", hidden))
            if not verdict.passed
        ]
    faults = ["a wrong answer passes the hidden tests."] if hidden.passed else []
    for name, verdict in (("visible check", check), ("hidden tests", hidden)):
        if verdict.cause == "wrong" and (verdict.exception != "CheckFailed" or len(verdict.message.split()) < 4):
            faults.append(f"the {name} fails without a sentence of check ({verdict.exception}: {verdict.message!r}).")
    return faults + [f"the hidden tests' message shows {leak!r}." for leak in leaks(hidden, exercise)]


def leaks(hidden: Verdict, exercise: Exercise) -> list[str]:
    """What a hidden failure's message gives away: a line of the hidden region, or an array of values.

    This sees what is spelt out; that no single number is shown is `check.hidden`'s part, tested with it.
    """
    region = exercise.hidden.split("BEGIN HIDDEN TESTS")[-1]
    lines = [line.strip() for line in textwrap.dedent(region).split("\n")]
    shown = [line for line in lines if len(line) >= 15 and not line.startswith("#") and line in hidden.message]
    return shown + re.findall(r"(?:array|tensor)\(|\[\s*-?\d[\d.e+-]*(?:[,\s]+-?\d[\d.e+-]*)+\s*\]", hidden.message)


# -- the command -----------------------------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("unit", nargs="*", help="units to run (default: all)")
    parser.add_argument(
        "--one-process", action="store_true", help="without the separate judge, as plain nbgrader would"
    )
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)


def main(argv: list[str]) -> int:
    """Print a matrix per exercise and the totals; 1 if anything is off."""
    parser = argparse.ArgumentParser(prog="course_author answers", description=__doc__.split("\n")[0])
    add_arguments(parser)
    arguments = parser.parse_args(argv)
    matrices, faults = [], 0
    units = [load_unit(name, arguments.root) for name in chosen_units(arguments.unit, arguments.root)]
    with (Runner if arguments.one_process else JudgedRunner)(arguments.root) as runner:
        for unit in units:
            refuse_orphans(unit, arguments.root)
            for exercise in graded(unit):
                matrices.append(matrix(runner, unit, exercise, arguments.root))
                faults += _print_matrix(matrices[-1])
    return 1 if _print_totals(matrices, units, arguments.root) or faults else 0


def _print_matrix(found: Matrix) -> int:
    exercise = found.exercise
    print(f"\n{exercise.unit} / {exercise.number} {exercise.slug} ({len(found.right)} right, {len(found.wrong)} wrong)")
    for one in found.judged:
        check, hidden = one.outcome.check, one.outcome.hidden
        mark = "!" if one.off else " "
        words = f"{_word_for(check):6} {_word_for(hidden):6}  {_short(check.message or hidden.message, 64)}"
        print(f"{mark} {one.answer.kind}  {_short(one.answer.title, 46):46}  {words}".rstrip())
    print(f"  the visible check alone rejects {found.rejected_at_sight:.0%} of the wrong ones")
    faults = bank_faults([one.answer for one in found.judged], exercise) + matrix_faults(found)
    faults += [f"{one.answer.title!r}: {fault}" for one in found.judged for fault in answer_faults(one, exercise)]
    for fault in faults:
        print(f"  ! {fault}")
    return len(faults)


def _word_for(verdict: Verdict) -> str:
    return "passed" if verdict.passed else verdict.cause


def _short(text: str, width: int) -> str:
    return textwrap.shorten(" ".join(text.split()), width, placeholder=" …")


def _print_totals(matrices: list[Matrix], units: list[Unit], root: Path) -> bool:
    """The last line. True if something in it is off."""
    from . import mutants

    wrong = [one for found in matrices for one in found.wrong]
    right = [one for found in matrices for one in found.right]
    accepts, rejects = (sum(one.off for one in group) for group in (wrong, right))
    killed, made, stale = mutants.totals(units, root)
    if stale:
        print(f"\nno current mutant results for {', '.join(stale)}: run `make mutants`")
    accepted, rejected = f"{accepts}/{len(wrong)}", f"{rejects}/{len(right)}"
    print(f"\nfalse accepts {accepted}, false rejects {rejected}, mutants killed {killed}/{made}")
    return bool(accepts or rejects or stale)
