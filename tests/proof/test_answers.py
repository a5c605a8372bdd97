"""The bank of right and wrong answers: each answer gets its verdict, and the bank keeps the plan's rules."""

import re

import pytest
import small_course

from course_author.proof import answers, bank, mutant_results
from course_author.proof.answers import answer_faults, bank_faults, leaks, matrix_faults
from course_author.proof.bank import AnswerError, read_bank
from course_author.proof.execution import Runner
from course_author.proof.jobs import Verdict
from course_author.proof.judged import JudgedRunner
from course_author.proof.similarity import similarity
from course_author.units.text import load_unit, unit_names
from course_author.units.unit import UnitError, graded

# -- the course's own bank -------------------------------------------------------------------------------------------


def load():
    """Units with exercises; one that cannot be read is test_units' business, not a reason to collect nothing here."""
    for name in unit_names():
        try:
            unit = load_unit(name)
        except UnitError:
            continue
        for exercise in graded(unit):
            yield unit, exercise


EXERCISES = {f"{unit.name}/{exercise.slug}": (unit, exercise) for unit, exercise in load()}


def titles():
    for name, (unit, exercise) in EXERCISES.items():
        try:
            bank = read_bank(unit.name, exercise.slug)
        except AnswerError:
            continue  # test_bank_keeps_the_rules fails on it
        yield from (pytest.param(name, place, id=f"{name}: {one.kind}: {one.title}") for place, one in enumerate(bank))


@pytest.fixture(scope="module")
def matrix_of():
    """The judged bank of an exercise, run once."""
    kept = {}
    with JudgedRunner() as runner:

        def matrix(name):
            if name not in kept:
                kept[name] = answers.matrix(runner, *EXERCISES[name])
            return kept[name]

        yield matrix


@pytest.mark.full
@pytest.mark.parametrize("name", EXERCISES)
def test_one_process_and_the_judge_agree_on_every_answer(name, matrix_of):
    with Runner() as runner:
        alone = answers.matrix(runner, *EXERCISES[name])
    exercise = EXERCISES[name][1]
    points = [[one.outcome.points(exercise) for one in found.judged] for found in (alone, matrix_of(name))]
    assert points[0] == points[1]


@pytest.mark.parametrize("name", EXERCISES)
def test_bank_keeps_the_rules(name, matrix_of):
    found = matrix_of(name)
    assert bank_faults([one.answer for one in found.judged], found.exercise) + matrix_faults(found) == []


@pytest.mark.parametrize(("name", "place"), list(titles()))
def test_answer_gets_the_verdict_it_deserves(name, place, matrix_of):
    found = matrix_of(name)
    assert answer_faults(found.judged[place], found.exercise) == []


def test_no_bank_file_is_an_orphan():
    for unit in {unit.name: unit for unit, _ in EXERCISES.values()}.values():
        bank.refuse_orphans(unit)


# -- the machinery, on a small course ----------------------------------------------------------------------------------


@pytest.fixture
def course(tmp_path):
    return small_course.make(tmp_path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "has no right answer: add a cell"),
        ("# %% right: x\na = 1\n", "has no wrong answer: add a cell titled '# %% wrong: …'"),
        ("# %%\na = 1\n", "title '' says neither"),
        ("# %% correct: x\na = 1\n", "'correct: x' says neither"),
        ("# %% right:\na = 1\n", "'right:' says neither"),
        ("# %% right: x\na = 1\n# %% wrong: x\na = 2\n", ":3: the title 'x' is already used at line 1"),
        ("# %% right: x\n# later\n", "'right: x' is empty"),
        ("# %% right: x\ndef f(:\n", "not Python"),
        ("import numpy as np\n# %% right: x\na = 1\n", ":1: this code belongs to no cell"),
    ],
)
def test_broken_bank_is_one_sentence(course, content, sentence):
    small_course.write_bank(course, "count-above", content)
    with pytest.raises(AnswerError, match=re.escape(sentence)) as caught:
        read_bank(small_course.UNIT, "count-above", course)
    assert str(caught.value).startswith("tests/answers/01_small/count-above.py")
    assert "\n" not in str(caught.value)


def test_missing_and_orphaned_bank_files_are_one_sentence_each(course):
    path = bank.bank_path(small_course.UNIT, "count-above", course)
    path.rename(path.with_stem("count-below"))
    with pytest.raises(AnswerError, match="does not exist: write right and wrong answers for exercise 'count-above'"):
        read_bank(small_course.UNIT, "count-above", course)
    with pytest.raises(AnswerError, match=r"count-below\.py belongs to no exercise of 01_small"):
        bank.refuse_orphans(load_unit(small_course.UNIT, course), course)


def test_command_prints_matrix_and_totals(course, capsys):
    assert mutant_results.main(["--root", str(course)]) == 0
    capsys.readouterr()
    assert answers.main(["--root", str(course)]) == 0
    lines = capsys.readouterr().out.strip().split("\n")
    assert lines[-1] == "false accepts 0/16, false rejects 0/8, mutants killed 45/46"
    assert "  the visible check alone rejects 75% of the wrong ones" in lines
    assert any(
        re.match(r"  wrong  writes into X +passed wrong +the table that was passed in was changed", x) for x in lines
    )


