# %% right: blind - one exp of minus the size of z, np.where for the sides
def sigmoid(z):
    z = np.asarray(z, dtype=np.float64)
    small = np.exp(-np.abs(z))
    return np.where(z < 0, small, 1.0) / (1.0 + small)


def tanh(z):
    z = np.asarray(z, dtype=np.float64)
    small = np.exp(-2.0 * np.abs(z))
    return np.where(z < 0, small - 1.0, 1.0 - small) / (1.0 + small)


def relu(z):
    z = np.asarray(z, dtype=np.float64)
    return np.where(z > 0, z, 0.0)


def d_sigmoid(z):
    small = np.exp(-np.abs(np.asarray(z, dtype=np.float64)))
    return small / (1.0 + small) ** 2


def d_tanh(z):
    small = np.exp(-2.0 * np.abs(np.asarray(z, dtype=np.float64)))
    return 4.0 * small / (1.0 + small) ** 2


def d_relu(z):
    return np.where(np.asarray(z, dtype=np.float64) > 0, 1.0, 0.0)


# %% right: blind - PyTorch in float64, slopes by automatic differentiation
def _on_tensor(function, z, slope=False):
    t = torch.tensor(np.array(z, dtype=np.float64), requires_grad=slope)
    a = function(t)
    if not slope:
        return a.numpy()
    a.sum().backward()
    return t.grad.numpy()


def sigmoid(z):
    return _on_tensor(torch.sigmoid, z)


def tanh(z):
    return _on_tensor(torch.tanh, z)


def relu(z):
    return _on_tensor(torch.relu, z)


def d_sigmoid(z):
    return _on_tensor(torch.sigmoid, z, True)


def d_tanh(z):
    return _on_tensor(torch.tanh, z, True)


def d_relu(z):
    return _on_tensor(torch.relu, z, True)


# %% right: blind - number by number with the math module
import math


def _each(rule):
    def wrapped(z):
        flat = [rule(float(value)) for value in np.ravel(z)]
        return np.array(flat, dtype=np.float64).reshape(np.shape(z))

    wrapped.__name__ = rule.__name__
    return wrapped


@_each
def sigmoid(value):
    if value < 0:
        return 1 - 1 / (1 + math.exp(value)) if value > -1 else math.exp(value) / (1 + math.exp(value))
    return 1 / (1 + math.exp(-value))


@_each
def tanh(value):
    if value < 0:
        return math.expm1(2 * value) / (math.exp(2 * value) + 1)
    return -math.expm1(-2 * value) / (math.exp(-2 * value) + 1)


@_each
def relu(value):
    return max(0.0, value)


@_each
def d_sigmoid(value):
    down = math.exp(-abs(value))
    return (1 / (1 + down)) * (down / (1 + down))


@_each
def d_tanh(value):
    return (1 / math.cosh(value)) ** 2 if -300 < value < 300 else 0.0


@_each
def d_relu(value):
    return float(value > 0)


# %% right: blind - everything from np.tanh
def tanh(z):
    return np.tanh(z, dtype=np.float64)


def sigmoid(z):
    return (1 + tanh(np.divide(z, 2))) / 2


def relu(z):
    z = np.array(z, dtype=np.float64)
    return (z + np.abs(z)) / 2


def d_sigmoid(z):
    s = sigmoid(z)
    return s - s * s


def d_tanh(z):
    return (1 - tanh(z)) * (1 + tanh(z))


def d_relu(z):
    return np.heaviside(np.asarray(z, dtype=np.float64), 0.5)


# %% right: blind - in log space with logaddexp
def _log_sigmoid(z):
    return -np.logaddexp(0, -np.array(z, dtype=np.float64))


def sigmoid(z):
    return np.exp(_log_sigmoid(z))


def tanh(z):
    double = 2 * np.array(z, dtype=np.float64)
    return sigmoid(double) - sigmoid(-double)


def relu(z):
    return np.clip(np.array(z, dtype=np.float64), 0, None)


