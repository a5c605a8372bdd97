"""The IPython shell of a student's cells: what is Python already goes in as it is, the rest IPython's way."""

import pytest
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell

from course_author.proof.bank import read_bank
from course_author.units.text import chosen_units, load_unit
from course_author.units.unit import ROOT, graded
from course_grader.judging import shell

pytestmark = pytest.mark.part("grader")

CELLS = [
    "", "...", "x = 1\n...\n", "'''\n%time\n'''", "x = '?'  # ?", "a = 7\nb = 2\na %b", "x \\\n %b", "#%%\nx = 1",
    "await x", "x = 1;",
    # From here on it is for IPython to say.
    "'''\n>>> f(1)\n'''\n", "\n\nx = 1", "  x = 1\n  y = 2", "%matplotlib inline\nx = 1", "!ls", "x = !ls", "f?",
    ">>> x = 1\n>>> y = 2", "In [1]: x = 1", "%%time\nx = 1", "x = = 1", "\tx = 1", "\x00",
]  # fmt: skip


@pytest.fixture
def transform():
    """The shell's own way from a cell's text to Python."""
    before = InteractiveShell._instance
    InteractiveShell.clear_instance()
    made = shell.make_shell()
    yield made.transform_cell
    type(made).clear_instance()
    InteractiveShell._instance = before


def test_a_cell_becomes_what_ipython_makes_of_it(transform, monkeypatch):
    banks = [
        answer.source
        for name in chosen_units([], ROOT)
        for exercise in graded(load_unit(name, ROOT))
        for answer in read_bank(name, exercise.slug, ROOT)
    ]
    assert len(banks) > 400
    for source in CELLS + banks:
        assert transform(source) == TransformerManager().transform_cell(source), source
    monkeypatch.setattr(InteractiveShell, "transform_cell", lambda self, raw_cell: "IPython's")
    asked = [source for source in CELLS if transform(source) == "IPython's"]
    assert asked == CELLS[10:], "what is Python already is not sent through it"
