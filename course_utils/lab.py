"""The course's commands: `course [lab|setup|submit|collect]`, or `python -m course_utils.lab [...]`.

Runs with any Python, before anything is installed: standard library only. `make lab` and its sisters call this file;
the program `course` is put on the PATH by the set-up, and JupyterLab's terminals find it.
"""

from __future__ import annotations

import argparse
import errno
import importlib.util
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

from course_utils import environment_setup, handin, inbox, workbook
from course_utils.environment_setup import CourseError, say

ROOT = Path(__file__).resolve().parents[1]
FIRST_PAGE = "00_start_here/00_start_here.ipynb"  # in the workbook
COMMANDS = ("lab", "setup", "submit", "collect")


def course():
    """The program `course`: the same commands, and alone the list of them."""
    return main(sys.argv[1:] or ["--help"], "course")


def main(argv=None, program="python -m course_utils.lab"):
    """Run one command and return its exit status; every foreseen failure is one sentence on stderr."""
    problem = environment_setup.python_problem()
    if problem:
        print(problem, file=sys.stderr)
        return 1
    arguments = parse(sys.argv[1:] if argv is None else list(argv), program)
    signal.signal(signal.SIGTERM, _interrupt)  # whoever ends this process ends the server or pip with it
    try:
        return arguments.run(arguments)
    except CourseError as error:
        sys.stdout.flush()
        print(error, file=sys.stderr)
        return 1
    except OSError as error:  # the net under what no command foresaw: a full disk, a folder of somebody else's
        print(
            f"{error.filename or 'A file'}: {error.strerror or error}. Mend that, then run it again.", file=sys.stderr
        )
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted: run the same command again, it goes on where it stopped.", file=sys.stderr)
        return 130


def parse(argv, program=None):
    """Read the command line; what stands after `--` goes to Jupyter as it is, and no command means lab."""
    argv, rest = (argv[: argv.index("--")], argv[argv.index("--") + 1 :]) if "--" in argv else (argv, [])
    if not argv or (argv[0].startswith("-") and argv[0] not in ("-h", "--help")):
        argv = ["lab", *argv]
    parser = _parser(program)
    arguments = parser.parse_args(argv)
    if rest and arguments.run is not run_lab:
        parser.error("what stands after -- goes to Jupyter, so only the command lab takes it")
    arguments.jupyter = rest
    return arguments


