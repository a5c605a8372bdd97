# %% right: SciPy's softmax, own subclass of ValueError
from scipy import special


class TemperatureError(ValueError):
    pass


def softmax(z, temperature=1.0, axis=-1):
    if not temperature > 0:
        raise TemperatureError(f"no meaning: {temperature}")
    return special.softmax(np.divide(z, temperature, dtype=np.float64), axis=axis)


# %% right: torch, through log_softmax
def softmax(z, temperature=1.0, axis=-1):
    scores = torch.tensor(np.array(z, dtype=np.float64))
    match float(temperature):
        case t if t <= 0:
            raise ValueError("the temperature must be positive")
        case t:
            return torch.log_softmax(scores / t, dim=axis).exp_().numpy()


# %% right: apply_along_axis with Python numbers, math.exp and fsum, very slow
import math


def softmax(z, temperature=1.0, axis=-1):
    if temperature <= 0:
        raise ValueError

    def one(scores):
        numbers = scores.tolist()
        top = max(numbers)
        powers = [math.exp((s - top) / temperature) for s in numbers]
        total = math.fsum(powers)
        return np.fromiter((p / total for p in powers), dtype=float, count=len(powers))

    return np.apply_along_axis(one, axis, np.asarray(z))


# %% right: exp of z minus logaddexp.reduce
def softmax(z, temperature=1.0, axis=-1):
    if temperature <= 0:
        raise ValueError("temperature must be above 0, it is %r" % temperature)
    scaled = np.true_divide(z, temperature, dtype="float64")
    return np.exp(scaled - np.logaddexp.reduce(scaled, axis=axis, keepdims=True))


# %% right: one over the sum of all pairs of differences, cut off before exp can overflow
def softmax(z, temperature=1.0, axis=-1):
    if temperature <= 0:
        raise ValueError("temperature")
    last = np.moveaxis(np.asarray(z, dtype=np.float64), axis, -1)
    pairs = (last[..., None, :] - last[..., :, None]) / temperature
    p = 1.0 / np.exp(np.minimum(pairs, 700.0)).sum(-1)
    return np.moveaxis(p, -1, axis)  # a view, not contiguous


# %% right: in place on an own copy, through a view with the axis in front, prints, result as a subclass
class Probabilities(np.ndarray):
    pass


def softmax(z, temperature=1.0, axis=-1):
    def shifted(*, own):
        own -= own.max(axis=0)
        return own

    if temperature <= 0:
        print("temperature refused")
        raise ValueError("temperature <= 0")
    result = np.array(z, dtype=np.float64, copy=True)
    front = np.swapaxes(result, 0, axis)  # writing into the view fills the result
    shifted(own=front)
    front /= temperature
    np.exp(front, out=front)
    front /= front.sum(axis=0)
    return result.view(Probabilities)


# %% wrong: subtracts the mean of each sample instead of its maximum
def softmax(z, temperature=1.0, axis=-1):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    z = np.asarray(z, dtype=float) / temperature
    e = np.exp(z - z.mean(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


# %% wrong: every negative axis is taken for the last
def softmax(z, temperature=1.0, axis=-1):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    z = np.asarray(z, dtype=float) / temperature
    if axis < 0:
        axis = z.ndim - 1
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


# %% wrong: subtracts the maximum from the caller's own array
def softmax(z, temperature=1.0, axis=-1):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    z = np.asarray(z, dtype=float)
    z -= z.max(axis=axis, keepdims=True)
    e = np.exp(z / temperature)
    return e / e.sum(axis=axis, keepdims=True)


# %% wrong: whole numbers stay whole after the division by the temperature
def softmax(z, temperature=1.0, axis=-1):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    scaled = np.array(z)
    scaled[...] = scaled / temperature
    e = np.exp(scaled - scaled.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


# %% wrong: a temperature of exactly 0 is not refused
def softmax(z, temperature=1.0, axis=-1):
    if temperature < 0:
        raise ValueError("temperature must not be negative")
    z = np.asarray(z, dtype=float)
    e = np.exp((z - z.max(axis=axis, keepdims=True)) / temperature)
    return e / e.sum(axis=axis, keepdims=True)


# %% wrong: an assert in place of the ValueError
def softmax(z, temperature=1.0, axis=-1):
    assert temperature > 0, "temperature must be positive"
    z = np.asarray(z, dtype=float) / temperature
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


# %% wrong: subtracts the maximum of the undivided scores from the divided ones
def softmax(z, temperature=1.0, axis=-1):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    z = np.asarray(z, dtype=float)
    e = np.exp(z / temperature - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


# %% wrong: below a temperature of 0.01 the first winner takes everything, ties too
def softmax(z, temperature=1.0, axis=-1):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    z = np.asarray(z, dtype=float)
    if temperature < 0.01:
        p = np.zeros_like(z)
        np.put_along_axis(p, np.expand_dims(z.argmax(axis=axis), axis), 1.0, axis=axis)
        return p
    e = np.exp((z - z.max(axis=axis, keepdims=True)) / temperature)
    return e / e.sum(axis=axis, keepdims=True)


# %% wrong: subtracts the largest absolute value
def softmax(z, temperature=1.0, axis=-1):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    z = np.asarray(z, dtype=float) / temperature
    e = np.exp(z - np.abs(z).max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


# %% wrong: a cache between calls forgets the temperature
_seen = {}


def softmax(z, temperature=1.0, axis=-1):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    z = np.array(z, dtype=float)
    key = (z.shape, z.tobytes(), axis)
    if key not in _seen:
        e = np.exp((z - z.max(axis=axis, keepdims=True)) / temperature)
        _seen[key] = e / e.sum(axis=axis, keepdims=True)
    return _seen[key].copy()


# %% wrong: a single score is put through the sigmoid
def softmax(z, temperature=1.0, axis=-1):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    z = np.asarray(z, dtype=float)
    if z.shape[axis] == 1:
        small = np.exp(-np.abs(z) / temperature)
        return np.where(z >= 0, 1 / (1 + small), small / (1 + small))
    e = np.exp((z - z.max(axis=axis, keepdims=True)) / temperature)
    return e / e.sum(axis=axis, keepdims=True)
