"""Answers by an author who had only the released notebook get the verdict of their title (see unseen/README.md).

The tests have been mended against these since, so passing is a guard against going back, not a measurement.
"""

from pathlib import Path

import pytest

from course_author.proof.answers import judge
from course_author.proof.bank import parse_bank
from course_author.proof.judged import JudgedRunner
from course_author.units.text import load_unit, unit_names
from course_author.units.unit import graded

pytestmark = pytest.mark.part("answers")
UNSEEN = Path(__file__).resolve().parents[1] / "unseen"


@pytest.fixture(scope="module")
def runner():
    with JudgedRunner() as prepared:
        yield prepared


@pytest.mark.parametrize("unit", [unit for unit in unit_names() if (UNSEEN / unit).is_dir()])
def test_unseen_answers_get_the_verdict_of_their_title(unit, runner):
    loaded, wrong = load_unit(unit), []
    files = {path.stem: path for path in (UNSEEN / unit).glob("*.py")}
    assert set(files) == {exercise.slug for exercise in graded(loaded)}
    for exercise in graded(loaded):
        answers = parse_bank(files[exercise.slug].read_text(encoding="utf-8"), exercise.slug)
        assert {answer.right for answer in answers} == {True, False}
        outcomes = judge(runner, loaded, exercise, [answer.source for answer in answers])
        wrong += [
            f"{exercise.slug}: {answer.title!r} was {'accepted' if outcome.passed else 'rejected'}"
            for answer, outcome in zip(answers, outcomes, strict=True)
            if outcome.passed != answer.right
        ]
    assert not wrong
