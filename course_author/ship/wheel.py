"""The course's wheel for students: course_utils alone, to be installed on Colab or any machine without this repository.

Instructors install the repository itself (`pip install -e .`), with the grader and the authors' tools. Students need
neither, and the program `course-grader` would not even start where nbgrader is missing: both stay out.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from course_grader.cli.bundle import PACKAGE, students_project

from ..units.unit import ROOT, UnitError

LICENSES = ("LICENSE", "LICENSE-TEXT")


def build_wheel(folder, root=ROOT) -> Path:
    """Build the students' wheel of the course at `root` into `folder`, without a network.

    It is built from a copy: in place, setuptools would also pack modules that an earlier build left in build/.

    Returns
    -------
    Path
        The wheel; one of the same version is replaced.

    Raises
    ------
    UnitError
        With pip's last line, if it cannot be built.
    """
    with tempfile.TemporaryDirectory() as scratch:
        copy, made = Path(scratch) / "course", Path(scratch) / "made"
        shutil.copytree(Path(root) / PACKAGE, copy / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
        for name in LICENSES:
            shutil.copy(Path(root) / name, copy)
        project = students_project((Path(root) / "pyproject.toml").read_text(encoding="utf-8"))
        (copy / "pyproject.toml").write_text(project, encoding="utf-8")
        command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", ".", "--wheel-dir", made]
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UnitError(f"The wheel could not be built: {done.stderr.strip().splitlines()[-1]}")
        (wheel,) = made.iterdir()
        Path(folder).mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(wheel, folder))


def main(argv) -> int:
    """`python -m course_author wheel`."""
    argparse.ArgumentParser(prog="course_author wheel", description=__doc__).parse_args(argv)
    print(build_wheel(ROOT / "dist"))
    return 0
