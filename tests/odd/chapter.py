"""Odd ways to write right answers to the exercises of chapter 1."""

from __future__ import annotations

from . import CHAPTER, Odd, after, before


def _odd(name, why, slug, code, **more):
    return Odd(name, CHAPTER, why, {slug: code}, **more)


FIT = "perceptron-fit"
ACT = "activations"
SOFT = "softmax"
XOR = "xor-params"
NET = "forward"

DERIVATIVES = """
def d_sigmoid(z):
    return sigmoid(z) * sigmoid(-z)


def d_tanh(z):
    return 1.0 - tanh(z) ** 2


def d_relu(z):
    return np.where(np.asarray(z) > 0, 1.0, 0.0)
"""

# -- other libraries ---------------------------------------------------------------------------------------------------

LIBRARIES = [
    _odd(
        "scipy-softmax",
        "scipy.special may do the work, the task names no tool",
        SOFT,
        """
        from scipy.special import softmax as _softmax

        def softmax(z, temperature=1.0, axis=-1):
            if not temperature > 0:
                raise ValueError
            return _softmax(np.divide(z, temperature), axis)
        """,
    ),
    _odd(
        "scipy-ufuncs-as-answers",
        "a ufunc object is callable, too: sigmoid = expit",
        ACT,
        """
        from functools import partial
        from scipy.special import expit

        sigmoid = expit
        tanh = np.tanh
        relu = partial(np.maximum, 0.0)
        d_sigmoid = lambda z: expit(z) * expit(np.negative(z))
        d_tanh = lambda z: np.reciprocal(np.square(np.cosh(np.clip(z, -300, 300))))
        d_relu = lambda z: np.heaviside(z, 0.5)
        """,
    ),
    _odd(
        "torch-softmax",
        "torch in the place of NumPy, converted back at the end",
        SOFT,
        """
        def softmax(z, temperature=1.0, axis=-1):
            if temperature <= 0:
                raise ValueError("no")
            with torch.inference_mode():
                t = torch.as_tensor(np.ascontiguousarray(z), dtype=torch.float64)
                return torch.nn.functional.softmax(t / temperature, dim=axis).numpy()
        """,
    ),
    _odd(
        "torch-forward-detached",
        "forward runs a torch network and gives arrays back",
        NET,
        """
        def to_torch(params):
            parts = []
            for W, b in params:
                layer = nn.Linear(W.shape[0], W.shape[1]).double()
                layer.load_state_dict({"weight": torch.tensor(W.T.copy()), "bias": torch.tensor(b)})
                parts.extend((layer, nn.ReLU(inplace=True)))
            return nn.Sequential(*parts[:-1])

        def forward(X, params, return_all=False):
            seen, A = [X], torch.from_numpy(X.copy())
            net = to_torch(params)
            for part in net:
                A = part(A)
                if isinstance(part, nn.Linear):
                    seen.append(A)  # the ReLU that follows writes into it
            seen = [X] + [t.detach().numpy() for t in seen[1:]]
            return (seen[-1], seen) if return_all else seen[-1]
        """,
    ),
    _odd(
        "sympy-slopes",
        "derivatives found by sympy and turned into functions",
        ACT,
        lambda source: (
            source.split("def d_sigmoid")[0]
            + """
import sympy

_t = sympy.Symbol("t", real=True)
_slope = sympy.lambdify(_t, sympy.diff(sympy.tanh(_t), _t), "numpy")


def d_tanh(z):
    return _slope(np.asarray(z, dtype=float))


def d_sigmoid(z):
    return _slope(np.asarray(z, dtype=float) / 2) / 4


def d_relu(z):
    return (np.asarray(z) > 0).astype(float)
"""
        ),
    ),
    _odd(
        "math-and-itertools",
        "no NumPy at all until the return",
        XOR,
        """
        from itertools import product, chain
        from math import copysign

        def xor_params():
            rows = [list(map(float, row)) for row in ((1, 1), (1, 1))]
            return dict(W1=np.array(rows), b1=np.array([0.0, -1.0]), W2=np.array([[1.0], [-2.0]]), b2=np.zeros(1))

        def best_linear_accuracy(y):
            y = list(map(int, y))
            corners = list(product((0, 1), repeat=2))
            best = 0
            for a, b, c in product((-1.0, 0.0, 1.0), (-1.0, 0.0, 1.0), (-1.5, -0.5, 0.5, 1.5)):
                said = [copysign(1, a * p + b * q + c) > 0 for p, q in corners]
                best = max(best, sum(s == bool(t) for s, t in zip(said, y)))
            return best / 4
        """,
    ),
    _odd(
        "fractions",
        "exact fractions inside, floats at the end",
        FIT,
        """
        from fractions import Fraction as F

        def perceptron_fit(X, y, max_epochs=100, lr=1.0):
            if X.dtype.kind == "f" and not (X == np.round(X)).all():
                return _plain(X, y, max_epochs, lr)
            rows = [[F(int(v)) for v in row] for row in X]
            w, b, mistakes = [F(0)] * X.shape[1], F(0), []
            while len(mistakes) < max_epochs and 0 not in mistakes:
                mistakes.append(0)
                for row, t in zip(rows, map(int, y)):
                    if t * (sum(p * q for p, q in zip(w, row)) + b) <= 0:
                        w = [p + F(lr) * t * q for p, q in zip(w, row)]
                        b += F(lr) * t
                        mistakes[-1] += 1
            return np.array([float(v) for v in w]), float(b), mistakes

        def _plain(X, y, max_epochs, lr):
            w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
            for _ in range(max_epochs):
                mistakes.append(0)
                for x, t in zip(X, y):
                    if t * (x @ w + b) <= 0:
                        w = w + lr * t * x
                        b += lr * t
                        mistakes[-1] += 1
                if not mistakes[-1]:
                    break
            return w, b, mistakes
        """,
    ),
    _odd(
        "numba-if-there-is-one",
        "numba where it is installed, else a decorator that does nothing",
        FIT,
        before("""
        try:
            from numba import njit
        except ImportError:
            def njit(*args, **kwargs):
                if args and callable(args[0]):
                    return args[0]
                return lambda f: f

        @njit(cache=True)
        def _dot(a, b):
            return (a * b).sum()
        """),
    ),
    _odd(
        "np-matrix-inside",
        "np.matrix inside, an array outside",
        NET,
        lambda source: source.replace(
            "Z = activations[-1] @ W + b", "Z = np.asarray(np.matrix(activations[-1]) * np.matrix(W) + b)"
        ),
    ),
    _odd(
        "masked-arrays-returned",
        "a masked array with nothing masked is an array",
        ACT,
        """
        def sigmoid(z):
            z = np.ma.asarray(z, dtype=float)
            small = np.ma.exp(-np.ma.abs(z))
            return np.ma.where(z >= 0, 1.0, small) / (1.0 + small)

        def tanh(z):
            return np.ma.array(np.tanh(z))

        def relu(z):
            return np.ma.maximum(np.ma.asarray(z, dtype=float), 0.0)
        """
        + "\n".join("        " + line for line in DERIVATIVES.split("\n")),
    ),
    _odd(
        "memmap-returned",
        "an array that lies in a file of the student's",
        XOR,
        after("""
        import os, tempfile

        _ours = xor_params

        def xor_params():
            params = _ours()
            handle, name = tempfile.mkstemp(suffix=".dat")
            os.close(handle)
            mapped = np.memmap(name, dtype="float64", mode="w+", shape=(2, 2))
            mapped[:] = params["W1"]
            mapped.flush()
            return {**params, "W1": mapped}
        """),
    ),
    _odd(
        "stdlib-array-and-ctypes",
        "memory from the array module and from ctypes",
        XOR,
        """
        import array, ctypes

        def xor_params():
            W1 = np.frombuffer(array.array("d", [1, 1, 1, 1]), dtype=float).reshape(2, 2)
            b1 = np.ctypeslib.as_array((ctypes.c_double * 2)(0.0, -1.0))
            W2 = np.frombuffer(memoryview(np.array([1.0, -2.0]).tobytes())).reshape(2, 1)
            return {"W1": W1, "b1": b1, "W2": W2, "b2": np.fromstring("0", sep=" ")}

        def best_linear_accuracy(y):
            return {(0, 1, 1, 0): 0.75, (1, 0, 0, 1): 0.75}.get(tuple(map(int, y)), 1.0)
        """,
    ),
]

