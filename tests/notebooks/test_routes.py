"""Each route through the course runs for a student with that route's units alone, and explains its own words.

The solved notebooks run here, in fresh kernels, in a folder with the units of the route alone; nbval runs the released
ones (course_author/proof/session.py).
"""

import os
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from course_author.units.reading_time import ROUTES, prose
from course_author.units.text import load_unit, unit_names
from course_author.units.unit import ROOT

pytestmark = pytest.mark.part("notebooks")
UNITS = {int(name[:2]): name for name in unit_names()}
REAL_MNIST = "THE REAL MNIST IS NOT TESTED: set COURSE_MNIST_DIR to the folder with its four .gz files"


def workbook(folder, route):
    """A student's folder with the solved notebooks of a route, "start here" among them, and nothing else."""
    for chapter in (0, *ROUTES[route][0]):
        shutil.copytree(ROOT / "source" / UNITS[chapter], folder / UNITS[chapter])
    return folder


def run(folder, unit, **environment):
    """Run a unit's notebook from the top in a fresh kernel; an error in any cell raises."""
    path = folder / unit / f"{unit}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(path.parent)}})
    client.execute(env=os.environ | environment)
    return notebook


def printed(notebook):
    return "".join(o.text for cell in notebook.cells for o in cell.get("outputs", []) if o.output_type == "stream")


class TestImplementationRoute:
    """1-2-5, in a process of its own when tests run side by side."""

    @pytest.mark.parametrize("chapter", (0, *ROUTES["implementation"][0]))
    def test_it_runs_without_the_other_chapters(self, chapter, tmp_path):
        notebook = run(workbook(tmp_path, "implementation"), UNITS[chapter])
        assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code" and cell.source)
        if chapter == 5:
            assert "digits: (1433, 28, 28) uint8" in printed(notebook)


class TestTheoryRoute:
    """1-2-3-4; chapters 1 and 2 are run on the other route."""

    @pytest.mark.parametrize("chapter", (3, 4))
    def test_it_runs_without_the_other_chapters(self, chapter, tmp_path):
        run(workbook(tmp_path, "theory"), UNITS[chapter])


class TestRealMnist:
    """Chapter 5 once on the real MNIST, an epoch for each network."""

    def test_chapter_5_runs_on_the_real_mnist(self, tmp_path):
        folder = Path(os.environ.get("COURSE_MNIST_DIR") or ROOT.parent / "shared" / "data" / "mnist")
        if not folder.is_dir():
            pytest.skip(REAL_MNIST)
        place = workbook(tmp_path, "implementation")
        told = printed(run(place, UNITS[5], COURSE_MNIST_DIR=str(folder), COURSE_FAST="1"))
        assert "mnist: (60000, 28, 28) uint8, from 0 to 255" in told
        share = re.search(r"(\d\d\.\d\d)% of the test images right", told)
        assert float(share[1]) > 97, told


def test_a_broken_notebook_fails(tmp_path):
    place = workbook(tmp_path, "implementation")
    path = place / UNITS[0] / f"{UNITS[0]}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("from chapter_3 import anything"))
    nbformat.write(notebook, path)
    with pytest.raises(CellExecutionError, match="chapter_3"):
        run(place, UNITS[0])


# -- words -------------------------------------------------------------------------------------------------------------


def text_of(unit):
    return "\n".join(cell.source for cell in unit.cells if cell.cell_type == "markdown")


def words_of(unit):
    """The list "Words of this chapter", a word with its other form in brackets as one entry."""
    found = re.search(r"\*\*Words of this chapter:\*\* (.+?)\.\n", text_of(unit))
    return [word.strip() for word in found[1].split(", ")] if found else []


def form(entry):
    """How a word of the list is used: "dense (fully connected) layer" as "dense layer"."""
    return re.sub(r" *\(.*?\)", "", entry).strip()


def unexplained(unit, skipped):
    """Words that only the skipped units explain and this one uses, without explaining them (in bold) at first use."""
    text = prose(text_of(unit).split("## What to keep")[0])
    found = []
    for word in map(re.escape, map(form, skipped)):
        use = re.search(rf"(?<![\w-]){word}(?!\w)", text, re.IGNORECASE)
        if use and not re.search(rf"\*\*[^*]*{word}[^*]*\*\*", text[: use.end() + 40], re.IGNORECASE):
            found.append(use[0])
    return found


def test_the_implementation_route_uses_no_word_of_the_chapters_that_it_skips():
    known = {word for chapter in (1, 2) for word in words_of(load_unit(UNITS[chapter]))}
    skipped = [word for chapter in (3, 4) for word in words_of(load_unit(UNITS[chapter])) if word not in known]
    assert len(skipped) > 30
    assert unexplained(load_unit(UNITS[5]), skipped) == []


def test_a_word_that_nobody_explained_is_found():
    unit = load_unit(UNITS[5])
    cell = next(cell for cell in unit.cells if cell.source.startswith("## 5.2 Look first"))
    cell.source += "\nThe condition number is large."
    assert unexplained(unit, ["condition number", "backpropagation"]) == ["condition number"]
    cell.source += " A **condition number** is a quotient."
    assert unexplained(unit, ["condition number"]) == []


def test_each_word_of_the_last_chapters_list_is_explained_there_in_bold():
    unit = load_unit(UNITS[5])
    bold = " ".join(re.findall(r"\*\*(.+?)\*\*", text_of(unit))).lower()
    assert len(words_of(unit)) > 20
    assert [word for word in words_of(unit) if form(word).lower() not in bold] == []
