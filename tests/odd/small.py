"""Odd ways to write right answers to the small course: objects, operators, iterators, callbacks, state, modules."""

from __future__ import annotations

from . import SMALL, Odd, after, before, insert, reference


def _odd(name, why, slug, code, **more):
    return Odd(name, SMALL, why, {slug: code}, **more)


VALUE, BATCHES, GRADIENT = "value", "minibatches", "numerical-gradient"
MOMENTUM, STOPPING, MLP = "momentum", "early-stopping", "mlp"


def _swap(slug, *pairs, above="", below=""):
    """The reference answer with pieces exchanged; each piece must be there."""
    source = reference(SMALL)[slug]
    for old, new in pairs:
        assert old in source, f"{old!r} is not in the answer to {slug}"
        source = source.replace(old, new)
    return above + source + below


# -- objects with operators --------------------------------------------------------------------------------------------

VALUES = [
    _odd(
        "value-with-closures",
        "each value carries a closure that passes slopes on, as in micrograd",
        VALUE,
        """
        import math

        class Value:
            def __init__(self, data, _children=(), _op=""):
                self.data = data
                self.grad = 0.0
                self._backward = lambda: None
                self._prev = set(_children)
                self._op = _op

            def __repr__(self):
                return f"Value(data={self.data}, grad={self.grad})"

            def __add__(self, other):
                other = other if isinstance(other, Value) else Value(other)
                out = Value(self.data + other.data, (self, other), "+")

                def _backward():
                    self._tmp = getattr(self, "_tmp", 0) + out._tmp
                    other._tmp = getattr(other, "_tmp", 0) + out._tmp
                out._backward = _backward
                return out

            def __mul__(self, other):
                other = other if isinstance(other, Value) else Value(other)
                out = Value(self.data * other.data, (self, other), "*")

                def _backward():
                    self._tmp = getattr(self, "_tmp", 0) + other.data * out._tmp
                    other._tmp = getattr(other, "_tmp", 0) + self.data * out._tmp
                out._backward = _backward
                return out

            def __pow__(self, k):
                if not isinstance(k, (int, float)):
                    raise TypeError("only numbers")
                out = Value(self.data ** k, (self,), f"**{k}")

                def _backward():
                    self._tmp = getattr(self, "_tmp", 0) + k * self.data ** (k - 1) * out._tmp
                out._backward = _backward
                return out

            def tanh(self):
                t = math.tanh(self.data)
                out = Value(t, (self,), "tanh")

                def _backward():
                    self._tmp = getattr(self, "_tmp", 0) + (1 - t ** 2) * out._tmp
                out._backward = _backward
                return out

            def backward(self):
                topo, visited, stack = [], set(), [self]
                while stack:
                    v = stack[-1]
                    ahead = [c for c in v._prev if c not in visited] if v not in visited else []
                    if ahead:
                        stack.extend(ahead)
                        continue
                    stack.pop()
                    if v not in visited:
                        visited.add(v)
                        topo.append(v)
                for v in topo:
                    v._tmp = 0.0
                self._tmp = 1.0
                for v in reversed(topo):
                    v._backward()
                for v in topo:
                    v.grad += v._tmp

            def __neg__(self): return self * -1
            def __radd__(self, other): return self + other
            def __sub__(self, other): return self + (-other)
            def __rsub__(self, other): return other + (-self)
            def __rmul__(self, other): return self * other
        """,
    ),
    _odd(
        "value-recursive",
        "backward by recursion, 1200 deep, with a higher recursion limit",
        VALUE,
        lambda source: (
            """
import sys

sys.setrecursionlimit(20_000)


"""
            + _swap(
                VALUE,
                (
                    """        order, seen, stack = [], set(), [(self, False)]
        while stack:
            value, done = stack.pop()
            if done:
                order.append(value)
            elif id(value) not in seen:
                seen.add(id(value))
                stack.append((value, True))
                stack += [(parent, False) for parent, _ in value.parents]
""",
                    """        order, seen = [], set()

        def visit(value):
            if id(value) not in seen:
                seen.add(id(value))
                for parent, _ in value.parents:
                    visit(parent)
                order.append(value)

        visit(self)
""",
                ),
            )
        ),
    ),
    _odd(
        "value-with-slots",
        "__slots__, properties and a module-level tape",
        VALUE,
        """
        _tape = []

        class Value:
            __slots__ = ("_data", "_grad", "_index", "__weakref__")

            def __init__(self, data, rule=()):
                self._data, self._grad, self._index = float(data), 0.0, len(_tape)
                _tape.append((self, rule))

            data = property(lambda self: self._data)

            @property
            def grad(self):
                return self._grad

            @grad.setter
            def grad(self, value):
                self._grad = float(value)

            @classmethod
            def of(cls, thing):
                return thing if isinstance(thing, cls) else cls(thing)

            def __add__(self, other):
                other = Value.of(other)
                return Value(self._data + other._data, ((self, 1.0), (other, 1.0)))

            def __mul__(self, other):
                other = Value.of(other)
                return Value(self._data * other._data, ((self, other._data), (other, self._data)))

            def __pow__(self, n):
                return Value(self._data ** n, ((self, n * self._data ** (n - 1)),))

            def tanh(self):
                t = np.tanh(self._data)
                return Value(t, ((self, 1 - t * t),))

            __radd__ = __add__
            __rmul__ = __mul__
            __neg__ = lambda self: self * -1
            __sub__ = lambda self, other: self + Value.of(other) * -1
            __rsub__ = lambda self, other: Value.of(other) - self

            def backward(self):
                flow = {self._index: 1.0}
                for index in range(self._index, -1, -1):
                    if index in flow:
                        value, rule = _tape[index]
                        value._grad += flow[index]
                        for parent, slope in rule:
                            flow[parent._index] = flow.get(parent._index, 0.0) + slope * flow[index]
        """,
    ),
    _odd(
        "value-around-a-tensor",
        "Value is a thin shell around a tensor of torch",
        VALUE,
        """
        class Value:
            def __init__(self, data, behind=None):
                self.t = data if torch.is_tensor(data) else torch.tensor(float(data), dtype=torch.float64,
                                                                         requires_grad=True)
                self.t.retain_grad()

            @property
            def data(self):
                return self.t.item()

            @property
            def grad(self):
                return 0.0 if self.t.grad is None else self.t.grad.item()

            def backward(self):
                self.t.backward(retain_graph=True)

            def tanh(self):
                return Value(torch.tanh(self.t))

            def __pow__(self, n):
                return Value(self.t ** n)

        def _operator(name):
            def method(self, other):
                return Value(getattr(self.t, name)(other.t if isinstance(other, Value) else other))
            setattr(Value, name, method)

        for _name in ("__add__", "__radd__", "__mul__", "__rmul__", "__sub__", "__rsub__"):
            _operator(_name)
        Value.__neg__ = lambda self: self * -1.0
        """,
    ),
    _odd(
        "value-as-a-float",
        "Value is a subclass of float, dual to its own history",
        VALUE,
        lambda source: _swap(
            VALUE,
            ("class Value:", "class Value(float):"),
            (
                "    def __init__(self, data, parents=()):",
                "    def __new__(cls, data, parents=()):\n        return super().__new__(cls, data)\n\n"
                "    __hash__ = object.__hash__\n\n    def __init__(self, data, parents=()):",
            ),
        ),
    ),
    _odd(
        "value-dataclass",
        "a dataclass with eq, order and a default factory",
        VALUE,
        lambda source: _swap(
            VALUE,
            ("class Value:", "@dataclasses.dataclass(eq=False, repr=False)\nclass Value:"),
            (
                "    def __init__(self, data, parents=()):\n"
                "        self.data, self.grad, self.parents = float(data), 0.0, parents\n",
                "    data: float\n    parents: tuple = ()\n"
                "    grad: float = dataclasses.field(default=0.0, init=False)\n",
            ),
            above="import dataclasses\n\n\n",
        ),
    ),
    _odd(
        "value-with-getattr",
        "__getattr__, __setattr__ and __dir__ of its own",
        VALUE,
        lambda source: (
            source
            + """

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self.__dict__.setdefault(name, None)

    def __setattr__(self, name, value):
        object.__setattr__(self, name, value)

    def __dir__(self):
        return ["data", "grad"]
"""
        ),
    ),
    _odd(
        "value-subclass-and-mixin",
        "operators in a mixin and an abstract base class",
        VALUE,
        lambda source: (
            """
from abc import ABC, abstractmethod
from typing import Generic, TypeVar

T = TypeVar("T")


class Differentiable(ABC, Generic[T]):
    @abstractmethod
    def backward(self) -> None: ...

    def zero_grad(self):
        self.grad = 0.0


"""
            + _swap(VALUE, ("class Value:", "class Value(Differentiable[float]):"))
        ),
    ),
    _odd(
        "value-with-numpy-scalars",
        "data and grad are NumPy scalars and 0-d arrays",
        VALUE,
        lambda source: _swap(
            VALUE,
            (
                "self.data, self.grad, self.parents = float(data), 0.0, parents",
                "self.data, self.grad, self.parents = np.float64(data), np.zeros(()), parents",
            ),
            ("t = float(np.tanh(self.data))", "t = np.tanh(self.data)"),
            ("value.grad += slope", "value.grad = value.grad + slope"),
        ),
    ),
    _odd(
        "value-with-numpy-priority",
        "__array_ufunc__, __float__, comparisons and hashing defined as well",
        VALUE,
        lambda source: (
            source
            + """

    __array_ufunc__ = None
    __float__ = lambda self: self.data
    __lt__ = lambda self, other: self.data < getattr(other, "data", other)
    __eq__ = lambda self, other: self is other
    __hash__ = object.__hash__
    __bool__ = lambda self: self.data != 0
    __len__ = lambda self: 1
    __iter__ = lambda self: iter((self.data, self.grad))
"""
        ),
    ),
    _odd(
        "value-factory-function",
        "Value is a function that makes objects of a hidden class",
        VALUE,
        lambda source: (
            "def _make():\n"
            + "\n".join("    " + line for line in source.split("\n"))
            + "\n    return Value\n\n\n_Class = _make()\n\n\ndef Value(data):\n    return _Class(data)\n"
        ),
    ),
    _odd(
        "value-weak-graph",
        "grads kept in a WeakKeyDictionary outside the objects",
        VALUE,
        lambda source: _swap(
            VALUE,
            (
                "self.data, self.grad, self.parents = float(data), 0.0, parents",
                "self.data, self.parents = float(data), parents\n        _grads[self] = 0.0",
            ),
            ("    def __add__", "    @property\n    def grad(self):\n        return _grads[self]\n\n    def __add__"),
            ("value.grad += slope", "_grads[value] += slope"),
            above="import weakref\n\n_grads = weakref.WeakKeyDictionary()\n\n\n",
        ),
    ),
]

