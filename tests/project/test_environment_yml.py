"""environment.yml, constraints.txt and pyproject.toml say the same."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
GRADER = tomllib.loads((ROOT / "course_grader" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LISTS = (PROJECT["dependencies"], PROJECT["optional-dependencies"]["dev"], GRADER["dependencies"])
DIRECT = [Requirement(line) for line in dict.fromkeys(line for lines in LISTS for line in lines)]
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
MEND = "after an update of the environment write its versions into constraints.txt"


def pins():
    """Canonical name -> version of every line of constraints.txt."""
    lines = (line for line in CONSTRAINTS if line and not line.startswith("#"))
    return {canonicalize_name(name): Version(version) for name, version in (line.split("==") for line in lines)}


def closure():
    """Canonical names of all installed packages that pyproject.toml brings along, on this system."""
    todo, seen = list(DIRECT), set()
    while todo:
        wanted = todo.pop()
        if (key := (canonicalize_name(wanted.name), frozenset(wanted.extras))) in seen:
            continue
        seen.add(key)
        for line in importlib.metadata.requires(wanted.name) or []:
            needed = Requirement(line)
            extras = wanted.extras or {""}
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras | {""}):
                todo.append(needed)
    return {name for name, _ in seen}


def conda():
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


# ---- constraints.txt


def test_constraints_are_names_and_versions_only():
    for line in CONSTRAINTS:
        assert line.startswith("#") or re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line), line
    names = [line.split("==")[0].lower() for line in CONSTRAINTS if not line.startswith("#")]
    assert len(set(names)) == len(names) > len(DIRECT)


@pytest.mark.parametrize("requirement", DIRECT, ids=str)
def test_each_dependency_is_pinned_inside_its_range(requirement):
    assert requirement.specifier, f"{requirement.name} has no range in pyproject.toml"
    assert pins()[canonicalize_name(requirement.name)] in requirement.specifier, MEND


def test_pins_are_the_whole_closure_and_nothing_else():
    assert closure() == set(pins()), MEND


def test_pins_are_what_these_tests_run_with():
    installed = {name: Version(importlib.metadata.version(name)) for name in pins()}
    wrong = {
        name: (str(pin), str(installed[name])) for name, pin in pins().items() if installed[name].public != str(pin)
    }
    assert not wrong, f"pinned and installed differ: {wrong}; {MEND}, or run `make setup`"


def test_pins_serve_the_oldest_python_of_pyproject():
    """Debian 12 ships 3.11.2; a pin that asks for 3.11.5 leaves its users without an environment (it happened)."""
    oldest = re.fullmatch(r">=(\d+\.\d+)", PROJECT["requires-python"])[1] + ".0"
    asked = {name: importlib.metadata.metadata(name)["Requires-Python"] or "" for name in pins()}
    assert {name: asked[name] for name in asked if not SpecifierSet(asked[name]).contains(oldest)} == {}


# ---- environment.yml


def test_conda_brings_python_and_pip_only():
    """Packages come from pyproject.toml: a second list of them could only drift."""
    *packages, from_pip = conda()["dependencies"]
    assert [re.split("[=<>]", package)[0] for package in packages] == ["python", "pip"]
    assert from_pip == {"pip": ["--constraint constraints.txt", "--editable ./course_grader", "--editable ."]}
    assert conda()["name"] == PROJECT["name"]


def test_condas_python_is_in_pyprojects_range_and_the_tested_one():
    (python,) = (line for line in conda()["dependencies"] if str(line).startswith("python="))
    version = python.split("=")[1]
    assert SpecifierSet(PROJECT["requires-python"]).contains(version)
    assert f"Python {version})" in CONSTRAINTS[0]


def test_pip_takes_condas_lines(tmp_path):
    """pip itself reads them as conda hands them over: as a file of requirements beside constraints.txt."""
    code = (
        "import sys\n"
        "from pip._internal.network.session import PipSession\n"
        "from pip._internal.req import parse_requirements\n"
        "for one in parse_requirements(sys.argv[1], PipSession()):\n"
        "    print(one.constraint, one.is_editable, one.requirement)"
    )
    shutil.copy(ROOT / "constraints.txt", tmp_path)
    lines = tmp_path / "lines.txt"
    lines.write_text("\n".join(conda()["dependencies"][-1]["pip"]))
    done = subprocess.run([sys.executable, "-c", code, lines], capture_output=True, text=True, check=True)
    said = done.stdout.splitlines()
    assert said[-2:] == ["False True ./course_grader", "False True ."]
    assert len(said) - 2 == len(pins()) and all(line.startswith("True False ") for line in said[:-2])
