"""What `submit` says of answer cells without running them."""

import ast
import subprocess
import sys
import warnings

import pytest
from IPython.core.inputtransformer2 import TransformerManager
from zips import SLUGS, STUB, cell, notebook

from course_author.units.unit import ROOT
from course_utils import answer_cells
from course_utils.workbook import read_notebook, released_units

ANSWER = "def answer(x):\n    return x"


def faults(source, released=STUB, **more):
    """The lines about one answer, of a notebook whose other answer is fine."""
    mine = notebook({"softmax": source, "forward": ANSWER})
    for one in mine["cells"]:
        if one["metadata"].get("nbgrader", {}).get("grade_id") == "softmax":
            one.update(more)
    found = answer_cells.to_mend(mine, notebook({"softmax": released, "forward": STUB}))
    assert all(line.startswith(f"{SLUGS['softmax']}: ") and "\n" not in line for line in found)
    return [line.split(": ", 1)[1] for line in found]


# ---- unanswered


@pytest.mark.parametrize(
    ("answer", "open_"),
    [
        ("def answer(x):\n    return x", False),
        ("# raise NotImplementedError was here\ndef answer(x):\n    return x", False),
        (STUB, True),
        (STUB + "   \n\n", True),  # only blanks changed
        ("def answer(x):\n    y = 2 * x\n    raise NotImplementedError\n    return y", True),  # left in after an answer
    ],
)
def test_what_counts_as_unanswered(answer, open_):
    found = answer_cells.unanswered(notebook({"softmax": answer, "forward": ANSWER}), notebook())
    assert found == ([SLUGS["softmax"]] if open_ else [])
    assert faults(answer) == []


def test_an_answer_cell_without_a_stub_counts_by_its_text():
    """A question in words: nothing raises, so the cell is unanswered as long as it reads as released."""
    asked = "Why does it work?  \n\nYour answer here."
    released, mine = (
        notebook({"softmax": asked, "forward": "x = 1"}),
        notebook({"softmax": asked + "\n", "forward": "x = 2"}),
    )
    assert answer_cells.unanswered(mine, released) == [SLUGS["softmax"]]


# ---- of another type


@pytest.mark.parametrize("kind", ["markdown", "raw"])
def test_a_cell_that_is_no_code_any_more(kind):
    (fault,) = faults(ANSWER, cell_type=kind)
    assert fault == f"its answer cell was turned into {kind}, so it does not run; click it, press Esc, then Y."
    mine = notebook({"softmax": STUB, "forward": ANSWER})
    next(one for one in mine["cells"] if one["metadata"].get("nbgrader", {}).get("solution"))["cell_type"] = kind
    assert answer_cells.unanswered(mine, notebook()) == []  # it is named once, with what to do first


def test_a_text_that_became_code():
    released = {"cells": [cell("Why?", "why", "markdown", solution=True, locked=False)]}
    mine = {"cells": [cell("Because.", "why", "code", solution=True, locked=False)]}
    (fault,) = answer_cells.to_mend(mine, released)
    assert fault == "why: its answer cell was turned into code, so it does not run; click it, press Esc, then M."
    mine["cells"][0]["cell_type"] = "markdown"
    assert answer_cells.to_mend(mine, released) == []


# ---- no Python

BROKEN = {  # source: (kind, line, words)
    "def answer(x):\n    y = (x\n    return y": ("SyntaxError", 2, "'(' was never closed"),
    "def answer(x)\n    return x": ("SyntaxError", 1, "expected ':'"),
    "x = 1\n\n\ndef answer(x):\nreturn x": ("IndentationError", 5, "expected an indented block"),
    "def answer(x):\n    return 'x": ("SyntaxError", 2, "unterminated string literal"),
    "%time y = 1\ndef answer(x):\n    return x +": ("SyntaxError", 3, "invalid syntax"),
    "return 1": ("SyntaxError", 1, "'return' outside function"),
    "!ls\n!pip list\nx = = 1": ("SyntaxError", 3, "invalid syntax"),
    "%%time\ndef answer(x):\n    return x)": ("SyntaxError", 3, "unmatched ')'"),
}


