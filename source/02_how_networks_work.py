# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Chapter 2: How Neural Networks Work
#
# In Chapter 1 you ran networks forward: samples in, scores out. This chapter takes that computation apart until no piece of it is a mystery, and adds the one number that all learning follows: the *loss*.
#
# **What you will be able to do**
#
# - Write a dense layer and a whole network, with the shapes and the bookkeeping that learning will need.
# - Say what weights and biases do to a decision line, and spot the shape mistakes that raise no error.
# - Measure how wrong a network is: MSE, Huber loss and cross-entropy, safely from logits.
# - Choose initial weights so that a signal survives many layers.
# - Build a computational graph, and put its nodes in an order in which they can be computed.
#
# You need Chapter 1 and no more. As always, example cells are yours to change.

# %% [markdown]
# The sections build on each other like this:
#
# ```mermaid
# %%{init: {"themeVariables": {"lineColor": "#888888"}}}%%
# flowchart LR
#     accTitle: The ideas of chapter 2
#     accDescr: Layers are chained to a network; a loss says how wrong it is, initial weights say where it starts, and a graph records how every number was computed.
#     A["a layer:<br>shapes"] --> B["layers in a row:<br>a network"]
#     B --> C["a loss:<br>how wrong?"]
#     B --> D["initial weights:<br>where to start?"]
#     B --> E["the graph:<br>what depends on what?"]
# ```
#
# *The same in words: layers are chained to a network → a loss says how wrong it is, initial weights say where to start, and the computational graph says which number depends on which. At the end, PyTorch gives the same numbers.*

# %% nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "setup"}
import graphlib
import time

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import expit  # the sigmoid, safe for any z
from torch import nn

import course_utils
from course_utils import check, plot, widgets

# %% [markdown]
# ## 2.1 From one neuron to a layer
#
# A neuron multiplies its inputs by its weights, adds up the products and adds its bias: $z = \mathbf{x} \cdot \mathbf{w} + b$, with $\mathbf{x}$ and $\mathbf{w}$ of shape (D,). A layer of M neurons does this M times, and a batch of N samples makes it N times M such sums:
#
# $$ Z = X W + \mathbf{b}, \qquad Z_{nm} = \sum_{d=1}^{D} X_{nd} W_{dm} + b_m . $$
#
# `X` has shape (N, D), `W` (D, M) with one column per neuron, `b` (M,) and `Z` (N, M). The inner lengths D must agree and disappear; the outer ones stay. Because each input is connected to each neuron, the layer is called **fully connected** or **dense**.

# %% [markdown]
# ### Example 2.1 - The same sums, three ways
#
# We compute a layer with 50 inputs and 30 neurons for 200 samples: by nested loops in Python, by one dot product per neuron and sample, and by one product of matrices. The numbers must agree. Which factor in time do you expect between the first and the last?

# %%
rng = np.random.default_rng(21)
X, W, b = rng.normal(size=(200, 50)), rng.normal(size=(50, 30)), rng.normal(size=30)


def by_loops():
    return [[sum(x[d] * W[d, m] for d in range(50)) + b[m] for m in range(30)] for x in X]


def by_dot_products():
    return [[np.dot(x, W[:, m]) + b[m] for m in range(30)] for x in X]


# %%
results, seconds = {}, {}
ways = {"loops": by_loops, "dot products": by_dot_products, "matrix product": lambda: X @ W + b}
for name, way in ways.items():
    results[name] = np.array(way())  # the first call may have something to set up, so it is not timed
    start = time.perf_counter()
    way()
    seconds[name] = time.perf_counter() - start
    print(f"{name:14} {1e3 * seconds[name]:8.2f} ms")
print(
    f"the matrix product was {seconds['loops'] / seconds['matrix product']:,.0f} times faster than the loops"
)
assert np.allclose(results["loops"], results["matrix product"])
assert np.allclose(results["dot products"], results["matrix product"])

# %% [markdown]
# The factor depends on the machine. The reason does not: Python looks up names and types for each of the 300,000 products, while `@` hands the whole job to compiled code.

# %% [markdown]
# ### Example 2.2 - Six traps that raise no error
#
# NumPy stretches shapes to make them fit: an axis of length 1 is repeated, and a missing axis is added *in front*. This is convenient for `X @ W + b`, where `b` of shape (M,) is added to every row. It also hides mistakes. None of the six lines below gives what its author meant, and none complains.

# %%
target, column = np.array([1.0, 2.0, 3.0]), np.array([[1.0], [2.0], [3.0]])  # (N,) and (N, 1)
error = column - target
print(
    "1. (N, 1) minus (N,) is",
    error.shape,
    "with mean square",
    (error**2).mean().round(2),
    "instead of 0",
)
assert error.shape == (3, 3) and (error**2).mean() > 1

square = np.array([[1.0, 2.0], [3.0, 6.0]])
print("2. rows over their sums:", (square / square.sum(axis=1))[0], "- but right is", square[0] / 3)
assert np.allclose(square / square.sum(axis=1, keepdims=True), [[1 / 3, 2 / 3], [1 / 3, 2 / 3]])

print("3. the transpose of a vector is the same vector:", target.T.shape)
assert target.T.shape == target.shape and target[:, None].shape == (3, 1)

# %% [markdown]
# In the first trap, each prediction was compared with each target. In the second, `sum(axis=1)` has shape (2,), and NumPy adds the missing axis in front, so the *columns* are divided. `keepdims=True` keeps the shape (2, 1). For the third, `target[:, None]` makes a column of shape (3, 1).
#
# Shape mistakes hide best when lengths happen to be equal. So try your code on shapes that are all different, and look at values, not only at shapes. The last two traps are about memory and type: a part of an array is a **view**, which shares the array's memory.

# %%
print("4. `*` is not `@`:", (square * square)[0], "and", (square @ square)[0])
assert not np.allclose(square * square, square @ square)

part = square[0]
part += 10
print("5. after part += 10, square begins with", square[0])
assert square[0, 0] == 11

whole = np.array([1, 2, 3])
whole[0] = 0.9
print("6. an integer array cuts decimals off:", whole)
assert whole[0] == 0

# %% [markdown]
# ### Example 2.3 - Weights turn the line, the bias shifts it
#
# The points with $\mathbf{w} \cdot \mathbf{x} + b = 0$ form the neuron's decision line. The vector $\mathbf{w}$ stands at a right angle to it and points to the positive side. The distance of the line from the origin is $|b| / \lVert \mathbf{w} \rVert$, where $\lVert \mathbf{w} \rVert$ is the length of $\mathbf{w}$.
# So what happens to the line if you multiply $\mathbf{w}$ and $b$ by the same positive number?

# %%
widgets.neuron()

# %% [markdown]
# The line stays, but the sigmoid gets steeper: a long weight vector makes a neuron that is sure of itself a short way from its line. The distance and the steepness, checked:

# %%
w, b0 = np.array([3.0, 4.0]), -10.0
foot = -b0 * w / (w @ w)  # the point of the line that is nearest to the origin
print("distance of the line from the origin:", np.linalg.norm(foot))
for factor in (1, 5):
    z = factor * (w @ (foot + 0.2 * w / 5) + b0)  # w has length 5, so this is 0.2 away from the line
    print(f"weights times {factor}: sigmoid(z) = {expit(z):.3f} at a distance of 0.2 from the line")
assert np.isclose(w @ foot + b0, 0) and np.isclose(np.linalg.norm(foot), abs(b0) / 5)

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "dense-forward-task"}
# ### Exercise 2.1 - Dense layer forward (4 points, 15 minutes, core)
#
# Compute $Z = XW + \mathbf{b}$. `X` has shape (N, D), `W` (D, M) and `b` (M,); each may hold float64 or float32, all three the same, and `Z` (N, M) has that dtype, too.
#
# Learning will need the inputs of the layer again, so return a pair: `Z` and the **cache**, the tuple `(X, W)` (the arrays themselves; copies are not needed).
#
# If `X` has other than D columns, raise a `ValueError` whose text contains both shapes, as Python prints them, for instance `(2, 3)` and `(4, 5)`.
#
# For `X = [[1, 2]]`, `W = [[1, 0, 2], [3, 1, -1]]`, `b = [10, 20, 30]`, `Z` is `[[17, 22, 30]]`. Change none of the inputs.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "dense-forward"}
def dense_forward(X, W, b):
    """Weighted sums of a dense layer.

    X: (N, D), W: (D, M), b: (M,), all float64 or all float32
    returns: Z (N, M) of that dtype, cache (X, W)
    raises: ValueError with both shapes if X and W do not fit
    """
    ### BEGIN SOLUTION
    if X.shape[1] != W.shape[0]:
        raise ValueError(f"X of shape {X.shape} does not fit W of shape {W.shape}")
    return X @ W + b, (X, W)
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 1, "grade_id": "dense-forward-check"}
X, W = np.array([[1.0, 2.0]]), np.array([[1.0, 0.0, 2.0], [3.0, 1.0, -1.0]])
b = np.array([10.0, 20.0, 30.0])
Z, cache = dense_forward(X, W, b)
hints = {"the bias is missing": [[7.0, 2.0, 0.0]], "the bias is subtracted": [[-3.0, -18.0, -30.0]]}
hints["the bias is added to each product, not to the sum"] = [[27.0, 42.0, 60.0]]
hints["b was added along the samples"] = [[17.0, 12.0, 10.0], [27.0, 22.0, 20.0], [37.0, 32.0, 30.0]]
check.close(Z, [[17.0, 22.0, 30.0]], what="Z for the sample of the task", hints=hints)
check.equal(len(cache), 2, what="the length of the cache (X, W)")
check.close(cache[0], X, what="the first part of the cache")
check.close(cache[1], W, what="the second part of the cache")

rng = np.random.default_rng(1)
X, W, b = rng.normal(size=(5, 4)), rng.normal(size=(4, 2)), np.array([100.0, -100.0])
Z, cache = dense_forward(X, W, b)
check.shape(Z, (5, 2), what="Z of 5 samples and 2 neurons")
check.close(Z[3, 1], X[3] @ W[:, 1] + b[1], what="Z[3, 1]")
Z, cache = dense_forward(X.astype(np.float32), W.astype(np.float32), b.astype(np.float32))
check.equal(Z.dtype.name, "float32", what="the dtype of Z for float32 inputs")
what, shapes = "dense_forward with shapes (5, 4) and (3, 2)", ("(5, 4)", "(3, 2)")
check.raises(ValueError, dense_forward, X, W[:3], b, what=what, mentions=shapes)
check.passed("dense_forward")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 3, "grade_id": "dense-forward-hidden"}
# Tested with square matrices, one sample, one neuron, transposed memory, float32, misfits, and on what
# a backward pass makes of the cache.
### BEGIN HIDDEN TESTS
def upstream(X, W, dZ):
    """What a backward pass computes from the cache."""
    return np.einsum("nm,dm->nd", dZ, W), np.einsum("nd,nm->dm", X, dZ)


