"""Plans and released notebooks of the two units, made in memory by nbgrader's own steps (no gradebook needed)."""

from __future__ import annotations

import dataclasses
import functools
import json
import tempfile
from pathlib import Path

import nbformat

from course_author.units.unit import ROOT
from course_grader.contracts import Plan, PlanCell

from . import SMALL, course


@functools.cache
def source_notebook(unit: str):
    """The instructor's notebook."""
    if unit != SMALL:
        return nbformat.read(ROOT / "source" / unit / f"{unit}.ipynb", as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        made = course.make(Path(folder) / "course")
        return nbformat.read(made / "source" / unit / f"{unit}.ipynb", as_version=4)


@functools.cache
def released_notebook(unit: str):
    """What students get: nbgrader's steps of a release, without those that write into a gradebook."""
    from nbgrader.preprocessors import ClearHiddenTests, ClearOutput, ComputeChecksums, LockCells

    from course_author.units.preprocessors import NamedStubs, TagUnanswered

    notebook = nbformat.from_dict(json.loads(json.dumps(source_notebook(unit))))
    for step in (
        LockCells,
        NamedStubs,
        ClearOutput,
        ComputeChecksums,
        ClearHiddenTests,
        ComputeChecksums,
        TagUnanswered,
    ):
        notebook, _ = step().preprocess(notebook, {})
    return notebook


def plan_of(unit: str) -> Plan:
    source, released = source_notebook(unit).cells, released_notebook(unit).cells
    pairs = zip(source, released, strict=True)
    return Plan(unit, unit, tuple(_plan_cell(cell, theirs) for cell, theirs in pairs))


def _plan_cell(cell, theirs) -> PlanCell:
    options = cell.metadata.get("nbgrader", {})
    name, kind = options.get("grade_id", ""), _kind(cell, options)
    source = theirs.source if kind == "answer" else cell.source
    points = float(options.get("points", 0)) if options.get("grade") else 0.0
    return PlanCell(kind, name, source, theirs.source, cell.cell_type, cell.get("id", ""), points)


def _kind(cell, options) -> str:
    if cell.cell_type != "code":
        return "text"
    if options.get("solution"):
        return "answer"
    if options.get("grade"):
        return "test"
    return "setup" if options.get("locked") else "example"


def part(plan: Plan, released: dict, slugs: set[str]) -> tuple[Plan, dict]:
    """Plan and notebook without the tests of other exercises than `slugs`: as odd, and faster to grade."""
    names = {f"{slug}-{ending}" for slug in slugs for ending in ("check", "hidden")}
    out = {cell.name for cell in plan.cells if cell.kind == "test"} - names
    kept = [c for c in released["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") not in out]
    cells = tuple(cell for cell in plan.cells if cell.name not in out)
    return dataclasses.replace(plan, cells=cells), released | {"cells": kept}
