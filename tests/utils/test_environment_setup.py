"""Set-up, run for real: a small project, its environment in a temporary folder, packages from local wheels."""

import ast
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
import tomllib
import zipfile
from pathlib import Path

import pytest

from course_utils import environment_setup as setup

ROOT = Path(__file__).resolve().parents[2]
BEFORE_ANYTHING_IS_INSTALLED = [
    "__init__", "lab", "environment_setup", "workbook", "handin", "inbox", "submission", "answer_cells",
]  # fmt: skip

# A build backend of a few lines, so that no test needs the network.
BACKEND = """
import zipfile
def _wheel(folder):
    name = "tiny_course-1.0-py3-none-any.whl"
    with zipfile.ZipFile(folder + "/" + name, "w") as wheel:
        wheel.writestr("tiny_course.py", "")
        wheel.writestr("tiny_course-1.0.dist-info/METADATA", METADATA)
        wheel.writestr("tiny_course-1.0.dist-info/WHEEL", WHEEL)
        wheel.writestr("tiny_course-1.0.dist-info/RECORD", "")
    return name
def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    return _wheel(wheel_directory)
def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    return _wheel(wheel_directory)
WHEEL = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
METADATA = '''Metadata-Version: 2.1
Name: tiny-course
Version: 1.0
Requires-Dist: tiny-lib
Provides-Extra: dev
Requires-Dist: tiny-tool; extra == "dev"
'''
"""
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "tiny-course"
dynamic = ["version", "dependencies", "optional-dependencies"]
"""


def make_wheel(folder, name, version):
    module = name.replace("-", "_")
    with zipfile.ZipFile(folder / f"{module}-{version}-py3-none-any.whl", "w") as wheel:
        info = f"{module}-{version}.dist-info"
        wheel.writestr(f"{module}.py", f"version = {version!r}\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A course of its own and the environment that `set-up` of an earlier test left (tests run in this order)."""
    root = tmp_path_factory.mktemp("tiny course")  # with a blank, as in many a home folder
    wheels = tmp_path_factory.mktemp("wheels")
    for name in ("tiny-lib", "tiny-tool"):
        for version in ("1.0", "2.0"):
            make_wheel(wheels, name, version)
    (root / "backend.py").write_text(BACKEND)
    (root / "pyproject.toml").write_text(PYPROJECT)
    (root / "constraints.txt").write_text("tiny-lib==1.0\ntiny-tool==1.0\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_CONFIG_FILE", os.devnull)
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_FIND_LINKS", f"{wheels.as_uri()} /no/such/folder")  # pip grumbles about the second one
        patch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
        patch.setenv("COURSE_VENV", ".environment")
        yield root


def set_up(root, dev=False, **more):
    """Set up in a process of its own, as make does; return its exit status, output and seconds."""
    code = (
        "import sys; from pathlib import Path; from course_utils import environment_setup as setup\n"
        "try: setup.set_up(Path(sys.argv[1]), dev=bool(sys.argv[2]))\n"
        "except setup.CourseError as error: print(error); sys.exit(1)"
    )
    started = time.monotonic()
    command = [sys.executable, "-c", code, str(root), "dev" if dev else ""]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **more}, capture_output=True, text=True)
    assert done.stderr == ""
    return done.returncode, done.stdout, time.monotonic() - started


def version_of(root, module):
    """What the environment's Python says about a module, or None."""
    python = setup.venv_python(setup.venv_dir(root))
    done = subprocess.run([python, "-c", f"import {module}; print({module}.version)"], capture_output=True, text=True)
    return done.stdout.strip() or None


# ---- one environment, from nothing through every mishap (in this order)


def test_set_up_completes_an_environment_without_pip_under_the_constraints(project):
    """As `uv venv` makes them."""
    venv = setup.venv_dir(project)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    assert not setup.has_pip(venv)
    status, said, _ = set_up(project)
    assert status == 0, said
    assert said == (
        "[1/3] The environment .environment exists.\n"
        "[2/3] Installing packages (the first time takes minutes) ...\n"
        "[3/3] Ready.\n"
    )
    assert version_of(project, "tiny_lib") == "1.0"  # 2.0 lies beside it
    assert version_of(project, "tiny_tool") is None


def test_a_second_set_up_does_nothing_in_under_two_seconds(project):
    venv = setup.venv_dir(project)
    before = {path: path.stat().st_mtime_ns for path in venv.rglob("*")}
    for _ in range(3):  # one of three, for a machine that does other things as well
        status, said, seconds = set_up(project, PIP_NO_INDEX="1", PIP_FIND_LINKS="")  # nor is a network needed
        assert (status, said) == (0, "")
        if seconds < 2:
            break
    assert seconds < 2
    assert {path: path.stat().st_mtime_ns for path in venv.rglob("*")} == before


