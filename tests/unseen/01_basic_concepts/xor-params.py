# %% right: whole-number weights in an OrderedDict, a chained comparison
from collections import OrderedDict


def xor_params():
    return OrderedDict(
        b2=np.array([0]), W2=np.array([[1], [-2]]), b1=np.array([0, -1]), W1=np.ones((2, 2), dtype=int)
    )


best_linear_accuracy = lambda y: 0.75 if y[0] == y[3] != y[1] == y[2] else 1.0


# %% right: outputs exactly at 0.25 and 0.75, views as weights, lines by brute force over angles
from math import cos, pi, sin


def xor_params():
    flat = np.array([1.0, -1.0, -1.0, 1.0, 0.0, 0.0, 0.5, 0.5, 0.25])
    return {"W1": flat[:4].reshape(2, 2).T, "b1": flat[4:6], "W2": flat[6:8, None], "b2": flat[8:]}


def best_linear_accuracy(y):
    corners = [(0, 0), (0, 1), (1, 0), (1, 1)]

    def shares():
        for step in range(0, 360, 5):
            a, b = cos(step * pi / 180), sin(step * pi / 180)
            for c in range(-16, 17):
                yield sum((a * p + b * q > c / 10 + 0.0123) == (t == 1) for (p, q), t in zip(corners, y)) / 4

    return max(shares())


# %% right: outputs far outside 0 and 1, least squares for the share
def xor_params():
    return {
        "W1": np.array([[1.0, -1.0], [-1.0, 1.0]]),
        "b1": np.zeros(2),
        "W2": np.full((2, 1), 800.0),
        "b2": np.array([-300.0]),
    }


def best_linear_accuracy(y):
    A = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=float)
    truth = np.asarray(y, dtype=float)
    solution, *_ = np.linalg.lstsq(A, truth, rcond=None)
    return np.maximum(np.mean((A @ solution > 0.5) == (truth == 1)), 0.75)  # some line always gets three


# %% right: 1 minus NOR minus AND, huge first weights, the share by linear programming
from itertools import product

from scipy.optimize import linprog


def xor_params() -> dict:
    return dict(
        W1=np.array([[-1e6, 1e6], [-1e6, 1e6]]),
        b1=np.array([1e6, -1e6]),
        W2=np.array([[-1e-6], [-1e-6]]),
        b2=np.array([1.0]),
    )


def best_linear_accuracy(y) -> float:
    corners = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=float)
    best = 0.0
    for answers in product((-1.0, 1.0), repeat=4):
        signs = np.array(answers)
        possible = linprog(np.zeros(3), A_ub=-signs[:, None] * corners, b_ub=-np.ones(4), bounds=(None, None))
        if possible.status == 0:
            best = max(best, float(np.mean((signs > 0) == (np.asarray(y) == 1))))
    return best


# %% right: the output layer is solved for, float32 weights, a set of the two impossible patterns
_IMPOSSIBLE = {(False, True, True, False), (True, False, False, True)}


def xor_params():
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
    W1, b1 = np.array([[3.0, 2.0], [3.0, 2.0]]), np.array([0.0, -2.0])
    hidden = np.c_[np.maximum(corners @ W1 + b1, 0), np.ones(4)]
    out, *_ = np.linalg.lstsq(hidden, np.array([0.0, 1.0, 1.0, 0.0]), rcond=None)
    every = {"W1": W1, "b1": b1, "W2": out[:2].reshape(2, 1), "b2": out[2:]}
    return {name: value.astype(np.float32) for name, value in every.items()}


def best_linear_accuracy(y):
    return np.float64(1 - 0.25 * (tuple(bool(v) for v in y) in _IMPOSSIBLE))


# %% right: broadcast read-only arrays, the share from the only equation that four corners obey
def xor_params():
    names = ("W1", "b1", "W2", "b2")
    arrays = (
        np.broadcast_to(np.float64(1), (2, 2)),
        np.r_[0.0, -1.0],
        np.c_[[1.0, -2.0]],
        np.broadcast_to(0.0, 1),
    )
    print("a sum, and twice what is more than 1")
    return dict(zip(names, arrays, strict=True))


def best_linear_accuracy(y):
    match np.asarray(y).astype(int).tolist():
        case [a, b, c, d] if abs(a + d - b - c) == 2:
            return 3 / 4
        case _:
            return 4 / 4


# %% wrong: output weights of 20 make small errors large at the no corners
def xor_params():
    W1, b1 = np.array([[1.0, -1.0], [-1.0, 1.0]]), np.zeros(2)
    return {"W1": W1, "b1": b1, "W2": np.array([[20.0], [20.0]]), "b2": np.zeros(1)}


def best_linear_accuracy(y):
    return 0.75 if list(y) in ([0, 1, 1, 0], [1, 0, 0, 1]) else 1.0


# %% wrong: fails at a no corner only if the first input is up and the second down
def xor_params():
    W1, b1 = np.array([[5.5, -1.0], [-5.5, 1.0]]), np.zeros(2)
    return {"W1": W1, "b1": b1, "W2": np.ones((2, 1)), "b2": np.zeros(1)}


def best_linear_accuracy(y):
    return 0.75 if list(y) in ([0, 1, 1, 0], [1, 0, 0, 1]) else 1.0


