"""From a notebook's bytes to a submission: source text, and nothing else of it goes any further.

Taken is the source text of the answer cells and of cells that the student added. Tests, setup, metadata, tags, ids and
outputs of a submission are never used. Whatever looks odd is said in the submission's notes.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..contracts import Added, Plan, Submission
from ..words import short
from .matching import match, one_each
from .notebook import Cell, cells_of, load
from .pictures import LARGEST_IMAGE, MOST_PASTED

NOTES = 60


def parse(data: bytes, plan: Plan, student: str, notes: Iterable[str] = ()) -> Submission:
    """What the student wrote, taken from a notebook's bytes; a pure function. notes: remarks to begin with.

    Raises
    ------
    GraderError
        If the bytes are no notebook.
    """
    return whole(data, plan, student, notes)[0]


def whole(
    data: bytes, plan: Plan, student: str, notes: Iterable[str] = ()
) -> tuple[Submission, tuple[Added, ...], dict]:
    """What `parse` gives; Markdown cells of the student's own, for a person to read (nbgrader's tasks are answered in
    such cells); and the pictures pasted into Markdown cells, by the answer's name or the number of the prose ("text 1"
    is the first): name of the picture -> {type: base64}.
    """
    notes = list(notes)
    cells = cells_of(load(data, notes), notes)
    match(cells, plan, notes)
    one_each(cells, plan, notes)
    answers, examples, added, prose, pasted = {}, {}, [], [], {}
    last = -1
    for cell in cells:
        if cell.place is None:
            _add(cell, last, added, prose, pasted, notes)
            continue
        last, planned = cell.place, plan.cells[cell.place]
        if planned.kind in ("answer", "manual"):
            answers[planned.name] = cell.source
            _note_type(cell, planned, notes)
        elif cell.source != planned.released:
            if planned.kind == "example":
                examples[cell.place] = cell.source
            elif planned.kind == "text" and not planned.name:
                prose.append(Added(cell.place, cell.source))
                notes.append(f"The text cell {cell.place + 1} was edited.")
                _paste(cell, f"text {len(prose)}", str(cell.place + 1), pasted, notes)
            elif cell.source != planned.source:
                notes.append(f"The cell {planned.name} was edited: the course's own text of it is used.")
        if planned.kind in ("answer", "manual"):
            _paste(cell, planned.name, planned.name, pasted, notes)
    _note_order(cells, plan, notes)
    _note_missing(cells, plan, notes)
    added = _join_pieces(added, cells, plan, answers)
    if added and not plan.allow_added_cells:
        notes.append("Code cells that the student added are not run in this unit.")
    if len(notes) > NOTES:
        notes[NOTES:] = [f"... and {len(notes) - NOTES} more remarks."]
    return Submission(student, answers, tuple(added), examples, tuple(notes)), tuple(prose), pasted


def _add(cell: Cell, last: int, added: list, prose: list, pasted: dict, notes: list[str]) -> None:
    if not cell.source.strip():
        return
    if cell.kind == "code":
        added.append(Added(last, cell.source))
    elif cell.kind == "markdown":
        prose.append(Added(last, cell.source))
        _paste(cell, f"text {len(prose)}", "of the student's own", pasted, notes)
    else:
        notes.append(f"A raw cell ({short(cell.source[:40])}) was left out: it is neither code nor text.")


def _paste(cell: Cell, key: str, called: str, pasted: dict, notes: list[str]) -> None:
    """Keep the pictures of a cell that is kept, and say how many are not."""
    if cell.pasted:
        pasted[key] = cell.pasted
    if cell.unkept:
        notes.append(
            f"{cell.unkept} of the files pasted into the cell {called} are not shown: only PNG and JPEG pictures are, "
            f"{MOST_PASTED[0]} in a notebook, up to {LARGEST_IMAGE[0] >> 20} MB each. Look into the submission."
        )


def _note_type(cell: Cell, planned, notes: list[str]) -> None:
    if cell.kind != planned.cell_type:
        notes.append(
            f"The answer cell {planned.name} was turned into a {cell.kind} cell: it is read as {planned.cell_type}."
        )


def _note_order(cells: list[Cell], plan: Plan, notes: list[str]) -> None:
    places = [cell.place for cell in cells if cell.place is not None and plan.cells[cell.place].name]
    if places != sorted(places):
        early = next(b for a, b in zip(places, places[1:], strict=False) if b < a)
        notes.append(f"Cells were moved ({plan.cells[early].name} and perhaps others): the course's own order is used.")


def _note_missing(cells: list[Cell], plan: Plan, notes: list[str]) -> None:
    there = {cell.place for cell in cells}
    for place, planned in enumerate(plan.cells):
        if place in there or not planned.name:
            continue
        if planned.kind in ("answer", "manual"):
            notes.append(f"The answer cell {planned.name} is missing.")
        elif planned.kind in ("test", "setup"):
            notes.append(f"The cell {planned.name} was deleted: the course's own is used.")


def _join_pieces(added: list[Added], cells: list[Cell], plan: Plan, answers: dict[str, str]) -> list[Added]:
    """Nothing to do where added cells run: earlier pieces of a split answer are such cells, and run in their order.

    Where they do not run, the pieces are joined, so that an honest split answer still counts.
    """
    if plan.allow_added_cells:
        return added
    for index, cell in enumerate(cells):
        if cell.place is None or plan.cells[cell.place].kind not in ("answer", "manual"):
            continue
        name, pieces, start = plan.cells[cell.place].name, [], index
        while start > 0 and cells[start - 1].place is None and cells[start - 1].name == name:
            start -= 1
            pieces.insert(0, cells[start].source)
        pasted = set(pieces)
        added = [one for one in added if one.source not in pasted]
        answers[name] = "\n".join([*pieces, cell.source])
    return added
