"""`make cuda-check` on the CPU of a bare machine, with a pack that `make cuda-pack` made of a small course.

The machine is a virtual environment with torch, numpy, matplotlib and what they bring along, lent by links; no variable
of ours reaches it. The course has one small unit, and chapter 5, whose networks the check trains on the digits.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
import venv
from importlib import metadata

import numpy as np
import pytest
from lending import lend
from nbformat import write
from nbformat.v4 import new_code_cell, new_notebook

from course_author.cuda import check as cuda_check
from course_author.cuda import library as cuda_library
from course_author.cuda import pack as cuda_pack
from course_author.cuda.library import Book, NotRecordedError
from course_author.ship.repack import closure, repack_for_any_python
from course_author.units.unit import ROOT, UnitError

pytestmark = pytest.mark.part("notebooks")
UNIT = "07_small"
ONE_THREAD = {"OMP_NUM_THREADS": "1"}  # torch's threads wait by spinning, and tests share the cores
# Where COURSE_PLANT is set: a model that nothing stands for, and other moons than those that were recorded.
CELLS = [
    "import os, numpy as np, torch, course_utils, ipywidgets\nfrom course_utils import data",
    "planted = os.environ.get('COURSE_PLANT')\nif planted:\n    from sklearn.neighbors import KNeighborsClassifier",
    "X, y = data.moons(20, 0.1, np.random.default_rng(2 if planted else 1))\nassert y.sum() == 10",
    "assert torch.ones(2, device=course_utils.device()).device.type == 'cpu'",
]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A copy of what the check needs of the repository, with the small unit."""
    root = tmp_path_factory.mktemp("cuda") / "course"
    for package in ("course_author", "course_utils", "source/05_mnist_project"):
        shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("constraints.txt", "Makefile"):
        shutil.copy(ROOT / name, root / name)
    (root / "source" / f"{UNIT}.py").write_text("# %%\n", encoding="utf-8")
    write_notebook(root, UNIT, CELLS)
    return root


def write_notebook(root, unit, sources):
    (root / "source" / unit).mkdir(parents=True)
    write(new_notebook(cells=[new_code_cell(source) for source in sources]), root / "source" / unit / f"{unit}.ipynb")