# -- what an answer may be ---------------------------------------------------------------------------------------------

SHAPES = [
    _odd(
        "callable-objects",
        "objects with __call__ in the place of functions",
        ACT,
        """
        class Curve:
            def __init__(self, rule):
                self.rule = rule

            def __call__(self, z):
                return self.rule(np.asarray(z, dtype=np.float64))

        def _sigmoid(z):
            e = np.exp(-np.abs(z))
            return np.where(z >= 0, 1, e) / (1 + e)

        sigmoid, tanh = Curve(_sigmoid), Curve(np.tanh)
        relu = Curve(lambda z: z.clip(0))
        d_sigmoid = Curve(lambda z: _sigmoid(z) * _sigmoid(-z))
        d_tanh = Curve(lambda z: 1 - np.tanh(z) ** 2)
        d_relu = Curve(lambda z: (z > 0) * 1.0)
        """,
    ),
    _odd(
        "bound-methods",
        "bound, static and class methods, pulled out by name",
        ACT,
        """
        class Activations:
            floor = 0.0

            def sigmoid(self, z):
                e = np.exp(-np.abs(z))
                return np.where(np.asarray(z) >= 0, 1.0, e) / (1.0 + e)

            @staticmethod
            def tanh(z):
                return np.tanh(z)

            @classmethod
            def relu(cls, z):
                return np.maximum(z, cls.floor)

        _a = Activations()
        sigmoid, tanh, relu = _a.sigmoid, _a.tanh, _a.relu

        def d_sigmoid(z):
            e = np.exp(-np.abs(z))
            return e / (1 + e) ** 2

        def d_tanh(z):
            return 4 * d_sigmoid(np.multiply(2.0, z))

        def d_relu(z):
            return np.greater(z, 0).astype(float)
        """,
    ),
    _odd(
        "np-vectorize",
        "np.vectorize objects around the math module",
        ACT,
        """
        import math

        @np.vectorize
        def _sigmoid(z):
            return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))

        def sigmoid(z):
            return _sigmoid(np.asarray(z, float))

        tanh = np.vectorize(math.tanh, otypes=[float])
        relu = np.vectorize(lambda z: max(0.0, float(z)), otypes="d")
        d_sigmoid = np.vectorize(lambda z: math.exp(-abs(z)) / (1 + math.exp(-abs(z))) ** 2, otypes=[np.float64])
        d_tanh = np.vectorize(lambda z: 1 - math.tanh(z) ** 2, otypes=[np.float64])
        d_relu = np.vectorize(lambda z: float(z > 0), otypes=[np.float64])
        """,
    ),
    _odd(
        "frompyfunc-object-arrays",
        "object arrays inside, float64 outside",
        ACT,
        lambda source: source.replace(
            "return np.maximum(0.0, z)",
            "return np.asarray(np.frompyfunc(lambda v: v if v > 0 else 0.0, 1, 1)(z)).astype(float)",
        ),
    ),
    _odd(
        "singledispatch",
        "one function per kind of input",
        ACT,
        lambda source: (
            source
            + """


import functools
from numbers import Number


@functools.singledispatch
def relu(z):
    raise TypeError(type(z))


@relu.register
def _(z: Number):
    return max(float(z), 0.0)


@relu.register(np.ndarray)
def _(z):
    return np.where(z > 0, z, 0.0)
"""
        ),
    ),
    _odd(
        "lru-cache",
        "results are remembered by the bytes of the input",
        SOFT,
        """
        import functools

        @functools.lru_cache(maxsize=None)
        def _cached(raw, dtype, shape, temperature, axis):
            z = np.frombuffer(raw, dtype=dtype).reshape(shape).astype(float) / temperature
            e = np.exp(z - z.max(axis, keepdims=True))
            return e / e.sum(axis, keepdims=True)

        def softmax(z, temperature=1.0, axis=-1):
            if temperature <= 0:
                raise ValueError("temperature")
            z = np.asarray(z)
            return _cached(z.tobytes(), z.dtype.str, z.shape, temperature, axis)
        """,
    ),
    _odd(
        "decorated-and-timed",
        "a decorator that times and counts, without functools.wraps",
        SOFT,
        lambda source: (
            """
import time

calls, spent = 0, 0.0


def timed(function):
    def inner(*args, **kwargs):
        global calls, spent
        calls += 1
        start = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            spent += time.perf_counter() - start
    return inner


@timed
"""
            + source
        ),
    ),
    _odd(
        "star-args",
        "arguments taken as *args and **kwargs",
        SOFT,
        """
        def softmax(z, *args, **kwargs):
            options = {"temperature": 1.0, "axis": -1} | dict(zip(("temperature", "axis"), args)) | kwargs
            T, axis = options["temperature"], options["axis"]
            if T <= 0:
                raise ValueError(f"T = {T}")
            z = np.asarray(z) / T
            top = np.max(z, axis=axis, keepdims=True)
            return np.exp(z - top - np.log(np.exp(z - top).sum(axis=axis, keepdims=True)))
        """,
    ),
    _odd(
        "keyword-only-extras",
        "more keyword arguments than were asked for",
        SOFT,
        """
        def softmax(z, temperature=1.0, axis=-1, *, T=None, log=False, verbose=0):
            temperature = temperature if T is None else T
            if temperature <= 0:
                raise ValueError("temperature")
            z = np.asarray(z, dtype=float) / temperature
            out = z - np.logaddexp.reduce(z, axis=axis, keepdims=True)
            return out if log else np.exp(out)
        """,
    ),
    _odd(
        "own-exception-class",
        "a subclass of ValueError is a ValueError",
        SOFT,
        lambda source: (
            """
class TemperatureError(ValueError):
    def __init__(self, temperature):
        super().__init__(f"absolute zero: {temperature}")
        self.temperature = temperature


"""
            + source.replace(
                'raise ValueError(f"temperature must be positive, got {temperature}")',
                "raise TemperatureError(temperature) from None",
            )
        ),
    ),
    _odd(
        "exception-group-of-causes",
        "the error has a cause, a context and notes",
        SOFT,
        lambda source: source.replace(
            'raise ValueError(f"temperature must be positive, got {temperature}")',
            """try:
            1 / 0
        except ZeroDivisionError as cause:
            error = ValueError("températures ≤ 0 °K 🥶", {"got": temperature})
            error.add_note("see the formula")
            raise error from cause""",
        ),
    ),
    _odd(
        "generator-with-send",
        "training as a coroutine that is fed with samples",
        FIT,
        """
        def trainer(D, lr):
            w, b, wrong = np.zeros(D), 0.0, None
            while True:
                x, t = yield wrong, w, b
                wrong = t * (np.inner(x, w) + b) <= 0
                if wrong:
                    w = w + lr * t * x
                    b = b + lr * t

        def perceptron_fit(X, y, max_epochs=100, lr=1.0):
            training = trainer(X.shape[1], lr)
            _, w, b = next(training)
            mistakes = []
            for epoch in range(max_epochs):
                results = [training.send(sample) for sample in zip(X, y)]
                _, w, b = results[-1]
                mistakes.append(sum(wrong for wrong, _, _ in results))
                if not mistakes[-1]:
                    break
            training.close()
            return w, b, mistakes
        """,
    ),
    _odd(
        "numpy-ints-in-the-list",
        "NumPy's whole numbers in a list, and a 0-d array for b",
        FIT,
        """
        def perceptron_fit(X, y, max_epochs=100, lr=1.0):
            A = np.c_[X, np.ones(len(X))] * y[:, None]
            v, mistakes = np.zeros(A.shape[1]), []
            for _ in range(max_epochs):
                wrong = np.zeros(len(A), dtype=bool)
                for i, a in enumerate(A):
                    wrong[i] = a @ v <= 0
                    v = v + lr * a * wrong[i]
                mistakes.append(np.count_nonzero(wrong) + np.int64(0))
                if not wrong.any():
                    break
            return v[:-1], np.array(v[-1]), mistakes
        """,
    ),
    _odd(
        "namedtuple-result",
        "a named tuple is a tuple",
        FIT,
        lambda source: (
            """
from typing import NamedTuple


class Fit(NamedTuple):
    w: np.ndarray
    b: float
    mistakes: list


"""
            + source.replace("return w, b, mistakes", "return Fit(mistakes=mistakes, b=b, w=w)")
        ),
    ),
    _odd(
        "list-subclass",
        "a list with more methods is a list",
        FIT,
        lambda source: (
            """
class Tally(list):
    def __repr__(self):
        return f"Tally of {len(self)} epochs"

    @property
    def total(self):
        return sum(self)


"""
            + source.replace("np.zeros(X.shape[1]), 0.0, []", "np.zeros(X.shape[1]), 0.0, Tally()")
        ),
    ),
    _odd(
        "dataclass-and-enum",
        "a dataclass with slots, an enum, type hints with string names",
        FIT,
        """
        from __future__ import annotations

        from dataclasses import dataclass, field
        from enum import IntEnum

        class Answer(IntEnum):
            RIGHT = 0
            WRONG = 1

        @dataclass(slots=True)
        class State:
            w: np.ndarray
            b: float = 0.0
            mistakes: list[int] = field(default_factory=list)

            def see(self: State, x: "np.ndarray", t: int, lr: float) -> Answer:
                if t * (self.w @ x + self.b) > 0:
                    return Answer.RIGHT
                self.w, self.b = self.w + lr * t * x, self.b + lr * t
                return Answer.WRONG

        def perceptron_fit(X: np.ndarray, y: np.ndarray, max_epochs: int = 100, lr: float = 1.0) -> tuple:
            state = State(np.zeros(X.shape[1]))
            for _ in range(max_epochs):
                state.mistakes.append(sum(state.see(x, t, lr) for x, t in zip(X, y)))
                if state.mistakes[-1] == Answer.RIGHT:
                    break
            return state.w, state.b, state.mistakes
        """,
    ),
    _odd(
        "recursion-per-epoch",
        "an epoch calls the next one, 4000 deep at most",
        FIT,
        """
        import sys

        sys.setrecursionlimit(50_000)

        def perceptron_fit(X, y, max_epochs=100, lr=1.0, w=None, b=0.0, mistakes=()):
            w = np.zeros(X.shape[1]) if w is None else w
            count = 0
            for x, t in zip(X, y):
                if t * (x.dot(w) + b) <= 0:
                    w, b, count = w + lr * t * x, b + lr * t, count + 1
            mistakes += (count,)
            if count == 0 or max_epochs == 1:
                return w, b, [*mistakes]
            return perceptron_fit(X, y, max_epochs - 1, lr, w, b, mistakes)
        """,
    ),
    _odd(
        "ordered-dict",
        "an OrderedDict is a dict",
        XOR,
        lambda source: (
            "import collections\n\n\n"
            + source.replace('return {\n        "W1"', 'return collections.OrderedDict({\n        "W1"').replace(
                '"b2": np.array([0.0]),\n    }', '"b2": np.array([0.0]),\n    })'
            )
        ),
    ),
    _odd(
        "defaultdict-result",
        "a defaultdict is a dict",
        XOR,
        """
        from collections import defaultdict

        def xor_params():
            params = defaultdict(lambda: np.zeros(1))
            params["W1"] = np.ones((2, 2))
            params["b1"] = -np.eye(2)[1]
            params["W2"] = np.array([1.0, -2.0])[:, None]
            params["b2"]
            return params

        def best_linear_accuracy(y):
            a, b, c, d = (bool(v) for v in y)
            return 1 - 0.25 * (a == d and b == c and a != b)
        """,
    ),
    _odd(
        "dict-subclass-with-getattr",
        "a dict with attributes and more entries than were asked for",
        XOR,
        """
        class Params(dict):
            __slots__ = ()
            __getattr__ = dict.__getitem__

            def __missing__(self, name):
                raise AttributeError(name)

        def xor_params():
            p = Params(W1=np.ones((2, 2)), b1=np.array([0.0, -1.0]), W2=np.array([[1.0], [-2.0]]), b2=np.zeros(1))
            p["comment"] = "two bends"
            p["check"] = lambda X: np.maximum(X @ p.W1 + p.b1, 0) @ p.W2 + p.b2
            del p["check"]
            return p

        def best_linear_accuracy(y):
            return float(np.where(np.ptp(y) and y[0] == y[3] and y[1] == y[2], 0.75, 1))
        """,
    ),
    _odd(
        "whole-number-weights",
        "weights of whole numbers are weights",
        XOR,
        """
        def xor_params():
            return {"W1": np.ones((2, 2), int), "b1": np.array([0, -1]), "W2": np.array([[1], [-2]], dtype=np.int8),
                    "b2": np.zeros(1, dtype=np.uint16)}

        def best_linear_accuracy(y):
            return np.float32(0.75 if tuple(y) in ((0, 1, 1, 0), (1, 0, 0, 1)) else 1)
        """,
    ),
    _odd(
        "float16-and-big-endian",
        "unusual dtypes where the task asks for arrays only",
        XOR,
        """
        def xor_params():
            return {"W1": np.ones((2, 2), np.float16), "b1": np.array([0, -1], ">f8"),
                    "W2": np.array([[1], [-2]], "<f4"),
                    "b2": np.zeros(1, np.longdouble).astype(np.float64)}

        def best_linear_accuracy(y):
            return [1.0, 0.75][int("".join(map(str, np.array(y)))) in (110, 1001)]
        """,
    ),
    _odd(
        "views-with-odd-strides",
        "broadcast, negative-stride and Fortran-order views",
        XOR,
        """
        def xor_params():
            numbers = np.array([-2.0, 9.0, 1.0])
            return {"W1": np.broadcast_to(1.0, (2, 2)), "b1": np.array([-1.0, 0.0])[::-1],
                    "W2": numbers[::-2].reshape(2, 1, order="F"), "b2": numbers[1:1].sum(keepdims=True)}

        def best_linear_accuracy(y):
            return np.mean([1, 1, 1, y[0] != y[3] or y[1] != y[2] or y[0] == y[1]])
        """,
    ),
    _odd(
        "read-only-results",
        "results that nobody can change any more",
        ACT,
        after("""
        def _frozen(function):
            def call(z):
                out = np.array(function(z))
                out.setflags(write=False)
                return out
            return call

        for _name in "sigmoid tanh relu d_sigmoid d_tanh d_relu".split():
            globals()[_name] = _frozen(globals()[_name])
        """),
    ),
    _odd(
        "fortran-order-results",
        "results in Fortran order",
        NET,
        lambda source: source.replace(
            "Z = activations[-1] @ W + b", "Z = np.asfortranarray((W.T @ activations[-1].T).T + b)"
        ),
    ),
    _odd(
        "list-is-x-itself",
        "the list holds X itself and a tuple would not do; a second call gets the same",
        NET,
        """
        def forward(X, params, return_all=False):
            everything = [X]
            *hidden, (W, b) = params
            for V, c in hidden:
                everything += [np.fmax(0, everything[-1].dot(V) + c)]
            everything += [everything[-1].dot(W) + b]
            return (everything[-1], everything) if return_all else everything.pop()

        def to_torch(params):
            net = nn.Sequential()
            for i, (W, b) in enumerate(params):
                if i:
                    net.add_module(f"bend_{i}", nn.ReLU())
                net.add_module(f"lin_{i}", nn.Linear(*W.shape, dtype=torch.float64))
                net[-1].weight.data[:] = torch.tensor(W).T
                net[-1].bias.data[:] = torch.tensor(b)
            return net
        """,
    ),
    _odd(
        "sequential-subclass",
        "a subclass of nn.Sequential with hooks and properties",
        NET,
        lambda source: (
            """
class Net(nn.Sequential):
    def __init__(self, *layers):
        super().__init__(*layers)
        self.register_forward_hook(lambda module, args, out: None)
        self.register_buffer("born", torch.tensor(0.0))

    @property
    def depth(self):
        return len(self)


"""
            + source.replace("return nn.Sequential(*layers[:-1])", "return Net(*layers[:-1])")
        ),
    ),
    _odd(
        "lazy-linear",
        "lazy layers that become nn.Linear on their first call",
        NET,
        lambda source: source.replace(
            "linear = nn.Linear(*W.shape, dtype=torch.float64)",
            "linear = nn.LazyLinear(W.shape[1], dtype=torch.float64)\n"
            "        linear(torch.zeros(1, W.shape[0], dtype=torch.float64))",
        ),
    ),
    _odd(
        "default-dtype-float64",
        "the default dtype of torch is changed for good",
        NET,
        lambda source: "torch.set_default_dtype(torch.float64)\n\n\n" + source.replace(", dtype=torch.float64", ""),
    ),
    _odd(
        "closures-everywhere",
        "a function that makes the six functions",
        ACT,
        """
        def make():
            zero = 0.0

            def sigmoid(z):
                e = np.exp(-np.abs(z))
                return np.where(np.greater_equal(z, zero), 1.0, e) / (1.0 + e)

            def slope(f, g):
                def inner(z):
                    return g(f(z))
                return inner

            return (sigmoid, np.tanh, lambda z: np.maximum(z, zero), slope(np.tanh, lambda a: 1 - a * a),
                    lambda z: sigmoid(z) * sigmoid(np.negative(z)), lambda z: 1.0 * (np.asarray(z) > zero))

        sigmoid, tanh, relu, d_tanh, d_sigmoid, d_relu = make()
        """,
    ),
    _odd(
        "metaclass-registry",
        "a metaclass collects the functions",
        ACT,
        """
        class Registry(type):
            def __new__(mcs, name, bases, body):
                cls = super().__new__(mcs, name, bases, body)
                for key, value in body.items():
                    if not key.startswith("__"):
                        globals()[key] = value
                return cls

        class Functions(metaclass=Registry):
            def sigmoid(z):
                return np.exp(-np.logaddexp(0.0, -np.asarray(z, float)))

            def tanh(z):
                return np.tanh(z)

            def relu(z):
                return np.asarray(z) * (np.asarray(z) > 0.0) * 1.0 + 0.0

            def d_sigmoid(z):
                return sigmoid(z) * sigmoid(-np.asarray(z, float))

            def d_tanh(z):
                return 1.0 - tanh(z) ** 2

            def d_relu(z):
                return np.sign(relu(z))
        """,
    ),
    _odd(
        "exec-of-text",
        "functions made by exec from a template",
        ACT,
        """
        template = '''
        def {name}(z):
            z = np.asarray(z, dtype=np.float64)
            return {formula}
        '''
        formulas = {
            "sigmoid": "np.where(z >= 0, 1.0, np.exp(-np.abs(z))) / (1 + np.exp(-np.abs(z)))",
            "tanh": "np.tanh(z)",
            "relu": "(z + np.abs(z)) / 2",
            "d_sigmoid": "np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))) ** 2",
            "d_tanh": "(1 - np.tanh(z)) * (1 + np.tanh(z))",
            "d_relu": "np.where(z > 0, 1.0, 0.0)",
        }
        for name, formula in formulas.items():
            exec(template.format(name=name, formula=formula))
        """,
    ),
    _odd(
        "defined-in-branches",
        "definitions inside if, try, with, for and match",
        SOFT,
        """
        import contextlib

        version = np.__version__.split(".")
        match version:
            case [major, *_] if int(major) >= 1:
                try:
                    with contextlib.nullcontext():
                        for _ in range(1):
                            def softmax(z, temperature=1.0, axis=-1):
                                if temperature <= 0:
                                    raise ValueError
                                e = np.exp((z - np.max(z, axis=axis, keepdims=True)) / temperature)
                                return np.true_divide(e, np.add.reduce(e, axis=axis, keepdims=True))
                except Exception:
                    softmax = None
            case _:
                raise ImportError("NumPy is too old")
        """,
    ),
    _odd(
        "main-guard",
        "the answer stands below if __name__ == '__main__'",
        SOFT,
        lambda source: (
            'if __name__ == "__main__":\n'
            + "\n".join("    " + line for line in source.split("\n"))
            + "\n    print(softmax(np.array([1.0, 2.0])))"
        ),
    ),
    _odd(
        "wide-letters",
        "an input method that types full-width letters: Python reads softmax",
        SOFT,
        lambda source: source.replace("def softmax(", "def ｓｏｆｔｍａｘ("),
    ),
    _odd(
        "greek-identifiers",
        "Greek, accented and Chinese names, a minus sign in a comment",
        FIT,
        """
        # w ← w + η·y·x   (η = 1 … not −1)  naïve 学習率 🎓
        def perceptron_fit(X, y, max_epochs=100, lr=1.0):
            η, ω, β, 误差, größe = lr, np.zeros(X.shape[1]), 0.0, [], len(X)
            for époque in range(max_epochs):
                误差.append(0)
                for ξ, ψ in zip(X, y):
                    if ψ * (ξ @ ω + β) <= 0:
                        ω, β = ω + η * ψ * ξ, β + η * ψ
                        误差[-1] += 1
                if not 误差[-1]:
                    break
            return ω, β, 误差
        """,
    ),
    _odd(
        "star-imports",
        "from numpy import * and friends, which replace sum, abs, min and max",
        ACT,
        """
        from math import *
        from numpy import *
        from course_utils.check import *
        import numpy as np

        def sigmoid(z):
            e = exp(-abs(z))
            return where(asarray(z) >= 0, 1.0, e) / (1.0 + e)

        def relu(z):
            return maximum(z, 0.0)

        def d_sigmoid(z):
            return sigmoid(z) * sigmoid(negative(z))

        def d_tanh(z):
            return 1.0 - tanh(z) ** 2

        def d_relu(z):
            return where(asarray(z) > 0, 1.0, 0.0)
        """,
    ),
    _odd(
        "defined-twice",
        "a first attempt that is wrong, below it the one that counts",
        SOFT,
        lambda source: "def softmax(z):\n    return np.exp(z) / np.exp(z).sum()\n\n\n" + source,
    ),
    _odd(
        "stub-left-behind",
        "the stub's line stays where it cannot be reached",
        SOFT,
        lambda source: source + '\n    # YOUR CODE HERE\n    raise NotImplementedError("Exercise 1.3: write softmax")',
    ),
    _odd(
        "pickled-and-back",
        "objects of a class of the student's go through pickle, copy and inspect",
        FIT,
        lambda source: (
            """
import copy
import inspect
import pickle


class Point:
    def __init__(self, x):
        self.x = x


assert pickle.loads(pickle.dumps(Point(3))).x == copy.deepcopy(Point(3)).x == 3
assert Point.__module__ == "__main__" == __name__

"""
            + source
            + """


pickle.loads(pickle.dumps(perceptron_fit))(np.ones((2, 2)), np.array([1, 1]))
print(inspect.getsource(perceptron_fit))
"""
        ),
    ),
]

