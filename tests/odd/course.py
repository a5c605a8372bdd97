"""A course of one unit for odd submissions: what later chapters ask for, in six small exercises.

Objects with operators, a lazy generator, callbacks, arrays changed in place, a context manager, closures, attributes of
an object, a module of torch: everything that crosses between judge and student in another way than data.
"""

from __future__ import annotations

import ast
import functools
import shutil
from pathlib import Path

from course_author.units.unit import ROOT

UNIT = "01_odd"
CELL = '# %%{kind} nbgrader={{"schema_version": 3, "grade": {grade}, "solution": {solution}, "locked": {locked}, '
CELL += '"task": false, {points}"grade_id": "{name}"}}\n{source}\n'

SETUP = """\
import numpy as np
import torch
from torch import nn

from course_utils import check"""

VALUE = '''\
class Value:
    """A number that remembers how it was computed.

    data, grad: float; operators: +, - and * with values and numbers on either side, ** with a number, and tanh()
    backward(): adds to the `grad` of all values behind this one the slope of this one's data
    """

    def __init__(self, data, parents=()):
        self.data, self.grad, self.parents = float(data), 0.0, parents

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, ((self, other.data), (other, self.data)))

    def __pow__(self, power):
        return Value(self.data**power, ((self, power * self.data ** (power - 1)),))

    def tanh(self):
        t = float(np.tanh(self.data))
        return Value(t, ((self, 1.0 - t * t),))

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -other

    def __rsub__(self, other):
        return -self + other

    __radd__, __rmul__ = __add__, __mul__

    def backward(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            value, done = stack.pop()
            if done:
                order.append(value)
            elif id(value) not in seen:
                seen.add(id(value))
                stack.append((value, True))
                stack += [(parent, False) for parent, _ in value.parents]
        slopes = {id(self): 1.0}
        for value in reversed(order):
            slope = slopes[id(value)]
            value.grad += slope
            for parent, local in value.parents:
                slopes[id(parent)] = slopes.get(id(parent), 0.0) + local * slope'''
VALUE_CHECK = """\
a, b = Value(2.0), Value(-3.0)
c = a * b + 1
check.close(c.data, -5.0, what="(a * b + 1).data")
c.backward()
check.close(a.grad, -3.0, what="a.grad")
check.close(b.grad, 2.0, what="b.grad")"""
VALUE_HIDDEN = """\
# Tested with numbers on both sides, values used twice, and long chains.
### BEGIN HIDDEN TESTS
x, y = Value(0.5), Value(-1.5)
z = (2 * x - y) ** 2 + (3 - x * y).tanh() - x
u = np.tanh(3.75)
check.hidden.close(z.data, 6.25 + u - 0.5, what="the data of a formula")
z.backward()
check.hidden.close(x.grad, 10.0 + 1.5 * (1 - u**2) - 1.0, what="x.grad of a formula")
check.hidden.close(y.grad, -5.0 - 0.5 * (1 - u**2), what="y.grad of a formula")
check.hidden.close(z.grad, 1.0, what="the grad of the result itself")
w = Value(3.0)
cube = w * w * w
cube.backward()
check.hidden.close(w.grad, 27.0, what="w.grad of w * w * w")
(w + 1).backward()
check.hidden.close(w.grad, 28.0, what="w.grad after a second backward, which adds")
start = Value(1.0)
chain = start
for _ in range(1200):
    chain = chain + 0.5
chain.backward()
check.hidden.close([chain.data, start.grad], [601.0, 1.0], what="a chain of 1200 additions")
check.hidden.raises(TypeError, lambda: w ** "2", what="a power that is no number")
### END HIDDEN TESTS"""

BATCHES = '''\
def minibatches(X, y, size, rng):
    """Batches of one epoch, in random order: an iterator over pairs (rows of X, their labels).

    The order is rng.permutation(N), drawn when the first batch is asked for. The last batch may be smaller.
    raises: ValueError, at the call or at the first batch, if size is below 1
    """
    if size < 1:
        raise ValueError("size must be 1 or more")
    order = rng.permutation(len(X))
    for start in range(0, len(X), size):
        rows = order[start : start + size]
        yield X[rows], y[rows]'''
