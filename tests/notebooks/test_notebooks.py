"""A blank release runs to its end in a real kernel, fails with nothing but its stubs, and earns no point.

That every notebook runs, blank and solved, is nbval's part of the session (course_author/proof/session.py).
"""

import logging

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbgrader.utils import determine_grade

from course_author.units.text import load_unit, unit_names
from course_author.units.unit import ROOT

UNITS = unit_names()


def hand_in_blank(unit, root=ROOT):
    """The release notebook as a student hands it in untouched, the hidden tests put back as autograde does."""
    notebook = nbformat.read(root / "release" / unit / f"{unit}.ipynb", as_version=4)
    read = load_unit(unit, root)
    hidden = {f"{exercise.slug}-hidden": exercise.hidden for exercise in read.exercises}
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = hidden.pop(grade_id, cell.source)
    assert not hidden, f"the release lacks {list(hidden)}"
    return notebook


def run(notebook, cwd):
    """Run all cells; an error in a cell that is not tagged raises-exception stops and raises."""
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(cwd)}}).execute()
    return notebook


def judge(notebook):
    """(faults, graded cells): a fault is an error that is no stub's, or a graded cell that earns points or passes."""
    faults, graded = [], 0
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", cell.source.split("\n")[0])
        errors = [output for output in cell.get("outputs", []) if output.output_type == "error"]
        for error in errors:
            if error.ename != "NotImplementedError" or "then delete this line" not in error.evalue:
                faults.append(f"{name}: {error.ename}: {error.evalue}")
        if cell.metadata.get("nbgrader", {}).get("grade"):
            graded += 1
            cell.metadata.nbgrader.setdefault("cell_type", "code")
            points, _ = determine_grade(cell, logging.getLogger(__name__))
            if points or not errors:
                faults.append(f"{name}: a blank answer earns {points} points" + ("" if errors else " and no error"))
    return faults, graded


@pytest.mark.parametrize("unit", UNITS)
def test_a_blank_release_ends_and_earns_nothing(unit, tmp_path):
    faults, graded = judge(run(hand_in_blank(unit), tmp_path))
    read = load_unit(unit)
    assert not faults, "\n".join(faults)
    assert graded == 2 * len(read.exercises) + len(read.warm_ups) > 0


@pytest.fixture
def blank(tiny):
    from course_author.units.release import release

    release("07_tiny", tiny)
    return hand_in_blank("07_tiny", tiny)


def cell_named(notebook, grade_id):
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def test_the_judgement_can_fail(blank, tmp_path):
    """A test that needs no answer, one that stumbles over something else, and an example that needs an answer."""
    assert judge(run(blank, tmp_path)) == ([], 2)
    cell_named(blank, "double-check").source = "assert True"
    cell_named(blank, "double-hidden").source = "double.nothing"
    assert judge(run(blank, tmp_path))[0] == [
        "double-check: a blank answer earns 1.0 points and no error",
        "double-hidden: AttributeError: 'function' object has no attribute 'nothing'",
    ]
    blank.cells.append(nbformat.v4.new_code_cell("double(3)"))
    with pytest.raises(CellExecutionError, match=r"Exercise 7\.1: write double, then delete this line"):
        run(blank, tmp_path)