rng = np.random.default_rng(201)
cases = []
for N, D, M in [(3, 5, 2), (4, 4, 4), (1, 6, 3), (7, 2, 1), (3, 2, 3), (1, 1, 1), (2, 3, 3)]:
    for dtype in (np.float64, np.float32):
        X, W = rng.normal(size=(N, D)).astype(dtype), rng.normal(size=(D, M)).astype(dtype)
        cases.append((X, W, (10.0 + np.arange(M)).astype(dtype)))
before = [tuple(part.copy() for part in case) for case in cases]
for (X, W, b), kept, (sums_got, cache) in zip(
    cases, before, check.each(dense_forward, cases), strict=True
):
    (N, D), M, dtype = X.shape, W.shape[1], X.dtype
    rtol = 1e-9 if dtype == np.float64 else 1e-4
    which = f"for {N} samples, {D} inputs, {M} neurons and {np.dtype(dtype).name}"
    sums = np.einsum("nd,dm->nm", X, W)
    hints = {"the bias is missing": sums}
    if N == M:
        hints["the bias was added along the rows"] = sums + b[:, None]
    if D == M:
        hints["W was transposed"] = X @ W.T + b
    check.hidden.close(sums_got, sums + b, rtol=rtol, atol=rtol, what=f"Z {which}", hints=hints)
    check.hidden.equal(
        np.asarray(sums_got).dtype.name, np.dtype(dtype).name, what=f"the dtype of Z {which}"
    )
    check.hidden.equal(check.kind(cache), "tuple", what="the kind of the cache")
    dtypes = [part.dtype.name for part in cache]
    check.hidden.equal(dtypes, [np.dtype(dtype).name] * 2, what=f"the dtypes in the cache {which}")
    dZ = rng.normal(size=(N, M))
    for got, expected in zip(upstream(*cache, dZ), upstream(*kept[:2], dZ), strict=True):
        check.hidden.close(got, expected, what=f"what a backward pass makes of the cache {which}")
    for now, then, name in zip((X, W, b), kept, "XWb", strict=True):
        check.hidden.unchanged(now, then, what=name)

wide = rng.normal(size=(6, 8))
cases = []
for X in (np.asfortranarray(wide), wide[::2, ::-1], wide.T[:3].T):
    cases.append((X, rng.normal(size=(2, X.shape[1])).T, np.array([5.0, -7.0])))
for (X, W, b), (sums_got, _) in zip(cases, check.each(dense_forward, cases), strict=True):
    right = np.einsum("nd,dm->nm", X, W) + b
    check.hidden.close(sums_got, right, what="Z for arrays with another memory order")

for X_shape, W_shape in [
    ((2, 3), (4, 5)),
    ((3, 2), (3, 2)),
    ((2, 2), (3, 1)),
    ((1, 1), (7, 1)),
    ((5, 4), (3, 4)),
]:
    misfit = np.ones(X_shape), np.ones(W_shape), np.zeros(W_shape[1])
    shapes = str(X_shape), str(W_shape)
    check.hidden.raises(
        ValueError, dense_forward, *misfit, what="dense_forward with a misfit", mentions=shapes
    )
### END HIDDEN TESTS

# %% [markdown]
# ## 2.2 From layers to a network
#
# A network is layers in a row, with an activation between them. From here to the end of Chapter 3 we follow *one* network, small enough to check every number by hand: two inputs, two hidden neurons with ReLU, two outputs. We call it **the little network**. Here it meets two samples:
#
# $$ X = \begin{pmatrix} 1 & 2 \\ 3 & -1 \end{pmatrix}, \quad W_1 = \begin{pmatrix} 1 & -1 \\ 1 & 1 \end{pmatrix}, \quad \mathbf{b}_1 = (0, 1), \quad W_2 = \begin{pmatrix} 1 & -1 \\ -1 & 2 \end{pmatrix}, \quad \mathbf{b}_2 = (0, 1). $$
#
# The first sample, $(1, 2)$: the first hidden neuron gets $1 \cdot 1 + 2 \cdot 1 + 0 = 3$, the second $1 \cdot (-1) + 2 \cdot 1 + 1 = 2$. Both are positive, so ReLU keeps them. The outputs are $3 \cdot 1 + 2 \cdot (-1) + 0 = 1$ and $3 \cdot (-1) + 2 \cdot 2 + 1 = 2$.
# The second sample, $(3, -1)$: the hidden pre-activations are $2$ and $-3$. ReLU turns the $-3$ into 0, so that neuron is *off* for this sample. The outputs are 2 and $-1$.

# %%
X = np.array([[1.0, 2.0], [3.0, -1.0]])
W1, b1 = np.array([[1.0, -1.0], [1.0, 1.0]]), np.array([0.0, 1.0])
W2, b2 = np.array([[1.0, -1.0], [-1.0, 2.0]]), np.array([0.0, 1.0])

Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
logits = A1 @ W2 + b2
print("Z1:", Z1.tolist(), " A1:", A1.tolist(), " logits:", logits.tolist())
assert logits.tolist() == [[1, 2], [2, -1]]

# %% [markdown]
# To learn, we will go through the layers backward (the **backward pass**, Chapter 3) and need for each one what came *in* and what the sum was *before* the activation. So the forward pass keeps both.
# Two things go wrong easily here. `np.maximum(Z, 0, out=Z)` saves memory and destroys the pre-activation that the cache points to. And a loop that uses `X` where it should use the last activation works without complaint as long as all layers are equally wide.

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "mlp-forward-task"}
# ### Exercise 2.2 - Network forward with a cache (6 points, 30 minutes, stretch)
#
# `params` is a list of pairs `(W, b)`, as in Chapter 1, all float64. Apply the layers to `X` of shape (N, D), with the activation *between* them and none after the last. `activation` is `"relu"`, `"tanh"` or `"sigmoid"` (SciPy's `expit`); anything else raises a `ValueError`.
#
# Return `logits` of shape (N, C), and `caches`: a list with a dict for each layer, with two keys:
#
# - `"A_in"`, the layer's input (for the first layer `X`),
# - `"Z"`, its weighted sums *before* the activation; the next `"A_in"` must not share its memory.
#
# For the little network and ReLU, `caches[1]["A_in"]` is `[[3, 2], [2, 0]]` and `caches[0]["Z"]` is `[[3, 2], [2, -3]]`. Change neither `X` nor `params`.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "mlp-forward"}
def mlp_forward(X, params, activation):
    """Forward pass that remembers what a backward pass needs.

    X: (N, D); params: list of (W (D_l, D_l+1), b (D_l+1,)); activation: "relu", "tanh" or "sigmoid"
    returns: logits (N, C), caches: one dict per layer with "A_in" (N, D_l) and "Z" (N, D_l+1)
    raises: ValueError for another activation
    """
    ### BEGIN SOLUTION
    functions = {"relu": lambda Z: np.maximum(Z, 0.0), "tanh": np.tanh, "sigmoid": expit}
    if activation not in functions:
        raise ValueError(f"unknown activation {activation!r}: choose one of {', '.join(functions)}")
    A, caches = X, []
    for W, b in params:
        Z = A @ W + b
        caches.append({"A_in": A, "Z": Z})
        A = functions[activation](Z)
    return Z, caches
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 2, "grade_id": "mlp-forward-check"}
X = np.array([[1.0, 2.0], [3.0, -1.0]])
little = [(np.array([[1.0, -1.0], [1.0, 1.0]]), np.array([0.0, 1.0]))]
little.append((np.array([[1.0, -1.0], [-1.0, 2.0]]), np.array([0.0, 1.0])))
logits, caches = mlp_forward(X, little, "relu")
hints = {"there is a ReLU after the last layer": [[1.0, 2.0], [2.0, 0.0]]}
hints["there is no ReLU between the layers"] = [[1.0, 2.0], [5.0, -7.0]]
hints["the second layer got X, not the first one's activations"] = [[-1.0, 4.0], [4.0, -4.0]]
hints["the bias was added after the activation"] = [[1.0, 2.0], [1.0, 1.0]]
check.close(logits, [[1.0, 2.0], [2.0, -1.0]], what="the logits of the little network", hints=hints)
check.equal(len(caches), 2, what="the number of caches")
hints = {"the cache holds the sums after the ReLU": [[3.0, 2.0], [2.0, 0.0]]}
hints["all caches are one and the same dict"] = logits
check.close(caches[0]["Z"], [[3.0, 2.0], [2.0, -3.0]], what='caches[0]["Z"]', hints=hints)
hints = {"it holds the layer's output, not its input": [[3.0, 2.0], [2.0, 0.0]]}
check.close(caches[0]["A_in"], X, what='caches[0]["A_in"]', hints=hints)
hints = {"this is Z, without the ReLU": [[3.0, 2.0], [2.0, -3.0]]}
check.close(caches[1]["A_in"], [[3.0, 2.0], [2.0, 0.0]], what='caches[1]["A_in"]', hints=hints)
check.close(caches[1]["Z"], logits, what='caches[1]["Z"], which holds the logits,')
bent = mlp_forward(X, little, "tanh")[0][1]
check.close(bent, [1.959082, -1.954137], rtol=1e-5, what="the logits of the second sample with tanh")
check.raises(ValueError, mlp_forward, X, little, "swish", what='mlp_forward with activation="swish"')
check.passed("mlp_forward")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 4, "grade_id": "mlp-forward-hidden"}
# Tested with one to six layers, equal and unequal widths, each activation, one sample and many, and on
# what the caches share with each other.
### BEGIN HIDDEN TESTS
def network(widths, rng):
    shapes = list(zip(widths[:-1], widths[1:], strict=True))
    return [(rng.normal(size=shape) / np.sqrt(shape[0]), rng.normal(size=shape[1])) for shape in shapes]


BENT = {
    "relu": lambda Z: (Z + np.abs(Z)) / 2,
    "tanh": lambda Z: 1 - 2 / (np.exp(2 * Z) + 1),
    "sigmoid": lambda Z: np.exp(-np.logaddexp(0, -Z)),
}


def trace(X, params, activation):
    """[(A_in, Z)] of every layer, by einsum and other formulas."""
    steps, A = [], X
    for W, b in params:
        Z = np.einsum("nd,dm->nm", A, W) + b
        steps.append((A, Z))
        A = BENT[activation](Z)
    return steps


@check.student_side
def overwriting(mlp_forward, X, params, activation):
    """Evidence: the caches before and after each A_in but the first is overwritten."""
    _, caches = mlp_forward(X, params, activation)
    before = [cache["Z"].copy() for cache in caches]
    for cache in caches[1:]:
        cache["A_in"][...] = 77.0
    return before, [cache["Z"].copy() for cache in caches]


rng = np.random.default_rng(202)
cases = []
for widths, N in [
    ((3, 2), 4),
    ((4, 4), 3),
    ((3, 3, 3), 5),
    ((5, 7, 2), 1),
    ((2, 6, 4, 3), 3),
    ((4, 4, 4, 4, 4, 4, 4), 6),
    ((1, 3, 1), 2),
]:
    cases += [(rng.normal(size=(N, widths[0])), network(widths, rng), activation) for activation in BENT]
