"""The judge at work on one answer: what crosses between the two processes, and what a verdict says."""

import gc
import os
import signal
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from judging import SETUP, grade, outcome, plan_for

from course_grader.contracts import Added, Plan, PlanCell, Submission
from course_grader.engine.engine import Engine, EngineDied
from course_grader.judging import fingerprint as keys
from course_grader.judging import needs
from course_grader.judging.tests import compiled_tests

pytestmark = pytest.mark.part("grader")


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with Engine(tmp_path_factory.mktemp("course")) as running:
        yield running


def case(name, answer, test):
    return pytest.param(textwrap.dedent(answer), textwrap.dedent(test), id=name)


# Each works when tests and answer share one process, and must work in two.
WORKS = [
    case("plain data", "def f(a, b):\n    return a + b", "assert f(2, 3) == 5 and type(f(2, 3)) is int"),
    case("keyword arguments", "def f(a, *, b=2):\n    return a * b", "assert f(3, b=4) == 12 and f(3) == 6"),
    case("an array", "def f(x):\n    return x[::2].T", "check.close(f(np.arange(6.0)), [0, 2, 4])"),
    case("a name that is data", "f = [1, 2, 3]", "assert f == [1, 2, 3]"),
    case("several results", "def f(x):\n    return x, {'a': [x]}", "value, more = f(1)\nassert more == {'a': [1]}"),
    case(
        "an argument changed in place",
        "def f(x):\n    x[0] = 7\n    x.append(8)",
        "x = [1]\nf(x)\nassert x == [7, 8]",
    ),
    case(
        "an array changed in place",
        "def f(x):\n    x *= 2",
        "x = np.ones((2, 3), order='F')[:, ::2]\nf(x)\nassert (x == 2).all()",
    ),
    case("a changed input is seen", "def f(x):\n    x -= 1\n    return x", """
        x = np.ones(3)
        kept = x.copy()
        f(x)
        check.raises(check.CheckFailed, check.unchanged, x, kept)"""),
    case("the same argument twice is the same object there", "def f(a, b):\n    return a is b", """
        x, y = np.ones(2), np.ones(2)
        assert f(x, x) and not f(x, y)"""),
    case("an argument given back is the same object here", "def f(a):\n    return a", "x = [1]\nassert f(x) is x"),
    case("a kept reference", """
        kept = []
        def f(x):
            kept.append(x)
        def look():
            return kept[0]["n"]""", """
        d = {"n": 1}
        f(d)
        d["n"] = 5
        assert look() == 5"""),
    case("what the tests change is seen there", """
        class f:
            def __init__(self, x):
                self.x = x
            def total(self):
                return float(self.x.sum())""", """
        x = np.ones(3)
        thing = f(x)
        x[0] = 10
        assert thing.total() == 12"""),
    case("a result that changes later", """
        class f:
            def __init__(self):
                self.log = []
            def add(self, n):
                self.log.append(n)
                return self.log""", """
        thing = f()
        log = thing.add(1)
        thing.add(2)
        assert log == [1, 2] and log is thing.log"""),
    case("containers within containers", "def f(params):\n    for p in params:\n        p['W'] += 1", """
        params = [{"W": np.zeros((2, 2)), "name": "a"}, {"W": np.zeros(3), "name": "b"}]
        first = params[0]["W"]
        f(params)
        assert first[0, 0] == 1 and params[0]["W"] is first and params[1]["W"].sum() == 3"""),
    case("a list that holds itself", "def f(x):\n    x.append(x)\n    return len(x[0])", """
        x = []
        assert f(x) == 1 and x[0] is x"""),
    case("an honest lazy generator", """
        def f(X, size, rng):
            order = rng.permutation(len(X))
            for start in range(0, len(X), size):
                yield X[order[start:start + size]]""", """
        X = np.arange(10)
        seen = [x for batch in f(X, 3, np.random.default_rng(0)) for x in batch.tolist()]
        assert sorted(seen) == list(range(10))"""),
    case("a random stream consumed lazily", """
        def f(rng, n):
            for _ in range(n):
                yield rng.normal()""", """
        rng, twin = np.random.default_rng(1), np.random.default_rng(1)
        for value in f(rng, 4):
            assert value == twin.normal()
        assert rng.bit_generator.state == twin.bit_generator.state"""),
    case("a function of the tests is called", "def f(g, x):\n    return g(x) + g(x + 1)", """
        calls = []
        def g(x):
            calls.append(x)
            return x * x
        assert f(g, 2) == 13 and calls == [2, 3]"""),
    case("a function called back gets arrays", """
        def f(loss, W):
            before = loss(W)
            W[0] += 1e-3
            return (loss(W) - before) / 1e-3""", """
        assert abs(f(lambda W: float((W ** 2).sum()), np.array([2.0, 1.0])) - 4) < 0.01"""),
    case("calls within calls", "def f(g, n):\n    return 1 if n == 0 else n * g(n - 1)", """
        def g(n):
            return f(g, n)
        assert f(g, 6) == 720"""),
    case("an exception of a callback comes back as itself", "def f(g):\n    return g()", """
        class Mine(Exception):
            pass
        def g():
            raise Mine("here")
        check.raises(Mine, f, g)"""),
    case("an exception that the answer handles", """
        def f(g):
            try:
                return g()
            except KeyError:
                return "caught\"""", "assert f(lambda: {}['a']) == 'caught'"),
    case("StopIteration of a callback", "def f(g):\n    return list(iter(g, 3))", """
        counter = iter([1, 2, 3])
        assert f(lambda: next(counter)) == [1, 2]"""),
    case("an exception", "def f(x):\n    raise ValueError(f'bad {x}')", """
        check.raises(ValueError, f, 3)
        try:
            f(3)
        except ValueError as error:
            assert str(error) == "bad 3" """),
    case("an exception of a class of theirs", "class Mine(KeyError):\n    pass\ndef f():\n    raise Mine('k')", """
        check.raises(KeyError, f)"""),
    case("an instance", """
        class f:
            def __init__(self, start):
                self.n = start
            def step(self, by=1):
                self.n += by
                return self""", """
        thing = f(5)
        thing.step().step(by=3)
        assert thing.n == 9
        thing.n = 1
        assert thing.step().n == 2"""),
    case("operators", """
        class f:
            def __init__(self, data):
                self.data = data
            def __add__(self, other):
                return f(self.data + (other.data if isinstance(other, f) else other))
            __radd__ = __add__
            def __mul__(self, other):
                return f(self.data * (other.data if isinstance(other, f) else other))
            __rmul__ = __mul__
            def __neg__(self):
                return f(-self.data)
            def __pow__(self, n):
                return f(self.data ** n)""", """
        a, b = f(2.0), f(5.0)
        assert (a + b).data == 7 and (1 + a).data == 3 and (np.float64(2) * a).data == 4 and (-a).data == -2
        assert ((a * b) ** 2).data == 100
        a += 1
        assert a.data == 3"""),
    case("items, length, containment through a list", """
        class f:
            def __init__(self):
                self.rows = {}
            def __getitem__(self, i):
                return self.rows[i]
            def __setitem__(self, i, value):
                self.rows[i] = value
            def __len__(self):
                return len(self.rows)""", """
        thing = f()
        thing[1, 2] = "x"
        thing["n"] = [0]
        assert thing[1, 2] == "x" and len(thing) == 2
        check.raises(KeyError, lambda: thing["none"])"""),
    case("a context manager", """
        class f:
            log = []
            def __enter__(self):
                self.log.append("in")
                return 5
            def __exit__(self, kind, error, trace):
                self.log.append(kind.__name__ if kind else "out")
                return kind is ZeroDivisionError""", """
        thing = f()
        with thing as value:
            assert value == 5
        with thing:
            1 / 0
        assert thing.log == ["in", "out", "in", "ZeroDivisionError"]"""),
    case("a closure that comes back", "def f(n):\n    return lambda x: x + n", "add = f(3)\nassert add(4) == 7"),
    case("a function of theirs given back to them", "def f(g):\n    return g(4)\ndef sq(x):\n    return x * x", """
        assert f(sq) == 16"""),
    case("a library's function", "def f(g, x):\n    return g(x)", """
        assert f(np.sqrt, 9.0) == 3 and f(max, [1, 4]) == 4 and f(int, 3.5) == 3"""),
    case("a handle keeps its identity", "class f:\n    pass\nmade = f()\ndef give():\n    return made", """
        assert give() is give() and give() == give() and f() != f()"""),
    case("a probe", "class f:\n    def __init__(self, n):\n        self.n = n", """
        @check.student_side
        def look(cls, n):
            thing = cls(n)
            return {"n": thing.n, "is": isinstance(thing, cls), "root": np.sqrt(n)}
        seen = look(f, 16)
        assert seen == {"n": 16, "is": True, "root": 4.0}"""),
    case("a probe with defaults", "def f(*numbers):\n    return sum(numbers)", """
        @check.student_side
        def look(f, a=1, b=np.float64(2), *, c=4):
            return f(a, b, c)
        @check.student_side
        def plain(f, a=1, *, c=4):
            return f(a, c)
        assert look(f) == 7 and look(f, 2, c=5) == 9 and plain(f) == 5 and plain(f, 2, c=5) == 7"""),
    case("a probe that calls itself", "def f(n):\n    return n + 1", """
        @check.student_side
        def down(f, n):
            return down(f, n - 1) if n else f(n)
        assert down(f, 3) == 1"""),
    case("a probe as an argument", "def f(g, x):\n    return g(x) + g(x)", """
        @check.student_side
        def g(x):
            return 2 * x
        assert f(g, 3) == 12 and f(g, 4) == 16"""),
    case("many calls in one message", "def f(a, b=1):\n    a[0] += b\n    return a", """
        one, two = np.zeros(2), np.ones(2)
        assert check.each(f, [(one,), (two,), (one,)], b=3)[1].tolist() == [4, 1] and one.tolist() == [6, 0]"""),
    case("an iteration in one message", "def f(n):\n    yield from range(n)", """
        assert check.items(f(4)) == [0, 1, 2, 3] and check.items([7]) == [7]"""),
    case("warnings are collected there", """
        def f(x):
            return np.exp(x)""", """
        value, caught = check.quiet(f, np.array([1000.0]))
        assert len(caught) == 1 and "overflow" in caught[0] and value[0] == np.inf"""),
    case("kinds", "class f:\n    pass\ndef g():\n    return [1]", """
        assert check.kind(f()) == "f" and check.kind(g()) == "list" and check.kind(g) == "function" """),
    case("a chain of 3,000 nodes", """
        class f:
            def __init__(self, data, parent=None):
                self.data, self.parent = data, parent
            def __add__(self, other):
                return f(self.data + other, self)
            def depth(self):
                node, n = self, 0
                while node.parent is not None:
                    node, n = node.parent, n + 1
                return n""", """
        node = f(0.0)
        for _ in range(3000):
            node = node + 1.0
        assert node.depth() == 3000 and node.data == 3000.0"""),
    case("a large array", "def f(x):\n    return x @ x.T", """
        x = np.random.default_rng(0).normal(size=(1000, 300))
        check.close(f(x), x @ x.T)"""),
    case("threads that call a function of the tests", """
        from concurrent.futures import ThreadPoolExecutor
        def f(g, values):
            with ThreadPoolExecutor(4) as pool:
                return list(pool.map(g, values))""", """
        assert f(lambda x: x * x, list(range(20))) == [x * x for x in range(20)]"""),
    case("ten megabytes", "def f(n):\n    return np.arange(float(n))", "assert f(1_300_000)[-1] == 1_299_999"),
    case("an async function run to its end", """
        import asyncio
        async def g():
            return 3
        def f():
            return asyncio.new_event_loop().run_until_complete(g())""", "assert f() == 3"),
    case("subclasses come back as their base", """
        import collections
        P = collections.namedtuple("P", "x y")
        def f():
            return P(1, 2), collections.OrderedDict(a=1), np.float64(2), np.arange(3)[1]""", """
        p, d, x, i = f()
        assert p == (1, 2) and d == {"a": 1} and check.kind(p) == "tuple" and check.kind(d) == "dict"
        assert type(x) is np.float64 and type(i) is np.int64"""),
    case("a read-only array", "def f(x):\n    x[0] = 1", """
        x = np.zeros(3)
        x.flags.writeable = False
        check.raises(ValueError, f, x)"""),
    case("a module of theirs", "import math as m\ndef f(x):\n    return m.sqrt(x)", "assert f(4) == 2"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "test"), WORKS)
