# %% right: blind - one draw for all layers, cut into pieces
def init_params(sizes, rng, scheme="he", distribution="normal"):
    if scheme not in ("he", "xavier", "zeros") or distribution not in ("normal", "uniform"):
        raise ValueError(f"unknown scheme {scheme} or distribution {distribution}")
    ins, outs = np.array(sizes[:-1], dtype=int), np.array(sizes[1:], dtype=int)
    variances = {"he": 2 / ins, "xavier": 2 / (ins + outs), "zeros": 0.0 * ins}[scheme]
    counts = ins * outs
    if distribution == "normal":
        unit = rng.standard_normal(counts.sum())
    else:
        unit = np.sqrt(3) * (2 * rng.random(counts.sum()) - 1)
    pieces = np.split(unit * np.repeat(np.sqrt(variances), counts), np.cumsum(counts)[:-1])
    return [(piece.reshape(i, o).copy(), np.zeros(o)) for piece, i, o in zip(pieces, ins, outs)]


# %% right: blind - recursion over sizes, SciPy distributions with random_state
from scipy import stats


def init_params(sizes, rng, scheme="he", distribution="normal"):
    match scheme:
        case "he":
            variance = lambda i, o: 2 / i
        case "xavier":
            variance = lambda i, o: 2 / (i + o)
        case "zeros":
            variance = None
        case _:
            raise ValueError("scheme")
    match distribution:
        case "normal":
            family = lambda s: stats.norm(loc=0, scale=s)
        case "uniform":
            family = lambda s: stats.uniform(loc=-np.sqrt(3) * s, scale=2 * np.sqrt(3) * s)
        case _:
            raise ValueError("distribution")

    def build(i, o, *more):
        if variance is None:
            W = np.zeros((i, o))
        else:
            W = family(variance(i, o) ** 0.5).rvs(size=(i, o), random_state=rng)
        return [(W, np.zeros(o))] + (build(o, *more) if more else [])

    return build(*sizes) if len(sizes) > 1 else []


# %% right: blind - Box and Muller's formula from uniform numbers
import math


def init_params(sizes, rng, scheme="he", distribution="normal"):
    def normal(count):
        half = (count + 1) // 2
        radius = np.sqrt(-2 * np.log1p(-rng.random(half)))
        angle = 2 * math.pi * rng.random(half)
        return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count]

    def uniform(count):
        return math.sqrt(3) * rng.uniform(-1.0, 1.0, count)

    draws = [f for f in (normal, uniform) if f.__name__ == distribution]
    if not draws:
        raise ValueError(f"{distribution=}")
    if scheme not in ("he", "xavier", "zeros"):
        raise ValueError(f"{scheme=}")
    params = []
    for layer in range(1, len(sizes)):
        fan_in, fan_out = sizes[layer - 1 : layer + 1]
        W = draws[0](fan_in * fan_out).reshape(fan_in, fan_out)
        if scheme == "he":
            W *= math.sqrt(2 / fan_in)
        elif scheme == "xavier":
            W *= math.sqrt(2 / (fan_in + fan_out))
        else:
            W[...] = 0
        params.append((W, np.zeros(fan_out, dtype=np.float64)))
    return params


# %% right: blind - dataclass initialiser that fills one neuron (column) at a time
from dataclasses import dataclass


@dataclass(frozen=True)
class Initialiser:
    rng: np.random.Generator
    scheme: str
    distribution: str

    def __post_init__(self):
        if self.distribution not in ["normal", "uniform"]:
            raise ValueError("distribution: " + str(self.distribution))
        if not hasattr(self, f"spread_{self.scheme}"):
            raise ValueError("scheme: " + str(self.scheme))

    def spread_he(self, fan_in, fan_out):
        return (2.0 / fan_in) ** 0.5

    def spread_xavier(self, fan_in, fan_out):
        return (2.0 / (fan_in + fan_out)) ** 0.5

    def spread_zeros(self, fan_in, fan_out):
        return 0.0

    def layer(self, fan_in, fan_out):
        sigma = getattr(self, f"spread_{self.scheme}")(fan_in, fan_out)
        W = np.empty((fan_in, fan_out))
        for column in W.T:
            if self.distribution == "normal":
                column[:] = self.rng.normal(0.0, sigma, size=fan_in)
            else:
                a = np.sqrt(3.0 * sigma**2)
                column[:] = self.rng.uniform(-a, a, size=fan_in)
        return W, np.zeros(fan_out)


def init_params(sizes, rng, scheme="he", distribution="normal"):
    maker = Initialiser(rng, scheme, distribution)
    return list(map(maker.layer, sizes[:-1], sizes[1:]))


# %% right: blind - generator of layers, quantile function (ndtri) of one table of uniform numbers
from itertools import pairwise

from scipy.special import ndtri

DIVISORS = [("he", np.array([1, 0])), ("xavier", np.array([1, 1])), ("zeros", None)]
QUANTILES = [("normal", ndtri), ("uniform", lambda p: np.sqrt(12) * (p - 0.5))]