def test_dev_adds_to_lab_and_then_serves_lab(project):
    status, said, _ = set_up(project, dev=True)
    assert status == 0, said
    assert version_of(project, "tiny_tool") == "1.0"
    assert set_up(project)[:2] == (0, "")


def test_changed_constraints_are_followed_and_dev_stays(project):
    (project / "constraints.txt").write_text("tiny-lib==2.0\ntiny-tool==2.0\n")
    status, said, _ = set_up(project)
    assert status == 0 and "[1/3] The environment .environment exists." in said
    assert (version_of(project, "tiny_lib"), version_of(project, "tiny_tool")) == ("2.0", "2.0")


def test_the_stamp_follows_files_python_and_place(project, tmp_path):
    def key(root=project, python="3.11"):
        return setup.key(root, python)

    other = tmp_path / "moved"
    other.mkdir()
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(project / name, other / name)
    keys = [key(), key(python="3.12"), key(other)]
    for name in ("pyproject.toml", "constraints.txt"):
        (other / name).write_text((other / name).read_text() + "\n# changed\n")
        keys.append(key(other))
    assert len(set(keys)) == 5
    assert key() == keys[0]


def test_a_killed_set_up_is_completed(project):
    """kill -9 once while the environment is made and once while pip installs; the third run completes it."""
    shutil.rmtree(setup.venv_dir(project))
    code = "import sys; from course_utils import environment_setup as setup; setup.set_up(sys.argv[1])"
    for stage in ("[1/3]", "[2/3]"):
        command = [sys.executable, "-c", code, str(project)]
        running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
        for line in running.stdout:
            if line.startswith(stage):
                break
        time.sleep(0.3)
        os.killpg(running.pid, signal.SIGKILL)  # it and the pip it started
        running.wait()
        running.stdout.close()
        assert not setup.is_ready(project, setup.venv_dir(project))
    status, said, _ = set_up(project)
    assert status == 0 and said.startswith("The last set-up was interrupted: completing it.\n")
    assert version_of(project, "tiny_lib") == "2.0"
    assert setup.is_ready(project, setup.venv_dir(project))


def test_an_environment_whose_python_is_gone_is_rebuilt(project):
    venv = setup.venv_dir(project)
    for path in venv.glob("bin/python*"):
        path.unlink()
    (venv / "bin" / "python").symlink_to("/usr/lib/python-that-was-upgraded-away")
    status, said, _ = set_up(project)
    assert status == 0 and said.startswith("[1/3] Rebuilding")
    assert version_of(project, "tiny_lib") == "2.0"


def test_no_network_says_so_and_keeps_what_is_there(project):
    good = (project / "constraints.txt").read_text()
    (project / "constraints.txt").write_text("tiny-lib==3.0\n")
    offline = {"PIP_NO_INDEX": "0", "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1"}
    status, said, _ = set_up(project, **offline)
    lines = said.splitlines()
    assert status == 1
    assert lines[-1].startswith("No connection to the package index: check the network")
    assert lines[-1].endswith(f"(All of it: {Path('.environment', setup.LOG)})")
    assert any("tiny-lib" in line for line in lines[2:-1])  # pip's own last lines
    assert "/no/such/folder" not in said
    assert "Connection refused" in (setup.venv_dir(project) / setup.LOG).read_text()
    assert version_of(project, "tiny_lib") == "2.0"
    (project / "constraints.txt").write_text(good)
    status, said, _ = set_up(project)
    assert (status, said.splitlines()[0]) == (0, "The last set-up was interrupted: completing it.")


# ---- sentences


@pytest.mark.parametrize(
    ("said", "cure"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "The disk is full"),
        (
            "<NewConnectionError>: [Errno -3] Temporary failure in name resolution\nNo matching distribution found",
            "No conn",
        ),
        (
            "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]')) Max retries exceeded",
            "A proxy or",
        ),
        ("ERROR: Could not install packages: [WinError 5] Access is denied: 'x.pyd'", "A file could not be written"),
        ("ERROR: ResolutionImpossible: for help visit", "The versions in constraints.txt do not fit"),
        ("ERROR: No matching distribution found for numpy==2.4.6", "One package is not to be had"),
        ("something nobody has seen yet", "The lines above say"),
    ],
)
def test_what_pip_says_becomes_what_to_do(said, cure):
    assert setup.pip_cure(said).startswith(cure)


def test_a_python_without_its_venv_package(capsys):
    said = "The virtual environment was not created successfully because ensurepip is not available."
    assert "sudo apt install python3-venv" in setup._venv_failed(said)
    assert "ensurepip is not available" in capsys.readouterr().out
    assert "the lines above say why" in setup._venv_failed("something else")


