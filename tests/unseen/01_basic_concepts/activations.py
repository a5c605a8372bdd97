# %% right: SciPy's expit, and the product of the two tails for the slope
from scipy.special import expit

_f = lambda z: np.asarray(z, dtype=np.float64)
sigmoid = lambda z: expit(_f(z))
tanh = lambda z: np.tanh(_f(z))
relu = lambda z: np.fmax(_f(z), 0.0)
d_sigmoid = lambda z: expit(_f(z)) * expit(-_f(z))
d_tanh = lambda z: 4.0 * d_sigmoid(2.0 * _f(z))
d_relu = lambda z: np.float64(1.0) * (_f(z) > 0)


# %% right: torch in float64, the slopes by autograd, 0-d arrays for numbers
def _tensor(z):
    return torch.tensor(np.array(z, dtype=float), requires_grad=True)


def _slope(function, z):
    t = _tensor(z)
    return torch.autograd.grad(function(t).sum(), t)[0].numpy()


def sigmoid(z):
    return torch.sigmoid(_tensor(z)).detach().numpy()


def tanh(z):
    return torch.tanh(_tensor(z)).detach().numpy()


def relu(z):
    return nn.ReLU()(_tensor(z)).detach().numpy()


def d_sigmoid(z):
    return _slope(torch.sigmoid, z)


def d_tanh(z):
    return _slope(torch.tanh, z)


def d_relu(z):
    return _slope(torch.relu, z)


# %% right: one number at a time with math, match statements and np.vectorize
import math
from functools import partial

each = partial(np.vectorize, otypes=[np.float64])


@each
def sigmoid(z):
    match z >= 0:
        case True:
            return 1 / (1 + math.exp(-z))
        case _:
            return math.exp(z) / (1 + math.exp(z))


@each
def tanh(z):
    small = math.exp(-2 * abs(z))
    return math.copysign((1 - small) / (1 + small), z)


@each
def relu(z):
    return z if z > 0 else 0


@each
def d_sigmoid(z):
    small = math.exp(-abs(z))
    return small / (1 + small) ** 2


@each
def d_tanh(z):
    return 1 - math.tanh(z) ** 2


@each
def d_relu(z):
    return 1 if z >= 0 else 0


# %% right: the formula as it stands with NumPy's warnings silenced, ReLU as half of z + |z|
def _silent(function):
    def inner(z):
        with np.errstate(all="ignore"):
            return function(np.array(z, dtype=np.float64))

    return inner


@_silent
def sigmoid(z):
    return (1.0 / (1.0 + np.exp(-z))).astype(np.float64)


@_silent
def tanh(z):
    return np.tanh(z.astype(np.float64))


@_silent
def relu(z):
    return ((z + np.abs(z)) / 2).astype(np.float64)


@_silent
def d_sigmoid(z):
    return sigmoid(z) * (1 - sigmoid(z))


@_silent
def d_tanh(z):
    return (1 - tanh(z)) * (1 + tanh(z))


@_silent
def d_relu(z):
    return (np.sign(z) / 2 + 0.5).astype(np.float64)


# %% right: logaddexp, tanh from the sigmoid, results as a subclass of ndarray
class Activation(np.ndarray):
    """An array that remembers that it is an activation."""


def _own(a):
    return np.array(a, dtype=np.float64).view(Activation)


def sigmoid(z):
    return _own(np.exp(-np.logaddexp(0.0, np.negative(z, dtype=np.float64))))


def tanh(z):
    return _own(2.0 * np.asarray(sigmoid(2.0 * np.asarray(z, np.float64))) - 1.0)


def relu(z):
    z = np.asarray(z, np.float64)
    return _own(z * (z > 0))  # gives -0.0 for negative numbers


def d_sigmoid(z):
    small = np.exp(-np.abs(np.asarray(z, np.float64)))
    return _own(small / np.square(1 + small))


def d_tanh(z):
    return _own(1.0 - np.asarray(tanh(z)) ** 2)


def d_relu(z):
    return _own(np.greater_equal(z, 0))


# %% right: in place on own copies with out=, the sigmoid as half of 1 + tanh(z/2), slope of ReLU at 0 is 0.5
def _copy(z):
    return np.array(z, dtype="f8", copy=True, ndmin=0)


