"""Which released function or class would pass an exercise's hidden tests? `python released_solutions.py COURSE` says.

Runs in a process of its own, in a scratch folder, without network. It executes every code cell of each release notebook
in order, collects what they define, adds the public functions and classes of course_utils, and puts each in place of
each name that an exercise of any unit asks for, since all units are handed out at once; the exercise's other names stay
the reference solution.
Prints one JSON line per finding, and a last line with counts.
"""

import ast
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import traceback
import types
from pathlib import Path

import nbformat
import numpy as np

from course_author.units.text import load_unit, unit_names
from course_author.units.unit import ROOT

SECONDS = 5.0  # of CPU time for one candidate: the course's cap for one odd answer
PATIENCE = 60.0  # by the clock, for one that sleeps, or loops where no timer is heard
NUMERIC = {"numpy", "torch", "sklearn", "scipy"}


class OutOfTime(BaseException):
    """Raised by the timer; no `except Exception` in a test swallows it."""


def code(source, name):
    """Compile a cell as far as plain Python goes."""
    lines = ["" if line.startswith(("%", "!")) else line for line in source.split("\n")]
    return compile("\n".join(lines), name, "exec")


def released(unit, root, say):
    """(label, object) of every callable that the released cells of a unit define, the cells run in their order."""
    from IPython.display import display

    notebook = nbformat.read(root / "release" / unit / f"{unit}.ipynb", as_version=4)
    space = {"__name__": f"released_{unit}", "display": display}
    found = {}
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        try:
            exec(code(cell.source, f"<{unit}, cell {number}>"), space)
        except Exception as error:  # stubs raise, and so does what a stub feeds
            if "NotImplementedError" not in repr(error):
                say(error=f"cell {number} of release/{unit} does not run: {error!r}"[:300])
        for name, value in list(space.items()):
            for label, thing in callables(name, value, space):
                found.setdefault(id(thing), (f"{label} (release/{unit}, cell {number})", thing))
    return list(found.values())


def callables(name, value, space):
    """What `value` offers to call, if a cell made it: a function, an object, a class and its methods."""
    if isinstance(value, types.FunctionType):
        if value.__globals__ is space:
            yield name, value
    elif isinstance(value, type):
        if value.__module__ == space["__name__"]:
            yield name, value
            yield from methods(name, value)
    elif callable(value) and not name.startswith("_") and not of_a_library(value):
        yield name, value  # a partial, a vectorized function, a module of layers


def of_a_library(value):
    """Is it a compiled function that a library offers? A reader has those anyway; a cell can only import them."""
    if isinstance(value, np.ufunc):  # np.frompyfunc makes one of a cell's own function, too
        return any(getattr(module, value.__name__, None) is value for module in (np, sys.modules.get("scipy.special")))
    return isinstance(value, types.BuiltinFunctionType)


def methods(name, kind):
    for attribute, value in vars(kind).items():
        function = getattr(value, "__func__", value)
        if isinstance(function, types.FunctionType) and not attribute.startswith("__"):
            yield f"{name}.{attribute}", function


def tools():
    """(label, object) of the public functions and classes of the course_utils modules that compute.

    Those that import nothing numeric are the student's commands: called by chance, they would start programs.
    """
    package = importlib.import_module("course_utils")
    below = [module.name for module in pkgutil.walk_packages(package.__path__, "course_utils.")]
    modules = [importlib.import_module(name) for name in ["course_utils", *below]]
    found = {module.__name__: imports(Path(module.__file__).read_text(encoding="utf-8")) for module in modules}
    for module in modules:
        module_name = module.__name__
        own = ".".join(module_name.split(".")[:2])  # of a folder, all files belong together
        if not any(used & NUMERIC for name, used in found.items() if name == own or name.startswith(f"{own}.")):
            continue
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", None) != module_name or not callable(value):
                continue
            yield f"{module_name}.{name}", value
            if isinstance(value, type):
                yield from methods(f"{module_name}.{name}", value)


def imports(source):
    """First names of all modules that a source imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def passes(before, answer, hidden, name, candidate):
    """Do the hidden tests accept the reference solution with `name` replaced?"""
    space = dict(before)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)  # CPU time: a busy machine changes no verdict
    try:
        exec(answer, space)
        if name is not None:
            space[name] = candidate
        exec(hidden, space)
        return True
    except (Exception, OutOfTime, SystemExit):
        return False
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def solved_by(before, answer, hidden, name, candidates):
    """Labels of the candidates that pass for `name`.

    Tried in a forked child, so that none spoils what comes after. One that hangs or ends the child solves nothing; a
    new child goes on after it.
    """
    labels, at = [], 0
    while at < len(candidates):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            for label, candidate in candidates[at:]:
                solved = passes(before, answer, hidden, name, candidate)
                os.write(write, (json.dumps([label, solved]) + "\n").encode())
            os._exit(0)
        os.close(write)
        rest = b""
        while select.select([read], [], [], PATIENCE)[0] and (block := os.read(read, 65536)):
            *lines, rest = (rest + block).split(b"\n")
            at += len(lines)
            labels += [label for label, solved in map(json.loads, lines) if solved]
        os.close(read)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        at += at < len(candidates)  # the one that it died of
    return labels


def quiet():
    """Nothing that a candidate does may reach the network, wait for an answer or mix with the report."""

    def refuse(*_, **__):
        raise OSError("no network while candidates are tried")

    def stop(number, frame):
        raise OutOfTime

    socket.socket.connect = socket.create_connection = refuse
    signal.signal(signal.SIGPROF, stop)
    sys.stdin.close()
    report = os.fdopen(os.dup(1), "w")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    return report


def main(root, report):
    def say(**finding):
        print(json.dumps(finding), file=report, flush=True)

    names, tried = unit_names(root), 0
    known = list(tools())
    for name in names:
        known += released(name, root, say)
    for unit in (load_unit(name, root) for name in names):
        before = {"__name__": "__main__"}
        for source in unit.setup:
            exec(code(source, "<setup>"), before)
        for exercise in unit.exercises:
            answer, hidden = code(exercise.answer, "<answer>"), code(exercise.hidden, "<hidden>")
            if not passes(before, answer, hidden, None, None):
                say(error=f"the reference solution of {exercise.label} fails its hidden tests")
            for wanted in exercise.names:
                tried += len(known)
                for label in solved_by(before, answer, hidden, wanted, known):
                    say(exercise=exercise.number, name=wanted, solved_by=label)
            exec(answer, before)
    say(candidates=[label for label, _ in known], tried=tried)


if __name__ == "__main__":
    errors, report = os.dup(2), quiet()
    try:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT, report)
    except BaseException:
        os.write(errors, traceback.format_exc().encode())
        os._exit(1)