def d_sigmoid(z):
    minus = np.negative(np.array(z, dtype=np.float64))
    return np.exp(_log_sigmoid(z) + _log_sigmoid(minus))


def d_tanh(z):
    return 4 * d_sigmoid(np.multiply(z, 2.0))


def d_relu(z):
    return (np.sign(np.array(z, dtype=np.float64)) == 1).astype(np.float64)


# %% wrong: np.where computes both branches and overflows on the way
def sigmoid(z):
    z = np.asarray(z, dtype=float)
    return np.where(z >= 0, 1 / (1 + np.exp(-z)), np.exp(z) / (1 + np.exp(z)))


def tanh(z):
    return np.tanh(np.asarray(z, dtype=float))


def relu(z):
    return np.maximum(0.0, np.asarray(z, dtype=float))


def d_sigmoid(z):
    return sigmoid(z) * (1 - sigmoid(z))


def d_tanh(z):
    return 1 - tanh(z) ** 2


def d_relu(z):
    return (np.asarray(z, dtype=float) > 0).astype(float)


# %% wrong: whole numbers in, whole numbers out
def sigmoid(z):
    z = np.asarray(z)
    a = np.zeros_like(z)  # takes over an integer type
    a[z >= 0] = 1 / (1 + np.exp(-z[z >= 0]))
    a[z < 0] = np.exp(z[z < 0]) / (1 + np.exp(z[z < 0]))
    return a


def tanh(z):
    return np.tanh(np.asarray(z, dtype=float))


def relu(z):
    return np.maximum(0, z)


def d_sigmoid(z):
    return sigmoid(z) * (1 - sigmoid(z))


def d_tanh(z):
    return 1 - tanh(z) ** 2


def d_relu(z):
    return np.where(np.asarray(z) > 0, 1, 0)


# %% wrong: z is clipped so early that the tails are lost
def _safe(z):
    return np.clip(np.asarray(z, dtype=float), -20, 20)


def sigmoid(z):
    return 1 / (1 + np.exp(-_safe(z)))


def tanh(z):
    up, down = np.exp(_safe(z)), np.exp(-_safe(z))
    return (up - down) / (up + down)


def relu(z):
    return np.maximum(0.0, np.asarray(z, dtype=float))


def d_sigmoid(z):
    return sigmoid(z) * (1 - sigmoid(z))


def d_tanh(z):
    return 1 - tanh(z) ** 2


def d_relu(z):
    return (np.asarray(z, dtype=float) > 0).astype(float)


# %% wrong: the slopes expect the activation, not z
from scipy.special import expit


def sigmoid(z):
    return expit(np.asarray(z, dtype=float))


def tanh(z):
    return np.tanh(np.asarray(z, dtype=float))


def relu(z):
    return np.maximum(0.0, np.asarray(z, dtype=float))


def d_sigmoid(z):
    a = np.asarray(z, dtype=float)
    return a * (1 - a)


def d_tanh(z):
    a = np.asarray(z, dtype=float)
    return 1 - a**2


def d_relu(z):
    return (np.asarray(z, dtype=float) > 0).astype(float)


# %% wrong: tanh typed as the formula stands overflows
from scipy.special import expit


def sigmoid(z):
    return expit(np.asarray(z, dtype=float))


def tanh(z):
    z = np.asarray(z, dtype=float)
    return (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))


def relu(z):
    return np.maximum(0.0, np.asarray(z, dtype=float))


def d_sigmoid(z):
    return sigmoid(z) * (1 - sigmoid(z))


def d_tanh(z):
    return 1 - tanh(z) ** 2


def d_relu(z):
    return (np.asarray(z, dtype=float) > 0).astype(float)


# %% wrong: tanh from the sigmoid of z where it needs 2z
from scipy.special import expit


def sigmoid(z):
    return expit(np.asarray(z, dtype=float))


def tanh(z):
    return 2 * sigmoid(z) - 1