BATCHES_CHECK = """\
X, y = np.arange(10.0).reshape(5, 2), np.arange(5)
parts = list(minibatches(X, y, 2, np.random.default_rng(0)))
check.equal([len(labels) for _, labels in parts], [2, 2, 1], what="the sizes of the batches")
order = np.random.default_rng(0).permutation(5)
check.equal(np.concatenate([labels for _, labels in parts]), order, what="the labels, in order")
check.close(parts[0][0], X[order[:2]], what="the rows of the first batch")"""
BATCHES_HIDDEN = """\
# Tested with one rng in two hands, with a batch larger than the data, and with wrong sizes.
### BEGIN HIDDEN TESTS
data_X, data_y = np.arange(21.0).reshape(7, 3), np.arange(7) * 10
kept_X = data_X.copy()
shared, mirror = np.random.default_rng(11), np.random.default_rng(11)
first, second = minibatches(data_X, data_y, 3, shared), minibatches(data_X, data_y, 4, shared)
check.hidden.equal(shared.integers(1000), mirror.integers(1000), what="a draw before any batch was asked for")
two = mirror.permutation(7)
rows, labels = next(second)
check.hidden.equal(labels, two[:4] * 10, what="the labels of the first batch")
check.hidden.close(rows, kept_X[two[:4]], what="the rows of the first batch")
check.hidden.equal(shared.integers(1000), mirror.integers(1000), what="a draw between two batches")
one = mirror.permutation(7)
got = [labels for _, labels in first]
check.hidden.equal(np.concatenate(got), one * 10, what="the labels of the other iterator")
check.hidden.equal([len(labels) for labels in got], [3, 3, 1], what="the sizes of the other iterator's batches")
check.hidden.equal(next(second)[1], two[4:] * 10, what="the last batch")
check.hidden.raises(StopIteration, next, second, what="a batch after the last one")
check.hidden.equal(shared.integers(1000), mirror.integers(1000), what="a draw at the end")
check.hidden.equal(len(list(minibatches(data_X, data_y, 100, shared))), 1, what="the number of batches larger than X")
check.hidden.unchanged(data_X, kept_X, what="X")
check.hidden.raises(
    ValueError, lambda: next(iter(minibatches(data_X, data_y, 0, shared))), what="minibatches with size=0"
)
### END HIDDEN TESTS"""

GRADIENT = '''\
def numerical_gradient(f, x, h=1e-5):
    """Slopes of f at x by (f(x + h) - f(x - h)) / 2h, one coordinate after the other. x is as it was afterwards.

    f: function of an array like x that returns a float; x: any shape, float64
    returns: float64 of the shape of x; an exception of f is passed on
    """
    slopes = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        moved = x.copy()
        moved[place] = x[place] + h
        above = f(moved)
        moved[place] = x[place] - h
        slopes[place] = (above - f(moved)) / (2 * h)
    return slopes'''
GRADIENT_CHECK = """\
point = np.array([1.0, -2.0])
check.close(numerical_gradient(lambda x: x @ x, point), [2.0, -4.0], rtol=1e-6, what="the slopes of x @ x")
check.close(point, [1.0, -2.0], what="x after the call")"""
GRADIENT_HIDDEN = """\
# Tested with several shapes, with functions that count their calls, and with one that raises.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(4)
weights = rng.normal(size=(3, 4))
places = []


def counted(x):
    places.append(x.copy())
    return float(np.sum(weights * x**3))


x = rng.normal(size=(3, 4))
kept = x.copy()
check.hidden.close(numerical_gradient(counted, x), 3 * weights * kept**2, rtol=1e-5, what="the slopes of a cubic")
check.hidden.unchanged(x, kept, what="x")
check.hidden.within(len(places), 24, 26, what="the number of calls of f")
check.hidden.that(max(np.sum(p != kept) for p in places) == 1, "Each call of f must move one coordinate.")
steps = [np.abs(p - kept).max() for p in places if np.any(p != kept)]
check.hidden.close(steps, np.full(24, 1e-5), rtol=1e-4, what="the size of the steps")
coarse = numerical_gradient(lambda z: float(np.sum(z**3)), np.ones((1, 2, 1)), h=0.5)
check.hidden.close(coarse, np.full((1, 2, 1), 3.25), what="the slopes with h=0.5")
check.hidden.close(numerical_gradient(lambda z: float(z) ** 2, np.array(3.0)), 6.0, rtol=1e-6, what="a single number")


def refuses(z):
    raise ZeroDivisionError("no")


check.hidden.raises(ZeroDivisionError, numerical_gradient, refuses, np.ones(2), what="an f that raises")
### END HIDDEN TESTS"""

