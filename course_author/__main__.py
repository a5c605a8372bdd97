"""The table of commands: `python -m course_author COMMAND …`."""

import importlib
import sys

COMMANDS = {  # command: (module, function that takes its arguments, what it does)
    "build": ("units.build", "main", "text -> notebook, for all units or those named"),
    "text": ("units.build", "main_text", "notebook -> text, for who edited a unit in JupyterLab"),
    "release": ("units.release", "main", "build, then let nbgrader write what students get (--check: only compare)"),
    "wheel": ("ship.wheel", "main", "the wheel with course_utils for students without this repository, into dist/"),
    "stats": ("units.reading_time", "main", "reading minutes per unit and route, and cell lengths"),
    "answers": ("proof.answers", "main", "right and wrong answers against the tests"),
    "mutants": ("proof.mutant_results", "main", "mechanical mutants of the solutions against the tests"),
    "demo": ("proof.demo", "main", "a small class, graded end to end"),
    "attacks": (
        "attacks.command",
        "main",
        "the attack submissions against our grader (--stock: against plain nbgrader, too)",
    ),
    "bench": (
        "bench.throughput",
        "main",
        "submissions a minute, ours and plain nbgrader's, on a class for each chapter",
    ),
    "bench-mnist": ("bench.mnist", "main", "accuracy and training time of chapter 5's networks over several seeds"),
    "bench-one": ("bench.one", "main", "seconds from submission to verdict, against plain nbgrader"),
    "cuda-pack": ("cuda.pack", "main", "what cuda-check needs on a bare machine, into a folder"),
    "cuda-check": (
        "cuda.check",
        "main",
        "every notebook, the stand-in and MNIST on CUDA, with torch, numpy, matplotlib alone",
    ),
    "test": ("proof.session", "main", "all tests and all notebooks, with minutes per part (--full: the long ones too)"),
    "nbval": ("proof.session", "main_nbval", "run every notebook on a device (--device cpu|cuda)"),
}


def main(argv: list[str]) -> int:
    """Run one command; an author's fault ends in its one sentence and exit status 1."""
    if not argv or argv[0] not in COMMANDS:
        lines = [f"  {name:11}{text}" for name, (_, _, text) in COMMANDS.items()]
        print("usage: python -m course_author COMMAND …", *lines, sep="\n")
        return 0 if argv[:1] in ([], ["--help"], ["-h"]) else 2
    from .units.unit import UnitError

    module, function, _ = COMMANDS[argv[0]]
    try:  # imported here, so that one command's missing package does not stop the others
        return getattr(importlib.import_module(f"course_author.{module}"), function)(argv[1:])
    except UnitError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