before = [(X.copy(), [(W.copy(), b.copy()) for W, b in params]) for X, params, _ in cases]
answers = check.each(mlp_forward, cases)
for (X, params, activation), (kept_X, kept), (logits, caches) in zip(
    cases, before, answers, strict=True
):
    check.hidden.unchanged(X, kept_X, what="X")
    for (W, b), (kept_W, kept_b) in zip(params, kept, strict=True):
        check.hidden.unchanged(W, kept_W, what="a W in params")
        check.hidden.unchanged(b, kept_b, what="a b in params")
    steps = trace(X, params, activation)
    widths = (X.shape[1], *(len(b) for _, b in params))
    which = f"for {len(params)} layers of widths {widths}, {len(X)} samples and {activation}"
    hints = {"there is an activation after the last layer": BENT[activation](steps[-1][1])}
    for other in BENT.keys() - {activation}:
        if len(params) > 1:
            wrong = trace(X, params, other)[-1][1]
            hints[f"the activation is {other}, whatever was asked for"] = wrong
    check.hidden.close(logits, steps[-1][1], what=f"the logits {which}", hints=hints)
    check.hidden.equal(len(caches), len(params), what=f"the number of caches {which}")
    for layer, (cache, (A_in, Z)) in enumerate(zip(caches, steps, strict=True)):
        hints = {"it holds the values after the activation": BENT[activation](Z)}
        check.hidden.close(cache["Z"], Z, what=f'caches[{layer}]["Z"] {which}', hints=hints)
        check.hidden.close(cache["A_in"], A_in, what=f'caches[{layer}]["A_in"] {which}')

params, X = network((3, 5, 5, 2), rng), rng.normal(size=(6, 3))
cases = [
    (part, params, activation) for activation in BENT for part in (X, *(X[i : i + 1] for i in range(6)))
]
answers = [logits for logits, _ in check.each(mlp_forward, cases)]
for start in (0, 7, 14):
    whole, single = answers[start], np.concatenate(answers[start + 1 : start + 7])
    what = "the logits of samples given one by one"
    check.hidden.close(single, whole, rtol=1e-12, atol=1e-12, what=what)
positive = [(np.abs(W), np.abs(b)) for W, b in params]
tested_pairs = (X, params), (np.abs(X), positive)  # the second: nothing for ReLU to do
cases = [(mlp_forward, *given, activation) for given in tested_pairs for activation in BENT]
for before, after in check.each(overwriting, cases):
    for one, other in zip(before, after, strict=True):
        shared = "a Z in the caches shares its memory with an A_in: make a new array for the activation."
        check.hidden.that(np.array_equal(one, other), shared)
lengths = [len(cache) for cache in mlp_forward(X, params, "relu")[1]]
check.hidden.equal(lengths, [2, 2, 2], what="how many keys the caches have")
cases = [(X, params, wrong) for wrong in ("swish", "", "ReLU", "TANH", "Sigmoid", None)]
told = ["an unknown activation"] * len(cases) + ["an unknown activation, with one layer,"]
cases.append((X, network((3, 2), rng), "linear"))
check.hidden.raises_each(ValueError, mlp_forward, cases, what=told)
passing_on = [(np.eye(2), np.zeros(2))] * 2
rights = {"sigmoid": [[1.0, 0.0]], "tanh": [[1.0, -1.0]], "relu": [[1000.0, 0.0]]}
far_X = np.array([[1000.0, -1000.0]])
cases = [(mlp_forward, far_X, passing_on, activation) for activation in rights]
for (activation, right), (got, _) in zip(rights.items(), check.each(check.quiet, cases), strict=True):
    check.hidden.close(got[0], right, what=f"logits with {activation} far from 0")
### END HIDDEN TESTS

# %% [markdown]
# ## 2.3 How wrong? The loss
#
# To improve, a network needs to know how wrong it is. A **loss** turns predictions and the right answers, the **targets**, into a single number: 0 or nearly 0 if all is well, larger the worse it gets. Learning means: change the parameters so that the loss falls.
#
# For predicted *quantities* (a price, a temperature) the usual loss is the **mean squared error**, MSE. With $r = \text{prediction} - \text{target}$, it is the mean of $r^2$ over all numbers. Squaring makes large errors count much more than small ones. The **Huber loss** is milder: it takes half the parabola and goes on in straight lines where $|r|$ exceeds a number $\delta > 0$ (delta),
#
# $$ h_\delta(r) = \begin{cases} \tfrac{1}{2} r^2 & \text{if } |r| \le \delta, \\ \delta \, (|r| - \tfrac{1}{2} \delta) & \text{otherwise.} \end{cases} $$
#
# The factor $\delta$ gives the two pieces the same slope where they meet, and $-\frac12\delta$ the same value. Peter Huber proposed it in 1964.

# %% [markdown]
# ### Example 2.4 - One bad measurement
#
# Twenty points lie near the line $2x + 1$; one of them was typed in wrong. We try many lines and find the best one for each loss. `F.mse_loss` and `F.huber_loss` are PyTorch's versions; `reduction="none"` asks for the single losses, not for their mean. Which loss do you expect to be fooled?

# %%
rng = np.random.default_rng(24)
x = np.linspace(-1, 1, 20)
target = 2 * x + 1 + 0.1 * rng.normal(size=20)
target[-1] = -8.0  # the bad one

slopes, offsets = np.meshgrid(np.linspace(-1, 4, 101), np.linspace(-1, 2, 61), indexing="ij")
lines = torch.from_numpy(slopes[..., None] * x + offsets[..., None])  # (101, 61, 20)
targets = torch.from_numpy(target).expand_as(lines)
surfaces = {
    "MSE": F.mse_loss(lines, targets, reduction="none").mean(dim=-1).numpy(),
    "Huber": F.huber_loss(lines, targets, reduction="none", delta=0.5).mean(dim=-1).numpy(),
}

# %%
best = {name: np.unravel_index(surface.argmin(), surface.shape) for name, surface in surfaces.items()}
found = {name: (slopes[place], offsets[place]) for name, place in best.items()}
left, right = plot.axes(1, 2, size=(7.8, 3.6))
left.plot(x, target, "o", color="black", label="points")
right.contourf(slopes, offsets, np.log(surfaces["MSE"]), levels=14, cmap="Greys_r")
for i, (name, (slope, offset)) in enumerate({"true": (2, 1), **found}.items()):
    left.plot(x, slope * x + offset, ls=["-", "--", ":"][i], color=f"C{i}", label=name)
    right.plot(slope, offset, "oXs"[i], color=f"C{i}", mec="white", ms=10, label=name)
left.set(xlabel="x", ylabel="y")
right.set(xlabel="slope", ylabel="offset", title="MSE of each line (dark: low)")
left.legend()
right.legend(loc="upper left")
plot.show(
    left,
    "one point at the lower right has pulled the best line for MSE down; Huber's is next to the true one.",
)
assert abs(found["MSE"][0] - 2) > 0.5 > 5 * abs(found["Huber"][0] - 2)

# %% [markdown]
# Each place in the right picture is one line. One point in twenty drags the MSE's best one away: its squared error outweighs all others together. With Huber's loss, a far point pulls with constant force, however far it is. If the far points are real and important, MSE is right to listen to them.

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "regression-losses-task"}
# ### Exercise 2.3 - MSE and Huber loss (5 points, 25 minutes, stretch)
#
# Write both losses, with $r = \text{pred} - \text{target}$, the mean of $r^2$ and of $h_\delta(r)$. `pred` and `target` are arrays of float64 or int64 numbers of one shape, (N,) or (N, K). Different shapes raise a `ValueError`, also where NumPy would stretch them: (3,) and (3, 1) do not fit.
#
# `reduction` says what to return: `"mean"` over *all* numbers or their `"sum"`, each as a single number, or `"none"` for the single losses, an array of the inputs' shape. Anything else raises a `ValueError`.
#
# For `pred = [1, 4]`, `target = [1, 1]` and $\delta = 1$, the single losses are `[0, 9]` for MSE and `[0, 2.5]` for Huber. Change no input.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "regression-losses"}
def mse_loss(pred, target, reduction="mean"):
    """Squared error.

    pred, target: (N,) or (N, K), the same shape; reduction: "mean", "sum" or "none"
    returns: a number, or for "none" an array of that shape
    raises: ValueError for different shapes or another reduction
    """
    ### BEGIN SOLUTION
    return _reduced(_errors(pred, target) ** 2, reduction)
    ### END SOLUTION


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    """Huber loss: squared for errors up to delta > 0, straight beyond.

    The other parameters, and what is returned and raised, are those of mse_loss.
    """
    ### BEGIN SOLUTION
    size = np.abs(_errors(pred, target))
    losses = np.where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta))
    return _reduced(losses, reduction)


def _errors(pred, target):
    if pred.shape != target.shape:
        raise ValueError(f"shapes {pred.shape} and {target.shape} differ")
    return np.subtract(pred, target, dtype=np.float64)


def _reduced(losses, reduction):
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"unknown reduction {reduction!r}")
    return losses if reduction == "none" else getattr(losses, reduction)()
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 1, "grade_id": "regression-losses-check"}
pred, target = np.array([[1.0, 4.0], [0.0, -1.0]]), np.array([[1.0, 1.0], [0.5, 1.0]])
kept = pred.copy()
hints = {"this is the mean of the errors without a square": 0.125, "there is a root over it": 1.820027}
hints["it is divided by N, not by N times K"] = 6.625
check.close(mse_loss(pred, target), 3.3125, what="mse_loss of four numbers", hints=hints)
check.unchanged(pred, kept, what="pred")
check.close(mse_loss(pred, target, "sum"), 13.25, what='mse_loss with "sum"')
right = [[0.0, 9.0], [0.25, 4.0]]
check.close(mse_loss(pred, target, reduction="none"), right, what='mse_loss with "none"')
hints = {"delta is compared with the squared error": [[0, 2.5], [0.125, 1.5]]}
hints["the half in front of the square is missing"] = [[0, 2.5], [0.25, 1.5]]
hints["the straight part lacks the half of delta"] = [[0, 3.0], [0.125, 2.0]]
hints["negative errors need their absolute value"] = [[0, 2.5], [0.125, 2.0]]
hints["each number needs its own choice between the two pieces"] = [[-0.5, 2.5], [0, 1.5]]
right, single = [[0.0, 2.5], [0.125, 1.5]], huber_loss(pred, target, reduction="none")
check.close(single, right, what='huber_loss with "none"', hints=hints)
hints = {"delta is not used": 1.03125, "the straight part lacks its factor delta": 0.90625}
check.close(huber_loss(pred, target, delta=1.5), 1.34375, what="huber_loss with delta=1.5", hints=hints)
three, column = np.ones(3), np.ones((3, 1))
check.raises(ValueError, mse_loss, three, column, what="mse_loss of shapes (3,) and (3, 1)")
check.raises(ValueError, huber_loss, three, three, 1.0, "average", what='huber_loss with "average"')
check.passed("mse_loss and huber_loss")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 4, "grade_id": "regression-losses-hidden"}
# Tested with other shapes, values of delta, whole numbers, errors at and around delta, and shapes that
# NumPy would stretch.
### BEGIN HIDDEN TESTS
def piece(r, delta):
    """The Huber loss as the integral of its slope, which is r cut off at delta."""
    inner = np.minimum(np.abs(r), delta)
    return inner**2 / 2 + delta * (np.abs(r) - inner)