def test_pip_killed_for_memory():
    assert "lack of memory" in setup.pip_cure("", -9)


def test_a_folder_that_is_no_environment_is_left_alone(project, tmp_path):
    (tmp_path / "thesis.txt").write_text("three years of work")
    status, said, _ = set_up(project, COURSE_VENV=str(tmp_path))
    assert status == 1 and "is not a Python environment: move it away" in said and said.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_missing_files_are_named(tmp_path):
    (tmp_path / "pyproject.toml").write_text("")
    with pytest.raises(setup.CourseError, match="constraints.txt is missing"):
        setup.set_up(tmp_path)


# ---- old Pythons


@pytest.mark.parametrize("module", BEFORE_ANYTHING_IS_INSTALLED)
def test_modules_parse_on_old_pythons(module):
    """Python 3.7 is the oldest still met; it must come as far as the sentence."""
    source = (ROOT / "course_utils" / f"{module}.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 7))
    imported = {
        (node.module or "").split(".")[0] if isinstance(node, ast.ImportFrom) else alias.name.split(".")[0]
        for node in ast.parse(source).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    new = {"tomllib", "graphlib", "zoneinfo"}  # not there before 3.9 or 3.11
    assert imported <= (set(sys.stdlib_module_names) - new) | {"course_utils"}


def test_lab_loads_the_standard_library_only():
    code = "import sys, course_utils.lab; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= set(sys.stdlib_module_names) | {"course_utils", "__main__"}


def test_a_too_old_python_gets_one_sentence():
    code = (
        "import runpy, sys; sys.version_info = (3, 9, 18, 'final', 0); sys.argv = ['lab', 'setup']\n"
        "runpy.run_module('course_utils.lab', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("The course needs Python 3.11 or newer, but this is Python 3.9.18 (")
    assert done.stderr.count("\n") == 1
    assert re.search(r"make lab PYTHON=python3\.\d+|install a newer one", done.stderr)


def test_the_oldest_python_is_the_one_of_pyproject():
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert required == ">={}.{}".format(*setup.MINIMUM_PYTHON)
    assert setup.python_problem(setup.MINIMUM_PYTHON) is None
    assert setup.python_problem((3, 10, 99)) is not None


# ---- programs that pip cannot install


def program(folder, name, text=""):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


@pytest.fixture
def bare_path(tmp_path, monkeypatch):
    """A PATH with nothing but what the test puts there, and an environment folder with a complete stamp."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    setup.write_stamp(tmp_path, state="complete", dev=True, key="k")
    return programs


def test_missing_tools_are_one_line_each_and_no_failure(bare_path, tmp_path, capsys):
    setup._tools(tmp_path)  # no apt-get here
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == ["Missing: chromium", "Missing: bubblewrap"]
    assert all("needed by" in line and "install" in line for line in lines)


def test_where_it_may_apt_installs_them(bare_path, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    make = "; ".join(
        f"echo '#!/bin/sh' > {bare_path}/{name}; /bin/chmod +x {bare_path}/{name}" for name in ("bwrap", "chromium")
    )
    program(
        bare_path,
        "apt-get",
        f'echo "$@" >> {tmp_path}/calls; [ -e {tmp_path}/listed ] && {{ {make}; exit 0; }}\n'
        f'[ "$1" = update ] && : > {tmp_path}/listed; exit 100',
    )
    setup._tools(tmp_path)
    assert capsys.readouterr().out == "Installing chromium and bubblewrap with apt-get ...\n"
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [call.split()[0] for call in calls] == ["install", "update", "install"]  # fresh images have no lists
    assert calls[0].endswith("--no-install-recommends chromium bubblewrap")
    setup._tools(tmp_path)
    assert capsys.readouterr().out == ""


def test_a_failed_apt_is_not_tried_at_every_start(bare_path, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    program(bare_path, "apt-get", f"echo called >> {tmp_path}/calls; exit 100")
    setup._tools(tmp_path)
    calls = (tmp_path / "calls").read_text()
    assert capsys.readouterr().out.count("Missing: ") == 2
    setup._tools(tmp_path)
    assert (tmp_path / "calls").read_text() == calls
    assert capsys.readouterr().out.count("Missing: ") == 2
    assert setup.read_stamp(tmp_path)["state"] == "complete"


def test_no_root_no_sudo_no_apt(bare_path, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    program(bare_path, "apt-get")
    assert setup._apt_get() is None
    program(bare_path, "sudo", "exit 1")  # asks for a password
    assert setup._apt_get() is None
    program(bare_path, "sudo", "exit 0")
    assert setup._apt_get()[-1].endswith("apt-get")
