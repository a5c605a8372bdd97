"""Which cell of a student's notebook stands for which cell of the plan."""

from __future__ import annotations

import difflib
import re
from collections import Counter

from ..contracts import Plan
from ..words import listed, short
from .notebook import Cell

ALIKE = 0.75  # how alike two texts are when one is taken for an edited copy of the other
LOOKED_AT, WORDS = 4000, 300  # characters and words of each that are compared for that
COMPARISONS = 100  # at most, of one notebook: thousands of cells must not cost minutes


def match(cells: list[Cell], plan: Plan, notes: list[str]) -> None:
    """Give each cell its place in the plan: by grade_id, by cell id, by equal text, then by likeness."""
    named = {planned.name: place for place, planned in enumerate(plan.cells) if planned.name}
    for cell in cells:
        if cell.name:
            cell.place = named.get(cell.name)
            if cell.place is None:
                notes.append(f"A cell is named {short(cell.name)}, which this notebook does not have: taken as added.")
    free = _unused(cells, plan)
    ids = {plan.cells[place].cell_id: place for place in free if plan.cells[place].cell_id}
    for cell in cells:  # an id of ours on a cell of the same type; each id counts once
        place = ids.get(cell.cell_id)
        if cell.place is None and not cell.name and place is not None and cell.kind == plan.cells[place].cell_type:
            cell.place = ids.pop(cell.cell_id)
    _match_text(cells, plan)
    _match_defined(cells, plan, notes)
    _match_alike(cells, plan)


def _unused(cells: list[Cell], plan: Plan) -> list[int]:
    used = {cell.place for cell in cells}
    return [place for place in range(len(plan.cells)) if place not in used]


def _match_text(cells: list[Cell], plan: Plan) -> None:
    """Equal text: the first unused place after the last match, or else the first unused one."""
    by_text: dict[tuple[str, str], list[int]] = {}
    for place in _unused(cells, plan):
        planned = plan.cells[place]
        by_text.setdefault((planned.cell_type, planned.released.strip()), []).append(place)
    last = -1
    for cell in cells:
        if cell.place is None and not cell.name:
            places = by_text.get((cell.kind, cell.source.strip()), [])
            if places:
                cell.place = next((place for place in places if place > last), places[0])
                places.remove(cell.place)
        last = last if cell.place is None else cell.place


def _match_defined(cells: list[Cell], plan: Plan, notes: list[str]) -> None:
    """An answer whose cell lost its name: the last unnamed cell that defines what the stub defines."""
    unnamed = [cell for cell in cells if cell.place is None and cell.kind == "code" and not cell.name]
    defined = [_defined(cell.source) for cell in unnamed]
    for place in _unused(cells, plan):
        planned = plan.cells[place]
        names = _defined(planned.released) if planned.kind in ("answer", "manual") else set()
        pairs = zip(unnamed, defined, strict=True)
        found = [cell for cell, there in pairs if cell.place is None and names and names <= there]
        if found:
            found[-1].place = place
            notes.append(
                f"The answer cell {planned.name} lost its name: the cell that defines {listed(sorted(names))} counts."
            )


def _defined(source: str) -> set[str]:
    return set(re.findall(r"^(?:async def|def|class) +(\w+)", source, re.MULTILINE))


def _match_alike(cells: list[Cell], plan: Plan) -> None:
    """Edited example and text cells that lost their ids: the free place between the neighbours that is most alike.

    In doubt a cell counts as added, and runs: that costs nobody points.
    """
    free = [place for place in _unused(cells, plan) if not plan.cells[place].name]
    budget = COMPARISONS
    last = -1
    for index, cell in enumerate(cells):
        if cell.place is not None:
            last = cell.place
            continue
        if cell.name or not free or budget <= 0:
            continue
        following = next((other.place for other in cells[index:] if other.place is not None), len(plan.cells))
        window = [place for place in free if last < place < following and cell.kind == plan.cells[place].cell_type]
        scores = {place: _likeness(cell.source, plan.cells[place].released) for place in window[:budget]}
        budget -= len(scores)
        best = max(scores, key=scores.get, default=None)
        if best is not None and scores[best] >= ALIKE:
            cell.place = last = best
            free.remove(best)


def _likeness(one: str, other: str) -> float:
    """How alike two texts are, by words and signs: 0 to 1."""
    one, other = (re.findall(r"\w+|[^\w\s]", text[:LOOKED_AT])[:WORDS] for text in (one, other))
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    return matcher.ratio() if matcher.quick_ratio() >= ALIKE else 0.0


def one_each(cells: list[Cell], plan: Plan, notes: list[str]) -> None:
    """At most one cell for each place. Of several for one answer, the last one that was worked on and stands at its
    place is the answer; the others are run where they stand, as stock nbgrader runs them.
    """
    several = [
        place for place, times in Counter(cell.place for cell in cells).items() if place is not None and times > 1
    ]
    for place in sorted(several):
        planned = plan.cells[place]
        copies = [index for index, cell in enumerate(cells) if cell.place == place]
        if planned.kind not in ("answer", "manual"):
            notes.append(f"The cell {planned.name} stands {len(copies)} times: the course's own is used, once.")
            keep = copies[0]
        else:
            worked_on = [index for index in copies if cells[index].source.strip() != planned.released.strip()]
            keep = _at_its_place(worked_on or copies, cells, place)
            notes.append(_copies_note(planned.name, len(copies), len(worked_on)))
            for index in set(copies) - set(worked_on) - {keep}:
                cells[index].source = ""  # a copy of the stub would undo the answer
        for index in copies:
            if index != keep:
                cells[index].place = None
                if planned.kind not in ("answer", "manual"):
                    cells[index].source = ""  # a test or a setup cell, whatever stands in it now


def _at_its_place(copies: list[int], cells: list[Cell], place: int) -> int:
    """The last copy that stands between cells that come before and after it in the plan; else the last of all."""

    others = [(cell.place if cell.place != place else None) for cell in cells]
    before = _last_known(others)
    after = _last_known(others[::-1])[::-1]
    fitting = [
        index for index in copies
        if (before[index] is None or before[index] < place) and (after[index] is None or after[index] > place)
    ]  # fmt: skip
    return (fitting or copies)[-1]


def _last_known(values: list) -> list:
    """For each place in a list, the last value up to it that is not None."""
    found, last = [], None
    for value in values:
        last = last if value is None else value
        found.append(last)
    return found


def _copies_note(name: str, copies: int, worked_on: int) -> str:
    if worked_on <= 1:
        return f"The answer cell {name} stands {copies} times: the one that was worked on counts."
    return f"The answer cell {name} stands {copies} times: all are run in order, the last one at its place counts."