rng = np.random.default_rng(203)
reduce = {"mean": np.average, "sum": np.sum, "none": lambda losses: losses}
tested_shapes, tested_deltas = [(7,), (5, 3), (4, 1), (1, 6), (3, 3), (1,)], (0.25, 1, 1.5, 40.0)
tested_pairs = [(2.0 * rng.normal(size=shape), 2.0 * rng.normal(size=shape)) for shape in tested_shapes]
before = [(pred.copy(), target.copy()) for pred, target in tested_pairs]
for how, over in reduce.items():
    squares = check.each(mse_loss, [(*pair, how) for pair in tested_pairs])
    bent = check.each(
        huber_loss, [(*pair, delta) for pair in tested_pairs for delta in tested_deltas], reduction=how
    )
    for place, (pred, target) in enumerate(before):
        r = pred - target
        which = f'for shape {r.shape} and reduction "{how}"'
        hints = {}
        if how == "mean" and r.ndim == 2:
            hints["it is divided by N, not by N times K"] = np.sum(r * r) / len(r)
        check.hidden.close(squares[place], over(r * r), what=f"mse_loss {which}", hints=hints)
        if how != "none":
            check.hidden.equal(check.kind(squares[place]), "float", what=f"the kind of mse_loss {which}")
        for delta, got in zip(tested_deltas, bent[4 * place : 4 * place + 4], strict=True):
            hints = {"delta is not used": over(piece(r, 1.0))} if delta != 1 else {}
            what = f"huber_loss {which} with delta = {delta}"
            check.hidden.close(got, over(piece(r, delta)), what=what, hints=hints)
            if how != "none":
                check.hidden.equal(check.kind(got), "float", what=f"the kind of {what}")
defaults = zip(
    before, check.each(mse_loss, tested_pairs), check.each(huber_loss, tested_pairs), strict=True
)
for (pred, target), square, bent in defaults:
    r = pred - target
    check.hidden.close(bent, np.average(piece(r, 1.0)), what="huber_loss by default")
    check.hidden.close(square, np.average(r * r), what="mse_loss by default")
for now, kept in zip(tested_pairs, before, strict=True):
    check.hidden.unchanged(now[0], kept[0], what="pred")
    check.hidden.unchanged(now[1], kept[1], what="target")

cases, six_zeros = [], np.zeros(6)
for delta in (0.3, 2.0):
    edge = np.array([-delta, delta, 0.5 * delta, 1.001 * delta, -1000.0, 1000.0])
    cases += [(edge, six_zeros, delta, "none"), (edge + 1e-6, six_zeros, delta, "none")]
    cases.append((edge - 1e-6, six_zeros, delta, "none"))
whole, other = np.array([[3, -7], [250, 0]]), np.array([[5, 4], [-4, 1]])
cases += [(np.array([1e9, -1e9]), np.zeros(2), 1e-3, "none"), (whole, other, 1.5, "sum")]
*around, distant, bent = check.each(huber_loss, cases)
for place in (0, 3):
    edge, _, delta, _ = cases[place]
    losses, above, below = around[place : place + 3]
    check.hidden.close(losses, piece(edge, delta), what="huber_loss at delta and far from it")
    what, slope = "the slope of huber_loss", np.clip(edge, -delta, delta)
    check.hidden.close((above - below) / 2e-6, slope, rtol=1e-3, atol=1e-4, what=what)
check.hidden.close(distant, [1e6, 1e6], rtol=1e-9, what="huber_loss of errors far above delta")
r = whole.astype(float) - other
check.hidden.close(bent, piece(r, 1.5).sum(), what="huber_loss of whole numbers")
vast = np.array([4_000_000_000, -4_000_000_000])  # its square does not fit into int64
check.hidden.close(
    mse_loss(vast, 0 * vast, "none"), [1.6e19, 1.6e19], what="mse_loss of vast whole numbers"
)
check.hidden.close(mse_loss(whole, other), np.average(r * r), what="mse_loss of whole numbers")

misfits = [((3,), (3, 1)), ((4, 1), (4,)), ((2, 3), (3,)), ((2, 3), (1, 3)), ((2, 3), (2, 1))]
misfits += [((3,), (1,)), ((2, 2), (4,))]
stretched, two = [(np.ones(first), np.ones(second)) for first, second in misfits], np.ones(2)
unknown = ("average", "", None, "Mean", "max")
for name, loss, given in (("mse_loss", mse_loss, ()), ("huber_loss", huber_loss, (1.0,))):
    cases = [*stretched, *((two, two, *given, wrong) for wrong in unknown)]
    told = [f"{name} of shapes {first} and {second}" for first, second in misfits]
    told += [f"{name} with another reduction"] * len(unknown)
    check.hidden.raises_each(ValueError, loss, cases, what=told)
### END HIDDEN TESTS

# %% [markdown]
# ### Example 2.5 - Why MSE is the wrong loss for a classifier
#
# Now for *classes*. A network with one output answers a yes-or-no question with the probability $p = \sigma(z)$. Suppose that the right answer is yes, and that the network is confidently wrong: $z = -10$, so $p$ is almost 0.
# How hard does a loss push $z$ upward? A slope of $-1$ means that the loss falls by 1 for each unit that $z$ rises: the more negative, the harder the push. We compare MSE, $(p - 1)^2$, with the **cross-entropy** $-\ln p$, the negative logarithm of the probability that the network gave to the right answer. PyTorch computes the slopes, as in Example 1.5.

# %%
z = torch.linspace(-10, 10, 401, dtype=torch.float64, requires_grad=True)
p = torch.sigmoid(z)
slopes = {}
for name, loss in {"MSE": (p - 1) ** 2, "cross-entropy": -torch.log(p)}.items():
    slopes[name] = torch.autograd.grad(loss.sum(), z, retain_graph=True)[0].numpy()

ax = plot.curves(
    z.detach().numpy(), slopes, xlabel="logit z (the right answer is yes)", ylabel="slope of the loss"
)
plot.show(
    ax,
    f"at z = -10, MSE has slope {slopes['MSE'][0]:.4f} and cross-entropy {slopes['cross-entropy'][0]:.4f}.",
)
assert abs(slopes["MSE"][0]) < 1e-3 and slopes["cross-entropy"][0] < -0.999

# %% [markdown]
# Where the network is most wrong, MSE says next to nothing. With $\sigma' = p(1-p)$, its slope is $2(p-1)\,p\,(1-p)$, and the factor $p$ makes that tiny. For cross-entropy, the factor $-1/p$ of the logarithm cancels it, and $p - 1$ is left: $-1$ for a completely wrong answer, fading as the answer gets right. So classifiers are trained with cross-entropy.
#
# For C classes it is the same idea: softmax makes probabilities of the logits, and the loss of a sample with the label $y$ is $-\ln p_y$. Put the softmax formula in, and the exponential function and the logarithm cancel as far as they can:
#
# $$ -\ln p_y = -\ln \frac{e^{z_y}}{\sum_k e^{z_k}} = \ln \Big( \sum_k e^{z_k} \Big) - z_y . $$
#
# The first part has a name, **log-sum-exp**. It can be computed without overflow by taking the largest logit $m$ out: $\ln \sum_k e^{z_k} = m + \ln \sum_k e^{z_k - m}$.
#
# For the little network: the logits $(1, 2)$ with label 1 (labels count from 0, so this is the second logit) give $\ln(e^1 + e^2) - 2 = 2.313 - 2 = 0.313$; the logits $(2, -1)$ with label 1, too, give $2.049 + 1 = 3.049$. The mean, 1.681, is the loss of this batch. Remember it: Chapter 3 differentiates it in four ways.

# %%
little_logits, labels = torch.tensor([[1.0, 2.0], [2.0, -1.0]]), torch.tensor([1, 1])
loss = F.cross_entropy(little_logits, labels)
print(f"the loss of the little network: {loss:.3f}")
print(f"a network that knows nothing about 10 classes: ln 10 = {np.log(10):.3f}")
assert abs(loss - 1.681) < 1e-3
assert torch.isclose(F.cross_entropy(torch.zeros(5, 10), torch.arange(5)), torch.tensor(10.0).log())

# %% [markdown]
# Equal logits give each of C classes the probability $1/C$, and so the loss $\ln C$. A fresh classifier should start at that number or a little above; at ten times as much, something is wrong.
#
# Move a logit, and watch both losses and their slopes:

# %%
widgets.loss_explorer()

# %% [markdown]
# ### Example 2.6 - From logits, not from probabilities
#
# Why take the detour over log-sum-exp? Because the direct way, softmax first and then the logarithm, loses everything in float32 when a network is very sure. A common "cure" is to keep the probability away from 0 by clipping it. Here the right answer is class 1, and the network is wrong by a gap of 200. What should the loss be, and what do the three ways give?

# %%
sure = torch.tensor([[100.0, -100.0]], requires_grad=True)
p = torch.softmax(sure, dim=1)[0, 1]
ways = {
    "log of softmax": -torch.log(p),
    "clipped at 1e-15": -torch.log(p.clamp(1e-15, 1 - 1e-15)),
    "from the logits": F.cross_entropy(sure, torch.tensor([1])),
}
for name, loss in ways.items():
    slope = torch.autograd.grad(loss, sure, retain_graph=True)[0][0, 1]
    print(f"{name:17} loss {loss.item():7.2f}, slope at the right logit {slope.item():5.2f}")
assert ways["log of softmax"].isinf() and ways["from the logits"] == 200

