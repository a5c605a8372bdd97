"""Honest but odd submissions get full points from the judge, in one session that grades them one after the other."""

import json

import pytest
from odd import CHAPTER, SMALL, every, handed_in, plans

from course_author.units import ROOT
from course_grader import intake
from course_grader.engine import Engine

pytestmark = pytest.mark.part("grader")

ODD = every()


@pytest.fixture(scope="module")
def engine():
    with Engine(ROOT) as started:
        yield started


@pytest.fixture(scope="module")
def kinds():
    """Unit -> its plan, and the notebook as students get it."""
    made = {}
    for unit in (CHAPTER, SMALL):
        made[unit] = plans.plan_of(unit), json.loads(json.dumps(plans.released_notebook(unit)))
    return made


def lost(verdict) -> list[str]:
    """A sentence for each test cell without its full points, then what the student's own cells said."""
    cells = [cell for cell in verdict.cells if not cell.passed or cell.points != cell.max_points]
    words = [f"{cell.name}: {cell.points:g}/{cell.max_points:g} ({cell.cause}) {cell.message} {cell.detail}" for cell in cells]
    return words + [f"cell {run.name!r} said {run.error}" for run in verdict.runs if words and run.error]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.name)
def test_full_points(odd, engine, kinds):
    plan, released = kinds[odd.unit]
    submission = intake.parse(handed_in(odd, released), plan, odd.name)
    verdict = engine.grade(plan, submission)
    assert not lost(verdict), "\n".join([odd.why, *lost(verdict), *verdict.notes])
    assert verdict.points == verdict.max_points == sum(cell.points for cell in plan.cells)


def test_corpus_is_large_and_of_many_kinds():
    assert len(ODD) >= 130
    assert min(sum(odd.unit == unit for odd in ODD) for unit in (CHAPTER, SMALL)) >= 60
    assert len({odd.why for odd in ODD}) == len(ODD)
