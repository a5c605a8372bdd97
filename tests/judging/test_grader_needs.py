"""Which cells an exercise needs: read from the text alone, so tested on text alone."""

import pytest

from course_grader.contracts import Added, Plan, PlanCell, Submission
from course_grader.judging import needs
from course_grader.judging.needs import Names

pytestmark = pytest.mark.part("grader")


@pytest.mark.parametrize(
    ("source", "bound", "used"),
    [
        ("def f(x):\n    return g(x)", {"f"}, {"g"}),
        ("class A(B):\n    def m(self):\n        return self.x + y", {"A"}, {"B", "y"}),
        ("import numpy as np\nfrom os import path", {"np", "path"}, set()),
        ("x = [i for i in rows]", {"x"}, {"rows"}),
        ("def f():\n    def g():\n        return deep\n    return g", {"f"}, {"deep"}),
        ("f = lambda a, b=c: a + d", {"f"}, {"c", "d"}),
        ("def f():\n    global count\n    count += 1", {"f"}, {"count"}),
        ("for i in range(3):\n    print(i)", {"i"}, {"range", "print", "i"}),
        ("%matplotlib inline\nx = y", {"x"}, {"y"}),
        ("def f(:\n", set(), set()),
        ("", set(), set()),
    ],
)
def test_names(source, bound, used):
    names = Names.of(source)
    assert bound <= set(names.bound)
    assert used <= set(names.used)


@pytest.mark.parametrize(
    ("source", "inert"),
    [
        ("def f(x=1):\n    return np.exp(x)", True),
        ('"""Text."""\nimport math\nfrom os import path\nlimit = -3', True),
        ("class A:\n    size = 3\n    def m(self):\n        self.x = 1", True),
        ("f = lambda: patch()", True),
        ("np.exp = None", False),
        ("x[0] = 1", False),
        ("print('hello')", False),
        ("def f(x=g()):\n    pass", False),
        ("@register\ndef f(x):\n    pass", True),  # a bare name; what it does shows in no text, so it is listed here
        ("@register(1)\ndef f(x):\n    pass", False),
        ("from numpy import *", False),
        ("class A(metaclass=M):\n    pass", False),
        ("%load_ext autoreload", False),
        ("for i in y: pass", False),
    ],
)
def test_inert_cells_only_bind_names(source, inert):
    assert Names.of(source).inert == inert


def course(*answers, added=(), setup="import numpy as np"):
    """A plan of exercises a0, a1, ...; returns it with its submission and the exercises."""
    cells = [PlanCell("setup", "setup", setup, setup)]
    for i in range(len(answers)):
        cells.append(PlanCell("answer", f"a{i}", f"def f{i}(): pass", f"def f{i}(): pass"))
        cells.append(PlanCell("test", f"t{i}", f"assert f{i}() == helper(1)\nhelper = 3", "", points=1.0))
    plan = Plan("unit", "unit", tuple(cells))
    return plan, Submission("somebody", {f"a{i}": text for i, text in enumerate(answers)}, tuple(added))


def chosen(plan, submission, place):
    exercise = plan.exercises()[place]
    cells = needs.student_cells(plan, submission)
    names = needs.remote_names(plan, exercise, {"np"})
    return [[cell.name for cell in one] for one in needs.attempts(plan, exercise, cells, names, {"np"})]


def test_only_cells_whose_names_are_used_run():
    made = course("def f0(): return g()", "def f1(): pass", "def f2(): return f0()", added=[Added(0, "def g(): pass")])
    assert chosen(*made, 2) == [["added 1", "a0", "a2"]]
    assert chosen(*made, 1) == [["a1"]]


def test_a_cell_that_may_have_changed_something_makes_a_second_run():
    made = course("np.exp = None", "def f1(): pass")
    assert chosen(*made, 1) == [["a1"], ["a0", "a1"]]


def test_a_setup_name_bound_anew_is_tried_second():
    made = course("np = 3\ndef f0(): pass", "def f1(): return np")
    assert chosen(*made, 1) == [["a1"], ["a0", "a1"]]


def test_names_of_python_of_setup_and_of_tests_are_never_the_students():
    plan, _ = course("", "")
    text = "assert len(f1()) == np.sum(helper(x)) and helper and mine"
    plan = Plan("unit", "unit", (*plan.cells[:-1], PlanCell("test", "t1", text, "", points=1.0)))
    # `helper` is bound by the test of exercise 0, `x` and `mine` by nobody on the judge's side.
    assert needs.remote_names(plan, plan.exercises()[1], {"np"}) == ["f1", "mine", "x"]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("out.backward(torch.ones(3))", ["torch.fx.experimental.symbolic_shapes"]),
        ("def dense_backward(dout, cache):\n    pass", ["torch.fx.experimental.symbolic_shapes"]),
        ("torch.autograd.grad(y, x, grad_outputs=dy)", ["torch.fx.experimental.symbolic_shapes"]),
        ("loss.backward()", []),
        ("loss.backward(retain_graph=True)", []),
        ("from torch import func, nn", ["torch._dynamo.config"]),
        ("import scipy.stats as st", ["scipy.stats"]),
        ("from scipy import optimize, special", ["scipy.special", "scipy.optimize"]),
        ("from scipy.special import expit", ["scipy.special"]),
        ("import scipy\nspecial = 1", []),
        ("import os.path, antigravity", []),
    ],
)
def test_what_is_heavy_is_told_from_the_text(source, found):
    assert needs.heavy([source]) == found
    plan = Plan("u", "n", (PlanCell("answer", "a", source, source), PlanCell("example", "", "torch.func", "")))
    assert list(needs.imports(plan)) == found, "an example is not run when it is graded"