# -- iterators ---------------------------------------------------------------------------------------------------------

ITERATORS = [
    _odd(
        "batches-as-a-class",
        "a class with __iter__ and __next__ in the place of a generator",
        BATCHES,
        """
        class minibatches:
            def __init__(self, X, y, size, rng):
                if size < 1:
                    raise ValueError(size)
                self.X, self.y, self.size, self.rng = X, y, size, rng
                self.order, self.at = None, 0

            def __iter__(self):
                return self

            def __next__(self):
                if self.order is None:
                    self.order = self.rng.permutation(len(self.X))
                if self.at >= len(self.order):
                    raise StopIteration
                rows = self.order[self.at:self.at + self.size]
                self.at += self.size
                return self.X[rows], self.y[rows]
        """,
    ),
    _odd(
        "batches-checked-at-the-call",
        "an inner generator, so that wrong sizes are refused at once",
        BATCHES,
        """
        def minibatches(X, y, size, rng):
            if size <= 0:
                raise ValueError("size")

            def epoch():
                order = rng.permutation(X.shape[0])
                yield from ((X[order[i:i + size]], y[order[i:i + size]]) for i in range(0, X.shape[0], size))

            return epoch()
        """,
    ),
    _odd(
        "batches-as-iter-of-a-callable",
        "iter with a sentinel",
        BATCHES,
        """
        def minibatches(X, y, size, rng):
            if size < 1:
                raise ValueError("size")
            left, end = None, object()

            def more():
                nonlocal left
                if left is None:
                    left = list(rng.permutation(len(X)))
                if not left:
                    return end
                rows, left = left[:size], left[size:]
                return X[rows], y[rows]

            return iter(more, end)
        """,
    ),
    _odd(
        "batches-as-a-map",
        "map over a chain that starts late",
        BATCHES,
        """
        import itertools

        def minibatches(X, y, size, rng):
            if size < 1:
                raise ValueError("size")
            late = itertools.chain.from_iterable(rng.permutation(len(X)) for _ in range(1))
            groups = iter(lambda: list(itertools.islice(late, size)), [])
            return map(lambda rows: (X[rows], y[rows]), groups)
        """,
    ),
    _odd(
        "batches-named",
        "batches are named tuples with views of a shuffled copy",
        BATCHES,
        """
        import collections

        Batch = collections.namedtuple("Batch", ["inputs", "labels"])

        def minibatches(X, y, size, rng):
            if size < 1:
                raise ValueError("size")
            order = rng.permutation(len(X))
            X, y = X.take(order, axis=0), y.take(order)
            for start in range(0, len(y), size):
                yield Batch(X[start:start + size], y[start:start + size])
        """,
    ),
    _odd(
        "batches-from-a-dataloader",
        "torch's DataLoader gives the batches",
        BATCHES,
        """
        from torch.utils.data import DataLoader, Sampler, TensorDataset

        class Ours(Sampler):
            def __init__(self, n, rng):
                self.n, self.rng = n, rng

            def __len__(self):
                return self.n

            def __iter__(self):
                return iter(self.rng.permutation(self.n).tolist())

        def minibatches(X, y, size, rng):
            if size < 1:
                raise ValueError("size")
            loader = DataLoader(TensorDataset(torch.tensor(X), torch.tensor(y)), size, sampler=Ours(len(X), rng))
            for inputs, labels in loader:
                yield inputs.numpy(), labels.numpy()
        """,
    ),
    _odd(
        "batches-with-send-and-close",
        "a generator with try/finally, send and a return value",
        BATCHES,
        """
        closed = 0

        def minibatches(X, y, size, rng):
            global closed
            if not size >= 1:
                raise ValueError("size")
            try:
                order = rng.permutation(len(X))
                while len(order):
                    skip = yield X[order[:size]], y[order[:size]]
                    order = order[size:]
                return len(X)
            finally:
                closed += 1
        """,
    ),
    _odd(
        "batches-from-another-thread",
        "a thread prepares the batches and ends",
        BATCHES,
        """
        import queue
        import threading

        def minibatches(X, y, size, rng):
            if size < 1:
                raise ValueError("size")
            order, line = rng.permutation(len(X)), queue.Queue()

            def prepare():
                for part in [order[i:i + size] for i in range(0, len(order), size)]:
                    line.put((X[part], y[part]))
                line.put(None)

            worker = threading.Thread(target=prepare, daemon=True)
            worker.start()
            yield from iter(line.get, None)
            worker.join()
        """,
    ),
    _odd(
        "batches-by-array-split",
        "one np.split, read-only and Fortran-ordered batches",
        BATCHES,
        """
        def minibatches(X, y, size, rng):
            if size < 1:
                raise ValueError("size")
            order = rng.permutation(len(X))
            for rows in np.split(order, range(size, len(order), size)):
                inputs, labels = np.asfortranarray(X[rows]), y[rows]
                inputs.flags.writeable = labels.flags.writeable = False
                yield inputs, labels
        """,
    ),
]

