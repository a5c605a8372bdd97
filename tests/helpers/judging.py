"""A one-exercise course in a few lines, for tests of the judge: setup, answer, tests, and what came of them."""

from course_grader.contracts import Plan, PlanCell, Submission

SETUP = "import numpy as np\nfrom course_utils import check"
STUB = "def f(*args):\n    raise NotImplementedError"


def plan_for(*tests, setup=SETUP, stub=STUB, hidden=(), cpu_seconds=2.0, alone=True, reference=None):
    """A plan with one answer, "answer", and a cell "test 1", "test 2", ... of 1 point for each text in `tests`.

    alone: may no test run in the student's process? reference: the course's own answer, where one may
    """
    cells = [PlanCell("setup", "setup", setup, setup), PlanCell("answer", "answer", stub, stub)]
    for number, source in enumerate(tests, 1):
        released = "# hidden" if number in hidden else source
        cells.append(PlanCell("test", f"test {number}", source, released, points=1.0))
    return Plan(
        "unit", "unit", tuple(cells), cpu_seconds, allow_student_process=not alone,
        reference={"answer": reference} if reference else {},
    )  # fmt: skip


def grade(engine, answer, *tests, **settings):
    """Grade one answer; returns the verdict."""
    return engine.grade(plan_for(*tests, **settings), Submission("somebody", {"answer": answer}))


def outcome(engine, answer, *tests, **settings):
    """The causes of the tests, "" for those that passed; a single one as itself."""
    causes = [cell.cause for cell in grade(engine, answer, *tests, **settings).cells]
    return causes[0] if len(causes) == 1 else causes
