"""A course of one unit with one exercise, for tests that must not depend on what a chapter says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from course_author.units.unit import ROOT

TINY_UNIT = '''\
# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A unit for tests
#
# It needs nothing but NumPy.

# %% nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "setup"}
import numpy as np

# %% [markdown]
# ### Example 7.1 - A sum

# %%
total = np.array([1.0, 2.0]).sum()
assert total == 3.0

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "double-task"}
# ### Exercise 7.1 - Double and halve (4 points, 3 minutes, core)
#
# Return twice `x`, and half of it.

# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "double"}
def double(x):
    """Return twice x.

    x: (N,) float
    """
    ### BEGIN SOLUTION
    secret_factor = 2.0
    return secret_factor * x
    ### END SOLUTION


def halve(x):
    ### BEGIN SOLUTION
    return x / double(np.ones_like(x))
    ### END SOLUTION

# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 1, "grade_id": "double-check"}
assert double(np.array([1.0]))[0] == 2.0, "double([1]) should be [2]"

# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 3, "grade_id": "double-hidden"}
# Tested with negative numbers and zero.
### BEGIN HIDDEN TESTS
hidden_values = np.array([-1.5, 0.0, 7.25])
assert np.array_equal(double(hidden_values), hidden_values + hidden_values)
assert np.array_equal(double(halve(hidden_values)), hidden_values)
### END HIDDEN TESTS

# %% [markdown]
# ### What to keep
#
# Doubling undoes halving.
'''  # noqa: E501


def make_course(root: Path) -> Path:
    """Write the course to an empty folder."""
    (root / "source").mkdir()
    (root / "source" / "07_tiny.py").write_text(TINY_UNIT, encoding="utf-8")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    return root


def run_python(*arguments, cwd=ROOT, timeout=300, **environment):
    """Run this interpreter; returns the finished process with its text."""
    surroundings = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd, env=surroundings, capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip
