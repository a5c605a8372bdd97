"""The course on real CUDA, on a bare machine: `make cuda-check`, at most 8 minutes, one line of JSON.

It needs Python with torch, numpy and matplotlib, this repository's files and the folder that `make cuda-pack` made
elsewhere; no network and no environment of the course. Three parts: the cells of every solved notebook, the behaviours
of the stand-in device beside those of CUDA, and chapter 5's networks trained on MNIST. Each has a time limit, each runs
in processes of its own, and what was done until then is told in any case. Progress goes to stderr.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

from course_utils.environment_setup import MINIMUM_PYTHON

from ..proof.cells import EndedError, run_notebook
from ..units.text import chosen_units
from ..units.unit import ROOT, UnitError
from . import library as cuda_library
from . import pack as cuda_pack

MINUTES, SEEDS = 8.0, 3
SHARES = {"notebooks": 0.5, "standin": 0.2}  # of the time; the training gets what is left
CLOSING_S = 5  # kept for ending processes and for the report
LEAST_S = 5  # a part that would have less is not begun
AT_ONCE = 4  # notebooks side by side, where there are cores for them


def say(words):
    print(words, file=sys.stderr, flush=True)


# --- what must be there ----------------------------------------------------------------------------------------------


def refuse(device):
    """Raise a UnitError if this machine cannot be checked, with what to do."""
    if sys.version_info[:2] < MINIMUM_PYTHON:
        wanted = ".".join(map(str, MINIMUM_PYTHON))
        raise UnitError(
            f"Python {platform.python_version()} is too old: call make with PYTHON=python{wanted} or newer."
        )
    missing = [name for name in cuda_pack.BARE if importlib.util.find_spec(name) is None]
    if missing:
        raise UnitError(
            f"{', '.join(missing)} cannot be imported by {sys.executable}: call make with PYTHON=… of one that can."
        )
    if device == "cuda" and not _torch().cuda.is_available():
        raise UnitError(
            "This machine has no CUDA that torch can use: run the check on one that has, or try it with DEVICE=cpu."
        )


def _torch():
    import torch

    return torch


def lay_out(pack, folder):
    """Unpack the wheels and write the packages in place of scikit-learn and SciPy: a folder for the path."""
    folder.mkdir()
    for wheel in sorted((Path(pack) / "wheels").glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
    cuda_library.write_packages(folder)


def surroundings(pack, site, device, images, scratch) -> dict[str, str]:
    """The environment of all processes of the check, beside what is there."""
    home = {"MPLCONFIGDIR": str(scratch / "matplotlib"), "COURSE_CACHE_DIR": str(scratch / "cache")}
    path = os.pathsep.join([str(ROOT), str(site)])
    recorded = {cuda_library.FILE: str(Path(pack).resolve() / cuda_pack.RECORDED)}
    return cuda_pack.surroundings(pack, images) | home | recorded | {"COURSE_DEVICE": device, "PYTHONPATH": path}


# --- the three parts -------------------------------------------------------------------------------------------------


def run_notebooks(units, environment, seconds, root=ROOT) -> dict:
    """The cells of the solved notebooks: for each unit the cells run, the failures and the seconds."""
    until, cores = time.monotonic() + seconds, os.cpu_count() or 1
    at_once = max(1, min(AT_ONCE, cores // 2, len(units)))
    environment = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(max(1, cores // at_once)))} | environment

    def run(unit):
        found = _run_notebook(root / "source" / unit / f"{unit}.ipynb", environment, until)
        failed = f", {len(found['failures'])} failed" if found["failures"] else ""
        say(f"{unit}: {found['cells']} of {found['of']} cells run{failed}, {found['seconds']} s")
        return found

    with ThreadPoolExecutor(at_once) as pool:
        return dict(zip(units, pool.map(run, units), strict=True))


def _run_notebook(path, environment, until) -> dict:
    start, ended = time.monotonic(), []
    try:
        if until - start < LEAST_S:
            raise EndedError("no time was left for this notebook")
        report = run_notebook(path, environment, timeout=until - start)
    except EndedError as error:
        report = error.report
        ended = [{"cell": -1, "error": type(error).__name__, "message": str(error)}]
    failures = [asdict(failure) for failure in report.failures] if report else []
    cells, of = (report.cells, report.total) if report else (0, 0)
    return {"cells": cells, "of": of, "failures": failures + ended, "seconds": round(time.monotonic() - start, 1)}


def compare_standin(environment, seconds) -> dict:
    """Each behaviour on the stand-in and on CUDA: how many come out alike, which do not, and which fail on both."""
    until, outcomes = time.monotonic() + seconds, {}
    for name in ("standin", "cuda"):
        done = _finish([str(ROOT / "tests" / "helpers" / "standin_behaviours.py"), name], environment, until)
        if done is None or done.returncode:
            why = "it took too long" if done is None else f"the process ended with code {done.returncode}"
            return {"error": f"the behaviours could not be run on {name}: {why}"}
        outcomes[name] = json.loads(done.stdout.splitlines()[-1])
    return compared(**outcomes)


def compared(standin, cuda) -> dict:
    """Two outcomes, a traceback or None for each behaviour, beside each other."""
    agree, differ, fail = 0, {}, {}
    for name, outcome in standin.items():
        lines = {"standin": _last_line(outcome), "cuda": _last_line(cuda[name])}
        if outcome and cuda[name]:
            fail[name] = lines
        elif outcome or cuda[name]:
            differ[name] = lines
        else:
            agree += 1
    say(f"stand-in and CUDA: {agree} behaviours hold on both, {len(differ)} differ, {len(fail)} fail on both")
    return {"agree": agree, "differ": differ, "fail_on_both": fail}


def _last_line(traceback):
    return traceback.strip().split("\n")[-1] if traceback else "holds"


def train(environment, seeds, seconds, scratch) -> dict:
    """Chapter 5's networks over several seeds, as `make bench-mnist` measures them; what was done when time ran out."""
    report = scratch / "mnist.json"
    whole = environment | {"COURSE_FAST": environment["COURSE_FAST"].removesuffix("1")}  # all epochs
    done = _finish(["-m", "course_author.cuda.check", str(seeds), str(report)], whole, time.monotonic() + seconds)
    result = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
    if done is None:
        result["error"] = f"the training was ended after {seconds:.1f} s"
    elif done.returncode:
        result.setdefault("error", f"the training ended with code {done.returncode}")
    return result