def sigmoid(z):
    own = _copy(z)
    own /= 2
    np.tanh(own, out=own)
    own += 1
    own *= 0.5
    return own[()]


def tanh(z):
    own = _copy(z)
    return np.tanh(own, out=own)[()]


def relu(z):
    own = _copy(z)
    own[own < 0] = 0
    return own[()]


def d_sigmoid(z):
    s = sigmoid(z)
    return np.subtract(s, s * s)


def d_tanh(z):
    own = _copy(tanh(z))
    own **= 2
    np.subtract(1, own, out=own)
    return own[()]


def d_relu(z):
    return np.heaviside(_copy(z), 0.5)[()]


# %% wrong: the result of sigmoid has the dtype of z, whole numbers are cut off
def sigmoid(z):
    z = np.asarray(z)
    small = np.exp(-np.abs(z))
    out = np.empty_like(z)
    out[...] = np.where(z >= 0, 1 / (1 + small), small / (1 + small))
    return out


def tanh(z):
    return np.tanh(np.asarray(z, dtype=float))


def relu(z):
    return np.maximum(np.asarray(z, dtype=float), 0)


def d_sigmoid(z):
    small = np.exp(-np.abs(np.asarray(z, dtype=float)))
    return small / (1 + small) ** 2


def d_tanh(z):
    return 1 - tanh(z) ** 2


def d_relu(z):
    return np.where(np.asarray(z) > 0, 1.0, 0.0)


# %% wrong: d_relu writes its zeros and ones into z
def sigmoid(z):
    z = np.asarray(z, dtype=float)
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + small), small / (1 + small))


def tanh(z):
    return np.tanh(np.asarray(z, dtype=float))


def relu(z):
    return np.maximum(np.asarray(z, dtype=float), 0)


def d_sigmoid(z):
    return sigmoid(z) * (1 - sigmoid(z))


def d_tanh(z):
    return 1 - tanh(z) ** 2


def d_relu(z):
    slope = np.asarray(z, dtype=float)
    slope[slope <= 0] = 0
    slope[slope > 0] = 1
    return slope


# %% wrong: the slopes are written into a buffer that the next call of the same shape overwrites
_buffers = {}


def _buffer(z):
    shape = np.shape(z)
    if shape not in _buffers:
        _buffers[shape] = np.empty(shape)
    return _buffers[shape]


def sigmoid(z):
    z = np.asarray(z, dtype=float)
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + small), small / (1 + small))


def tanh(z):
    return np.tanh(np.asarray(z, dtype=float))


def relu(z):
    return np.maximum(np.asarray(z, dtype=float), 0)


def d_sigmoid(z):
    out = _buffer(z)
    out[...] = sigmoid(z) * (1 - sigmoid(z))
    return out


def d_tanh(z):
    out = _buffer(z)
    out[...] = 1 - tanh(z) ** 2
    return out


def d_relu(z):
    out = _buffer(z)
    out[...] = np.asarray(z) > 0
    return out


# %% wrong: d_relu returns whole numbers
def sigmoid(z):
    z = np.asarray(z, dtype=float)
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + small), small / (1 + small))


def tanh(z):
    return np.tanh(np.asarray(z, dtype=float))


def relu(z):
    return np.maximum(np.asarray(z, dtype=float), 0)


def d_sigmoid(z):
    return sigmoid(z) * (1 - sigmoid(z))


def d_tanh(z):
    return 1 - tanh(z) ** 2


def d_relu(z):
    return np.where(np.asarray(z) > 0, 1, 0)


# %% wrong: relu of whole numbers is an array of whole numbers
def sigmoid(z):
    z = np.asarray(z, dtype=float)
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + small), small / (1 + small))


def tanh(z):
    return np.tanh(np.asarray(z, dtype=float))


def relu(z):
    return np.maximum(0, z)


def d_sigmoid(z):
    return sigmoid(z) * (1 - sigmoid(z))


def d_tanh(z):
    return 1 - tanh(z) ** 2


def d_relu(z):
    return np.where(np.asarray(z) > 0, 1.0, 0.0)


