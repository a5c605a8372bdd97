"""Text to notebook, and back: `source/<unit>.py` <-> `source/<unit>/<unit>.ipynb`.

The notebook carries a stamp, a hash of its cells at the last build. So either side can be seen to have changed since,
and neither command overwrites work that is nowhere else.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import tempfile
from pathlib import Path

import jupytext
import nbformat
from jupytext.cell_metadata import _IGNORE_CELL_METADATA
from jupytext.combine import map_outputs_to_inputs
from jupytext.metadata_filter import filter_metadata

from .text import chosen_units, load_unit, read_text
from .unit import ROOT, UnitError

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
STAMP = "course_text"
HEADER = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

"""
# What JupyterLab writes into cells by itself, beside jupytext's own list; none of it is the author's.
LAB_METADATA = ("lines_to_next_cell", "editable", "deletable", "slideshow", "jp-MarkdownHeadingCollapsed", "vscode")
CELL_ID = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")


def notebook_path(unit: str, root=ROOT) -> Path:
    return Path(root) / "source" / unit / f"{unit}.ipynb"


def text_path(unit: str, root=ROOT) -> Path:
    return Path(root) / "source" / f"{unit}.py"


def from_text(unit: str, root=ROOT):
    """The notebook that the text describes, with the ids of the notebook that is there (what `--update` keeps)."""
    cells = read_text(text_path(unit, root)).cells
    path = notebook_path(unit, root)
    old = read_notebook(path).cells if path.exists() else []
    return nbformat.from_dict(
        {
            "cells": _with_ids(cells, old),
            "metadata": {**METADATA, STAMP: stamp(cells)},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )


def read_notebook(path: Path):
    """A notebook from disk; one that is damaged is a `UnitError`."""
    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, AttributeError, KeyError) as error:
        raise UnitError(
            f"{path} is not a readable notebook ({type(error).__name__}): delete it and build again, "
            "or restore it from git."
        ) from error


def stamp(cells) -> str:
    """Hash of what an author writes in the cells: type, text and metadata."""
    told = [[cell.cell_type, cell.source.rstrip("\n"), _authored(cell)] for cell in cells]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _authored(cell) -> dict:
    kept = dict(filter_metadata(dict(cell.metadata), None, _IGNORE_CELL_METADATA))
    return {key: value for key, value in kept.items() if key not in LAB_METADATA}


def _with_ids(cells, old) -> list:
    """Clean copies of `cells`; each has its grade_id as id, or the id of its old self, or a hash of its content."""
    matches = map_outputs_to_inputs(cells, old) if old else [None] * len(cells)
    named = [cell.metadata.get("nbgrader", {}).get("grade_id", "") for cell in cells]
    taken = {name for name in named if CELL_ID.match(name)}
    clean = []
    for cell, match, name in zip(cells, matches, named, strict=True):
        source = cell.source.rstrip("\n")
        identity = name if name in taken else old[match].get("id", "") if match is not None else ""
        if identity != name and (identity in taken or not CELL_ID.match(identity)):
            identity = ""
        copies = 0
        while not identity:
            digest = hashlib.sha256(f"{cell.cell_type}{copies}{source}".encode()).hexdigest()[:8]
            identity, copies = ("" if digest in taken else digest), copies + 1
        taken.add(identity)
        made = {"cell_type": cell.cell_type, "id": identity, "metadata": _authored(cell), "source": source}
        clean.append(made | ({"outputs": [], "execution_count": None} if cell.cell_type == "code" else {}))
    return clean


def as_bytes(notebook) -> bytes:
    return (nbformat.writes(notebook).rstrip("\n") + "\n").encode()


def write(path: Path, content: bytes) -> bool:
    """Write the file whole or not at all; False if it held that already."""
    if path.exists() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(temporary).chmod(0o644)
    Path(temporary).replace(path)
    return True


def keep(root, path: Path, content: bytes | None = None) -> None:
    """Put a copy of what is about to be overwritten into kept/, a folder of `root` that git ignores.

    Its name carries a hash of the content, so that one copy never replaces another.
    """
    content = path.read_bytes() if content is None else content
    name = path.relative_to(root)
    digest = hashlib.sha256(content).hexdigest()[:8]
    write(Path(root) / "kept" / ".gitignore", b"*\n")
    write(Path(root) / "kept" / name.with_name(f"{name.stem}-{digest}{name.suffix}"), content)


def build(unit: str, root=ROOT, force=False) -> bool:
    """Write the unit's notebook; True if it changed. Refuses to overwrite a notebook edited by hand."""
    load_unit(unit, root)
    path = notebook_path(unit, root)
    made = from_text(unit, root)
    if path.exists():
        old = read_notebook(path)
        now = stamp(old.cells)
        if now not in (old.metadata.get(STAMP), made.metadata[STAMP]):
            _both_or_one(unit, text_changed=made.metadata[STAMP] != old.metadata.get(STAMP), force=force)
            keep(root, path)
    return write(path, as_bytes(made))


