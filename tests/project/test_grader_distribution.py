"""course_grader by itself: its wheel, nbgrader and numpy grade a course that knows nothing of ours.

The environment is a fresh one. As tests download nothing, nbgrader's and numpy's files are copied from this one.
"""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import plain_course
import pytest
from lending import tops

from course_author.ship.repack import closure
from course_author.units.unit import ROOT

pytestmark = pytest.mark.part("grader")
GRADER = ROOT / "course_grader"
PROJECT = tomllib.loads((GRADER / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    root = tmp_path_factory.mktemp("wheel")
    left = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")
    shutil.copytree(GRADER, root / "course_grader", ignore=left)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "."]
    subprocess.run([*command, "--wheel-dir", root], cwd=root / "course_grader", check=True, capture_output=True)
    (found,) = root.glob("course_grader-*.whl")
    return found


@pytest.fixture(scope="module")
def alone(wheel, tmp_path_factory):
    """The interpreter of an environment with the wheel, nbgrader, numpy and what these ask for."""
    root = tmp_path_factory.mktemp("alone")
    venv.create(root / "env", with_pip=False)
    (site,) = (root / "env" / "lib").glob("*/site-packages")
    asked = {"nbgrader", "numpy", *(line.split(">")[0] for line in PROJECT["project"]["dependencies"])}
    for distribution in map(metadata.distribution, closure(asked)):
        for top in tops(distribution):
            _copy(distribution.locate_file(top), site / top)
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)
    yield root / "env" / "bin" / "python"
    shutil.rmtree(root)


def _copy(there, here):
    """By links where one file system allows it: the files are not changed."""
    link = os.link if Path(there).stat().st_dev == here.parent.stat().st_dev else shutil.copy2
    if here.exists():
        return
    if Path(there).is_dir():
        shutil.copytree(there, here, copy_function=link, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        link(there, here)


def test_the_wheel_holds_the_grader_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as packed:
        found = {name for name in packed.namelist() if not name.startswith("course_grader-")}
    modules = {path for path in GRADER.rglob("*.py") if "build" not in path.parts}
    due = {*modules, *GRADER.glob("feedback/*.html"), *GRADER.glob("feedback/*.css")}
    assert found == {f"course_grader/{path.relative_to(GRADER).as_posix()}" for path in due}


def test_it_grades_nbgraders_own_course_as_nbgrader_does(alone, tmp_path):
    for name in ("torch", "matplotlib", "course_utils", "course_author"):
        found = subprocess.run([alone, "-I", "-c", f"import {name}"], capture_output=True)
        assert found.returncode == 1, f"{name} is there, so this tests nothing"
    ours = tmp_path / "ours"
    ours.mkdir()
    plain_course.quickstart(ours)
    stock = shutil.copytree(ours, tmp_path / "stock")
    home = {"HOME": str(tmp_path / "home"), "PATH": f"{alone.parent}{os.pathsep}{os.defpath}"}  # and no PYTHONPATH
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", "ps1"], cwd=stock, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    command = [alone, "-m", "course_grader", "grade", "ps1", "--json"]
    done = subprocess.run(command, cwd=ours, env=home, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr + done.stdout
    assert {one["student"] for one in json.loads(done.stdout)["submissions"]} == {"bitdiddle", "hacker"}
    for student in ("bitdiddle", "hacker"):
        graded = plain_course.grades(ours, student, "ps1")
        assert graded == plain_course.grades(stock, student, "ps1") and len(graded) == 9
