"""`release/`: what students get, written by nbgrader from the source notebooks, committed, never edited."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .build import build, keep, notebook_path, write
from .text import chosen_units, unit_names
from .unit import ROOT, UnitError

MEND = "python -m course_author release"
PATIENCE_S = 300  # nbgrader takes about 3 s for a unit


def generate(unit: str, root=ROOT) -> None:
    """Run `nbgrader generate_assignment` for one unit in the course at `root`.

    Raises
    ------
    UnitError
        With nbgrader's own words, if it refuses. `release/<unit>` is then as it was.
    """
    root = Path(root)
    folder = root / "release" / unit
    before = contents(folder)
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", unit, "--force", "--create", *_UNTRIED]
    try:
        with tempfile.TemporaryDirectory() as empty:
            own = environment(Path(empty))
            done = subprocess.run(
                command, cwd=root, env=own, capture_output=True, text=True, timeout=PATIENCE_S, check=False
            )
    except BaseException as error:  # a time-out or Ctrl+C: nbgrader may have removed the old release already
        restore(folder, before)
        if isinstance(error, subprocess.TimeoutExpired):
            raise UnitError(
                f"nbgrader took over {PATIENCE_S} s to release {unit}: run it again when less runs beside."
            ) from None
        raise
    if done.returncode != 0 or not (folder / f"{unit}.ipynb").is_file():
        restore(folder, before)
        raise UnitError(f"nbgrader could not release {unit}: {_reason(done.stderr + done.stdout)}")


_UNTRIED = ["--GenerateAssignment.exporter_class=nbconvert.exporters.NotebookExporter"]  # see `try_own_answers`


def try_own_answers(units: list[str], root=ROOT) -> str:
    """Have the judge grade the own answers of released units, all with one engine; returns a remark, or "".

    Raises
    ------
    UnitError
        A test or a setup cell does not do what it should; the message names it.
    """
    from course_grader.contracts import BadUnit, CannotStart
    from course_grader.course import plan
    from course_grader.engine import pool, worker
    from course_grader.grading import own_answers

    course = plan.settings(root)
    try:
        for unit in units:
            own_answers.check_released(course, unit, pool.Local(1, stay=True))
    except BadUnit as error:
        raise UnitError(str(error)) from None
    except CannotStart as error:  # a machine that cannot grade may well release
        return f"The judge cannot try the own answers here: {error}"
    finally:
        worker.close()
    return ""


def environment(scratch: Path) -> dict:
    """The environment for Jupyter's programs: this course's code, and nobody's personal settings.

    scratch: an empty folder that stands for the user's configuration and data
    """
    python_path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    own = {name: str(scratch / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])  # nbgrader calls alembic
    return os.environ | own | {"PYTHONPATH": python_path, "PATH": programs}


def _reason(log: str) -> str:
    """The line of a log that says why: the exception's, else the last error's."""
    lines = [line.strip() for line in log.split("\n") if line.strip()]
    raised = [line for line in lines if re.match(r"[\w.]*(Error|Exception|Exit)\b.*: ", line)]
    errors = [line for line in lines if "ERROR" in line]
    return (raised or errors or lines or ["it said nothing"])[-1]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below `folder` (its path within the folder -> its bytes)."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and ".ipynb_checkpoints" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def restore(folder: Path, files: dict[str, bytes]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in files.items():
        write(folder / name, content)


def release(unit: str, root=ROOT) -> bool:
    """Build and release one unit; True if the release changed. What it replaces stays in kept/ (git-ignored)."""
    build(unit, root)
    folder = Path(root) / "release" / unit
    before = contents(folder)
    generate(unit, root)
    after = contents(folder)
    for name, content in before.items():
        if after.get(name) != content:
            keep(root, folder / name, content)
    return before != after


def expected(root=ROOT, units=None) -> dict[str, tuple[bytes, dict[str, bytes]]]:
    """What each unit's notebook and release folder should hold, made in a copy of the course; `root` is not touched."""
    made = {}
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch)
        shutil.copytree(Path(root) / "source", copy / "source", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        shutil.copy(Path(root) / "nbgrader_config.py", copy)
        for unit in unit_names(root) if units is None else units:
            build(unit, copy)
            generate(unit, copy)
            made[unit] = notebook_path(unit, copy).read_bytes(), contents(copy / "release" / unit)
    return made


def faults(due: dict, root=ROOT) -> list[str]:
    """One sentence for each notebook and release folder of the course that is not as `expected` says."""
    root = Path(root)
    known = unit_names(root)
    found = [
        f"release/{folder.name} belongs to no unit: delete it, or write source/{folder.name}.py."
        for folder in sorted((root / "release").glob("*/"))
        if folder.name not in known
    ]
    for unit, (notebook, files) in due.items():
        if contents(root / "source" / unit).get(f"{unit}.ipynb") != notebook:
            found.append(f"source/{unit}/{unit}.ipynb is not what source/{unit}.py gives: run `{MEND} {unit}`.")
        there = contents(root / "release" / unit)
        wrong = sorted(name for name in there.keys() | files.keys() if there.get(name) != files.get(name))
        if wrong:
            what = f"is out of date or was edited by hand ({', '.join(wrong)})" if there else "is missing"
            found.append(f"release/{unit} {what}: change source/{unit}.py, never release/, and run `{MEND} {unit}`.")
    return found


def add_arguments(parser):
    parser.add_argument("units", nargs="*", metavar="UNIT", help="default: all")
    parser.add_argument("--check", action="store_true", help="only say whether release/ is what the text gives")


def main(argv) -> int:
    """`python -m course_author release`."""
    parser = argparse.ArgumentParser(prog="course_author release", description=__doc__)
    add_arguments(parser)
    args = parser.parse_args(argv)
    units = chosen_units(args.units)
    if args.check:
        found = faults(expected(units=units))
        print("\n".join(found) or "release/ is what the text gives")
        return 1 if found else 0
    for unit in units:
        print(f"{unit}: {'released' if release(unit) else 'up to date'}", flush=True)
    print(try_own_answers(units) or "the own answers get full points", flush=True)
    return 0
