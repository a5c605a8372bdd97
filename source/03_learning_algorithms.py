# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Chapter 3: Learning Algorithms
#
# Chapter 2 ended with one number, the loss. This chapter makes it fall. You will find the slope of the loss for every weight, in four ways that agree, and train a network with them.
#
# **What you will be able to do**
#
# - Check any gradient by numbers, and say which errors the check itself makes.
# - Take steps downhill, with and without momentum, and tell a good learning rate from a bad one.
# - Push slopes back through dense layers, ReLU and cross-entropy, and find the fault in a wrong gradient.
# - Write an engine that differentiates any expression by itself, as PyTorch does.
# - Train with mini-batches, and read the curves that training leaves behind.
#
# You need Chapters 1 and 2.

# %% [markdown]
# The sections build on each other like this:
#
# ```mermaid
# %%{init: {"themeVariables": {"lineColor": "#888888"}}}%%
# flowchart LR
#     accTitle: The ideas of chapter 3
#     accDescr: A gradient says which way is down, gradient descent follows it, backpropagation finds it quickly, an autograd engine finds it for any expression, and mini-batches make a training loop of it.
#     A["gradient:<br>which way is down?"] --> B["gradient descent:<br>walk"]
#     A --> C["backpropagation:<br>find it fast"]
#     C --> D["autograd:<br>for any expression"]
#     B --> E["batches and epochs:<br>the training loop"]
#     D --> E
# ```
#
# *The same in words: the gradient says which way is down; gradient descent walks there. Backpropagation finds it fast, autograd for any expression. With batches and epochs this becomes the training loop.*

# %% nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "setup"}
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn  # noqa: F401 (your answers may use it)

import course_utils
from course_utils import check, data, nets, plot, widgets

# %% [markdown]
# ## 3.1 The gradient
#
# A function of one number has one slope at each point: how much it rises per unit to the right. The loss depends on many numbers, and has a slope for each of them while the others stay fixed: a **partial derivative**, written $\partial f / \partial x$. All of them together, in the shape of the parameters, are the **gradient** $\nabla f$. It points to where $f$ rises fastest.
#
# The most direct way to find a slope is to try: move one number a little, and see how the function changes. With a small $h$, there are two ways,
#
# $$ \frac{f(x + h) - f(x)}{h} \quad \text{(one-sided)}, \qquad \frac{f(x + h) - f(x - h)}{2h} \quad \text{(central)}. $$

# %% [markdown]
# ### Example 3.1 - How small should h be?
#
# The slope of $\sin$ at 1 is $\cos 1$, so we know the error of both ways exactly. The smaller $h$, the better: is that so?

# %%
h = 10.0 ** -np.arange(1, 15)
errors = {
    "one-sided": np.abs((np.sin(1 + h) - np.sin(1)) / h - np.cos(1)),
    "central": np.abs((np.sin(1 + h) - np.sin(1 - h)) / (2 * h) - np.cos(1)),
}
ax = plot.curves(h, errors, xlabel="h", ylabel="error of the slope")
ax.set(xscale="log", yscale="log")
best = {name: h[values.argmin()] for name, values in errors.items()}
plot.show(
    ax,
    f"best h: {best['one-sided']:.0e} one-sided, {best['central']:.0e} central; for smaller h the error grows again.",
)
assert (
    errors["central"].min() < 1e-10 < errors["one-sided"].min() and best["central"] > best["one-sided"]
)

# %% [markdown]
# For large $h$ the curve bends away from its tangent; for small $h$ the two values of $f$ agree in almost all digits, and their difference is mostly rounding. The central way loses less to the bend: its error falls with $h^2$, the other's with $h$. With $h = 10^{-5}$ it is right to about ten digits.
#
# It is also slow: two evaluations of $f$ for *each* parameter. So such differences serve to check gradients that were found in another way. To compare two gradients $a$ and $b$, we use the **relative error** $\max |a - b| \,/\, \max(|a| + |b|)$, where both maxima run over all entries. Below $10^{-7}$ in float64 we call them equal.

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "numerical-gradient-task"}
# ### Exercise 3.1 - A gradient by numbers (4 points, 20 minutes, core)
#
# **(a)** `numerical_gradient(f, x, h)`: `f` takes an array of the shape of `x` and returns a number. For each entry of `x`, call `f` twice, with that entry moved by $+h$ and by $-h$ and all others as they were, and take the central difference. The result is float64 in the shape of `x`, which may be any, also `()`.
#
# `x` may hold whole numbers; `f` must then get float64. Call `f` exactly twice per entry. Afterwards `x` must be bit for bit what it was, also if `f` raises an error.
#
# **(b)** `relative_error(a, b)` by the formula above, as a number; 0 if both arrays are all zeros.
#
# For $f(x) = x_1^2 + 3 x_2$ at `[2, 5]` the gradient is `[4, 3]`.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "numerical-gradient"}
def numerical_gradient(f, x, h=1e-5):
    """Central differences.

    f: function of an array like x, returns a number; x: any shape, float64 or whole numbers
    returns: float64 of the shape of x
    """
    ### BEGIN SOLUTION
    point = np.array(x, dtype=np.float64)
    gradient = np.zeros(point.shape)
    for place in np.ndindex(point.shape):
        kept = point[place]
        point[place] = kept + h
        above = f(point)
        point[place] = kept - h
        gradient[place] = (above - f(point)) / (2 * h)
        point[place] = kept
    return gradient
    ### END SOLUTION


def relative_error(a, b):
    """max |a - b| / max(|a| + |b|), 0 if both are 0. a, b: the same shape; returns: a number."""
    ### BEGIN SOLUTION
    size = np.max(np.abs(a) + np.abs(b))
    return np.max(np.abs(a - b)) / size if size > 0 else 0.0
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 1, "grade_id": "numerical-gradient-check"}
x = np.array([2.0, 5.0])
kept, calls = x.copy(), []


def bowl(x):
    calls.append(1)
    return x[0] ** 2 + 3 * x[1]


got = numerical_gradient(bowl, x)
hints = {"all entries were moved at once": [7.0, 7.0], "it is divided by h, not by 2h": [8.0, 6.0]}
hints["an entry was not moved back before the next one"] = [4.0, 6.0]
check.close(got, [4.0, 3.0], rtol=1e-7, what="the gradient of x1^2 + 3 x2 at [2, 5]", hints=hints)
check.unchanged(x, kept, what="x")
check.equal(len(calls), 4, what="the number of calls of f for two entries")
waves = numerical_gradient(lambda z: np.sin(z).sum(), np.array([[0.0, 1.0], [2.0, -1.0]]))
right = [[1.0, 0.5403023], [-0.4161468, 0.5403023]]
check.close(waves, right, rtol=1e-6, what="the gradient of the sum of sin(z)")
check.close(
    numerical_gradient(bowl, np.array([2, 5])), [4.0, 3.0], rtol=1e-7, what="the same for whole numbers"
)
hints = {"the largest of the ratios was taken": 0.333333, "sums were taken, not maxima": 0.052632}
hints["it was divided by the larger of |a| and |b|, not by |a| + |b|"] = 0.125
got = relative_error(np.array([1.0, 8.0]), np.array([2.0, 8.0]))
check.close(got, 0.0625, what="relative_error([1, 8], [2, 8])", hints=hints)
check.close(relative_error(np.zeros(3), np.zeros(3)), 0.0, what="relative_error of zeros")
check.passed("numerical_gradient and relative_error")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 3, "grade_id": "numerical-gradient-hidden"}
# Tested with arrays of no to three dimensions, whole numbers, other values of h, a count of the calls,
# and functions that raise.
### BEGIN HIDDEN TESTS
@check.student_side
def smooth(z):
    """A function whose central difference is right to 1e-9 and whose one-sided one is not."""
    z = np.asarray(z)
    return float(np.tanh(z).sum() + 0.5 * (z**2).sum() + (z.ravel() * np.cos(np.arange(z.size))).sum())


def slope_of_smooth(z):
    return 1 / np.cosh(z) ** 2 + z + np.cos(np.arange(z.size)).reshape(z.shape)


@check.student_side
def watched(numerical_gradient, f, x):
    """Evidence: the gradient, and copies of all that f was called with."""
    seen = []

    def f_seen(z):
        seen.append(np.array(z, copy=True))
        return f(z)

    return numerical_gradient(f_seen, x), seen


rng = np.random.default_rng(301)
tested_shapes = [(), (1,), (6,), (3, 4), (2, 1, 3)]
tested_points = [np.array(rng.normal(size=shape)) for shape in tested_shapes]
before = [x.copy() for x in tested_points]
walks = check.each(watched, [(numerical_gradient, smooth, x) for x in tested_points])
for shape, x, kept, (got, seen) in zip(tested_shapes, tested_points, before, walks, strict=True):
    which = f"for shape {shape}"
    one_sided = slope_of_smooth(kept) + 0.5e-5 * (1 - 2 * np.tanh(kept) / np.cosh(kept) ** 2)
    hints = {
        "the difference is one-sided": one_sided,
        "it is divided by h, not by 2h": 2 * slope_of_smooth(kept),
    }
    check.hidden.close(got, slope_of_smooth(kept), rtol=1e-7, what=f"the gradient {which}", hints=hints)
    check.hidden.equal(np.asarray(got).dtype.name, "float64", what="the dtype of the gradient")
    check.hidden.unchanged(x, kept, what="x")
    check.hidden.equal(len(seen), 2 * kept.size, what=f"the number of calls of f {which}")
    check.hidden.equal(sorted({z.shape for z in seen}), [shape], what="the shapes of what f gets")
    check.hidden.equal(
        sorted({z.dtype.name for z in seen}), ["float64"], what="the dtypes of what f gets"
    )
    moved = sorted({int((z != kept).sum()) for z in seen})
    check.hidden.equal(moved, [1], what="how many entries were moved in a call")


@check.student_side
def cube_of(z):
    return float((z**3).sum())


@check.student_side
def total_of(z):
    return float(z.sum())


table = rng.normal(size=(4, 6))
tested_tables = table.T, table[::2, ::-1], np.asfortranarray(table)
wholes = [np.array([[3, 2], [0, 7]], dtype=kind) for kind in ("int64", "int32", "int16", "uint8")]
minus_zero = np.array([-0.0, 1.0])
cases = [(smooth, x) for x in tested_tables] + [(cube_of, x) for x in wholes] + [(total_of, minus_zero)]
results = check.each(numerical_gradient, [*cases, (cube_of, np.array([1.0, 2.0]), 0.5)])
for x, got in zip(tested_tables, results[:3], strict=True):
    right = slope_of_smooth(np.ascontiguousarray(x))
    check.hidden.close(got, right, rtol=1e-7, what="another memory order")
for whole, got in zip(wholes, results[3:7], strict=True):
    right = 3.0 * np.array([[9.0, 4.0], [0.0, 49.0]])
    check.hidden.close(got, right, rtol=1e-7, atol=1e-8, what="the gradient at whole numbers")
    check.hidden.equal(whole.tolist(), [[3, 2], [0, 7]], what="x of whole numbers afterwards")
check.hidden.unchanged(minus_zero, np.array([-0.0, 1.0]), what="x")
what = "the gradient of a cube with h = 0.5, which has an error of h^2"
check.hidden.close(results[8], [3.25, 12.25], what=what)


@check.student_side
def broken(z):
    if z[1] > 2.0:
        raise ArithmeticError("as planned")
    return float(z.sum())


@check.student_side
def broken_below(z):
    if z[1] < 2.0:
        raise ArithmeticError("as planned")
    return float(z.sum())


@check.student_side
def after_an_error(numerical_gradient, f, x):
    """Evidence: the name of the error, and x afterwards, in the process where the array lives."""
    try:
        numerical_gradient(f, x)
    except Exception as error:
        return type(error).__name__, x
    return "nothing", x


cases = [(numerical_gradient, f, np.array([0.1, 2.0, 0.3])) for f in (broken, broken_below)]
for name, after in check.each(after_an_error, cases):
    check.hidden.equal(
        name, "ArithmeticError", what="the error that f raised, after numerical_gradient,"
    )
    check.hidden.unchanged(after, np.array([0.1, 2.0, 0.3]), what="x after an error in f")

cases, told = [], []
for shape in [(5,), (3, 2), ()]:
    a, b = np.array(rng.normal(size=shape)), np.array(rng.normal(size=shape))
    expected = np.abs(a - b).max() / (np.abs(a) + np.abs(b)).max()
    cases += [(a, b), (b, a), (1e-9 * a, 1e-9 * b), (a, a.copy())]
    told += [
        (expected, f"relative_error of shape {shape}"),
        (expected, "relative_error with its arguments exchanged"),
        (expected, "relative_error of tiny gradients"),
        (0.0, "relative_error of equal gradients"),
    ]
