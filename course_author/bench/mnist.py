"""Accuracy and training time of chapter 5's networks: `make bench-mnist` runs the chapter's code over several seeds.

A benchmark, not a test: figures for this machine, CPU seconds beside those of the clock. On MNIST the goals are 98.0 %
and 60 s for the MLP, 99.2 % and 150 s for the CNN on two cores (10 s each on CUDA); on the embedded digits 95 %. A few
steps before the clock runs take what a process pays once: on CUDA seconds, for loading the libraries' kernels.

`make cuda-check` runs it too, on machines that have little but torch: it reads the built notebook, without jupytext.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import json
import os
import statistics
import time

from ..proof.cells import code_cells
from ..units.unit import ROOT, UnitError

UNIT = "05_mnist_project"
GOALS = {"mnist": {"MLP": 0.980, "CNN": 0.992}, "digits": {"MLP": 0.95, "CNN": 0.95}}
SECONDS = {"cpu": {"MLP": 60, "CNN": 150}, "cuda": {"MLP": 10, "CNN": 10}}
DATA = ("raw", "train_images", "pixel_mean", "prepared", "train_set", "val_set")  # what prepares the images


def chapter(root=ROOT) -> dict:
    """The namespace of chapter 5 with its data and its functions, nothing trained.

    Setup cells run whole; of the example cells, definitions of functions and classes, and the statements that make what
    `DATA` names.
    """
    space = {"__name__": "__main__"}
    for cell in code_cells(root / "source" / UNIT / f"{UNIT}.ipynb"):
        options = cell.metadata.get("nbgrader", {})
        if options.get("grade") or options.get("solution"):
            continue
        setup = options.get("locked")
        body = [node for node in ast.parse(cell.source).body if setup or _wanted(node)]
        exec(compile(ast.Module(body, []), f"<{UNIT}>", "exec"), space)
    return space


def _wanted(node) -> bool:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return True
    names = {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
    return isinstance(node, ast.Assign) and bool(names & set(DATA))


def networks(space) -> dict:
    """Name -> how the chapter makes and trains it: a function, and what `fit` is told."""
    nets, samples = space["nets"], len(space["train_images"])
    return {
        "MLP": (space["MLP"], {"epochs": nets.epochs(8, samples), "lr": 3e-3}),
        "CNN": (space["make_cnn"], {"epochs": nets.epochs(5, samples), "lr": 5e-3, "augment": nets.shifted}),
    }


def warm_up(space):
    """Train each network for two steps, so that no run is the first of its process."""
    for make, options in networks(space).values():
        few = tuple(part[:256] for part in space["train_set"])
        space["fit"](make().to(space["device"]), few, **options | {"epochs": 1})


def one_run(space, name, seed) -> dict:
    """Train one network from a seed; accuracy on the test images, and seconds."""
    torch, device = space["torch"], space["device"]
    make, options = networks(space)[name]
    torch.manual_seed(seed)
    model = make().to(device)
    wall, cpu = time.perf_counter(), time.process_time()
    space["fit"](model, space["train_set"], seed=seed, **options)
    if device.type == "cuda":
        torch.cuda.synchronize()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    images, labels, _ = space["test"]
    answers = space["logits_of"](model, space["prepared"](images)).argmax(dim=1).cpu().numpy()
    return {"accuracy": float((answers == labels).mean()), "wall_s": wall, "cpu_s": cpu}


def measure(seeds: int, root=ROOT, save=lambda result: None) -> dict:
    """All runs, with mean and standard deviation of each figure, and whether the goals are met.

    save: is given the result as far as it goes, after each run
    """
    with contextlib.redirect_stdout(io.StringIO()) as said:
        space = chapter(root)
    space["test"] = space["data"].mnist("test")
    source, device = space["source"], space["device"].type
    if source == "digits":
        print(said.getvalue().strip())
    result = {"source": source, "device": device, "threads": space["torch"].get_num_threads(), "seeds": seeds}
    warm_up(space)
    for name in GOALS[source]:
        runs = []
        for seed in range(seeds):
            runs.append(one_run(space, name, seed))
            print(f"{name}, seed {seed}: " + _figures(runs[-1]), flush=True)
            result[name] = _summary(runs, GOALS[source][name], SECONDS.get(device, {}).get(name, 0))
            save(result)
    return result


def _summary(runs, accuracy, seconds) -> dict:
    """Mean and standard deviation of each figure of the runs, and whether the goals are met."""
    figures = {key: [run[key] for run in runs] for key in runs[0]}
    summary = {key: [statistics.mean(values), statistics.pstdev(values)] for key, values in figures.items()}
    met = {"accuracy_met": summary["accuracy"][0] >= accuracy, "seconds_met": summary["wall_s"][0] <= seconds}
    return summary | {"runs": len(runs)} | met


def _figures(run) -> str:
    return f"{run['accuracy']:.2%} of the test images right, {run['wall_s']:.1f} s, {run['cpu_s']:.1f} s of CPU time"


def table(result) -> str:
    """The figures, for people."""
    lines = [f"{result['source']} on {result['device']}, {result['threads']} threads, {result['seeds']} seeds"]
    for name in GOALS[result["source"]]:
        (accuracy, spread), (wall, _), (cpu, _) = (result[name][key] for key in ("accuracy", "wall_s", "cpu_s"))
        goal = "met" if result[name]["accuracy_met"] else f"NOT met ({GOALS[result['source']][name]:.1%} asked)"
        lines.append(f"{name}: {accuracy:.2%} (± {spread:.2%}), goal {goal}; {wall:.1f} s, CPU time {cpu:.1f} s")
    return "\n".join(lines)


def add_arguments(parser):
    parser.add_argument("--seeds", type=int, default=5, help="runs of each network (default 5)")


def main(argv) -> int:
    """`python -m course_author bench-mnist`; 1 if an accuracy stays below its goal. Times are told, not judged."""
    parser = argparse.ArgumentParser(prog="course_author bench-mnist", description=__doc__.split("\n")[0])
    add_arguments(parser)
    seeds = parser.parse_args(argv).seeds
    if seeds < 1:
        raise UnitError(f"--seeds must be 1 or more, not {seeds}.")
    local = os.environ.get("COURSE_MNIST_DIR", "")
    beside = ROOT.parent / "shared" / "data" / "mnist"
    if not local and beside.is_dir():  # as in .ci/run: the real files, where they lie beside the project
        os.environ["COURSE_MNIST_DIR"] = str(beside)
    result = measure(seeds)
    print(table(result))
    print(json.dumps(result))
    return 0 if all(result[name]["accuracy_met"] for name in GOALS[result["source"]]) else 1