# -- callbacks ---------------------------------------------------------------------------------------------------------

CALLBACKS = [
    _odd(
        "gradient-in-place-and-back",
        "x itself is moved and put back bit for bit",
        GRADIENT,
        """
        def numerical_gradient(f, x, h=1e-5):
            grad = np.empty_like(x)
            it = np.nditer(x, flags=["multi_index"], op_flags=["readwrite"])
            while not it.finished:
                ix = it.multi_index
                old = x[ix]
                try:
                    x[ix] = old + h
                    above = f(x)
                    x[ix] = old - h
                    below = f(x)
                finally:
                    x[ix] = old
                grad[ix] = (above - below) / (2 * h)
                it.iternext()
            return grad
        """,
    ),
    _odd(
        "gradient-by-vectorize",
        "np.vectorize over the coordinates, a partial of f",
        GRADIENT,
        """
        from functools import partial

        def numerical_gradient(f, x, h=1e-5):
            def shifted(g, k, step):
                moved = x.copy()
                moved.reshape(-1)[k] += step
                return g(moved)

            probe = partial(shifted, f)
            slope = np.vectorize(lambda k: (probe(k, h) - probe(k, -h)) / (2 * h), otypes=[np.float64])
            return slope(np.arange(x.size)).reshape(x.shape)
        """,
    ),
    _odd(
        "gradient-with-list-of-lists",
        "all points first, then all values",
        GRADIENT,
        """
        def numerical_gradient(f, x, h=1e-5):
            steps = h * np.eye(x.size).reshape(x.size, *x.shape)
            above = [*map(f, x + steps)]
            below = list(f(point) for point in x - steps)
            return np.subtract(above, below).reshape(x.shape) / (h + h)
        """,
    ),
    _odd(
        "gradient-with-a-generator",
        "f is called inside a generator that np.fromiter consumes",
        GRADIENT,
        """
        def numerical_gradient(f, x, h=1e-5):
            def slopes():
                for k in range(x.size):
                    step = np.zeros(x.size)
                    step[k] = h
                    step.shape = x.shape
                    yield (f(x + step) - f(x - step)) / (2 * h)

            return np.fromiter(slopes(), dtype=float, count=x.size).reshape(x.shape)
        """,
    ),
    _odd(
        "gradient-in-threads",
        "f is called from a pool of threads",
        GRADIENT,
        """
        from concurrent.futures import ThreadPoolExecutor

        def numerical_gradient(f, x, h=1e-5):
            steps = [h * e.reshape(x.shape) for e in np.eye(x.size)]
            with ThreadPoolExecutor(4) as pool:
                values = list(pool.map(f, [x + s for s in steps] + [x - s for s in steps]))
            half = len(values) // 2
            return (np.array(values[:half]) - np.array(values[half:])).reshape(x.shape) / (2 * h)
        """,
    ),
    _odd(
        "gradient-caught-and-raised-again",
        "f's exception is caught, noted and raised again",
        GRADIENT,
        lambda source: _swap(
            GRADIENT,
            (
                "        above = f(moved)\n",
                """        try:
            above = f(moved)
        except ArithmeticError as error:
            error.add_note("while moving a coordinate")
            raise
""",
            ),
        ),
    ),
    _odd(
        "gradient-remembers-f",
        "f is kept, wrapped, compared and put into a dict",
        GRADIENT,
        """
        _known, _last = {}, None

        class Counting:
            def __init__(self, f):
                self.f, self.count = f, 0

            def __call__(self, *args, **kwargs):
                self.count += 1
                return self.f(*args, **kwargs)

        def numerical_gradient(f, x, h=1e-5):
            global _last
            assert callable(f)
            g = _known.setdefault(id(f), Counting(f))
            g.f = f
            _last = f
            slopes = np.zeros(x.shape)
            for k in np.ndindex(*x.shape):
                e = np.zeros(x.shape)
                e[k] = h
                slopes[k] = (g(x + e) - g(x - e)) / (2 * h)
            return slopes
        """,
    ),
    _odd(
        "gradient-same-buffer",
        "one array for all results of one shape",
        GRADIENT,
        lambda source: _swap(
            GRADIENT,
            ("slopes = np.zeros_like(x)", "slopes = _buffers.setdefault(x.shape, np.zeros(x.shape))"),
            above="_buffers = {}\n\n\n",
        ),
    ),
    _odd(
        "gradient-recursive",
        "one coordinate per level of recursion, and a value of f at x on the way",
        GRADIENT,
        """
        def numerical_gradient(f, x, h=1e-5, k=0):
            if k == 0:
                f(x)
            if k == x.size:
                return np.empty(x.shape)
            bump = np.where(np.arange(x.size) == k, h, 0.0).reshape(x.shape)
            slope = f(x + bump) / (2 * h) - f(x - bump) / (2 * h)
            rest = numerical_gradient(f, x, h, k + 1)
            rest.flat[k] = slope
            return rest
        """,
    ),
]