cases.append((np.array([3.0, 0.0]), np.zeros(2)))
told.append((1.0, "relative_error with zeros on one side"))
before = [(a.copy(), b.copy()) for a, b in cases]
for got, (expected, what) in zip(check.each(relative_error, cases), told, strict=True):
    check.hidden.close(got, expected, what=what)
for now, kept in zip(cases, before, strict=True):
    check.hidden.unchanged(now[0], kept[0], what="a")
    check.hidden.unchanged(now[1], kept[1], what="b")
got, complaints = check.quiet(relative_error, np.zeros((2, 2)), np.zeros((2, 2)))
check.hidden.close(got, 0.0, what="relative_error of zeros")
check.hidden.equal(complaints, [], what="the list of warnings for relative_error of zeros")
### END HIDDEN TESTS

# %% [markdown]
# ## 3.2 Gradient descent
#
# If you know which way is down, walk: subtract the gradient, times the learning rate $\eta$, again and again. With $\mathbf{x}$ and $\nabla f$ of one shape,
#
# $$ \mathbf{x}_{t+1} = \mathbf{x}_t - \eta \, \nabla f(\mathbf{x}_t) . $$
#
# This is **gradient descent**. For $f(x) = x^2$ with slope $2x$, every step multiplies $x$ by $1 - 2\eta$. Everything depends on that factor.

# %% [markdown]
# ### Example 3.2 - Four learning rates
#
# PyTorch's `SGD` (Section 3.5 explains the name) does the step, `backward` finds the slope, and `zero_grad` clears the one before. We let it walk on $x^2$, from $x = 1$, for 30 steps, and judge the path by what it did: does $|x|$ grow, does $x$ change sides, is it near 0 at the end? Before you run it, compute $1 - 2\eta$ for each and predict.


# %%
def walk(lr):
    x = torch.ones(1, dtype=torch.float64, requires_grad=True)
    optimizer, path = torch.optim.SGD([x], lr=lr), [1.0]
    for _ in range(30):
        optimizer.zero_grad()
        (x**2).sum().backward()  # finds the slope 2x
        optimizer.step()
        path.append(x.item())
    return np.array(path)


def verdict(path):
    if abs(path[-1]) > abs(path[0]):
        return "diverged"
    if (path[1:] * path[:-1] < 0).any():
        return "oscillating"
    return "slow" if abs(path[-1]) > 1e-3 else "converged"


# %%
paths = {lr: walk(lr) for lr in (0.01, 0.3, 0.95, 1.05)}
verdicts = {lr: verdict(path) for lr, path in paths.items()}
for lr, path in paths.items():
    print(f"lr {lr:4}: factor {1 - 2 * lr:5.2f}, x after 30 steps {path[-1]:9.1e}, {verdicts[lr]}")
sizes = {f"lr {lr}": np.abs(path) for lr, path in paths.items()}
ax = plot.curves(np.arange(31), sizes, xlabel="step", ylabel="distance from the minimum")
ax.set(yscale="log", ylim=(1e-6, 100))
plot.show(
    ax, "on a log axis each path is a straight line: down for a factor below 1 in size, up above 1."
)
assert list(verdicts.values()) == ["slow", "converged", "oscillating", "diverged"]

# %% [markdown]
# Above 0.5 learning slowly gets worse; at a limit it turns into an explosion. Here the limit is 1, where the factor becomes $-1$.

# %% [markdown]
# ### Example 3.3 - A narrow valley
#
# In different directions the loss bends differently. Take $f(x, y) = \frac12 (x^2 + \kappa\, y^2)$: in $y$ it bends $\kappa$ (kappa) times as much as in $x$, and $\kappa$ is called the **condition number**. The steep direction limits the learning rate to $2/\kappa$; the flat one then creeps. The best compromise is $\eta = 2/(1 + \kappa)$: in the long run, each step shrinks the distance by $(\kappa - 1)/(\kappa + 1)$. With momentum, described next, $(\sqrt\kappa - 1)/(\sqrt\kappa + 1)$ can be had, by the settings in the cell.
#
# **Momentum** helps. The walker keeps a velocity $\mathbf{v}$, of the shape of $\mathbf{x}$, which starts at 0:
#
# $$ \mathbf{v} \leftarrow m\,\mathbf{v} + \nabla f(\mathbf{x}), \qquad \mathbf{x} \leftarrow \mathbf{x} - \eta\,\mathbf{v} . $$
#
# Pushes that point the same way add up; those that alternate mostly cancel. This is PyTorch's convention (Polyak's *heavy ball*, 1964). Some books multiply the gradient by $1 - m$ as well: then the same $\eta$ means something else, and settings cannot be carried over.

# %%
kappa, bends = 25.0, torch.tensor([1.0, 25.0], dtype=torch.float64)
root = math.sqrt(kappa)
settings = {
    "plain": {"lr": 2 / (1 + kappa)},
    "momentum": {"lr": 4 / (1 + root) ** 2, "momentum": ((root - 1) / (root + 1)) ** 2},
}
valley = {}
for name, options in settings.items():
    place = torch.tensor([10.0, 1.0], dtype=torch.float64, requires_grad=True)
    optimizer, steps = torch.optim.SGD([place], **options), [place.tolist()]
    while np.hypot(*steps[-1]) > 1e-3:
        optimizer.zero_grad()
        (0.5 * bends * place**2).sum().backward()
        optimizer.step()
        steps.append(place.tolist())
    valley[name] = np.array(steps)
    print(f"{name}: {len(steps) - 1} steps to a distance of 0.001")
assert len(valley["momentum"]) < 0.5 * len(valley["plain"])

# %% [markdown]
# The picture shows the plain path zigzag across such a valley. Where does it begin to explode, and what does too much momentum look like?

# %%
widgets.descent()

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "gradient-descent-task"}
# ### Exercise 3.2 - Gradient descent with momentum (4 points, 20 minutes, stretch)
#
# `grad` takes a position of shape (D,) and returns the gradient there, also (D,). Start at `x0` with velocity 0 and take `steps` steps by the two formulas of Example 3.3; with `momentum = 0` they are plain gradient descent.
#
# Return the **trajectory**: float64 of shape (steps + 1, D), with `x0` in its first row and the position after each step in the next ones.
#
# Call `grad` exactly once per step, never stop early, and let numbers grow to infinity if they do (NumPy may warn). `x0` may hold whole numbers and must not change; `grad` always gets float64.
#
# For $f(x) = x^2$, `x0 = [1]`, `lr = 0.25`, `steps = 2`, the trajectory is `[[1], [0.5], [0.25]]`; with `momentum = 0.5` it is `[[1], [0.5], [0]]`.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "gradient-descent"}
def gradient_descent(grad, x0, lr, steps, momentum=0.0):
    """Gradient descent with heavy-ball momentum: v = m v + g, then x = x - lr v.

    grad: function, (D,) -> (D,); x0: (D,)
    returns: trajectory (steps + 1, D), float64
    """
    ### BEGIN SOLUTION
    x, v = np.array(x0, dtype=np.float64), 0.0
    trajectory = [x]
    for _ in range(steps):
        v = momentum * v + grad(x)
        x = x - lr * v
        trajectory.append(x)
    return np.array(trajectory)
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 1, "grade_id": "gradient-descent-check"}
calls = []


def slope(x):
    calls.append(1)
    return 2 * x


start = np.array([1.0, -2.0])
kept = start.copy()
path = gradient_descent(slope, start, 0.25, 2)
check.unchanged(start, kept, what="x0")
check.shape(path, (3, 2), what="the trajectory of 2 steps in 2 dimensions")
hints = {"a step must go against the gradient": [[1, -2], [1.5, -3], [2.25, -4.5]]}
hints["all rows are one and the same array"] = [[0.25, -0.5]] * 3
hints["x moved before the velocity was renewed"] = [[1, -2], [1, -2], [0.5, -1]]
check.close(path, [[1, -2], [0.5, -1], [0.25, -0.5]], what="the trajectory on x^2", hints=hints)
check.equal(len(calls), 2, what="the number of calls of grad for 2 steps")
heavy = gradient_descent(slope, np.array([1.0]), 0.25, 3, momentum=0.5)
hints = {"the gradient was multiplied by 1 - momentum": [[1], [0.75], [0.4375], [0.171875]]}
hints["momentum is not used"] = [[1], [0.5], [0.25], [0.125]]
hints["this is Nesterov's variant"] = [[1], [0.5], [0.125], [-0.03125]]
hints["the velocity remembers the last gradient alone"] = [[1], [0.5], [0], [-0.125]]
check.close(heavy, [[1], [0.5], [0], [-0.25]], what="the trajectory with momentum 0.5", hints=hints)
still = gradient_descent(slope, np.array([3.0]), 0.0, 4)
check.close(still, [[3.0]] * 5, what="the trajectory with lr = 0")
check.passed("gradient_descent")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 3, "grade_id": "gradient-descent-hidden"}
# Tested with one to five dimensions, several momenta, whole numbers, a gradient that is 0, one that makes
# the path explode, and on what the rows share.
### BEGIN HIDDEN TESTS
def heavy_ball(A, c, x0, lr, steps, momentum):
    """The same path from the two-step form x' = x - lr g + m (x - x before), without a velocity."""
    rows = [np.array(x0, dtype=float)]
    for t in range(steps):
        back = rows[t] - rows[t - 1] if t > 0 else np.zeros(len(rows[0]))
        rows.append(rows[t] - lr * (A @ rows[t] - c) + momentum * back)
    return np.stack(rows)


@check.student_side
def watched_walk(gradient_descent, A, c, x0, lr, steps, momentum):
    """Evidence: the path for the gradient A x - c, and copies of all places where it was asked for."""
    seen = []

    def grad(x):
        seen.append(np.array(x, copy=True))
        return A @ x - c

    return gradient_descent(grad, x0, lr, steps, momentum), seen


rng = np.random.default_rng(302)
cases = []
for D, steps in [(1, 5), (2, 8), (5, 12), (3, 1), (4, 0)]:
    B = rng.normal(size=(D, D))
    A, c, x0 = B @ B.T / D + np.eye(D), rng.normal(size=D), rng.normal(size=D)
    rates = [(0.1, 0.0), (0.05, 0.5), (0.02, 0.9), (0.07, 1.0)]
    for lr, momentum in rates if steps > 5 else rates[::3]:
        cases.append((A, c, x0, lr, steps, momentum))
whole, level_start = np.array([3, -5]), np.array([7.0, -1.0])
two_zeros = np.zeros(2)
cases += [
    (0.5 * np.eye(2), two_zeros, whole, 0.5, 4, 0.0),
    (np.zeros((2, 2)), two_zeros, level_start, 0.5, 6, 0.9),
]
before = [case[2].copy() for case in cases]
*paths, from_whole, still = check.each(watched_walk, [(gradient_descent, *case) for case in cases])
for (A, c, x0, lr, steps, momentum), kept, (got, seen) in zip(
    cases[:-2], before[:-2], paths, strict=True
):
    expected = heavy_ball(A, c, kept, lr, steps, momentum)
    which = f"for {len(kept)} dimensions, {steps} steps and momentum {momentum}"
    hints = {}
    if steps:
        hints["the first row must be x0"] = expected[[*range(1, steps + 1), steps]]
        hints["momentum is not used"] = heavy_ball(A, c, kept, lr, steps, 0.0)
        hints["the gradient is multiplied by 1 - momentum"] = heavy_ball(
            A, c, kept, lr * (1 - momentum), steps, momentum
        )
    check.hidden.close(got, expected, rtol=1e-9, what=f"the trajectory {which}", hints=hints)
    check.hidden.equal(len(seen), steps, what=f"the number of calls of grad {which}")
    if steps:
        check.hidden.close(seen, expected[:-1], rtol=1e-9, what=f"where grad was called {which}")
    check.hidden.unchanged(x0, kept, what="x0")
    check.hidden.equal(np.asarray(got).dtype.name, "float64", what="the dtype of the trajectory")

got, seen = from_whole
kinds = [place.dtype.name for place in seen]
check.hidden.equal(kinds, ["float64"] * 4, what="the dtypes of what grad gets")
check.hidden.close(
    got, np.outer(0.75 ** np.arange(5), [3, -5]), what="the trajectory from whole numbers"
)
check.hidden.equal(whole.tolist(), [3, -5], what="x0 of whole numbers afterwards")
flat, seen = still
check.hidden.equal(len(seen), 6, what="the number of calls of grad where it is 0")
check.hidden.close(
    flat, [[7.0, -1.0]] * 7, what="the trajectory where the gradient is 0 (never stop early)"
)


@check.student_side
def twice_of(x):
    return 2 * x