MOMENTUM = '''\
class Momentum:
    """Gradient descent with momentum: v = beta v + g, then p = p - lr v, for every parameter, in place.

    params: dict from name to float64 array; these arrays are changed, not replaced
    step(grads): one step; raises KeyError, before it changes anything, if a name is missing in grads
    state_dict(): {"lr", "beta", "steps", "velocity": {name: copy of v}}; load_state_dict(state) goes on from there
    frozen(): a context manager; inside it, step does nothing
    """

    from contextlib import contextmanager

    def __init__(self, params, lr=0.1, beta=0.9):
        self.params, self.lr, self.beta, self.steps = params, lr, beta, 0
        self.velocity = {name: np.zeros_like(p) for name, p in params.items()}
        self.idle = False

    def step(self, grads):
        found = {name: grads[name] for name in self.params}
        if self.idle:
            return
        self.steps += 1
        for name, p in self.params.items():
            self.velocity[name] = self.beta * self.velocity[name] + found[name]
            p -= self.lr * self.velocity[name]

    def state_dict(self):
        copies = {name: v.copy() for name, v in self.velocity.items()}
        return {"lr": self.lr, "beta": self.beta, "steps": self.steps, "velocity": copies}

    def load_state_dict(self, state):
        self.lr, self.beta, self.steps = state["lr"], state["beta"], state["steps"]
        self.velocity = {name: v.copy() for name, v in state["velocity"].items()}

    @contextmanager
    def frozen(self):
        self.idle = True
        try:
            yield self
        finally:
            self.idle = False'''
MOMENTUM_CHECK = """\
p = {"w": np.array([1.0, 2.0])}
optimizer = Momentum(p, lr=0.5, beta=0.5)
optimizer.step({"w": np.array([1.0, -1.0])})
check.close(p["w"], [0.5, 2.5], what="w after one step")
optimizer.step({"w": np.array([1.0, -1.0])})
check.close(p["w"], [-0.25, 3.25], what="w after two steps")"""
MOMENTUM_HIDDEN = """\
# Tested with several arrays, frozen, with missing gradients, and across a saved state.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(9)
params = {"W": rng.normal(size=(3, 2)), "b": rng.normal(size=2)}
W = params["W"]
mirror = {name: p.copy() for name, p in params.items()}
speed = {name: np.zeros_like(p) for name, p in params.items()}


def by_hand(grads, lr=0.05, beta=0.8):
    for name in mirror:
        speed[name] = beta * speed[name] + grads[name]
        mirror[name] = mirror[name] - lr * speed[name]


optimizer = Momentum(params, lr=0.05, beta=0.8)
for _ in range(3):
    grads = {name: rng.normal(size=p.shape) for name, p in mirror.items()}
    kept = {name: g.copy() for name, g in grads.items()}
    optimizer.step(grads)
    by_hand(kept)
    for name in grads:
        check.hidden.unchanged(grads[name], kept[name], what="a gradient")
check.hidden.close(params["W"], mirror["W"], what="W after three steps")
check.hidden.close(params["b"], mirror["b"], what="b after three steps")
check.hidden.close(W, mirror["W"], what="the array W itself, which must be changed in place")
with optimizer.frozen():
    optimizer.step(grads)
check.hidden.close(W, mirror["W"], what="W after a step that was frozen")
check.hidden.raises(KeyError, optimizer.step, {"b": np.ones(2)}, what="step without a gradient for W")
check.hidden.close(params["b"], mirror["b"], what="b after a step that was refused")
state = optimizer.state_dict()
check.hidden.equal(sorted(state), ["beta", "lr", "steps", "velocity"], what="the keys of the state")
check.hidden.equal(state["steps"], 3, what="the number of steps in the state")
check.hidden.close(state["velocity"]["W"], speed["W"], what="the velocity in the state")
grads = {"W": np.ones((3, 2)), "b": np.ones(2)}
optimizer.step(grads)
by_hand(grads)
check.hidden.equal(state["steps"], 3, what="steps in an earlier state")
copied = {name: p.copy() for name, p in params.items()}
other = Momentum(copied)
other.load_state_dict(optimizer.state_dict())
for _ in range(2):
    other.step(grads)
    by_hand(grads)
check.hidden.close(copied["W"], mirror["W"], what="W of a second optimizer that went on from the state")
try:
    with optimizer.frozen():
        raise RuntimeError("inside")
except RuntimeError:
    pass
before = W.copy()
optimizer.step(grads)
check.hidden.that(not np.array_equal(W, before), "After frozen() was left by an exception, step must work again.")
### END HIDDEN TESTS"""

