"""The lint of test cells: each rule rejects its fault, on its line, and leaves the cure that it names alone."""

import re

import pytest

from course_author.units.build import build
from course_author.units.text import load_unit, unit_names
from course_author.units.unit import ROOT
from course_grader.contracts import Plan, PlanCell
from course_grader.lint.lint import lint, lint_cells, main
from course_grader.lint.rules import SAY

pytestmark = pytest.mark.part("grader")

SETUP = """\
import contextlib, io, os.path, random, time, warnings
from pathlib import Path
import numpy as np
import torch
from torch import nn
from course_utils import check, data"""
ANSWER = """\
def f(x, other=None):
    raise NotImplementedError("write f")

class Box:
    def __init__(self, data):
        raise NotImplementedError("write Box")

class Empty(ValueError):
    pass"""
END = 'check.hidden.close(f(1.0), 2.0, what="f(1)")'
PROBE = "@check.student_side\ndef probe(f, x):\n"
RULES = {  # kind of fault, and case: (a bad cell, with its bad line marked <-, and a good one)
    "type: of a result": ("got = f(1)\nassert isinstance(got, float)  # <-", "assert check.kind(f(1)) == 'float'"),
    "type: of the answer": ("assert callable(f)  # <-", "assert callable(np.sin)"),
    "type: an attribute": ("assert f(1).__class__ == float  # <-", "assert f(1).shape == ()"),
    "type: through unpacking": (
        "a, (b, c) = 3, f(1)\nassert type(b) == int  # <-",
        "a, (b, c) = 3, f(1)\nassert type(a) == int",
    ),
    "type: of an element in a loop": (
        "for want, got in zip([1], f(1)):\n    assert isinstance(got, int)  # <-",
        "for want, got in zip([1], f(1)):\n    assert isinstance(want, int)",
    ),
    "type: in a comprehension": (
        "assert all(isinstance(part, int) for part in f(1))  # <-",
        "assert all(isinstance(part, int) for part in [1])",
    ),
    "type: through a function's argument": (
        "def same(a):\n    assert isinstance(a, float)  # <-\nsame(f(1))",
        "def same(a):\n    assert isinstance(a, float)\nsame(1.0)",
    ),
    "type: through what a function returns": (
        "def call():\n    return f(1)\nassert isinstance(call(), float)  # <-",
        "def call():\n    return 1.0\nassert isinstance(call(), float) and f(1)",
    ),
    "type: of a stub without names": ("assert isinstance(total, float)  # <-", "assert total == 3"),
    "same: is": ("x = [1]\nassert f(x) is not x  # <-", "assert f([1]) is None"),
    "same: id": ("assert id(f(1))  # <-", "assert id(np.pi) and f(1)"),
    "same: memory": ("x = np.ones(3)\nassert not np.shares_memory(f(x), x)  # <-", "assert f(1) == np.ones(3).size"),
    "same: memory after NumPy's hands": (
        "x = np.ones(3)\nassert not np.may_share_memory(x, np.asarray(f(x)))  # <-",
        "x = np.ones(3)\nassert np.array_equal(x, np.asarray(f(x)))",
    ),
    "same: a base": ("assert f(np.ones(2)).base is None  # <-", "assert f(np.ones(2)).sum() == 2"),
    "same: of evidence": (
        PROBE + "    return [f(x)]\nx = [1]\nassert probe(f, x)[0] is not x  # <-",
        PROBE + "    return [f(x)]\nassert isinstance(probe(f, 1), list)",
    ),
    "compared: two objects": ("assert Box(1) == Box(1)  # <-", "assert Box(1).data == f(1)"),
    "compared: an object and a number": ("box = Box(1)\nassert 0 < box  # <-", "box = Box(1)\nassert 0 < float(box)"),
    "autograd: backward": (
        "x = torch.ones(3, requires_grad=True)\nnn.functional.mse_loss(f(x), x).backward()  # <-\nassert x.grad",
        "x = torch.ones(3, requires_grad=True)\n(x * x).sum().backward()\nassert f(1) == x.grad.sum()",
    ),
    "autograd: grad": (
        "x = torch.ones(3, requires_grad=True)\nassert torch.autograd.grad(f(x).sum(), x)  # <-",
        "x = torch.ones(3, requires_grad=True)\nassert torch.autograd.grad((x * x).sum(), x)[0] == f(1)",
    ),
    "mode: errstate": (
        "with np.errstate(all='raise'):  # <-\n    got = f(1)\nassert got",
        "with np.errstate(all='ignore'):\n    want = np.log(0.0)\ngot = f(1)\nassert got.sum() == want",
    ),
    "mode: no_grad around a handle": (
        "box = f(1)\nwith torch.no_grad():  # <-\n    assert box(2)",
        "model = nn.Linear(2, 1)\nwith torch.no_grad():\n    want = model(torch.ones(2))\nassert f(1) == want",
    ),
    "mode: warnings, through a function": (
        "def run():\n    return f(1)\nwith warnings.catch_warnings():  # <-\n    assert run()",
        "def run():\n    return 1\nwith warnings.catch_warnings():\n    assert run()\nassert f(1)",
    ),
    "mode: a seed": (
        "np.random.seed(3)  # <-\nassert f(1)",
        "rng = np.random.default_rng(3)\nassert f(rng.normal())",
    ),
    "mode: a seed in a loop": (
        "for seed in range(3):\n    assert f(seed)\n    torch.manual_seed(seed)  # <-",
        "assert f(1)\nfor seed in range(3):\n    torch.manual_seed(seed)",
    ),
    "mode: a fixture": ("monkeypatch.setattr(np, 'exp', None)  # <-\nassert f(1)", "assert f(np.exp(1))"),
    "mode: imported by name": (
        "from numpy import errstate as quietly\nwith quietly(all='raise'):  # <-\n    got = f(1)\nassert got",
        "from numpy import exp as errstate\nassert f(errstate(1))",
    ),
    "printed: redirect": (
        "with contextlib.redirect_stdout(io.StringIO()):  # <-\n    assert f(1)",
        "with contextlib.redirect_stdout(io.StringIO()):\n    print(1)\nassert f(1)",
    ),
    "time: a clock": (
        "start = time.perf_counter()  # <-\nassert f(1)",
        "calls = []\nassert f(calls.append)",
    ),
    "files: open": ("assert f(1) == open('notes.txt').read()  # <-", "assert f(1) == io.StringIO('a').read()"),
    "files: by a module's module": ("assert os.path.exists('x') == f(1)  # <-", "assert os.path.join('x') == f(1)"),
    "files: NumPy": ("assert f(1) == np.load('values.npy')  # <-", "assert f(1) == np.load(io.BytesIO(b''))"),
    "files: a path": ("assert Path('x').read_text() == f(1)  # <-", "assert f(Path('x'))"),
    "patch: an attribute": ("np.exp = None  # <-\nassert f(1)", "box = Box(1)\nbox.data = 3\nassert f(1)"),
    "patch: the environment": ("os.environ['A'] = 'b'  # <-\nassert f(1)", "t = {}\nt['A'] = 'b'\nassert f(1)"),
    "rebound: an assignment": ("Box = None  # <-\nassert f(1)", "def use(Box):\n    f = Box\n    assert f\nuse(f)"),
    "rebound: a function": ("def f(x):  # <-\n    return x\nassert f", "def g(x):\n    return x\nassert f(1) == g(1)"),
    "argument: an object of the cell's class": (
        "class Spy:\n    pass\nspy = Spy()\nassert f([spy])  # <-",
        "class Spy:\n    value = 1\nspy = Spy()\nassert f(spy.value)",
    ),
    "argument: an object that is no function": (
        "class Spy:\n    def run(self):\n        pass\nassert f(Spy())  # <-",
        "class Spy:\n    def __call__(self):\n        pass\nassert f(Spy())",
    ),
    "argument: the cell's class": ("class Spy:\n    pass\nassert f(Spy)  # <-", "assert f(Box) and f(lambda x: x + 1)"),
    "same: what each gave is a copy": (
        "x = [1]\nassert check.each(f, [(x,)])[0] is not x  # <-",
        PROBE + "    return f(x)\nassert check.each(f, [(probe,)])[0] == 1",
    ),
    "argument: a network": (
        "assert f(nn.Linear(2, 1))  # <-",
        "assert f(nn.Parameter(torch.ones(2))) and f(nn.functional.relu(torch.ones(1)))",
    ),
    "argument: a part of torch's": ("assert f(1, other=nn.ReLU())  # <-", "assert f(1, other=nn.ReLU)"),
    "argument: a module": ("assert f(np)  # <-", "assert f(np.pi)"),
    "argument: an open file": (
        "stream = io.StringIO()\nassert f(stream)  # <-",
        "stream = io.StringIO()\nassert f(stream.getvalue())",
    ),
    "argument: an iterator": ("assert f(zip([1], [2]))  # <-", "assert f(list(zip([1], [2]))) and f(*map(int, '12'))"),
    "argument: a generator": ("assert f(x for x in [1])  # <-", "assert f([x for x in [1]])"),
    "argument: the cell's generator": (
        "def stream():\n    yield 1\nassert f(stream())  # <-",
        "def stream():\n    yield 1\nassert f(list(stream()))",
    ),
    "argument: to a probe": (
        PROBE + "    return f(x)\nassert probe(f, nn.Linear(2, 1))  # <-",
        PROBE + "    return f(nn.Linear(x, 1)).numpy()\nassert probe(f, 2)",
    ),
    "argument: to a method": ("box = Box(1)\nassert box.put(nn.ReLU())  # <-", "box = Box(1)\nassert box.put(1)"),
    "inherit: from an answer": ("class B(Box):  # <-\n    pass\nassert f(1)", "class B(dict):\n    pass\nassert f(1)"),
    "caught: in a handler": (
        "try:\n    f(1)\nexcept Empty:  # <-\n    pass\nassert f(2)",
        "try:\n    f(1)\nexcept ValueError:\n    pass\nassert f(2)",
    ),
    "caught: by raises_each": (
        "check.raises_each(Empty, f, [(1,)])  # <-",
        "check.raises_each(ValueError, f, [(1,)])",
    ),
    "caught: by raises": ("check.raises(Empty, f, 1)  # <-", "check.raises(ValueError, f, 1)"),
    "reveal: a visible check": ("HIDDEN\ncheck.close(f(1), 2.0)  # <-", "HIDDEN\n" + END),
    "testing: NumPy's": (
        "HIDDEN\nnp.testing.assert_allclose(f(1), 2.0)  # <-",
        "np.testing.assert_allclose(f(1), 2.0)\nHIDDEN\nassert f(2) == 4.0",
    ),
    "silent: no assertion": ("x = check.kind(f(1))  # <-", "assert f(1)"),
    "score: a last expression": ("assert f(1)\nf(2) == 4  # <-", "assert f(1)\nf(2) == 4;"),
    "score: a call with a value": ("assert f(1)\nnp.mean([f(1)])  # <-", "assert f(1)\nprint(2)"),
    "score: the cell's function": (
        "def points():\n    return 3\nassert f(1)\npoints()  # <-",
        "def look():\n    assert f(1)\nlook()",
    ),
    "syntax: no Python": ("assert f(1\n)x  # <-", "%matplotlib inline\nassert f(1)"),
    "probe name: a helper": (
        "def helper(x):\n    return x\n" + PROBE + "    return helper(f(x))  # <-\nassert probe(f, 1)",
        PROBE + "    def helper(x):\n        return np.sin(x)\n    return helper(f(x))\nassert probe(f, 1)",
    ),
    "probe name: an answer": (
        PROBE + "    return Box(x).data  # <-\nassert probe(f, 1)",
        PROBE + "    return f(x).data\nassert probe(Box, 1)",
    ),
    "probe name: a default": (
        "limit = 3\n@check.student_side\ndef probe(f, x=limit):  # <-\n    return f(x)\nassert probe(f)",
        "@check.student_side\ndef probe(f: Box, x: float = 3) -> Box:\n    return f(x)\nassert probe(f)",
    ),
    "probe check: an assert": (
        PROBE + "    assert f(x)  # <-\n    return x\nassert probe(f, 1)",
        PROBE + "    return check.kind(f(x)), check.quiet(f, x)\nassert probe(f, 1)",
    ),
    "probe check: check": (
        PROBE + "    check.equal(f(x), x)  # <-\n    return x\nassert probe(f, 1)",
        PROBE + "    return f(x)\ncheck.equal(probe(f, 1), 1)",
    ),
    "probe verdict: a comparison": (
        PROBE + "    return f(x) == x  # <-\nassert probe(f, 1)",
        PROBE + "    return [f(x) == x, f(x)]\nassert probe(f, 1)",
    ),
    "probe verdict: allclose": (
        PROBE + "    return x or np.allclose(f(x), x)  # <-\nassert probe(f, 1)",
        PROBE + "    return f(x) or x\nassert probe(f, 1)",
    ),
    "probe verdict: a negation": (
        PROBE + "    return not f(x)  # <-\nassert probe(f, 1)",
        PROBE + "    return -f(x)\nassert probe(f, 1)",
    ),
    "probe verdict: a constant": (
        PROBE + "    f(x)\n    return True  # <-\nassert probe(f, 1)",
        PROBE + "    f(x)\n    return 3\nassert probe(f, 1)",
    ),
    "probe nothing: a bare return": (
        "@check.student_side\ndef probe(f, x):  # <-\n    f(x)\n    return\nassert not probe(f, 1)",
        PROBE + "    f(x)\n    return x\nassert probe(f, 1)",
    ),
    "probe nothing: no return": (
        "@check.student_side\ndef probe(f, x):  # <-\n    def g():\n        return 1\n    g()\nassert not probe(f, 1)",
        PROBE + "    for part in f(x):\n        yield part\nassert probe(f, 1)",
    ),
    "probe secret: a number": (
        PROBE + "    return f(x) - 0.7310586  # <-\ncheck.hidden.close(probe(f, 1), [0.7310586])",
        PROBE + "    return f(x) - 1\ncheck.hidden.equal(probe(f, 2), 1)",
    ),
    "probe secret: a word": (
        PROBE + "    return [f(x), 'Linear']  # <-\ncheck.hidden.equal(probe(f, 1), expected='Linear')",
        PROBE + "    return [f(x, other=True), 10, 2.5, 'of']\ncheck.hidden.equal(probe(f, 2), [True, 10, 2.5, 'of'])",
    ),
    "probe secret: a bound": (
        PROBE + "    return f(x) - 0.75  # <-\ncheck.hidden.within(probe(f, 1), 0, 0.75)",
        PROBE + "    return f(x) - 0.75\ncheck.hidden.equal(probe(f, 1), 0, what='0.75 less')\ncheck.equal(f(1), 0.75)",
    ),
}  # fmt: skip