plain = gradient_descent(twice_of, np.array([1.0, 4.0]), 0.3, 8)
check.hidden.close(
    plain, np.outer(0.4 ** np.arange(9), [1.0, 4.0]), what="the trajectory without a momentum argument"
)


@check.student_side
def explode(gradient_descent, slope, lr, steps):
    """Evidence: a path that grows beyond float64, with NumPy's warnings off."""
    with np.errstate(all="ignore"):
        return gradient_descent(slope, np.array([1.0]), lr, steps)


far = explode(gradient_descent, twice_of, 100.0, 200)
check.hidden.shape(far, (201, 1), what="a trajectory that explodes")
check.hidden.close(far[:50, 0], (-199.0) ** np.arange(50), rtol=1e-9, what="a trajectory that explodes")
beyond = np.arange(201) * np.log10(199.0) > 308.25  # no float64 is as large
let_go = "A trajectory that explodes must be let go, to infinity or nan."
check.hidden.that(np.isfinite(far[~beyond]).all() and not np.isfinite(far[beyond]).any(), let_go)


@check.student_side
def with_one_buffer(gradient_descent, x0, steps):
    """Evidence: the path for a gradient function that always returns the same array, overwritten."""
    buffer = np.zeros(len(x0))

    def grad(x):
        buffer[:] = 2 * x
        return buffer

    return gradient_descent(grad, x0, 0.25, steps, 0.5)


expected = heavy_ball(2 * np.eye(2), np.zeros(2), [1.0, -3.0], 0.25, 5, 0.5)
got = with_one_buffer(gradient_descent, np.array([1.0, -3.0]), 5)
check.hidden.close(
    got, expected, what="the trajectory for a grad that overwrites the array it returned before"
)
### END HIDDEN TESTS

# %% [markdown]
# ## 3.3 Backpropagation: the chain rule, backward
#
# Central differences need two forward passes for each parameter. **Backpropagation** finds all slopes with one pass forward and one backward. It rests on two rules about a graph such as that of Chapter 2:
#
# - **Chain rule.** If $x$ moves $z$ and $z$ moves the loss $L$, the slopes multiply: $\frac{\partial L}{\partial x} = \frac{\partial L}{\partial z} \cdot \frac{\partial z}{\partial x}$. The second factor, which looks at one node only, is called a **local derivative**.
# - **Paths add.** If $x$ reaches the loss along several paths, their contributions are added.
#
# So we go from the loss backward, against the arrows. When a node's own slope is complete, it hands each parent that slope times the local derivative.

# %% [markdown]
# ### Example 3.4 - The chain rule, number by number
#
# One neuron with tanh, $a = \tanh(x_1 w_1 + x_2 w_2 + b)$, and the loss $L = (a - 1)^2$. First forward, then backward. Each line multiplies the slope of a later node by one local derivative (the products and sums on the way are skipped).

# %%
x1, x2, w1, w2, b = 1.0, 2.0, 0.5, -0.3, 0.2
z = x1 * w1 + x2 * w2 + b
a = math.tanh(z)
loss = (a - 1) ** 2

slope = {"a": 2 * (a - 1)}  # of (a - 1)^2
slope["z"] = slope["a"] * (1 - a**2)  # of tanh
slope["b"] = slope["z"] * 1  # of a sum: 1 for each part
slope["w1"] = slope["z"] * x1  # of a product: the other factor
slope["w2"] = slope["z"] * x2
for name, value in slope.items():
    print(f"slope of L with respect to {name:2}: {value:8.5f}")

# %% [markdown]
# PyTorch walks the same way. Its slopes must be the same, to the last digits:

# %%
w = torch.tensor([w1, w2, b], dtype=torch.float64, requires_grad=True)
((torch.tanh(x1 * w[0] + x2 * w[1] + w[2]) - 1) ** 2).backward()
print("slopes of w1, w2 and b by PyTorch:", w.grad.numpy().round(5))
assert np.allclose(w.grad, [slope["w1"], slope["w2"], slope["b"]], rtol=1e-12)

# %% [markdown]
# Step through it yourself: first the values fill in from left to right, then the slopes from right to left.

# %%
widgets.chain_rule()

# %% [markdown]
# ### A whole layer at once
#
# For a dense layer $Z = XW + \mathbf{b}$, suppose that the slopes of the loss with respect to $Z$ are known: `dZ`, shape (N, M), the **upstream gradient**. (In code, `dW` is short for "the slopes of the loss with respect to `W`"; it always has the shape of `W`.) Each $Z_{nm}$ contains $X_{nd} W_{dm}$, so the slope of $W_{dm}$ collects $X_{nd}\,dZ_{nm}$ from all samples:
#
# $$ dW_{dm} = \sum_n X_{nd} \, dZ_{nm}, \qquad db_m = \sum_n dZ_{nm}, \qquad dX_{nd} = \sum_m dZ_{nm} W_{dm} . $$
#
# The shapes tell you where a transpose belongs: `dW` is (D, M), made of `X` (N, D) and `dZ` (N, M). No division by N here: if the loss is a mean over samples, its $1/N$ is already in `dZ`.

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "dense-backward-task"}
# ### Exercise 3.3 - Dense layer backward (5 points, 25 minutes, core)
#
# Given `dZ` of shape (N, M) and the cache `(X, W)` of the forward pass, `X` (N, D) and `W` (D, M), return the tuple `(dX, dW, db)` by the three formulas above: shapes (N, D), (D, M) and (M,). `dW` and `db` are sums over the batch; nothing is divided by N. All arrays are float64. Change none of them.
#
# For `X = [[1, 2]]`, `W = [[1, 0, 2], [3, 1, -1]]`, `dZ = [[1, 10, 100]]`:
# `dX = [[201, -87]]`, `dW = [[1, 10, 100], [2, 20, 200]]`, `db = [1, 10, 100]`.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "dense-backward"}
def dense_backward(dZ, cache):
    """Backward pass of Z = X W + b.

    dZ: (N, M); cache: (X (N, D), W (D, M))
    returns: dX (N, D), dW (D, M), db (M,); the last two are sums over the batch
    """
    ### BEGIN SOLUTION
    X, W = cache
    return dZ @ W.T, X.T @ dZ, dZ.sum(axis=0)
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 1, "grade_id": "dense-backward-check"}
X, W = np.array([[1.0, 2.0], [0.0, -1.0]]), np.array([[1.0, 0.0, 2.0], [3.0, 1.0, -1.0]])
dZ = np.array([[1.0, 10.0, 100.0], [2.0, -3.0, 5.0]])
dX, dW, db = dense_backward(dZ, (X, W))
hints = {"dX and dW come in another order": [[1.0, 10.0, 100.0], [0.0, 23.0, 195.0]]}
hints["W was reshaped, not transposed"] = [[121.0, -70.0], [1.0, -14.0]]
hints["dX was masked: that is the business of ReLU's own backward pass"] = [[201.0, -87.0], [0.0, 0.0]]
right = [[1.0, 10.0, 100.0], [0.0, 23.0, 195.0]]
drifts = {"W was changed before it was used": dZ @ np.transpose(right)}
check.gradient(dX, [[201.0, -87.0], [12.0, -2.0]], batch=2, what="dX", hints=hints, drifts=drifts)
hints = {"X was used without its transpose": [[5.0, 4.0, 110.0], [-2.0, 3.0, -5.0]]}
hints["sums were multiplied; the products belong to one sample each"] = [[3.0, 7.0, 105.0]] * 2
check.gradient(dW, right, batch=2, what="dW", hints=hints)
hints = {"the sum runs over the neurons, not over the samples": [111.0, 4.0]}
check.gradient(db, [3.0, 7.0, 105.0], batch=2, what="db", hints=hints)

rng = np.random.default_rng(33)
X, W, dZ = rng.normal(size=(3, 4)), rng.normal(size=(4, 2)), rng.normal(size=(3, 2))
got = dense_backward(dZ, (X, W))
h = 1e-5
for array, slopes, name in ((X, got[0], "dX"), (W, got[1], "dW")):
    raised, lowered = array.copy(), array.copy()
    raised[1, 1], lowered[1, 1] = array[1, 1] + h, array[1, 1] - h
    above, below = (raised @ W, lowered @ W) if name == "dX" else (X @ raised, X @ lowered)
    rise = ((above - below) * dZ).sum() / (2 * h)
    check.close(slopes[1, 1], rise, rtol=1e-6, what=f"{name}[1, 1], held against the rise of the loss,")
check.passed("dense_backward")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 4, "grade_id": "dense-backward-hidden"}
# Tested with square and other shapes, one sample, one input, one neuron, other memory orders, and
# upstream gradients of any size.
### BEGIN HIDDEN TESTS
def layer_gradients(X, W, dZ):
    """The three sums, written as sums."""
    dX = (dZ[:, None, :] * W[None, :, :]).sum(axis=2)
    dW = (X[:, :, None] * dZ[:, None, :]).sum(axis=0)
    return dX, dW, np.array([column.sum() for column in dZ.T])


rng = np.random.default_rng(303)
cases, scales_of_dZ = [], []
tested_sizes = [(4, 3, 2), (5, 5, 5), (1, 4, 3), (6, 2, 1), (3, 1, 4), (4, 4, 2), (3, 2, 3), (1, 1, 1)]
for place, (N, D, M) in enumerate(tested_sizes):
    X, W = rng.normal(size=(N, D)), rng.normal(size=(D, M))
    scale_of_dZ = (1e-12, 1e6)[place % 2]
    upstream = (
        rng.normal(size=(N, M)),
        scale_of_dZ * rng.normal(size=(N, M)),
        np.arange(1.0, M + 1) + np.zeros((N, M)),
    )
    cases += [(dZ, (X, W)) for dZ in upstream]
    scales_of_dZ += [1.0, scale_of_dZ, 1.0]
before = [(X.copy(), W.copy(), dZ.copy()) for dZ, (X, W) in cases]
answers = check.each(dense_backward, cases)
for scale_of_dZ, (dZ, (X, W)), kept, results in zip(scales_of_dZ, cases, before, answers, strict=True):
    for now, then, name in zip((X, W, dZ), kept, ("X", "W", "dZ"), strict=True):
        check.hidden.unchanged(now, then, what=name)
    expected = layer_gradients(*kept)
    (N, D), M = X.shape, dZ.shape[1]
    which = f"for {N} samples, {D} inputs and {M} neurons"
    dtypes = [np.asarray(one).dtype.name for one in results]
    check.hidden.equal(dtypes, ["float64"] * 3, what="the dtypes of dX, dW and db")
    causes = [
        {},
        {},
        {"the sum runs over the neurons, not over the samples": dZ.sum(axis=1) / scale_of_dZ},
    ]
    causes[0]["it is the product element by element"] = (
        dZ * W / scale_of_dZ if dZ.shape == W.shape else np.nan
    )
    if D == M:
        causes[0]["W was used without its transpose"] = dZ @ W / scale_of_dZ
    if N == D:
        causes[1]["X was used without its transpose"] = X @ dZ / scale_of_dZ
    drifts = [{"W was changed before it was used": dZ @ expected[1].T}, {}, {}]
    for name, one, right, hints, drift in zip(
        ("dX", "dW", "db"), results, expected, causes, drifts, strict=True
    ):
        check.hidden.gradient(
            np.asarray(one) / scale_of_dZ,
            right / scale_of_dZ,
            batch=N,
            what=f"{name} {which}",
            hints=hints,
            drifts=drift,
        )

wide = rng.normal(size=(6, 8))
W, dZ = rng.normal(size=(3, 8)).T, np.asfortranarray(rng.normal(size=(3, 3)))
memory_orders = (
    wide[::2, ::-1],
    np.asfortranarray(wide[:3]),
    wide.T[:3, :1].repeat(8, axis=1),
    wide[:3].T.copy().T,
)
answers = check.each(
    dense_backward, [*[(dZ, (X, W)) for X in memory_orders], (2 * dZ, (memory_orders[-1], W))]
)
for X, results in zip(memory_orders, answers[:-1], strict=True):  # all are looked at after the last call
    for one, right in zip(results, layer_gradients(X, W, dZ), strict=True):
        check.hidden.gradient(
            one, right, batch=3, what="a gradient for arrays with another memory order"
        )
### END HIDDEN TESTS

# %% [markdown]
# ### ReLU and the loss
#
# ReLU acts on each number by itself, so its backward pass multiplies each upstream slope by 1 where $Z > 0$ and by 0 where $Z < 0$: a neuron that was off passes nothing back. What counts is the *pre-activation* $Z$, not the upstream slope.
#
# For softmax and cross-entropy together, the slopes collapse to something simple. With $L_n = \ln \sum_k e^{z_{nk}} - z_{n y_n}$ as the loss of sample $n$, the first part has the slope $e^{z_{nc}} / \sum_k e^{z_{nk}} = p_{nc}$, the softmax; the second takes away 1 at the right class. For the *mean* over N samples:
#
# $$ \frac{\partial L}{\partial z_{nc}} = \frac{1}{N} \big( p_{nc} - [c = y_n] \big), $$
#
# where $[c = y_n]$ is 1 at the right class and 0 elsewhere. Each row adds up to 0.