# %% [markdown]
# The first way gives infinity, and no slope at all. The clipped one gives 34.5 for every gap above that, and slope 0: the network is as wrong as can be, and the loss tells it that nothing would help. From the logits the loss is the gap itself, 200, with the full slope.
#
# So networks end in logits, and cross-entropy takes logits. A single output $z$ with a label of 0 or 1 is the same case with the two logits 0 and $z$: the loss is $\ln(e^0 + e^z) - z = \ln(1 + e^{-z})$ for yes and $\ln(1 + e^{z})$ for no, each a log-sum-exp.

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "cross-entropy-task"}
# ### Exercise 2.4 - Cross-entropy from logits (7 points, 35 minutes, core)
#
# **(a)** `cross_entropy_logits`: `logits` (N, C) in float64 or float32, `y` (N,) with whole numbers from 0 to C - 1, of any integer dtype. The loss of a sample is $\ln \sum_k e^{z_k} - z_y$; `reduction` is `"mean"`, `"sum"` or `"none"` as before. If `y` is not an array of N integers in that range, raise a `ValueError`.
#
# **(b)** `binary_cross_entropy_logits`: `z` (N,) and `y` (N,), whole numbers or floats, each 0 or 1. Return the mean of $\ln(1 + e^{-z})$ where $y = 1$ and $\ln(1 + e^{z})$ where $y = 0$.
#
# Both must be right for logits of $\pm 10{,}000$, without a warning (subtract $m$ from $z_y$, too), and never negative. The little network has the losses 0.313 and 3.049. Change no input.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "cross-entropy"}
def cross_entropy_logits(logits, y, reduction="mean"):
    """Softmax and cross-entropy in one, safe for any logits.

    logits: (N, C); y: (N,) integers from 0 to C - 1; reduction: "mean", "sum" or "none"
    returns: a number, or for "none" the losses (N,)
    raises: ValueError for other labels or another reduction
    """
    ### BEGIN SOLUTION
    N, C = logits.shape
    if y.shape != (N,) or y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= C:
        raise ValueError(f"y must hold {N} integers from 0 to {C - 1}")
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"unknown reduction {reduction!r}")
    gaps = logits - logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(gaps).sum(axis=1)) - gaps[np.arange(N), y]
    return losses if reduction == "none" else getattr(losses, reduction)()
    ### END SOLUTION


def binary_cross_entropy_logits(z, y):
    """Cross-entropy of one logit per sample, safe for any logit.

    z: (N,), y: (N,) of 0 and 1; returns: the mean, a number
    """
    ### BEGIN SOLUTION
    return np.logaddexp(0.0, np.where(y == 1, -z, z)).mean()
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 2, "grade_id": "cross-entropy-check"}
logits, y = np.array([[1.0, 2.0], [2.0, -1.0]]), np.array([1, 1])
losses = cross_entropy_logits(logits, y, reduction="none")
hints = {"softmax was applied before: the input must be logits": [0.488548, 1.244817]}
hints["the logarithm must be the natural one"] = [0.451941, 4.398182]
hints["these are the losses of the other class"] = [1.313262, 0.048587]
hints["the sum runs over the samples, not over the classes"] = [0.048587, 3.048587]
hints["logits[:, y] takes columns of all samples"] = [[0.313262, 0.048587], [3.313262, 3.048587]]
check.close(losses, [0.313262, 3.048587], rtol=1e-5, what='the losses with "none"', hints=hints)
hints = {"the mean runs over N times C": 0.840462, "the sum was returned": 3.361849}
check.close(cross_entropy_logits(logits, y), 1.680924, rtol=1e-5, what="the mean loss", hints=hints)
huge = np.array([[10_000.0, -10_000.0], [-10_000.0, 10_000.0]])
far, complaints = check.quiet(cross_entropy_logits, huge, y, reduction="none")
hints = {"the probability was clipped": [34.538776, 0.0]}
check.close(far, [20_000.0, 0.0], what="the losses of logits of 10,000 and -10,000", hints=hints)
check.equal(complaints, [], what="NumPy's warnings, a list,")
for bad in (np.array([0, 2]), np.array([-1, 0]), np.array([[0, 1], [1, 0]]), np.array([0.0, 1.0])):
    check.raises(ValueError, cross_entropy_logits, logits, bad, what=f"y = {bad.tolist()}")
even = binary_cross_entropy_logits(np.zeros(3), np.array([0, 1, 1]))
check.close(even, np.log(2), what="the binary loss at z = 0")
binary = binary_cross_entropy_logits(np.array([2.0, -3.0]), np.array([1, 1]))
hints = {"the labels are exchanged": 1.087757, "the sum was returned": 3.175515}
check.close(binary, 1.587757, rtol=1e-5, what="the binary loss of 2 and -3", hints=hints)
check.passed("cross_entropy_logits and binary_cross_entropy_logits")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 5, "grade_id": "cross-entropy-hidden"}
# Tested with two to nine classes, one sample, labels of several integer types, huge logits, float32, and
# labels that must be refused.
### BEGIN HIDDEN TESTS
def pairwise(logits, y):
    """ln of the sum of exp(z_k - z_y), piece by piece; the label's own piece is a 0."""
    z = np.asarray(logits, dtype=float)
    gaps = z - z[np.arange(len(z)), y][:, None]
    return np.logaddexp.reduce(gaps, axis=1)


rng = np.random.default_rng(204)
over = {"mean": np.average, "sum": np.sum, "none": lambda losses: losses}
cases = []
for N, C, kind in [
    (5, 3, "int64"),
    (4, 4, "int32"),
    (1, 6, "uint8"),
    (7, 2, "int8"),
    (2, 9, "uint16"),
    (300, 3, "uint8"),
    (3, 3, "int64"),
]:
    logits, y = 3.0 * rng.normal(size=(N, C)), rng.integers(C, size=N).astype(kind)
    y[0] = C - 1
    cases.append((logits, y))
before = [(logits.copy(), y.copy()) for logits, y in cases]
found = {how: check.each(cross_entropy_logits, [(*case, how) for case in cases]) for how in over}
found["by default"] = check.each(cross_entropy_logits, cases)
shifted = [(logits + 500.0, y) for logits, y in cases]
found["shifted"] = check.each(cross_entropy_logits, shifted, reduction="none")
float32 = [(logits.astype(np.float32), y, "none") for logits, y in cases]
found["float32"] = check.each(cross_entropy_logits, float32)
for place, ((logits, y), kept) in enumerate(zip(cases, before, strict=True)):
    check.hidden.unchanged(logits, kept[0], what="logits")
    check.hidden.unchanged(y, kept[1], what="y")
    N, C = logits.shape
    expected = pairwise(logits, y)
    which = f"for {N} samples, {C} classes and {y.dtype.name} labels"
    p = np.exp(-pairwise(np.repeat(logits, C, axis=0), np.tile(np.arange(C), N))).reshape(N, C)
    hints = {
        "softmax was applied twice": pairwise(p, y),
        "the logarithm must be the natural one": expected / np.log(2),
    }
    for how, reduce in over.items():
        got = found[how][place]
        named = {cause: reduce(wrong) for cause, wrong in hints.items()}
        if how == "mean":
            named["the mean runs over N times C"] = expected.mean() / C
        check.hidden.close(got, reduce(expected), what=f'the loss with "{how}" {which}', hints=named)
        if how != "none":
            check.hidden.equal(check.kind(got), "float", what=f'the kind of the loss with "{how}"')
    got, what = found["by default"][place], f"the loss by default {which}"
    check.hidden.close(got, expected.mean(), what=what)
    got, what = found["shifted"][place], "the losses when 500 is added to all logits"
    check.hidden.close(got, expected, rtol=1e-6, what=what)
    got, what = found["float32"][place], f"the losses of float32 logits {which}"
    check.hidden.close(got, expected, rtol=1e-4, atol=1e-5, what=what)

steep = np.array([[10_000.0, 9_999.5], [-10_000.0, -10_000.5]], dtype=np.float32)
got = cross_entropy_logits(steep, np.array([0, 1]), "none")
check.hidden.close(got, pairwise(steep, [0, 1]), rtol=1e-4, what="the losses of large float32 logits")
cases = []
for size in (800.0, 1e4, 3e5):
    table = np.array([[size, -size, 0.0], [-size, -size, -size], [0.5, 0.0, -size], [-size, size, size]])
    cases += [(table, np.array(y)) for y in ([0, 1, 2, 1], [1, 2, 0, 0])]
quietly = [(cross_entropy_logits, *case) for case in cases]
for case, (got, complaints) in zip(
    cases, check.each(check.quiet, quietly, reduction="none"), strict=True
):
    check.hidden.close(got, pairwise(*case), what="the losses of huge logits")
    check.hidden.within(got, 0, np.inf, what="the losses of huge logits")
    check.hidden.equal(complaints, [], what="the list of NumPy's warnings for huge logits")
sure = cross_entropy_logits(np.array([[60.0, 0.0]]), np.array([0]))
check.hidden.within(sure, 0, 1e-20, what="the loss of a right and certain answer")

three = np.zeros((3, 4))
bad_labels = {
    "a label as large as C": np.array([0, 4, 1]),
    "a negative label": np.array([0, -1, 1]),
    "one label too few": np.array([0, 1]),
    "one-hot rows": np.eye(4, dtype=int)[:3],
    "a column of labels": np.array([[0], [1], [2]]),
    "floats": np.array([0.0, 1.0, 2.0]),
    "text": np.array(["0", "1", "2"]),
}
cases = [(three, y) for y in bad_labels.values()]
cases += [(three, np.array([0, 1, 2]), wrong) for wrong in ("average", None)]
named = [*bad_labels, "another reduction", "another reduction"]
told = [f"cross_entropy_logits with {name}" for name in named]
check.hidden.raises_each(ValueError, cross_entropy_logits, cases, what=told)

z = np.array([0.3, -2.0, 700.0, -700.0, 1e4, -1e4, 1.5])
cases = []
for y in (
    np.array([1, 0, 1, 0, 1, 0, 0]),
    np.array([0, 1, 0, 1, 0, 1, 1], dtype=np.uint8),
    np.ones(7),
    np.zeros(7, dtype=np.uint8),
):
    for chosen in (slice(None), slice(0, 2), slice(2, 3), slice(3, 6)):
        cases.append((z[chosen].copy(), y[chosen].copy()))
before = [(logit.copy(), label.copy()) for logit, label in cases]
quietly = check.each(check.quiet, [(binary_cross_entropy_logits, *case) for case in cases])
for (logit, label), kept, (got, complaints) in zip(cases, before, quietly, strict=True):
    check.hidden.unchanged(logit, kept[0], what="z")
    check.hidden.unchanged(label, kept[1], what="y")
    two = pairwise(np.column_stack([0 * logit, logit]), label.astype(int))
    hints = {"the sum was returned": two.sum()} if len(two) > 1 else {}
    check.hidden.close(got, two.mean(), what="binary_cross_entropy_logits", hints=hints)
    check.hidden.within(got, 0, np.inf, what="binary_cross_entropy_logits")
    check.hidden.equal(complaints, [], what="the list of warnings of binary_cross_entropy_logits")
    check.hidden.equal(check.kind(got), "float", what="the kind of binary_cross_entropy_logits")
### END HIDDEN TESTS

# %% [markdown]
# ## 2.4 Where to start: initial weights
#
# Learning changes the weights step by step, so it needs a place to start. Zeros will not do: all neurons of a layer would compute the same, get the same corrections, and stay copies of each other for ever. Random numbers break this symmetry. But how large?
#
# Follow the size of the numbers. Their **variance** is the mean squared distance from their mean, and its square root is the standard deviation. If a neuron's D inputs have mean square $s^2$ and its weights have mean 0 and variance $v$, drawn independently, each product has variance $v s^2$, and variances of independent terms add up: $z$ has variance $D \, v \, s^2$. To keep the size from layer to layer, $v$ should be near $1/D$. The number of inputs D is called **fan-in**, the number of neurons M **fan-out**. Three choices have names:
#
# | name | variance of a weight | made for |
# |---|---|---|
# | LeCun (1998) | 1 / fan-in | tanh |
# | Xavier or Glorot (2010) | 2 / (fan-in + fan-out) | tanh; a compromise with 1 / fan-out, which the backward pass asks for |
# | He (2015) | 2 / fan-in | ReLU, which halves the mean square |
#
# The weights may come from a normal distribution with this variance, or uniformly from $[-a, a]$, which has variance $a^2/3$. So $a$ is $\sqrt 3$ times the standard deviation. Biases start at 0.