# -- time, processes, threads, files -----------------------------------------------------------------------------------

MACHINE = [
    _odd(
        "slow-but-in-time",
        "two seconds of computing are within the time allowed",
        XOR,
        after("""
        import time

        _end = time.process_time() + 1.5
        while time.process_time() < _end:
            best_linear_accuracy(np.array([0, 1, 1, 0]))
        """),
    ),
    _odd("sleeps", "waiting costs nothing", SOFT, before("import time\n\ntime.sleep(0.7)")),
    _odd(
        "thread-pool",
        "epochs are counted in a pool of threads that ends",
        FIT,
        after("""
        from concurrent.futures import ThreadPoolExecutor

        _one = perceptron_fit

        def perceptron_fit(X, y, max_epochs=100, lr=1.0):
            with ThreadPoolExecutor(max_workers=2) as pool:
                return pool.submit(_one, X, y, max_epochs, lr).result()
        """),
    ),
    _odd(
        "fork-pool",
        "a pool of two forked processes, which ends",
        SOFT,
        after("""
        import multiprocessing

        def _square(n):
            return n * n

        with multiprocessing.get_context("fork").Pool(2) as _pool:
            assert _pool.map(_square, range(10)) == [n * n for n in range(10)]
        """),
    ),
    _odd(
        "process-pool-executor",
        "a ProcessPoolExecutor inside the answer",
        XOR,
        lambda source: (
            """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor


def _share(y):
    return 0.75 if y[0] == y[3] != y[1] == y[2] else 1.0


_pool_results = {}
_all = [tuple(n >> bit & 1 for bit in range(4)) for n in range(16)]
with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as _pool:
    _pool_results.update(zip(_all, _pool.map(_share, _all)))

"""
            + source.split("def best_linear_accuracy")[0]
            + """
def best_linear_accuracy(y):
    return _pool_results[tuple(int(v) for v in y)]
"""
        ),
    ),
    _odd(
        "joblib-parallel",
        "joblib in threads",
        ACT,
        after("""
        from joblib import Parallel, delayed

        assert len(Parallel(n_jobs=2, backend="threading")(delayed(sigmoid)(k) for k in range(4))) == 4
        """),
    ),
    _odd(
        "subprocess-echo",
        "a program is started and read",
        SOFT,
        before("""
        import os, subprocess, sys

        assert subprocess.run(["echo", "hello"], capture_output=True, text=True).stdout == "hello\\n"
        assert subprocess.check_output([sys.executable, "-c", "print(6 * 7)"]).strip() == b"42"
        os.system("true")
        """),
    ),
    _odd(
        "timer-thread-and-daemon",
        "a timer that has fired and a daemon thread that sleeps on",
        ACT,
        after("""
        import threading, time

        _rang = threading.Event()
        threading.Timer(0.05, _rang.set).start()
        threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
        assert _rang.wait(5)
        """),
    ),
    _odd(
        "await-at-top-level",
        "await at the top of a cell, with tasks that end",
        SOFT,
        after("""
        import asyncio

        async def slowly(z):
            await asyncio.sleep(0.01)
            return softmax(z)

        rows = await asyncio.gather(*[slowly(np.ones(3)) for _ in range(5)])
        async with asyncio.timeout(5):
            _ = [row async for row in _stream()] if "_stream" in globals() else rows
        assert np.allclose(rows, 1 / 3)
        """),
    ),
    _odd(
        "files-in-cwd",
        "weights are saved beside the notebook and read back at each call",
        XOR,
        """
        import json
        from pathlib import Path

        weights = dict(W1=np.ones((2, 2)), b1=np.array([0.0, -1.0]), W2=np.array([[1.0], [-2.0]]), b2=np.zeros(1))
        np.savez("xor weights.npz", **weights)
        Path("results/run 1").mkdir(parents=True, exist_ok=True)
        Path("results/run 1/log.json").write_text(json.dumps({k: v.tolist() for k, v in weights.items()}))

        def xor_params():
            saved = json.loads(Path("results/run 1/log.json").read_text())
            with np.load("xor weights.npz") as file:
                return {name: file[name] for name in saved}

        def best_linear_accuracy(y):
            with open("calls.txt", "a") as log:
                print(list(y), file=log)
            return 0.75 if list(y) in ([0, 1, 1, 0], [1, 0, 0, 1]) else 1.0
        """,
    ),
    _odd(
        "tempfile-and-chdir",
        "a temporary folder becomes the working folder and is left again",
        FIT,
        before("""
        import os, tempfile

        _here = os.getcwd()
        with tempfile.TemporaryDirectory() as _folder:
            os.chdir(_folder)
            torch.save({"a": torch.ones(2)}, "a.pt")
            assert torch.load("a.pt")["a"].sum() == 2
            os.chdir(_here)
        """),
    ),
    _odd(
        "sqlite-and-shelve",
        "a database in memory and one in a file",
        SOFT,
        before("""
        import shelve, sqlite3

        _db = sqlite3.connect(":memory:")
        _db.execute("create table t (x real)")
        _db.executemany("insert into t values (?)", [(1.0,), (2.0,)])
        with shelve.open("cache") as _shelf:
            _shelf["sum"] = _db.execute("select sum(x) from t").fetchone()[0]
            assert _shelf["sum"] == 3
        """),
    ),
    _odd(
        "alarm-signals",
        "an own signal handler and a timer that is cancelled",
        FIT,
        after("""
        import signal

        def _late(number, frame):
            raise TimeoutError("too slow")

        signal.signal(signal.SIGALRM, _late)
        signal.setitimer(signal.ITIMER_REAL, 30)
        perceptron_fit(np.ones((2, 1)), np.array([1, 1]))
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        """),
    ),
    _odd(
        "garbage-collector-off",
        "no garbage collection, tracemalloc, faulthandler, a profile",
        ACT,
        after("""
        import cProfile, faulthandler, gc, io, pstats, tracemalloc

        gc.disable()
        tracemalloc.start()
        profile = cProfile.Profile()
        profile.enable()
        sigmoid(np.linspace(-5, 5, 1000))
        profile.disable()
        pstats.Stats(profile, stream=io.StringIO()).print_stats(3)
        print(tracemalloc.get_traced_memory())
        """),
    ),
    _odd(
        "atexit-and-finalizers",
        "words at the end of the process, weak references, __del__",
        FIT,
        before("""
        import atexit, weakref

        class Loud:
            def __del__(self):
                print("bye")

        atexit.register(print, "the end")
        _loud = Loud()
        weakref.finalize(_loud, print, "finalized")
        _refs = weakref.WeakValueDictionary(x=_loud)
        del _loud
        """),
    ),
    _odd(
        "device-detection",
        "the device is looked for, google.colab tried, environment variables set",
        NET,
        before("""
        import os

        os.environ["OMP_NUM_THREADS"] = "4"
        os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")
        torch.set_num_threads(2)
        torch.manual_seed(0)
        np.random.seed(0)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        try:
            from google.colab import drive
            drive.mount("/content/drive")
        except ImportError:
            pass
        _moved = nn.Linear(2, 2).to(device)
        """),
    ),
    _odd(
        "numpy-settings",
        "seterr, printoptions, warnings filters and seeds for the whole process",
        FIT,
        before("""
        import random, warnings

        warnings.filterwarnings("ignore")
        np.seterr(all="ignore")
        np.set_printoptions(precision=2, suppress=True, threshold=3)
        torch.set_printoptions(sci_mode=False)
        random.seed(1), np.random.seed(1), torch.manual_seed(1)
        """),
    ),
    _odd(
        "warnings-become-errors",
        "every later warning of the student's own code is to be an error",
        FIT,
        before("""
        import warnings

        warnings.simplefilter("error")
        np.seterr(over="raise", divide="raise", invalid="raise")
        """),
    ),
    _odd(
        "large-result-on-the-way",
        "arrays of 40 MB are made and thrown away",
        ACT,
        after("""
        _big = sigmoid(np.linspace(-9, 9, 5_000_000))
        assert _big.nbytes == 40_000_000
        del _big
        """),
    ),
]