def _parser(program):
    parser = argparse.ArgumentParser(prog=program, description="The course's commands.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="{lab,setup,submit,collect}")

    lab = commands.add_parser("lab", help="set up, then open JupyterLab on your workbook")
    lab.add_argument("--no-browser", action="store_true", help="start the server, print its address, open nothing")
    lab.add_argument("--port", type=_port, help="port of the server (default: 8888, or the next free one)")
    lab.add_argument("--here", action="store_true", help="use the Python that runs this (conda) instead of .venv")
    lab.add_argument("--formgrader", action="store_true", help="open nbgrader's formgrader (for instructors)")
    _add_course(lab)
    lab.set_defaults(run=run_lab)

    setup = commands.add_parser("setup", help="make the environment .venv, or bring it up to date")
    setup.add_argument("--dev", action="store_true", help="also what the tests and authors need")
    setup.set_defaults(run=run_setup)

    submit = commands.add_parser("submit", help="pack one unit of your workbook for handing in")
    submit.add_argument("unit", nargs="?", help="the unit's name, or its beginning: 01_basic_concepts, 01")
    submit.add_argument("--student", help="your student id (asked for the first time, then remembered)")
    _add_course(submit)
    submit.set_defaults(run=run_submit)

    collect = commands.add_parser("collect", help="sort handed-in zips into submitted/ (for instructors)")
    collect.add_argument("sources", nargs="*", metavar="FOLDER_OR_ZIP", help="default: workbook/outbox/ and inbox/")
    _add_course(collect)
    collect.set_defaults(run=run_collect)
    return parser


def _add_course(command):
    command.add_argument("--course", type=Path, help="course folder to work in (default: the one around this folder)")


def _port(text):
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, not {text!r}")
    return int(text)


# ---- the commands


def run_setup(arguments):
    """Build or complete the environment."""
    environment_setup.set_up(ROOT, dev=arguments.dev)
    return 0


def run_submit(arguments):
    """Write one zip to workbook/outbox/ and say what is unanswered; 0 all the same, for half an answer may be sent."""
    course = _course(arguments)
    lines = handin.submit(course, arguments.unit, arguments.student)
    if course not in (_here(), *_here().parents):
        lines.append(f"The course's folder is {course}.")
    for line in lines:
        say(line)
    return 0


def run_collect(arguments):
    """Sort zips into submitted/; 1 if one of them could not be taken."""
    lines, problems = inbox.collect(_course(arguments), arguments.sources)
    for line in lines + problems:
        say(line)
    return 1 if problems else 0


def run_lab(arguments):
    """Set up, update the workbook and serve JupyterLab until Ctrl+C."""
    course = _course(arguments)
    problem = port_problem(arguments.port) if arguments.port else None
    if problem:
        raise CourseError(
            f"Port {arguments.port} cannot be used ({problem}): name another one, or leave out --port and Jupyter takes"
            " the next free one."
        )
    python = _this_python() if arguments.here else environment_setup.set_up(ROOT)
    if not arguments.formgrader:
        for line in workbook.update(course):
            say(line)
    return serve(server_command(python, course, arguments), course)


def _course(arguments):
    if arguments.course is None:
        return find_course(_here())
    course = arguments.course.resolve()
    if not course.is_dir():
        raise CourseError(f"There is no folder {arguments.course}: name the folder that holds the course's release/.")
    return course


def find_course(here, home=ROOT):
    """The nearest folder around `here` that holds a course, else the one that this program was installed from."""
    found = next((folder for folder in (here, *here.parents) if workbook.released_units(folder)), None)
    if not found and not (home / "pyproject.toml").is_file():  # the wheel, as on Colab: it holds no course
        raise CourseError(
            f"There is no course in {here} or above it: go to the course's folder (cd FOLDER), or name it (--course"
            " FOLDER)."
        )
    return found or home


def _here():
    try:
        return Path.cwd()
    except OSError:  # a folder that was deleted under an open terminal
        return ROOT


def _this_python():
    missing = [name for name in ("jupyterlab", "nbgrader", "torch") if importlib.util.find_spec(name) is None]
    if missing:
        raise CourseError(
            f"{' and '.join(missing)} not found in {sys.executable}: activate the conda environment (conda activate"
            " deep-learning-fundamentals), or leave out --here."
        )
    return Path(sys.executable)


# ---- the server


def server_command(python, course, arguments):
    """Command line of JupyterLab: the whole course for instructors, for students their workbook and nothing else."""
    root, page = (course, "/formgrader") if arguments.formgrader else (course / "workbook", "/lab")
    if not arguments.formgrader and (root / FIRST_PAGE).is_file():
        page = "/lab/tree/" + quote(FIRST_PAGE)
    command = [str(python), "-m", "jupyterlab", f"--ServerApp.root_dir={root}", f"--LabApp.default_url={page}"]
    command.append("--ServerApp.answer_yes=True")  # one Ctrl+C ends it, without a question that times out
    # Formgrader shows gradebook.db and what was graded, wherever the root is; instructors' stays in this course.
    off, here = "nbgrader.server_extensions.formgrader=False", "course_grader.formgrader.one_course=True"
    command.append(f"--ServerApp.jpserver_extensions={here if arguments.formgrader else off}")
    if os.name == "posix":  # without a terminal of its own Jupyter asks for a login shell, which may reset our PATH
        shell = os.environ.get("SHELL") or shutil.which("sh")
        command.append(f"--ServerApp.terminado_settings=shell_command={shlex.quote(shell)}")
    if arguments.no_browser:
        command.append("--no-browser")
    if arguments.port:
        command += [f"--ServerApp.port={arguments.port}", "--ServerApp.port_retries=0"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # in a container root is the only user; it listens on this machine only
    return command + arguments.jupyter


def port_problem(port):
    """Why no server can listen on this port of this machine, or None if one can."""
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                if os.name == "posix":  # else a port closed a minute ago counts as taken; Windows would share it
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address, port))
        except OSError as error:
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):  # a machine without IPv6 is fine
                return "it is in use" if error.errno == errno.EADDRINUSE else error.strerror
    return None


def serve(command, course):
    """Run the server until it ends; Ctrl+C and SIGTERM end it, which is success.

    It works in the course folder, where nbgrader looks for its settings, whatever folder it serves.
    """
    # nbgrader starts programs of its environment (alembic) by name, a notebook's `!pip` should mean this one, and a
    # terminal's `course` too
    programs = Path(command[0]).parent
    folders = [programs, programs / "Scripts"] if os.name == "nt" else [programs]  # conda's programs on Windows
    path = os.pathsep.join([*map(str, folders), os.environ.get("PATH", "")])
    server = subprocess.Popen(command, cwd=str(course), env={**os.environ, "PATH": path})
    try:
        status = server.wait()
    except KeyboardInterrupt:
        _end(server)
        say("JupyterLab has ended. Your work is in workbook/.")
        return 0
    if status != 0:
        raise CourseError(f"JupyterLab ended with status {status}: its last lines above say why; then start it again.")
    return 0


def _interrupt(_signal, _frame):
    raise KeyboardInterrupt


def _end(server):
    """Give the server, which a terminal's Ctrl+C reaches too, time to stop its kernels; then insist."""
    for ask, patience_s in ((None, 3), (server.terminate, 15), (server.kill, 5)):
        try:
            if ask:
                ask()
            server.wait(patience_s)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            continue
        return


if __name__ == "__main__":
    sys.exit(main())
