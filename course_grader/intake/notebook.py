"""From a notebook's bytes, which may hold anything, to its cells as the student saved them."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field

from ..contracts import GraderError
from ..words import listed
from .pictures import Pasted

CELLS = 5000
SOURCE_CHARS = 1_000_000  # of one cell
CODE_CHARS = 2_000_000  # of all code cells together: they are read outside the sandbox, and others wait meanwhile


@dataclass
class Cell:
    """One cell as the student saved it. place: of the plan's cell that it stands for, None while unknown."""

    kind: str
    source: str
    name: str
    cell_id: str
    place: int | None = None
    pasted: dict = field(default_factory=dict)  # pictures that were pasted into it: name -> {type: base64}
    unkept: int = 0  # how many others were


def load(data: bytes, notes: list[str]) -> dict:
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
        notes.append(f"The notebook says some things twice ({listed(doubled)}): the last one counts.")
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


def cells_of(notebook: dict, notes: list[str]) -> list[Cell]:
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
            found.append(Cell(str(kind), clean, _grade_id(raw), _text(raw.get("id")), pasted=kept, unkept=unkept))
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
