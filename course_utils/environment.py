"""Is everything in place? One line for each thing the course needs, and the cure for each that is missing."""

import sys
from importlib import import_module, metadata

from course_utils import device
from course_utils.environment_setup import MINIMUM_PYTHON

# What notebooks import, by its name on the package index, and what it is for.
NEEDED = {
    "numpy": ("numpy", "arrays"),
    "torch": ("torch", "networks and automatic slopes"),
    "matplotlib": ("matplotlib", "figures"),
    "ipywidgets": ("ipywidgets", "sliders and menus"),
    "scikit-learn": ("sklearn", "small data sets and baselines"),
    "nbgrader": ("nbgrader", "the Validate button and grading"),
}
CURE = "close JupyterLab and run `make lab` in the folder of the course (on Windows `py -m course_utils.lab`)"


def report(needed=NEEDED, python=None):
    """Print what is in place, what is not, and how to mend it.

    Parameters
    ----------
    needed : dict
        For each distribution, the module to import and what it is for.
    python : tuple of int, optional
        The Python version to judge; the running one if not given.

    Returns
    -------
    list of str
        What is missing or broken; empty if all is well.
    """
    python = tuple(python or sys.version_info)[:3]
    problems = []
    shown = ".".join(map(str, python))
    if python[:2] < MINIMUM_PYTHON:
        problems.append(f"Python {shown} is too old: install Python 3.11 or newer, then {CURE}.")
    else:
        print(f"ok       Python {shown}")
    for name, (module, purpose) in needed.items():
        try:
            import_module(module)
            print(f"ok       {name} {metadata.version(name)}: {purpose}")
        except Exception as error:  # missing, or built for another version: packages then raise all kinds of errors
            problems.append(f"{name} ({purpose}) cannot be imported ({error}): {CURE}.")
    problems += _device_problem()
    for problem in problems:
        print(f"TO MEND  {problem}")
    print("Everything is in place." if not problems else "Mend these lines from the top, then run this cell again.")
    return problems


def _device_problem():
    """Print the device that networks will run on; return what stands in the way of it."""
    try:
        chosen = device()
    except RuntimeError as error:  # COURSE_DEVICE names a device that is not here; the sentence says what to do
        return [str(error)]
    except Exception:
        return []  # torch itself is broken: said already
    speed = "" if chosen.type != "cpu" else " (enough for the whole course)"
    print(f"ok       networks run on: {chosen}{speed}")
    return []