# -- state that changes in place -------------------------------------------------------------------------------------

STATE = [
    _odd(
        "momentum-in-place-velocity",
        "velocities change in place, params by np.subtract with out",
        MOMENTUM,
        lambda source: _swap(
            MOMENTUM,
            (
                "            self.velocity[name] = self.beta * self.velocity[name] + found[name]\n"
                "            p -= self.lr * self.velocity[name]",
                "            v = self.velocity[name]\n            v *= self.beta\n            v += found[name]\n"
                "            np.subtract(p, self.lr * v, out=p)",
            ),
        ),
    ),
    _odd(
        "momentum-slice-assignment",
        "p[...] = new values, a view of p, and a buffer that is kept",
        MOMENTUM,
        lambda source: _swap(
            MOMENTUM,
            (
                "            p -= self.lr * self.velocity[name]",
                "            flat = p.reshape(-1)\n            flat[:] = (p - self.lr * self.velocity[name]).ravel()",
            ),
        ),
    ),
    _odd(
        "momentum-through-torch",
        "torch's tensors share the memory of the arrays",
        MOMENTUM,
        lambda source: _swap(
            MOMENTUM,
            (
                "            p -= self.lr * self.velocity[name]",
                "            torch.from_numpy(p).sub_(torch.from_numpy(self.velocity[name]), alpha=self.lr)",
            ),
        ),
    ),
    _odd(
        "momentum-with-torch-sgd",
        "torch.optim.SGD does the steps",
        MOMENTUM,
        """
        import contextlib

        class Momentum:
            def __init__(self, params, lr=0.1, beta=0.9):
                self.tensors = {name: torch.from_numpy(p).requires_grad_() for name, p in params.items()}
                self.sgd = torch.optim.SGD(self.tensors.values(), lr=lr, momentum=beta)
                self.steps, self.asleep = 0, False

            def step(self, grads):
                found = [(t, torch.from_numpy(grads[name].copy())) for name, t in self.tensors.items()]
                if self.asleep:
                    return
                for t, g in found:
                    t.grad = g
                self.sgd.step()
                self.steps += 1

            def state_dict(self):
                buffers = {n: self.sgd.state[t].get("momentum_buffer") for n, t in self.tensors.items()}
                velocity = {n: np.zeros(self.tensors[n].shape) if b is None else b.numpy().copy()
                            for n, b in buffers.items()}
                group = self.sgd.param_groups[0]
                return {"lr": group["lr"], "beta": group["momentum"], "steps": self.steps, "velocity": velocity}

            def load_state_dict(self, state):
                self.sgd.param_groups[0].update(lr=state["lr"], momentum=state["beta"])
                self.steps = state["steps"]
                for name, v in state["velocity"].items():
                    self.sgd.state[self.tensors[name]]["momentum_buffer"] = torch.tensor(v)

            @contextlib.contextmanager
            def frozen(self):
                self.asleep = True
                try:
                    yield
                finally:
                    self.asleep = False
        """,
    ),
    _odd(
        "momentum-context-class",
        "frozen() returns an object with __enter__ and __exit__; ExitStack inside",
        MOMENTUM,
        lambda source: _swap(
            MOMENTUM,
            (
                """    @contextmanager
    def frozen(self):
        self.idle = True
        try:
            yield self
        finally:
            self.idle = False""",
                """    class _Frozen:
        def __init__(self, optimizer):
            self.optimizer = optimizer

        def __enter__(self):
            with ExitStack() as stack:
                stack.callback(setattr, self.optimizer, "idle", True)
            return self.optimizer

        def __exit__(self, kind, error, traceback):
            self.optimizer.idle = False
            return None

    def frozen(self):
        return self._Frozen(self)""",
            ),
            above="from contextlib import ExitStack\n\n\n",
        ),
    ),
    _odd(
        "momentum-in-closures",
        "no class: a function returns an object of closures",
        MOMENTUM,
        """
        from contextlib import contextmanager
        from types import SimpleNamespace

        def Momentum(params, lr=0.1, beta=0.9):
            s = dict(lr=lr, beta=beta, steps=0, velocity={k: 0 * p for k, p in params.items()})
            awake = True

            def step(grads):
                missing = params.keys() - grads.keys()
                if missing:
                    raise KeyError(*missing)
                if awake:
                    s["steps"] += 1
                    for k in params:
                        s["velocity"][k] = s["beta"] * s["velocity"][k] + grads[k]
                        params[k] -= s["lr"] * s["velocity"][k]

            def state_dict():
                return s | {"velocity": {k: +v for k, v in s["velocity"].items()}}

            def load_state_dict(state):
                s.update(state, velocity={k: +v for k, v in state["velocity"].items()})

            @contextmanager
            def frozen():
                nonlocal awake
                before, awake = awake, False
                try:
                    yield
                finally:
                    awake = before

            return SimpleNamespace(step=step, state_dict=state_dict, load_state_dict=load_state_dict, frozen=frozen)
        """,
    ),
    _odd(
        "momentum-own-keyerror",
        "an own exception that is a KeyError; ChainMap and MappingProxyType inside",
        MOMENTUM,
        lambda source: _swap(
            MOMENTUM,
            (
                "        found = {name: grads[name] for name in self.params}",
                "        view = MappingProxyType(ChainMap(grads))\n"
                "        lost = [name for name in self.params if name not in view]\n"
                "        if lost:\n            raise MissingGradient(lost)\n"
                "        found = {name: view[name] for name in self.params}",
            ),
            above="from collections import ChainMap\nfrom types import MappingProxyType\n\n\n"
            "class MissingGradient(KeyError):\n    def __str__(self):\n"
            "        return f'no gradient for {self.args[0]}'\n\n\n",
        ),
    ),
    _odd(
        "momentum-ordered-state",
        "the state is an OrderedDict of NumPy scalars and a defaultdict",
        MOMENTUM,
        lambda source: _swap(
            MOMENTUM,
            (
                '        return {"lr": self.lr, "beta": self.beta, "steps": self.steps, "velocity": copies}',
                '        pairs = [("velocity", defaultdict(int, copies)), ("steps", np.int64(self.steps)),\n'
                '                 ("beta", np.float64(self.beta)), ("lr", np.array(self.lr))]\n'
                "        return OrderedDict(pairs)",
            ),
            above="from collections import OrderedDict, defaultdict\n\n\n",
        ),
    ),
    _odd(
        "momentum-with-lock-and-log",
        "a lock, a log file and a history of everything",
        MOMENTUM,
        lambda source: _swap(
            MOMENTUM,
            (
                "        self.steps += 1\n",
                "        with _lock, open('steps.log', 'a') as log:\n            self.steps += 1\n"
                "            print(self.steps, found, file=log)\n            _history.append((self, found))\n",
            ),
            above="import threading\n\n_lock, _history = threading.RLock(), []\n\n\n",
        ),
    ),
]

