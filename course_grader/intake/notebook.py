"""From what a student handed in to source text: nothing else of a submission goes any further.

`survey` walks the folder without following a link or opening a device, `fetch` reads the notebook, `parse` takes the
source text of the answer cells and of cells that the student added. Tests, setup, metadata, tags, ids and outputs of a
submission are never used. Whatever looks odd is said in the submission's notes.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..contracts import Added, GraderError, Plan, Submission
from .pictures import LARGEST_IMAGE, MOST_PASTED, Pasted

NOTEBOOK_BYTES = 20 << 20
FILES = 2000  # entries of a folder that are looked at; the rest is counted by nobody
DEPTH = 16  # folders in folders
CELLS = 5000
SOURCE_CHARS = 1_000_000  # of one cell
CODE_CHARS = 2_000_000  # of all code cells together: they are read outside the sandbox, and others wait meanwhile
NOTES = 60
ALIKE = 0.75  # how alike two texts are when one is taken for an edited copy of the other
LOOKED_AT, WORDS = 4000, 300  # characters and words of each that are compared for that
COMPARISONS = 100  # at most, of one notebook: thousands of cells must not cost minutes
STUDENT_ID = re.compile(r"[^\W_][\w.@+ -]{0,127}")
PICTURES = {b"\x89PNG\r\n\x1a\n": ".png", b"\xff\xd8\xff": ".jpg", b"GIF8": ".gif"}
PICTURE_BYTES = 5 << 20
PICTURE_COUNT = 20


@dataclass
class Survey:
    """What lies in a submission's folder: regular files by their path within it, and sentences on the rest."""

    files: dict[str, int] = field(default_factory=dict)  # path within the folder -> bytes
    refused: dict[str, str] = field(default_factory=dict)  # path -> what it is
    notes: list[str] = field(default_factory=list)


def survey(folder: Path) -> Survey:
    """Look through a submission's folder with lstat alone; nothing is opened, no link is followed.

    Raises
    ------
    GraderError
        If the folder itself is missing or is no real folder.
    """
    kind = _kind(folder)
    if kind != "folder":
        raise GraderError(f"{folder} is {_article(kind)}, not a folder: nothing of it is read.")
    found = Survey()
    if not _walk(folder, "", 0, found):
        found.notes.append(f"The folder holds more than {FILES} files: only the first {FILES} were looked at.")
    for name, what in found.refused.items():
        found.notes.append(f"{show(name)} is {_article(what)}: left alone.")
    return found


def _walk(folder: Path, inside: str, depth: int, found: Survey) -> bool:
    """Collect what lies below; False once the cap on entries is reached. Notebooks come first at each level."""
    with os.scandir(folder) as entries:
        listed = [entry for _, entry in zip(range(FILES + 1), entries, strict=False)]
    for entry in sorted(listed, key=lambda entry: (not entry.name.endswith((".ipynb", ".txt")), entry.name)):
        if len(found.files) + len(found.refused) >= FILES:
            return False
        name = f"{inside}{entry.name}"
        kind = _kind(Path(entry.path))
        if kind == "file":
            found.files[name] = entry.stat(follow_symlinks=False).st_size
        elif kind != "folder":
            found.refused[name] = kind
        elif depth >= DEPTH:
            found.refused[name] = f"folder more than {DEPTH} folders deep"
        elif not _walk(Path(entry.path), f"{name}/", depth + 1, found):
            return False
    return len(listed) <= FILES


def _kind(path: Path) -> str:
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return "missing file"
    names = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link", stat.S_IFIFO: "pipe (FIFO)"}
    return names.get(stat.S_IFMT(mode), "socket" if stat.S_ISSOCK(mode) else "device")


def _article(kind: str) -> str:
    return f"a {kind}"


def show(name: str) -> str:
    """A file name fit for a sentence: printable, and short."""
    clean = "".join(letter if letter.isprintable() else "?" for letter in name)
    return clean if len(clean) <= 80 else clean[:77] + "..."


def student_problem(name: str) -> str:
    """Why a folder's name can be no student's id, "" if it can.

    An id stands in paths, in addresses, and unescaped on pages of nbgrader's: other signs have no business there.
    """
    if not STUDENT_ID.fullmatch(unicodedata.normalize("NFC", name)) or ".." in name:
        return "an id has at most 128 letters, digits and . _ - @ + or blanks, and begins with a letter or a digit"
    return ""