FLOW = {  # how levels travel: a cell in which exactly the marked lines are faults
    "items and methods": """\
assert isinstance(f(1)[0], int)  # <-
assert isinstance(f(1).sum(), int)  # <-
assert isinstance(f(1).shape, tuple)
assert isinstance(len(f(1)), int)
assert isinstance(check.kind(f(1)), str)
assert isinstance(check.quiet(f, 1)[1], list)
assert check.quiet(f, 1) is not f  # <-
assert 2 is f(1)  # <-
assert isinstance([1, 2][f(1)], int)
assert np.asarray(Box(1)) < 3""",
    "objects of the cell's class": """\
class Table:
    def fill(self, x):
        self.rows = f(x)
        assert isinstance(x, int)
        return isinstance(f(x), int)  # <-
assert isinstance(Table(f(1)), Table)""",
    "comprehensions": """\
kinds = [part for part in f(1)]
assert isinstance(kinds, list)  # <-
assert isinstance([1 for part in f(1)], list)
part = 2
assert isinstance(part, int)""",
    "assignments of all kinds": """\
a: list = f(1)
b: int
c = 1
c += f(1)
assert isinstance(a, int)  # <-
assert isinstance(c, int)  # <-
assert (d := f(1)) and isinstance(d, int)  # <-
(g, *h), k = f(1), 2
table = {}
table[k] = Box(1)
assert isinstance(g, int)  # <-
assert isinstance(h, list)  # <-
assert isinstance(k, int)
assert isinstance(table, dict)  # <-
l: bool = isinstance(f(1), int)  # <-
c += isinstance(f(1), int)  # <-
assert (m := isinstance(f(1), int))  # <-
p, q = [1, 2]
assert isinstance(p, int)
one, (two, three) = f(1)
assert isinstance(three, int)  # <-
for pair in zip([1], f(1)):
    assert isinstance(pair, tuple)  # <-
for i, got in enumerate(f(1)):
    assert isinstance(i, int)
    assert isinstance(got, int)  # <-
for i, got in enumerate([1]):
    assert isinstance(got, int)
both = zip([1], f(2))
x, y = both
assert isinstance(x, int)  # <-
x, y = zip([1], [2]), f(1)
assert isinstance(x, list)
a, b = *f(1), 2
assert isinstance(b, int)  # <-
table = {"a": 1}
table["b"] = 2
assert isinstance(table, dict)""",
    "a name that is used again": """\
got = f(1)
got = 3
assert isinstance(got, int)
time = np.ones(3)
assert f(time.sum())""",
    "loops carry on": """\
last = None
for i in range(f(1) is f(2)):  # <-
    assert last is None or isinstance(last, int)  # <-
    last = f(i)
while f(1) is not 2:  # <-
    assert f(3)""",
    "functions inside functions": """\
def outer(a):
    def inner(b):
        return b
    c = inner(a)
    assert isinstance(c, int)
    return f(a)
def plain(b=type(f(2))):  # <-
    return 1
outer(1)
assert isinstance(outer(1), int)  # <-
assert isinstance(plain(), int)
assert isinstance((lambda f: f(1))(abs), int)
assert (lambda f: f is abs)(abs)
assert map(lambda x: isinstance(f(x), int), [1])  # <-""",
    "arguments by keyword": """\
def show(a, *, b):
    assert isinstance(a, int)
    assert isinstance(b, int)  # <-
show(1, b=f(1))""",
    "handlers and contexts": """\
try:
    value = f(1)
except (ValueError, TypeError):
    assert isinstance(f(2), int)  # <-
with f(1) as opened:
    assert isinstance(opened, int)  # <-
with open("data.txt") as stream:  # <-
    assert f(stream)  # <-
assert f(open("x"))  # <-  <-
with f(1):
    pass""",
    "methods of data are no calls of the student's code": """\
got = f(1)
with np.errstate(all="ignore"):
    want = got.sum() / got.std()
with np.errstate(all="ignore"):  # <-
    other = Box(1).sum()
with torch.no_grad():  # <-
    model = got(1)
with torch.no_grad():  # <-
    got.forward(1)
assert want""",
    "a mode reaches to the end of the function around it": """\
def run(seed):
    got = f(seed)
    torch.manual_seed(seed)  # <-
    with np.errstate(all="ignore"):
        return got
assert run(1)
for i in range(3):
    f(i)
    for j in range(2):
        random.seed(i + j)  # <-
random.seed(1)""",
    "patches by name": """\
setattr(np, "exp", None)  # <-
delattr(torch.nn, "Linear")  # <-
table, box = {}, Box(1)
setattr(box, "data", 3)
np.random.exp = np.exp  # <-
table["np"] = np
data_ = data
assert f(1)""",
    "hidden from here to there": """\
check.close(f(1), 1)
### BEGIN HIDDEN TESTS
check.close(f(1), 1)  # <-
check.kind(f(1))
### END HIDDEN TESTS
check.close(f(1), 1)""",
    "what may stand on its own": """\
x = torch.ones(2, requires_grad=True)
assert torch.nn.functional.relu(f(x)).dtype is torch.float32
assert torch.autograd.grad(x.sum(), x) and f(1)
with torch.autograd.no_grad():
    assert x.grad_fn is None
    assert np.ones(2).base is None
box = Box(1)
assert box.base == 2
assert x.__class__ and x.__dict__ == {}
check.raises(ValueError, f, Box)
assert None is f(1)""",
}


