"""One student's text stops nobody: what reads it is linear or limited, and a fault costs its own cell only."""

import json
import shutil
import time

import plain_course
import pytest
import scale_class
from plain_course import UNIT, answered, hand_in, released

from course_grader.causes import LATE
from course_grader.cli import main as cli
from course_grader.contracts import OUTPUT_CHARS, Plan, PlanCell, Submission
from course_grader.course import plan
from course_grader.engine.engine import Engine
from course_grader.intake import submission as intake
from course_grader.judging import fingerprint as keys
from course_grader.judging import needs
from course_grader.judging.cell_reports import cell_run

pytestmark = pytest.mark.part("grader")
RIGHT = "def double(x):\n    return x + x"
ROOT = "def root(x):\n    return x ** 0.5"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return scale_class.make(tmp_path_factory.mktemp("limits") / "course")


@pytest.fixture(scope="module")
def the_plan(original):
    return plan.load(original, UNIT, "first")


# -- text that is read outside the sandbox -----------------------------------------------------------------------------


def notebook(course, answer, *more):
    made = answered(released(course), double=answer, root=ROOT)
    data = json.loads(plain_course.as_bytes(made))
    data["cells"] += more
    return json.dumps(data).encode()


def own_cell(source, **metadata):
    return {"cell_type": "code", "id": "own", "metadata": metadata, "source": source, "outputs": []}


def named(source):
    return own_cell(source, nbgrader={"grade_id": "double"})


HOSTILE = {  # k -> (answer, cells of the student's own); each grows with k
    # The reproductions: quadratic patterns, magics that are found one by one, a deep syntax tree.
    "from scipy import": lambda k: ("\n# " + "from scipy import " * 2_000 * k, ()),
    "sixty magics in a long cell": lambda k: ("%time 1\n" * 60 * k + "# x\n" * 8_000 * k, ()),
    "more magics than IPython takes": lambda k: ("%time 1\n" * 501 * k, ()),
    "a sum of many terms": lambda k: ("x = " + "+".join(["1"] * 1_500 * k), ()),
    # Relatives.
    "from torch import": lambda k: ("\n# " + "from torch import " * 2_000 * k, ()),
    "backward(": lambda k: ("\n# " + "backward(" * 4_000 * k, ()),
    "shell lines": lambda k: ("!x\n" * 4_000 * k, ()),
    "questions": lambda k: ("x?\n" * 4_000 * k, ()),
    "one long question": lambda k: ("x = !ls\n" + "x" * 20_000 * k + "\n%time" + " -n 1" * 5_000 * k, ()),
    "assigned magics": lambda k: ("x = !ls\n" * 4_000 * k, ()),
    "cell magics": lambda k: ("%%time\n" * 4_000 * k, ()),
    "lambdas within lambdas": lambda k: ("x = " + "lambda: " * 3_000 * k + "1", ()),
    "attributes of attributes": lambda k: ("x = a" + ".b" * 5_000 * k, ()),
    "signs": lambda k: ("x = " + "-" * 20_000 * k + "1", ()),
    "brackets": lambda k: ("x = " + "(" * 20_000 * k, ()),
    "elif": lambda k: ("if 1:\n    pass\n" + "elif 1:\n    pass\n" * 2_000 * k, ()),
    "copies of an answer": lambda k: (RIGHT, [named(f"x = {n}") for n in range(500 * k)]),
    "unnamed answers": lambda k: (RIGHT, [own_cell(f"def double(x):\n    return {n}") for n in range(500 * k)]),
    "one long cell": lambda k: ("x = [" + "1," * 60_000 * k + "]", ()),
}


def seconds_to_read(course, the_plan, answer, more) -> float:
    """CPU seconds of this thread for all that is done with a submission's text before it is judged."""
    needs.Names._of.cache_clear()
    data = notebook(course, answer, *more)
    started = time.thread_time()
    submission, prose, pasted = intake.whole(data, the_plan, "ada")
    own = [*submission.answers.values(), *(added.source for added in submission.added)]
    needs.heavy(own)
    needs.said(the_plan, submission)
    keys.of_notebook(the_plan, submission, prose, pasted)
    keys.of_exercises(the_plan, submission)
    cells = needs.student_cells(the_plan, submission)
    for exercise in the_plan.exercises():
        names = needs.remote_names(the_plan, exercise, {"math"})
        needs.attempts(the_plan, exercise, cells, names, {"math"})
    return time.thread_time() - started