def fetch(folder: Path, name: str, cap: int = NOTEBOOK_BYTES) -> bytes:
    """The bytes of one file of a submission: a regular file of at most `cap` bytes, and no link on the way to it.

    Raises
    ------
    GraderError
        In all other cases; the message says what it is instead.
    """
    folder = Path(folder)
    for above in (folder, *[folder / one for one in Path(name).parents]):
        if _kind(above) != "folder":
            raise GraderError(f"{above} is {_article(_kind(above))}, not a folder: nothing of it is read.")
    path = folder / name
    if _kind(path) != "file":
        raise GraderError(f"{path} is {_article(_kind(path))}: only a regular file is graded.")
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise GraderError(f"{path} cannot be read: {error.strerror}.") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):  # swapped since we looked
        os.close(handle)
        raise GraderError(f"{path} is no regular file: only a regular file is graded.")
    with os.fdopen(handle, "rb") as file:
        data = file.read(cap + 1)
    if len(data) > cap:
        raise GraderError(f"{path} has more than {cap >> 20} MB: clear its outputs, save it and hand it in again.")
    return data


def only_one(folder: Path, found: Survey, name: str) -> None:
    """Refuse a folder with two different files of one name, in two places or in two ways of writing it.

    Raises
    ------
    GraderError
        Nobody but the student can say which of them counts.
    """
    alike = [one for one in found.files if _plain(Path(one).name) == _plain(name) and not _is_hidden(one)]
    if len(alike) > 1 and len({fetch(folder, one) for one in alike}) > 1:
        raise GraderError(
            f"{folder} holds {len(alike)} different notebooks named {name} ({_listed(alike)}): keep the right one."
        )


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in Path(name).parts)


def read(folder: Path, plan: Plan, student: str) -> Submission:
    """One notebook of a submission's folder, with notes on everything else that lies there."""
    found = survey(Path(folder))
    return parse(fetch(Path(folder), f"{plan.notebook}.ipynb"), plan, student, found.notes)


def pictures(folder: Path, found: Survey) -> dict[str, bytes]:
    """Pictures that a student handed in beside the notebook, for whoever grades by hand: name -> content.

    Only at the top of the folder, only PNG, JPEG and GIF by their first bytes; no other file of a student is kept.
    """
    kept = {}
    for name, size in found.files.items():
        if "/" in name or size > PICTURE_BYTES or len(kept) >= PICTURE_COUNT:
            continue
        if Path(name).suffix.lower() in (".png", ".jpg", ".jpeg", ".gif"):
            data = fetch(folder, name, PICTURE_BYTES)
            if data.startswith(tuple(PICTURES)):
                kept[name] = data
    return kept


# -- from bytes to cells -----------------------------------------------------------------------------------------------


@dataclass
class _Cell:
    """One cell as the student saved it. place: of the plan's cell that it stands for, None while unknown."""

    kind: str
    source: str
    name: str
    cell_id: str
    place: int | None = None
    pasted: dict = field(default_factory=dict)  # pictures that were pasted into it: name -> {type: base64}
    unkept: int = 0  # how many others were