def plan(test, answer=ANSWER):
    """A notebook of a setup, two answers (one a bare comment) and one test; HIDDEN in a test opens its hidden part."""
    test = test.replace("HIDDEN\n", "### BEGIN HIDDEN TESTS\n") + (
        "\n### END HIDDEN TESTS" if "HIDDEN\n" in test else ""
    )
    cells = [
        PlanCell("setup", "setup", SETUP, SETUP),
        PlanCell("text", "", "# f", "# f", "markdown"),
        PlanCell("answer", "f", answer, answer),
        PlanCell("answer", "total", "# total = ...", "# total = ..."),
        PlanCell("test", "f-hidden", test, "", points=2.0),
    ]
    return Plan("01_unit", "01_unit", tuple(cells))


def words_of(kind):
    """A pattern that the sentence of a kind of fault matches, whatever it was filled with."""
    return re.compile(".*".join(re.escape(part) for part in re.split(r"\{\d\}", SAY[kind])) + "$")


@pytest.mark.parametrize("case", RULES)
def test_the_bad_cell_is_named_with_its_line_and_the_good_one_passes(case):
    bad, good = RULES[case]
    (fault,) = lint(plan(bad))
    assert fault.cell == "f-hidden"
    assert words_of(case.split(":")[0]).match(fault.sentence)
    text = plan(bad).cells[-1].source.split("\n")
    assert text[fault.line - 1].endswith("# <-")
    assert fault.warning == case.startswith("probe secret")
    assert lint(plan(good)) == []


