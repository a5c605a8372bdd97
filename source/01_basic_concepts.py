# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Chapter 1: Basic Concepts and History

# %% nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "setup"}
import numpy as np
import torch
from torch import nn

from course_utils import check, data, plot, widgets

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "softmax-task"}
# ### Exercise 1.3 - Softmax with temperature (5 points, 15 minutes, core)
#
# Turn scores into probabilities along one axis:
#
# $$ p_c = \frac{e^{z_c/T}}{\sum_{k} e^{z_k/T}} $$
#
# `z` has shape (..., C), and C may lie along any `axis`; the result has the shape of `z`. $T$ is `temperature`.
# For `z = [2, 1, 0.1]` and $T = 1$ the answer is about `[0.659, 0.242, 0.099]`.
#
# It must stay right for scores in the thousands: subtracting the same number from all scores of one row changes nothing, so subtract that row's largest.
# A temperature of 0 or less has no meaning: raise a `ValueError`. Do not change `z` itself.

# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "softmax"}
def softmax(z, temperature=1.0, axis=-1):
    """Turn scores into probabilities along one axis.

    z: (..., C) int or float; axis: the one that holds the C scores
    returns: float64 of the shape of z, sums to 1 along axis
    raises: ValueError if temperature <= 0
    """
    ### BEGIN SOLUTION
    if temperature <= 0:
        raise ValueError(f"temperature must be positive, got {temperature}")
    scaled = np.asarray(z, dtype=float) / temperature
    powers = np.exp(scaled - scaled.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)
    ### END SOLUTION

# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 1, "grade_id": "softmax-check"}
scores = np.array([[2.0, 1.0, 0.1], [0.0, 3.0, 1.0]])
p = softmax(scores)
check.close(p[0], [0.6590011, 0.2424330, 0.0985659], atol=1e-6, what="softmax([2, 1, 0.1])")
check.close(p.sum(axis=1), [1.0, 1.0], what="the sum of each row")
check.close(softmax(scores + 5.0), p, what="softmax(scores + 5)", hints={})
check.that(softmax(scores, temperature=5.0)[0, 0] < p[0, 0], "temperature 5 must give flatter probabilities than temperature 1.")
check.passed("softmax")

# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 4, "grade_id": "softmax-hidden"}
# Tested with huge scores, rows of very different size, one to three dimensions, any axis, whole numbers, ties, and temperatures from 0.001 to 100.
### BEGIN HIDDEN TESTS
def reference_softmax(z, temperature, axis):
    z = np.moveaxis(np.asarray(z, dtype=float), axis, -1)
    gaps = (z[..., None, :] - z[..., :, None]) / temperature
    return np.moveaxis(1.0 / np.exp(np.minimum(gaps, 700.0)).sum(axis=-1), -1, axis)


rng = np.random.default_rng(103)
for size, ax, t in [((4,), -1, 1.0), ((5, 3), 1, 2.5), ((4, 4), 0, 0.4), ((4, 4), -1, 3.0), ((2, 5, 3), 1, 100.0)]:
    z = 3.0 * rng.normal(size=size)
    check.hidden.close(softmax(z, temperature=t, axis=ax), reference_softmax(z, t, ax), what=f"softmax along axis {ax} of an array of shape {size}")
### END HIDDEN TESTS
