"""Chapter 5's notebook alone on a machine that has only Jupyter, numpy and torch: what it says, and what it installs.

The machine is a fresh virtual environment. As tests download nothing, Jupyter, numpy and torch are lent to it by links
to the files of this environment, and the packages that pip shall fetch lie in a folder, as wheels made of those files.
"""

import ast
import os
import re
import shutil
import subprocess
import tomllib
import venv
import zipfile
from collections import Counter
from importlib import metadata
from itertools import takewhile

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from lending import lend
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from secret_lines import secrets

from course_author.ship.repack import closure, repack
from course_author.ship.wheel import build_wheel
from course_author.units.unit import ROOT

pytestmark = pytest.mark.part("set-up")
UNIT = "05_mnist_project"
NOTEBOOK = ROOT / "release" / UNIT / f"{UNIT}.ipynb"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LENT = {"pip", "ipykernel", "nbclient", "numpy", "torch"}
# What a notebook's kernel does not import: the reader has some Jupyter, and validates and hands in where nbgrader is.
JUPYTER = {"jupyterlab", "jupyter-server", "nbconvert", "nbgrader"}
SHORT = {"PIP_NO_COMPILE": "0"}  # 0 means "do not": Python compiles what is imported, pip all, for 20 seconds
NO_NETWORK = {"PIP_NO_INDEX": "1", "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
WHEEL = "deep_learning_fundamentals-*.whl"  # what the cure names, where the wheel is
PARTED = 0.25  # of an exercise's telling lines: more than chance and PyTorch's own words put into course_utils

# Where numpy and torch are, and which, for the next process.
VERSIONS = """
import importlib.util, importlib.metadata
for name in ("numpy", "torch"):
    print(name, importlib.util.find_spec(name).origin, importlib.metadata.version(name))
"""


def opening():
    """Sources of the released notebook's code cells before its first exercise, in order."""
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    before = takewhile(lambda cell: not cell.metadata.get("nbgrader", {}).get("solution"), cells)
    return [cell.source for cell in before if cell.cell_type == "code"]


def needed():
    """Modules that the first cell looks for."""
    (names,) = (
        node.value
        for node in ast.walk(ast.parse(opening()[0]))
        if isinstance(node, ast.Assign) and node.targets[0].id == "needed"
    )
    return ast.literal_eval(names)


def packages():
    """Names on the package index of what the first cell looks for, without the course itself."""
    names = metadata.packages_distributions()
    return {canonicalize_name(names[module][0]) for module in needed() if module != "course_utils"}


# ---- the machine


def made_up(name, version, requires, folder):
    """A wheel with nothing in it but its wishes."""
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


class Machine:
    """A fresh environment, a folder with the notebook and nothing else, and a kernel that runs there."""

    def __init__(self, root):
        self.folder, self.index, self.python = root / "my notebooks", root / "index", root / "env" / "bin" / "python"
        self.folder.mkdir()
        (root / "home").mkdir()
        shutil.copy(NOTEBOOK, self.folder)
        venv.create(root / "env", with_pip=False)
        (self.site,) = (root / "env" / "lib").glob("*/site-packages")
        lend(closure(LENT), root / "lent")
        (self.site / "lent.pth").write_text(str(root / "lent"), encoding="utf-8")
        self.kernel, self.client = self._start(root)

    def _start(self, root):
        spec = root / "kernels" / "lone" / "kernel.json"
        spec.parent.mkdir(parents=True)
        argv = f'["{self.python}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"]'
        spec.write_text(f'{{"argv": {argv}, "display_name": "lone", "language": "python"}}', encoding="utf-8")
        specs = KernelSpecManager(kernel_dirs=[str(spec.parents[1])])
        kernel = KernelManager(kernel_name="lone", kernel_spec_manager=specs)
        home = {"HOME": str(root / "home"), "PATH": os.defpath, "PIP_FIND_LINKS": self.index.as_uri()}
        self.environment = {**home, **SHORT, **NO_NETWORK}  # and nothing of ours: no PYTHONPATH
        kernel.start_kernel(cwd=str(self.folder), env=self.environment)
        client = kernel.blocking_client()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        return kernel, client

    def run(self, source):
        """What a cell printed, and the words of its error or None. Anything on stderr fails: nbgrader counts it."""
        said = []
        self.client.execute_interactive(source, output_hook=said.append, allow_stdin=False, timeout=120)
        streams = [message["content"] for message in said if message["msg_type"] == "stream"]
        errors = [message["content"] for message in said if message["msg_type"] == "error"]
        assert not [stream["text"] for stream in streams if stream["name"] == "stderr"]
        return "".join(stream["text"] for stream in streams), errors[0]["evalue"] if errors else None

    def install(self):
        """The first cell, with the reader's word."""
        released = opening()[0]
        assert released.count("install = False") == 1
        return self.run(released.replace("install = False", "install = True"))

    def installed(self):
        """Distributions in the environment itself: canonical name -> version."""
        return {canonicalize_name(d.name): d.version for d in metadata.distributions(path=[str(self.site)])}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in NO_NETWORK.items():
            patch.setenv(name, value)
        return build_wheel(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    root = tmp_path_factory.mktemp("lone")
    machine = Machine(root)
    yield machine
    machine.client.stop_channels()
    machine.kernel.shutdown_kernel(now=True)
    shutil.rmtree(root)  # pytest would keep 200 MB of each of the last three runs


def fill(index):
    """Wheels of all that pip has to fetch, and one of a package that would like another numpy, which is there too."""
    index.mkdir()
    for name in closure(packages()) - closure(LENT):
        repack(name, index)
    newer = f"{metadata.version('numpy')}.post1"  # one that all the others would take, too
    made_up("numpy", newer, "", index)
    made_up("pooch", "99.0", f"Requires-Dist: numpy=={newer}\n", index)


# ---- the cell and the wheel


def test_the_cell_looks_for_what_pyproject_asks_for():
    direct = {canonicalize_name(Requirement(line).name) for line in PROJECT["project"]["dependencies"]}
    due = direct - JUPYTER - {"numpy", "torch"}
    assert packages() <= due
    assert due <= closure(packages()), "the first cell of chapter 5 does not look for these"


def test_the_wheel_holds_course_utils_and_nothing_else(wheel):
    """No solution and no hidden test, and neither the grader nor the authors' tools."""
    with zipfile.ZipFile(wheel) as packed:
        texts = {name: packed.read(name).decode("utf-8") for name in packed.namelist()}
    patterns = ["**/*.py", *PROJECT["tool"]["setuptools"]["package-data"]["course_utils"]]
    found = (path for pattern in patterns for path in (ROOT / "course_utils").glob(pattern))
    due = {path.relative_to(ROOT).as_posix() for path in found}
    assert {name for name in texts if ".dist-info/" not in name} == due
    assert {"course_utils/data/history.csv", "course_utils/course.mplstyle", "course_utils/data/toys.py"} <= due
    (programs,) = (text for name, text in texts.items() if name.endswith("entry_points.txt"))
    assert programs.split() == ["[console_scripts]", "course", "=", "course_utils.lab:course"]


def test_the_wheel_holds_no_solution_and_no_hidden_test(wheel):
    """A line may be in both by chance ("from torch import nn"); a good part of an exercise may not."""
    with zipfile.ZipFile(wheel) as packed:
        lines = {line.strip() for name in packed.namelist() for line in packed.read(name).decode("utf-8").split("\n")}
    known = secrets()
    of_each, held = Counter(known.values()), Counter(source for line, source in known.items() if line in lines)
    assert len(of_each) > 50 and held, "nothing was looked for"
    assert {source: count for source, count in held.items() if count > PARTED * of_each[source]} == {}


# ---- a reader's way, in one kernel (in this order)


def test_the_first_cell_names_all_that_is_missing_and_installs_nothing(machine):
    printed, error = machine.run(opening()[0])
    assert printed == ""
    assert error.startswith(f"Missing: {', '.join(needed())}. ")
    assert "\n" not in error and WHEEL in error and "install = True" in error
    assert machine.installed() == {}


def test_no_wheel(machine):
    _, error = machine.install()
    assert "No matching distribution found for deep-learning-fundamentals" in error
    assert WHEEL in error.split("\n")[-1]
    assert machine.installed() == {}


def test_a_broken_wheel(machine, wheel):
    broken = machine.folder / wheel.name
    broken.write_bytes(wheel.read_bytes()[:5000])
    _, error = machine.install()
    assert re.search(r"Wheel .* is invalid", error)
    assert WHEEL in error.split("\n")[-1]
    assert machine.installed() == {}


def test_of_two_wheels_the_newest_is_taken_and_then_the_network_is_missed(machine, wheel):
    version = PROJECT["project"]["version"]
    (machine.folder / wheel.name).rename(machine.folder / wheel.name.replace(version, "0.0.10"))
    shutil.copy(wheel, machine.folder)
    _, error = machine.install()
    assert "No matching distribution found for" in error
    assert error.split("\n")[-1] == "Check the network and run this cell again."
    assert machine.installed() == {"deep-learning-fundamentals": version}


def test_the_rest_is_installed_and_no_more(machine):
    """Pip finds a pooch that would bring another numpy, and leaves it alone; numpy and torch are the machine's."""
    fill(machine.index)
    before = machine.run(VERSIONS)
    assert machine.install() == ("", None)
    assert machine.run(VERSIONS) == before and "torch" in before[0]
    due = {name: metadata.version(name) for name in closure(packages()) - closure(LENT)}
    assert machine.installed() == due | {"deep-learning-fundamentals": PROJECT["project"]["version"]}


def test_the_next_cells_run_without_a_restart_and_without_this_repository(machine):
    for source in opening():
        printed, error = machine.run(source)
        assert error is None, f"{error}\n{source}"
    printed, error = machine.run("import sys; print(data.mnist('test').source, data.__file__, *sys.path, sep='\\n')")
    assert error is None and str(ROOT) not in printed
    assert f"digits\n{machine.site / 'course_utils' / 'data' / '__init__.py'}\n" in printed


def test_the_first_cell_says_nothing_where_nothing_is_missing(machine):
    assert machine.run(opening()[0]) == ("", None)
    assert machine.install() == ("", None)


def test_a_restart_is_asked_for_where_pip_installs_out_of_sight(machine):
    """As it may on a machine of many users: into a folder of the reader's that did not exist when Python started."""
    for path in machine.site.glob("anywidget*"):
        shutil.rmtree(path)
    cell = machine.folder / "first_cell.py"
    cell.write_text(opening()[0].replace("install = False", "install = True"), encoding="utf-8")
    elsewhere = {**machine.environment, "PIP_PREFIX": str(machine.folder / "elsewhere")}
    done = subprocess.run([machine.python, cell], cwd=machine.folder, env=elsewhere, capture_output=True, text=True)
    assert done.stderr.endswith("AssertionError: Installed: restart the kernel (menu Kernel), then run on.\n")
    assert list((machine.folder / "elsewhere").rglob("anywidget/__init__.py"))