# %% [markdown]
# ### Example 3.5 - The little network, differentiated
#
# Now we have all pieces for the little network of Chapter 2, with both labels 1 and the loss 1.681. By hand, from the end to the beginning, with $Z_2$ for the logits and $Z_1$, $A_1$ before and after ReLU: the softmax of $(1, 2)$ is $(0.269, 0.731)$, so the first row of $dZ_2$ is $(0.269, -0.269)/2$. Then $dA_1 = dZ_2 W_2^\top$, the mask of ReLU makes it $dZ_1$, and the two layers give their slopes. The cell compares the results with slopes found by numbers (`approx_fprime` of SciPy, one-sided) and with PyTorch's.

# %%
little_X, little_y = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([1, 1])
little = {
    "W1": np.array([[1.0, -1.0], [1.0, 1.0]]),
    "b1": np.array([0.0, 1.0]),
    "W2": np.array([[1.0, -1.0], [-1.0, 2.0]]),
    "b2": np.array([0.0, 1.0]),
}
by_hand = {
    "W1": [[3.126664, -0.403412], [-0.414691, -0.806824]],
    "b1": [1.221516, -0.403412],
    "W2": [[1.355986, -1.355986], [0.268941, -0.268941]],
    "b2": [0.610758, -0.610758],
}


def little_loss(W1, b1, W2, b2):
    """The loss of the little network, for tensors."""
    hidden = torch.relu(torch.from_numpy(little_X) @ W1 + b1)
    return F.cross_entropy(hidden @ W2 + b2, torch.from_numpy(little_y))


# %%
from scipy.optimize import approx_fprime

by_numbers = {}
for name, value in little.items():

    def loss_of(flat, name=name, shape=value.shape):
        moved = little | {name: flat.reshape(shape)}
        return little_loss(**{key: torch.from_numpy(part) for key, part in moved.items()}).item()

    by_numbers[name] = approx_fprime(value.ravel(), loss_of).reshape(value.shape)
tensors = {name: torch.tensor(value, requires_grad=True) for name, value in little.items()}
little_loss(**tensors).backward()
by_torch = {name: tensor.grad.numpy() for name, tensor in tensors.items()}
print(f"{'':4}{'by hand':>10}{'by numbers':>12}   largest difference from PyTorch")
for name, right in by_torch.items():
    gaps = [np.abs(np.asarray(way[name]) - right).max() for way in (by_hand, by_numbers)]
    print(f"{name:4}{gaps[0]:10.0e}{gaps[1]:12.0e}")
    assert max(gaps) < 1e-6

# %% [markdown]
# Three ways, one gradient; by hand we kept six decimals. The fourth way, your own engine, follows in Section 3.4.
#
# Look at `W1` by hand: its second column gets nothing from the second sample, because the second neuron was off there.

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "loss-backward-task"}
# ### Exercise 3.4 - ReLU and cross-entropy backward (6 points, 30 minutes, core)
#
# **(a)** `relu_backward(dA, Z)`: `dA` and `Z` have shape (N, M), float64. Return `dA` where `Z > 0` and 0 where `Z < 0`; where `Z` is exactly 0, any factor from 0 to 1 will do.
#
# **(b)** `softmax_ce_backward(logits, y)`: the gradient of the *mean* cross-entropy, by the formula above. `logits` (N, C) is float64, `y` (N,) holds labels from 0 to C - 1 of any integer dtype, also unsigned. Return float64 (N, C). It must be right for logits of any size, without a warning.
#
# For `logits = [[0, 0]]` and `y = [1]` the answer to (b) is `[[0.5, -0.5]]`. Change no input.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "loss-backward"}
def relu_backward(dA, Z):
    """Backward pass of A = max(Z, 0). dA, Z: (N, M); returns: dZ (N, M)."""
    ### BEGIN SOLUTION
    return dA * (Z > 0)
    ### END SOLUTION


def softmax_ce_backward(logits, y):
    """Gradient of the mean cross-entropy with respect to the logits.

    logits: (N, C), y: (N,) integers from 0 to C - 1; returns: (N, C), rows add up to 0
    """
    ### BEGIN SOLUTION
    N, C = logits.shape
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = powers / powers.sum(axis=1, keepdims=True)
    return (p - np.eye(C)[y]) / N
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 2, "grade_id": "loss-backward-check"}
Z, dA = np.array([[2.0, -1.0], [-3.0, 0.5]]), np.array([[-5.0, 7.0], [11.0, 13.0]])
hints = {"dA was cut off at 0, by itself and not by Z": [[0.0, 7.0], [11.0, 13.0]]}
hints["the mask itself was returned, without dA"] = [[1.0, 0.0], [0.0, 1.0]]
hints["dA was multiplied by Z, not by the slope of ReLU"] = [[-10.0, 0.0], [0.0, 6.5]]
check.gradient(relu_backward(dA, Z), [[-5.0, 0.0], [0.0, 13.0]], what="relu_backward", hints=hints)

logits, y = np.array([[1.0, 2.0, 0.0], [2.0, -1.0, 1.0]]), np.array([1, 0])
kept, got = logits.copy(), softmax_ce_backward(logits, y)
hints = {"this is the softmax, without the label": [0.2447285, 0.665241, 0.0900306]}
hints["this is the softmax divided by N, without the label"] = [0.1223642, 0.3326205, 0.0450153]
hints["1 was subtracted from all classes"] = [-0.3776358, -0.1673795, -0.4549847]
hints["[:, y] takes columns of all samples"] = [-0.3776358, -0.1673795, 0.0450153]
hints["the slope of softmax was multiplied in once more"] = [0.0488755, -0.059892, 0.0110165]
hints["softmax was applied twice"] = [0.1479546, -0.2747034, 0.1267488]
hints["softmax ran over the samples, not over the classes"] = [0.1344707, -0.0237129, 0.1344707]
hints["this is the logarithm of softmax"] = [-0.703803, -0.703803, -1.203803]
hints["it is divided by C, not by N"] = [0.0815762, -0.1115863, 0.0300102]
right, what = [0.1223642, -0.1673795, 0.0450153], "the first row of softmax_ce_backward"
check.gradient(got[0], right, rtol=1e-5, batch=2, what=what, hints=hints)
check.close(got[1], [-0.1473077, 0.0175595, 0.1297482], rtol=1e-5, what="the second row")
check.unchanged(logits, kept, what="logits")
small = softmax_ce_backward(1000 * logits, y.astype(np.uint8))
check.close(
    small, np.zeros((2, 3)), what="the gradient of huge logits that are right, with labels of type uint8"
)
check.passed("relu_backward and softmax_ce_backward")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 4, "grade_id": "loss-backward-hidden"}
# Tested with one to many samples, two to nine classes, repeated labels of several integer types, huge
# logits, zeros in Z, and upstream slopes of either sign.
### BEGIN HIDDEN TESTS
def loss_slopes(logits, y):
    """(1 / sum_k exp(z_k - z_c) - [c = y]) / N, without a softmax in between."""
    gaps = logits[:, None, :] - logits[:, :, None]
    p = 1.0 / np.exp(np.minimum(gaps, 700.0)).sum(axis=2)
    return (p - (np.arange(logits.shape[1]) == np.asarray(y).astype(int)[:, None])) / len(y)


rng = np.random.default_rng(304)
for shape in [(4, 3), (1, 5), (6, 1), (3, 3)]:
    Z, dA = rng.normal(size=shape), rng.normal(size=shape)
    kept = Z.copy(), dA.copy()
    expected = np.where(kept[0] > 0, kept[1], 0.0)
    got = relu_backward(dA, Z)
    hints = {"the mask was made from dA, not from Z": np.where(kept[1] > 0, kept[1], 0.0)}
    hints["the mask is the wrong way round"] = kept[1] - expected
    check.hidden.gradient(got, expected, what=f"relu_backward for shape {shape}", hints=hints)
    check.hidden.unchanged(Z, kept[0], what="Z")
    check.hidden.unchanged(dA, kept[1], what="dA")
kink = relu_backward(np.array([[3.0, -2.0, 5.0]]), np.array([[0.0, 0.0, -1.0]]))
check.hidden.within(kink[0, 0], 0, 3, what="relu_backward where Z is 0")
check.hidden.within(kink[0, 1], -2, 0, what="relu_backward where Z is 0 and dA negative")
check.hidden.close(kink[0, 2], 0.0, what="relu_backward where Z is negative")
tiny = relu_backward(np.array([[4.0, 4.0]]), np.array([[1e-300, -1e-300]]))
check.hidden.close(tiny, [[4.0, 0.0]], what="relu_backward for tiny Z")

for N, C, kind in [
    (5, 3, "int64"),
    (4, 4, "int32"),
    (1, 6, "uint8"),
    (64, 2, "int8"),
    (7, 9, "uint16"),
    (3, 3, "uint64"),
    (300, 3, "uint8"),
]:
    logits, y = 2.0 * rng.normal(size=(N, C)), rng.integers(C, size=N).astype(kind)
    y[-1] = y[0]
    kept = logits.copy(), y.copy()
    expected = loss_slopes(*kept)
    got = softmax_ce_backward(logits, y)
    p = N * expected + (np.arange(C) == kept[1].astype(int)[:, None])
    hints = {"the label is not taken into account": p / N, "the softmax itself was returned": p}
    jacobian = N * expected * p - p * (N * expected * p).sum(axis=1, keepdims=True)
    hints["the slope of softmax is multiplied in once more"] = jacobian / N
    which = f"for {N} samples, {C} classes and {kind} labels"
    check.hidden.gradient(got, expected, batch=N, what=f"softmax_ce_backward {which}", hints=hints)
    check.hidden.equal(np.asarray(got).dtype.name, "float64", what="the dtype of softmax_ce_backward")
    check.hidden.unchanged(logits, kept[0], what="logits")
    check.hidden.unchanged(y, kept[1], what="y")
for size in (800.0, 1e5):
    table = np.array([[size, -size, 0.0], [-size, -size, -size], [0.5, 0.0, -size], [-size, size, size]])
    for y in (np.array([0, 1, 2, 1]), np.array([1, 2, 0, 0])):
        before = table.copy()
        got, complaints = check.quiet(softmax_ce_backward, table, y)
        check.hidden.unchanged(table, before, what="logits")
        check.hidden.gradient(
            got, loss_slopes(table, y), batch=4, what="softmax_ce_backward of huge logits"
        )
        check.hidden.equal(complaints, [], what="the list of warnings for huge logits")
### END HIDDEN TESTS

# %% [markdown]
# ## 3.4 An engine that differentiates by itself
#
# The rules are always the same two, so a program can apply them: remember at each operation what was made of what, with the local derivatives, and walk back. This is called **automatic differentiation**, in short **autograd**.

# %% [markdown]
# ### Example 3.6 - What PyTorch's autograd does
#
# A tensor with `requires_grad=True` remembers. `backward()` walks from the loss back to such tensors and *adds* each slope to their `.grad`. Adding is right within one walk, because paths add. But it also adds the slopes of the *next* walk, if nobody sets them to zero in between. What will the second line print?

# %%
w = torch.tensor(3.0, requires_grad=True)
for walk_number in (1, 2):
    (w * w).backward()
    print(f"after walk {walk_number}: {w.grad.item()}")
assert w.grad == 12

# %% [markdown]
# The slope of $w^2$ at 3 is 6; after two walks `.grad` holds 12. So a training loop clears the slopes before each backward pass. Also, the update itself must not be remembered as a part of the computation: that is what `no_grad` is for. Here is one whole step on the little network:

# %%
device = course_utils.device()
inputs = torch.tensor(little_X, dtype=torch.float32, device=device)
labels = torch.tensor(little_y, device=device)
parts = {
    name: torch.tensor(value, dtype=torch.float32, device=device).requires_grad_()
    for name, value in little.items()
}


def forward_loss():
    hidden = torch.relu(inputs @ parts["W1"] + parts["b1"])
    return F.cross_entropy(hidden @ parts["W2"] + parts["b2"], labels)


before = forward_loss()
before.backward()
with torch.no_grad():
    for part in parts.values():
        part -= 0.1 * part.grad
        part.grad = None  # the next walk starts from nothing
after = forward_loss()
print(f"loss before the step {before.item():.3f}, after it {after.item():.3f}")
assert after < before