def _both_or_one(unit, text_changed, force):
    """Say whose work would be lost, and how to go on."""
    command = "python -m course_author"
    drop = f"`{command} build {unit} --force` to take the text (a copy of the notebook stays in kept/)"
    if force:
        return
    if text_changed:
        raise UnitError(
            f"Both source/{unit}.py and its notebook were edited since the last build: run "
            f"`{command} text {unit} --force` to take the notebook (a copy of the text stays in kept/), or {drop}."
        )
    raise UnitError(
        f"source/{unit}/{unit}.ipynb was edited in JupyterLab: run `{command} text {unit}` to take the edit "
        f"into the text, or {drop}."
    )


def to_text(unit: str, root=ROOT) -> str:
    """The text that the unit's notebook describes, with the header, spacing and key order of the text that is there."""
    notebook = read_notebook(notebook_path(unit, root))
    path = text_path(unit, root)
    before = path.read_text(encoding="utf-8") if path.exists() else HEADER
    old = jupytext.reads(before, fmt="py:percent").cells if path.exists() else []
    matches = map_outputs_to_inputs(notebook.cells, old) if old else [None] * len(notebook.cells)
    cells = []
    for number, (cell, match) in enumerate(zip(notebook.cells, matches, strict=True), 1):
        if cell.get("attachments"):
            raise UnitError(
                f"Cell {number} of source/{unit}/{unit}.ipynb holds a pasted picture, which text cannot carry: "
                "save the picture as a file in course_utils, or draw it in a cell."
            )
        metadata = _authored(cell)
        if match is not None:
            former = old[match].metadata
            metadata = {key: metadata[key] for key in former if key in metadata} | metadata
            metadata = former if _authored(old[match]) == _authored(cell) else metadata
        make = {"code": nbformat.v4.new_code_cell, "raw": nbformat.v4.new_raw_cell}
        made = make.get(cell.cell_type, nbformat.v4.new_markdown_cell)(cell.source.rstrip("\n"))
        made.metadata = nbformat.from_dict(metadata)
        cells.append(made)
    plain = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": METADATA["kernelspec"]})
    plain.metadata["jupytext"] = {"cell_metadata_filter": "all,-lines_to_next_cell", "notebook_metadata_filter": "-all"}
    body = jupytext.writes(plain, fmt="py:percent")
    return _header(before) + body[len(_header(body)) :].lstrip("\n")


def _header(text: str) -> str:
    """The `# ---` … `# ---` block at the top, with the blank lines after it; "" if there is none."""
    found = re.match(r"# ---\n(#.*\n)*?# ---\n\n*", text)
    return found[0] if found else ""


def take(unit: str, root=ROOT, force=False) -> str:
    """Bring the notebook's edits into the text; the sentence says what happened. Refuses if both sides changed."""
    path, notebook = text_path(unit, root), read_notebook(notebook_path(unit, root))
    base, theirs = notebook.metadata.get(STAMP), stamp(notebook.cells)
    ours = stamp(read_text(path).cells) if path.exists() else None
    if theirs == ours:
        return f"source/{unit}.py already says what the notebook says"
    if theirs == base and not force:
        return f"{unit}: the notebook has no edit of its own; `python -m course_author build` brings the text into it"
    if ours is not None and ours != base:
        _both_or_one(unit, text_changed=True, force=force)
        keep(root, path)
    write(path, to_text(unit, root).encode())
    load_unit(unit, root)  # the text is saved in any case; what could not be released is said now
    build(unit, root, force=True)
    return f"source/{unit}.py now says what the notebook says"


def add_arguments(parser):
    parser.add_argument("units", nargs="*", metavar="UNIT", help="default: all")
    parser.add_argument("--force", action="store_true", help="overwrite what was edited by hand (a copy is kept)")


def main(argv) -> int:
    """`python -m course_author build`."""
    parser = argparse.ArgumentParser(
        prog="course_author build", description="Write each unit's notebook from its text."
    )
    add_arguments(parser)
    args = parser.parse_args(argv)
    for unit in chosen_units(args.units):
        changed = build(unit, force=args.force)
        print(f"{unit}: {'written' if changed else 'up to date'}")
    return 0


def main_text(argv) -> int:
    """`python -m course_author text`."""
    parser = argparse.ArgumentParser(
        prog="course_author text", description="Take edits made in JupyterLab into the text."
    )
    add_arguments(parser)
    args = parser.parse_args(argv)
    for unit in chosen_units(args.units):
        print(take(unit, force=args.force))
    return 0