@pytest.mark.parametrize("case", FLOW)
def test_exactly_the_marked_lines_are_faults(case):
    cell = FLOW[case]
    marked = [number for number, line in enumerate(cell.split("\n"), 1) for _ in range(line.count("<-"))]
    assert [fault.line for fault in lint(plan(cell))] == marked


def test_every_rule_has_a_case():
    assert {case.split(":")[0] for case in RULES} == SAY.keys()


def test_an_answer_with_its_own_backward_may_be_called_backward():
    answer = "class Value:\n    def backward(self):\n        pass\n\ndef f(x):\n    pass"
    assert lint(plan("y = f(1)\ny.backward()\nassert y.grad", answer)) == []
    assert len(lint(plan("y = f(1)\ny.backward()\nassert y", "def f(x):\n    pass"))) == 1


@pytest.mark.parametrize("cell", ["", "# nothing here"])
def test_an_empty_test_is_silent(cell):
    (fault,) = lint(plan(cell))
    assert words_of("silent").match(fault.sentence)


def test_names_of_an_earlier_test_are_known_to_a_later_one():
    cells = list(plan("total_ = 3\nassert f(1)").cells)
    cells.append(PlanCell("test", "second", "assert isinstance(total_, int)", ""))
    assert lint(Plan("01_unit", "01_unit", tuple(cells))) == []