@pytest.mark.parametrize("text", HOSTILE)
def test_reading_takes_time_in_proportion_to_the_text(text, original, the_plan):
    """Eight times the text takes at most 24 times as long (64 if it were quadratic), as the best of three; and what
    takes less than 50 ms is not worth measuring."""
    few = min(seconds_to_read(original, the_plan, *HOSTILE[text](1)) for _ in range(3))
    many = min(seconds_to_read(original, the_plan, *HOSTILE[text](8)) for _ in range(3))
    assert many < max(24 * few, 0.05), f"{few:.3f} s, then {many:.3f} s"


def test_a_text_that_cannot_be_read_is_run_where_plain_nbgrader_would_run_it():
    assert needs.Names.of("x = " + "+".join(["1"] * 5_000)) == needs.UNREAD
    assert needs.Names.of("x = 1\n" + "#" * needs.READ) == needs.UNREAD
    assert not needs.UNREAD.inert


def test_hostile_texts_cost_their_own_exercise_at_most(original, tmp_path, capsys):
    """All of them hand in beside a right answer to the other exercise; nobody is left without a grade."""
    course = shutil.copytree(original, tmp_path / "course")
    for number, text in enumerate(HOSTILE.values()):
        answer, more = text(1)
        hand_in(course, f"s{number:02}", notebook(course, f"{answer}\n{RIGHT}", *more))
    assert cli.main(["grade", UNIT, "--course", str(course), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert len(said["submissions"]) == len(HOSTILE)
    for one in said["submissions"]:
        cells = {cell["name"]: cell["points"] for cell in one["notebooks"][0]["cells"]}
        assert cells["root-check"] + cells["root-hidden"] == 3, one["student"]


def test_the_code_of_a_notebook_is_limited_as_a_whole(original, the_plan):
    many = [own_cell("#" * 900_000) for _ in range(4)]
    submission = intake.parse(notebook(original, RIGHT, *many), the_plan, "ada")
    assert len(submission.added) == 2 and submission.answers["double"] == RIGHT
    left_out = [note for note in submission.notes if "is left out: with it, the code has more than 2,000,000" in note]
    assert len(left_out) == 2


# -- time --------------------------------------------------------------------------------------------------------------

DEAF = (
    "import signal, time\n"
    "for timer in (signal.ITIMER_PROF, signal.ITIMER_REAL):\n"
    "    signal.setitimer(timer, 0)\n"
    "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\n"
)
SLEEPERS = {
    "in the cell": DEAF + "while True:\n    time.sleep(100)",
    "in a call": DEAF + "def double(x):\n    while True:\n        time.sleep(100)",
    "in an attribute": DEAF
    + "class Double:\n    def __call__(self, x):\n        while True: time.sleep(100)\ndouble = Double()",
}
SUBMISSION_S = 20.0


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    libraries = ["IPython", "course_utils.check"]
    folder = tmp_path_factory.mktemp("none")
    with Engine(folder, wall_seconds=1.0, submission_seconds=SUBMISSION_S, libraries=libraries) as engine:
        yield engine


def causes(verdict):
    return {cell.name: cell.cause for cell in verdict.cells}


@pytest.mark.parametrize("sleeper", SLEEPERS)
def test_who_switches_the_timers_off_and_sleeps_is_out_of_time(sleeper, engine, the_plan):
    verdict = engine.grade(the_plan, Submission("ada", {"double": SLEEPERS[sleeper], "root": ROOT}))
    assert causes(verdict) == {"double-check": "time", "double-hidden": "time", "root-check": "", "root-hidden": ""}
    assert verdict.seconds["total"] < 3 * SUBMISSION_S, "it is not tried once more"


@pytest.fixture(scope="module")
def patient(tmp_path_factory):
    """Much time for a cell, little for a submission."""
    libraries = ["IPython", "course_utils.check"]
    with Engine(tmp_path_factory.mktemp("none"), submission_seconds=4.0, libraries=libraries) as engine:
        yield engine


def graded_answers(engine, answers):
    cells = [PlanCell("setup", "setup", "import math", "import math")]
    for name in answers:
        test = f"assert {name}() == 1"
        cells += [PlanCell("answer", name, "", ""), PlanCell("test", f"{name}-test", test, test, points=1.0)]
    return engine.grade(Plan("hw", "first", tuple(cells), 5.0, True, False), Submission("ada", answers))


def test_a_submission_has_a_limit_as_a_whole(patient):
    """Each exercise alone would be in time; what comes after the limit is not run, and the message says why."""
    slow = {f"f{n}": f"import time\ntime.sleep(0.8)\ndef f{n}():\n    time.sleep(0.4)\n    return 1" for n in range(8)}
    verdict = graded_answers(patient, slow)
    found = list(causes(verdict).values())
    assert found[:2] == ["", ""] and found[-2:] == ["time", "time"], found
    assert verdict.cells[-1].message == LATE


def test_who_computes_has_more_time(patient):
    """A busy machine must not change a grade, so CPU time counts several times; here all of it is computing."""
    loop = "import time\nend = time.process_time() + 0.7\nwhile time.process_time() < end: pass\n"
    verdict = graded_answers(patient, {f"f{n}": f"{loop}def f{n}():\n    return 1" for n in range(7)})
    assert verdict.points == 7, causes(verdict)
    assert verdict.seconds["total"] > 4.0


@pytest.mark.full
def test_a_test_in_a_loop_that_no_timer_interrupts_ends(engine):
    """The answer gives a number with which the judge's own arithmetic would work for hours."""
    test = PlanCell("test", "f-test", "assert sum(range(f() * 10**10)) == 3", "", points=1.0)
    made = Plan("hw", "first", (PlanCell("answer", "f", "", ""), test), 0.2, True, False)
    verdict = engine.grade(made, Submission("ada", {"f": "def f():\n    return 10"}))
    assert verdict.cells[0].cause == "died" and verdict.seconds["total"] < 120


# -- what comes back ---------------------------------------------------------------------------------------------------

TAKEN = """
import sys
sys.modules["course_grader.judging.shell"].Recorder.take = lambda self: {outputs}
def double(x):
    return x + x
"""
STREAM = '[{"output_type": "stream", "name": "stdout", "text": "m" * (1 << 20)}]'
BIG = {
    "many texts": STREAM + " * 60",
    "one text": STREAM.replace("1 << 20", "8 << 20"),
    "pictures": '[{"output_type": "display_data", "data": {"image/png": "m" * (1 << 20)}}] * 60',
}


@pytest.mark.parametrize("outputs", BIG)
def test_a_process_that_was_taken_over_writes_no_large_verdict(outputs, engine, the_plan):
    answer = TAKEN.format(outputs=BIG[outputs])
    verdict = engine.grade(the_plan, Submission("ada", {"double": answer, "root": ROOT}))
    assert len(verdict.to_json()) < OUTPUT_CHARS + 100_000
    (run,) = [run for run in verdict.runs if run.name == "double"]
    assert run.outputs[-1]["text"] == "... (the rest of the output is left out)\n"
    assert causes(verdict)["root-hidden"] == ""


def test_all_cells_together_are_limited(monkeypatch, the_plan):
    run = {"name": "a", "error": "", "cpu_s": 0.0}
    run["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "m" * 1_000}] * 3
    assert len(cell_run(run, 3_000)["outputs"]) == 3
    cut = cell_run(run, 2_500)["outputs"]
    assert [len(one["text"]) for one in cut] == [1_000, 1_000, len("... (the rest of the output is left out)\n")]


@pytest.mark.parametrize("value", ["float('nan')", "float('inf')", "-1.0", "1e309"])
def test_a_cpu_time_is_a_number(value, engine, the_plan):
    answer = f"import time\ntime.process_time = lambda: {value} if value else 0.0\n{RIGHT}".replace(
        "if value else 0.0", ""
    )
    if value == "-1.0":
        answer = f"import time\nreal = time.process_time\ntime.process_time = lambda: real() - 1000.0\n{RIGHT}"
    verdict = engine.grade(the_plan, Submission("ada", {"double": answer, "root": ROOT}))
    assert causes(verdict)["double-check"] == "tampered" and causes(verdict)["root-check"] == ""
    assert all(0 <= run.cpu_s < 100 for run in verdict.runs)
