"""Words for people: text that is safe to print, and what an exercise is called."""

from __future__ import annotations

import re
from collections.abc import Collection

from .contracts import Exercise, Plan, PlanCell

WIDTH = 118  # letters of a line on a terminal
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_MARK = (
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"  # accents; they can be stacked
)
_STACKED = re.compile(f"({_MARK}{{4}}){_MARK}+")
_HEADING = re.compile(r"^#{1,6}[ \t]+(\S.*)$")
_NUMBERED = re.compile(r"(?i)(exercise|problem|question|task|warm-up|part)\b.*\d")


# -- text that cannot hurt a terminal or a page ------------------------------------------------------------------------


def shown(text: str) -> str:
    """Text on one line that cannot steer a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in " ".join(text.split()))


def short(name: str) -> str:
    """A file name fit for a sentence: printable, and short."""
    clean = "".join(letter if letter.isprintable() else "?" for letter in name)
    return clean if len(clean) <= 80 else clean[:77] + "..."


def listed(names: Collection) -> str:
    """The first five names."""
    shown = [short(str(name)) for name in list(names)[:5]]
    return ", ".join(shown) + (", ..." if len(names) > 5 else "")


def clean(text: str) -> str:
    """The text with invisible and direction-changing characters written as ‹U+202E›; also without lone surrogates."""
    text = _STACKED.sub(r"\1", text.replace("\r\n", "\n"))
    return _UNSEEN.sub(lambda found: f"‹U+{ord(found[0]):04X}›", text)


def number(points: float) -> str:
    """Points as people write them: 2, 1.5, 0.33."""
    return f"{points:.2f}".rstrip("0").rstrip(".") if points == points else "?"


# -- what an exercise is called ----------------------------------------------------------------------------------------


def title(plan: Plan, exercise: Exercise, kinds: tuple[str, ...] = ("answer", "manual")) -> str:
    """An exercise's name in lists and on a terminal: those of its answer cells of these kinds."""
    answers = [plan.cells[place] for place in exercise.answers]
    return ", ".join(cell.name for cell in answers if cell.kind in kinds) or plan.cells[exercise.first].name


def headings(cell: PlanCell) -> list[str]:
    """The headings of a Markdown cell as text, without the points in brackets at the end."""
    found, fenced = [], False
    for line in cell.released.splitlines():
        fenced ^= line.lstrip().startswith(("```", "~~~"))
        match = None if fenced else _HEADING.match(line)
        if match:
            title = re.sub(r"[`*#]+", "", match[1]).strip()
            found.append(re.sub(r"\s*\([^()]*\b(points?|minutes)\b[^()]*\)$", "", title))
    return found


def heading(plan: Plan, start: int, stop: int) -> str:
    """The heading of what stands in plan.cells[start:stop]: the last one with a number, else the last; "" if none."""
    texts = [cell for cell in plan.cells[start:stop] if cell.cell_type == "markdown" and cell.kind == "text"]
    found = [title for cell in texts for title in headings(cell)]
    return next((title for title in reversed(found) if _NUMBERED.match(title)), found[-1] if found else "")
