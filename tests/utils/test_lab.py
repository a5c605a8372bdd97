"""The four commands, as processes: what they print, what they return, and a real JupyterLab."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from course_utils import handin, lab, workbook

ROOT = Path(__file__).resolve().parents[2]
UNIT = "00_start_here"


@pytest.fixture
def course(tmp_path):
    folder = tmp_path / "my course" / "release" / UNIT
    folder.mkdir(parents=True)
    notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / f"{UNIT}.ipynb").write_text(json.dumps(notebook))
    return tmp_path / "my course"


def run(*arguments, **more):
    command = [sys.executable, "-m", "course_utils.lab", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **more}, capture_output=True, text=True, timeout=60)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def fetch(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.geturl(), answer.read()


def wait_for(url, server, patience_s=90):
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline and server.poll() is None:
        try:
            return fetch(url)
        except (OSError, urllib.error.URLError):
            time.sleep(0.2)
    raise AssertionError(f"no answer from {url}, status {server.poll()}:\n{server.stdout.read()}")


# ---- a real JupyterLab


def test_lab_serves_the_workbook_and_ends_with_ctrl_c(course, tmp_path):
    """Start it as a student does (without the browser), look at what it serves, end it by SIGINT to its process."""
    port = free_port()
    # A server of its own: neither the settings nor the running servers of whoever runs the tests.
    folders = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    command = [sys.executable, "-m", "course_utils.lab", "--here", "--no-browser", "--port", str(port)]
    command += ["--course", str(course), "--", "--IdentityProvider.token=t0ken"]
    ours, terminal = os.openpty()  # a terminal, in which Jupyter would ask before it ends
    server = subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=terminal,
        env={**os.environ, **folders, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        base = f"http://127.0.0.1:{port}"
        _, status = wait_for(f"{base}/api/status?token=t0ken", server)
        assert "started" in json.loads(status)
        final, page = fetch(f"{base}/?token=t0ken")  # what the browser would open
        assert final.split("?")[0] == f"{base}/lab/tree/{UNIT}/{UNIT}.ipynb"
        assert b"JupyterLab" in page
        _, listing = fetch(f"{base}/api/contents/?token=t0ken")
        assert [one["name"] for one in json.loads(listing)["content"]] == [UNIT]

        again = run("lab", "--port", port, "--course", course)
        assert (again.returncode, again.stdout) == (1, "")
        assert again.stderr == (
            f"Port {port} cannot be used (it is in use): name another one, or leave out --port and Jupyter takes the"
            " next free one.\n"
        )
        os.killpg(server.pid, signal.SIGINT)  # what Ctrl+C in a terminal sends
        said, _ = server.communicate(timeout=30)
        assert server.returncode == 0, said
        assert said.startswith("workbook/: 1 new file handed out.\n")
        assert said.endswith("JupyterLab has ended. Your work is in workbook/.\n")
        assert "Traceback" not in said
        assert "Shut down this Jupyter server" not in said  # a question that times out
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
        os.close(ours)
        os.close(terminal)


def test_who_ends_lab_ends_the_server_with_it(tmp_path):
    """SIGTERM to the process alone, as a supervisor sends it; a sleeping program stands in for the server."""
    code = (
        "import sys; from pathlib import Path; from course_utils import lab\n"
        "child = 'import os, time; print(os.getpid(), flush=True); time.sleep(60)'\n"
        "lab.run_setup = lambda _: lab.serve([sys.executable, '-c', child], Path('.'))\n"
        "sys.exit(lab.main(['setup']))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGTERM)
    assert parent.wait(20) == 0
    parent.stdout.close()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_server_that_fails_is_one_sentence(course):
    with pytest.raises(lab.CourseError, match="^JupyterLab ended with status 3: its last lines above say why"):
        lab.serve([sys.executable, "-c", "raise SystemExit(3)"], course)


# ---- command lines


def arguments(*argv):
    return lab.parse(list(argv))


def test_no_command_means_lab_and_the_rest_goes_to_jupyter(course):
    read = arguments("--no-browser", "--", "--port", "7")
    assert (read.run, read.no_browser, read.port, read.jupyter) == (lab.run_lab, True, None, ["--port", "7"])
    assert lab.server_command("python", course, read)[-2:] == ["--port", "7"]
    assert arguments().run is lab.run_lab


def test_the_first_page(course):
    def page(*argv):
        command = lab.server_command("python", course, arguments(*argv))
        return next(part.split("=")[1] for part in command if part.startswith("--LabApp.default_url"))

    assert page() == "/lab"
    (course / "workbook" / UNIT).mkdir(parents=True)
    (course / "workbook" / UNIT / f"{UNIT}.ipynb").write_text("{}")
    assert page() == f"/lab/tree/{UNIT}/{UNIT}.ipynb"
    assert page("--formgrader") == "/formgrader"


def test_a_port_is_fixed_only_if_it_was_asked_for(course):
    assert not [part for part in lab.server_command("python", course, arguments()) if "ServerApp.port" in part]
    fixed = lab.server_command("python", course, arguments("--port", "8899"))
    assert "--ServerApp.port=8899" in fixed and "--ServerApp.port_retries=0" in fixed


def test_port_problem():
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert lab.port_problem(server.getsockname()[1]) == "it is in use"
    assert lab.port_problem(free_port()) is None


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_a_port_that_is_none(port):
    done = run("lab", f"--port={port}")
    assert done.returncode == 2 and "a port is a number from 1 to 65535" in done.stderr


def test_submit_and_collect_as_commands(course):
    done = run("submit", UNIT, "--student", "anna", "--course", course)
    assert done.returncode == 1 and done.stderr.startswith(
        f"workbook/{UNIT}/{UNIT}.ipynb does not exist: start the cou"
    )
    (course / "workbook" / UNIT).mkdir(parents=True)
    (course / "workbook" / UNIT / f"{UNIT}.ipynb").write_bytes(
        (course / "release" / UNIT / f"{UNIT}.ipynb").read_bytes()
    )
    done = run("submit", UNIT, "--student", "anna", "--course", course)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Written and checked, for student anna: workbook/outbox/00_start_here--anna--" in done.stdout
    (course / "workbook" / "outbox" / "other.zip").write_text("holiday pictures")
    done = run("collect", "--course", course)
    assert (done.returncode, done.stderr) == (1, "")  # one could not be taken ...
    assert "other.zip is not a readable zip" in done.stdout
    assert (course / "submitted" / "anna" / UNIT / f"{UNIT}.ipynb").is_file()  # ... the other was
    (course / "workbook" / "outbox" / "other.zip").unlink()
    assert run("collect", "--course", course).returncode == 0


def test_commands_say_what_they_miss(tmp_path):
    assert run("submit").stderr.startswith("Say which unit to hand in")
    assert run("collect", "--course", tmp_path / "no").stderr.startswith("There is no folder")
    assert "only the command lab takes it" in run("setup", "--", "x").stderr


def test_words_that_a_terminal_cannot_show_do_not_stop_it():
    code = "from course_utils.environment_setup import say; say('unit \u00e9cole')"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}  # as in a bare container
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, check=True)
    assert done.stdout.split() == [b"unit", b"?cole"]


# ---- the program `course`

COURSE = Path(sys.executable).with_name("course")  # what the set-up installs


def run_program(folder, *arguments, **more):
    surroundings = {name: value for name, value in os.environ.items() if name != "COURSE_STUDENT"}
    command = [COURSE, *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=folder,
        env=surroundings | more,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_course_alone_lists_its_commands(tmp_path):
    alone, asked = run_program(tmp_path), run_program(tmp_path, "--help")
    assert alone.returncode == 0 and alone.stdout == asked.stdout
    assert alone.stdout.startswith("usage: course [-h] ")
    listed = re.findall(r"^ {4}([a-z]+) ", alone.stdout, re.MULTILINE)
    assert listed == ["lab", "setup", "submit", "collect"] == list(lab.COMMANDS)
    assert run_program(tmp_path, "submit", "--nothing").stderr.startswith("usage: course [-h] ")


@pytest.mark.parametrize("place", ["", "workbook", f"workbook/{UNIT}", f"release/{UNIT}"])
def test_course_submit_from_every_folder_of_a_course(course, place):
    """It works in the course around it, not in the one that it was installed from."""
    workbook.update(course)
    done = run_program(course / place, "submit", "00", "--student", "anna")
    assert (done.returncode, done.stderr) == (0, "")
    (zip_path,) = (course / "workbook" / "outbox").iterdir()
    assert f"workbook/outbox/{zip_path.name}" in done.stdout and "folder is" not in done.stdout
    collected = run_program(course / place, "collect")
    assert collected.stdout.startswith(f"anna  {UNIT}") and (course / "submitted" / "anna").is_dir()


def test_outside_of_a_course_it_works_in_the_one_it_came_from(course, tmp_path):
    there = ROOT / "release"
    assert run_program(tmp_path, "submit", "no").stderr.endswith(f"(units here: {', '.join(units(there))}).\n")
    assert run_program(course, "submit", "no").stderr.endswith(f"(units here: {UNIT}).\n")
    workbook.update(course)
    done = run_program(tmp_path, "submit", "00", "--course", course, "--student", "anna")
    assert done.stdout.endswith(f"The course's folder is {course.resolve()}.\n")  # else nobody finds the zip


def units(release):
    return sorted(path.parent.name for path in release.glob("*/*.ipynb"))


def test_a_package_without_a_course_says_where_to_go(tmp_path):
    """As the wheel installs it on Colab: course_utils alone."""
    shutil.copytree(ROOT / "course_utils", tmp_path / "site" / "course_utils")
    for command in (["submit", "01"], ["collect"], ["lab"]):
        done = run_program(tmp_path, *command, PYTHONPATH=str(tmp_path / "site"))
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(
            f"There is no course in {tmp_path.resolve()} or above it: go to the course's folder"
        )


def test_a_folder_that_was_deleted_under_the_terminal(tmp_path):
    code = f"import os, sys; os.rmdir(os.getcwd()); sys.path.insert(0, {str(ROOT)!r})\n"
    code += "from course_utils import lab; print(lab.find_course(lab._here()))"
    (tmp_path / "gone").mkdir()
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "gone", capture_output=True, text=True)
    assert done.stdout == f"{ROOT}\n"


# ---- the question for the id


def at_the_keyboard(course, typed):
    """`course submit 00` at a terminal into which somebody types; an empty text is Ctrl+C once it has asked."""
    ours, terminal = os.openpty()
    surroundings = {name: value for name, value in os.environ.items() if name != "COURSE_STUDENT"}
    started = subprocess.Popen(
        [COURSE, "submit", "00"], cwd=course, env=surroundings | {"PYTHONUNBUFFERED": "1"}, stdin=terminal,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        if typed:
            os.write(ours, typed)
        else:
            assert started.stdout.read(7) == "Your st"
            time.sleep(0.5)  # until it waits for a key: nobody is quicker, but this test would be
            started.send_signal(signal.SIGINT)
        said, complained = started.communicate(timeout=60)
    finally:
        os.close(ours)
        os.close(terminal)
    return started.returncode, said, complained


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_first_submit_asks_for_the_id_and_remembers_it(course):
    workbook.update(course)
    status, said, complained = at_the_keyboard(course, b"a b\n\n  anna \n")
    assert (status, complained) == (0, "")
    assert said.count(handin.QUESTION) == 3 and said.count("That cannot be one: an id has 1 to 64 letters") == 2
    assert "The id anna is remembered" in said and "for student anna: " in said
    status, said, _ = at_the_keyboard(course, b"never read\n")
    assert status == 0 and handin.QUESTION not in said and "for student anna: " in said


@pytest.mark.parametrize(
    ("typed", "status", "says"),
    [
        (b"\x04", 1, "No student id was given, and nothing was written: submit again, or give yours with --student ID"),
        (b"-\n-\n-\nanna\n", 1, "No student id was given, and nothing was written"),
        (b"", 130, "Interrupted: run the same command again"),
    ],
    ids=["end of file", "three bad ones", "Ctrl+C"],
)
def test_no_id_no_zip(course, typed, status, says):
    workbook.update(course)
    before = files(course)
    returned, _, complained = at_the_keyboard(course, typed)
    assert returned == status and complained.strip().startswith(says) and "Traceback" not in complained
    assert files(course) == before


def test_a_script_must_name_the_student(course):
    workbook.update(course)
    before = files(course)
    done = run_program(course, "submit", "00")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Whose work is it? No student id was given, and nothing was written: give yours with")
    assert files(course) == before
    assert "for student bob: " in run_program(course, "submit", "00", COURSE_STUDENT="bob").stdout


# ---- the Makefile


def make(*arguments):
    """Run make as from a terminal: under `make test` its parent's flags would make it announce each folder."""
    outer = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(["make", *arguments], cwd=ROOT, env=outer, capture_output=True, text=True, timeout=60)