# %% wrong: the line of AND lies too close to the corner (1, 1)
def xor_params():
    W1, b1 = np.array([[1.0, 10.0], [1.0, 10.0]]), np.array([0.0, -19.0])
    return {"W1": W1, "b1": b1, "W2": np.array([[1.0], [-2.0]]), "b2": np.zeros(1)}


def best_linear_accuracy(y):
    return 0.75 if list(y) in ([0, 1, 1, 0], [1, 0, 0, 1]) else 1.0


# %% wrong: fails at a yes corner only if both inputs are up
def xor_params():
    W1, b1 = np.ones((2, 2)), np.array([0.0, -1.0])
    return {"W1": W1, "b1": b1, "W2": np.array([[1.0], [-6.5]]), "b2": np.zeros(1)}


def best_linear_accuracy(y):
    return 0.75 if list(y) in ([0, 1, 1, 0], [1, 0, 0, 1]) else 1.0


# %% wrong: fails at (0, 0) only if both inputs are up and at (1, 1) only if both are down
def xor_params():
    W1, b1 = np.ones((2, 2)), np.array([0.0, -1.0])
    return {"W1": W1, "b1": b1, "W2": np.array([[5.5], [-11.0]]), "b2": np.zeros(1)}


def best_linear_accuracy(y):
    return 0.75 if list(y) in ([0, 1, 1, 0], [1, 0, 0, 1]) else 1.0


# %% wrong: only lines that part the corners are tried, so four equal labels get 0.75
def xor_params():
    return {"W1": np.ones((2, 2)), "b1": np.array([0.0, -1.0]), "W2": np.array([[1.0], [-2.0]]), "b2": np.zeros(1)}


def best_linear_accuracy(y):
    corners, best = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), 0.0
    for w1 in (-1, 0, 1):
        for w2 in (-1, 0, 1):
            for b in (-1.5, -0.5, 0.5, 1.5):
                answer = corners @ [w1, w2] + b > 0
                if answer.any() and not answer.all():
                    best = max(best, float(np.mean(answer == (np.asarray(y) == 1))))
    return best


# %% wrong: XOR turned round is forgotten
def xor_params():
    return {"W1": np.ones((2, 2)), "b1": np.array([0.0, -1.0]), "W2": np.array([[1.0], [-2.0]]), "b2": np.zeros(1)}


def best_linear_accuracy(y):
    return 0.75 if np.array_equal(y, [0, 1, 1, 0]) else 1.0


# %% wrong: np.arange leaves out the last bias, so NAND is missed
def xor_params():
    return {"W1": np.ones((2, 2)), "b1": np.array([0.0, -1.0]), "W2": np.array([[1.0], [-2.0]]), "b2": np.zeros(1)}


def best_linear_accuracy(y):
    corners, best = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), 0.0
    for w1 in (-1, 0, 1):
        for w2 in (-1, 0, 1):
            for b in np.arange(-1.5, 1.5, 1.0):
                answer = corners @ [w1, w2] + b > 0
                best = max(best, float(np.mean(answer == (np.asarray(y) == 1))))
    return best


# %% wrong: any two yes corners are taken for XOR
def xor_params():
    return {"W1": np.ones((2, 2)), "b1": np.array([0.0, -1.0]), "W2": np.array([[1.0], [-2.0]]), "b2": np.zeros(1)}


def best_linear_accuracy(y):
    return 0.75 if np.sum(y) == 2 else 1.0


# %% wrong: lines in the form x2 = m x1 + c are never upright
def xor_params():
    return {"W1": np.ones((2, 2)), "b1": np.array([0.0, -1.0]), "W2": np.array([[1.0], [-2.0]]), "b2": np.zeros(1)}


def best_linear_accuracy(y):
    best = 0.0
    for m in (-1, 0, 1):
        for c in (-1.5, -0.5, 0.5, 1.5):
            above = np.array([x2 > m * x1 + c for x1 in (0, 1) for x2 in (0, 1)])
            share = np.mean(above == (np.asarray(y) == 1))
            best = max(best, float(share), float(1 - share))
    return best


# %% wrong: the best share is kept from call to call
def xor_params():
    return {"W1": np.ones((2, 2)), "b1": np.array([0.0, -1.0]), "W2": np.array([[1.0], [-2.0]]), "b2": np.zeros(1)}


best = 0.0


def best_linear_accuracy(y):
    global best
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    for w1 in (-1, 0, 1):
        for w2 in (-1, 0, 1):
            for b in (-1.5, -0.5, 0.5, 1.5):
                best = max(best, float(np.mean((corners @ [w1, w2] + b > 0) == (np.asarray(y) == 1))))
    return best


# %% wrong: a table of the visible cases and 0 for all others
def xor_params():
    return {"W1": np.ones((2, 2)), "b1": np.array([0.0, -1.0]), "W2": np.array([[1.0], [-2.0]]), "b2": np.zeros(1)}


def best_linear_accuracy(y):
    table = {(0, 1, 1, 0): 0.75, (0, 0, 0, 1): 1.0, (1, 1, 0, 1): 1.0, (1, 0, 0, 0): 1.0}
    return table.get(tuple(int(v) for v in y), 0.0)
