"""Words for people: text that is safe to print, and what an exercise is called."""

from __future__ import annotations

from .contracts import Exercise, Plan

WIDTH = 118  # letters of a line on a terminal


def shown(text: str) -> str:
    """Text on one line that cannot steer a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in " ".join(text.split()))


def title(plan: Plan, exercise: Exercise) -> str:
    """An exercise's name: those of its answer cells."""
    return ", ".join(plan.cells[place].name for place in exercise.answers) or plan.cells[exercise.first].name
