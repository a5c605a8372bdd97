"""Honest but odd submissions get full points from the judge."""

import itertools
import json

import pytest
from odd import CHAPTER, SMALL, every, handed_in, plans, reference

from course_author.units.unit import ROOT
from course_grader.engine.engine import Engine
from course_grader.intake import submission as intake

pytestmark = pytest.mark.part("grader")

ODD = every()
# In these the oddness stays inside the student's process, or others are odd in much the same way: with --full only.
INSIDE = """
torch-softmax torch-forward-detached sympy-slopes math-and-itertools fractions numba-if-there-is-one np-matrix-inside
frompyfunc-object-arrays singledispatch lru-cache decorated-and-timed star-args keyword-only-extras recursion-per-epoch
closures-everywhere generator-with-send defined-twice stub-left-behind tempfile-and-chdir sqlite-and-shelve sleeps
garbage-collector-off atexit-and-finalizers large-result-on-the-way leftover-asserts-and-doctest deep-traceback
prints-at-each-step np-imported-again underscore-names joblib-parallel joblib-processes list-is-x-itself
figures-saved interactive-backend pandas-or-else progress-library task-text-edited docstring-with-markers
value-dataclass value-subclass-and-mixin value-weak-graph value-with-slots batches-as-a-map
batches-as-iter-of-a-callable batches-from-a-dataloader gradient-with-list-of-lists gradient-by-vectorize
momentum-slice-assignment momentum-own-keyerror momentum-with-lock-and-log stopping-dataclass mlp-own-parameters
mlp-with-hooks-and-buffers mlp-trained-at-once accuracy-with-decorator accuracy-in-batches prints-in-every-method
seeds-at-the-top one-namespace-class saved-by-kaggle saved-by-deepnote saved-by-pycharm saved-by-jupytext
lab-decorations json-on-one-line json-keys-shuffled empty-keys kernel-of-another-name counts-out-of-order
graded-once-before release-tags-removed
"""
QUICK = [odd for odd in ODD if odd.name not in INSIDE.split()]


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


@pytest.mark.parametrize("odd", QUICK, ids=lambda odd: odd.name)
def test_full_points(odd, engine, kinds):
    assert_full(odd, engine, kinds, touched(odd))


@pytest.mark.full
@pytest.mark.parametrize("odd", [odd for odd in ODD if odd.only_answers or odd not in QUICK], ids=lambda odd: odd.name)
def test_full_points_in_all_exercises(odd, engine, kinds):
    assert_full(odd, engine, kinds, set(reference(odd.unit)))


def test_corpus_is_large_and_of_many_kinds():
    assert {odd.name for odd in ODD} >= set(INSIDE.split())
    assert len(QUICK) >= 130
    assert min(sum(odd.unit == unit for odd in QUICK) for unit in (CHAPTER, SMALL)) >= 60
    assert len({odd.why for odd in ODD}) == len(ODD)


def test_a_wrong_answer_is_seen(engine, kinds):
    """The other tests would pass, too, if the judge gave full points to anybody."""
    odd = next(odd for odd in ODD if odd.name == "scipy-softmax")
    plan, released = plans.part(*kinds[CHAPTER], {"softmax"})
    wrong = handed_in(odd, released).replace(b"np.divide", b"np.multiply")
    assert len(lost(engine.grade(plan, intake.parse(wrong, plan, "wrong")))) >= 2