def find(table, key):
    for name, entry in table:
        if name == key:
            return entry
    raise ValueError(f"{key} is none of {[name for name, _ in table]}")


def layers(sizes, rng, divisor, quantile):
    for shape in pairwise(sizes):
        b = np.zeros(shape[1])
        if divisor is None:
            yield np.zeros(shape), b
            continue
        middle = (rng.integers(0, 2**52, size=shape) + 0.5) / 2**52
        yield quantile(middle) * np.sqrt(2 / (divisor @ shape)), b


def init_params(sizes, rng, scheme="he", distribution="normal"):
    return [*layers(sizes, rng, find(DIVISORS, scheme), find(QUANTILES, distribution))]


# %% wrong: every layer gets the variance of the first one
def init_params(sizes, rng, scheme="he", distribution="normal"):
    if scheme not in ("he", "xavier", "zeros"):
        raise ValueError(f"unknown scheme {scheme}")
    if distribution not in ("normal", "uniform"):
        raise ValueError(f"unknown distribution {distribution}")
    params = []
    for fan_in, fan_out in zip(sizes[:-1], sizes[1:]):
        variance = {"he": 2 / sizes[0], "xavier": 2 / (sizes[0] + sizes[1]), "zeros": 0.0}[scheme]
        if distribution == "normal":
            W = rng.normal(0, np.sqrt(variance), (fan_in, fan_out))
        else:
            a = np.sqrt(3 * variance)
            W = rng.uniform(-a, a, (fan_in, fan_out))
        params.append((W, np.zeros(fan_out)))
    return params


# %% wrong: the normal numbers come from NumPy's global generator, not from rng
def init_params(sizes, rng, scheme="he", distribution="normal"):
    if scheme not in ("he", "xavier", "zeros"):
        raise ValueError(f"unknown scheme {scheme}")
    if distribution not in ("normal", "uniform"):
        raise ValueError(f"unknown distribution {distribution}")
    params = []
    for fan_in, fan_out in zip(sizes[:-1], sizes[1:]):
        variance = {"he": 2 / fan_in, "xavier": 2 / (fan_in + fan_out), "zeros": 0.0}[scheme]
        if distribution == "normal":
            W = np.random.normal(0, np.sqrt(variance), (fan_in, fan_out))
        else:
            a = np.sqrt(3 * variance)
            W = rng.uniform(-a, a, (fan_in, fan_out))
        params.append((W, np.zeros(fan_out)))
    return params


# %% wrong: every distribution but normal counts as uniform
def init_params(sizes, rng, scheme="he", distribution="normal"):
    if scheme not in ("he", "xavier", "zeros"):
        raise ValueError(f"unknown scheme {scheme}")
    params = []
    for fan_in, fan_out in zip(sizes[:-1], sizes[1:]):
        variance = {"he": 2 / fan_in, "xavier": 2 / (fan_in + fan_out), "zeros": 0.0}[scheme]
        if distribution == "normal":
            W = rng.normal(0, np.sqrt(variance), (fan_in, fan_out))
        else:
            a = np.sqrt(3 * variance)
            W = rng.uniform(-a, a, (fan_in, fan_out))
        params.append((W, np.zeros(fan_out)))
    return params


# %% wrong: the variance is used as the standard deviation
def init_params(sizes, rng, scheme="he", distribution="normal"):
    if scheme not in ("he", "xavier", "zeros"):
        raise ValueError(f"unknown scheme {scheme}")
    if distribution not in ("normal", "uniform"):
        raise ValueError(f"unknown distribution {distribution}")
    params = []
    for fan_in, fan_out in zip(sizes[:-1], sizes[1:]):
        variance = {"he": 2 / fan_in, "xavier": 2 / (fan_in + fan_out), "zeros": 0.0}[scheme]
        if distribution == "normal":
            W = rng.normal(0, variance, (fan_in, fan_out))
        else:
            W = rng.uniform(-1, 1, (fan_in, fan_out)) * np.sqrt(3) * variance
        params.append((W, np.zeros(fan_out)))
    return params


# %% wrong: the uniform bound is the standard deviation
def init_params(sizes, rng, scheme="he", distribution="normal"):
    if scheme not in ("he", "xavier", "zeros"):
        raise ValueError(f"unknown scheme {scheme}")
    if distribution not in ("normal", "uniform"):
        raise ValueError(f"unknown distribution {distribution}")
    params = []
    for fan_in, fan_out in zip(sizes[:-1], sizes[1:]):
        variance = {"he": 2 / fan_in, "xavier": 2 / (fan_in + fan_out), "zeros": 0.0}[scheme]
        if distribution == "normal":
            W = rng.normal(0, np.sqrt(variance), (fan_in, fan_out))
        else:
            a = np.sqrt(variance)
            W = rng.uniform(-a, a, (fan_in, fan_out))
        params.append((W, np.zeros(fan_out)))
    return params