def test_works_as_in_one_process(engine, answer, test):
    namespace = {}
    exec(SETUP, namespace)
    exec(answer, namespace)
    exec(test, namespace)  # the test itself must hold in one process, or it proves nothing here
    verdict = grade(engine, answer, test).cells[0]
    assert (verdict.cause, verdict.message, verdict.detail) == ("", "", "")


FOOLED = [
    case("equal to everything", "class X:\n    def __eq__(self, o):\n        return True\ndef f():\n    return X()", """
        assert f() == 3"""),
    case("true", "class X:\n    pass\ndef f():\n    return X()", "assert f()"),
    case("larger and smaller", """
        class X:
            __lt__ = __gt__ = __le__ = __ge__ = lambda s, o: True
            __sub__ = __rsub__ = __abs__ = lambda *a: X()
        def f():
            return X()""", "assert abs(f() - 5) < 1e-9"),
    case("contains everything", """
        class X:
            __contains__ = lambda s, o: True
        def f():
            return X()""", "assert 3 in f()"),
    case("an array that is close to all", """
        class X(np.ndarray):
            __eq__ = lambda s, o: True
            def __array_function__(self, *a, **k):
                return True
        def f():
            return np.zeros(3).view(X)""", "assert np.allclose(f(), [1, 2, 3])"),
    case("a number equal to all", """
        class X(float):
            __eq__ = lambda s, o: True
            __hash__ = float.__hash__
        def f():
            return X(2)""", "assert f() == 3"),
    case("a length that lies", """
        class X(list):
            def __len__(self):
                return 3
        def f():
            return X()""", "assert len(f()) == 3"),
    case("builtins of theirs", "def len(x):\n    return 3\ndef f():\n    return []", "assert len(f()) == 3"),
    case("setup names of theirs", """
        class check:
            close = staticmethod(lambda *a, **k: None)
        np = None
        def f():
            return 1""", "check.close(f(), 2)"),
    case("patched checks", """
        from course_utils import check as c
        c.close = c.Checks.close = lambda *a, **k: None
        np.allclose = lambda *a, **k: True
        def f():
            return 1""", "assert np.allclose(f(), 2)\ncheck.close(f(), 2)"),
    case("swallowing the assert of a callback", """
        def f(g):
            try:
                g(0)
            except BaseException:
                pass""", """
        def g(x):
            assert x == 1
        f(g)"""),
    case("no such name", "g = 1", "assert f(1) == 1"),
    case("nothing returned", "def f(x):\n    pass", "check.close(f(1), 1)"),
    case("NaN", "def f(x):\n    return float('nan')", "assert f(1) == 1"),
    case("SystemExit", "def f(x):\n    raise SystemExit", "check.raises(SystemExit, f, 1)"),
    case("a score", "def f(x):\n    return 100", "f(1)"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "test"), FOOLED)
