"""Cells run as plain nbgrader would: what passes, what fails and why, and that nothing hangs the batch."""

import pytest

from course_author.proof.execution import Runner
from course_author.proof.jobs import Cell, ExecutionError, Job, Verdict

SETUP = Cell("setup", "setup cell 1", "import numpy as np")
ASKS_ONE = "assert f() == 1, 'f() must return 1 here'"


@pytest.fixture(scope="module")
def runner():
    with Runner() as made:
        yield made


def verdicts(runner, answer, check=ASKS_ONE, hidden=ASKS_ONE, **caps):
    cells = (SETUP, Cell("answer", "f", answer), Cell("test", "f-check", check), Cell("test", "f-hidden", hidden))
    found = runner.run([Job(cells, **caps)])[0]
    return found["f-check"], found["f-hidden"]


def test_right_answer_passes_both_cells(runner):
    assert verdicts(runner, "def f(): return 1") == (Verdict(True), Verdict(True))


def test_wrong_answer_fails_with_the_assertions_words(runner):
    check, hidden = verdicts(runner, "def f(): return 2", hidden="pass")
    assert (check.passed, check.cause, check.message) == (False, "wrong", "f() must return 1 here")
    assert hidden.passed, "a cell that fails does not stop the next one"


@pytest.mark.parametrize(
    ("answer", "exception"),
    [
        ("def f(: return 1", "NameError"),
        ("def f(): return 1 / 0", "ZeroDivisionError"),
        ("import sys\ndef f(): sys.exit(0)", "SystemExit"),
        ("def f(): raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("def f(): return np.ones(1 << 36).sum()", "MemoryError"),
    ],
)
def test_errors_lose_points_and_are_named(runner, answer, exception):
    check, hidden = verdicts(runner, answer)
    assert (check.cause, check.exception, hidden.passed) == ("error", exception, False)


def test_dead_process_loses_points(runner):
    check, hidden = verdicts(runner, "import os\ndef f(): os._exit(0)")
    assert (check.passed, hidden.passed) == (False, False)
    assert "ended before" in hidden.message


ENDLESS = "def f():\n  while True: pass"


@pytest.mark.parametrize("answer", [ENDLESS, "import time\ndef f(): time.sleep(60)"])
def test_endless_answers_run_out_of_time_and_the_next_cell_is_graded(runner, answer):
    check, hidden = verdicts(runner, answer, hidden="pass", cpu_seconds=1, wall_seconds=2)
    assert (check.cause, hidden.passed) == ("time", True)


def test_one_that_cannot_be_interrupted_is_ended(runner):
    stubborn = (
        "from signal import SIG_IGN, SIGALRM, SIGPROF, signal\n"
        "def f():\n  signal(SIGPROF, SIG_IGN), signal(SIGALRM, SIG_IGN)\n  while True: pass"
    )
    check, hidden = verdicts(runner, stubborn, hidden="pass", cpu_seconds=1, wall_seconds=2)
    assert (check.cause, hidden.passed) == ("time", False)


def test_answers_do_not_see_each_other(runner):
    verdicts(runner, "import numpy\nnumpy.f = 1\ndef f(): return 1")
    check, _ = verdicts(runner, "import numpy\ndef f(): return numpy.f")
    assert check.exception == "AttributeError"


def test_output_and_stderr_cost_nothing(runner):
    check, hidden = verdicts(
        runner, "import warnings\ndef f():\n  print('x' * 10**6)\n  warnings.warn('!')\n  return 1"
    )
    assert check.passed and hidden.passed


def test_value_at_the_end_of_a_test_is_refused(runner):
    check, hidden = verdicts(runner, "def f(): return 1", check="f()", hidden="f();")
    assert "as a score" in check.message
    assert hidden.passed


def test_until_failure_skips_the_rest(runner):
    check, hidden = verdicts(runner, "def f(): return 2", until_failure=True)
    assert (check.cause, hidden.cause) == ("wrong", "skipped")


def test_source_of_an_answer_can_be_inspected(runner):
    check, _ = verdicts(runner, "def f(): return 1", check="import inspect\nassert 'return 1' in inspect.getsource(f)")
    assert check == Verdict(True)


def test_results_come_in_the_order_of_the_jobs(runner):
    slow = Job((Cell("test", "one", "import time; time.sleep(0.5); assert 0, 'slow'"),))
    fast = Job((Cell("test", "one", "assert 0, 'fast'"),))
    assert [found["one"].message for found in runner.run([slow, fast, fast])] == ["slow", "fast", "fast"]


def test_broken_setup_is_one_sentence():
    with Runner() as made, pytest.raises(ExecutionError, match=r"'setup cell 1'.*No module named 'absent'.*mend it"):
        made.run([Job((Cell("setup", "setup cell 1", "import absent"),))])


def test_after_a_broken_setup_the_next_run_gets_its_own_verdicts():
    broken = Cell("setup", "setup cell 1", "1 / 0")
    tests = (Cell("answer", "f", "def f(): return 1"), Cell("test", "f-check", ASKS_ONE))
    with Runner() as made:
        with pytest.raises(ExecutionError):
            made.run([Job((broken, *tests)), Job((SETUP, *tests)), Job((SETUP, *tests))])
        other = Cell("test", "f-check", "assert f() == 2, 'f() must return 2 now'")
        (found,) = made.run([Job((SETUP, tests[0], other))])
    assert found["f-check"].message == "f() must return 2 now"