STUDENT_TARGETS = {"lab", "setup", "submit", "collect"}
AUTHOR_TARGETS = {
    "source",
    "release",
    "wheel",
    "text",
    "stats",
    "answers",
    "mutants",
    "demo",
    "nbval",
    "test",
    "full",
    "attacks",
}
TARGETS = (
    STUDENT_TARGETS
    | AUTHOR_TARGETS
    | {"help", "formgrader", "cuda-pack", "cuda-check", "bench", "bench-mnist", "bench-one", "lint", "clean"}
)


def test_make_alone_lists_every_target_in_one_line():
    done = make()
    listed = [line.split()[1] for line in done.stdout.splitlines()]
    assert set(listed) == TARGETS and len(listed) == len(TARGETS)
    assert all(line.startswith("  make ") and len(line) <= 120 for line in done.stdout.splitlines())


def test_no_recipe_calls_make():
    """Not even for a sub-target: `make -n`, which the tests below use, runs such lines instead of printing them."""
    assert "$(MAKE)" not in (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize("target", sorted(TARGETS - {"help"}))
def test_each_target_is_one_line_of_work(target):
    """`make -n` prints what would run: the target's own line, after the set-up for those that need it."""
    done = make("-n", target, "PYTHON=python3", "UNIT=01_basic_concepts")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.replace("\\\n", "").splitlines()
    if target in STUDENT_TARGETS | {"clean"}:
        assert len(lines) == 1
        assert target == "clean" or lines[0].startswith(f"python3 -m course_utils.lab {target}")
    elif target == "cuda-check":  # for machines without the environment: no set-up
        assert [line.split() for line in lines] == [["python3", "-m", "course_author", "cuda-check"]]
    elif target in ("test", "full"):  # one line, which also takes the time of its set-up
        assert len(lines) == 1
        assert re.search("python3 -m course_utils.lab setup --dev && .* -m course_author test", lines[0])
    else:
        assert len(lines) == 2 and lines[0] == "python3 -m course_utils.lab setup --dev"


def test_make_passes_words_on():
    assert "submit 01 --student anna" in make("-n", "submit", "UNIT=01", "STUDENT=anna").stdout
    assert "collect a b.zip" in make("-n", "collect", "FROM=a b.zip").stdout
    assert "nbval --device cuda" in make("-n", "nbval", "DEVICE=cuda").stdout
    assert "cuda-check --device cpu --seeds 1" in make("-n", "cuda-check", "DEVICE=cpu", "SEEDS=1").stdout.replace(
        "\\\n\t", ""
    )
    assert "--formgrader --course demo" in make("-n", "formgrader", "COURSE=demo").stdout
    assert 'elsewhere/bin/python" -m course_author test' in make("-n", "test", "COURSE_VENV=elsewhere").stdout
