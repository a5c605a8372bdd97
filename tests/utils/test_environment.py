"""The start page's report: each failure names its cure."""

import pytest

from course_utils import environment


def test_all_is_well_here(capsys):
    assert environment.report() == []
    assert "Everything is in place." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("needed", "python", "problem"),
    [
        ({"no-such-package": ("no_such_package", "nothing")}, None, "no-such-package (nothing) cannot be imported"),
        ({}, (3, 9, 1), "Python 3.9.1 is too old"),
    ],
)
def test_each_problem_says_what_to_do(needed, python, problem, capsys):
    (found,) = environment.report(needed, python)
    assert problem in found
    assert "make lab" in found
    assert "TO MEND" in capsys.readouterr().out


def test_a_device_that_is_not_there(monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", "cuda:77")
    (found,) = environment.report({})
    assert "COURSE_DEVICE" in found


def test_a_package_built_for_another_version_is_a_line_and_no_traceback(tmp_path, monkeypatch):
    (tmp_path / "broken_build.py").write_text("raise ValueError('numpy.dtype size changed')")
    monkeypatch.syspath_prepend(tmp_path)
    (found,) = environment.report({"broken-build": ("broken_build", "nothing")})
    assert "size changed" in found
