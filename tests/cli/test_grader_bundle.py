"""`course-grader bundle`: students' zip holds no secret, is always the same, and works without our other packages."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile

import nbformat
import pytest
import small_course
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.utils import compute_checksum
from secret_lines import secrets, texts

from course_author.units.unit import ROOT
from course_grader.cli import bundle
from course_grader.cli import main as cli

# Lines of solutions and hidden tests that course_utils also holds, each with why that gives nothing away.
PUBLIC = {
    'with np.errstate(all="ignore"):': "NumPy's own words for one thing",
    "except Exception:": "Python's",
    "except Exception as error:": "Python's",
    "path = Path(path)": "Python's",
    "import matplotlib.pyplot as plt": "an import",
    "from torch.nn import functional": "an import",
    "for _ in range(60):": "a loop",
    "raise KeyboardInterrupt": "Python's",
    "engine.step()": "of widgets: the engine is theirs",
    "return np.tanh(z)": "of the widget of activation functions; test_release holds its functions against the tests",
}
ALLOWED = re.compile(
    r"deep-learning-fundamentals/(release/\w+/[\w. -]+|course_utils/(\w+/)?\w+\.(py|css|js|csv|mplstyle)|README\.md"
    r"|Makefile|LICENSE|LICENSE-TEXT|CITATION\.cff|constraints\.txt|environment\.yml|pyproject\.toml|nbgrader_config\.py)"
)


@pytest.fixture(scope="module")
def files():
    return bundle.contents(ROOT)


@pytest.fixture(scope="module")
def unpacked(files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("student")
    (folder / "b.zip").write_bytes(bundle.packed(files))
    with zipfile.ZipFile(folder / "b.zip") as archive:
        archive.extractall(folder)
    return folder / bundle.NAME


@pytest.fixture
def course(tmp_path):
    """A copy of the course in which something can be broken."""
    for name in ("source", "release", "course_utils"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (
        *bundle.AS_THEY_ARE,
        "README.md",
        "Makefile",
        "pyproject.toml",
        "nbgrader_config.py",
        "environment.yml",
    ):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


# -- nothing secret ----------------------------------------------------------------------------------------------------


def test_only_what_students_need_is_in_it(course):
    for name in ("gradebook.db", "submitted/ada/x.ipynb", "docs/drafts/x.py", "release/.old/x.ipynb",
                 "release/01_basic_concepts/.ipynb_checkpoints/x.ipynb", "course_utils/.secret.py"):  # fmt: skip
        (course / name).parent.mkdir(parents=True, exist_ok=True)
        (course / name).write_text("secret")
    (course / "course_utils" / "link.py").symlink_to(course / "gradebook.db")
    assert cli.main(["bundle", "--course", str(course)]) == 0
    with zipfile.ZipFile(course / "dist" / "deep-learning-fundamentals.zip") as archive:
        names = archive.namelist()
        assert not [name for name in names if archive.read(name) == b"secret"]
    assert [name for name in names if not ALLOWED.fullmatch(name)] == []
    assert {f"{bundle.NAME}/release/{unit.name}/{unit.name}.ipynb" for unit in (ROOT / "release").iterdir()} <= set(
        names
    )


def test_it_knows_nothing_of_the_grader(files):
    for name in ("README.md", "Makefile", "pyproject.toml", "environment.yml", "nbgrader_config.py"):
        assert b"grader" not in files[name].replace(b"nbgrader", b"").replace(b"formgrader", b""), name


def test_no_line_of_a_solution_or_hidden_test_is_in_it(files):
    """Line by line, as the tests of the release do it; what a release shows is no secret."""
    released = {line for name, data in files.items() if name.startswith("release/") for line in lines(data)}
    known = secrets()
    assert len(known) > 1000
    found = {}
    for name, data in files.items():
        if not name.startswith("release/"):
            found |= {line: (name, known[line]) for line in lines(data) & known.keys() - released}
    new = {line: where for line, where in found.items() if line not in PUBLIC}
    assert new == {}, "reword one of the two, or say in PUBLIC why the line gives nothing away"
    assert bundle.leaks(ROOT, files) == []


def lines(data):
    return {line.strip() for line in data.decode().split("\n")} if data[:1] != b"{" else notebook_lines(data)


def notebook_lines(data):
    return {line.strip() for text in texts(json.loads(data)) for line in text.split("\n")}


@pytest.mark.parametrize(
    ("name", "planted"),
    [
        ("course_utils/data/toys.py", small_course.STANDARDIZE),
        ("course_utils/drawing.js", small_course.COUNT_HIDDEN),
        ("README.md", small_course.STANDARDIZE_HIDDEN),
    ],
)
def test_what_would_leak_is_refused(tmp_path, name, planted):
    source = small_course.text()
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "01_small.py").write_text(source)
    secret = re.sub(r" *### (BEGIN|END) .*\n?", "", planted)
    assert bundle.leaks(tmp_path, {name: b"x = 1\n"}) == []
    (found,) = bundle.leaks(tmp_path, {name: f"x = 1\n{secret}\n".encode(), "release/a.txt": b"y"})
    assert found.startswith(f"{name} holds ")


def test_a_solved_release_is_refused(course, capsys):
    unit = "00_start_here"
    shutil.copy(course / "source" / unit / f"{unit}.ipynb", course / "release" / unit)
    assert cli.main(["bundle", "--course", str(course), "--output", str(course / "b.zip")]) == 2
    err = capsys.readouterr().err
    assert "Nothing was written, for students would see a secret: release/00_start_here/" in err
    assert "BEGIN " in err and not (course / "b.zip").exists()


# -- always the same ---------------------------------------------------------------------------------------------------


def test_same_course_same_bytes(files, course):
    for path in course.rglob("*"):
        if path.is_file():
            os.utime(path, (time.time() - 10**7, 10**9))
            path.chmod(0o600)
    again = bundle.packed(dict(reversed(bundle.contents(course).items())))
    assert hashlib.sha256(again).digest() == hashlib.sha256(bundle.packed(files)).digest()


def test_what_is_missing_is_one_sentence(course, capsys):
    shutil.rmtree(course / "release")
    assert cli.main(["bundle", "--course", str(course)]) == 2
    (course / "Makefile").unlink()
    assert cli.main(["bundle", "--course", str(course)]) == 2
    told = capsys.readouterr().err.split("\n")
    assert told[0].endswith("release holds no unit: run `make release`.") and "Makefile cannot be read" in told[1]


# -- it works ----------------------------------------------------------------------------------------------------------


def student(folder, command, tmp_path, **more):
    """Run a command as a student: this environment without our editable install, so only the bundle's packages."""
    alone = 'import sys\nsys.meta_path[:] = [one for one in sys.meta_path if "Editable" not in str(one)]\n'
    (tmp_path / "sitecustomize.py").write_text(alone)
    own = {name: str(tmp_path / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    surroundings = os.environ | own | {"PYTHONPATH": f"{tmp_path}:{folder}", "COURSE_STUDENT": "ada"}
    surroundings["PATH"] = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"  # noqa: PTH120
    return subprocess.run(
        command, cwd=folder, env=surroundings, capture_output=True, text=True, timeout=300, check=False, **more
    )


def test_submit_works_in_the_unpacked_bundle(unpacked, tmp_path):
    made = student(
        unpacked, [sys.executable, "-c", "from course_utils import workbook; workbook.update('.')"], tmp_path
    )
    assert made.returncode == 0, made.stderr
    done = student(unpacked, ["make", "submit", "UNIT=01", f"PYTHON={sys.executable}"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Still unanswered (5):" in done.stdout
    (path,) = (unpacked / "workbook" / "outbox").iterdir()
    assert path.name.startswith("01_basic_concepts--ada--")


def test_make_lists_only_what_students_have(unpacked, tmp_path):
    done = student(unpacked, ["make"], tmp_path)
    assert re.findall(r"^ +make (\w+)", done.stdout, re.MULTILINE) == ["help", "lab", "submit", "setup"]
    readme = (unpacked / "README.md").read_text()
    assert "make lab" in readme and not re.search(r"make (test|collect|demo|release)|source/|course-grader", readme)


def test_validate_works_in_the_unpacked_bundle(unpacked, tmp_path):
    """The Validate button's own program, with the bundle's nbgrader_config.py, and no package of instructors'."""
    absent = student(unpacked, [sys.executable, "-c", "import course_utils, course_grader"], tmp_path)
    assert "No module named 'course_grader'" in absent.stderr, "else this would test nothing"
    test = new_code_cell('check.equal(1 + 1, 3, what="one and one")')
    test.metadata["nbgrader"] = {"schema_version": 3, "grade_id": "a", "grade": True, "solution": False, "locked": True,
                                 "task": False, "points": 1, "cell_type": "code"}  # fmt: skip
    test.metadata["nbgrader"]["checksum"] = compute_checksum(test)
    nbformat.write(new_notebook(cells=[new_code_cell("from course_utils import check"), test]), unpacked / "x.ipynb")
    done = student(unpacked, [sys.executable, "-m", "nbgrader", "validate", "x.ipynb"], tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "VALIDATION FAILED ON 1 CELL(S)" in done.stdout and "one and one" in done.stdout


def test_all_that_the_notebooks_import_is_in_it(files):
    wanted = set()
    for name, data in files.items():
        if name.endswith(".ipynb"):
            wanted |= set(re.findall(r"from course_utils import ([\w, ]+)", data.decode()))
    modules = {one.strip() for names in wanted for one in names.split(",")}
    assert {"check", "plot"} <= modules
    there = {match[1] for match in map(re.compile(r"course_utils/(\w+)(?:/__init__)?\.py").fullmatch, files) if match}
    assert modules - {"device"} <= there
    assert b"course_grader" not in b"".join(data for name, data in files.items() if name.endswith(".ipynb"))