# %% wrong: He divides by fan-out
def init_params(sizes, rng, scheme="he", distribution="normal"):
    if scheme not in ("he", "xavier", "zeros"):
        raise ValueError(f"unknown scheme {scheme}")
    if distribution not in ("normal", "uniform"):
        raise ValueError(f"unknown distribution {distribution}")
    params = []
    for fan_in, fan_out in zip(sizes[:-1], sizes[1:]):
        variance = {"he": 2 / fan_out, "xavier": 2 / (fan_in + fan_out), "zeros": 0.0}[scheme]
        if distribution == "normal":
            W = rng.normal(0, np.sqrt(variance), (fan_in, fan_out))
        else:
            a = np.sqrt(3 * variance)
            W = rng.uniform(-a, a, (fan_in, fan_out))
        params.append((W, np.zeros(fan_out)))
    return params


# %% wrong: Xavier lacks its parentheses: 2 / fan-in + fan-out
def init_params(sizes, rng, scheme="he", distribution="normal"):
    if scheme not in ("he", "xavier", "zeros"):
        raise ValueError(f"unknown scheme {scheme}")
    if distribution not in ("normal", "uniform"):
        raise ValueError(f"unknown distribution {distribution}")
    params = []
    for fan_in, fan_out in zip(sizes[:-1], sizes[1:]):
        variance = {"he": 2 / fan_in, "xavier": 2 / fan_in + fan_out, "zeros": 0.0}[scheme]
        if distribution == "normal":
            W = rng.normal(0, np.sqrt(variance), (fan_in, fan_out))
        else:
            a = np.sqrt(3 * variance)
            W = rng.uniform(-a, a, (fan_in, fan_out))
        params.append((W, np.zeros(fan_out)))
    return params


# %% wrong: W has the shape (fan-out, fan-in), as in PyTorch
def init_params(sizes, rng, scheme="he", distribution="normal"):
    if scheme not in ("he", "xavier", "zeros"):
        raise ValueError(f"unknown scheme {scheme}")
    if distribution not in ("normal", "uniform"):
        raise ValueError(f"unknown distribution {distribution}")
    params = []
    for fan_in, fan_out in zip(sizes[:-1], sizes[1:]):
        variance = {"he": 2 / fan_in, "xavier": 2 / (fan_in + fan_out), "zeros": 0.0}[scheme]
        if distribution == "normal":
            W = rng.normal(0, np.sqrt(variance), (fan_out, fan_in))
        else:
            a = np.sqrt(3 * variance)
            W = rng.uniform(-a, a, (fan_out, fan_in))
        params.append((W, np.zeros(fan_out)))
    return params


# %% wrong: a list of weights and a list of biases are returned, not pairs
def init_params(sizes, rng, scheme="he", distribution="normal"):
    if scheme not in ("he", "xavier", "zeros"):
        raise ValueError(f"unknown scheme {scheme}")
    if distribution not in ("normal", "uniform"):
        raise ValueError(f"unknown distribution {distribution}")
    weights, biases = [], []
    for fan_in, fan_out in zip(sizes[:-1], sizes[1:]):
        variance = {"he": 2 / fan_in, "xavier": 2 / (fan_in + fan_out), "zeros": 0.0}[scheme]
        if distribution == "normal":
            W = rng.normal(0, np.sqrt(variance), (fan_in, fan_out))
        else:
            a = np.sqrt(3 * variance)
            W = rng.uniform(-a, a, (fan_in, fan_out))
        weights.append(W)
        biases.append(np.zeros(fan_out))
    return [weights, biases]


# %% wrong: an unknown scheme counts as he
def init_params(sizes, rng, scheme="he", distribution="normal"):
    if distribution not in ("normal", "uniform"):
        raise ValueError(f"unknown distribution {distribution}")
    params = []
    for fan_in, fan_out in zip(sizes[:-1], sizes[1:]):
        if scheme == "zeros":
            variance = 0.0
        elif scheme == "xavier":
            variance = 2 / (fan_in + fan_out)
        else:
            variance = 2 / fan_in
        if distribution == "normal":
            W = rng.normal(0, np.sqrt(variance), (fan_in, fan_out))
        else:
            a = np.sqrt(3 * variance)
            W = rng.uniform(-a, a, (fan_in, fan_out))
        params.append((W, np.zeros(fan_out)))
    return params


# %% wrong: the uniform numbers come from 0 to 2 a, so their mean is a
def init_params(sizes, rng, scheme="he", distribution="normal"):
    if scheme not in ("he", "xavier", "zeros"):
        raise ValueError(f"unknown scheme {scheme}")
    if distribution not in ("normal", "uniform"):
        raise ValueError(f"unknown distribution {distribution}")
    params = []
    for fan_in, fan_out in zip(sizes[:-1], sizes[1:]):
        variance = {"he": 2 / fan_in, "xavier": 2 / (fan_in + fan_out), "zeros": 0.0}[scheme]
        if distribution == "normal":
            W = rng.normal(0, np.sqrt(variance), (fan_in, fan_out))
        else:
            a = np.sqrt(3 * variance)
            W = rng.uniform(0, 2 * a, (fan_in, fan_out))
        params.append((W, np.zeros(fan_out)))
    return params
