"""A cell's text without IPython's magics: line for line, and untouched where it is Python."""

import ast

import pytest

from course_grader.judging.magics import without_magics

pytestmark = pytest.mark.part("grader")
PLAIN = (
    "x = f(\n    1,  # why?\n    2,\n)",
    "x = (7\n    % 3)",
    'text = """\n%time\n!ls\nhelp?\n"""',
    "x = 1  # is it?\n\ny = 2",
    "",
)
MAGIC = {
    "%matplotlib inline\nx = 1": "pass\nx = 1",
    "%time y = f(x)": "y = f(x)",
    "%timeit -n 10 f(x)": "f(x)",
    "%timeit -n 10 -r3 f(x)": "f(x)",
    "if x:\n    %time y = 2": "if x:\n    y = 2",
    "%time this is no Python": "pass",
    "!ls\nfiles = !ls\na, b = %magic": "pass\nfiles = None\na, b = None",
    "np.floor?\n?f\nx = 1": "pass\npass\nx = 1",
    "\n%%time\n%%capture out\nx = 1": "\n\n\nx = 1",
    "%%bash\nls": "",
    "x = f(\n    1,  # why?\n    2)\n%time 1": "x = f(\n    1,  # why?\n    2)\n1",
}


@pytest.mark.parametrize("source", PLAIN)
def test_plain_python_is_left_as_it_is(source):
    assert without_magics(source) == source


@pytest.mark.parametrize("source", MAGIC)
def test_magics_are_taken_out(source):
    assert without_magics(source) == MAGIC[source]
    ast.parse(without_magics(source))
