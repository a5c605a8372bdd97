"""What students get is what the text gives, holds no solution and no hidden test, and does no exercise for them."""

import json
import shutil

import nbformat
import pytest
from secret_lines import secrets, texts
from tiny_course import make_course, run_python

from course_author.units import release
from course_author.units.text import load_unit, unit_names
from course_author.units.unit import ROOT, UnitError

UNITS = unit_names()
UNIT = "07_tiny"


def release_notebook(unit, root=ROOT):
    return nbformat.read(root / "release" / unit / f"{unit}.ipynb", as_version=4)


def leaks(root=ROOT):
    """One sentence per secret line of any unit and file of release/ that holds it: all units are handed out at once."""
    found, known = [], secrets(root)
    for path in sorted(path for path in (root / "release").rglob("*") if path.is_file()):
        raw = path.read_bytes().decode("utf-8", errors="replace")
        held = [raw]
        if path.suffix == ".ipynb":
            held = list(texts(json.loads(raw)))
        for line, source in known.items():
            if any(line in text for text in held):
                found.append(f"{path.relative_to(root)} holds {line!r} ({source})")
    return found


# -- this course -----------------------------------------------------------------------------------------------------


def test_releases_are_what_the_text_gives():
    found = release.faults(release.expected())
    assert not found, "\n".join(found)


def test_no_solution_and_no_hidden_test_is_released():
    assert secrets(), "nothing was looked for"
    found = leaks()
    assert not found, "\n".join(found)


@pytest.mark.parametrize("unit", UNITS)
def test_released_cells_are_locked_and_blank(unit):
    read = load_unit(unit)
    cells = {}
    for cell in release_notebook(unit).cells:
        assert cell.get("outputs", []) == [] and cell.get("execution_count") is None
        options = cell.metadata.get("nbgrader")
        if options is not None:
            cells[options.grade_id] = cell
            assert cell.metadata.deletable is False, options.grade_id
            assert cell.metadata.get("editable", True) is not options.locked, options.grade_id
            assert ("raises-exception" in cell.metadata.get("tags", [])) is options.grade, options.grade_id
    for exercise in read.exercises + read.warm_ups:
        assert cells[exercise.slug].source == exercise.stub
        for name in exercise.names:
            if f"{exercise.label}: write {name}" in exercise.stub:
                break
        else:
            raise AssertionError(f"the stub of {exercise.label} names none of {exercise.names}")
        assert cells[f"{exercise.slug}-task"].source == exercise.task
        assert cells[f"{exercise.slug}-check"].source == exercise.check
    for exercise in read.exercises:
        hidden = cells[f"{exercise.slug}-hidden"].source
        assert hidden == exercise.hidden[: exercise.hidden.index("### BEGIN")].rstrip("\n")
        assert all(line.startswith("#") for line in hidden.split("\n"))


def test_nothing_released_solves_an_exercise():
    """Of any unit: every released function and class, and course_utils, against every exercise's hidden tests."""
    found, last = released_solutions(ROOT)
    assert not found, "\n".join(map(str, found))
    assert last["tried"] > 100 and "course_utils.plot.points" in last["candidates"]


# -- the checks above can fail ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A tiny course that has been released; copy it before you break it."""
    root = make_course(tmp_path_factory.mktemp("course"))
    release.release(UNIT, root)
    return root


@pytest.fixture
def course(released, tmp_path):
    return shutil.copytree(released, tmp_path / "course")


@pytest.fixture(scope="module")
def due(released):
    return release.expected(released)


def test_a_second_release_changes_no_byte(course, due):
    before = release.contents(course / "release")
    assert before and not release.release(UNIT, course)
    assert release.contents(course / "release") == before
    assert release.faults(due, course) == []


def test_the_check_touches_nothing(released):
    before = release.contents(released)
    assert "gradebook.db" in before
    release.expected(released)
    assert release.contents(released) == before


