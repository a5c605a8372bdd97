"""The checks: what passes, what fails, and whether the message names the cause without giving anything away."""

import doctest

import numpy as np
import pytest

from course_utils import check
from course_utils.check import CheckFailed, for_judge, hidden, probes, values
from course_utils.check.values import near

EXPECTED = np.array([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0], [5.0, -3.0, 7.5]])


def message_of(call, *args, **kwargs):
    with pytest.raises(CheckFailed) as caught:
        call(*args, **kwargs)
    return str(caught.value)


@pytest.mark.parametrize("got", [EXPECTED, EXPECTED + 1e-12, EXPECTED.tolist(), np.asfortranarray(EXPECTED)])
def test_close_accepts_equal_values_in_any_container(got):
    check.close(got, EXPECTED)


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        (-EXPECTED, "sign is reversed"),
        (3 * EXPECTED, "3 times the expected"),
        (EXPECTED + 0.5, "same constant"),
        (EXPECTED.T, "transposed"),
        (np.full((3, 3), np.nan), "NaN"),
        (EXPECTED.astype(int), "decimals were cut off"),
        (np.zeros((3, 3, 3)), "broadcasting"),
        (EXPECTED[None], "an axis of length 1"),
        (EXPECTED[0], "one axis too many"),
        (EXPECTED.reshape(9), "reshape"),
        (None, "`return` missing"),
        ("text", "of kind str"),
        ([[1.0], [2.0, 3.0]], "of kind list"),
    ],
)
def test_close_names_the_likely_cause_in_both_manners(wrong, cause):
    for manner in (check, hidden):
        assert cause in message_of(manner.close, wrong, EXPECTED, what="it")


def test_which_values_are_wrong_is_a_place_if_visible_and_a_word_if_hidden():
    wrong = np.where(EXPECTED == 16, 0, EXPECTED)
    assert "index (1, 1)" in message_of(check.close, wrong, EXPECTED)
    for changed, word in ((wrong, "in some of its values"), (EXPECTED**2 + 9, "no value is")):
        assert word in message_of(hidden.close, changed, EXPECTED)
    for place, word in ((0, "first"), (-1, "last")):
        one = EXPECTED.copy()
        one.flat[place] = 77.0
        assert f"in its {word} value only" in message_of(hidden.close, one, EXPECTED)


def test_a_hidden_check_says_nothing_that_an_answer_may_choose():
    """Neither a shape nor a factor: an answer could spell its hidden inputs in them."""
    for wrong, secret in ((np.zeros((7, 351)), "7"), (7.351 * EXPECTED, "7.351"), (np.zeros((9,) * 5), "9")):
        assert secret in message_of(check.close, wrong, EXPECTED)
        assert secret not in message_of(hidden.close, wrong, EXPECTED)
    assert "a multiple of the expected one" in message_of(hidden.close, 7.351 * EXPECTED, EXPECTED)
    for usual in (0.5, -2, 9, 1 / 3):  # 9 values, 3 columns
        assert f"{usual:.4g} times the expected one" in message_of(hidden.close, usual * EXPECTED, EXPECTED)
    assert "wrong shape: 1 axis where 2 are expected" in message_of(hidden.close, EXPECTED[0], EXPECTED)


def test_close_says_transposed_for_shapes_that_show_it():
    assert "transposed" in message_of(check.close, np.zeros((2, 3)), np.zeros((3, 2)))


def test_hints_are_used_only_when_they_fit():
    hints = {"the bias is missing": EXPECTED - 1, "never": EXPECTED}
    assert "the bias is missing" in message_of(check.close, EXPECTED - 1, EXPECTED, hints=hints)
    other = np.where(EXPECTED > 7, 0, EXPECTED)
    assert "Likely cause" not in message_of(check.close, other, EXPECTED, hints=hints)


def test_visible_checks_show_values_and_hidden_ones_none():
    expected, wrong = np.array([0.12345, 777.25]), np.array([0.12345, 31.5])
    assert "777.25" in message_of(check.close, wrong, expected)
    for secret in ("777.25", "31.5", "0.12345"):
        assert secret not in message_of(hidden.close, wrong, expected)
    assert "31" not in message_of(hidden.equal, [31, 2], [7, 2])
    assert "0.3" not in message_of(hidden.within, np.array([0.3]), 1, 2)
    assert "0.3" in message_of(check.within, np.array([0.3]), 1, 2)