# %% [markdown]
# ### Example 2.7 - A signal through ten layers
#
# We send 500 random samples through ten ReLU layers of 200 neurons. For four ways to start we note the root mean square (**rms**, the square root of the mean of the squares) of the activations after each layer (layer 0 is the input), and how many neurons of the last layer are **dead**: 0 for every sample. `kaiming_normal_` is He's way (Kaiming is his first name); a name that ends in `_` fills a tensor in place. Before you run it: which way will end with the largest numbers?

# %%
starts = {
    "zeros": nn.init.zeros_,
    "normal, 0.01": lambda W: nn.init.normal_(W, std=0.01, generator=random),
    "Xavier": lambda W: nn.init.xavier_normal_(W, generator=random),
    "He": lambda W: nn.init.kaiming_normal_(W, nonlinearity="relu", generator=random),
}
random, device = torch.Generator().manual_seed(27), course_utils.device()
signal = torch.randn(500, 200, generator=random).to(device)
rms = {name: [1.0] for name in starts}
for name, fill in starts.items():
    A = signal
    for _ in range(10):
        A = torch.relu(A @ fill(torch.empty(200, 200)).T.to(device))
        rms[name].append(A.square().mean().sqrt().item())
    dead = (A == 0).all(dim=0).float().mean()
    print(
        f"{name:13} rms after layer 1: {rms[name][1]:.3f}, after layer 10: {rms[name][10]:.1e}, dead: {dead:.0%}"
    )
assert 0.5 < rms["He"][10] < 2 and rms["Xavier"][10] < 0.1 and rms["normal, 0.01"][10] < 1e-8

# %%
shown = {name: values for name, values in rms.items() if name != "zeros"}  # 0 has no place on a log axis
ax = plot.curves(np.arange(11), shown, xlabel="layer", ylabel="rms of the activations")
ax.set(yscale="log")
plot.show(
    ax, "with He the size stays; with Xavier it shrinks by about 0.7 a layer; with 0.01 it collapses."
)
assert np.isclose((rms["Xavier"][10] / rms["Xavier"][0]) ** 0.1, np.sqrt(0.5), rtol=0.1)

# %% [markdown]
# With He's choice the signal arrives about as large as it left. With Xavier's, made for tanh, ReLU takes half of the mean square away at each layer, a factor $\sqrt{1/2} \approx 0.7$ for the rms. With 0.01, the mean square is multiplied by $200 \cdot 0.01^2 / 2 = 0.01$ at each layer, and after ten layers nothing is left to learn from. About one neuron in eight is dead whatever the scale, by chance: scaling changes no sign.
# A large rms alone is no signal, though: with the sigmoid, look how little a neuron still varies from sample to sample.

# %%
widgets.init_depth()

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "init-params-task"}
# ### Exercise 2.5 - Initial parameters (5 points, 25 minutes, core)
#
# `sizes` is a list of widths, such as `[784, 256, 10]`. Return a list with one pair for each layer: `W` of shape (fan-in, fan-out) and `b` of zeros, shape (fan-out,), all float64.
#
# `scheme` sets the variance of the weights: `"he"` 2 / fan-in, `"xavier"` 2 / (fan-in + fan-out), `"zeros"` 0. `distribution` is `"normal"` (mean 0) or `"uniform"` (from $-a$ to $a$, with $a = \sqrt{3 \cdot \text{variance}}$). Anything else raises a `ValueError`.
#
# Draw all random numbers from `rng`, a NumPy `Generator`, and from nothing else. For `sizes = [2, 3]` and Xavier, a uniform `W` has shape (2, 3) and values between $-1.095$ and $1.095$.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "init-params"}
def init_params(sizes, rng, scheme="he", distribution="normal"):
    """Initial weights and biases of a network.

    sizes: list of L + 1 int; rng: Generator; scheme: "he", "xavier" or "zeros"; distribution: "normal" or "uniform"
    returns: list of L pairs (W (D_l, D_l+1), b (D_l+1,)), float64
    raises: ValueError for another scheme or distribution
    """
    ### BEGIN SOLUTION
    if scheme not in ("he", "xavier", "zeros") or distribution not in ("normal", "uniform"):
        raise ValueError(f"unknown scheme or distribution: {scheme!r}, {distribution!r}")
    params = []
    for D, M in zip(sizes[:-1], sizes[1:], strict=True):
        std = np.sqrt({"he": 2 / D, "xavier": 2 / (D + M), "zeros": 0.0}[scheme])
        bound = np.sqrt(3) * std
        normal = distribution == "normal"
        W = rng.normal(0.0, std, (D, M)) if normal else rng.uniform(-bound, bound, (D, M))
        params.append((W, np.zeros(M)))
    return params
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 1, "grade_id": "init-params-check"}
params = init_params([200, 100, 10], np.random.default_rng(3))
check.equal(len(params), 2, what="the number of pairs (W, b) for three widths")
hints = {"return pairs (W, b), not a list of W and a list of b": [(200, 100), (100,)]}
check.equal([W.shape for W, b in params], [(200, 100), (100, 10)], what="the shapes of W", hints=hints)
check.equal([b.shape for W, b in params], [(100,), (10,)], what="the shapes of the biases")
check.close(params[0][1], np.zeros(100), what="the first bias")
spread = {"he": 0.1, "xavier": 0.08165, "zeros": 0.0}
causes = {"he": {"fan-out stands where fan-in belongs": 0.141421, "this is 1 / fan-in": 0.070711}}
causes["xavier"] = {"parentheses are missing: 2 / (fan-in + fan-out)": 10.0005}
for scheme, right in spread.items():
    for distribution in ("normal", "uniform"):
        W = init_params([200, 100], np.random.default_rng(4), scheme, distribution)[0][0]
        hints = {"the variance was used as the standard deviation: take its root": right**2}
        hints["the bound was set to the standard deviation, without the root of 3"] = right / np.sqrt(3)
        hints |= causes.get(scheme, {})
        named = [cause for cause, wrong in hints.items() if abs(W.std() - wrong) < 0.03 * wrong]
        told = f" Likely cause: {named[0]}." if named else ""
        told = f'The standard deviation of W with "{scheme}", "{distribution}" is {W.std():.4f}.{told}'
        check.that(abs(W.std() - right) <= 0.03 * right, told)  # one sigma is 0.5 %
        told = f'With "{scheme}", "{distribution}" the mean of W is {W.mean():.4f}, not near 0.'
        check.that(abs(W.mean()) < 0.005, told)
check.raises(ValueError, init_params, [2, 3], np.random.default_rng(5), "magic", what='scheme="magic"')
check.passed("init_params")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 4, "grade_id": "init-params-hidden"}
# Tested with layers that widen and narrow, both distributions, the form of each, a deep network, and on
# which random numbers are used.
### BEGIN HIDDEN TESTS
@check.student_side
def global_state_before_and_after(init_params, sizes, seed):
    """Evidence: what two calls with one seed gave, and NumPy's global random state after and before the second."""
    set_state, state = np.random.seed, np.random.get_state  # noqa: NPY002 (the old global one is what is looked at)
    first = init_params(sizes, np.random.default_rng(seed))
    set_state(12345)
    before = np.append(state()[1], state()[2])
    second = init_params(sizes, np.random.default_rng(seed))
    return first, second, np.append(state()[1], state()[2]), before


def variance(scheme, D, M):
    return {"he": 2 / D, "xavier": 2 / (D + M), "zeros": 0.0}[scheme]


rng = np.random.default_rng(205)
tested_shapes = [(150, 100), (50, 80), (80, 50), (64, 64), (4000, 1), (1, 4000)]
tested_kinds = [(scheme, form) for scheme in ("he", "xavier") for form in ("normal", "uniform")]
cases = [([D, M], rng, *kind) for D, M in tested_shapes for kind in tested_kinds]
cases += [([90, 30, 60, 9], rng), *(([3, 4, 2], rng, "zeros", form) for form in ("normal", "uniform"))]
cases += [([30] * 6, rng), ([30, 30], rng), ([30, 30], rng)]
*drawn, of_four, zeros_normal, zeros_uniform, deep, one, other = check.each(init_params, cases)
for ([D, M], _, scheme, distribution), ((W, b),) in zip(cases[: len(drawn)], drawn, strict=True):
    std, excess = np.sqrt(variance(scheme, D, M)), {"normal": 3.0, "uniform": 1.8}[distribution]
    which = f'of {D} x {M} weights with "{scheme}" and "{distribution}"'
    check.hidden.shape(W, (D, M), what=f"the array {which}")
    check.hidden.equal(
        (W.dtype.name, b.dtype.name), ("float64", "float64"), what="the dtypes of W and b"
    )
    check.hidden.close(b, np.zeros(M), what="a bias")
    hints = {"the variance is used as the standard deviation": std**2}
    hints["the root of 3 is left out of the bound, or once too often in it"] = std / np.sqrt(3)
    hints["fan-in and fan-out are exchanged"] = np.sqrt(variance(scheme, M, D))
    hints["this is 1 / fan-in"] = np.sqrt(1 / D)
    sigmas = 6 * std / np.sqrt(D * M)  # of the mean; the spread's is smaller
    named = {cause: value for cause, value in hints.items() if abs(value - std) > 2 * sigmas}
    named = {cause: value for cause, value in named.items() if abs(W.std() - value) < 2 * sigmas}
    cause = f" Likely cause: {next(iter(named))}." if named else ""
    far = abs(W.std() - std) > sigmas
    check.hidden.that(not far, f"the standard deviation {which} is not right.{cause}")
    check.hidden.within(W.mean(), -sigmas, sigmas, what=f"the mean {which}")
    fourth = ((W - W.mean()) ** 4).mean() / W.std() ** 4  # 3 for normal, 1.8 for uniform numbers
    check.hidden.within(fourth, excess - 0.6, excess + 0.6, what=f"the form of the distribution {which}")
    if distribution == "normal" and D * M > 14_000:  # one in 730 lies beyond 3.2 standard deviations
        check.hidden.within(np.abs(W).max(), 3.2 * std, 7 * std, what=f"the largest {which}")
    if distribution == "uniform":
        check.hidden.within(W, -np.sqrt(3) * std, np.sqrt(3) * std, what=f"every one {which}")

for (W, _), (D, M) in zip(of_four, [(90, 30), (30, 60), (60, 9)], strict=True):
    sigmas = 6 / np.sqrt(2 * D * M)  # of a standard deviation, as a share of it
    check.hidden.within(
        W.std() / np.sqrt(2 / D), 1 - sigmas, 1 + sigmas, what="the spread of each layer of four"
    )