# -- noise -------------------------------------------------------------------------------------------------------------

NOISE = [
    _odd(
        "warns-at-each-call",
        "a warning is no mistake",
        FIT,
        lambda source: source.replace(
            "    w, b, mistakes = np.zeros",
            '    import warnings\n\n    warnings.warn("experimental", FutureWarning)\n    w, b, mistakes = np.zeros',
        ),
        stock="text on stderr",
    ),
    _odd(
        "stderr-at-each-call",
        "words on stderr are no mistake",
        SOFT,
        lambda source: source.replace(
            "    scaled =", '    import sys\n\n    print("DEBUG", z, file=sys.stderr)\n    scaled ='
        ),
        stock="text on stderr",
    ),
    _odd(
        "logging",
        "the logging module, to stderr",
        NET,
        lambda source: (
            """
import logging

logging.basicConfig(level=logging.DEBUG, format="%(asctime)s %(message)s", force=True)
log = logging.getLogger("net")

"""
            + source.replace("    activations = [X]", '    activations = [X]\n    log.info("forward %s", X.shape)')
        ),
        stock="text on stderr",
    ),
    _odd(
        "prints-at-each-step",
        "thousands of lines of leftover output",
        FIT,
        lambda source: source.replace(
            "            if label *", "            print('x', x, 'label', label, 'w', w)\n            if label *"
        ),
    ),
    _odd(
        "progress-bar",
        "a progress bar of carriage returns and colours",
        FIT,
        lambda source: (
            "import sys\n\n\n"
            + source.replace(
                "        mistakes.append(count)",
                "        mistakes.append(count)\n"
                "        sys.stderr.write(f'\\r\\x1b[32m{len(mistakes):4}/{max_epochs} \\u2588\\x1b[0m')\n"
                "        sys.stderr.flush()",
            )
        ),
        stock="text on stderr",
    ),
    _odd(
        "raw-descriptors",
        "bytes written past sys.stdout, invalid UTF-8 among them",
        SOFT,
        lambda source: source.replace(
            "    scaled =",
            "    import os\n\n    os.write(1, b'raw \\xff\\xfe\\n')\n    os.write(2, b'raw\\n')\n    scaled =",
        ),
        stock="text on stderr",
    ),
    _odd(
        "print-replaced",
        "print is replaced, first by one that flushes, then by one that is silent",
        ACT,
        lambda source: (
            """
import functools

print = functools.partial(print, flush=True, sep="|")
print("a", "b")
"""
            + source.replace("    return np.tanh(z)", "    print('tanh')\n    return np.tanh(z)")
            + """


def print(*args, **kwargs):
    pass
"""
        ),
    ),
    _odd(
        "stdout-redirected",
        "sys.stdout is redirected and stays so",
        SOFT,
        before("""
        import contextlib, io, sys

        with contextlib.redirect_stdout(io.StringIO()) as _text:
            print("caught")
        assert _text.getvalue() == "caught\\n"
        _kept, sys.stdout = sys.stdout, io.StringIO()
        """),
    ),
    _odd(
        "megabyte-of-output",
        "a whole array is printed and shown",
        ACT,
        after("""
        print(list(range(60_000)))
        {"row " + str(n): "x" * 100 for n in range(3000)}
        """),
    ),
    _odd(
        "leftover-asserts-and-doctest",
        "own tests: assert, doctest and unittest inside the notebook",
        SOFT,
        after('''
        import doctest, unittest

        def half(x):
            """
            >>> half(3)
            1.5
            >>> half(0)
            0.0
            """
            return x / 2

        class TestSoftmax(unittest.TestCase):
            def setUp(self):
                self.z = np.arange(3.0)

            def test_sum(self):
                self.assertAlmostEqual(softmax(self.z).sum(), 1)

            @unittest.expectedFailure
            def test_wrong(self):
                self.assertEqual(softmax(self.z).sum(), 2)

        doctest.testmod(verbose=False)
        unittest.main(argv=["first-arg-is-ignored"], exit=False)
        assert type(softmax(np.ones(2))) is np.ndarray
        assert isinstance(softmax(np.ones(2)), np.ndarray) and softmax.__name__ == "softmax"
        '''),
    ),
    _odd(
        "failing-line-at-the-end",
        "a leftover line below the answer raises; the functions are there and right",
        SOFT,
        after('print("now:", not_defined_yet)'),
    ),
    _odd(
        "failing-assert-at-the-end",
        "a leftover assert about something else fails",
        XOR,
        after("""
        assert xor_params()["W1"].dtype == np.float32, "I thought these were float32"
        """),
    ),
    _odd(
        "input-guarded",
        "asks the person who is not there, and goes on",
        FIT,
        before("""
        try:
            name = input("Your name? ")
        except Exception as error:
            name = f"nobody ({type(error).__name__})"
        print("hello", name)
        """),
    ),
    _odd(
        "input-at-the-end",
        "an unguarded input() below the answer",
        NET,
        after("""
        answer = input("Did it work? ")
        print(answer)
        """),
    ),
    _odd(
        "raise-system-exit",
        "SystemExit below the answer, to stop a run there",
        ACT,
        after("""
        raise SystemExit("stop here while I work on the rest")
        """),
    ),
    _odd(
        "deep-traceback",
        "an error inside an error inside an error, caught and printed",
        FIT,
        after("""
        import traceback

        def _fall(n):
            return 1 / 0 if n == 0 else _fall(n - 1)

        try:
            try:
                _fall(200)
            except ZeroDivisionError as error:
                raise RuntimeError("outer") from error
        except RuntimeError:
            traceback.print_exc()
        """),
    ),
]