def test_nan_never_equals_and_is_never_within():
    message_of(check.close, np.nan, np.nan)
    message_of(check.within, np.nan, -np.inf, np.inf)
    message_of(check.finite, [1.0, np.inf])


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(2, np.inf, "at least 2"), (-np.inf, -1, "at most -1"), (2, 3, "between 2 and 3")],
)
def test_within_says_the_bounds_in_words(low, high, words):
    assert f"it must {'lie' if 'between' in words else 'be'} {words}, but a value is 0" in message_of(
        check.within, [0.0], low, high, what="it"
    )


@pytest.mark.parametrize(
    ("got", "expected", "same"),
    [
        ([1, 0], [1, 0], True),
        ((1, 0), [1, 0], True),
        ([np.int64(1), 0], [1, 0], True),
        ([(2, 3), (4,)], [(2, 3), (4,)], True),
        ([(2, 3), (4,)], [(2, 3), (5,)], False),
        ([1, 0], [1, 0, 0], False),
        (1, 1.0, False),
        (True, 1, False),
        ("a", "a", True),
        (None, 0, False),
        (np.array([1, 2]), [1, 2], True),
    ],
)
def test_equal(got, expected, same):
    if same:
        check.equal(got, expected)
    else:
        message_of(check.equal, got, expected)


def test_unchanged_sees_one_bit_the_shape_and_the_dtype():
    before = np.array([1.0, -0.0])
    check.unchanged(before.copy(), before)
    for now in (np.array([1.0, 0.0]), before.reshape(2, 1), before.astype(np.float32)):
        assert "changed by the call" in message_of(check.unchanged, now, before)


def test_raises_wants_that_exception_and_lets_the_stub_through():
    def fail(error):
        raise error

    check.raises(ValueError, fail, ValueError("bad"))
    check.raises(ArithmeticError, fail, ZeroDivisionError())
    assert "nothing was raised" in message_of(check.raises, ValueError, abs, 1)
    assert "TypeError" in message_of(check.raises, ValueError, fail, TypeError())
    with pytest.raises(NotImplementedError):
        check.raises(ValueError, fail, NotImplementedError())


ODD = [
    *(1.0, 1, True, np.float64(1), np.array(3), np.zeros((0, 3)), np.ones(3), 1 + 1e-8 * np.ones(3)),
    *(np.array(row) for row in ([np.inf, 1, np.nan], [np.inf, 1, 2.0], [-np.inf, 0, 1], [1e308, -1e308, 0.0])),
    *(np.ones(3, dtype=kind) for kind in ("uint8", "int32", "float32", "float16", "complex128", "bool")),
]


@pytest.mark.parametrize("rtol", [0, 1e-7, 1e-2])
def test_near_is_what_numpy_calls_close(rtol):
    for found in ODD:
        for expected in ODD:
            with np.errstate(all="ignore"):
                right = np.isclose(found, expected, rtol=rtol, atol=1e-9)
            got = near(found, expected, rtol, 1e-9)
            assert np.shape(got) == np.shape(right), (found, expected)
            assert np.array_equal(got, right), (found, expected)


@pytest.mark.parametrize("one", [check, hidden])
def test_raises_each_wants_that_exception_of_every_call(one):
    def fail(*errors):
        for error in errors:
            raise error

    one.raises_each(ValueError, int, [("x",), ("",)])
    one.raises_each(ArithmeticError, divmod, [(1, 0)])
    one.raises_each(ValueError, fail, [])
    told = message_of(one.raises_each, ValueError, fail, [(ValueError(),), ()], what=["the first", "the second"])
    assert told == "the second must raise ValueError, but nothing was raised."
    told = message_of(one.raises_each, ValueError, fail, [(KeyError(),)])
    assert told == f"the call must raise ValueError, but raised {'another error' if one is hidden else 'KeyError'}."
    with pytest.raises(NotImplementedError):
        one.raises_each(ValueError, fail, [(NotImplementedError(),)])


def test_each_gives_a_result_for_each_case():
    assert check.each(divmod, [(7, 2), [9, 4]]) == [(3, 1), (2, 1)]
    assert check.each(round, [(2.345,), (1.239,)], ndigits=1) == [2.3, 1.2]
    assert check.each(abs, []) == []
    with pytest.raises(ZeroDivisionError):
        check.each(divmod, [(1, 1), (1, 0)])


def test_each_refuses_other_than_one_result_for_each_case():
    for forged in ([1], [1, 2, 3], (1, 2), None):
        module, _ = for_judge(lambda _, forged=forged: lambda *_: forged)
        with pytest.raises(check.CheckFailed, match="Not every call gave a result"):
            module.each(abs, [(1,), (2,)])


def test_items_ends_where_an_iteration_does_not():
    assert check.items(iter("abc")) == ["a", "b", "c"]
    with pytest.raises(check.CheckFailed, match="more than 5 items"):
        check.items(iter(int, 1), most=5)