STOPPING = '''\
class EarlyStopping:
    """Says when to stop: after `patience` losses in a row that are not lower than the best by more than `delta`.

    update(loss) -> bool, whether to stop now; raises ValueError for a loss that is NaN
    best: the best loss so far (inf before the first); best_epoch: its number, from 0 (None before the first)
    """

    def __init__(self, patience, delta=0.0):
        self.patience, self.delta = patience, delta
        self.best, self.best_epoch = float("inf"), None
        self.epoch = 0

    def update(self, loss):
        if np.isnan(loss):
            raise ValueError("the loss is NaN")
        if loss < self.best - self.delta:
            self.best, self.best_epoch = loss, self.epoch
        self.epoch += 1
        since = -1 if self.best_epoch is None else self.best_epoch
        return self.epoch - 1 - since >= self.patience


def warmup(base, steps):
    """A schedule: returns a function of the step number n (from 0).

    returned: base * (n + 1) / steps while n < steps, then base; its attribute `calls` counts how often it was called
    """
    def rate(n):
        rate.calls += 1
        return base * min(1.0, (n + 1) / steps)

    rate.calls = 0
    return rate'''
STOPPING_CHECK = """\
stopper = EarlyStopping(2)
check.equal([bool(stopper.update(loss)) for loss in (3.0, 2.0, 2.5)], [False, False, False], what="the first answers")
check.that(stopper.update(2.0), "After two losses without progress, update must say stop.")
check.close(stopper.best, 2.0, what="best")
check.equal(stopper.best_epoch, 1, what="best_epoch")
check.close(warmup(0.4, 4)(1), 0.2, what="warmup(0.4, 4)(1)")"""
STOPPING_HIDDEN = """\
# Tested with delta, with NaN, and with two objects and two schedules side by side.
### BEGIN HIDDEN TESTS
calm, strict = EarlyStopping(3, delta=0.5), EarlyStopping(patience=1)
check.hidden.that(calm.best == np.inf and calm.best_epoch is None, "best and best_epoch before the first loss")
losses = [5.0, 4.8, 4.4, 4.2, 4.1, 3.95, 1.0]
check.hidden.equal([bool(calm.update(x)) for x in losses], [False] * 5 + [True, False], what="the answers with delta")
check.hidden.close([calm.best, calm.best_epoch], [1.0, 6], what="best and best_epoch with delta")
check.hidden.equal([bool(strict.update(x)) for x in (1.0, 0.5, 0.5)], [False, False, True], what="patience 1")
check.hidden.raises(ValueError, strict.update, float("nan"), what="update(nan)")
check.hidden.close(strict.best, 0.5, what="best after a NaN")
slow, fast = warmup(1.0, 10), warmup(base=3.0, steps=2)
check.hidden.close([slow(n) for n in (0, 4, 9, 10, 99)], [0.1, 0.5, 1, 1, 1], what="a slow schedule")
check.hidden.close([fast(n) for n in (0, 1, 2)], [1.5, 3, 3], what="a fast schedule")
check.hidden.equal([slow.calls, fast.calls], [5, 3], what="calls")
### END HIDDEN TESTS"""