@pytest.mark.parametrize("source", BROKEN)
def test_a_syntax_error_has_its_line_and_pythons_words(source):
    kind, line, words = BROKEN[source]
    (fault,) = faults(source)
    assert fault.startswith(f"{kind} in line {line} of its answer cell ({words}")
    assert fault.endswith("; mend that line.")


IPYTHON = [
    "%matplotlib inline\ndef answer(x):\n    return x",
    "def answer(x):\n    %time y = x\n    return y",
    "!pip list\ndef answer(x):\n    return x",
    "files = !ls\ndef answer(x):\n    return files",
    "spent = %timeit -o sum([1])\ndef answer(x):\n    return x",
    "def answer(x):\n    return x\nanswer?",
    "answer??\n?answer\ndef answer(x):\n    return x",
    "%%time\ndef answer(x):\n    return x",
    "\n%%capture out\ndef answer(x):\n    return x",
    ">>> def answer(x):\n...     return x",
    "In [3]: def answer(x):\n   ...:     return x",
    "    def answer(x):\n        return x",
    "!echo one \\\n  two\ndef answer(x):\n    return x",
    "import asyncio\nawait asyncio.sleep(0)\ndef answer(x):\n    return x",
    "def answer(x):\n    return (x\n            % 3)",
    'def answer(x):\n    """100\n    % of it, and !"""\n    return x',
    "def answer(x):\n    if x:\n        !ls\n    else:\n        %time 1\n    return x",
]


