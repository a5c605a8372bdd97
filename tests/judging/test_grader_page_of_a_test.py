"""docs/how-a-test-is-judged.md says what happens: its own cells are judged, and its messages looked at on the way."""

import re

import pytest

from course_author.units.unit import ROOT
from course_grader.contracts import Plan, PlanCell, Submission
from course_grader.engine.engine import Engine
from course_grader.wire import channel

pytestmark = pytest.mark.part("grader")
PAGE = (ROOT / "docs" / "how-a-test-is-judged.md").read_text(encoding="utf-8")
TEST, BOB = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
ADA = "def total(xs):\n    return sum(xs)"
SETUP = "import numpy as np\nfrom course_utils import check"
STUB = "def total(xs):\n    raise NotImplementedError"


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with Engine(tmp_path_factory.mktemp("none")) as made:
        yield made


def judged(engine, answer, test=TEST):
    cells = (
        PlanCell("setup", "setup", SETUP, SETUP),
        PlanCell("answer", "total", STUB, STUB),
        PlanCell("test", "total-hidden", test, "", points=2.0),
    )
    (cell,) = engine.grade(Plan("unit", "unit", cells), Submission("student", {"total": answer})).cells
    return cell


def test_both_answers_get_what_the_page_says(engine):
    bob = judged(engine, BOB)
    assert (bob.points, bob.cause) == (0, "wrong")
    assert f"| Bob reads | `{bob.message}` |" in PAGE
    assert bob.detail.startswith("AssertionError: total must leave its argument alone [line 3")
    assert judged(engine, ADA).points == 2


def test_a_reason_in_a_check_is_read_by_the_student(engine):
    checked = TEST.replace("assert xs == [1.0, 2.0, 3.5],", "check.that(xs == [1.0, 2.0, 3.5],").rstrip() + ")"
    assert judged(engine, BOB, checked).message == "total must leave its argument alone"
    assert judged(engine, ADA, checked).points == 2


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ("def total(xs):\n    while True: pass", "time"),
        ("import os\ndef total(xs): os._exit(0)", "died"),
        ("def total(xs): return [0] * (1 << 34)", "memory"),
    ],
)
def test_what_goes_otherwise(engine, answer, cause):
    assert judged(engine, answer).cause == cause


def test_the_page_is_short_and_its_words_are_the_codes():
    assert len(PAGE.splitlines()) <= 60
    assert all(hasattr(channel, name) for name in ("Channel", "Closed", "ProtocolError"))
    said = (ROOT / "course_grader" / "judging" / "student.py").read_text(encoding="utf-8")
    for message in ("names", "cell", "call"):
        assert f"def _do_{message}(" in said and f"`{message}" in PAGE