def _load(data: bytes, notes: list[str]) -> dict:
    """The notebook's JSON.

    Raises
    ------
    GraderError
        If it is none, or none of format 4.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise GraderError(f"The notebook is damaged: byte {error.start} is not UTF-8 text.") from None
    doubled: Counter = Counter()

    def pairs(items):
        made = dict(items)
        if len(made) != len(items):
            doubled.update(key for key, times in Counter(key for key, _ in items).items() if times > 1)
        return made

    try:
        notebook = json.loads(text, object_pairs_hook=pairs, parse_int=_small, parse_constant=lambda name: None)
    except RecursionError:
        raise GraderError("The notebook is damaged: its JSON is nested too deeply.") from None
    except ValueError as error:
        where = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "a number"
        raise GraderError(f"The notebook is damaged: it is no JSON ({where}).") from None
    if doubled:
        notes.append(f"The notebook says some things twice ({_listed(doubled)}): the last one counts.")
    if not isinstance(notebook, dict) or not isinstance(notebook.get("nbformat"), int):
        raise GraderError("This file is no notebook: it has no nbformat.")
    if notebook["nbformat"] != 4:
        raise GraderError(
            f"The notebook has format {notebook['nbformat']}, and 4 is needed: open it in JupyterLab, save it, and "
            "hand it in again."
        )
    if not isinstance(notebook.get("cells"), list):
        raise GraderError("This file is no notebook: it has no list of cells.")
    if len(notebook["cells"]) > CELLS:
        raise GraderError(f"The notebook has {len(notebook['cells'])} cells, and at most {CELLS} are graded.")
    return notebook


def _small(digits: str) -> int:
    return int(digits) if len(digits) < 20 else 0


def _listed(names) -> str:
    shown = [show(str(name)) for name in list(names)[:5]]
    return ", ".join(shown) + (", ..." if len(names) > 5 else "")


def _cells(notebook: dict, notes: list[str]) -> list[_Cell]:
    found, pictures, code = [], Pasted(), 0
    for number, raw in enumerate(notebook["cells"], 1):
        source = _source(raw)
        is_code = source is not None and raw["cell_type"] == "code"
        if source is None:
            notes.append(f"Cell {number} has no readable text: left out.")
        elif len(source) > SOURCE_CHARS:
            notes.append(f"Cell {number} has {len(source):,} characters, more than {SOURCE_CHARS:,}: left out.")
        elif is_code and code + len(source) > CODE_CHARS:
            notes.append(f"Cell {number} is left out: with it, the code has more than {CODE_CHARS:,} characters.")
        else:
            code += len(source) if is_code else 0
            clean = source.encode("utf-8", "replace").decode("utf-8") if _has_surrogates(source) else source
            if clean != source:
                notes.append(f"Cell {number} holds characters that are no text: replaced by question marks.")
            kind = raw.get("cell_type")
            kept, unkept = pictures.take(raw.get("attachments") if kind == "markdown" else None)
            found.append(_Cell(str(kind), clean, _grade_id(raw), _text(raw.get("id")), pasted=kept, unkept=unkept))
    return found


def _has_surrogates(text: str) -> bool:
    return bool(re.search("[\ud800-\udfff]", text))


def _text(value) -> str:
    return value if isinstance(value, str) and len(value) <= 200 else ""


def _source(raw) -> str | None:
    """A cell's text with line feeds as line ends; None if it has none."""
    if not isinstance(raw, dict) or raw.get("cell_type") not in ("code", "markdown", "raw"):
        return None
    source = raw.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    return source.replace("\r\n", "\n") if isinstance(source, str) else None


def _grade_id(raw: dict) -> str:
    """nbgrader's name of a cell. Some editors move it down (older VS Code: metadata.custom.metadata)."""
    metadata = raw.get("metadata")
    for _ in range(4):
        if not isinstance(metadata, dict):
            return ""
        options = metadata.get("nbgrader")
        if isinstance(options, dict):
            return _text(options.get("grade_id"))
        metadata = metadata.get("custom", metadata.get("metadata"))
    return ""


# -- from cells to a submission ----------------------------------------------------------------------------------------


def parse(data: bytes, plan: Plan, student: str, notes: Iterable[str] = ()) -> Submission:
    """What the student wrote, taken from a notebook's bytes; a pure function. notes: remarks to begin with.

    Raises
    ------
    GraderError
        If the bytes are no notebook.
    """
    return _matched(data, plan, student, list(notes))[0]


def whole(
    data: bytes, plan: Plan, student: str, notes: Iterable[str] = ()
) -> tuple[Submission, tuple[Added, ...], dict]:
    """What `parse` and `prose` give, read once; and the pictures pasted into Markdown cells, by the answer's name or
    the number of the prose ("text 1" is the first): name of the picture -> {type: base64}.
    """
    return _matched(data, plan, student, list(notes))


def prose(data: bytes, plan: Plan) -> tuple[Added, ...]:
    """Markdown cells of the student's own, for a person to read (nbgrader's tasks are answered in such cells)."""
    return _matched(data, plan, "", [])[1]


def _matched(data: bytes, plan: Plan, student: str, notes: list[str]) -> tuple[Submission, tuple[Added, ...], dict]:
    cells = _cells(_load(data, notes), notes)
    _match(cells, plan, notes)
    _one_each(cells, plan, notes)
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


