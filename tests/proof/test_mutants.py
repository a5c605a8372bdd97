"""Mechanical mutants: the kept results are current, a seeded sample holds up, and the operators make what they say."""

import dataclasses
import json

import pytest
import small_course

from course_author.proof import mutant_results, mutants
from course_author.proof.execution import Runner
from course_author.proof.mutant_results import MutantError, declared, entry_for, faults, is_current, results
from course_author.proof.mutants import all_mutants, sample
from course_author.units.text import load_unit, unit_names
from course_author.units.unit import UnitError, graded

# -- the course's own results ----------------------------------------------------------------------------------------


def load():
    for name in unit_names():
        try:
            unit = load_unit(name)
        except UnitError:
            continue  # test_units fails on it
        for exercise in graded(unit):
            yield unit, exercise


EXERCISES = {f"{unit.name}/{exercise.slug}": (unit, exercise) for unit, exercise in load()}


@pytest.fixture(scope="module")
def runner():
    with Runner() as made:
        yield made


@pytest.mark.parametrize("name", EXERCISES)
def test_kept_results_are_current_and_by_the_rules(name):
    unit, exercise = EXERCISES[name]
    kept = results()
    assert is_current(unit, exercise, kept), f"the results of {name} are stale: run `make mutants`"
    assert faults(exercise, kept[name], declared().get(name, {})) == []


@pytest.mark.parametrize("name", EXERCISES)
def test_sample_meets_the_kept_fate(name, runner):
    unit, exercise = EXERCISES[name]
    survivors = set(results().get(name, {}).get("survivors", ()))
    fate = mutant_results.run(runner, unit, exercise, sample(exercise))
    assert {one for one, end in fate.items() if end == "survived"} == survivors & fate.keys()


@pytest.mark.full
@pytest.mark.parametrize("name", EXERCISES)
def test_all_mutants_end_as_kept_and_those_beyond_the_cap_fall_too(name, runner):
    unit, exercise = EXERCISES[name]
    fate = mutant_results.run(runner, unit, exercise, all_mutants(exercise))
    chosen = {mutant.id: fate[mutant.id] for mutant in mutants.mutants(exercise)}
    assert entry_for(unit, exercise, chosen) == results()[name]
    survived = [one for one, end in fate.items() if end == "survived"]
    assert len(survived) <= (1 - mutant_results.LEAST_KILLED) * len(fate), survived


def test_declarations_name_exercises():
    assert declared().keys() <= EXERCISES.keys()


# -- operators -------------------------------------------------------------------------------------------------------


@pytest.fixture
def course(tmp_path):
    return small_course.make(tmp_path)


@pytest.fixture
def unit(course):
    return load_unit(small_course.UNIT, course)


def exercise_with(unit, solution, head="def f(x, y):"):
    """An exercise of the small unit whose solution region holds these lines."""
    body = "\n".join(f"    {line}" for line in solution.split("\n"))
    return dataclasses.replace(
        unit.exercises[0], answer=f"{head}\n    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION\n    return x\n"
    )