for zeros in (zeros_normal, zeros_uniform):
    check.hidden.equal(check.kind(zeros), "list", what="the kind of the result")
    for (W, b), shape in zip(zeros, [(3, 4), (4, 2)], strict=True):
        check.hidden.equal(
            (W.dtype.name, b.dtype.name), ("float64", "float64"), what='the dtypes with "zeros"'
        )
        check.hidden.close(W, np.zeros(shape), what='W with "zeros"')
        check.hidden.close(b, np.zeros(shape[1]), what='b with "zeros"')

check.hidden.equal(len(deep), 5, what="the number of layers")
for i in range(5):
    for j in range(i):
        related = abs(np.corrcoef(deep[i][0].ravel(), deep[j][0].ravel())[0, 1])
        check.hidden.within(
            related, 0, 0.2, what="how alike two layers are (each needs its own numbers)"
        )
check.hidden.that(
    not np.array_equal(one[0][0], other[0][0]), "Two calls with one generator give the same numbers."
)

first, second, after, before = global_state_before_and_after(init_params, [6, 4, 3], 8)
for (W, _), (same_W, _) in zip(first, second, strict=True):
    check.hidden.close(W, same_W, what="W of a second call with a generator of the same seed")
same = np.array_equal(after, before)
check.hidden.that(same, "NumPy's global random state was used: draw from rng alone.")


@check.student_side
def log_rms_after(init_params, width, layers, seed):
    """Evidence: the log of the rms of what comes out of many ReLU layers."""
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(32, width))
    for W, b in init_params([width] * (layers + 1), rng):
        A = np.maximum(A @ W + b, 0)
    return float(np.log(np.sqrt((A**2).mean())))


# The spread of one net is 0.13, so that of the mean of three is a ninth of ln 2.
logs = check.each(log_rms_after, [(init_params, 128, 5, seed) for seed in (1, 2, 3)])
check.hidden.within(np.mean(logs), -np.log(2), np.log(2), what="the log of the rms after 5 ReLU layers")
wrong = [("magic",), ("he", "gamma"), ("He",), ("zeros", "Normal"), (None,)]
cases = [([2, 3], rng, *pair) for pair in wrong]
check.hidden.raises_each(ValueError, init_params, cases, what="another scheme or distribution")
### END HIDDEN TESTS

# %% [markdown]
# ## 2.5 The computation as a graph
#
# A forward pass computes number after number, each from earlier ones. Write down which comes from which, and you have a **computational graph**: a **node** for each number, and an arrow from each of the numbers that it was made of, its **parents**. Chapter 3 walks along these arrows backward to find all slopes at once.
#
# For the neuron $a = \mathrm{ReLU}(x_1 w_1 + x_2 w_2 + b)$:
#
# ```mermaid
# %%{init: {"themeVariables": {"lineColor": "#888888"}}}%%
# flowchart LR
#     accTitle: The graph of one neuron
#     accDescr: x1 and w1 lead to their product p1, x2 and w2 to p2; p1 and p2 lead to their sum s; s and b lead to z; z leads to a by ReLU.
#     x1 --> p1["p1 = x1 · w1"]
#     w1 --> p1
#     x2 --> p2["p2 = x2 · w2"]
#     w2 --> p2
#     p1 --> s["s = p1 + p2"]
#     p2 --> s
#     s --> z["z = s + b"]
#     b --> z
#     z --> a["a = ReLU(z)"]
# ```
#
# *The same in words: the products p1 and p2 are made of x and w, their sum is s, adding b gives z, and ReLU gives a.*

# %% [markdown]
# ### Example 2.8 - An order in which everything can be computed
#
# To compute a node, its parents must be there. An order in which every node comes after its parents is called a **topological order**. Python's standard library can find one, if we give it a dictionary from each node to its parents.

# %%
parents = {"p1": ["x1", "w1"], "p2": ["x2", "w2"], "s": ["p1", "p2"], "z": ["s", "b"], "a": ["z"]}
order = list(graphlib.TopologicalSorter(parents).static_order())
print(" ".join(order))
assert all(order.index(parent) < order.index(node) for node in parents for parent in parents[node])

# %% [markdown]
# With an order at hand, computing is a walk along it: here with the first hidden neuron of the little network and the sample $(1, 2)$.

# %%
values = {"x1": 1.0, "x2": 2.0, "w1": 1.0, "w2": 1.0, "b": 0.0}
rules = {"p1": np.multiply, "p2": np.multiply, "s": np.add, "z": np.add, "a": lambda z: np.maximum(z, 0)}
for node in order:
    if node in rules:
        values[node] = float(rules[node](*[values[parent] for parent in parents[node]]))
        print(f"{node} = {values[node]}")
assert values["a"] == 3.0

# %% [markdown]
# There may be several such orders, and all of them will do. What will *not* do is to go back from the end level by level and reverse the list: a node on a short and on a long path then comes after a node that needs it. Keep a stack instead, and look at its top: if one of its parents is not in the list yet, push that parent; otherwise move the top to the list. And a node that is used twice must appear once: in $n \cdot n$, both parents are the *same* node, while two nodes that happen to have equal values are two.

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "graph-task"}
# ### Exercise 2.6 - A computational graph (8 points, 45 minutes, stretch)
#
# **(a)** `Node(value, parents=(), op="")` stores these three. For nodes `m` and `n`, `m + n`, `m * n` and `n.relu()` give new nodes with the right `value`, the tuple of `parents` in order and `op` `"+"`, `"*"` or `"relu"`. Plain numbers may stand on either side, and become nodes without parents: `2 * n` has the parents (node of 2, n).
#
# **(b)** `topo_sort(root)` returns the list of all nodes that `root` depends on, each once, parents before children, `root` last. Any method will do that manages a chain of 3,200 nodes; Python allows about 1,000 nested calls.
#
# **(c)** `count_parameters(sizes)` counts weights and biases of a dense network: `[2, 2, 2]` has 12.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "graph"}
class Node:
    """A number that remembers how it was computed.

    value: float; parents: tuple of Node; op: "+", "*", "relu" or "" for a number that was given
    """

    def __init__(self, value, parents=(), op=""):
        ### BEGIN SOLUTION
        self.value, self.parents, self.op = value, tuple(parents), op
        ### END SOLUTION

    def __add__(self, other):
        ### BEGIN SOLUTION
        other = other if isinstance(other, Node) else Node(other)
        return Node(self.value + other.value, (self, other), "+")
        ### END SOLUTION

    def __radd__(self, other):
        """other + self, where other is a plain number."""
        ### BEGIN SOLUTION
        return Node(other) + self
        ### END SOLUTION

    def __mul__(self, other):
        ### BEGIN SOLUTION
        other = other if isinstance(other, Node) else Node(other)
        return Node(self.value * other.value, (self, other), "*")
        ### END SOLUTION

    def __rmul__(self, other):
        """other * self, where other is a plain number."""
        ### BEGIN SOLUTION
        return Node(other) * self
        ### END SOLUTION

    def relu(self):
        ### BEGIN SOLUTION
        return Node(max(self.value, 0.0), (self,), "relu")
        ### END SOLUTION


def topo_sort(root):
    """All nodes that root depends on, parents before children.

    root: Node; returns: list of Node, each once, root last
    """
    ### BEGIN SOLUTION
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, parents_done = stack.pop()
        if parents_done:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack += [(parent, False) for parent in node.parents]
    return order
    ### END SOLUTION


def count_parameters(sizes):
    """Number of weights and biases of a dense network. sizes: list of widths; returns: int."""
    ### BEGIN SOLUTION
    return sum((D + 1) * M for D, M in zip(sizes[:-1], sizes[1:], strict=True))
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 2, "grade_id": "graph-check"}
x1, w1, x2, w2, b = (Node(number) for number in (1.5, 2.0, 0.5, -8.0, 0.25))
p1, p2 = x1 * w1, x2 * w2
s = p1 + p2
z = s + b
a = z.relu()
values, hints = [n.value for n in (p1, p2, s, z, a)], {"relu changed its own node": [3, -4, -1, 0, 0]}
check.close(values, [3, -4, -1, -0.75, 0], what="the values of p1, p2, s, z and a", hints=hints)
check.equal([p1.op, s.op, a.op, b.op], ["*", "+", "relu", ""], what="the ops of p1, s, a and b")
check.close([n.value for n in p1.parents], [1.5, 2.0], what="the parents' values of x1 * w1")
check.close([n.value for n in (2 * x2).parents], [2.0, 0.5], what="the parents' values of 2 * x2")
both_sides = [(2 * x2).value, (x2 * 2).value, (x2 + 1).value, (1 + x2).value]
check.close(both_sides, [1.0, 1.0, 1.5, 1.5], what="2 * n, n * 2, n + 1 and 1 + n for n = 0.5")
order = [float(node.value) for node in topo_sort(a)]  # the ten values are all different
hints = {"root itself is missing": 9, "the nodes without parents are missing": 5}
check.equal(len(order), 10, what="the length of topo_sort(a)", hints=hints)
check.that(order[0] != 0.0, "topo_sort(a) begins with a itself: parents come first, a comes last.")
for child, parent in ((3.0, 1.5), (3.0, 2.0), (-1.0, 3.0), (-1.0, -4.0), (-0.75, -1.0), (0.0, -0.75)):
    told = f"In topo_sort(a), the node of value {child} comes before its parent of value {parent}."
    check.that(order.index(parent) < order.index(child), told)
hints = {"b was taken twice": 3}
check.equal(len(topo_sort(b * b)), 2, what="the length of topo_sort(b * b)", hints=hints)
hints = {"the biases are missing": 76, "the biases are counted per input": 92}
check.equal(count_parameters([4, 8, 4, 3]), 91, what="count_parameters([4, 8, 4, 3])", hints=hints)
check.passed("Node, topo_sort and count_parameters")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 6, "grade_id": "graph-hidden"}
# Tested with shared nodes, equal values, plain numbers on both sides, uneven paths, random graphs, and a
# chain of 3,200 nodes.
### BEGIN HIDDEN TESTS
counted = [
    ([3, 2], 8),
    ([1, 1], 2),
    ([5, 5, 5], 60),
    ([784, 256, 10], 203_530),
    ([7, 1, 4], 16),
    ([100_000, 100_000], 10_000_100_000),
]
answers = check.each(count_parameters, [(sizes,) for sizes, _ in counted])
for (sizes, expected), got in zip(counted, answers, strict=True):
    hints = {"the biases are missing": sum(D * M for D, M in zip(sizes[:-1], sizes[1:], strict=True))}
    check.hidden.equal(got, expected, what=f"count_parameters of {len(sizes) - 1} layers", hints=hints)


