"""The reading model counts what a reader reads, and a chapter off its plan is named."""

import pytest

from course_author.units import reading_time
from course_author.units.text import load_unit, unit_names


def test_a_small_unit_is_counted(tiny):
    counted = reading_time.measure(load_unit("07_tiny", tiny))
    # headings 5 + 5 + 12 + 3 words, sentences 5 + 8 + 3
    headings = (
        "A unit for tests / Example 7.1 A sum / Exercise 7.1 Double and halve 4 points 3 minutes core / What to keep"
    )
    sentences = "It needs nothing but NumPy. Return twice x, and half of it. Doubling undoes halving."
    assert counted.words == len((headings + " " + sentences).replace("/", "").split())
    assert counted.code_lines == 3 and counted.cell_lengths == (1, 2)
    assert (counted.formulas, counted.figures, counted.exercise_minutes) == (0, 0, 3)
    assert counted.minutes == pytest.approx(counted.words / 238 + 3 * 7.2 / 60)


@pytest.mark.parametrize(
    ("markdown", "words"),
    [
        ("Two words", 2),
        ("# A heading - and a dash", 5),
        ("A formula $x + y = z$ within", 4),
        ("code `f(x, y)` within", 3),
        ("Shown:\n$$ a = b + c $$\nas above", 3),
        ("<!-- a note -->seen", 1),
        ("[a link](https://example.org/with-words)", 2),
        ("```mermaid\nflowchart LR\n```\nnone", 1),
        ("| a | b |\n|---|---|\n| 1 | 2 |", 4),
    ],
)
def test_words_are_what_is_read(markdown, words):
    assert reading_time.count_words(markdown) == words


def test_formulas_and_figures_cost_time(tiny, edit):
    plain = reading_time.measure(load_unit("07_tiny", tiny))
    edit("# It needs nothing but NumPy.", "# $$ a = b $$\n#\n# It needs nothing but NumPy.\n#\n# ![](a.svg)")
    edit("total = np", "ax = plot.scatter(1)\ntotal = np")
    counted = reading_time.measure(load_unit("07_tiny", tiny))
    assert (counted.formulas, counted.figures) == (1, 2)
    assert counted.minutes - plain.minutes == pytest.approx((10 + 2 * 12 + 7.2) / 60)


def minutes_of(minutes):
    return reading_time.Stats(round(minutes * reading_time.WORDS_PER_MINUTE), 0, 0, 0, 0, ())


def test_the_tolerance_is_twenty_per_cent():
    for minutes, right in ((23.5, False), (24.5, True), (41.5, True), (42.5, False)):
        found = reading_time.faults({"01_basic_concepts": minutes_of(minutes)})
        assert (found == []) is right, (minutes, found)
    (sentence,) = reading_time.faults({"01_basic_concepts": minutes_of(60)})
    assert "takes 60 minutes to read, the plan says 30-35" in sentence


def test_routes_are_added_up_when_all_their_units_are_there():
    middle = {unit: minutes_of(sum(plan) / 2) for unit, plan in reading_time.PLAN.items()}
    assert reading_time.faults(middle) == []
    long = {unit: minutes_of(plan[1] * 1.2 - 0.1) for unit, plan in reading_time.PLAN.items()}
    assert [sentence.split(" takes")[0] for sentence in reading_time.faults(long)] == [
        "The complete route", "The implementation route", "The theory route",
    ]  # fmt: skip
    del middle["05_mnist_project"]
    assert reading_time.route_minutes("complete", middle) is None
    assert reading_time.route_minutes("theory", middle) == pytest.approx(
        sum(value.minutes for value in middle.values())
    )


def test_the_command_fails_off_the_plan(tiny, capsys):
    assert reading_time.main([], root=tiny) == 0
    path = tiny / "source" / "07_tiny.py"
    path.rename(tiny / "source" / "01_basic_concepts.py")
    text = (tiny / "source" / "01_basic_concepts.py").read_text(encoding="utf-8")
    (tiny / "source" / "01_basic_concepts.py").write_text(text.replace(" 7.1", " 1.1"), encoding="utf-8")
    assert reading_time.main([], root=tiny) == 1
    assert "it lacks something" in capsys.readouterr().out


def test_the_course_keeps_to_its_plan():
    found = reading_time.faults({unit: reading_time.measure(load_unit(unit)) for unit in unit_names()})
    assert not found, "\n".join(found)