def test_is_not_fooled(engine, answer, test):
    verdict = grade(engine, answer, test)
    assert verdict.points == 0
    assert verdict.cells[0].cause in ("wrong", "error")
    assert verdict.cells[0].message


# -- causes, and what a failure costs ----------------------------------------------------------------------------------

GOOD = "def f(x=None):\n    return 1"
PASS = "assert f(1) == 1"


STUBBORN = """
def f(x):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass"""


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ("while True:\n    pass", "error"),  # the cell is interrupted; then `f` is missing
        ("def f(x):\n    while True:\n        pass", "time"),
        (STUBBORN, "time"),
        ("import os\nos._exit(0)", "died"),
        ("import os\ndef f(x):\n    os._exit(0)", "died"),
        ("def f(x):\n    return bytearray(8 << 30)", "memory"),
        ("def f(x):\n    return f(x)", "error"),
        ("def f(x:\n    return 1", "error"),
        ("import ctypes\ndef f(x):\n    ctypes.string_at(0)", "died"),
        ("def f(*args):\n    raise NotImplementedError", "unanswered"),
        ("def f(x):\n    raise NotImplementedError", "error"),
        ("def f(x):\n    return object()", "wrong"),
    ],
)  # fmt: skip
def test_every_failure_has_its_cause(engine, answer, cause):
    verdict = grade(engine, answer, PASS, cpu_seconds=0.5).cells[0]
    assert verdict.cause == cause, verdict
    assert verdict.points == 0
    assert len(verdict.message.split()) >= 4