@check.student_side
def build(Node, topo_sort, leaves, recipe):
    """Evidence: a graph made by a recipe. Each step (op, i, j) makes a node of the nodes or numbers i and j.

    Returns values (N,), ops joined by |, the numbers of parents (N,), all parents in a row (as places), the places in
    topo_sort's order of the last node, the values of nodes in it that the recipe did not make, and its length.
    """
    nodes = [Node(value) for value in leaves]
    for op, i, j in recipe:
        if op == "relu":
            nodes.append(nodes[i].relu())
        else:
            left = nodes[i] if isinstance(i, int) else i
            right = nodes[j] if isinstance(j, int) else j
            nodes.append(left + right if op == "+" else left * right)
    place = {id(node): number for number, node in enumerate(nodes)}
    families = [[place.get(id(parent), -1) for parent in node.parents] for node in nodes]
    order = topo_sort(nodes[-1])
    return (
        tuple(float(node.value) for node in nodes),
        "|".join(node.op for node in nodes),
        tuple(len(family) for family in families),
        tuple(parent for family in families for parent in family),
        tuple(place[id(node)] for node in order if id(node) in place),
        tuple(float(node.value) for node in order if id(node) not in place),
        len(order),
    )


def replayed(leaves, recipe):
    """Values and parents of the same graph, and the places that the last node depends on."""
    values, parents, numbers = list(leaves), [[] for _ in leaves], [[] for _ in leaves]
    for op, i, j in recipe:
        used = [i] if op == "relu" else [i, j]
        got = [values[k] if isinstance(k, int) else k for k in used]
        values.append(
            max(got[0], 0.0) if op == "relu" else got[0] + got[1] if op == "+" else got[0] * got[1]
        )
        parents.append([k if isinstance(k, int) else -1 for k in used])
        numbers.append([k for k in used if not isinstance(k, int)])
    needed, waiting = set(), [len(values) - 1]
    while waiting:
        node = waiting.pop()
        if node >= 0 and node not in needed:
            needed.add(node)
            waiting += parents[node]
    return values, parents, needed, sorted(number for node in needed for number in numbers[node])


graphs = []


def tested(leaves, recipe, which):
    graphs.append((leaves, recipe, which))


tested([3.5], [], "a single node")
tested([-2.5], [("+", 0, 0)], "n + n")
tested([1.5], [("*", 0, 0), ("*", 1, 1)], "a square of a square")
tested([2.0, 2.0, 2.0], [("+", 0, 1), ("*", 3, 2)], "nodes of equal values")
tested([0.5, -1.5], [("*", 0, 1), ("+", 0, 1), ("+", 2, 3), ("relu", 4, 0)], "a diamond")
tested(
    [3.0], [("*", 2.0, 0), ("+", 1, 1.5), ("+", -4.0, 2), ("*", 3, 0.25)], "plain numbers on both sides"
)
long_way = [("relu", 0, 0), ("relu", 1, 0), ("relu", 2, 0), ("+", 0, 3), ("*", 4, 1)]
tested([1.25], long_way, "a short and a long path to one node")
tested(
    [1.25],
    [("relu", 0, 0), ("relu", 1, 0), ("relu", 2, 0), ("+", 3, 0), ("*", 1, 4)],
    "the paths exchanged",
)
tested([1.5], [("+", 0, 0.0), ("*", 1, 1.0), ("+", 0.0, 2), ("*", 1.0, 3)], "0 and 1 as plain numbers")
tested([1.0, 5.0, 7.0], [("+", 0, 1), ("*", 0, 1)], "a node that root does not need")

rng = np.random.default_rng(206)
for _ in range(12):
    leaves, recipe = rng.normal(size=3).round(3).tolist(), []
    for size in range(3, 3 + int(rng.integers(5, 30))):
        op = str(rng.choice(["+", "*", "relu"], p=[0.5, 0.3, 0.2]))
        i, j = (int(size - 1 - min(size - 1, rng.geometric(0.3) - 1)) for _ in range(2))
        recipe.append((op, i, 0 if op == "relu" else j))
    tested(leaves, recipe, "a random graph")


def same_graph(leaves, recipe, which, found):
    values, parents, needed, numbers = replayed(leaves, recipe)
    got, ops, counts, family, order, foreign, length = found
    check.hidden.close(got, values, what=f"the values of {which}")
    right_ops = [""] * len(leaves) + [op for op, _, _ in recipe]
    check.hidden.equal(ops, "|".join(right_ops), what=f"the ops of {which}")
    right_counts = [len(places) for places in parents]
    check.hidden.equal(counts, right_counts, what=f"the numbers of parents in {which}")
    in_a_row = [parent for places in parents for parent in places]
    check.hidden.equal(family, in_a_row, what=f"the parents of {which}")
    check.hidden.equal(length, len(needed) + len(numbers), what=f"the length of topo_sort for {which}")
    check.hidden.equal(len(set(order)), len(order), what=f"the number of different nodes for {which}")
    check.hidden.equal(set(order) == needed, True, what=f"whether topo_sort found all nodes of {which}")
    check.hidden.close(np.sort(foreign), numbers, what=f"the plain numbers in topo_sort for {which}")
    at = {node: position for position, node in enumerate(order)}
    early = [node for node in order for parent in parents[node] if parent >= 0 and at[parent] > at[node]]
    check.hidden.equal(early, [], what=f"the list of nodes that come before a parent, for {which},")
    check.hidden.equal(order[-1], len(values) - 1, what=f"the last node for {which}")


for (leaves, recipe, which), found in zip(
    graphs, check.each(build, [(Node, topo_sort, *graph[:2]) for graph in graphs]), strict=True
):
    same_graph(leaves, recipe, which, found)


@check.student_side
def long_chain(Node, topo_sort, start, steps):
    """Evidence: the values of n, n + n, n + n + n, ..., and the places in topo_sort's order (-1: unknown)."""
    nodes = [Node(start)]
    for _ in range(steps):
        nodes.append(nodes[-1] + nodes[0])
    place = {id(node): number for number, node in enumerate(nodes)}
    order = [place.get(id(node), -1) for node in topo_sort(nodes[-1])]
    return np.array([float(node.value) for node in nodes]), np.array(order)


got, places = long_chain(Node, topo_sort, 0.5, 3200)
check.hidden.close(got, 0.5 * np.arange(1, 3202), what="the values of a chain of 3,200 nodes")
check.hidden.equal(places, np.arange(3201), what="the order of a chain of 3,200 nodes")
### END HIDDEN TESTS

# %% [markdown]
# ## 2.6 The same with objects, and in PyTorch
#
# Your functions pass parameters around in lists. Libraries pack them into objects: a layer owns its parameters, and a network owns its layers.

# %% [markdown]
# ### Example 2.9 - A layer that owns its parameters
#
# `nn.Module` is PyTorch's base class for layers and networks. It finds every `nn.Parameter` among its attributes, so that `parameters()` can list them. Our layer keeps our convention (inputs, outputs). It also notes how many numbers it would have to keep for a backward pass: its inputs. Calling a layer, `layer(X)`, runs its `forward`.


# %%
class Dense(nn.Module):
    """A dense layer; counts the numbers that it would keep for the way back."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.W = nn.Parameter(nn.init.kaiming_normal_(torch.empty(inputs, outputs), mode="fan_out"))
        self.b = nn.Parameter(torch.zeros(outputs))
        self.kept = 0

    def forward(self, X):
        self.kept = X.numel()
        return X @ self.W + self.b


# %% [markdown]
# (`mode="fan_out"`, because PyTorch counts fan-in along the axis where `nn.Linear` has it, the second one.) Now a network for 28 × 28 images. Will the parameters or the numbers kept for the way back take more memory, for a batch of 64 and for one of 4,096?

# %%
network = nn.Sequential(Dense(784, 256), nn.ReLU(), Dense(256, 10))
parameters = sum(part.numel() for part in network.parameters())
for batch in (64, 4096):
    network(torch.rand(batch, 784))
    kept = sum(layer.kept for layer in network if isinstance(layer, Dense))
    print(
        f"batch of {batch:4}: {parameters:,} parameters, {kept:,} numbers kept, {4e-6 * kept:.1f} MB in float32"
    )
assert parameters == 203_530 and kept > 20 * parameters

# %% [markdown]
# The parameters are the same for any batch; what must be kept grows with it. When a training program runs out of memory, a smaller batch is the first thing to try.

# %% [markdown]
# ### Example 2.10 - The library's own layer and loss
#
# `nn.Linear` stores its weights the other way round, (outputs, inputs), and `F.cross_entropy` averages over the batch unless `reduction` says otherwise.

# %%
first, last = nn.Linear(2, 2), nn.Linear(2, 2)
with torch.no_grad():
    for layer, W, b in ((first, W1, b1), (last, W2, b2)):
        layer.weight.copy_(torch.from_numpy(W.T))
        layer.bias.copy_(torch.from_numpy(b))
little = nn.Sequential(first, nn.ReLU(), last).to(device)
output = little(torch.tensor([[1.0, 2.0], [3.0, -1.0]], device=device)).cpu()
print("logits:", output.tolist())
for how in ("none", "sum", "mean"):
    print(
        f'reduction="{how}":', F.cross_entropy(output, labels, reduction=how).detach().numpy().round(3)
    )
torch.testing.assert_close(output, torch.tensor([[1.0, 2.0], [2.0, -1.0]]))

# %% [markdown]
# The choice of `reduction` looks harmless, but it scales the loss, and with it every slope: the sum over a batch of 64 pushes 64 times as hard as the mean.

# %% [markdown]
# ## What to keep
#
# - A dense layer is $Z = XW + \mathbf{b}$: (N, D) times (D, M) gives (N, M), and `b` of shape (M,) goes to every row.
# - Traps without an error: (N,) against (N, 1), a sum without `keepdims`, `*` for `@`, views, integer arrays.
# - The forward pass keeps each layer's input and its pre-activation for the way back.
# - MSE for quantities, Huber if a few of them may be wrong, cross-entropy for classes. Fresh classifiers start near $\ln C$.
# - Cross-entropy takes logits. Log-sum-exp is safe, clipping is not.
# - He (2 / fan-in) for ReLU, Xavier for tanh. Never zero weights; biases start at 0.
# - A computational graph records what was made of what; a topological order says in which order to compute it.
#
# **Words of this chapter:** backward pass, cache, computational graph, cross-entropy, dead neuron, dense (fully connected) layer, fan-in, fan-out, Huber loss, log-sum-exp, loss, mean squared error (MSE), node, parents, reduction, rms, target, topological order, variance, view, Xavier and He initialisation.
#
# **Hand in.** Save the notebook, press *Validate* in its toolbar, then run `course submit 02` in JupyterLab's terminal.
#
# **Next:** [Chapter 3](../03_learning_algorithms/03_learning_algorithms.ipynb) makes the loss fall: slopes of every parameter, four ways to find them, and the loop that learns.
#
# ### Sources
#
# P. Huber (1964), *Annals of Mathematical Statistics* 35. Y. LeCun, L. Bottou, G. Orr and K.-R. Müller (1998), *Efficient BackProp*, in *Neural Networks: Tricks of the Trade*. X. Glorot and Y. Bengio (2010), *AISTATS*. K. He, X. Zhang, S. Ren and J. Sun (2015), *ICCV*.
