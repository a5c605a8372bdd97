"""Which exercises a change can touch: their keys change, and no others. Pure functions, no engine."""

import subprocess
import sys
from dataclasses import replace

import pytest
import scale_class

from course_author.units.unit import ROOT
from course_grader.contracts import Added, CellVerdict, Plan, PlanCell, Submission, Verdict
from course_grader.judging import fingerprint as keys
from course_grader.judging import needs

pytestmark = pytest.mark.part("scale")


def plan_of(*texts, setup="import math\nlimit = 3"):
    """A plan of one exercise for each (answer, test) pair, after a setup cell."""
    cells = [PlanCell("setup", "setup", setup, setup)]
    for number, (answer, test) in enumerate(texts):
        cells.append(PlanCell("answer", f"a{number}", answer, answer))
        cells.append(PlanCell("test", f"t{number}", test, "# hidden", points=1.0))
    return Plan("u", "n", tuple(cells), allow_student_process=False)


ANSWERS = {"a0": "def f():\n    return 1", "a1": "def g():\n    return f()", "a2": "def h():\n    return 3"}
TESTS = [
    ("def f(): ...", "x = f()\nassert x == 1"),
    ("def g(): ...", "assert g() == 1"),
    ("def h(): ...", "assert h()"),
]


def changed(plan, other, submission=None, second=None) -> set[str]:
    """Exercises whose keys differ."""
    submission = submission or Submission("ada", ANSWERS)
    before, after = keys.of_exercises(plan, submission), keys.of_exercises(other, second or submission)
    return {name for name in before if before[name] != after[name]}


def with_test(plan, number, source):
    cells = [replace(cell, source=source) if cell.name == f"t{number}" else cell for cell in plan.cells]
    return replace(plan, cells=tuple(cells))


def test_a_changed_test_touches_its_own_exercise():
    plan = plan_of(*TESTS)
    assert changed(plan, plan) == set()
    assert changed(plan, with_test(plan, 1, "assert g() == 2")) == {"t1"}
    assert changed(plan, with_test(plan, 2, "assert h() == 3")) == {"t2"}


def test_a_test_that_others_build_on_touches_them_too():
    plan = plan_of(TESTS[0], ("def g(): ...", "assert g() == x"), TESTS[2])
    assert changed(plan, with_test(plan, 0, "x = f()\nassert x == 2")) == {"t0", "t1"}
    drawn = plan_of(("def f(): ...", "assert f() < rng.random()"), ("def g(): ...", "assert g() < rng.random()"),
                    setup="import random\nrng = random.Random(1)")  # fmt: skip
    assert changed(drawn, with_test(drawn, 0, "assert f() <= rng.random()")) == {"t0", "t1"}, "one stream for both"


def test_a_name_that_a_test_takes_is_no_longer_the_students():
    plan = plan_of(*TESTS)
    assert changed(plan, with_test(plan, 0, "y = f()\nassert y == 1")) == {"t0", "t1", "t2"}


def test_what_changes_everything():
    plan = plan_of(*TESTS)
    everything = {"t0", "t1", "t2"}
    for other in (
        replace(plan, cpu_seconds=6.0), replace(plan, allow_added_cells=False), replace(plan, libraries=("numpy",)),
        replace(plan, allow_student_process=True), plan_of(*TESTS, setup="import math\nlimit = 4"),
    ):  # fmt: skip
        assert changed(plan, other) == everything
    assert changed(plan, plan, second=Submission("bob", ANSWERS)) == everything, "random numbers depend on the name"


def test_an_answer_touches_its_own_exercise_and_later_ones():
    plan = plan_of(*TESTS)
    assert changed(plan, plan, second=Submission("ada", ANSWERS | {"a1": "def g():\n    return 2"})) == {"t1", "t2"}
    assert changed(plan, plan, second=Submission("ada", ANSWERS, added=(Added(3, "z = 1"),))) == {"t1", "t2"}
    assert changed(plan, plan, second=Submission("ada", ANSWERS, notes=("odd",))) == set()


def test_what_is_kept_of_an_earlier_verdict():
    plan = plan_of(TESTS[0], ("def g(): ...", "assert g() == x"), TESTS[2])
    submission = Submission("ada", ANSWERS)
    now = keys.of_exercises(plan, submission)
    cells = [CellVerdict(name, 1.0, 1.0) for name in ("t0", "t1", "t2")]
    before = Verdict("u", "n", "ada", cells, keys=dict(now))
    assert keys.is_whole(plan, keys.known(plan, before, now))
    assert keys.known(plan, None, now) is None
    assert keys.known(plan, Verdict("u", "n", "ada", cells), now) is None, "of a time without keys"

    def kept(*other):
        found = keys.known(plan, replace(before, keys=now | dict.fromkeys(other, "other")), now)
        return [cell.name for cell in found.cells] if found else []

    assert kept("t2") == ["t0", "t1"]
    assert kept("t1") == ["t2"], "its test uses what the first one leaves, so that one is run, too"
    assert kept("t0", "t1", "t2") == []
    assert [cell.name for cell in keys.known(plan, replace(before, cells=cells[:2]), now).cells] == ["t0", "t1"]


@pytest.mark.parametrize(
    ("source", "free"),
    [
        ("x = 1\nprint(x)", {"print"}), ("print(x)\nx = 1", {"print", "x"}), ("x += 1", {"x"}), ("del x", {"x"}),
        ("def f():\n    return z\nz = 1", {"z"}), ("for i in range(3):\n    y = i\nprint(y)", {"range", "print", "y"}),
        ("with a as b:\n    c = b\nc", {"a"}), ("if k:\n    m = 1\nm", {"k", "m"}), ("import a.b as c\nc", set()),
        ("try:\n    g = 1\nexcept E as h:\n    h\ng", {"E", "g"}), ("(n := 1)\nn", set()), ("x: int\nx", {"int", "x"}),
        ("match a:\n    case 1:\n        b = 2\nb", {"a", "b"}), ("not python (", {"not", "python"}),
    ],
)  # fmt: skip
def test_names_that_a_cell_takes_from_outside(source, free):
    assert keys.free_names(source) == free


def test_each_module_that_can_change_a_verdict_is_in_the_key():
    """All modules of course_grader that the engine's side imports, and the worker's."""
    code = (
        "import sys; sys.modules['rfc3987_syntax'] = None; from course_grader.engine import engine, prepared, worker; "
        "print(*sorted(name for name in sys.modules if name.startswith('course_grader.')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=scale_class.surroundings(),
        capture_output=True,
        text=True,
        check=True,
    )
    rooms = {name.split(".")[1] for name in done.stdout.split()}
    hashed = {*keys.JUDGING, *(name.removesuffix(".py") for name in keys.FILES)}
    assert {"judging", "sandbox"} < rooms <= hashed, rooms - hashed
    for name in (*keys.JUDGING, *keys.FILES, *keys.WRITING):
        assert (ROOT / "course_grader" / name).exists()


def test_what_setup_cells_import_is_prepared():
    setup = "import numpy as np, os.path\nfrom scipy import special\nfrom . import x\nif True:\n    import late"
    assert needs.imports(plan_of(*TESTS, setup=setup)) == ("numpy", "os.path", "scipy", "scipy.special")