@pytest.mark.parametrize("source", [*IPYTHON, *BROKEN])
def test_ipython_says_the_same(source):
    """Held against IPython itself, which may be missing where `submit` runs."""
    plain = TransformerManager().transform_cell(source)
    try:
        ast.parse(plain)
        compile(plain, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        # what a cell magic runs is a text to Python: look into it as well
        right = not plain.startswith("get_ipython().run_cell_magic") or source not in BROKEN
    except SyntaxError:
        right = False
    assert right is (source in IPYTHON)
    assert (answer_cells.syntax_problem(source) is None) is right
    assert (faults(source) == []) is right


HOSTILE = {
    "minus signs": "-" * 10**6 + "1",
    "brackets": "(" * 10**6,
    "a sum": "1" + " + x" * 10**5,
    "calls": "a" + ".b()" * 10**5,
    "not": "not " * 10**5 + "1",
    "nested blocks": "".join(" " * depth + "if 1:\n" for depth in range(3000)),
    "elif": "if x: pass\n" + "elif x: pass\n" * 10**5,
    "a null byte": "x = 'a\0b'",
    "half a letter": "x = '\ud800'",
    "a long number": "x = " + "9" * 10**5,
    "with": "with " + ",".join(["a"] * 10**5) + ": pass",
    "control characters": "x = 1 \x1b[2K\r\x07 = 2",
    "only magics": "%time\n" * 10**5 + ")",
    "percent signs": "%" * 10**6,
    "spaces": " " * 10**6 + "x = = 1",
    "names": "a" * 10**6 + "?" * 3,
    "dots and commas": "a, " * 10**5 + "!",
    "blank lines": "\n" * 10**6 + "x = = 1",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_no_cell_stops_it(case):
    """Whatever Python or its tree cannot take is a line of one sentence, or no line at all if it runs."""
    assert answer_cells.unanswered(notebook({"softmax": HOSTILE[case], "forward": ANSWER}), notebook()) == []
    assert len(faults(HOSTILE[case])) <= 1
    for fault in faults(HOSTILE[case]):
        assert fault.isprintable() and len(fault) < 400


def test_too_deep_for_python_is_said():
    (fault,) = faults(HOSTILE["minus signs"])
    assert fault.startswith("Python cannot read its answer cell (") and fault.endswith("; write it anew, more simply.")


def test_pythons_own_warnings_stay_out_of_sight():
    source = "def answer(x):\n    return '\\d' if x is 1 else x"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert faults(source) == []
    code = f"from course_utils import answer_cells; answer_cells.syntax_problem({source!r})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_nothing_is_run():
    assert faults("raise SystemExit\n1 / 0\nopen('/nowhere')") == []


# ---- emptied

SEVERAL = '''\
class Node:
    """A number."""

    def __init__(self, value):
        # YOUR CODE HERE
        raise NotImplementedError("write Node.__init__, then delete this line")

    def name(self):
        return "node"


def train(x):
    """Several steps."""
    steps = []
    for _ in range(3):
        # YOUR CODE HERE
        raise NotImplementedError("write train, then delete this line")
    return steps
'''
WRITTEN = SEVERAL.replace(
    'raise NotImplementedError("write Node.__init__, then delete this line")', "self.value = value"
)
WRITTEN = WRITTEN.replace('raise NotImplementedError("write train, then delete this line")', "steps.append(x)")
WRITE = "; write your answer there."


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("", "its answer cell is empty; write your answer into it."),
        (" \n\t\n", "its answer cell is empty; write your answer into it."),
        ("# later", "its answer cell holds no Python code; write your answer into it."),
        ('"""Later."""\n...\npass', "its answer cell holds no Python code; write your answer into it."),
        ("%%bash\nls", "its answer cell holds no Python code; write your answer into it."),
        ("def answer(x):\n    pass", f"nothing is left in answer{WRITE}"),
        ("def answer(x):\n    ...", f"nothing is left in answer{WRITE}"),
        ('def answer(x):\n    """Doc."""', f"nothing is left in answer{WRITE}"),
        ("%time 1\ndef answer(x):\n    # soon\n    pass", f"nothing is left in answer{WRITE}"),
        ("import numpy\ndef answer(x):\n    pass", f"nothing is left in answer{WRITE}"),
    ],
)
def test_an_emptied_answer(source, says):
    assert faults(source) == [says]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        (WRITTEN, ""),
        (WRITTEN.replace("self.value = value", "pass"), "Node.__init__"),
        (WRITTEN.replace("steps.append(x)", ""), "train"),
        (WRITTEN.replace("steps.append(x)", "pass").replace("self.value = value", "..."), "Node.__init__ and train"),
        (WRITTEN.replace("steps.append(x)", "raise NotImplementedError"), ""),  # unanswered, and said there
        (WRITTEN.replace('return "node"', "pass"), ""),  # no stub stood there
        (WRITTEN.replace("steps.append(x)", "pass") + "\n\ndef train(x):\n    return [x]", ""),  # the lower one counts
    ],
)
def test_each_emptied_function_is_named(source, names):
    if names == "train":
        source = source.replace("        # YOUR CODE HERE\n        \n", "        pass\n")
    assert faults(source, SEVERAL) == ([f"nothing is left in {names}{WRITE}"] if names else [])


def test_released_stubs_are_unanswered_and_nothing_else_and_emptied_ones_are_named():
    """Every answer cell of the course: as released, and with its stubs deleted line by line."""
    seen = 0
    for unit in released_units(ROOT):
        released = read_notebook((ROOT / "release" / unit / f"{unit}.ipynb").read_bytes())
        answers = [one for one in released["cells"] if answer_cells.is_answer(one)]
        assert len(answer_cells.unanswered(released, released)) == len(answers)
        assert answer_cells.to_mend(released, released) == []
        mine = read_notebook((ROOT / "release" / unit / f"{unit}.ipynb").read_bytes())
        for one in filter(answer_cells.is_answer, mine["cells"]):
            one["source"] = "".join(one["source"]).replace("raise NotImplementedError", "pass  # ")
        assert answer_cells.unanswered(mine, released) == []
        assert len(answer_cells.to_mend(mine, released)) == len(answers)
        seen += len(answers)
    assert seen > 25


def test_the_courses_own_solutions_have_no_fault():
    for unit in released_units(ROOT):
        released = read_notebook((ROOT / "release" / unit / f"{unit}.ipynb").read_bytes())
        solved = read_notebook((ROOT / "source" / unit / f"{unit}.ipynb").read_bytes())
        assert answer_cells.to_mend(solved, released) == answer_cells.unanswered(solved, released) == []