def test_a_definition_before_an_endless_loop_counts(engine):
    assert outcome(engine, GOOD + "\nwhile True:\n    pass", PASS, cpu_seconds=0.5) == ""


def test_a_time_out_is_tried_once_more_and_both_are_recorded(engine):
    verdict = grade(engine, "def f(x):\n    while True:\n        pass", PASS, cpu_seconds=0.3).cells[0]
    assert verdict.attempts == ["time", "time"]


def several(*answers, tests=None, **settings):
    """A plan of several exercises f0, f1, ... that return their number, and its submission."""
    cells = [PlanCell("setup", "setup", SETUP, SETUP)]
    for i in range(len(answers)):
        stub, test = f"def f{i}():\n    raise NotImplementedError", (tests or {}).get(i, f"assert f{i}() == {i}")
        cells += [PlanCell("answer", f"a{i}", stub, stub), PlanCell("test", f"t{i}", test, test, points=1.0)]
    return Plan("unit", "unit", tuple(cells), **{"cpu_seconds": 0.5} | settings), Submission(
        "somebody", {f"a{i}": answer for i, answer in enumerate(answers)}
    )


DAMAGE = [
    "import os; os._exit(3)",
    "while True: pass",
    "np.array = None; np.sqrt = None",
    "import builtins; builtins.sum = None",
    "x = bytearray(8 << 30)",
    "import sys; sys.modules.clear()",
    "import ctypes; ctypes.string_at(0)",
    "import signal, os; os.kill(os.getpid(), signal.SIGKILL)\nos.kill(-1, signal.SIGKILL)",
    "import threading\nthreading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True).start()",
    "get_ipython().run_cell = None; get_ipython().user_ns.clear()",
    "raise SystemExit",
    "import os\nos.close(3); os.closerange(0, 100)",
    "f1 = f2 = f0 = None",
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_costs_its_exercise_only(engine, damage):
    after = "def f2():\n    return int(np.sqrt(4) + sum([]))", "def f3():\n    return f2() + 1"
    plan, submission = several("def f0():\n    return 0", damage, *after)
    verdict = engine.grade(plan, submission)
    assert [cell.points for cell in verdict.cells] == [1, 0, 1, 1], verdict.cells


def test_bringing_the_judge_itself_down_costs_that_exercise_only(engine):
    plan, submission = several(*(f"def f{i}():\n    return {i}" for i in range(3)), tests={1: "import os\nos.abort()"})
    verdict = engine.grade(plan, submission)
    assert [(cell.name, cell.points) for cell in verdict.cells] == [("t0", 1), ("t1", 0), ("t2", 1)]
    assert verdict.cells[1].cause == "died"


def test_tests_see_the_state_after_their_own_answer(engine):
    answers = [f"def helper():\n    return {i}\ndef f{i}():\n    return helper()" for i in range(2)]
    plan, submission = several(*answers)
    assert engine.grade(plan, submission).points == 2


def test_an_answer_may_use_an_earlier_one_and_cells_of_the_students_own(engine):
    plan, submission = several(
        "def f0():\n    return 0", "def f1():\n    return f0() + one", "def f2():\n    return f1() + 1"
    )
    submission = Submission("somebody", submission.answers, added=(Added(0, "one = 1"),))
    assert engine.grade(plan, submission).points == 3


def test_what_no_name_shows_is_found_in_a_second_run(engine):
    plan, submission = several("def f0():\n    return 0\nnp.mine = 1", "def f1():\n    return np.mine")
    verdict = engine.grade(plan, submission)
    assert verdict.points == 2
    assert verdict.cells[1].attempts == ["error", ""]


def test_an_example_is_run_only_where_its_names_are_used(engine):
    plan, submission = several("def f0():\n    return 0", "def f1():\n    return given")
    example = PlanCell("example", "", "given = 1\nprint('ran')", "given = 1\nprint('ran')")
    plan = Plan("unit", "unit", (plan.cells[0], example, *plan.cells[1:]), cpu_seconds=1.0)
    verdict = engine.grade(plan, submission)
    assert verdict.points == 2
    assert [run.name for run in verdict.runs] == ["a0", "a1"]


# -- what the student gets to read -------------------------------------------------------------------------------------


def test_outputs_of_the_answer_are_kept_those_of_test_calls_are_not(engine):
    answer = textwrap.dedent("""
        import os
        print("hello")
        os.system("echo from below")
        !echo from a magic
        def f(x):
            print("secret", x)
            os.system(f"echo {x}")
            return 1
        "last" """)
    verdict = grade(engine, answer, PASS)
    text = str(verdict.runs)
    assert all(part in text for part in ("hello", "from below", "from a magic", "'last'"))
    assert "secret" not in verdict.to_json()


@pytest.mark.parametrize(
    "answer",
    [
        "def f(x):\n    raise ValueError(f'it is {x}')",
        "def f(x):\n    return type(f'is_{x}', (), {})()",
        "def f(x):\n    raise type(f'Is{x}', (Exception,), {})(x)",
        "def f(x):\n    assert False, x",
        "def f(x):\n    raise NotImplementedError(x)",
        "def f(x):\n    raise MemoryError(x)",
    ],
)
def test_no_input_of_a_hidden_test_reaches_the_student(engine, answer):
    test = "check.equal(f(271828), 314159)\nassert f(271828) == 314159, f(271828)"
    verdict = grade(engine, answer, test, hidden=(1,)).cells[0]
    assert not verdict.passed
    assert "271828" not in verdict.message + verdict.output
    assert "314159" not in verdict.message


EARLY = "import numpy as np\nfrom course_utils.check import close"  # bound before anybody knows of a hidden test


def test_hidden_values_stay_hidden_even_where_the_author_forgot(engine):
    verdict = grade(engine, "def f(x):\n    return 2.5", "check.close(f(271828), 314159)", hidden=(1,)).cells[0]
    assert "is not right" in verdict.message
    assert "314159" not in verdict.message
    early = grade(engine, "def f():\n    return 2.5", "close(f(), 314159)", hidden=(1,), setup=EARLY).cells[0]
    assert "is not right" in early.message and "314159" not in early.message
    np_text = grade(engine, "def f(x):\n    return 2.5", "np.testing.assert_allclose(f(1), 314159)", hidden=(1,))
    assert "314159" not in np_text.cells[0].message


def test_partial_credit_is_read_as_nbgrader_reads_it(engine):
    assert grade(engine, GOOD, "f(1)\n0.25", alone=False).points == 0.25
    assert grade(engine, GOOD, "f(1)\n7", alone=False).points == 0
    assert grade(engine, GOOD, "f(1)\n0.25").points == 0  # in our units a last expression is a mistake


def test_same_input_same_verdict(engine):
    answer = "import random, numpy\ndef f(x):\n    return [random.random(), numpy.random.rand()]"
    test = "check.equal(f(1), [5, 6])"
    first, second = (grade(engine, answer, test).cells[0] for _ in range(2))
    assert first.message == second.message
    assert "0." in first.message


# -- assignments written for plain nbgrader ----------------------------------------------------------------------------


def test_a_test_that_needs_live_objects_runs_beside_the_answer_if_the_plan_allows(engine):
    answer, test = "class f:\n    pass", "assert isinstance(f(), f)"
    verdict = grade(engine, answer, test, alone=False, reference="class f:\n    size = 3").cells[0]
    assert verdict.passed and verdict.where == "student's process"
    verdict = grade(engine, answer, test).cells[0]
    assert not verdict.passed and verdict.where == "judge"


def test_beside_the_answer_silence_is_no_pass(engine):
    answer = "import os\nclass f:\n    def __init__(self):\n        os._exit(0)"
    test = "assert isinstance(f, type) and isinstance(f(), f)"
    assert outcome(engine, answer, test, alone=False, reference="class f:\n    pass") == "died"


def test_an_answer_cannot_choose_to_be_judged_beside_itself(engine):
    """A test that judges the course's own answer from outside judges every answer from there."""
    answer = "class Yes:\n    __eq__ = __lt__ = __gt__ = lambda *_: True\ndef f(x):\n    return Yes()"
    for test in ("assert 0 < f(1) < 3", "assert f(1) == 2"):
        verdict = grade(engine, answer, test, alone=False, reference="def f(x):\n    return 2 * x").cells[0]
        assert (verdict.cause, verdict.where) == ("wrong", "judge")


def test_without_the_courses_own_answers_only_the_text_of_a_test_sends_it_beside(engine):
    answer = "def g():\n    return 1\ndef f():\n    return g()"
    test = "old = g\ndef g():\n    return 5\nassert f() == 5"
    verdict = grade(engine, answer, test, alone=False, stub="def g():\n    pass\ndef f():\n    pass").cells[0]
    assert verdict.passed and verdict.where == "student's process"
    assert outcome(engine, "class f:\n    pass", "assert isinstance(f(), f)", alone=False) == "error"


@pytest.mark.parametrize(
    "test",
    [
        "assert abs(f() - 2.5) < 1e-9",
        "assert abs(2.5 - f()) < 1e-9",
        "assert float(f() / 2.5) == 1.0",
        "assert int(2.5 - f() + 1) == 0",
        "difference = f()\ndifference -= 2.5\nassert abs(difference) < 1e-9",
        "assert f() + 2.5 is not None",
    ],
)
def test_the_difference_to_an_expected_number_is_never_the_answers_to_say(engine, test):
    for gives in ("0.0", "self"):
        answer = f"class Nothing:\n    def __sub__(self, other=0):\n        return {gives}\n"
        answer += "    __rsub__ = __truediv__ = __add__ = __isub__ = __sub__\n"
        answer += "    __abs__ = __float__ = lambda self: 0.0\n"
        answer += "    __int__ = lambda self: 0\ndef f():\n    return Nothing()"
        cause = outcome(engine, answer, test)
        assert cause in ("wrong", "error") or (gives == "self" and "None" in test)


def test_the_end_of_an_iteration_is_never_the_answers_to_say(engine):
    answer = "def f(x):\n    raise StopIteration"
    assert outcome(engine, answer, "for got in map(f, [1, 2]):\n    assert got == 2") == "error"


def test_the_judge_never_holds_a_line_of_the_student(engine):
    """The names of the answer are bound in the student's process; here only those that the tests use."""
    test = "import sys\nassert 'marker' not in vars(sys.modules['__main__'])\nassert f() is None"
    verdict = engine.grade(plan_for(test), Submission("somebody", {"answer": "marker = 1\ndef f():\n    pass"}))
    assert verdict.cells[0].passed, verdict


# -- the prepared process ----------------------------------------------------------------------------------------------

LOADED = "\nimport sys\ndef loaded(name):\n    return any(module.startswith(name) for module in list(sys.modules))\n"


def test_optimizers_work_without_the_compiler(engine):
    """Each first step would import it, for 2 s; should another torch ask it more, this fails: see `prepared._Compiler`.

    Nobody's code is to miss it: whoever uses it gets the real one.
    """
    answer = LOADED + textwrap.dedent("""
        import torch
        def f(name):
            weight = torch.nn.Parameter(torch.ones(2))
            optimizer = getattr(torch.optim, name)([weight], lr=0.1)
            optimizer.zero_grad()
            (weight ** 2).sum().backward()
            optimizer.step()
            optimizer.load_state_dict(optimizer.state_dict())
            return weight.detach().numpy()
        def real():
            import torch._dynamo
            return torch._dynamo.config.recompile_limit, torch._dynamo.__file__""")
    test = """
        for name in ("SGD", "Adam", "AdamW", "RMSprop"):
            assert (f(name) < 1).all() and not loaded("torch._dynamo."), name
        assert not loaded("sympy")
        limit, file = real()
        assert limit > 0 and file.endswith("__init__.py") and loaded("torch._dynamo.")"""
    verdict = grade(engine, answer, textwrap.dedent(test), cpu_seconds=10.0).cells[0]
    assert verdict.passed, verdict


def test_what_one_student_imports_is_imported_once(tmp_path):
    """Of well-known modules, not of what a student likes to name; and no name of theirs is bound by it."""
    test = "assert f() == (True, False)"
    late = "def f():\n    return loaded('scipy.' + 'signal'), loaded('sqlite3')" + LOADED
    with Engine(tmp_path) as own:
        assert outcome(own, late, test) == "wrong"
        first = "def f():\n    import sqlite3\n    from scipy import signal\n    return True, False"
        assert outcome(own, first, test) == ""
        assert outcome(own, late, test) == ""
        assert outcome(own, "def f():\n    return scipy.signal", test) == "error"


def test_none_of_the_modules_that_are_prepared_starts_a_thread(tmp_path):
    with Engine(tmp_path) as own:
        own._import(list(needs._HEAVY))  # raises if the prepared process has a second thread then
        assert outcome(own, "def f():\n    return 1", "assert f() == 1") == ""


def test_several_threads_grade_with_one_engine(engine):
    answers = [f"def f():\n    return {number}" for number in range(12)]
    test = "assert f() % 3 == 0"
    alone = [outcome(engine, answer, test) for answer in answers]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda answer: outcome(engine, answer, test), answers))
    assert together == alone == ["" if number % 3 == 0 else "wrong" for number in range(12)]