# -- attributes, closures ----------------------------------------------------------------------------------------------

ATTRIBUTES = [
    _odd(
        "stopping-properties",
        "best and best_epoch are properties over a list of all losses",
        STOPPING,
        lambda source: (
            """
class EarlyStopping:
    def __init__(self, patience, delta=0.0):
        self.patience, self.delta = patience, delta
        self.losses, self.marks = [], []

    @property
    def best(self):
        return self.losses[self.marks[-1]] if self.marks else np.inf

    @property
    def best_epoch(self):
        return self.marks[-1] if self.marks else None

    def update(self, loss):
        if loss != loss:
            raise ValueError("NaN")
        self.losses.append(loss)
        if loss < (self.losses[self.marks[-1]] if self.marks else np.inf) - self.delta:
            self.marks.append(len(self.losses) - 1)
        last = self.marks[-1] if self.marks else -1
        return len(self.losses) - 1 - last >= self.patience


def warmup"""
            + source.split("def warmup", 1)[1]
        ),
    ),
    _odd(
        "stopping-numpy-bools",
        "update returns np.bool_, best is a NumPy scalar, best_epoch a NumPy integer",
        STOPPING,
        lambda source: _swap(
            STOPPING,
            (
                "self.best, self.best_epoch = loss, self.epoch",
                "self.best, self.best_epoch = np.float64(loss), np.int64(self.epoch)",
            ),
            (
                "        return self.epoch - 1 - since >= self.patience",
                "        return np.greater_equal(self.epoch - 1 - since, self.patience)",
            ),
        ),
    ),
    _odd(
        "stopping-returns-int",
        "update returns 1 or 0",
        STOPPING,
        lambda source: _swap(
            STOPPING,
            (
                "        return self.epoch - 1 - since >= self.patience",
                "        return int(self.epoch - 1 - since >= self.patience)",
            ),
        ),
    ),
    _odd(
        "stopping-dataclass",
        "a dataclass with field, InitVar and __post_init__",
        STOPPING,
        lambda source: (
            """
from dataclasses import KW_ONLY, InitVar, dataclass, field


@dataclass
class EarlyStopping:
    patience: int
    delta: float = 0.0
    _: KW_ONLY
    verbose: InitVar[bool] = False
    best: float = field(default=float("inf"), init=False)
    best_epoch: int | None = field(default=None, init=False)
    history: list = field(default_factory=list, init=False, repr=False)

    def __post_init__(self, verbose):
        self.say = print if verbose else lambda *words: None

    def update(self, loss):
        if np.isnan(loss):
            raise ValueError
        self.history.append(loss)
        if self.best - loss > self.delta:
            self.best, self.best_epoch = loss, len(self.history) - 1
            self.say("better")
        return len(self.history) - (self.best_epoch if self.best_epoch is not None else -1) > self.patience


def warmup"""
            + source.split("def warmup", 1)[1]
        ),
    ),
    _odd(
        "stopping-attributes-by-getattr",
        "attributes come out of a dict through __getattr__",
        STOPPING,
        lambda source: _swap(
            STOPPING,
            (
                "        self.patience, self.delta = patience, delta\n"
                '        self.best, self.best_epoch = float("inf"), None\n        self.epoch = 0\n',
                '        self.__dict__["state"] = dict(patience=patience, delta=delta, best=float("inf"),\n'
                "                                      best_epoch=None, epoch=0)\n\n"
                "    def __getattr__(self, name):\n        try:\n            return self.__dict__['state'][name]\n"
                "        except KeyError:\n            raise AttributeError(name) from None\n\n"
                "    def __setattr__(self, name, value):\n        self.state[name] = value\n",
            ),
        ),
    ),
    _odd(
        "warmup-as-a-class",
        "the schedule is an object with __call__ and a property",
        STOPPING,
        lambda source: (
            source.split("def warmup", 1)[0]
            + """
class warmup:
    def __init__(self, base, steps):
        self.base, self.steps, self._seen = base, steps, []

    def __call__(self, n):
        self._seen.append(n)
        return self.base if n >= self.steps else self.base * (n + 1) / self.steps

    @property
    def calls(self):
        return len(self._seen)
"""
        ),
    ),
    _odd(
        "warmup-decorated",
        "a decorator counts the calls",
        STOPPING,
        lambda source: (
            """
import functools


def counting(f):
    @functools.wraps(f)
    def inner(*args):
        inner.calls += 1
        return f(*args)

    inner.calls = 0
    return inner


"""
            + source.split("def warmup", 1)[0]
            + """
def warmup(base, steps):
    table = [base * (n + 1) / steps for n in range(steps)]
    return counting(lambda n: table[n] if n < steps else base)
"""
        ),
    ),
    _odd(
        "warmup-mock",
        "unittest.mock counts the calls",
        STOPPING,
        lambda source: (
            source.split("def warmup", 1)[0]
            + """
from unittest.mock import MagicMock


class Rate:
    def __init__(self, base, steps):
        self.spy = MagicMock(side_effect=lambda n: np.interp(n + 1, [0, steps], [0, base]))
        self.__call__ = self.spy

    def __call__(self, n):
        return self.spy(n)

    calls = property(lambda self: self.spy.call_count)


warmup = Rate
"""
        ),
    ),
    _odd(
        "warmup-generator-behind",
        "numbers come from a generator with send; a 0-d array and float32 are returned",
        STOPPING,
        lambda source: (
            source.split("def warmup", 1)[0]
            + """
def warmup(base, steps):
    def engine():
        n = yield
        while True:
            n = yield np.array(base * min(1, (n + 1) / steps))

    running = engine()
    next(running)

    def rate(n, /, *, _state={"calls": 0}):
        rate.calls += 1
        return running.send(n)

    rate.calls = 0
    return rate
"""
        ),
    ),
]