def relu(z):
    return np.maximum(0.0, np.asarray(z, dtype=float))


def d_sigmoid(z):
    return sigmoid(z) * (1 - sigmoid(z))


def d_tanh(z):
    return 1 - tanh(z) ** 2


def d_relu(z):
    return (np.asarray(z, dtype=float) > 0).astype(float)


# %% wrong: relu writes zeros into the array of the caller
from scipy.special import expit


def sigmoid(z):
    return expit(np.asarray(z, dtype=float))


def tanh(z):
    return np.tanh(np.asarray(z, dtype=float))


def relu(z):
    z = np.asarray(z, dtype=float)
    z[z < 0] = 0
    return z


def d_sigmoid(z):
    return sigmoid(z) * (1 - sigmoid(z))


def d_tanh(z):
    return 1 - tanh(z) ** 2


def d_relu(z):
    return (np.asarray(z, dtype=float) > 0).astype(float)


# %% wrong: leaky relu, a little of the negative side comes through
from scipy.special import expit


def sigmoid(z):
    return expit(np.asarray(z, dtype=float))


def tanh(z):
    return np.tanh(np.asarray(z, dtype=float))


def relu(z):
    z = np.asarray(z, dtype=float)
    return np.maximum(0.1 * z, z)


def d_sigmoid(z):
    return sigmoid(z) * (1 - sigmoid(z))


def d_tanh(z):
    return 1 - tanh(z) ** 2


def d_relu(z):
    return np.where(np.asarray(z, dtype=float) > 0, 1.0, 0.1)


# %% wrong: the slope of tanh without the square
from scipy.special import expit


def sigmoid(z):
    return expit(np.asarray(z, dtype=float))


def tanh(z):
    return np.tanh(np.asarray(z, dtype=float))


def relu(z):
    return np.maximum(0.0, np.asarray(z, dtype=float))


def d_sigmoid(z):
    return sigmoid(z) * (1 - sigmoid(z))


def d_tanh(z):
    return 1 - tanh(z)


def d_relu(z):
    return (np.asarray(z, dtype=float) > 0).astype(float)


# %% wrong: computed in float32 and only then widened
def _torch(function, z):
    return function(torch.tensor(np.array(z, dtype=np.float32))).double().numpy()


def sigmoid(z):
    return _torch(torch.sigmoid, z)


def tanh(z):
    return _torch(torch.tanh, z)


def relu(z):
    return _torch(torch.relu, z)


def d_sigmoid(z):
    return sigmoid(z) * (1 - sigmoid(z))


def d_tanh(z):
    return 1 - tanh(z) ** 2


def d_relu(z):
    return (relu(z) > 0).astype(float)


# %% wrong: written for a single number, an array makes the if fail
import math


def sigmoid(z):
    if z >= 0:
        return 1 / (1 + math.exp(-z))
    return math.exp(z) / (1 + math.exp(z))


def tanh(z):
    return math.tanh(z)


def relu(z):
    return float(max(0, z))


def d_sigmoid(z):
    return sigmoid(z) * (1 - sigmoid(z))


def d_tanh(z):
    return 1 - tanh(z) ** 2


def d_relu(z):
    return 1.0 if z > 0 else 0.0


# %% wrong: the sign in the exponent of the sigmoid is lost
def sigmoid(z):
    z = np.asarray(z, dtype=float)
    a = np.exp(-np.abs(z))
    return np.where(z >= 0, a / (1 + a), 1 / (1 + a))  # this is 1 / (1 + exp(z))


def tanh(z):
    return np.tanh(np.asarray(z, dtype=float))


def relu(z):
    return np.maximum(0.0, np.asarray(z, dtype=float))


def d_sigmoid(z):
    return sigmoid(z) * (1 - sigmoid(z))


def d_tanh(z):
    return 1 - tanh(z) ** 2


def d_relu(z):
    return (np.asarray(z, dtype=float) > 0).astype(float)