@pytest.fixture(scope="module")
def pack(course):
    """The pack, made by the command."""
    command = [sys.executable, "-m", "course_author", "cuda-pack", "--images", "digits"]
    done = subprocess.run(command, cwd=course, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert not list(course.glob(".cuda-pack-*"))
    return course / cuda_pack.FOLDER


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """The Python of the bare machine."""
    root = tmp_path_factory.mktemp("bare")
    venv.create(root / "env", with_pip=False)
    (site,) = (root / "env" / "lib").glob("*/site-packages")
    lend(closure(cuda_pack.BARE), root / "lent")
    (site / "lent.pth").write_text(str(root / "lent"), encoding="utf-8")
    return root / "env" / "bin" / "python"


def on_bare(bare, course, *make_arguments, **more):
    """Call make there: what came out, and its last line as JSON (None without output)."""
    surroundings = {"PATH": os.defpath, "HOME": "/nonexistent", "CUDA_VISIBLE_DEVICES": "", **ONE_THREAD, **more}
    command = ["make", "--no-print-directory", "cuda-check", f"PYTHON={bare}", *make_arguments]
    done = subprocess.run(command, cwd=course, env=surroundings, capture_output=True, text=True, timeout=400)
    lines = done.stdout.splitlines()
    assert len(lines) <= 1, done.stdout
    return done, json.loads(lines[0]) if lines else None


# ---- the check on a bare machine


def test_the_machine_is_bare(bare):
    """Without this the other tests would show nothing."""
    code = "import importlib.util as u; print([n for n in {} if u.find_spec(n)])"
    names = ["torch", "numpy", "matplotlib", "sklearn", "scipy", "IPython", "ipywidgets", "nbformat", "pytest", "pip"]
    done = subprocess.run([bare, "-c", code.format(names)], env={}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['torch', 'numpy', 'matplotlib']"


def test_all_is_well(bare, course, pack):
    done, told = on_bare(bare, course, "DEVICE=cpu", "SEEDS=1")
    assert list(told["notebooks"]) == [UNIT]
    assert (told["notebooks"][UNIT]["cells"], told["notebooks"][UNIT]["failures"]) == (len(CELLS), []), done.stderr
    assert (told["standin"], told["images"], told["machine"]["device"]) == ("skipped: no CUDA", "digits", "cpu")
    assert told["machine"]["torch"] == metadata.version("torch")
    assert all(
        told["mnist"][name]["accuracy"][0] > 0.95 and told["mnist"][name]["runs"] == 1 for name in ("MLP", "CNN")
    )
    assert told["ok"] is True and done.returncode == 0, done.stderr


def test_cells_that_fail_are_told(bare, course, pack):
    done, told = on_bare(bare, course, "DEVICE=cpu", "SEEDS=1", COURSE_PLANT="1")
    assert done.returncode and told["ok"] is False
    assert told["notebooks"][UNIT]["cells"] == len(CELLS)
    model, moons = told["notebooks"][UNIT]["failures"]
    assert (model["cell"], moons["cell"], moons["error"]) == (1, 2, "NotRecordedError")
    assert "sklearn.neighbors" in model["message"] and "make_moons(...) was not recorded" in moons["message"]


def test_what_takes_too_long_is_ended_and_told(tmp_path):
    write_notebook(tmp_path, "09_slow", ["import time", "time.sleep(60)"])
    (slow,) = cuda_check.run_notebooks(["09_slow"], ONE_THREAD, 15, tmp_path).values()
    assert (slow["cells"], slow["of"], slow["failures"][0]["error"]) == (1, 2, "EndedError") and slow["seconds"] < 25
    (none,) = cuda_check.run_notebooks(["09_slow"], ONE_THREAD, 1, tmp_path).values()
    assert none["cells"] == 0 and "no time was left" in none["failures"][0]["message"]
    told = cuda_check.train({"COURSE_FAST": "digits"}, 1, 0.5, tmp_path)
    assert told == {"error": "the training was ended after 0.5 s"}


def test_without_cuda_it_refuses(bare, course, pack):
    done, told = on_bare(bare, course)
    assert told is None and done.returncode
    assert done.stderr.startswith("This machine has no CUDA that torch can use: ") and "DEVICE=cpu" in done.stderr


def test_without_a_pack_it_refuses(bare, course, pack):
    pack.rename(course / "away")
    done, told = on_bare(bare, course, "DEVICE=cpu")
    (course / "away").rename(pack)
    assert told is None and done.returncode
    assert done.stderr.startswith("There is no pack in cuda-pack: run `make cuda-pack` where the course is installed")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("name", "value", "words"), [("BARE", ["no_torch"], "no_torch cannot"), ("old", 0, "too old")])
def test_a_machine_that_lacks_something_is_refused(monkeypatch, name, value, words):
    if name == "old":
        monkeypatch.setattr(cuda_check, "MINIMUM_PYTHON", (4, 0))
    else:
        monkeypatch.setattr(cuda_pack, name, value)
    with pytest.raises(UnitError, match=words):
        cuda_check.refuse("cpu")


# ---- the pack


def test_the_pack_is_small_and_for_any_python(pack):
    manifest = json.loads((pack / "pack.json").read_text(encoding="utf-8"))
    assert manifest["bytes"] + 12e6 < cuda_pack.MOST_BYTES  # MNIST's files would come on top
    names = [name for name in manifest["files"] if name.endswith(".whl")]
    assert all("-py3-none-any" in name or "-abi3-" in name for name in names) and len(names) > 10
    held = {name.split("/")[1].split("-")[0].lower() for name in names}
    assert not held & {"scikit_learn", "scipy", "torch", "numpy", "matplotlib", "pillow"}


def test_a_stale_damaged_or_foreign_pack_is_refused(course, pack, tmp_path, monkeypatch):
    def refused(words, folder=pack, units=(UNIT,)):
        with pytest.raises(UnitError, match=words):
            cuda_pack.read(folder, units, course)

    assert cuda_pack.read(pack, [UNIT], course)["units"] == [UNIT]
    refused("was not made for 01_basic_concepts: run `make cuda-pack`", units=["01_basic_concepts"])
    notebook = course / "source" / UNIT / f"{UNIT}.ipynb"
    whole = notebook.read_text(encoding="utf-8")
    notebook.write_text(whole + "\n", encoding="utf-8")
    refused("is stale, it was made from other sources")
    notebook.write_text(whole, encoding="utf-8")
    damaged = shutil.copytree(pack, tmp_path / "damaged")
    next((damaged / "wheels").glob("traitlets*")).write_bytes(b"")
    refused("is damaged", damaged)
    monkeypatch.setattr(cuda_pack, "machine", lambda: "Plan9 sparc")
    refused("is for Linux .*, and this is Plan9 sparc")
    (damaged / "pack.json").write_text("[]", encoding="utf-8")
    refused("stale", damaged)


def test_what_is_no_pack_is_not_replaced(tmp_path):
    (tmp_path / "thesis").mkdir()
    with pytest.raises(UnitError, match="is no pack"):
        cuda_pack.make(tmp_path / "thesis", [])


def test_a_pack_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(cuda_pack, "MOST_BYTES", 1000)
    (tmp_path / "large").write_bytes(b"0" * 1001)
    with pytest.raises(UnitError, match="more than the 0 MB that may be carried"):
        cuda_pack._manifest(tmp_path, [], "mnist", ROOT)


def test_a_package_for_one_python_alone_is_refused(tmp_path):
    with pytest.raises(UnitError, match="kiwisolver is compiled for this version of Python alone"):
        repack_for_any_python("kiwisolver", tmp_path)


# ---- what stands for scikit-learn and SciPy


def imported():
    """(module, name) of all that notebooks and course_utils use of scikit-learn and SciPy."""
    for path in [*ROOT.glob("source/*.py"), *ROOT.glob("course_utils/**/*.py")]:
        tree, modules = ast.parse(path.read_text(encoding="utf-8")), {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("sklearn", "scipy"):
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    if whole in cuda_library.MODULES:
                        modules[alias.asname or alias.name] = whole
                    else:
                        yield node.module, alias.name
        for node in ast.walk(tree):
            module, _, name = ast.unparse(node).rpartition(".") if isinstance(node, ast.Attribute) else ("", "", "")
            first, _, rest = module.partition(".")
            if first in modules and ".".join(filter(None, (modules[first], rest))) in cuda_library.MODULES:
                whole = ".".join(filter(None, (modules[first], rest)))
                if f"{whole}.{name}" not in cuda_library.MODULES:
                    yield whole, name


def test_all_that_the_course_imports_has_a_stand_in():
    used = set(imported())
    assert ("sklearn.metrics", "f1_score") in used and ("scipy.special", "expit") in used and len(used) > 12
    assert {(module, name) for module, name in used if name not in cuda_library.MODULES[module]} == set()


def test_formulas_give_what_the_originals_give():
    from scipy import optimize, special, stats
    from sklearn import metrics

    made, rng = cuda_library.COMPUTED, np.random.default_rng(3)
    z, y, answers = rng.normal(0, 9, (50, 4)), rng.integers(0, 4, 50), rng.integers(0, 4, 50)
    for name in ("expit", "softmax", "log_softmax"):
        options = {} if name == "expit" else {"axis": 1}
        np.testing.assert_allclose(made[name](z, **options), getattr(special, name)(z, **options), rtol=1e-12)
    f = np.linalg.norm
    np.testing.assert_allclose(made["approx_fprime"](z[0], f), optimize.approx_fprime(z[0], f), atol=1e-6)
    drawn = [way(1e-4, 1).rvs(9, np.random.default_rng(56)) for way in (made["loguniform"], stats.loguniform)]
    np.testing.assert_allclose(*drawn, rtol=1e-12)
    distances = [way(z, z[:3] + 1) for way in (made["euclidean_distances"], metrics.pairwise.euclidean_distances)]
    np.testing.assert_allclose(*distances, rtol=1e-9)
    np.testing.assert_array_equal(made["confusion_matrix"](y, answers), metrics.confusion_matrix(y, answers))
    scores = [way(y, answers, average=None) for way in (made["f1_score"], metrics.f1_score)]
    np.testing.assert_allclose(*scores)
    ours, theirs = (
        made["classification_report"](y, answers, digits=3),
        metrics.classification_report(y, answers, digits=3),
    )
    rows = [line.split()[:4] for line in theirs.splitlines()[2:6]]
    assert [line.split() for line in ours.splitlines()[1:]] == rows


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """What scikit-learn answered, written to a file and read again, and the functions that answer from it."""
    import sklearn.datasets
    import sklearn.linear_model
    import sklearn.model_selection

    for module, names in cuda_library.MODULES.items():  # monkeypatch puts the originals back
        for name in cuda_library.RECORDED.intersection(names):
            monkeypatch.setattr(f"{module}.{name}", getattr(sys.modules.get(module) or __import__(module), name, None))
    book = Book()
    cuda_library.record(book)
    answers = ask(vars(sklearn.datasets) | vars(sklearn.linear_model) | vars(sklearn.model_selection))
    book.save(tmp_path / "recorded.npz")
    return answers, cuda_library.replay(Book.load(tmp_path / "recorded.npz"))


def ask(functions):
    """Some questions to scikit-learn, or to what stands for it."""
    X, y = functions["make_moons"](n_samples=30, noise=0.1, random_state=4)
    digits = functions["load_digits"]()
    model = functions["Perceptron"](shuffle=False)
    found = [X, y, digits.images, digits.target]
    for part in (slice(0, 10), slice(10, 30)):
        model.partial_fit(X[part], y[part], classes=[0, 1])
        found += [model.coef_, model.predict(X)]
    found += [functions["RidgeClassifier"]().fit(X, y).predict(X)]
    return found + functions["train_test_split"](X, y, test_size=0.3, stratify=y, random_state=5)


def test_what_was_recorded_comes_back(recorded):
    answers, functions = recorded
    for again, before in zip(ask(functions), answers, strict=True):
        np.testing.assert_array_equal(again, before)


def test_what_was_not_recorded_is_refused(recorded):
    _, functions = recorded
    X, y = functions["make_moons"](n_samples=30, noise=0.1, random_state=4)
    perceptron = functions["Perceptron"](shuffle=False)
    for call in (
        lambda: functions["make_moons"](n_samples=30, noise=0.1, random_state=6),
        lambda: functions["train_test_split"](X, y, test_size=0.4, stratify=y, random_state=5),
        lambda: perceptron.predict(X),  # not without the fit that came before
        lambda: perceptron.partial_fit(X[:10] + 1e-3, y[:10], classes=[0, 1]),
        lambda: perceptron.coef_,
        lambda: functions["Perceptron"]().fit(X, y),
    ):
        with pytest.raises(NotRecordedError, match="make cuda-pack"):
            call()


# ---- the verdict


def test_stand_in_and_cuda_are_compared():
    wrong = "Traceback ...\nAssertionError: no"
    told = cuda_check.compared(
        {"a": None, "b": wrong, "c": None, "d": wrong}, {"a": None, "b": None, "c": wrong, "d": wrong}
    )
    assert told["agree"] == 1 and list(told["fail_on_both"]) == ["d"]
    assert told["differ"]["c"] == {"standin": "holds", "cuda": "AssertionError: no"} and list(told["differ"]) == [
        "b",
        "c",
    ]


def test_the_behaviours_run_in_processes_of_their_own():
    """Without CUDA here, none of them holds there."""
    import torch

    if torch.cuda.is_available():
        assert cuda_check.compare_standin({}, 200)["differ"] == {}
    else:
        told = cuda_check.compare_standin({"CUDA_VISIBLE_DEVICES": ""}, 200)
        assert told["agree"] == 0 and "CUDA" in told["differ"]["tensors_say_where_they_are"]["cuda"]


@pytest.mark.parametrize(
    "part", ["cells", "failures", "differ", "fail_on_both", "runs", "accuracy_met", "seconds_met", None]
)
def test_one_fault_in_any_part_is_not_ok(part):
    net = {"runs": 3, "accuracy_met": True, "seconds_met": True}
    result = {
        "notebooks": {"a": {"cells": 2, "of": 2, "failures": []}},
        "standin": {"agree": 9, "differ": {}, "fail_on_both": {}},
        "mnist": {"MLP": net, "CNN": dict(net)},
    }
    worse = {"cells": 1, "failures": [1], "differ": {"x": 1}, "fail_on_both": {"x": 1}, "runs": 2}
    for piece in (result["notebooks"]["a"], result["standin"], result["mnist"]["CNN"]):
        if part in piece:
            piece[part] = worse.get(part, False)
    assert cuda_check.is_ok(result, "cuda", 3) is (part is None)