# -- modules of torch --------------------------------------------------------------------------------------------------

MODULES = [
    _odd(
        "mlp-as-sequential",
        "a subclass of nn.Sequential, without a forward of its own",
        MLP,
        lambda source: (
            """
class MLP(nn.Sequential):
    def __init__(self, widths, p=0.0):
        parts = []
        for a, b in zip(widths, widths[1:]):
            parts += [nn.Linear(a, b), nn.Tanh(), nn.Dropout(p)]
        super().__init__(*parts[:-2])


def accuracy"""
            + source.split("def accuracy", 1)[1]
        ),
    ),
    _odd(
        "mlp-as-function",
        "MLP is a function that returns a module",
        MLP,
        lambda source: (
            """
def MLP(widths, p=0.0):
    layers = [nn.Linear(a, b) for a, b in zip(widths, widths[1:])]
    chain = [part for layer in layers for part in (layer, nn.Tanh(), nn.Dropout(p))]
    return nn.Sequential(*chain[:-2])


def accuracy"""
            + source.split("def accuracy", 1)[1]
        ),
    ),
    _odd(
        "mlp-own-parameters",
        "weights and biases as nn.Parameter, F.linear and F.dropout",
        MLP,
        lambda source: (
            """
import torch.nn.functional as F


class MLP(nn.Module):
    def __init__(self, widths, p=0.0):
        super(MLP, self).__init__()
        self.p = p
        self.w, self.b = nn.ParameterList(), nn.ParameterDict()
        self.all = nn.ParameterList()
        for k, (a, b) in enumerate(zip(widths, widths[1:])):
            self.all.append(nn.Parameter(nn.init.xavier_uniform_(torch.empty(b, a))))
            self.all.append(nn.Parameter(torch.zeros(b)))

    def forward(self, x):
        pairs = list(zip(self.all[::2], self.all[1::2]))
        for w, b in pairs[:-1]:
            x = F.dropout(F.linear(x, w, b).tanh(), self.p, self.training)
        return F.linear(x, *pairs[-1])


def accuracy"""
            + source.split("def accuracy", 1)[1]
        ),
    ),
    _odd(
        "mlp-with-hooks-and-buffers",
        "hooks, buffers, apply, a __repr__ of its own, type hints",
        MLP,
        lambda source: _swap(
            MLP,
            (
                "        self.dropout = nn.Dropout(p)\n",
                "        self.dropout = nn.Dropout(p)\n        self.register_buffer('calls', torch.zeros(()))\n"
                "        self.apply(lambda part: hasattr(part, 'bias') and nn.init.zeros_(part.bias))\n"
                "        self.register_forward_pre_hook(lambda part, args: part.calls.add_(1) and None)\n",
            ),
            (
                "    def forward(self, x):",
                "    def extra_repr(self) -> str:\n        return 'mine'\n\n"
                "    def forward(self, x: torch.Tensor) -> torch.Tensor:",
            ),
        ),
    ),
    _odd(
        "mlp-trained-at-once",
        "a training loop with an optimizer in the answer cell, loss printed",
        MLP,
        after("""
        torch.manual_seed(1)
        net = MLP([2, 8, 2])
        inputs = torch.randn(64, 2)
        labels = (inputs[:, 0] * inputs[:, 1] > 0).long()
        optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
        for epoch in range(30):
            loss = nn.functional.cross_entropy(net(inputs), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if epoch % 10 == 0:
                print(f"epoch {epoch:3} loss {loss.item():.4f}", end="\\r")
        torch.save(net.state_dict(), "net.pt")
        net.load_state_dict(torch.load("net.pt", weights_only=True))
        print(net, accuracy(net, inputs, labels))
        """),
    ),
    _odd(
        "accuracy-with-decorator",
        "@torch.no_grad, a context manager for the mode, numbers from sklearn",
        MLP,
        lambda source: (
            source.split("def accuracy", 1)[0]
            + """
from contextlib import contextmanager


@contextmanager
def evaluating(model):
    was = model.training
    try:
        yield model.eval()
    finally:
        model.train(was)


@torch.no_grad()
def accuracy(model, X, y):
    from sklearn.metrics import accuracy_score

    with evaluating(model):
        return float(accuracy_score(y.numpy(), model(X).numpy().argmax(1)))
"""
        ),
    ),
    _odd(
        "accuracy-in-batches",
        "the data are split with torch's DataLoader of one row each",
        MLP,
        lambda source: (
            source.split("def accuracy", 1)[0]
            + """
from torch.utils.data import DataLoader, TensorDataset


def accuracy(model, X, y):
    mode, hits = model.training, []
    model.train(False)
    with torch.inference_mode():
        for rows, labels in DataLoader(TensorDataset(X, y), batch_size=1):
            hits += (model(rows).topk(1).indices[:, 0] == labels).tolist()
    model.train(mode)
    return sum(hits) / len(hits)
"""
        ),
    ),
    _odd(
        "accuracy-numpy-scalar",
        "the share comes back as a NumPy scalar",
        MLP,
        lambda source: _swap(MLP, (".float().mean().item()", ".numpy().mean()")),
    ),
]