# %% [markdown]
# Forward, backward, step, clear: these four acts are the heart of every training loop in this course (clearing may also stand first).
#
# Your engine will work on single numbers. One design is enough for all operations: every result keeps its parents, each with the local derivative. For $c = a \cdot b$: parent $a$ with derivative $b$, parent $b$ with derivative $a$. `backward` puts the nodes into a topological order (Exercise 2.6), and goes through it from the end.

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "value-task"}
# ### Exercise 3.5 - Your own autograd (9 points, 60 minutes, stretch)
#
# `Value(data)` holds a number `data` (float) and its slope `grad` (float, 0.0 at first). Write `+`, `-`, `*`, `/`, unary minus, `**` with a plain number as exponent, and the methods `relu`, `tanh`, `exp` and `log`. Each gives a new `Value`. Plain numbers may stand on either side: `2 - v`, `1 / v`.
#
# `v.backward()` *adds* to the `grad` of each **leaf**, a `Value` that you made yourself and not by an operation, the slope of `v` with respect to it. Two calls add twice; results in between start each walk at 0. At 0, `relu` may have any slope from 0 to 1. A chain of 3,000 operations must work.
#
# For `a = Value(2)`, `b = a * a + 3 * a`, `b.backward()`: `b.data` is 10, `a.grad` is 7.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "value"}
class Value:
    """A number that can differentiate what was computed from it.

    data: float; grad: float, the slope of the last results with respect to this number
    """

    def __init__(self, data):
        ### BEGIN SOLUTION
        self.data, self.grad, self._parents = float(data), 0.0, ()
        ### END SOLUTION

    def __add__(self, other):
        ### BEGIN SOLUTION
        other = _value(other)
        return _made(self.data + other.data, (self, 1.0), (other, 1.0))
        ### END SOLUTION

    def __radd__(self, other):
        ### BEGIN SOLUTION
        return self + other
        ### END SOLUTION

    def __neg__(self):
        ### BEGIN SOLUTION
        return _made(-self.data, (self, -1.0))
        ### END SOLUTION

    def __sub__(self, other):
        ### BEGIN SOLUTION
        return self + (-_value(other))
        ### END SOLUTION

    def __rsub__(self, other):
        ### BEGIN SOLUTION
        return _value(other) - self
        ### END SOLUTION

    def __mul__(self, other):
        ### BEGIN SOLUTION
        other = _value(other)
        return _made(self.data * other.data, (self, other.data), (other, self.data))
        ### END SOLUTION

    def __rmul__(self, other):
        ### BEGIN SOLUTION
        return self * other
        ### END SOLUTION

    def __truediv__(self, other):
        ### BEGIN SOLUTION
        return self * _value(other) ** -1
        ### END SOLUTION

    def __rtruediv__(self, other):
        ### BEGIN SOLUTION
        return _value(other) / self
        ### END SOLUTION

    def __pow__(self, exponent):
        """self ** exponent, where exponent is a plain number."""
        ### BEGIN SOLUTION
        return _made(self.data**exponent, (self, exponent * self.data ** (exponent - 1)))
        ### END SOLUTION

    def relu(self):
        ### BEGIN SOLUTION
        return _made(max(self.data, 0.0), (self, float(self.data > 0)))
        ### END SOLUTION

    def tanh(self):
        ### BEGIN SOLUTION
        t = math.tanh(self.data)
        return _made(t, (self, 1.0 - t * t))
        ### END SOLUTION

    def exp(self):
        ### BEGIN SOLUTION
        e = math.exp(self.data)
        return _made(e, (self, e))
        ### END SOLUTION

    def log(self):
        ### BEGIN SOLUTION
        return _made(math.log(self.data), (self, 1.0 / self.data))
        ### END SOLUTION

    def backward(self):
        """Add the slope of self with respect to each leaf that it was made of to that leaf's grad."""
        ### BEGIN SOLUTION
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, parents_done = stack.pop()
            if parents_done:
                order.append(node)
            elif id(node) not in seen:
                seen.add(id(node))
                stack.append((node, True))
                stack += [(parent, False) for parent, _ in node._parents]
        for result in order:
            result.grad = 0.0 if result._parents else result.grad
        self.grad += 1.0
        for node in reversed(order):
            for parent, local in node._parents:
                parent.grad += local * node.grad


def _value(number):
    return number if isinstance(number, Value) else Value(number)


def _made(data, *parents):
    result = Value(data)
    result._parents = parents
    return result
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 3, "grade_id": "value-check"}
a, b, c = Value(2.0), Value(-3.0), Value(10.0)
e = 2 - a * b / c + (-a).exp() + c.log() + b.relu()
e.backward()
check.close(e.data, 5.0379204, rtol=1e-6, what="the data of a long expression")
hints = {"slopes were assigned (=)": [-0.1353353, 0, 0.1], "the walk left them out": [0, 0, 0]}
hints["the slope of a divisor has a minus sign: -a / c^2"] = [0.1646647, -0.2, 0.16]
hints["the slope of a divisor contains the numerator: -a / c^2"] = [0.1646647, -0.2, 0.11]
right, what = [0.1646647, -0.2, 0.04], "the slopes of a, b and c in it"
check.gradient([a.grad, b.grad, c.grad], right, rtol=1e-6, what=what, hints=hints)
e.backward()
hints = {"the second walk replaced the first": 0.04, "results in between kept their slopes": -0.02}
check.gradient(c.grad, 0.08, rtol=1e-6, what="the slope of c after a second walk", hints=hints)
alone = {"v ** 3": (lambda v: v**3, 1.92, 0.64, "the factor in front of the power is missing")}
alone["v.tanh()"] = lambda v: v.tanh(), 0.5590552, 0.36, "the result belongs here, not the input"
for name, (build, right, wrong, cause) in alone.items():
    v = Value(0.8)
    build(v).backward()
    what = f"the slope of v = 0.8 in {name}"
    check.gradient(v.grad, right, rtol=1e-5, what=what, hints={cause: wrong})
v = Value(3.0)
square = v * v
((square + 1) * square).backward()
hints = {"a result handed its slope on too early": 228.0, "the slope of s was not complete": 60.0}
check.gradient(v.grad, 114.0, what="the slope of v = 3 in (s + 1) * s with s = v * v", hints=hints)
check.passed("Value")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 6, "grade_id": "value-hidden"}
# Tested with shared and repeated values, plain numbers on both sides, equal values, repeated calls, two
# results of one computation, random expressions, and a chain of 3,000 operations.
### BEGIN HIDDEN TESTS
def operate(op, left, right):
    """One step of a recipe, for Values and for tensors."""
    if op == "+":
        return left + right
    if op == "-":
        return left - right
    if op == "*":
        return left * right
    if op == "/":
        return left / right
    if op == "**":
        return left**right
    return -left if op == "neg" else getattr(left, op)()


@check.student_side
def run(Value, leaves, recipe, roots):
    """Evidence: data of all nodes, and the grad of all leaves after backward of the roots in turn.

    A step (op, i, j) works on the nodes of places i and j; a float stands for itself.
    """

    def step(op, left, right):
        table = {
            "+": lambda: left + right,
            "-": lambda: left - right,
            "*": lambda: left * right,
            "/": lambda: left / right,
            "**": lambda: left**right,
            "neg": lambda: -left,
        }
        return table[op]() if op in table else getattr(left, op)()

    nodes = [Value(number) for number in leaves]
    for op, i, j in recipe:
        nodes.append(
            step(op, nodes[i] if isinstance(i, int) else i, nodes[j] if isinstance(j, int) else j)
        )
    for root in roots:
        nodes[root].backward()
    slopes = [float(node.grad) for node in nodes[: len(leaves)]]
    return [float(node.data) for node in nodes], slopes, len({id(node) for node in nodes})


def walks_of_torch(leaves, recipe, roots):
    nodes = [torch.tensor(float(number), dtype=torch.float64, requires_grad=True) for number in leaves]
    for op, i, j in recipe:
        left, right = (nodes[k] if isinstance(k, int) else k for k in (i, j))
        nodes.append(operate(op, left, right))
    for root in roots:
        nodes[root].backward(retain_graph=True)
    slopes = [0.0 if node.grad is None else node.grad.item() for node in nodes[: len(leaves)]]
    return [node.item() for node in nodes], slopes


def assigned(leaves, recipe, data, root):
    """The slopes of an engine that writes = where += belongs."""
    slopes = [0.0] * len(data)
    slopes[root] = 1.0
    for place in reversed(range(len(leaves), root + 1)):
        op, *used = recipe[place - len(leaves)]
        for position in range(1 if op in ("neg", "relu", "tanh", "exp", "log", "**") else 2):
            numbers = [float(data[k] if isinstance(k, int) else k) for k in used]
            tensors = [
                torch.tensor(number, dtype=torch.float64, requires_grad=True) for number in numbers
            ]
            if isinstance(used[position], int):
                local = torch.autograd.grad(operate(op, *tensors), tensors[position])[0].item()
                slopes[used[position]] = slopes[place] * local
    return slopes[: len(leaves)]


cases = []


def tested(leaves, recipe, which, roots=(-1,)):
    size = len(leaves) + len(recipe)
    cases.append((leaves, recipe, [root % size for root in roots], which))


tested([1.5], [("+", 0, 0)], "v + v")
tested([1.5, 7.0], [("*", 0, 0)], "v * v, with a value that is not used")
tested([-1.5, 0.4], [("*", 0, 1), ("+", 0, 1), ("*", 2, 3), ("tanh", 4, 0)], "a diamond")
tested([2.0, 2.0], [("*", 0, 1), ("exp", 2, 0), ("-", 3, 0)], "values that are equal")
tested([0.7], [("+", 3.0, 0), ("-", 2.0, 1), ("*", 4.0, 2), ("/", 5.0, 3)], "plain numbers on the left")
tested([0.7], [("+", 0, 0.0), ("*", 1, 1.0), ("-", 2, 0.0), ("/", 3, 1.0)], "0 and 1 as plain numbers")
tested([0.7], [("+", 0, 3.0), ("-", 1, 2.5), ("*", 2, 4.0), ("/", 3, 5.0)], "plain numbers on the right")
tested([1.7, -0.6], [("/", 0, 1), ("-", 2, 0), ("neg", 3, 0)], "a quotient, a difference and a minus")
for exponent in (2.0, 3.0, -1.0, -2.5, 0.5, 0.0):
    tested([1.3], [("**", 0, exponent), ("*", 1, 0)], "a power")
tested([-1.4], [("**", 0, 3.0), ("**", 0, 2.0), ("+", 1, 2)], "powers of a negative number")
tested(
    [-0.8, 0.9], [("relu", 0, 0), ("relu", 1, 0), ("*", 3, 1), ("+", 4, 2)], "relu on both sides of 0"
)
tested([2.5], [("log", 0, 0), ("exp", 1, 0), ("tanh", 2, 0)], "log, exp and tanh in a row")
tested([1.2, 0.3], [("*", 0, 1), ("exp", 2, 0), ("*", 3, 2)], "two walks from one result", (-1, -1))
tested([1.2, 0.3], [("*", 0, 1), ("exp", 2, 0), ("*", 3, 2)], "five walks from one result", (-1,) * 5)
shared = [("*", 0, 0), ("tanh", 1, 0), ("*", 1, 3.0)]
tested([0.6], shared, "two results of one computation", (-1, -2))
tested([0.6], shared, "a result in between, then the last one", (1, -1))
tested([4.0], [], "a value itself", (-1, -1))

rng = np.random.default_rng(305)
for _ in range(14):
    leaves, recipe = rng.uniform(0.5, 1.5, size=3).round(3).tolist(), []
    for size in range(3, 3 + int(rng.integers(4, 18))):
        op = str(rng.choice(["+", "-", "*", "/", "tanh", "relu", "neg", "+", "*"]))
        i = int(size - 1 - min(size - 1, rng.geometric(0.35) - 1))
        j = round(rng.uniform(0.5, 2), 2) if rng.random() < 0.25 else int(rng.integers(size))
        if op == "/":
            j = round(rng.uniform(0.5, 2), 2) if rng.random() < 0.5 else int(rng.integers(3))
        recipe.append((op, i, i if op in ("tanh", "relu", "neg") else j))
    tested(leaves, recipe, "a random expression")


def agrees(leaves, recipe, roots, which, found):
    numbers, slopes, different = found
    right_data, right = walks_of_torch(leaves, recipe, roots)
    check.hidden.close(numbers, right_data, rtol=1e-9, what=f"the data of {which}")
    check.hidden.equal(different, len(numbers), what=f"the number of different Values in {which}")
    hints = {} if recipe else {"each walk adds 1 to the slope of a leaf itself": [1.0]}
    if len(roots) == 1 and not np.allclose(slopes, right, rtol=1e-9):
        wrong = assigned(leaves, recipe, right_data, roots[0])
        if not np.allclose(wrong, right):
            hints["a slope was assigned (=) where it must be added (+=): paths add"] = wrong
    check.hidden.gradient(slopes, right, rtol=1e-9, what=f"the slopes of {which}", hints=hints)