@pytest.mark.parametrize(
    ("solution", "operator", "changes"),
    [
        ("z = x * y", "swap_operator", {"z = x / y", "z = x + y"}),
        ("z = x - y", "swap_operands", {"z = y - x"}),
        ("z = x - y", "keep_one_operand", {"z = x", "z = y"}),
        ("x += y", "assign_plainly", {"x = y"}),
        ("z = x <= y", "swap_comparison", {"z = x < y", "z = x >= y"}),
        ("z = x and y", "swap_and_or", {"z = x or y"}),
        ("z = not x", "drop_sign_or_not", {"z = x"}),
        ("z = -x", "drop_sign_or_not", {"z = x"}),
        ("z = 3", "change_number", {"z = 4", "z = 2", "z = 0", "z = -3"}),
        ("z = True", "flip_constant", {"z = False"}),
        ("z = x.sum(axis=-1)", "change_axis", {"z = x.sum(axis=0)", "z = x.sum(axis=1)", "z = x.sum(axis=None)"}),
        ("z = x.sum(keepdims=y)", "drop_keyword", {"z = x.sum()"}),
        ("z = g(x, y)", "swap_arguments", {"z = g(y, x)"}),
        ("z = g(x)", "keep_argument", {"z = x"}),
        ("z = x.copy()", "keep_argument", {"z = x"}),
        ("z = x.T", "keep_argument", {"z = x"}),
        ("z = np.maximum(x, 0)", "rename_function", {"z = np.minimum(x, 0)", "z = np.logaddexp(x, 0)"}),
        ("z = max(x)", "rename_function", {"z = min(x)", "z = sum(x)"}),
        ("z = x[1:]", "change_slice", {"z = x[:]", "z = x[1 + 1:]", "z = x[1 - 1:]"}),
        ("g(y)", "drop_statement", {"pass"}),
        ("z = g(y)", "return_early", {"return g(y)"}),
        ("return x, y", "return_early", {"return (y, x)"}),
        ("raise ValueError(x)", "change_exception", {"raise RuntimeError(x)"}),
        (
            "if x:\n    y = 1",
            "force_condition",
            {"if True:\n    y = 1", "if False:\n    y = 1", "if not x:\n    y = 1"},
        ),
        ("with x:\n    y = 1", "drop_context", {"if True:\n    y = 1"}),
        ("for i in x:\n    break", "swap_break", {"for i in x:\n    continue", "for i in x:\n    pass"}),
        (
            "for i in x:\n    y(i)",
            "shorten_loop",
            {
                "for i in list(x)[1:]:\n    y(i)",
                "for i in list(x)[:-1]:\n    y(i)",
                "for i in x:\n    y(i)\n    break",
            },
        ),
    ],
)
def test_operator_makes_these_changes(unit, solution, operator, changes):
    made = [one.source for one in all_mutants(exercise_with(unit, solution)) if one.operator == operator]
    lines = {"\n".join(line[4:] for line in source.split("\n")[1:-1]) for source in made}
    assert lines == changes


def test_variables_are_swapped_within_their_function(unit):
    made = all_mutants(exercise_with(unit, "z = g(x)"))
    assert {one.source.split("\n")[1].strip() for one in made if one.operator == "swap_variable"} == {
        "z = g(y)",
        "z = g(z)",
    }


@pytest.mark.parametrize(
    "solution",
    ["'a text'", "raise ValueError(f'{x} and {y + 1}')", "z = max(x, y)", "z = zip(x, strict=True)"],
)
def test_what_cannot_matter_is_not_changed(unit, solution):
    operators = {one.operator for one in all_mutants(exercise_with(unit, solution))}
    assert not operators & {"change_number", "swap_operator", "swap_arguments", "flip_constant", "drop_keyword"}


def test_only_solution_regions_are_changed(unit):
    exercise = exercise_with(unit, "pass", head="def f(x, y=3):\n    z = -y")
    assert all_mutants(exercise) == []


def test_ids_are_unique_and_outlive_edits_elsewhere(unit):
    before = {one.id for one in all_mutants(exercise_with(unit, "z = x - 1\nz = x - 1"))}
    assert len(before) == len(all_mutants(exercise_with(unit, "z = x - 1\nz = x - 1")))
    after = {one.id for one in all_mutants(exercise_with(unit, "y = 5\nz = x - 1\nz = x - 1"))}
    kept = {one for one in before if "swap_variable" not in one}  # there, another variable came in
    assert kept <= after


def test_cap_spreads_over_the_operators(unit):
    everything = all_mutants(unit.exercises[0])
    few = mutants.mutants(unit.exercises[0], cap=12)
    assert len(few) == 12
    assert {one.operator for one in few} == {one.operator for one in everything}
    assert mutants.mutants(unit.exercises[0], cap=1000) == sorted(everything, key=lambda one: one.id)


# -- results and rules -----------------------------------------------------------------------------------------------

SURVIVOR = (
    "standardize: return (X - X.mean(axis=0)) / (spread + (spread == 0)) @11 swap_operator: "
    "spread + (spread == 0) -> spread - (spread == 0)"
)


def declare(course, mutant=SURVIVOR, exercise="01_small/standardize", proof="0 / -1 is 0 as well."):
    path = course / "tests" / "answers" / "equivalent.toml"
    entry = f"[[equivalent]]\nexercise = '{exercise}'\nmutant = '{mutant}'\nproof = '''{proof}'''\n"
    path.write_text(entry, encoding="utf-8")


