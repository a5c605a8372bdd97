"""Run the tests and the notebooks: one pytest session, in the interpreter that runs this."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from ..units.build import notebook_path
from ..units.release import environment
from ..units.text import unit_names
from ..units.unit import ROOT, UnitError

NBVAL = ("--nbval-lax", "--nbval-current-env", "--nbval-kernel-startup-timeout=120", "--nbval-cell-timeout=300")
# One notebook is one kernel, so all its cells go to one worker; so does each test file, for its fixtures' sake.
WORKERS = ("-n", "2", "--dist", "loadscope")


def notebooks(root=ROOT) -> list[str]:
    """Every source and release notebook, seen from the course root; one that is missing is a `UnitError`."""
    paths = []
    for unit in unit_names(root):
        for path in (notebook_path(unit, root), Path(root) / "release" / unit / f"{unit}.ipynb"):
            if not path.is_file():
                raise UnitError(f"{path.relative_to(root)} is missing: run `python -m course_author release {unit}`.")
            paths.append(path.relative_to(root).as_posix())
    return paths


def pytest(arguments, extra_environment=None) -> int:
    """Run pytest in the course root; its exit status, or 1 if it was killed."""
    with tempfile.TemporaryDirectory(prefix="course-test-") as scratch:
        surroundings = environment(Path(scratch)) | (extra_environment or {})
        surroundings.pop("MPLBACKEND", None)  # notebooks pick it, as they do in JupyterLab
        # Workers that share the cores must not each start a thread on every one: torch's threads wait by spinning.
        surroundings.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 2) // 2)))
        command = [sys.executable, "-m", "pytest", *arguments]
        status = subprocess.run(command, cwd=ROOT, env=surroundings, check=False).returncode
    return status if status >= 0 else 1


def add_arguments(parser):
    parser.add_argument("--full", action="store_true", help="also the tests marked full, which take long")
    parser.add_argument("pytest_arguments", nargs="*", help="handed on to pytest (after --)")


def main(argv) -> int:
    """`python -m course_author test`."""
    parser = argparse.ArgumentParser(prog="course_author test", description=__doc__)
    add_arguments(parser)
    args = parser.parse_args(argv)
    print("All tests, and every notebook with and without its solutions", flush=True)
    full = ["--full"] if args.full else []
    released = [path for path in notebooks() if path.startswith("release/")]  # the solved ones: test_routes.py
    return pytest(["tests", *released, *NBVAL, *WORKERS, "--durations=20", *full, *args.pytest_arguments])


def add_nbval_arguments(parser):
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where tensors live (COURSE_DEVICE)")


def main_nbval(argv) -> int:
    """`python -m course_author nbval`: without CUDA, `--device cuda` fails; a skip would look like a pass."""
    parser = argparse.ArgumentParser(prog="course_author nbval", description="Run every notebook on one device.")
    add_nbval_arguments(parser)
    device = parser.parse_args(argv).device
    if device == "cuda" and not _has_cuda():
        print(
            "This machine has no CUDA that torch can use: run this on one that has, or use --device cpu.",
            file=sys.stderr,
        )
        return 1
    print(f"Every notebook on {device}", flush=True)
    return pytest([*notebooks(), *NBVAL, *WORKERS], {"COURSE_DEVICE": device})


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()