def train_here(seeds, report) -> int:
    """The training itself, in a process of its own; the report is written anew after each run."""
    from ..bench.mnist import measure

    result = {}

    def save(found):
        result.update(found)
        target = Path(report)
        target.with_suffix(".new").write_text(json.dumps(result), encoding="utf-8")
        target.with_suffix(".new").replace(target)  # whole, whenever the process may be ended

    try:
        with contextlib.redirect_stdout(sys.stderr):
            measure(int(seeds), save=save)
    except Exception as error:  # whatever it is belongs into the report
        save({"error": f"{type(error).__name__}: {error}"})
        return 1
    return 0


def _finish(arguments, environment, until):
    """Run Python with these arguments until it ends; None if it had to be ended."""
    try:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            timeout=max(0.1, until - time.monotonic()),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None


# --- the whole -------------------------------------------------------------------------------------------------------


def check(pack, units, device="cuda", seeds=SEEDS, minutes=MINUTES) -> dict:
    """Everything, within the given minutes; `ok` says whether all of it was run and is as it should be."""
    start = time.monotonic()
    until = start + 60 * minutes - CLOSING_S
    refuse(device)
    manifest = cuda_pack.read(pack, units)
    result = {"machine": describe(device), "images": manifest["images"]}
    with tempfile.TemporaryDirectory(prefix="cuda-check-") as scratch:
        scratch = Path(scratch)
        lay_out(pack, scratch / "site")
        environment = surroundings(pack, scratch / "site", device, manifest["images"], scratch)
        result["notebooks"] = run_notebooks(units, environment, 60 * minutes * SHARES["notebooks"])
        result["standin"] = "skipped: no CUDA"
        if device == "cuda":
            seconds = min(60 * minutes * SHARES["standin"], until - time.monotonic())
            result["standin"] = compare_standin(environment, seconds)
        result["mnist"] = train(environment, seeds, until - time.monotonic(), scratch)
    result["seconds"] = round(time.monotonic() - start, 1)
    result["ok"] = is_ok(result, device, seeds)
    return result


def describe(device) -> dict:
    """What was checked on: the device, and the versions of what the machine brings."""
    name = _torch().cuda.get_device_name() if device == "cuda" else platform.processor() or platform.machine()
    versions = {name: metadata.version(name) for name in cuda_pack.BARE}
    more = {"cuda": _torch().version.cuda} if device == "cuda" else {}
    return (
        {"device": device, "name": name, "cores": os.cpu_count(), "python": platform.python_version()} | versions | more
    )


def is_ok(result, device, seeds) -> bool:
    """All cells run and none failed; stand-in and CUDA agree; all runs of both networks reach their goals."""
    notebooks = all(
        found["cells"] == found["of"] > 0 and not found["failures"] for found in result["notebooks"].values()
    )
    standin = device != "cuda" or (result["standin"].get("differ"), result["standin"].get("fail_on_both")) == ({}, {})
    nets = [result["mnist"].get(name, {"runs": 0}) for name in ("MLP", "CNN")]
    trained = all(net["runs"] == seeds and net["accuracy_met"] for net in nets)
    in_time = device != "cuda" or all(net.get("seconds_met") for net in nets)  # the goals in seconds are CUDA's
    return notebooks and standin and trained and in_time


def add_arguments(parser):
    parser.add_argument("units", nargs="*", help="solved notebooks to run (default: all)")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu: to try the check itself")
    parser.add_argument("--pack", default=cuda_pack.FOLDER, help=f"what cuda-pack made (default {cuda_pack.FOLDER}/)")
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"runs of each network (default {SEEDS})")
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"when to end (default {MINUTES:g})")


def main(argv) -> int:
    """`python -m course_author cuda-check`; the last line is the result as JSON, and 0 means that all is well."""
    parser = argparse.ArgumentParser(prog="course_author cuda-check", description=__doc__.split("\n")[0])
    add_arguments(parser)
    args = parser.parse_args(argv)
    if args.seeds < 1 or args.minutes <= 0:
        raise UnitError("--seeds must be 1 or more, and --minutes more than 0.")
    result = check(args.pack, chosen_units(args.units), args.device, args.seeds, args.minutes)
    print(json.dumps(result))
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(train_here(*sys.argv[1:]))