# -- habits on the small course ----------------------------------------------------------------------------------------

HABITS = [
    _odd(
        "classes-across-cells",
        "a base class in a cell of the student's own, reopened below",
        STOPPING,
        lambda source: _swap(STOPPING, ("class EarlyStopping:", "class EarlyStopping(Base):")),
        spoil=insert(
            STOPPING,
            "class Base:\n    def reset(self):\n        self.__init__(self.patience, self.delta)\n",
            "Base.__doc__ = 'reopened'\nBase.shape = property(lambda self: (1,))",
        ),
    ),
    _odd(
        "class-defined-again-below",
        "the class is defined again with one more method, in a cell below",
        VALUE,
        lambda source: source,
        spoil=insert(
            VALUE,
            reference(SMALL)[VALUE] + "\n\n    def relu(self):\n        return self * (self.data > 0)",
            below=True,
        ),
    ),
    _odd(
        "methods-added-later",
        "methods are set on the class in a cell below the answer",
        VALUE,
        lambda source: _swap(VALUE, ("    def tanh(self):", "    def _tanh(self):")),
        spoil=insert(
            VALUE, "Value.tanh = Value.__dict__['_tanh']\nValue.exp = lambda self: Value(np.exp(self.data))", below=True
        ),
    ),
    _odd(
        "answers-in-a-module-object",
        "answers live in a module made at run time",
        BATCHES,
        lambda source: (
            f"""
import sys
import types

tools = types.ModuleType("tools")
tools.np = np
exec(compile({source!r}, "tools.py", "exec"), tools.__dict__)
sys.modules["tools"] = tools
from tools import minibatches
"""
        ),
    ),
    _odd(
        "one-namespace-class",
        "all six answers inside one class, pulled out at the end",
        GRADIENT,
        lambda source: (
            "class Homework:\n    @staticmethod\n"
            + "\n".join("    " + line for line in source.split("\n"))
            + "\n\n\nnumerical_gradient = Homework.numerical_gradient"
        ),
    ),
    _odd(
        "long-chain-by-the-student",
        "the student's own stress test: a chain of 3000 values, below the answer",
        VALUE,
        after("""
        total = Value(0.0)
        for k in range(3000):
            total = total + Value(k)
        total.backward()
        assert total.data == sum(range(3000)), total
        """),
    ),
    _odd(
        "warnings-in-constructors",
        "warnings and words on stderr from constructors and operators",
        VALUE,
        lambda source: _swap(
            VALUE,
            (
                "    def __neg__(self):\n",
                "    def __neg__(self):\n        warnings.warn('negated', stacklevel=2)\n"
                "        print('neg', file=sys.stderr)\n",
            ),
            above="import sys\nimport warnings\n\n\n",
        ),
        stock="text on stderr",
    ),
    _odd(
        "prints-in-every-method",
        "leftover prints in operators, iterators and callbacks",
        BATCHES,
        lambda source: _swap(BATCHES, ("        yield", "        print('batch', start, rows)\n        yield")),
    ),
    _odd(
        "default-dtype-early",
        "torch's default dtype changed in the first exercise must not cost the last one",
        VALUE,
        before("torch.set_default_dtype(torch.float64)"),
        stock="the setting stays on for a later exercise",
    ),
    _odd(
        "gradients-switched-off-early",
        "no gradients from the second exercise on must not cost the last one",
        BATCHES,
        before("torch.set_grad_enabled(False)"),
        stock="the setting stays on for a later exercise",
    ),
    _odd(
        "dataloader-workers",
        "torch's DataLoader with two worker processes",
        MLP,
        lambda source: (
            source.split("def accuracy", 1)[0]
            + """
from torch.utils.data import DataLoader, TensorDataset


def accuracy(model, X, y):
    mode, hits = model.training, 0
    model.eval()
    with torch.no_grad():
        for rows, labels in DataLoader(TensorDataset(X, y), batch_size=4, num_workers=2):
            hits += (model(rows).argmax(1) == labels).sum().item()
    model.train(mode)
    return hits / len(X)
"""
        ),
    ),
    _odd(
        "seeds-at-the-top",
        "global seeds and default dtypes before everything",
        MLP,
        before("""
        torch.manual_seed(42)
        torch.use_deterministic_algorithms(True)
        torch.set_printoptions(precision=2)
        np.random.seed(42)
        torch.backends.cudnn.benchmark = False
        """),
    ),
]

ODD = [*VALUES, *ITERATORS, *CALLBACKS, *STATE, *ATTRIBUTES, *MODULES, *HABITS]