MLP = '''\
class MLP(nn.Module):
    """Linear layers with tanh between them: MLP([2, 8, 3]) has two; dropout (p) after each tanh."""

    def __init__(self, widths, p=0.0):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths[:-1], widths[1:], strict=True))
        self.dropout = nn.Dropout(p)

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = self.dropout(torch.tanh(layer(x)))
        return self.layers[-1](x)


def accuracy(model, X, y):
    """Share of rows of X whose largest logit is at y, without dropout and gradients; the model's mode stays.

    model: any nn.Module; X: (N, D) tensor; y: (N,) tensor of whole numbers; returns: float
    """
    mode = model.training
    model.eval()
    with torch.no_grad():
        right = (model(X).argmax(dim=1) == y).float().mean().item()
    model.train(mode)
    return right'''
MLP_CHECK = """\
model = MLP([2, 5, 3])
X, y = torch.zeros(4, 2), torch.tensor([0, 1, 2, 0])
check.shape(model(X).detach().numpy(), (4, 3), what="MLP([2, 5, 3])(X)")
check.within(accuracy(model, X, y), 0, 1, what="accuracy(model, X, y)")"""
MLP_HIDDEN = """\
# Tested on shapes, gradients, dropout and modes.
### BEGIN HIDDEN TESTS
@check.student_side
def look_into(MLP, widths, X, p):
    model = MLP(widths, p=p) if p else MLP(widths)
    shapes = sorted(tuple(part.shape) for part in model.parameters())
    model.train()
    torch.manual_seed(0)
    runs = [model(X).detach().numpy().copy() for _ in range(2)]
    model.eval()
    calm = [model(X).detach().numpy().copy() for _ in range(2)]
    model(X).sum().backward()
    weights = [part.detach().numpy().copy() for part in model.parameters()]
    grads = [None if part.grad is None else part.grad.numpy().copy() for part in model.parameters()]
    return {"shapes": shapes, "runs": runs, "calm": calm, "weights": weights, "grads": grads}


@check.student_side
def spied(accuracy, X, y, training):
    class Spy(nn.Module):
        def __init__(self):
            super().__init__()
            self.seen = []

        def forward(self, x):
            self.seen.append((self.training, torch.is_grad_enabled(), len(x)))
            return x

    spy = Spy()
    spy.train(training)
    return accuracy(spy, X, y), spy.training, spy.seen


def by_hand(X, weights):
    \"\"\"The network in NumPy, from its parameters in order: matrices and vectors take turns.\"\"\"
    matrices = [w for w in weights if w.ndim == 2]
    vectors = [w for w in weights if w.ndim == 1]
    for i, (W, b) in enumerate(zip(matrices, vectors, strict=True)):
        X = X @ W.T + b
        X = np.tanh(X) if i + 1 < len(matrices) else X
    return X


X = torch.tensor(np.random.default_rng(3).normal(size=(6, 4)).astype(np.float32))
for widths in ([4, 3], [4, 8, 3], [4, 8, 5, 2]):
    seen = look_into(MLP, widths, X, 0.0)
    wanted = sorted(shape for a, b in zip(widths[:-1], widths[1:], strict=True) for shape in ((b, a), (b,)))
    check.hidden.equal(seen["shapes"], wanted, what="the shapes of the parameters")
    check.hidden.close(seen["calm"][0], by_hand(X.numpy(), seen["weights"]), rtol=1e-4, atol=1e-5, what="MLP(X)")
    check.hidden.that(all(check.kind(g) == "array" for g in seen["grads"]), "Some parameter gets no gradient.")
seen = look_into(MLP, [4, 64, 3], X, 0.5)
check.hidden.that(not np.allclose(seen["runs"][0], seen["runs"][1]), "With p=0.5, two training runs must differ.")
check.hidden.close(seen["calm"][0], seen["calm"][1], what="two runs in eval mode")
logits = torch.tensor([[0.0, 2.0], [3.0, 1.0], [0.0, 1.0], [5.0, 4.0]])
truth = torch.tensor([1, 0, 0, 0])
for training in (True, False):
    share, mode, calls = spied(accuracy, logits, truth, training)
    check.hidden.close(share, 0.75, what="accuracy")
    check.hidden.equal(mode, training, what="the mode after accuracy")
    check.hidden.that(not any(call[0] or call[1] for call in calls), "accuracy must use eval mode and no gradients.")
net = MLP([4, 6, 3])
net.train()
logits = net(X)
check.hidden.close(accuracy(net, X, logits.argmax(dim=1)), 1.0, what="accuracy for a model's own answers")
check.hidden.that(net.training, "The model must be in training mode again.")
### END HIDDEN TESTS"""