for case, found in zip(cases, check.each(run, [(Value, *case[:3]) for case in cases]), strict=True):
    agrees(*case, found)


@check.student_side
def chained(Value, start, length):
    """Evidence: data, slope of the leaf and number of different Values of a long chain."""
    nodes = [Value(start)]
    for k in range(length):
        nodes.append(nodes[-1] * nodes[0] if k % 2 else nodes[-1] + nodes[0])
    nodes[-1].backward()
    return float(nodes[-1].data), float(nodes[0].grad), len({id(node) for node in nodes})


got, moved, different = chained(Value, 0.999, 3000)
right, slope = 0.999, 1.0
for _ in range(1500):
    right, slope = (right + 0.999) * 0.999, (slope + 1) * 0.999 + right + 0.999
check.hidden.close(got, right, rtol=1e-9, what="the data of 3,000 operations")
check.hidden.equal(different, 3001, what="the number of different Values in 3,000 operations")
check.hidden.close(moved, slope, rtol=1e-9, what="the slope of 3,000 operations")


@check.student_side
def sum_in_a_loop(Value, start, length):
    """Evidence: the slope and the data of a sum that grows step by step."""
    steps, total = Value(start), Value(0.0)
    for k in range(length):
        total = total + steps * float(k)
    total.backward()
    return steps.grad, total.data


moved, got = sum_in_a_loop(Value, 0.5, 5)
check.hidden.close([moved, got], [10.0, 5.0], what="a sum built in a loop")
check.hidden.equal(check.kind(moved), "float", what="the kind of grad")
check.hidden.equal(check.kind(Value(2).data), "float", what="the kind of data of Value(2)")
### END HIDDEN TESTS

# %% [markdown]
# With your engine, the table of Example 3.5 gets its fourth column. This cell waits until `Value` is written, then builds the loss of the little network from single numbers.


# %%
def sums(row, W, b):
    return [sum(x * weights[m] for x, weights in zip(row, W, strict=True)) + b[m] for m in range(2)]


try:
    nodes = {
        name: [[Value(v) for v in row] for row in np.atleast_2d(part)] for name, part in little.items()
    }
    losses = []
    for row, label in zip(little_X.tolist(), little_y, strict=True):
        hidden = [z.relu() for z in sums(row, nodes["W1"], nodes["b1"][0])]
        out = sums(hidden, nodes["W2"], nodes["b2"][0])
        losses.append(sum(z.exp() for z in out).log() - out[label])
    (sum(losses) / 2).backward()
    for name, right in by_torch.items():
        mine = np.array([[v.grad for v in row] for row in nodes[name]]).reshape(right.shape)
        gaps = [np.abs(way - right).max() for way in (by_hand[name], by_numbers[name], mine)]
        print(
            f"{name}: by hand {gaps[0]:.0e}, by numbers {gaps[1]:.0e}, your engine {gaps[2]:.0e}, PyTorch 0"
        )
except NotImplementedError:
    print("Value is not written yet: come back to this cell after Exercise 3.5.")

# %% [markdown]
# ## 3.5 Batches
#
# The loss of the whole training set needs every sample for each step. A **mini-batch** (often just *batch*) of B samples gives a gradient that is cheaper, and off by chance. Descent with such gradients is called **stochastic gradient descent**, SGD. Each epoch puts the samples into a new random order and cuts it into batches, so every sample is used once.


# %% [markdown]
# ### Example 3.7 - How wrong is a small batch?
#
# We compare the gradients of random batches with that of all 512 samples, for a fresh network (`nets.mlp`, from our toolbox: dense layers with ReLU between them, He weights), and measure the angle between the two directions: 0° is perfect, 90° is useless. How do you expect the angle to change when the batch gets four times as large?

# %%
moons_t, labels_t = nets.tensors(*data.moons(512, noise=0.2, rng=np.random.default_rng(37)))


def direction(network, chosen):
    loss = F.cross_entropy(network(moons_t[chosen]), labels_t[chosen])
    return torch.cat(
        [slopes.ravel() for slopes in torch.autograd.grad(loss, list(network.parameters()))]
    )


# %%
network, rng, angles = nets.mlp([2, 32, 2], seed=7), np.random.default_rng(8), {}
whole = direction(network, np.arange(512))
for batch_size in (1, 4, 16, 64, 256):
    batches = [rng.choice(512, batch_size, replace=False) for _ in range(40)]
    cosines = torch.stack(
        [F.cosine_similarity(direction(network, chosen), whole, dim=0) for chosen in batches]
    )
    angles[batch_size] = torch.rad2deg(torch.arccos(cosines.clamp(-1, 1))).mean().item()
    print(f"batch of {batch_size:3}: {angles[batch_size]:4.1f}° away from the full gradient")
assert angles[1] > angles[16] > angles[64] > angles[256] and angles[64] > angles[16] / 4

# %% [markdown]
# The noise falls with $1/\sqrt{B}$, and so does the angle while it is small: from 16 to 64 samples it is about halved. The price rises with $B$. So many cheap, noisy steps usually beat few exact ones.

# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "minibatches-task"}
# ### Exercise 3.6 - Mini-batches (5 points, 25 minutes, stretch)
#
# Write a generator function (one with `yield`) that goes once through all N samples and yields pairs `(X_batch, y_batch)` of `batch_size` samples. `X` has shape (N, ...) and `y` (N, ...).
#
# - With a Generator `rng`, the order is a new random one for each call; with `None`, it is the given one.
# - The last batch holds what is left over; with `drop_last=True` an incomplete one is left out. No batch is empty.
# - Sample and label stay together. Draw from `rng` alone; change neither `X` nor `y`.
# - If `X` and `y` differ in N, raise a `ValueError` (at the latest when the first batch is asked for).
#
# N = 10 and `batch_size=4` give batches of 4, 4 and 2.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "minibatches"}
def iterate_minibatches(X, y, batch_size, rng=None, drop_last=False):
    """One epoch of mini-batches.

    X: (N, ...), y: (N, ...); rng: Generator, or None for the given order
    yields: (X_batch, y_batch) of batch_size samples, the last one perhaps fewer
    raises: ValueError if X and y differ in N
    """
    ### BEGIN SOLUTION
    N = len(X)
    if len(y) != N:
        raise ValueError(f"X has {N} samples, y has {len(y)}")
    order = np.arange(N) if rng is None else rng.permutation(N)
    end = N - N % batch_size if drop_last else N
    for start in range(0, end, batch_size):
        chosen = order[start : start + batch_size]
        yield X[chosen], y[chosen]
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 1, "grade_id": "minibatches-check"}
X_ten, y_ten = np.arange(20.0).reshape(10, 2), np.arange(10)
kept = X_ten.copy()
batches = list(iterate_minibatches(X_ten, y_ten, 4))
hints = {"the incomplete last batch is missing": [4, 4], "there is an empty batch": [4, 4, 2, 0]}
check.equal(
    [len(y) for _, y in batches], [4, 4, 2], what="the sizes for N = 10 and batch_size = 4", hints=hints
)
check.close(np.concatenate([y for _, y in batches]), y_ten, what="the labels in the given order")
sizes = [len(y) for _, y in iterate_minibatches(X_ten, y_ten, 4, drop_last=True)]
check.equal(sizes, [4, 4], what="the sizes with drop_last=True")
sizes = [len(y) for _, y in iterate_minibatches(X_ten, y_ten, 5, drop_last=True)]
hints = {"a complete last batch was left out": [5]}
check.equal(sizes, [5, 5], what="the sizes for N = 10, batch_size = 5 and drop_last=True", hints=hints)
rng, orders = np.random.default_rng(6), []
for _ in range(2):
    batches = list(iterate_minibatches(X_ten, y_ten, 3, rng))
    check.unchanged(X_ten, kept, what="X")
    for X_batch, y_batch in batches:
        told = "X_batch and y_batch do not belong together: X and y need one and the same new order."
        check.that(np.array_equal(X_batch, kept[y_batch]), told)
    orders.append(np.concatenate([y for _, y in batches]).tolist())
    check.equal(sorted(orders[-1]), list(range(10)), what="the labels of an epoch, sorted")
check.that(orders[0] != orders[1], "Two epochs with one rng have the same order.")
check.that(list(range(10)) not in orders, "With an rng, the samples come in the given order.")
check.passed("iterate_minibatches")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 4, "grade_id": "minibatches-hidden"}
# Tested with batches larger than, equal to and far smaller than N, labels of other shapes, one batch at a
# time, and on which random numbers are used.
### BEGIN HIDDEN TESTS
@check.student_side
def epoch_seen(iterate_minibatches, X, y, batch_size, seed, drop_last):
    """Evidence: the batches of an epoch, in a new order for a seed, in the given one for None."""
    from itertools import islice

    rng = None if seed is None else np.random.default_rng(seed)
    return list(islice(iterate_minibatches(X, y, batch_size, rng, drop_last), 100))


rng, cases = np.random.default_rng(306), []
for N, batch_size in [(7, 3), (6, 3), (5, 8), (4, 4), (9, 1), (1, 1), (1, 5), (23, 5)]:
    for drop_last in (False, True):
        for seed in (None, N):
            X, y = rng.normal(size=(N, 2, 3)), rng.normal(size=(N, 2)).astype(np.float32)
            cases.append((X, y, batch_size, seed, drop_last))
before = [(X.copy(), y.copy()) for X, y, *_ in cases]
epochs_seen = check.each(epoch_seen, [(iterate_minibatches, *case) for case in cases])
for (X, y, batch_size, seed, drop_last), kept, batches in zip(cases, before, epochs_seen, strict=True):
    N = len(X)
    full, rest = divmod(N, batch_size)
    sizes = [batch_size] * full + ([rest] if rest and not drop_last else [])
    which = f"for N = {N}, batch_size = {batch_size} and drop_last = {drop_last}"
    check.hidden.equal([len(one) for one, _ in batches], sizes, what=f"the sizes {which}")
    check.hidden.equal([len(one) for _, one in batches], sizes, what=f"the sizes of the labels {which}")
    rows = {X[n].tobytes(): n for n in range(N)}
    places = [rows.get(np.ascontiguousarray(row).tobytes(), -1) for one, _ in batches for row in one]
    check.hidden.that(-1 not in places, f"A sample {which} is none of X.")
    check.hidden.equal(len(set(places)), sum(sizes), what=f"the number of different samples {which}")
    labels = [row for _, one in batches for row in one]
    together = all(np.array_equal(y[n], label) for n, label in zip(places, labels, strict=True))
    check.hidden.that(together, f"Samples and labels do not belong together {which}.")
    if seed is None:
        check.hidden.equal(places, list(range(sum(sizes))), what=f"the order without an rng {which}")
    if batches:
        dtypes = batches[0][0].dtype.name, batches[0][1].dtype.name
        check.hidden.equal(dtypes, ("float64", "float32"), what="the dtypes of a batch")
    check.hidden.unchanged(X, kept[0], what="X")
    check.hidden.unchanged(y, kept[1], what="y")

X, y = np.arange(40.0)[:, None], np.arange(40)


@check.student_side
def orders_of(iterate_minibatches, X, y, batch_size, seed, times):
    """Evidence: the labels of some epochs with one rng."""
    rng = np.random.default_rng(seed)
    walks = [[b for _, b in iterate_minibatches(X, y, batch_size, rng)] for _ in range(times)]
    return [np.concatenate(walk) for walk in walks]


@check.student_side
def firsts_of(iterate_minibatches, X, y, batch_size, seeds, drop_last):
    """Evidence: the labels of the first batch, for each seed."""
    rngs = [np.random.default_rng(seed) for seed in seeds]
    return np.array([next(iterate_minibatches(X, y, batch_size, rng, drop_last))[1] for rng in rngs])


orders, again = check.each(orders_of, [(iterate_minibatches, X, y, 7, 11, times) for times in (4, 1)])
different_orders = {tuple(order.tolist()) for order in orders}
check.hidden.equal(len(different_orders), 4, what="the number of different orders in four epochs")
same_seed = again[0].tolist()
check.hidden.equal(same_seed, orders[0].tolist(), what="the order of another rng with the same seed")
first_of_40, first_of_39 = check.each(
    firsts_of, [(iterate_minibatches, X, y, size, range(64), size == 39) for size in (40, 39)]
)
first_places = np.bincount(first_of_40[:, :10].ravel(), minlength=40)
# Each sample is among the first ten in a quarter of 64 orders: 16 times, with a spread of 3.5.
check.hidden.within(
    first_places, 1, 36, what="how often a sample comes early (all orders must be equally likely)"
)