# -- names that also mean something to the tests -----------------------------------------------------------------------

NAMES = [
    _odd(
        "builtins-shadowed",
        "sum, list, max, id, type and input used as names of variables",
        FIT,
        after("""
        sum = 0
        for id, type in enumerate("abc"):
            sum += id
        list, dict, max, min, tuple = [1, 2], {}, 3, 4, ()
        input, sorted, str, int, float, print, abs, set, all, any = [None] * 10
        """),
        stock="the tests themselves use sum, list and print",
    ),
    _odd(
        "check-is-a-variable",
        "a variable called check",
        ACT,
        after("""
        check = sigmoid(np.zeros(3)) == 0.5
        print(check)
        """),
        stock="the tests need the module of that name",
    ),
    _odd(
        "data-and-plot-are-variables",
        "variables called data and plot",
        FIT,
        after("""
        data = np.array([[1, 2], [3, 4]])
        plot = data.mean()
        """),
        stock="the tests need the modules of these names",
    ),
    _odd(
        "helpers-named-like-hidden-ones",
        "helpers that happen to be called as a hidden test's own helpers",
        NET,
        """
        def network(X, params):
            outs = [X]
            for k, (W, b) in enumerate(params):
                outs.append(layer_outputs(outs[-1], W, b, k == len(params) - 1))
            return outs

        def layer_outputs(A, W, b, last):
            return A @ W + b if last else np.maximum(A @ W + b, 0)

        def look_into(W, b):
            linear = nn.Linear(*W.shape, dtype=torch.double)
            linear.weight = nn.Parameter(torch.tensor(W.T))
            linear.bias = nn.Parameter(torch.tensor(b))
            return linear

        def forward(X, params, return_all=False):
            outs = network(X, params)
            return (outs[-1], outs) if return_all else outs[-1]

        def to_torch(params):
            return nn.Sequential(*[m for W, b in params for m in (look_into(W, b), nn.ReLU())][:-1])
        """,
        stock="the hidden tests replace the helpers",
    ),
    _odd(
        "variables-named-like-a-tests",
        "globals called w, b, X, y, grid, rng, hints, params, x",
        FIT,
        """
        w, b, X, y, grid, rng, hints, params, x, labels, n = range(11)
        lr, traced, mistakes, before, expected, corners = "unused", None, {}, ..., 3, np.eye(3)

        def perceptron_fit(X, y, max_epochs=100, lr=1.0):
            w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
            for _ in range(max_epochs):
                mistakes.append(0)
                for x, label in zip(X, y, strict=True):
                    if label * (x @ w + b) <= 0:
                        w, b = w + lr * label * x, b + lr * label
                        mistakes[-1] += 1
                if mistakes[-1] == 0:
                    break
            return w, b, mistakes
        """,
    ),
    _odd(
        "np-imported-again",
        "the setup's names are imported again and under other names",
        NET,
        before("""
        import numpy
        import numpy as np
        import torch as T, torch.nn as nn
        import torch.nn.functional as F
        from torch import nn as neural, Tensor
        from numpy.testing import assert_allclose
        """),
    ),
    _odd(
        "underscore-names",
        "names that begin with underscores, and a module-level __getattr__",
        SOFT,
        """
        __author__, __version__ = "me", "0.1"
        __all__ = ["softmax"]

        def __getattr__(name):
            raise AttributeError(name)

        def __softmax__(z, T, axis):
            e = np.exp(z / T - (z / T).max(axis=axis, keepdims=True))
            return e / e.sum(axis=axis, keepdims=True)

        def softmax(z, temperature=1.0, axis=-1):
            if temperature <= 0:
                raise ValueError()
            return __softmax__(z, temperature, axis)
        """,
    ),
]

