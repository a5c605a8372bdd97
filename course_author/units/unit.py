"""One unit of the course, its exercises and examples, and the error that tells an author what is wrong with it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .regions import DEFINITIONS
from .stubs import blank_answer

ROOT = Path(__file__).resolve().parents[2]


class UnitError(ValueError):
    """A unit's text that cannot be built or released; the message is one sentence for its author."""


@dataclass(frozen=True)
class Example:
    """The heading of one example."""

    number: str
    title: str


@dataclass
class Exercise:
    """One exercise: the sources of its four cells, and what its heading promises.

    A warm-up is an exercise of kind "warm-up", worth 0 points and without hidden tests (`hidden` is "").
    """

    slug: str
    unit: str
    number: str
    title: str
    minutes: int
    kind: str
    points_check: float
    points_hidden: float
    task: str
    answer: str
    check: str
    hidden: str
    index: int

    @cached_property
    def names(self) -> list[str]:
        """Functions and classes that the answer cell defines at its top level, in order."""
        return [node.name for node in ast.parse(self.answer).body if isinstance(node, DEFINITIONS)]

    @cached_property
    def stub(self) -> str:
        """The answer cell as students get it."""
        return blank_answer(self.answer, self.label)

    @property
    def label(self) -> str:
        """What its heading calls it: "Exercise 1.3" or "Warm-up 0.1"."""
        return f"{'Warm-up' if self.kind == 'warm-up' else 'Exercise'} {self.number}"


@dataclass
class Unit:
    """One unit: its cells in order, and what stands in them. `exercises` are the graded ones, without warm-ups."""

    name: str
    path: Path
    cells: list
    exercises: list[Exercise]
    setup: list[str]
    examples: list[Example]
    warm_ups: list[Exercise]

    @property
    def chapter(self) -> int:
        return int(self.name[:2])


def graded(unit: Unit) -> list[Exercise]:
    """The exercises that give points; warm-ups for 0 points need no bank."""
    return [exercise for exercise in unit.exercises if exercise.points_check + exercise.points_hidden > 0]