def test_faults_come_in_the_order_of_the_notebook():
    first = plan("assert id(f(1))\nassert type(f(2))").cells
    cells = [*first, PlanCell("test", "a-later-cell", "f(3)", "")]
    found = [(fault.cell, fault.line) for fault in lint(Plan("01_unit", "01_unit", tuple(cells)))]
    assert found == [("f-hidden", 1), ("f-hidden", 2), ("a-later-cell", 1), ("a-later-cell", 1)]


@pytest.mark.parametrize("name", unit_names())
def test_the_course_has_no_fault(name):
    assert lint_cells(name, load_unit(name).cells) == []


def test_the_command_names_unit_cell_and_line(tiny, edit, monkeypatch, capsys):
    edit("hidden_values = np.array([-1.5, 0.0, 7.25])", "hidden_values = double\nassert callable(double)")
    build("07_tiny", tiny)
    monkeypatch.chdir(tiny)
    assert main(["07_tiny"]) == 1
    assert capsys.readouterr().out.startswith("07_tiny: cell double-hidden, line 4: callable(…) asks for the type")
    assert main(["08_none"]) == 2
    assert capsys.readouterr().err == "There is no unit '08_none' in source/: choose from 07_tiny.\n"
    (tiny / "source" / "07_tiny" / "07_tiny.ipynb").write_text("no notebook")
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("source/07_tiny/07_tiny.ipynb is no readable notebook (")


def test_a_warning_alone_does_not_fail_the_command(monkeypatch, capsys):
    monkeypatch.setattr(
        "course_grader.lint.lint.lint_cells", lambda name, cells: lint(plan(RULES["probe secret: a number"][0]))
    )
    monkeypatch.chdir(ROOT)
    assert main(["01_basic_concepts"]) == 0
    assert ", line 3: perhaps: The probe probe holds 0.7310586" in capsys.readouterr().out
