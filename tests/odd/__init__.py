"""Honest but odd submissions: work that is right, handed in in an unusual way. Each must get full points.

An `Odd` says what one student wrote and how their editor saved it. What it does not mention is the reference answer
in a notebook as it was released. `every()` lists all of them; `test_odd.py` grades them.
"""

from __future__ import annotations

import copy
import functools
import json
import textwrap
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from course_author.units.regions import SOLUTION
from course_author.units.text import load_unit
from course_author.units.unit import ROOT

CHAPTER, SMALL = "01_basic_concepts", "01_odd"

Notebook = dict  # a notebook as JSON has it
Rewrite = Callable[[str], str]  # from the reference answer to the student's


@dataclass(frozen=True)
class Odd:
    """One submission that deserves full points.

    unit: CHAPTER or SMALL
    why: why an instructor gives full points although it is odd, in a sentence
    answers: slug -> the student's cell, or a function that makes it from the reference answer
    spoil: changes the notebook (JSON as a dict, sources as strings, answers filled in) in place
    write: from the notebook to the bytes that were handed in
    stock: "" if plain nbgrader gives full points, too; else why it does not (measured by `stock.py`)
    """

    name: str
    unit: str
    why: str
    answers: dict[str, str | Rewrite] = field(default_factory=dict)
    spoil: Callable[[Notebook], None] | None = None
    write: Callable[[Notebook], bytes] | None = None
    stock: str = ""

    @property
    def only_answers(self) -> bool:
        return bool(self.answers) and self.spoil is None and self.write is None


def before(code: str) -> Rewrite:
    """The reference answer with code above it."""
    return lambda source: f"{text(code)}\n\n{source}"


def after(code: str) -> Rewrite:
    """The reference answer with code below it."""
    return lambda source: f"{source}\n\n{text(code)}"


def text(code: str) -> str:
    """Code of a triple-quoted string: no common indent, no empty lines around."""
    return textwrap.dedent(code).strip("\n")


def cell_of(notebook: Notebook, name: str) -> dict:
    """The cell with a grade_id."""
    return notebook["cells"][place_of(notebook, name)]


def place_of(notebook: Notebook, name: str) -> int:
    for place, cell in enumerate(notebook["cells"]):
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == name:
            return place
    raise LookupError(f"no cell {name}")


def code_cell(source: str, **more) -> dict:
    """A code cell of the student's own."""
    made = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": text(source)}
    return made | {"id": f"own{zlib.crc32(source.encode())}"} | more


def markdown_cell(source: str) -> dict:
    return {"cell_type": "markdown", "id": f"own{zlib.crc32(source.encode())}", "metadata": {}, "source": text(source)}


def insert(name: str, *sources: str, below: bool = False) -> Callable[[Notebook], None]:
    """Code cells of the student's own above (or below) a named cell."""

    def spoil(notebook):
        at = place_of(notebook, name) + below
        notebook["cells"][at:at] = [code_cell(source) for source in sources]

    return spoil


def both(*spoils: Callable[[Notebook], None]) -> Callable[[Notebook], None]:
    def spoil(notebook):
        for one in spoils:
            one(notebook)

    return spoil


def every() -> list[Odd]:
    """All of them; two with one name are an error."""
    from . import chapter, habits, notebooks, small

    found = [*chapter.ODD, *habits.ODD, *notebooks.ODD, *small.ODD]
    names = [odd.name for odd in found]
    assert len(set(names)) == len(names), sorted(name for name in names if names.count(name) > 1)
    return found


# -- what a student starts from ----------------------------------------------------------------------------------------


@functools.cache
def reference(unit: str) -> dict[str, str]:
    """Slug -> the reference answer without its markers."""
    if unit == SMALL:
        from . import course

        answers = course.answers()
    else:
        answers = {exercise.slug: exercise.answer for exercise in load_unit(unit, ROOT).exercises}
    return {slug: without_markers(source) for slug, source in answers.items()}


def without_markers(source: str) -> str:
    return "\n".join(line for line in source.split("\n") if not any(marker in line for marker in SOLUTION))


def answers_of(odd: Odd) -> dict[str, str]:
    """Slug -> the student's cell, for every exercise of the unit."""
    answers = dict(reference(odd.unit))
    for slug, answer in odd.answers.items():
        answers[slug] = answer(answers[slug]) if callable(answer) else text(answer)
    return answers


def handed_in(odd: Odd, released: Notebook) -> bytes:
    """The file that the student hands in, made from the released notebook."""
    notebook = copy.deepcopy(released)
    answers = answers_of(odd)
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        cell["source"] = answers.get(name, cell["source"])
    if odd.spoil is not None:
        odd.spoil(notebook)
    return odd.write(notebook) if odd.write is not None else json.dumps(notebook, indent=1).encode()