# %% wrong: sigmoid cuts z off at -20 and 20
def sigmoid(z):
    z = np.clip(np.asarray(z, dtype=float), -20, 20)
    return 1 / (1 + np.exp(-z))


def tanh(z):
    return np.tanh(np.asarray(z, dtype=float))


def relu(z):
    return np.maximum(np.asarray(z, dtype=float), 0)


def d_sigmoid(z):
    return sigmoid(z) * (1 - sigmoid(z))


def d_tanh(z):
    return 1 - tanh(z) ** 2


def d_relu(z):
    return np.where(np.asarray(z) > 0, 1.0, 0.0)


# %% wrong: sigmoid of a single number goes through math.exp, which overflows at -1000
import math


def sigmoid(z):
    if np.ndim(z) == 0:
        return np.float64(1 / (1 + math.exp(-z)))
    z = np.asarray(z, dtype=float)
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + small), small / (1 + small))


def tanh(z):
    return np.tanh(np.asarray(z, dtype=float))


def relu(z):
    return np.maximum(np.asarray(z, dtype=float), 0)


def d_sigmoid(z):
    small = np.exp(-np.abs(np.asarray(z, dtype=float)))
    return small / (1 + small) ** 2


def d_tanh(z):
    return 1 - tanh(z) ** 2


def d_relu(z):
    return np.where(np.asarray(z) > 0, 1.0, 0.0)


# %% wrong: axes of length 1 get lost in a squeeze
def _at_least_1(z):
    return np.atleast_1d(np.array(z, dtype=float))


def sigmoid(z):
    z = _at_least_1(z)
    out = np.empty(z.shape)
    out[z >= 0] = 1 / (1 + np.exp(-z[z >= 0]))
    out[z < 0] = np.exp(z[z < 0]) / (1 + np.exp(z[z < 0]))
    return out.squeeze()


def tanh(z):
    return np.tanh(_at_least_1(z)).squeeze()


def relu(z):
    z = _at_least_1(z)
    z[z < 0] = 0
    return z.squeeze()


def d_sigmoid(z):
    return sigmoid(z) * (1 - sigmoid(z))


def d_tanh(z):
    return 1 - tanh(z) ** 2


def d_relu(z):
    return (_at_least_1(z) > 0).astype(float).squeeze()


# %% wrong: d_relu at 0 is 0/0
def sigmoid(z):
    z = np.asarray(z, dtype=float)
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + small), small / (1 + small))


def tanh(z):
    return np.tanh(np.asarray(z, dtype=float))


def relu(z):
    return np.maximum(np.asarray(z, dtype=float), 0)


def d_sigmoid(z):
    return sigmoid(z) * (1 - sigmoid(z))


def d_tanh(z):
    return 1 - tanh(z) ** 2


def d_relu(z):
    return relu(z) / np.asarray(z, dtype=float)


# %% wrong: z is cut off at 500 in all functions, so relu(1000) is 500
def _safe(z):
    return np.clip(np.asarray(z, dtype=float), -500, 500)


def sigmoid(z):
    return 1 / (1 + np.exp(-_safe(z)))


def tanh(z):
    return np.tanh(_safe(z))


def relu(z):
    return np.maximum(_safe(z), 0)


def d_sigmoid(z):
    return sigmoid(z) * (1 - sigmoid(z))


def d_tanh(z):
    return 1 - tanh(z) ** 2


def d_relu(z):
    return np.where(_safe(z) > 0, 1.0, 0.0)


# %% wrong: slopes are set to 0 where the curve is called saturated
def sigmoid(z):
    z = np.asarray(z, dtype=float)
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + small), small / (1 + small))


def tanh(z):
    return np.tanh(np.asarray(z, dtype=float))


def relu(z):
    return np.maximum(np.asarray(z, dtype=float), 0)


def d_sigmoid(z):
    return np.where(np.abs(z) > 8, 0.0, sigmoid(z) * (1 - sigmoid(z)))


def d_tanh(z):
    return np.where(np.abs(z) > 8, 0.0, 1 - tanh(z) ** 2)


def d_relu(z):
    return np.where(np.asarray(z) > 0, 1.0, 0.0)