BREAKAGES = {
    "edited by hand": lambda path: path.write_text(path.read_text().replace("nothing but NumPy", "nothing")),
    "damaged": lambda path: path.write_bytes(path.read_bytes()[:-40]),
    "a file too many": lambda path: (path.parent / "notes.txt").write_text("left here"),
    "deleted": lambda path: shutil.rmtree(path.parent),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_broken_release_is_seen(breakage, course, due):
    assert release.faults(due, course) == []
    BREAKAGES[breakage](course / "release" / UNIT / f"{UNIT}.ipynb")
    (sentence,) = release.faults(due, course)
    assert sentence.startswith(f"release/{UNIT} is ")
    assert sentence.endswith(
        "change source/07_tiny.py, never release/, and run `python -m course_author release 07_tiny`."
    )


def test_a_release_of_no_unit_is_seen(course, due):
    (course / "release" / "08_gone").mkdir()
    (sentence,) = release.faults(due, course)
    assert sentence.startswith("release/08_gone belongs to no unit")


def test_a_changed_text_makes_the_release_out_of_date(course):
    path = course / "source" / f"{UNIT}.py"
    path.write_text(
        path.read_text().replace("7.25", "8.25")
    )  # a hidden test: the release looks the same, its source not
    changed = release.expected(course)
    assert [sentence.split(" is ")[0] for sentence in release.faults(changed, course)] == [
        f"source/{UNIT}/{UNIT}.ipynb"
    ]
    path.write_text(path.read_text().replace("nothing but NumPy", "NumPy"))
    assert release.release(UNIT, course)
    assert len(release.faults(changed, course)) == 2
    kept = (course / "kept" / "release" / UNIT).glob(f"{UNIT}-*.ipynb")
    assert any("nothing but NumPy" in copy.read_text() for copy in kept), "what a release replaces is kept"


def test_a_release_that_nbgrader_refuses_leaves_the_old_one(course):
    before = release.contents(course / "release")
    config = course / "nbgrader_config.py"
    config.write_text(
        config.read_text().replace("course_author.units.preprocessors.NamedStubs", "course_author.nowhere.Stubs")
    )
    with pytest.raises(UnitError, match=r"nbgrader could not release 07_tiny: .*course_author\.nowhere"):
        release.generate(UNIT, course)
    assert release.contents(course / "release") == before


def test_a_release_that_takes_too_long_leaves_the_old_one(course, monkeypatch):
    before = release.contents(course / "release")
    monkeypatch.setattr(release, "PATIENCE_S", 0.5)  # nbgrader is still starting then
    with pytest.raises(UnitError, match="nbgrader took over 0.5 s"):
        release.generate(UNIT, course)
    assert release.contents(course / "release") == before


PLACES = {
    "source": lambda notebook, line: notebook.cells[0].update(source=f"Look: {line}"),
    "a cell given for later": lambda notebook, line: notebook.cells.append(
        nbformat.v4.new_code_cell(f"def given():\n    {line}", metadata={"nbgrader": {"grade_id": "given-double"}})
    ),
    "metadata": lambda notebook, line: notebook.cells[0].metadata.update(note=line),
    "notebook metadata": lambda notebook, line: notebook.metadata.update({line: 1}),
    "output": lambda notebook, line: notebook.cells[1].outputs.append(
        nbformat.v4.new_output("stream", name="stdout", text=f"first\n{line}\n")
    ),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("line", ["secret_factor = 2.0", "hidden_values = np.array([-1.5, 0.0, 7.25])"])
def test_a_leak_is_seen(place, line, course):
    assert leaks(course) == []
    path = course / "release" / UNIT / f"{UNIT}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    PLACES[place](notebook, line)
    nbformat.write(notebook, path)
    (sentence,) = leaks(course)
    assert line in sentence


def test_a_leak_in_another_file_is_seen(course):
    (course / "release" / UNIT / "helper.py").write_text("def f(x):\n    secret_factor = 2.0\n")
    assert len(leaks(course)) == 1


def test_a_solution_without_markers_would_be_seen(course):
    """A release made by a step that forgets to clear."""
    source = nbformat.read(course / "source" / UNIT / f"{UNIT}.ipynb", as_version=4)
    nbformat.write(source, course / "release" / UNIT / f"{UNIT}.ipynb")
    assert len(leaks(course)) == len(secrets(course)) == 6


PLANTED = {  # cell: what is found in it
    "def twice(x):\n    return x + x": ["twice"],
    "def twice(x):\n    return 0": [],  # a later cell takes the name; the former is still seen
    "double_lambda = lambda x: x + x": ["double_lambda"],
    "class Double:\n    def __new__(cls, x):\n        return x + x": ["Double"],
    "class Numbers:\n    @staticmethod\n    def method(x):\n        return x + x": ["Numbers.method"],
    "import functools\npart = functools.partial(np.multiply, 2.0)": ["part"],
    "made = np.frompyfunc(lambda x: x + x, 1, 1)": ["made"],
    "def loop(x):\n    while True:\n        pass": [],  # these three must not stop the search
    "import os\ndef leave(x):\n    os._exit(0)": [],
    "import sys\ndef stop(x):\n    sys.exit()": [],
    "last = double_lambda": [],  # one thing under two names is one finding
    "def half(x):\n    return x / 2": ["half"],
}


def test_a_released_solution_is_seen(course):
    assert released_solutions(course)[0] == []
    path = course / "release" / UNIT / f"{UNIT}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[4:4] = [nbformat.v4.new_code_cell(source) for source in PLANTED]
    nbformat.write(notebook, path)
    found, _ = released_solutions(course)
    due = [
        ("7.1", "halve" if label == "half" else "double", f"{label} (release/{UNIT}, cell {number})")
        for number, labels in enumerate(PLANTED.values(), 4)
        for label in labels
    ]
    assert [(finding["exercise"], finding["name"], finding["solved_by"]) for finding in found] == due


def released_solutions(root):
    """(findings, last line) of released_solutions.py, run in a process and a folder of its own."""
    scratch = root / "build" / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    done = run_python(
        ROOT / "tests" / "helpers" / "released_solutions.py", root, cwd=scratch, timeout=600,
        MPLBACKEND="Agg", NBGRADER_EXECUTION="autograde", COURSE_CACHE_DIR=str(scratch), COURSE_DEVICE="cpu",
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),  # it forks
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *found, last = map(json.loads, done.stdout.splitlines())
    return found, last


def test_the_command_says_what_its_exit_status_says():
    done = run_python("-m", "course_author", "release", "--check", UNITS[0])
    assert done.stderr == ""
    assert (done.stdout == "release/ is what the text gives\n") is (done.returncode == 0), done.stdout
