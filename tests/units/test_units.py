"""Units are read right, and every fault that a text can have ends in one sentence with file, line and cure."""

import re

import pytest

from course_author.units.regions import region
from course_author.units.text import chosen_units, load_unit, unit_names
from course_author.units.unit import ROOT, UnitError

UNITS = unit_names()
PLANNED = {  # how many examples, exercises, warm-ups worth 0 points each unit is to have
    "00_start_here": (0, 0, 3),
    "01_basic_concepts": (8, 5, 0),
    "02_how_networks_work": (10, 6, 0),
    "03_learning_algorithms": (9, 7, 0),
    "04_regularization_optimization": (8, 6, 0),
    "05_mnist_project": (6, 5, 0),
}


def test_an_exercise_is_read_whole(tiny):
    unit = load_unit("07_tiny", tiny)
    (exercise,) = unit.exercises
    assert (exercise.slug, exercise.number, exercise.title) == ("double", "7.1", "Double and halve")
    assert (exercise.minutes, exercise.kind) == (3, "core")
    assert (exercise.points_check, exercise.points_hidden) == (1, 3)
    assert exercise.names == ["double", "halve"]
    assert unit.cells[exercise.index].source == exercise.answer
    assert unit.setup == ["import numpy as np"]
    assert [example.title for example in unit.examples] == ["A sum"]
    assert unit.chapter == 7
    assert "secret_factor" in exercise.answer and "secret_factor" not in exercise.stub


def test_a_warm_up_has_three_cells_and_no_points(tiny, edit):
    edit(
        "### Exercise 7.1 - Double and halve (4 points, 3 minutes, core)",
        "### Warm-up 7.1 - Double (0 points, 2 minutes)",
    )
    edit('"points": 1, ', '"points": 0, ')
    with pytest.raises(UnitError, match="'double-hidden' is left over"):
        load_unit("07_tiny", tiny)
    path = tiny / "source" / "07_tiny.py"
    cells = path.read_text(encoding="utf-8").split("\n# %% ")
    path.write_text("\n# %% ".join(cell for cell in cells if "double-hidden" not in cell), encoding="utf-8")
    unit = load_unit("07_tiny", tiny)
    (warm_up,) = unit.warm_ups
    assert unit.exercises == []
    assert (warm_up.kind, warm_up.hidden, warm_up.points_check, warm_up.points_hidden) == ("warm-up", "", 0, 0)
    assert 'NotImplementedError("Warm-up 7.1: write double, then delete this line")' in warm_up.stub
    edit('"points": 0, ', '"points": 2, ')
    with pytest.raises(UnitError, match="says 0 points, its tests give 2"):
        load_unit("07_tiny", tiny)


def test_unit_names_are_text_files_with_a_number(tiny):
    (tiny / "source" / "notes.py").touch()
    assert unit_names(tiny) == ["07_tiny"]