def test_a_prepared_process_that_is_killed_gives_nobody_a_verdict(tmp_path):
    """Neither the one that is judged then nor another; the next gets a new process."""
    answer, test = "def f():\n    import time\n    time.sleep(30)", "assert f() is None"
    with Engine(tmp_path) as own, ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(outcome, own, answer, test) for _ in range(2)]
        (prepared,) = Path(f"/proc/{own._process.pid}/task/{own._process.pid}/children").read_text().split()
        children = Path(f"/proc/{prepared}/task/{prepared}/children")
        deadline = time.monotonic() + 60
        while len(children.read_text().split()) < 4 and time.monotonic() < deadline:  # a judge and a parent for each
            time.sleep(0.05)
        os.kill(int(prepared), signal.SIGKILL)
        for one in waiting:
            with pytest.raises(EngineDied, match="lack of memory"):
                one.result()
        assert outcome(own, "def f():\n    pass", test) == ""


def test_an_engine_that_is_closed_ends_what_other_threads_wait_for(tmp_path):
    answer, test = "def f():\n    import time\n    time.sleep(30)", "assert f() is None"
    own = Engine(tmp_path).__enter__()
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(outcome, own, answer, test)
        threading.Timer(1.0, own.close).start()
        assert isinstance(waiting.exception(timeout=20), EngineDied)
    assert own._process is None


def test_threads_may_look_into_cells_at_the_same_time():
    """Python 3.11 raises a SystemError where two threads make syntax trees, if the garbage collector lets one in."""
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sources = [f"def f{n}(x):\n" + "".join(f"    y{i} = [x + {i}, (x, {n})]\n" for i in range(60)) for n in range(100)]
    plan = plan_for(*(f"assert {source.split('(')[0][4:]}" for source in sources[:5]))

    def look(source):
        return needs.Names.of(source).bound, keys.free_names(source), compiled_tests(plan)

    class Lets:  # its end, in the middle of a tree, lets another thread in
        def __init__(self):
            self.me = self

        def __del__(self):
            time.sleep(0.0001)

    try:
        sys.setswitchinterval(1e-6)
        gc.set_threshold(20, 5, 5)
        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(lambda source: (Lets(), look(source))[1], sources))
    finally:
        sys.setswitchinterval(interval)
        gc.set_threshold(*thresholds)
    assert [bound for bound, _, _ in found] == [{f"f{number}"} for number in range(100)]
