"""Right and wrong answers against the tests: a matrix of verdicts for each exercise's bank, and the rules on both."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..units.text import chosen_units, load_unit
from ..units.unit import ROOT, Exercise, Unit, graded
from . import mutant_results
from .bank import Answer, read_bank, refuse_orphans
from .execution import Runner
from .jobs import Outcome, Verdict
from .judged import JudgedRunner
from .similarity import similarity

ALIKE = 0.7  # two right answers this similar count as one method


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


# -- the rules --------------------------------------------------------------------------------------------------------


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
    wrong = [one for found in matrices for one in found.wrong]
    right = [one for found in matrices for one in found.right]
    accepts, rejects = (sum(one.off for one in group) for group in (wrong, right))
    killed, made, stale = mutant_results.totals(units, root)
    if stale:
        print(f"\nno current mutant results for {', '.join(stale)}: run `make mutants`")
    accepted, rejected = f"{accepts}/{len(wrong)}", f"{rejects}/{len(right)}"
    print(f"\nfalse accepts {accepted}, false rejects {rejected}, mutants killed {killed}/{made}")
    return bool(accepts or rejects or stale)