left_out = {place for labels in first_of_39 for place in {*range(40)} - {*labels.tolist()}}
check.hidden.within(
    len(left_out), 10, 40, what="how many different samples drop_last leaves out in 64 orders"
)
check.hidden.equal(
    list(iterate_minibatches(X[:0], y[:0], 4)), [], what="the list of batches without samples"
)
stream = iterate_minibatches(X, y, 8)
got = [next(stream)[1].tolist() for _ in range(2)]
check.hidden.equal(
    got, [list(range(8)), list(range(8, 16))], what="the first two batches, asked for one by one"
)


@check.student_side
def global_state(iterate_minibatches, X, y):
    """Evidence: NumPy's global random state before and after an epoch."""
    seed, state = np.random.seed, np.random.get_state  # noqa: NPY002 (the old global one is what is looked at)
    seed(4321)
    before = np.append(state()[1], state()[2])
    list(iterate_minibatches(X, y, 3, np.random.default_rng(1)))
    return before, np.append(state()[1], state()[2])


before, after = global_state(iterate_minibatches, X, y)
check.hidden.that(
    np.array_equal(before, after), "NumPy's global random state was used: draw from rng alone."
)


@check.student_side
def first_batch(iterate_minibatches, X, y):
    return next(iter(iterate_minibatches(X, y, 2)))


lengths = [(5, 4), (4, 5), (1, 2), (6, 1)]
misfits = [(iterate_minibatches, np.zeros((N, 2)), np.zeros(other)) for N, other in lengths]
check.hidden.raises_each(
    ValueError, first_batch, misfits, what="iterate_minibatches of different lengths"
)
### END HIDDEN TESTS

# %% [markdown]
# ## 3.6 The training loop
#
# Three numbers steer the loop: the batch size, the learning rate, and the number of epochs.

# %% [markdown]
# ### Example 3.8 - Finding a learning rate
#
# A **range test** starts tiny, multiplies the learning rate at each step, and watches the loss: nothing happens at first, then it falls, then it explodes. A tenth of the exploding rate is a good first try. Then three rates are tried in earnest, for 15 epochs each.


# %%
def train_step(network, optimizer, chosen):
    """Forward, backward, step: returns the loss before the step."""
    loss = F.cross_entropy(network(moons_t[chosen]), labels_t[chosen])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


network, rng = nets.mlp([2, 32, 2], seed=7), np.random.default_rng(9)
optimizer = torch.optim.SGD(network.parameters(), lr=1e-3)
rates, losses = np.geomspace(1e-3, 100, 120), []
for rate in rates:
    optimizer.param_groups[0]["lr"] = rate
    losses.append(train_step(network, optimizer, rng.choice(512, 64, replace=False)))
lowest = rates[int(np.argmin(losses))]
ax = plot.curves(
    rates, {"loss": np.minimum(losses, 3)}, xlabel="learning rate", ylabel="loss (cut at 3)"
)
ax.set(xscale="log")
plot.show(ax, "the loss falls until about 1, wavers, and explodes near 10.")
assert 0.3 < lowest < 10 < rates[np.argmax(np.array(losses) > 3)] < 30

# %%
curves = {}
for rate in (0.005, 0.5, 40.0):
    network, rng = nets.mlp([2, 32, 2], seed=7), np.random.default_rng(10)
    optimizer, curves[f"lr {rate}"] = torch.optim.SGD(network.parameters(), lr=rate), []
    for _ in range(15):
        order = rng.permutation(512)
        batches = [train_step(network, optimizer, order[i : i + 32]) for i in range(0, 512, 32)]
        curves[f"lr {rate}"].append(min(np.mean(batches), 10))
ax = plot.curves(np.arange(1, 16), curves, xlabel="epoch", ylabel="training loss (cut at 10)")
ax.set(yscale="log")
final = {name: round(float(values[-1]), 2) for name, values in curves.items()}
plot.show(ax, f"the losses after 15 epochs: {final}.")
assert final["lr 0.5"] < 0.5 * min(final["lr 0.005"], final["lr 40.0"])

# %% [markdown]
# More epochs would save the slow run and not the wild one. So look at the curve first.
#
# For the exercise you get three building blocks: `init_params(sizes, rng)` draws the starting weights with PyTorch's He initializer, and two functions use PyTorch's autograd.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "training-start"}
def init_params(sizes, rng):
    """Weights drawn by PyTorch's He initializer, and biases of zeros.

    sizes: list of L + 1 int; rng: Generator, whose next number seeds PyTorch's generator
    returns: list of L pairs (W (D_l, D_l+1), b (D_l+1,)), float64
    """
    draws = torch.Generator().manual_seed(int(rng.integers(2**31)))
    shapes = zip(sizes[1:], sizes[:-1], strict=True)  # PyTorch keeps a layer's weights as (out, in)
    weights = [torch.empty(shape, dtype=torch.float64) for shape in shapes]
    drawn = [nn.init.kaiming_normal_(W, generator=draws).numpy().T.copy() for W in weights]
    return [(W, np.zeros(W.shape[1])) for W in drawn]


# %% nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "training-blocks"}
def network_logits(params, X):
    """Logits (N, C) of a network with ReLU between its layers. params: list of (W, b); X: (N, D)."""
    A = torch.as_tensor(X)
    for layer, (W, b) in enumerate(params):
        A = (A if layer == 0 else torch.relu(A)) @ torch.as_tensor(W) + torch.as_tensor(b)
    return A.detach().numpy() if not A.requires_grad else A


def loss_and_gradients(params, X, y):
    """The mean cross-entropy over the samples, and its gradients.

    params: list of (W, b); X: (N, D), y: (N,); returns: loss (float), gradients (list of (dW, db))
    """
    tensors = [tuple(torch.tensor(part, requires_grad=True) for part in pair) for pair in params]
    loss = F.cross_entropy(network_logits(tensors, X), torch.as_tensor(y))
    slopes = iter(torch.autograd.grad(loss, [part for pair in tensors for part in pair]))
    return loss.item(), [(dW.numpy(), db.numpy()) for dW, db in zip(slopes, slopes, strict=True)]


# %% [markdown] nbgrader={"schema_version": 3, "grade": false, "solution": false, "locked": true, "task": false, "grade_id": "train-mlp-task"}
# ### Exercise 3.7 - Training loop and history (9 points, 50 minutes, core)
#
# **(a)** `train_mlp` (`X` float64, `y` int64; Exercise 3.6 may serve): start with `init_params(sizes, rng)`, the first use of `rng`. Each epoch goes through all samples once, in a new order from `rng`, in batches of `batch_size` (the last may be smaller); each batch makes one step of plain gradient descent on its mean loss. Return `params` and `history`, a dict of three lists with one float per epoch:
#
# - `"train_loss"`: the mean loss over the *samples* of the epoch, each batch taken before its step;
# - `"val_loss"` and `"val_acc"`: mean loss and share of right answers on `X_val`, `y_val` after the epoch. They steer nothing.
#
# **(b)** `plot_history(history, ax)`: both losses over epochs 1, 2, ..., labelled axes, a legend. Return `ax`.


# %% nbgrader={"schema_version": 3, "grade": false, "solution": true, "locked": false, "task": false, "grade_id": "train-mlp"}
def train_mlp(X, y, X_val, y_val, sizes, *, lr, epochs, batch_size, rng):
    """Train a ReLU network with mini-batch gradient descent.

    X: (N, D), y: (N,), X_val, y_val: the same for validation; sizes: [D, ..., C]
    returns: params (list of (W, b)), history (dict of three lists of float)
    """
    ### BEGIN SOLUTION
    params = init_params(sizes, rng)
    history = {"train_loss": [], "val_loss": [], "val_acc": []}
    for _ in range(epochs):
        total, order = 0.0, rng.permutation(len(X))
        for start in range(0, len(X), batch_size):
            chosen = order[start : start + batch_size]
            loss, gradients = loss_and_gradients(params, X[chosen], y[chosen])
            total += loss * len(chosen)
            pairs = zip(params, gradients, strict=True)
            params = [(W - lr * dW, b - lr * db) for (W, b), (dW, db) in pairs]
        history["train_loss"].append(total / len(X))
        history["val_loss"].append(loss_and_gradients(params, X_val, y_val)[0])
        right = network_logits(params, X_val).argmax(axis=1) == y_val
        history["val_acc"].append(float(right.mean()))
    return params, history
    ### END SOLUTION


def plot_history(history, ax):
    """Draw train_loss and val_loss over the epochs, which count from 1. ax: matplotlib Axes; returns: ax."""
    ### BEGIN SOLUTION
    epochs = range(1, len(history["train_loss"]) + 1)
    ax.plot(epochs, history["train_loss"], label="training")
    ax.plot(epochs, history["val_loss"], "--", label="validation")
    ax.set(xlabel="epoch", ylabel="loss")
    ax.legend()
    return ax
    ### END SOLUTION


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 3, "grade_id": "train-mlp-check"}
def label_of(plot_history, history):
    return plot_history(history, plot.axes()).get_ylabel()


y_blobs = np.arange(120) % 3
X_blobs = np.array([[0.0, 0], [4, 4], [0, 4]])[y_blobs] + np.random.default_rng(71).normal(
    0, 0.6, (120, 2)
)
parts = X_blobs[:90], y_blobs[:90], X_blobs[90:], y_blobs[90:]
start, loop = init_params([2, 16, 3], np.random.default_rng(2)), {"lr": 0.2, "epochs": 1}
got, _ = train_mlp(*parts, [2, 16, 3], **loop, batch_size=90, rng=np.random.default_rng(2))
first, ((dW1, _), (dW2, db2)) = loss_and_gradients(start, *parts[:2])
stepped = [start[0], (start[1][0] - 0.2 * dW2, start[1][1] - 0.2 * db2)]
hints = {"W2 was changed before dW1 was taken": loss_and_gradients(stepped, *parts[:2])[1][0][0]}
moved, what = (start[0][0] - got[0][0]) / 0.2, "the step of W1, divided by lr, in one epoch of one batch"
check.gradient(moved, dW1, batch=90, what=what, hints=hints)
_, flat = train_mlp(*parts, [2, 16, 3], lr=0.0, epochs=2, batch_size=20, rng=np.random.default_rng(2))
told = f"With lr = 0, train_loss must be {first:.4f} twice (the mean over all samples, each batch by its size)."
check.that(np.allclose(flat["train_loss"], first), told)
params, history = train_mlp(
    *parts, [2, 16, 3], lr=0.4, epochs=8, batch_size=30, rng=np.random.default_rng(1)
)
check.equal([len(one) for one in history.values()], [8, 8, 8], what="the lengths of the three lists")
check.within(history["train_loss"][-1], 0, 0.2, what="the training loss on blobs after 8 epochs")
check.within(history["val_acc"][-1], 0.95, 1, what="val_acc on blobs after 8 epochs")
y_label = check.student_side(label_of)(plot_history, history)
check.that(len(y_label) > 0, "The axes of plot_history need labels.")
check.passed("train_mlp and plot_history")


# %% nbgrader={"schema_version": 3, "grade": true, "solution": false, "locked": true, "task": false, "points": 6, "grade_id": "train-mlp-hidden"}
# Tested against steps that were computed in another way, with a short last batch, other validation data,
# learning rates of 0, tiny and ordinary size, and on the spiral.
### BEGIN HIDDEN TESTS
@check.student_side
def drawn(plot_history, history):
    """Evidence: lines, labels and legend of the returned Axes, and the lines of the one that was passed in."""
    import matplotlib.pyplot as plt

    ax = plt.figure().add_subplot()
    plt.figure()  # pyplot's current figure is another one
    returned = plot_history(history, ax)
    lines = [(line.get_xdata(), line.get_ydata()) for line in returned.get_lines()]
    legend = returned.get_legend()
    words = [] if legend is None else [text.get_text() for text in legend.get_texts()]
    plt.close("all")
    labels = returned.get_xlabel(), returned.get_ylabel()
    return (
        [(list(map(float, x)), list(map(float, y))) for x, y in lines],
        labels,
        words,
        len(ax.get_lines()),
    )


history = {"train_loss": [2.0, 1.0, 0.5], "val_loss": [2.5, 1.25, 0.75], "val_acc": [0.2, 0.6, 0.8]}
lines, labels, words, passed_in = drawn(plot_history, history)
for name in ("train_loss", "val_loss"):
    found = any(
        np.allclose(y, history[name]) and np.allclose(x, [1, 2, 3]) for x, y in lines if len(y) == 3
    )
    check.hidden.that(found, f"plot_history draws no line of {name} over the epochs 1, 2, 3.")
