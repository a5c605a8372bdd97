"""The session around the tests: it counts minutes, names skips, fails where it must, reads nobody's own settings."""

import os
from pathlib import Path

import pytest
from tiny_course import run_python

from course_author.proof import session
from course_author.units.unit import ROOT, UnitError

TESTS = """\
import pytest

@pytest.mark.part("answers")
def test_timed():
    import time
    time.sleep(4)

@pytest.mark.skipif(True, reason="no such device here")
def test_skipped():
    pass

@pytest.mark.full
def test_long():
    assert False
"""


def session_on(folder, *arguments, **environment):
    """A pytest session on two files, with the course's conftest.py as plugin."""
    (folder / "test_sample.py").write_text(TESTS)
    (folder / "test_whole.py").write_text("import pytest\npytest.importorskip('no_such_package_at_all')\n")
    line = ("-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", f"--rootdir={folder}", *arguments, folder)
    return run_python(*line, cwd=folder, **environment)


def test_minutes_and_skips_stand_before_the_last_line(tmp_path):
    done = session_on(tmp_path, CI="", COURSE_SETUP_SECONDS="90")
    *lines, last = done.stdout.strip().split("\n")
    assert done.returncode == 0, done.stdout
    assert "1 passed, 2 skipped, 1 deselected" in last
    assert any(line.split()[:2] == ["set-up", "1.5"] for line in lines)
    assert any(line.split()[:2] == ["answers", "0.1"] for line in lines)
    assert "test_sample.py::test_skipped: no such device here" in lines
    assert any(line.startswith("test_whole.py: could not import") for line in lines)


def test_a_skip_in_ci_is_a_failure(tmp_path):
    done = session_on(tmp_path, "-n", "1", CI="true")
    assert done.returncode == 1
    assert "skipped in CI, where every test must run: no such device here" in done.stdout
    assert "skipped in CI, where every test must run: could not import 'no_such_package_at_all'" in done.stdout
    assert "1 passed, 2 errors" in done.stdout


def test_full_runs_the_long_tests(tmp_path):
    assert "1 failed, 1 passed, 2 skipped" in session_on(tmp_path, "--full", CI="").stdout


def test_kernels_read_no_personal_settings():
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
        assert not Path(os.environ[name]).is_relative_to(Path.home()), name
        # Tests may have made the folder; what matters is that nobody's settings are in it.
        assert not [path for path in Path(os.environ[name]).rglob("*_config.*") if path.is_file()], name


def test_both_notebooks_of_each_unit_are_run(tiny):
    with pytest.raises(
        UnitError, match=r"source/07_tiny/07_tiny\.ipynb is missing: run `python -m course_author release"
    ):
        session.notebooks(tiny)
    for folder in ("source", "release"):
        (tiny / folder / "07_tiny").mkdir(parents=True)
        (tiny / folder / "07_tiny" / "07_tiny.ipynb").touch()
    assert session.notebooks(tiny) == ["source/07_tiny/07_tiny.ipynb", "release/07_tiny/07_tiny.ipynb"]


def test_cuda_that_is_not_there_fails():
    done = run_python("-m", "course_author", "nbval", "--device", "cuda", CUDA_VISIBLE_DEVICES="")
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr == "This machine has no CUDA that torch can use: run this on one that has, or use --device cpu.\n"
    )


def test_a_session_that_is_killed_is_no_success(monkeypatch):
    assert session.pytest(["--version"]) == 0
    assert session.pytest(["--no-such-option"]) == 4
    monkeypatch.setattr(session.sys, "executable", str(ROOT / "tests" / "answers"))  # a folder: cannot be started
    with pytest.raises(OSError):
        session.pytest(["--version"])
