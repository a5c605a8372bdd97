"""Honest but odd submissions get full points from the judge."""

import itertools
import json

import pytest
from odd import CHAPTER, SMALL, every, handed_in, plans, reference

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


def touched(odd) -> set[str]:
    """Exercises that oddness can reach: where only answers are odd, these and the one after each; else all."""
    slugs = list(reference(odd.unit))
    if not odd.only_answers:
        return set(slugs)
    return set(odd.answers) | {later for slug, later in itertools.pairwise(slugs) if slug in odd.answers}


def lost(verdict) -> list[str]:
    """A sentence for each test cell without its full points, then what the student's own cells said."""
    cells = [cell for cell in verdict.cells if not cell.passed or cell.points != cell.max_points]
    words = [f"{cell.name}: {cell.points:g}/{cell.max_points:g} ({cell.cause}) {cell.detail}" for cell in cells]
    return words + [f"cell {run.name!r} said {run.error}" for run in verdict.runs if words and run.error]


def assert_full(odd, engine, kinds, slugs):
    plan, released = plans.part(*kinds[odd.unit], slugs)
    submission = intake.parse(handed_in(odd, released), plan, odd.name)
    verdict = engine.grade(plan, submission)
    assert not lost(verdict), "\n".join([odd.why, *lost(verdict), *verdict.notes])
    assert verdict.points == verdict.max_points == sum(cell.points for cell in plan.cells) > 0


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.name)
def test_full_points(odd, engine, kinds):
    assert_full(odd, engine, kinds, touched(odd))


@pytest.mark.full
@pytest.mark.parametrize("odd", [odd for odd in ODD if odd.only_answers], ids=lambda odd: odd.name)
def test_full_points_in_all_exercises(odd, engine, kinds):
    assert_full(odd, engine, kinds, set(reference(odd.unit)))


def test_corpus_is_large_and_of_many_kinds():
    assert len(ODD) >= 130
    assert min(sum(odd.unit == unit for odd in ODD) for unit in (CHAPTER, SMALL)) >= 60
    assert len({odd.why for odd in ODD}) == len(ODD)


def test_a_wrong_answer_is_seen(engine, kinds):
    """The other tests would pass, too, if the judge gave full points to anybody."""
    odd = next(odd for odd in ODD if odd.name == "scipy-softmax")
    plan, released = plans.part(*kinds[CHAPTER], {"softmax"})
    wrong = handed_in(odd, released).replace(b"np.divide", b"np.multiply")
    assert len(lost(engine.grade(plan, intake.parse(wrong, plan, "wrong")))) >= 2