HIDDEN_BODY = """\
hidden_values = np.array([-1.5, 0.0, 7.25])
assert np.array_equal(double(hidden_values), hidden_values + hidden_values)
assert np.array_equal(double(halve(hidden_values)), hidden_values)
"""
SOLUTION_BODY = """\
    ### BEGIN SOLUTION
    secret_factor = 2.0
    return secret_factor * x
    ### END SOLUTION
"""
CHECK = 'assert double(np.array([1.0]))[0] == 2.0, "double([1]) should be [2]"\n'
FAULTS = {  # fault: (piece of the tiny unit, what stands there instead, text of the line it names, words it says)
    "solution never closed": (
        SOLUTION_BODY,
        SOLUTION_BODY.replace("    ### END SOLUTION\n", ""),
        "    ### BEGIN SOLUTION",
        r"BEGIN SOLUTION opens again before ### END SOLUTION",
    ),
    "solution never opened": (
        SOLUTION_BODY,
        SOLUTION_BODY.replace("    ### BEGIN SOLUTION\n", ""),
        "    ### END SOLUTION",
        "closes nothing",
    ),
    "hidden tests never closed": ("### END HIDDEN TESTS\n", "", "### BEGIN HIDDEN TESTS", "never closed"),
    "hidden tests never opened": (
        "### BEGIN HIDDEN TESTS\n",
        "",
        "### END HIDDEN TESTS",
        "closes nothing",
    ),
    "nested hidden tests": (
        "hidden_values = np.array([-1.5",
        "### BEGIN HIDDEN TESTS\nhidden_values = np.array([-1.5",
        None,
        "opens again",
    ),
    "misspelt marker": ("    secret_factor = 2.0\n", "    ### begin solution\n", "    ### begin solution", "no marker"),
    "code beside a marker": (
        "### BEGIN HIDDEN TESTS",
        "x = 1  ### BEGIN HIDDEN TESTS",
        "x = 1  ### BEGIN HIDDEN TESTS",
        "shares its line",
    ),
    "solution outside an answer": (
        "total = np.array([1.0, 2.0]).sum()\n",
        "### BEGIN SOLUTION\ntotal = 3.0\n### END SOLUTION\n",
        "### BEGIN SOLUTION",
        "move it into the answer cell",
    ),
    "duplicate grade id": ('"grade_id": "setup"', '"grade_id": "double"', '"grade_id": "double"}', "already used"),
    "no task cell": (r'"grade_id": "double-task"', '"grade_id": "other-task"', "other-task", "lacks its answer cell"),
    "no check cell": ("double-check", "check", '"grade_id": "check"', "neither task, answer, check, hidden nor"),
    "no points": ('"points": 3, ', "", '"grade_id": "double-hidden"', 'no "points"'),
    "no schema version": (
        '"schema_version": 3, "grade": false, "solution": true',
        '"grade": false, "solution": true',
        '"grade_id": "double"}',
        "schema_version",
    ),
    "options that are no JSON": (
        '"locked": false, "task": false',
        '"locked": False, "task": false',
        '"grade_id": "double"}',
        "cannot be read",
    ),
    "a heading of another form": (
        "(4 points, 3 minutes, core)",
        "(4 points)",
        "# ### Exercise 7.1",
        "is not of the form",
    ),
    "points that do not add up": ("(4 points,", "(5 points,", "# ### Exercise 7.1", "says 5 points, its tests give 4"),
    "an example of another form": ("Example 7.1 - A sum", "Example 7.1: A sum", "### Example 7.1:", "not of the form"),
    "another chapter's number": ("Example 7.1", "Example 6.1", None, "does not belong to chapter 7"),
    "an answer that is no Python": ("def halve(x):", "def halve(x:", "def halve(x:", "is not Python"),
    "a hidden cell that asserts nothing": (
        HIDDEN_BODY,
        "double(1)\n",
        '"grade_id": "double-hidden"',
        "asserts nothing",
    ),
    "a check that asserts nothing": (CHECK, "print(double(1))\n", '"grade_id": "double-check"', "asserts nothing"),
    "no sentence before the hidden tests": (
        "# Tested with negative numbers and zero.\n",
        "",
        '"grade_id": "double-hidden"',
        "no sentence",
    ),
    "no hidden region": (
        "### BEGIN HIDDEN TESTS\n" + HIDDEN_BODY + "### END HIDDEN TESTS\n",
        HIDDEN_BODY,
        '"grade_id": "double-hidden"',
        "no hidden region",
    ),
    "tests after the hidden region": (
        "### END HIDDEN TESTS\n",
        "### END HIDDEN TESTS\nassert True\n",
        None,
        "goes on after",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_with_its_place(fault, tiny, edit):
    old, new, line, words = FAULTS[fault]
    path = edit(old, new)
    with pytest.raises(UnitError, match=words) as caught:
        load_unit("07_tiny", tiny)
    message = str(caught.value)
    assert "\n" not in message and message.endswith("."), message
    place = re.match(r"source/07_tiny\.py:(\d+): ", message)
    assert place, message
    if line is not None:
        assert line in path.read_text(encoding="utf-8").split("\n")[int(place[1]) - 1], message


def test_the_four_cells_in_another_order(tiny):
    path = tiny / "source" / "07_tiny.py"
    cells = path.read_text(encoding="utf-8").split("\n# %% ")
    check, hidden = (
        next(i for i, cell in enumerate(cells) if f"double-{part}" in cell) for part in ("check", "hidden")
    )
    cells[check], cells[hidden] = cells[hidden], cells[check]
    path.write_text("\n# %% ".join(cells), encoding="utf-8")
    with pytest.raises(UnitError, match=r"source/07_tiny.py:\d+: exercise 'double' lacks its check cell at place 3"):
        load_unit("07_tiny", tiny)


def test_an_answer_without_a_solution_region(tiny):
    path = tiny / "source" / "07_tiny.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"    ### (BEGIN|END) SOLUTION\n", "", text), encoding="utf-8")
    with pytest.raises(UnitError, match="answer 'double' has no solution region"):
        load_unit("07_tiny", tiny)


def test_a_solution_outside_a_function_is_refused(tiny, edit):
    edit("def double(x):\n", "### BEGIN SOLUTION\ny = 1\n### END SOLUTION\n\n\ndef double(x):\n")
    with pytest.raises(UnitError, match="stands outside any function"):
        load_unit("07_tiny", tiny)


def test_a_text_that_is_not_utf8(tiny):
    (tiny / "source" / "07_tiny.py").write_bytes(b"# %%\nx = '\xe9'\n")
    with pytest.raises(UnitError, match=r"^source/07_tiny.py is not UTF-8 text \(byte 10\): save it as UTF-8\.$"):
        load_unit("07_tiny", tiny)


def test_a_unit_that_is_not_there(tiny):
    with pytest.raises(UnitError, match=r"source/08_none\.py does not exist"):
        load_unit("08_none", tiny)
    with pytest.raises(UnitError, match="choose from 07_tiny"):
        chosen_units(["08_none"], tiny)


@pytest.mark.parametrize("unit", UNITS)
def test_examples_and_exercises_are_those_of_the_plan(unit):
    read = load_unit(unit)
    numbers = [[thing.number for thing in things] for things in (read.examples, read.exercises, read.warm_ups)]
    planned = [[f"{read.chapter}.{n}" for n in range(1, count + 1)] for count in PLANNED[unit]]
    assert numbers == planned


def exempt(cell):
    options = cell.metadata.get("nbgrader", {})
    return options.get("solution") or options.get("grade_id", "").endswith("-hidden")


def room(cell):
    return 30 if cell.metadata.get("nbgrader", {}).get("grade_id", "").endswith("-check") else 25


@pytest.mark.parametrize("unit", UNITS)
def test_cells_are_short(unit):
    """At most 25 lines of code, 120 words a task; answers and hidden tests are exempt.

    A visible check may take 30: nobody reads it on the way, and each cause that it names takes a line.
    """
    from course_author.units.reading_time import code_length, count_words

    read = load_unit(unit)
    long = [
        f"{code_length(cell.source)} lines: {cell.source.split(chr(10))[0]}"
        for cell in read.cells
        if cell.cell_type == "code" and not exempt(cell) and code_length(cell.source) > room(cell)
    ]
    wordy = [
        f"{exercise.number}: {words} words"
        for exercise in read.exercises + read.warm_ups
        if (words := count_words(exercise.task.split("\n", 1)[1])) > 120
    ]
    assert not long and not wordy, long + wordy


def test_there_are_units():
    assert "01_basic_concepts" in UNITS, f"{ROOT} holds no chapter 1"


def test_region_takes_what_stands_between_the_markers():
    assert region("a\n### BEGIN SOLUTION\nb\n### END SOLUTION\nc", ("BEGIN SOLUTION", "END SOLUTION")) == ["b"]