def test_quiet_collects_overflow_but_not_underflow():
    result, messages = check.quiet(np.exp, np.array([1000.0]))
    assert np.isinf(result[0])
    assert any("overflow" in message for message in messages)
    assert check.quiet(np.exp, np.array([-1000.0]))[1] == []


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (None, "none"), (True, "bool"), (np.True_, "bool"), (3, "int"), (np.int8(3), "int"), (2.5, "float"),
        (np.float32(2), "float"), (1j, "complex"), ("a", "str"), (np.zeros(2), "array"), ([], "list"), ((), "tuple"),
        ({}, "dict"), (np.random.default_rng(0), "Generator"),
    ],
)  # fmt: skip
def test_kind(value, word):
    assert check.kind(value) == word


def test_kind_of_tensor_and_close_on_it():
    torch = pytest.importorskip("torch")
    assert check.kind(torch.zeros(2)) == "tensor"
    assert check.kind(torch.nn.Parameter(torch.zeros(2))) == "tensor"
    assert "torch tensor" in message_of(check.close, torch.zeros(2), np.zeros(2))


def test_student_side_is_the_identity():
    def probe(x):
        return x + 1

    assert check.student_side(probe) is probe


def test_the_judges_checks_run_all_probes_elsewhere_and_leave_the_module_as_it_is():
    def elsewhere(probe):
        return lambda *args, **kwargs: asked.append(probe) or probe(*args, **kwargs)

    asked, before = [], dict(vars(check))
    module, visible = for_judge(elsewhere)
    assert vars(check) == before and set(vars(module)) == set(before)
    assert module.student_side is elsewhere
    module.each(abs, [(1,)]), module.items("a"), module.quiet(abs, 1)
    for one in (module, module.hidden):
        one.raises_each(ValueError, int, [("x",)])
    assert asked == [probes._each, probes._items, probes.quiet, probes._raised, probes._raised]
    assert set(asked) == {value for value in vars(probes).values() if getattr(value, "__student_side__", False)}
    for visible.reveal in (False, True):
        assert ("4711" in message_of(module.close, 1, 4711.0)) is visible.reveal
        assert "4711" not in message_of(module.hidden.close, 1, 4711.0)


def test_failures_show_no_frames_and_nothing_goes_to_stderr(capsys):
    error = CheckFailed("the sum is 2")
    assert error._render_traceback_() == ["Not yet right: the sum is 2"]
    check.passed("softmax")
    written = capsys.readouterr()
    assert written.err == ""
    assert written.out == "softmax: all visible checks pass.\n"


def test_examples_of_the_docstrings():
    for module in (check, values):
        assert doctest.testmod(module).failed == 0


def test_truth_values_and_dicts_are_compared_without_a_crash():
    assert "not right" in message_of(hidden.close, np.ones(3, bool), np.array([True, False, True]))
    check.equal({"a": np.arange(2)}, {"a": np.arange(2)})
    message_of(check.equal, {"a": np.arange(2)}, {"a": np.arange(3)})


def test_infinite_values_set_off_no_warning(recwarn):
    message_of(check.close, [np.inf] * 3, [np.inf, 1.0, 1.0])
    assert not recwarn.list


def test_hidden_bounds_stay_hidden():
    assert "36" not in message_of(hidden.within, 50, 1, 36)


def test_raises_wants_the_mentions_in_the_text_and_a_hidden_one_does_not_tell_them():
    def misfit():
        raise ValueError("X is (4, 3), W is (2, 5)")

    check.raises(ValueError, misfit, mentions=("(4, 3)", "(2, 5)"))
    told = message_of(check.raises, ValueError, misfit, mentions=("(4, 3)", "(9, 9)", "(8, 8)"))
    assert "does not contain (9, 9) and (8, 8)" in told and "(4, 3)" not in told
    told = message_of(hidden.raises, ValueError, misfit, mentions=("(9, 9)",))
    assert "everything that the task asks for" in told and "9" not in told


@pytest.mark.parametrize("one", [check, hidden])
def test_a_hint_of_another_shape_names_the_cause_of_a_wrong_shape(one):
    hints = {"the axis is missing": 6.0, "it is doubled": [2.0, 4.0, 6.0]}
    told = message_of(one.close, 6.0, np.array([1.0, 2.0, 3.0]), hints=hints)
    assert "has the wrong shape. Likely cause: the axis is missing." in told
    told = message_of(one.close, 7.0, np.array([1.0, 2.0, 3.0]), hints=hints)
    assert "the axis is missing" not in told
