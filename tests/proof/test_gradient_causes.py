"""Does a check of a gradient name what went wrong? Seven faults in three backward passes, at random shapes."""

from collections import Counter

import numpy as np
import pytest

from course_author.proof.answers import judge
from course_author.proof.bank import parse_bank
from course_author.proof.judged import JudgedRunner
from course_author.units.text import load_unit
from course_author.units.unit import ROOT, graded
from course_utils import check

UNIT = "03_learning_algorithms"
ABOUT = ("dense-backward", "loss-backward", "value")
WORDS = {  # fault: a part of the sentence that names it
    "transpose": "transposed",
    "1/N missing": "1/N of the mean is missing",
    "1/N too many": "one 1/N too many",
    "wrong axis": "the sum runs over the neurons",
    "sign": "sign is reversed",
    "stale weights": "was changed before it was used",
    "assignment": "assigned (=)",
}


def named(got, right, **told):
    """The fault that the check names; "silent" if it accepts, "no cause" if it names none."""
    try:
        check.hidden.gradient(got, right, **told)
    except check.CheckFailed as failed:
        found = [fault for fault, words in WORDS.items() if words in str(failed)]
        return found[0] if len(found) == 1 else "no cause" if not found else " + ".join(found)
    return "silent"


def shapes(rng):
    """N, D, M, all different and none 1, so that every fault shows."""
    return rng.choice(np.arange(2, 9), size=3, replace=False)


def dense(rng):
    """Gradients of a dense layer, what was told to the check, and their faulty twins."""
    N, D, M = shapes(rng)
    X, W, dZ = rng.normal(size=(N, D)), rng.normal(size=(D, M)), rng.normal(size=(N, M))
    dW, dX = X.T @ dZ, dZ @ W.T
    axis = {"the sum runs over the neurons, not over the samples": dZ.sum(axis=1)}
    drifts = {"W was changed before it was used": dZ @ dW.T}
    told = {"batch": N}
    return {
        "none": (dW, dW, told),
        "transpose": (dW.T, dW, told),
        "1/N missing": (N * dW, dW, told),
        "1/N too many": (dW / N, dW, told),
        "wrong axis": (dZ.sum(axis=1), dZ.sum(axis=0), told | {"hints": axis}),
        "sign": (-dW, dW, told),
        "stale weights": (dZ @ (W - 0.1 * dW).T, dX, told | {"drifts": drifts}),
    }


def loss(rng):
    """The gradient of the mean cross-entropy with respect to the logits."""
    N, _, C = shapes(rng)
    logits, y = rng.normal(size=(N, C)), rng.integers(C, size=N)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    right = (p - np.eye(C)[y]) / N
    told = {"batch": N}
    return {
        "none": (right, right, told),
        "transpose": (right.T, right, told),
        "1/N missing": (N * right, right, told),
        "1/N too many": (right / N, right, told),
        "sign": (-right, right, told),
    }


def engine(rng):
    """The slopes of leaves that are used several times: sum over k of c_k times leaf_k, k times over."""
    n = int(rng.integers(2, 6))
    factors = rng.normal(size=(n, 3))
    right = factors.sum(axis=1)
    hints = {"a slope was assigned (=) where it must be added (+=): paths add": factors[:, -1]}
    return {
        "none": (right, right, {"hints": hints}),
        "assignment": (factors[:, -1], right, {"hints": hints}),
        "sign": (-right, right, {"hints": hints}),
    }


def test_nine_in_ten_faults_are_named_and_right_gradients_are_not(capsys):
    rng, table = np.random.default_rng(33), Counter()
    for backward in (dense, loss, engine):
        for _ in range(5):
            for fault, (got, right, told) in backward(rng).items():
                table[fault, named(got, right, **told)] += 1
    faults = sorted({fault for fault, _ in table})
    with capsys.disabled():
        print("\nfault put in: what the check said (of three backward passes at five shapes)")
        for fault in faults:
            said = {word: n for (put, word), n in sorted(table.items()) if put == fault}
            print(f"  {fault:14} {', '.join(f'{word} {n}' for word, n in said.items())}")
    assert set(faults) == {"none", *WORDS}
    assert {word for fault, word in table if fault == "none"} == {"silent"}
    wrong = {pair: n for pair, n in table.items() if pair[0] != "none"}
    right = sum(n for (fault, word), n in wrong.items() if fault == word)
    assert right >= 0.9 * sum(wrong.values()) and sum(wrong.values()) >= 60


@pytest.mark.parametrize("seed", range(5))
def test_a_gradient_that_is_wrong_in_no_known_way_gets_no_cause(seed):
    rng = np.random.default_rng(seed)
    right = rng.normal(size=(4, 3))
    got = named(right + rng.normal(size=(4, 3)), right, batch=4, drifts={"W was changed before it was used": right})
    assert got == "no cause"


def test_a_hint_of_the_exercise_comes_before_a_general_cause():
    right = np.array([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(check.CheckFailed, match="its own cause"):
        check.gradient(-right, right, batch=2, hints={"its own cause": -right})


def test_drifts_need_an_array_of_the_same_shape():
    right = np.ones((2, 2))
    assert named(right + 1, right, drifts={"W was changed before it was used": np.ones(3)}) == "no cause"
    assert named(np.full((2, 2), np.nan), right, drifts={"W was changed before it was used": right}) == "no cause"


def test_the_bank_of_wrong_gradients_is_diagnosed(capsys):
    """Of all wrong answers to the three backward passes that give a wrong number, how many are told a cause?"""
    loaded, table = load_unit(UNIT), []
    with JudgedRunner() as runner:
        for exercise in [one for one in graded(loaded) if one.slug in ABOUT]:
            path = ROOT / "tests" / "answers" / UNIT / f"{exercise.slug}.py"
            answers = [one for one in parse_bank(path.read_text(encoding="utf-8"), exercise.slug) if not one.right]
            outcomes = judge(runner, loaded, exercise, [answer.source for answer in answers])
            for answer, outcome in zip(answers, outcomes, strict=True):
                verdict = outcome.hidden if outcome.check.passed else outcome.check
                table.append((exercise.slug, answer.title, verdict.message))
    # Others are told what they did in so many words: an input was changed, an error was raised, a dtype is not right.
    numbers = [row for row in table if not any(w in row[2] for w in ("changed by the call", "rror", "raised", "dtype"))]
    silent = [row for row in numbers if "Likely cause" not in row[2]]
    with capsys.disabled():
        print(f"\n{len(numbers) - len(silent)} of {len(numbers)} wrong gradients of the bank are told a cause; not:")
        for slug, title, message in silent:
            print(f"  {slug}: {title}: {message[:110]}")
    assert len(numbers) >= 25 and len(silent) <= 0.1 * len(numbers)