check.hidden.that(passed_in >= 2, "plot_history must draw into the ax that it gets.")
check.hidden.that(all(labels), "The axes of plot_history need labels.")
check.hidden.that(len(set(words)) >= 2 and all(words), "plot_history needs a legend with two names.")


def descend(params, X, y, order, batch_size, lr):
    """One epoch in a given order, by torch's own layers and steps in place."""
    copies = [tuple(torch.tensor(part, requires_grad=True) for part in pair) for pair in params]
    parts, losses = [part for pair in copies for part in pair], []
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        A = torch.tensor(X[chosen])
        for layer, (W, b) in enumerate(copies):
            A = (torch.relu(A) if layer else A).mm(W).add(b)
        value = F.cross_entropy(A, torch.tensor(y[chosen]))
        for part, slope in zip(parts, torch.autograd.grad(value, parts), strict=True):
            part.data.sub_(slope, alpha=lr)
        losses += [value.item()] * len(chosen)
    return [tuple(part.detach().numpy().copy() for part in pair) for pair in copies], float(
        np.mean(losses)
    )


def judged(params, X, y):
    A = X
    for depth, (W, b) in enumerate(params):
        A = (np.maximum(A, 0) if depth else A) @ W + b
    losses = np.logaddexp.reduce(A, axis=1) - A[np.arange(len(y)), y]
    return losses.mean(), (A.argmax(axis=1) == y).mean()


def flat(params):
    return np.concatenate([np.ravel(part) for pair in params for part in pair])


rng = np.random.default_rng(307)
X, y = rng.normal(size=(26, 3)), rng.integers(4, size=26)
X_val, y_val = rng.normal(size=(11, 3)), rng.integers(4, size=11)
kept = [part.copy() for part in (X, y, X_val, y_val)]
for sizes in ([3, 4], [3, 7, 4], [3, 6, 5, 4]):
    start = init_params(sizes, np.random.default_rng(50))
    given = {"lr": 0.3, "epochs": 3, "batch_size": 26}
    params, history = train_mlp(X, y, X_val, y_val, sizes, **given, rng=np.random.default_rng(50))
    expected, losses, values = start, [], []
    for _ in range(3):
        expected, loss = descend(expected, X, y, np.arange(26), 26, 0.3)
        losses.append(loss)
        values.append(judged(expected, X_val, y_val))
    which = f"of {len(sizes) - 1} layers in 3 epochs of one batch"
    shapes = [np.shape(part) for pair in params for part in pair]
    check.hidden.equal(
        shapes, [part.shape for pair in start for part in pair], what=f"the shapes of params {which}"
    )
    step, right = (flat(start) - flat(params)) / 0.3, (flat(start) - flat(expected)) / 0.3
    check.hidden.gradient(step, right, rtol=1e-7, batch=26, what=f"the sum of all steps {which}")
    check.hidden.close(history["train_loss"], losses, what=f"train_loss {which}")
    check.hidden.close(history["val_loss"], [loss for loss, _ in values], what=f"val_loss {which}")
    check.hidden.close(history["val_acc"], [share for _, share in values], what=f"val_acc {which}")
given = {"lr": 0.3, "epochs": 1, "batch_size": 100}
larger = train_mlp(X, y, X_val, y_val, sizes, **given, rng=np.random.default_rng(50))[0]
expected = descend(start, X, y, np.arange(26), 26, 0.3)[0]
check.hidden.close(flat(larger), flat(expected), what="params with a batch_size larger than N")
for now, before, name in zip((X, y, X_val, y_val), kept, ("X", "y", "X_val", "y_val"), strict=True):
    check.hidden.unchanged(now, before, what=name)

sizes, short = [3, 7, 4], {"epochs": 2, "batch_size": 8}  # batches of 8, 8, 8 and 2
start = init_params(sizes, np.random.default_rng(51))
params, history = train_mlp(X, y, X_val, y_val, sizes, lr=0.0, **short, rng=np.random.default_rng(51))
check.hidden.close(flat(params), flat(start), what="params with lr = 0")
full = judged(start, X, y)[0]
check.hidden.close(
    history["train_loss"], [full] * 2, what="train_loss with lr = 0 and a short last batch"
)
tiny = train_mlp(
    X[:24], y[:24], X_val, y_val, sizes, lr=1e-7, epochs=1, batch_size=6, rng=np.random.default_rng(51)
)[0]
slopes = flat(start) - flat(descend(start, X[:24], y[:24], np.arange(24), 24, 1.0)[0])
moved = (flat(start) - flat(tiny)) / 1e-7
what = "the sum of an epoch's steps at a tiny learning rate (each sample must count once)"
check.hidden.gradient(moved, 4 * slopes, rtol=1e-4, atol=1e-5, batch=6, what=what)

loop = {"lr": 0.2, "epochs": 2, "batch_size": 9}
_, history = train_mlp(X, y, X_val, y_val, sizes, **loop | {"lr": 0.0}, rng=np.random.default_rng(54))
right = judged(init_params(sizes, np.random.default_rng(54)), X_val, y_val)[0]
check.hidden.close(
    history["val_loss"], [right] * 2, what="val_loss where N is no multiple of batch_size"
)
steep = init_params([3, 4], np.random.default_rng(55))
one_step = {"lr": 1e-3, "epochs": 1, "batch_size": 26}
got = train_mlp(100 * X, y, X_val, y_val, [3, 4], **one_step, rng=np.random.default_rng(55))[0]
expected = descend(steep, 100 * X, y, np.arange(26), 26, 1e-3)[0]
check.hidden.close(flat(got), flat(expected), what="params after one step with large gradients")
runs = []
for seed, other in ((52, X_val), (52, -X_val), (53, X_val)):
    runs.append(train_mlp(X, y, other, y_val, sizes, **loop, rng=np.random.default_rng(seed)))
check.hidden.close(
    flat(runs[1][0]), flat(runs[0][0]), what="params when only the validation data differ"
)
check.hidden.close(
    runs[1][1]["train_loss"], runs[0][1]["train_loss"], what="train_loss when only they differ"
)
check.hidden.that(
    not np.allclose(flat(runs[2][0]), flat(runs[0][0])), "Another seed of rng changes nothing."
)


def after_orders(params, X, y, epochs, lr):
    """All ends of steps of one sample each: (6 ** epochs, parameters), for all orders of three samples."""
    orders = np.array([[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
    codes = np.arange(6**epochs)
    W1, b1, W2, b2 = (np.repeat(part[None], len(codes), axis=0) for pair in params for part in pair)
    for place in range(3 * epochs):
        chosen = orders[codes // 6 ** (place // 3) % 6, place % 3]
        x, label = X[chosen], np.eye(W2.shape[2])[y[chosen]]
        a = np.maximum(np.einsum("kd,kdh->kh", x, W1) + b1, 0)
        powers = np.exp(np.einsum("kh,khc->kc", a, W2) + b2)
        slope = powers / powers.sum(axis=1, keepdims=True) - label
        back = np.einsum("kc,khc->kh", slope, W2) * (a > 0)
        W2, b2 = W2 - lr * a[:, :, None] * slope[:, None], b2 - lr * slope
        W1, b1 = W1 - lr * x[:, :, None] * back[:, None], b1 - lr * back
    return np.concatenate([part.reshape(len(codes), -1) for part in (W1, b1, W2, b2)], axis=1)


three_X, three_y = np.array([[1.0, -0.5], [0.3, 2.0], [-1.5, 0.4]]), np.array([0, 1, 1])
three_samples, given = (
    (three_X, three_y, three_X, three_y, [2, 3, 2]),
    {"lr": 0.5, "epochs": 4, "batch_size": 1},
)
constant = 0
for seed in range(60, 63):
    got = flat(train_mlp(*three_samples, **given, rng=np.random.default_rng(seed))[0])
    start = init_params([2, 3, 2], np.random.default_rng(seed))
    ends = np.abs(after_orders(start, three_X, three_y, 4, 0.5) - got).max(axis=1)
    what = "how far params are from all orders of three samples in four epochs"
    check.hidden.within(ends.min(), 0, 1e-9, what=what)
    constant += ends.argmin() % 259 == 0  # 259 = 1 + 6 + 36 + 216: four times the same order
# One order in four epochs comes by chance in 1 of 216 runs, in all three 1 in ten million times.
what = "how often, in three runs, all four epochs had one order (each needs a new one)"
check.hidden.within(constant, 0, 2, what=what)

X_spiral, y_spiral = data.spiral(20, 2, 0.05, np.random.default_rng(70))
on_spiral = (2.5 * X_spiral, y_spiral) * 2
given = {"lr": 1.0, "epochs": 12, "batch_size": 20}
_, history = train_mlp(*on_spiral, [2, 48, 2], **given, rng=np.random.default_rng(72))
check.hidden.within(history["val_acc"][-1], 0.9, 1, what="the share of right answers on the spiral")
what = "train_loss of the first epoch on the spiral (near ln 2)"
check.hidden.within(history["train_loss"][0], 0.05, 15, what=what)
check.hidden.equal(check.kind(history["val_acc"][0]), "float", what="the kind of an entry of val_acc")
### END HIDDEN TESTS

# %% [markdown]
# ### Example 3.9 - A complete run, and how to read it
#
# Three spiral arms, 64 hidden neurons, trained by scikit-learn's `MLPClassifier`, which runs such a loop inside (`partial_fit` is one epoch; momentum is 0.9, in a variant by Nesterov; `alpha=0` switches off a penalty of Chapter 4). A fifth of the samples is kept aside for **validation**: the network never learns from them.

# %%
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier

arms, arm_labels = data.spiral(120, 3, 0.3, np.random.default_rng(39))
held, rest = slice(0, 72), slice(72, None)
library = MLPClassifier(
    (64,), solver="sgd", learning_rate_init=0.1, batch_size=32, alpha=0, random_state=1
)
record = {"training": [], "validation": []}
for _ in range(200):
    library.partial_fit(arms[rest], arm_labels[rest], classes=[0, 1, 2])
    for name, part in (("training", rest), ("validation", held)):
        record[name].append(log_loss(arm_labels[part], library.predict_proba(arms[part])))
accuracy, gap = (
    library.score(arms[held], arm_labels[held]),
    record["validation"][-1] - record["training"][-1],
)
ax = plot.curves(np.arange(1, 201), record, xlabel="epoch", ylabel="loss")
plot.show(
    ax,
    f"both fall, from near ln 3 = 1.10; at the end {accuracy:.0%} of the validation samples are right.",
)
assert accuracy > 0.85 and gap > 0 and abs(record["training"][0] - np.log(3)) < 0.4

# %% [markdown]
# How to read such curves: *both fall*: keep going. *Flat and high*: near $\ln C$ the learning rate or the network is too small; far above it, or *jumping*, the rate is too large. *Training falls, validation rises*: the network learns its samples by heart, the subject of Chapter 4. And the loss *before the first step* should be of the size of $\ln C$: at several times that, look for a mistake first.
#
# Now look at what the network decides, from epoch to epoch: straight borders first, which then bend around the arms. What do two hidden neurons miss that sixty-four can do?

# %%
widgets.live_boundary()

# %% [markdown]
# ## What to keep
#
# - The gradient holds the slope of the loss for every parameter, in the parameter's shape. Descent goes against it.
# - Central differences, $h = 10^{-5}$, float64: for checking, not for training.
# - Too large a learning rate explodes; a curve tells slow from wild. Momentum has two conventions: name yours.
# - Backward through a dense layer: $dX = dZ\,W^\top$, $dW = X^\top dZ$, $d\mathbf{b}$ sums over samples. ReLU lets through where $Z > 0$. Softmax with cross-entropy: $(p_{nc} - [c = y_n])/N$.
# - Paths add: `+=`. Clear the slopes before the next walk.
# - Forward, backward, step, clear; batches in a new order each epoch; validation data steer nothing.
#
# **Words of this chapter:** autograd, backpropagation, batch (mini-batch), central difference, chain rule, condition number, gradient, gradient descent, local derivative, momentum, partial derivative, range test, relative error, stochastic gradient descent (SGD), trajectory, upstream gradient, validation.
#
# **Hand in.** Save the notebook, press *Validate* in its toolbar, then run `course submit 03` in JupyterLab's terminal.
#
# **Next:** [Chapter 4](../04_regularization_optimization/04_regularization_optimization.ipynb) trains networks that learn too well, and cures them.
#
# ### Sources
#
# B. Polyak (1964), *USSR Computational Mathematics and Mathematical Physics* 4. D. Rumelhart, G. Hinton and R. Williams (1986), *Nature* 323. L. Bottou (2012), *Stochastic Gradient Descent Tricks*. L. Smith (2017), *Cyclical Learning Rates for Training Neural Networks*, WACV (the range test).