def _add(cell: _Cell, last: int, added: list, prose: list, pasted: dict, notes: list[str]) -> None:
    if not cell.source.strip():
        return
    if cell.kind == "code":
        added.append(Added(last, cell.source))
    elif cell.kind == "markdown":
        prose.append(Added(last, cell.source))
        _paste(cell, f"text {len(prose)}", "of the student's own", pasted, notes)
    else:
        notes.append(f"A raw cell ({show(cell.source[:40])}) was left out: it is neither code nor text.")


def _paste(cell: _Cell, key: str, called: str, pasted: dict, notes: list[str]) -> None:
    """Keep the pictures of a cell that is kept, and say how many are not."""
    if cell.pasted:
        pasted[key] = cell.pasted
    if cell.unkept:
        notes.append(
            f"{cell.unkept} of the files pasted into the cell {called} are not shown: only PNG and JPEG pictures are, "
            f"{MOST_PASTED[0]} in a notebook, up to {LARGEST_IMAGE[0] >> 20} MB each. Look into the submission."
        )


def _note_type(cell: _Cell, planned, notes: list[str]) -> None:
    if cell.kind != planned.cell_type:
        notes.append(
            f"The answer cell {planned.name} was turned into a {cell.kind} cell: it is read as {planned.cell_type}."
        )


def _note_order(cells: list[_Cell], plan: Plan, notes: list[str]) -> None:
    places = [cell.place for cell in cells if cell.place is not None and plan.cells[cell.place].name]
    if places != sorted(places):
        early = next(b for a, b in zip(places, places[1:], strict=False) if b < a)
        notes.append(f"Cells were moved ({plan.cells[early].name} and perhaps others): the course's own order is used.")


def _note_missing(cells: list[_Cell], plan: Plan, notes: list[str]) -> None:
    there = {cell.place for cell in cells}
    for place, planned in enumerate(plan.cells):
        if place in there or not planned.name:
            continue
        if planned.kind in ("answer", "manual"):
            notes.append(f"The answer cell {planned.name} is missing.")
        elif planned.kind in ("test", "setup"):
            notes.append(f"The cell {planned.name} was deleted: the course's own is used.")


def _join_pieces(added: list[Added], cells: list[_Cell], plan: Plan, answers: dict[str, str]) -> list[Added]:
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


# -- which cell is which -----------------------------------------------------------------------------------------------


def _match(cells: list[_Cell], plan: Plan, notes: list[str]) -> None:
    """Give each cell its place in the plan: by grade_id, by cell id, by equal text, then by likeness."""
    named = {planned.name: place for place, planned in enumerate(plan.cells) if planned.name}
    for cell in cells:
        if cell.name:
            cell.place = named.get(cell.name)
            if cell.place is None:
                notes.append(f"A cell is named {show(cell.name)}, which this notebook does not have: taken as added.")
    free = _unused(cells, plan)
    ids = {plan.cells[place].cell_id: place for place in free if plan.cells[place].cell_id}
    for cell in cells:  # an id of ours on a cell of the same type; each id counts once
        place = ids.get(cell.cell_id)
        if cell.place is None and not cell.name and place is not None and cell.kind == plan.cells[place].cell_type:
            cell.place = ids.pop(cell.cell_id)
    _match_text(cells, plan)
    _match_defined(cells, plan, notes)
    _match_alike(cells, plan)


def _unused(cells: list[_Cell], plan: Plan) -> list[int]:
    used = {cell.place for cell in cells}
    return [place for place in range(len(plan.cells)) if place not in used]


def _match_text(cells: list[_Cell], plan: Plan) -> None:
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


def _match_defined(cells: list[_Cell], plan: Plan, notes: list[str]) -> None:
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
                f"The answer cell {planned.name} lost its name: the cell that defines {_listed(sorted(names))} counts."
            )


def _defined(source: str) -> set[str]:
    return set(re.findall(r"^(?:async def|def|class) +(\w+)", source, re.MULTILINE))


def _match_alike(cells: list[_Cell], plan: Plan) -> None:
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


def _one_each(cells: list[_Cell], plan: Plan, notes: list[str]) -> None:
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


def _at_its_place(copies: list[int], cells: list[_Cell], place: int) -> int:
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
