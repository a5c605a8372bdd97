"""The session around the tests: it counts minutes, names skips, fails where it must, and reads nobody's own settings."""

import pytest
from tiny_course import run_python

from course_author import runner
from course_author.units import ROOT, UnitError

TESTS = """\
import os, pytest

@pytest.mark.part("answers")
def test_timed():
    import time
    time.sleep(0.7)

@pytest.mark.skipif(True, reason="no such device here")
def test_skipped():
    pass

@pytest.mark.full
def test_long():
    assert "COURSE_LONG" in os.environ
"""


def session(folder, *arguments, text=TESTS, **environment):
    """A pytest session on one file, with the course's conftest.py as plugin."""
    (folder / "test_sample.py").write_text(text)
    line = (
        "-m",
        "pytest",
        "-p",
        "conftest",
        "-p",
        "no:cacheprovider",
        f"--rootdir={folder}",
        *arguments,
        "test_sample.py",
    )
    return run_python(*line, cwd=folder, **environment)


def test_minutes_and_skips_stand_before_the_last_line(tmp_path):
    done = session(tmp_path, CI="", COURSE_SETUP_SECONDS="90")
    *_, last = lines = done.stdout.strip().split("\n")
    assert done.returncode == 0, done.stdout
    assert "1 passed, 1 skipped, 1 deselected" in last
    assert any(line.split()[:2] == ["set-up", "1.5"] for line in lines)
    assert any(line.split()[:2] == ["answers", "0.0"] for line in lines)
    assert "test_sample.py::test_skipped: no such device here" in lines


def test_a_part_gets_its_tests(tmp_path):
    slow = TESTS.replace("sleep(0.7)", "sleep(4)")
    lines = session(tmp_path, text=slow, CI="").stdout.split("\n")
    assert any(line.split()[:2] == ["answers", "0.1"] for line in lines)


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_a_skip_in_ci_is_a_failure(tmp_path, workers):
    done = session(tmp_path, *workers, CI="true")
    assert done.returncode == 1
    assert "skipped in CI, where every test must run: no such device here" in done.stdout


def test_a_file_that_skips_itself_is_a_failure_in_ci(tmp_path):
    text = "import pytest\npytest.importorskip('no_such_package_at_all')\n"
    assert session(tmp_path, text=text, CI="").returncode in (0, 5)
    assert session(tmp_path, text=text, CI="true").returncode not in (0, 5)


def test_full_runs_the_long_tests(tmp_path):
    assert "1 failed, 1 passed" in session(tmp_path, "--full", CI="").stdout
    assert "2 passed" in session(tmp_path, "--full", CI="", COURSE_LONG="1").stdout


def test_kernels_read_no_personal_settings(tmp_path, monkeypatch):
    import os
    from pathlib import Path

    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR"):
        assert not Path(os.environ[name]).is_relative_to(Path.home()), name
        assert not Path(os.environ[name]).exists() or name == "IPYTHONDIR", name


def test_both_notebooks_of_each_unit_are_run(tiny):
    with pytest.raises(
        UnitError, match=r"source/07_tiny/07_tiny\.ipynb is missing: run `python -m course_author release"
    ):
        runner.notebooks(tiny)
    for folder in ("source", "release"):
        (tiny / folder / "07_tiny").mkdir(parents=True)
        (tiny / folder / "07_tiny" / "07_tiny.ipynb").touch()
    assert runner.notebooks(tiny) == ["source/07_tiny/07_tiny.ipynb", "release/07_tiny/07_tiny.ipynb"]


def test_cuda_that_is_not_there_fails():
    done = run_python("-m", "course_author", "nbval", "--device", "cuda", CUDA_VISIBLE_DEVICES="")
    assert (done.returncode, done.stdout) == (1, "")
    assert (
        done.stderr == "This machine has no CUDA that torch can use: run this on one that has, or use --device cpu.\n"
    )


def test_a_session_that_is_killed_is_no_success(monkeypatch):
    assert runner.pytest(["--version"]) == 0
    assert runner.pytest(["--no-such-option"]) == 4
    monkeypatch.setattr(runner.sys, "executable", str(ROOT / "tests" / "answers"))  # a folder: cannot be started
    with pytest.raises(OSError):
        runner.pytest(["--version"])