def test_command_fails_on_false_verdicts_and_stale_mutants(course, capsys):
    bank = small_course.COUNT_BANK.replace("# %% wrong: counts all", "# %% right: counts all")
    bank = bank.replace("# %% right: a loop", "# %% wrong: a loop")
    small_course.write_bank(course, "count-above", bank)
    assert answers.main(["--root", str(course)]) == 1
    out = capsys.readouterr().out
    assert "false accepts 1/16, false rejects 1/8, mutants killed 0/0" in out.strip().split("\n")[-1]
    assert re.search(r"^! wrong  a loop +passed passed$", out, re.MULTILINE)
    assert re.search(r"^! right  counts all +wrong ", out, re.MULTILINE)
    assert "no current mutant results for 01_small/standardize, 01_small/count-above: run `make mutants`" in out


def judged(course, exercise_index=1):
    unit = load_unit(small_course.UNIT, course)
    with JudgedRunner(course) as runner:
        return answers.matrix(runner, unit, unit.exercises[exercise_index], course)


def test_good_bank_has_no_faults(course):
    for place in (0, 1):
        found = judged(course, place)
        assert bank_faults([one.answer for one in found.judged], found.exercise) + matrix_faults(found) == []
        assert [answer_faults(one, found.exercise) for one in found.judged] == [[]] * 12


def test_rules_on_numbers_blindness_and_method(course):
    exercise = load_unit(small_course.UNIT, course).exercises[1]
    bank = read_bank(small_course.UNIT, "count-above", course)
    told = bank_faults([bank[0], bank[0], bank[-1]], exercise)
    assert [fault.split(",")[0] for fault in told[:2]] == ["2 right answers", "1 wrong answers"]
    assert "blind" in told[2]
    assert "'a loop' and 'a loop' are 1.00 alike" in told[3]


def test_rules_on_the_visible_check_and_on_raising(course):
    weak = small_course.COUNT_BANK.replace("return 0\n'", "return 0\n")
    weak = weak.replace("return sum(value for value in values if value > limit)", "raise OSError")
    weak = weak.replace("return len(values)", "return missing")
    weak = weak.replace("return sum(value < limit for value in values)", "return len({v for v in values if v > limit})")
    small_course.write_bank(course, "count-above", weak)
    told = " ".join(matrix_faults(judged(course)))
    assert "rejects 62%" in told
    assert "2 wrong answers raise" in told


def test_bare_assert_in_hidden_tests_is_told(tmp_path):
    hidden = small_course.COUNT_HIDDEN.replace(
        'check.hidden.equal(count_above([], 0), 0, what="the count in an empty list")',
        "assert count_above([1], 0)",
    )
    found = judged(small_course.make(tmp_path, count_hidden=hidden))
    told = [fault for one in found.judged for fault in answer_faults(one, found.exercise)]
    assert "fails without a sentence of check (AssertionError: " in " ".join(told)


@pytest.mark.parametrize(
    ("message", "leaking"),
    [
        ("the count in an empty list is not what it should be.", False),
        ("an array of shape (4, 4) is not right at index (0, 0) (3 of 16 values differ).", False),
        ("expected array([1., 2.])", True),
        ("softmax([1000, 1001.5]) is wrong", True),
        ("it was [ 1.  2. -3.e5]", True),
        ("look: rng = np.random.default_rng(5)", True),
    ],
)
def test_leaks_are_seen(course, message, leaking):
    exercise = load_unit(small_course.UNIT, course).exercises[0]
    assert bool(leaks(Verdict(False, "wrong", "CheckFailed", message), exercise)) == leaking


def test_similarity_sees_through_names_but_not_through_methods():
    one = "def f(x):\n    '''Doc.'''\n    total = 0\n    for item in x:\n        total += item\n    return total"
    renamed = "def f(values):\n    s = 0\n    for v in values:\n        s += v\n    return s"
    other = "def f(x):\n    return np.sum(x)"
    assert similarity(one, renamed) == 1.0
    assert similarity(one, other) < 0.5
    assert similarity("def f(x):\n    return np.exp(x)", "def f(x):\n    return np.log(x)") < 1.0


def test_guards_that_the_task_prescribes_do_not_make_answers_alike():
    guard = "    if x < 0:\n        raise ValueError('x must not be negative')\n"
    one, other = f"def f(x):\n{guard}    return x + 1", f"def f(x):\n{guard}    return np.log(np.exp(x) * np.e)"
    assert similarity(one, other) == similarity(one.replace(guard, ""), other.replace(guard, ""))


def test_moving_functions_is_no_other_method():
    first, second = "def f(x):\n    return x + 1", "def g(x):\n    return f(x) * 2"
    assert similarity(f"{first}\n{second}", f"{second}\n{first}") == 1.0