EXERCISES = {
    "value": (VALUE, VALUE_CHECK, VALUE_HIDDEN),
    "minibatches": (BATCHES, BATCHES_CHECK, BATCHES_HIDDEN),
    "numerical-gradient": (GRADIENT, GRADIENT_CHECK, GRADIENT_HIDDEN),
    "momentum": (MOMENTUM, MOMENTUM_CHECK, MOMENTUM_HIDDEN),
    "early-stopping": (STOPPING, STOPPING_CHECK, STOPPING_HIDDEN),
    "mlp": (MLP, MLP_CHECK, MLP_HIDDEN),
}


def answers() -> dict[str, str]:
    """Slug -> the reference answer."""
    return {slug: parts[0] for slug, parts in EXERCISES.items()}


def marked(source: str) -> str:
    """An answer with a solution region in each function and method, below its docstring."""
    lines = source.split("\n")
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    outer = [f for f in functions if not any(g is not f and g.lineno <= f.lineno <= g.end_lineno for g in functions)]
    for node in sorted(outer, key=lambda node: -node.lineno):
        body = node.body[1:] if ast.get_docstring(node) else node.body
        indent = " " * body[0].col_offset
        lines.insert(body[-1].end_lineno, f"{indent}### END SOLUTION")
        lines.insert(body[0].lineno - 1, f"{indent}### BEGIN SOLUTION")
    return "\n".join(lines)


@functools.cache
def text() -> str:
    """The unit's text."""
    cells = ["# %% [markdown]\n# # A unit for odd submissions\n", _cell("setup", SETUP, "locked")]
    for number, (slug, (answer, check, hidden)) in enumerate(EXERCISES.items(), 1):
        heading = f"# ### Exercise 1.{number} - Try {slug} (4 points, 5 minutes, core)\n#\n# Write it."
        cells += [
            f"# %% [markdown]\n# ### Example 1.{number} - Before {slug}\n",
            f'# %%\nexample_{number} = np.arange({number})\nprint("example", {number})\n',
            _cell(f"{slug}-task", heading, "locked", kind=" [markdown]"),
            _cell(slug, marked(answer), "solution"),
            _cell(f"{slug}-check", check, "locked", points=1),
            _cell(f"{slug}-hidden", hidden, "locked", points=3),
        ]
    return "\n".join(cells)


def make(folder: Path) -> Path:
    """Write the course into an empty folder: text, notebook and nbgrader's settings."""
    from course_author.units.build import build

    (folder / "source").mkdir(parents=True)
    (folder / "source" / f"{UNIT}.py").write_text(text(), encoding="utf-8")
    build(UNIT, folder)
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    return folder


def _cell(name, source, flag, kind="", points=None):
    flags = {key: "true" if key == flag else "false" for key in ("solution", "locked")}
    flags |= {"grade": "false", "points": ""}
    if points is not None:
        flags |= {"grade": "true", "points": f'"points": {points}, '}
    return CELL.format(kind=kind, name=name, source=source, **flags)