# -- settings that stay, and the world outside -------------------------------------------------------------------------

WORLD = [
    _odd(
        "numpy-raises-from-now-on",
        "np.seterr(all='raise') in the first exercise must not cost the later ones",
        FIT,
        before("np.seterr(all='raise')"),
        stock="the setting stays on for the later exercises",
    ),
    _odd(
        "builtins-patched",
        "print and open are replaced in the builtins module",
        SOFT,
        before("""
        import builtins, functools

        _print, _open = builtins.print, builtins.open
        builtins.print = functools.partial(_print, flush=True)
        builtins.open = lambda name, mode="r", *args, **kwargs: _open(name, mode, *args, **kwargs)
        """),
    ),
    _odd(
        "old-numpy-names",
        "names of old versions are put back into numpy and collections",
        ACT,
        before("""
        import collections, collections.abc

        np.float, np.int, np.bool8, np.product = float, int, np.bool_, np.prod
        collections.Iterable = collections.abc.Iterable
        nn.Linear.extra = lambda self: self.in_features
        """),
    ),
    _odd(
        "prints-the-environment",
        "versions, memory, user, host, time zone: the head of many a notebook",
        FIT,
        before("""
        import datetime, getpass, locale, os, platform, socket, sys, time, uuid, zoneinfo
        import psutil, sklearn

        print(sys.version, np.__version__, torch.__version__, sklearn.__version__, platform.platform(), sep="\\n")
        print(psutil.virtual_memory().total > 0, psutil.cpu_count(), os.cpu_count(), os.getpid(), os.uname().sysname)
        print(datetime.datetime.now(zoneinfo.ZoneInfo("Europe/Berlin")).utcoffset(), time.tzname, uuid.uuid1())
        print(socket.gethostname(), platform.node(), locale.getlocale(), os.getcwd(), os.listdir("."), sys.argv[:0])
        try:
            print(getpass.getuser(), os.getloadavg())
            locale.setlocale(locale.LC_ALL, "")
        except Exception as error:
            print("never mind:", error)
        """),
    ),
    _odd(
        "writes-to-home-and-tmp",
        "a cache in the home folder and a file in /tmp, as tools make them",
        XOR,
        before("""
        import os, pathlib

        cache = pathlib.Path.home() / ".cache" / "homework"
        cache.mkdir(parents=True, exist_ok=True)
        (cache / "a.txt").write_text("a")
        with open("/tmp/homework.txt", "w+") as file:
            file.write((cache / "a.txt").read_text())
            file.seek(0)
            assert file.read() == "a"
        os.remove("/tmp/homework.txt")
        (cache / "a.txt").unlink()
        """),
    ),
    _odd(
        "shared-memory-and-queues",
        "a process, a queue, a lock and shared memory",
        XOR,
        after("""
        import multiprocessing as mp
        from multiprocessing import shared_memory

        _fork = mp.get_context("fork")
        _block = shared_memory.SharedMemory(create=True, size=64)
        _queue = _fork.SimpleQueue()

        def _work(queue, lock):
            with lock:
                _block.buf[0] = 7
                queue.put("done")

        _process = _fork.Process(target=_work, args=(_queue, _fork.Lock()))
        _process.start()
        assert _queue.get() == "done"
        _process.join()
        assert _block.buf[0] == 7 and _process.exitcode == 0
        _block.close()
        _block.unlink()
        """),
    ),
    _odd(
        "joblib-processes",
        "joblib's own worker processes, as n_jobs=2 of scikit-learn uses them",
        SOFT,
        after("""
        import math
        from joblib import Parallel, delayed

        assert Parallel(n_jobs=2)(delayed(math.sqrt)(n * n) for n in range(4)) == [0, 1, 2, 3]
        """),
    ),
    _odd(
        "ten-megabytes-beside",
        "the dict holds ten megabytes more than was asked for",
        XOR,
        after("""
        _plain = xor_params

        def xor_params():
            return _plain() | {"history": np.zeros((1250, 1000)), "seeds": list(range(1000))}
        """),
    ),
    _odd(
        "environment-sniffing",
        "asks what kind of notebook it runs in, and works in each",
        ACT,
        before("""
        import os, sys

        def in_notebook():
            try:
                return get_ipython().__class__.__name__ == "ZMQInteractiveShell"
            except NameError:
                return False

        IN_COLAB, IN_KAGGLE = "google.colab" in sys.modules, "KAGGLE_URL_BASE" in os.environ
        try:
            from IPython import get_ipython
            print(in_notebook(), get_ipython().kernel, get_ipython().config["IPKernelApp"]["connection_file"])
        except Exception:
            print("no kernel")
        """),
    ),
]

ODD = [*LIBRARIES, *SHAPES, *MACHINE, *NOISE, *NAMES, *WORLD]