def test_command_keeps_results_and_prints_survivors_and_declared_ones(course, capsys):
    assert mutant_results.main(["--root", str(course)]) == 0
    assert f"survivor  {SURVIVOR}" in capsys.readouterr().out
    declare(course)
    assert mutant_results.main(["--root", str(course)]) == 0
    out = capsys.readouterr().out
    assert f"equivalent  {SURVIVOR}\n        proof: 0 / -1 is 0 as well." in out
    assert out.strip().split("\n")[-1] == "mutants killed 45/46"
    assert results(course)["01_small/standardize"]["survivors"] == [SURVIVOR]


def test_results_are_stale_when_a_test_changes(course, unit):
    mutant_results.main(["--root", str(course)])
    assert mutant_results.totals([unit], course)[2] == []
    path = course / "source" / "01_small.py"
    path.write_text(path.read_text().replace('what="the count in a long list"', 'what="a count"'), encoding="utf-8")
    assert mutant_results.totals([load_unit("01_small", course)], course)[2] == ["01_small/count-above"]


def test_only_stale_results_are_run_again_unless_all_are_asked_for(course):
    mutant_results.main(["--root", str(course)])
    path = course / "tests" / "answers" / "mutants.json"
    kept = json.loads(path.read_text())
    kept["01_small/standardize"]["survivors"] = []
    path.write_text(json.dumps(kept))
    mutant_results.main(["--root", str(course)])
    assert results(course)["01_small/standardize"]["survivors"] == []
    mutant_results.main(["--all", "--root", str(course)])
    assert results(course)["01_small/standardize"]["survivors"] == [SURVIVOR]


def test_weak_tests_are_told(tmp_path, capsys):
    weak = 'check.hidden.that(True, "It never fails.")'
    hidden = f"# Tested.\n### BEGIN HIDDEN TESTS\n{weak}\n### END HIDDEN TESTS"
    course = small_course.make(tmp_path, count_check=weak, count_hidden=hidden)
    assert mutant_results.main(["--root", str(course)]) == 1
    assert "! 01_small/count-above: 0 of 11 mutants lose points, 95% are asked for." in capsys.readouterr().out


def test_rules_on_declarations(unit):
    exercise = unit.exercises[0]
    ids = [one.id for one in mutants.mutants(exercise)]
    entry = entry_for(unit, exercise, dict.fromkeys(ids, "check") | {SURVIVOR: "survived"})
    assert faults(exercise, entry, {SURVIVOR: "proof"}) == []
    killed = next(one for one in ids if one != SURVIVOR)
    told = " ".join(faults(exercise, entry, {"gone": "proof", killed: "proof"}))
    assert "'gone' does not exist (any more)" in told
    assert "loses points, so it is not equivalent" in told
    assert "2 of 35 are declared equivalent, at most 5% may be" in told
    assert "1 mutants were run" in " ".join(faults(exercise, entry | {"mutants": 1}, {}))


@pytest.mark.parametrize("proof", ["", "two\nlines"])
def test_declaration_needs_a_one_line_proof(course, proof):
    declare(course, proof=proof)
    with pytest.raises(MutantError, match="one-line proof"):
        declared(course)


def test_damaged_files_are_one_sentence_each(course):
    (course / "tests/answers/equivalent.toml").write_text("[[equivalent", encoding="utf-8")
    with pytest.raises(MutantError, match="is not TOML"):
        declared(course)
    for damaged in ("{", "[]"):
        (course / "tests/answers/mutants.json").write_text(damaged, encoding="utf-8")
        with pytest.raises(MutantError, match="is not JSON of ours: delete it and run `make mutants`"):
            results(course)


def test_solution_that_fails_its_own_tests_is_told(unit):
    broken = dataclasses.replace(unit.exercises[1], check="assert False", unit=unit.name)
    unit.exercises[1] = broken
    with Runner() as made, pytest.raises(MutantError, match="01_small/count-above fails its own tests"):
        mutant_results.run(made, unit, broken, [])
