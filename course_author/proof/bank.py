"""The bank of right and wrong answers, `tests/answers/<unit>/<slug>.py`.

A bank file holds percent cells titled `# %% right: how it works` or `# %% wrong: the misconception`; each cell stands
in for the exercise's answer cell. A right answer by somebody who saw only the task is titled `# %% right: blind - …`.
"""

from __future__ import annotations

import ast
import itertools
import re
from dataclasses import dataclass
from pathlib import Path

from ..units.unit import ROOT, Unit, UnitError

CELL = re.compile(r"^# %%(.*)$")
TITLE = re.compile(r"^(right|wrong): (\S.*)$")


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


def bank_path(unit: str, slug: str, root=ROOT) -> Path:
    return Path(root) / "tests" / "answers" / unit / f"{slug}.py"


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
