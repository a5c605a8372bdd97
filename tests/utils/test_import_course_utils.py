"""Importing course_utils is light and changes nothing; device() obeys COURSE_DEVICE or says why it cannot."""

import doctest
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import course_utils

ROOT = Path(__file__).resolve().parents[2]
FILES = (path.relative_to(ROOT / "course_utils").with_suffix("") for path in (ROOT / "course_utils").glob("**/*.py"))
MODULES = sorted(".".join(path.parts).removesuffix(".__init__") for path in FILES if path.parts != ("__init__",))
# Students run these before anything is installed.
STANDARD_LIBRARY_ONLY = {"lab", "environment_setup", "workbook", "handin", "inbox", "submission", "answer_cells"}


def run(code, *options, **environment):
    code = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n" + textwrap.dedent(code)
    clean = {name: value for name, value in os.environ.items() if name != "COURSE_DEVICE"}
    return subprocess.run(
        [sys.executable, *options, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env={**clean, **environment},
    )


def output(code, *options, **environment):
    done = run(code, *options, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_the_modules_are_found():
    assert {"check", "data", "data.toys", "plot", "widgets"} <= set(MODULES)


@pytest.mark.parametrize("name", ["", *sorted(STANDARD_LIBRARY_ONLY)])
def test_only_the_standard_library_is_loaded(name):
    """-S hides the installed packages: this also runs where there is no NumPy."""
    module = f"course_utils.{name}".rstrip(".")
    loaded = json.loads(
        output(
            f"""
            before = set(sys.modules)
            import importlib
            importlib.import_module({module!r})
            import json
            print(json.dumps(sorted({{name.partition(".")[0] for name in set(sys.modules) - before}})))
            """,
            "-S",
        )
    )
    assert set(loaded) <= sys.stdlib_module_names | {"course_utils"}
    assert not {"torch", "numpy", "matplotlib"} & set(loaded)


def test_no_module_loads_torch():
    guilty = output(
        f"""
        import importlib
        for name in {MODULES!r}:
            importlib.import_module("course_utils." + name)
            if "torch" in sys.modules:
                print(name, end=" ")
                break
        """
    )
    assert guilty == "", f"course_utils.{guilty} imports torch"


def test_the_notebooks_import_line_does_not_load_torch():
    assert output("from course_utils import check, data, plot, widgets\nprint('torch' in sys.modules)") == "False"


def test_importing_sets_no_global_state():
    """The libraries come first: what they set themselves is not ours."""
    changed = output(
        f"""
        import importlib, logging, os, pickle, warnings
        import ipywidgets, IPython.display, matplotlib.pyplot, numpy, pooch, sklearn.datasets, torch
        import matplotlib, matplotlib.animation

        def state():
            return {{
                "np.random": pickle.dumps(numpy.random.get_state()),
                "torch seed": torch.get_rng_state().numpy().tobytes(),
                "torch dtype": str(torch.get_default_dtype()),
                "np.printoptions": repr(numpy.get_printoptions()),
                "np.errstate": repr(numpy.geterr()),
                "rcParams": repr(dict(matplotlib.rcParams)),
                "warnings": repr(warnings.filters),
                "showwarning": warnings.showwarning,
                "environ": dict(os.environ),
                "cwd": os.getcwd(),
                "logging": repr(logging.getLogger().handlers),
                "excepthook": sys.excepthook,
                "path": list(sys.path),
            }}

        before = state()
        for name in {MODULES!r}:
            importlib.import_module("course_utils." + name)
            after = state()
            for key in before:
                if after[key] != before[key]:
                    print(name, "changes", key)
            before = after
        """,
        MPLBACKEND="agg",
    )
    assert changed == ""


# --- device() ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def torch():
    """Loaded here, not at the top: the other tests must run without it."""
    import torch

    return torch


def best(torch):
    return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"


@pytest.mark.parametrize("setting", [None, "", " "])
def test_device_takes_the_best_there_is(setting, torch, monkeypatch, capfd):
    monkeypatch.delenv("COURSE_DEVICE", raising=False)
    if setting is not None:
        monkeypatch.setenv("COURSE_DEVICE", setting)
    assert course_utils.device() == torch.device(best(torch))
    assert capfd.readouterr() == ("", "")


def test_device_prefers_cuda_to_mps_to_cpu(torch, monkeypatch):
    """The one place where a machine has to be pretended: no machine has both."""
    monkeypatch.delenv("COURSE_DEVICE", raising=False)
    for cuda, mps, expected in [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")]:
        monkeypatch.setattr(torch.cuda, "is_available", lambda answer=cuda: answer)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda answer=mps: answer)
        assert course_utils.device() == torch.device(expected)


@pytest.mark.parametrize("name", ["cpu", " CPU "])
def test_device_obeys(name, torch, monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", name)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert course_utils.device() == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda", "cuda:99", "mps", "gpu", "cpu;", "xpu"])
def test_device_never_falls_back(name, torch, monkeypatch, capfd):
    monkeypatch.setenv("COURSE_DEVICE", name)
    if name == best(torch):
        assert course_utils.device() == torch.device(name)
        return
    with pytest.raises(RuntimeError, match="^COURSE_DEVICE asks for .* unset COURSE_DEVICE") as caught:
        course_utils.device()
    assert repr(name) in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_examples_run(monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", "cpu")  # the example sets it too: this puts it back
    assert doctest.testmod(course_utils) == (0, 2)
