# %% right: blind - logaddexp gives the logarithm of the sum
def softmax(z, temperature=1.0, axis=-1):
    if temperature <= 0:
        raise ValueError("the temperature must be positive")
    logits = np.asarray(z, dtype=np.float64) / temperature
    return np.exp(logits - np.logaddexp.reduce(logits, axis=axis, keepdims=True))


# %% right: blind - recursion over the dimensions, plain numbers at the bottom
import math


def softmax(z, temperature=1.0, axis=-1):
    if not temperature > 0:
        raise ValueError(f"no meaning: {temperature}")

    def row(numbers):
        top = max(numbers)
        powers = [math.exp((number - top) / temperature) for number in numbers]
        return [power / math.fsum(powers) for power in powers]

    def descend(part):
        return row(part) if not isinstance(part[0], list) else [descend(inner) for inner in part]

    table = np.swapaxes(np.array(z, dtype=np.float64), axis, -1)
    return np.swapaxes(np.array(descend(table.tolist())), axis, -1)


# %% right: blind - the torch built-in in float64
def softmax(z, temperature=1.0, axis=-1):
    assert_positive(temperature)
    layer = nn.Softmax(dim=axis)
    with torch.no_grad():
        return layer(torch.tensor(np.array(z), dtype=torch.float64).div(temperature)).numpy()


def assert_positive(number):
    if number > 0:
        return
    raise ValueError("temperature must be larger than 0")


# %% right: blind - one pass over the scores with a running largest and a running sum
def softmax(z, temperature=1.0, axis=-1):
    if temperature <= 0:
        raise ValueError("temperature <= 0")
    scores = np.moveaxis(np.array(z, dtype=float), axis, 0)
    largest, total = scores[0].copy(), np.ones(scores.shape[1:])
    for score in scores[1:]:
        new = np.maximum(largest, score)
        total = total * np.exp((largest - new) / temperature) + np.exp((score - new) / temperature)
        largest = new
    result = np.empty(scores.shape)
    for c in range(len(scores)):
        result[c] = np.exp((scores[c] - largest) / temperature) / total
    return np.moveaxis(result, 0, axis)


# %% right: blind - a function of one row, applied along the axis
class _Row:
    def __init__(self, temperature):
        if temperature <= 0:
            raise ValueError("only a positive temperature has a meaning")
        self.cold = 1 / temperature

    def __call__(self, row):
        ordered = np.sort(row)
        e = np.power(np.e, self.cold * (row - ordered[-1]))
        return np.einsum("c,->c", e, 1 / np.dot(e, np.ones_like(e)))


def softmax(z, temperature=1.0, axis=-1):
    return np.apply_along_axis(_Row(temperature), axis, np.asarray(z, dtype=np.float64))


# %% wrong: the largest score of the whole table is subtracted
def softmax(z, temperature=1.0, axis=-1):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    z = np.asarray(z, dtype=float)
    e = np.exp((z - z.max()) / temperature)
    return e / e.sum(axis=axis, keepdims=True)


# %% wrong: z itself is shifted in place
def softmax(z, temperature=1.0, axis=-1):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    z = np.asarray(z, dtype=float)
    z -= z.max(axis=axis, keepdims=True)
    e = np.exp(z / temperature)
    return e / e.sum(axis=axis, keepdims=True)


# %% wrong: a temperature of 0 is let through
def softmax(z, temperature=1.0, axis=-1):
    if temperature < 0:
        raise ValueError("temperature must not be negative")
    z = np.asarray(z, dtype=float)
    e = np.exp((z - z.max(axis=axis, keepdims=True)) / max(temperature, 1e-12))
    return e / e.sum(axis=axis, keepdims=True)


# %% wrong: nothing is subtracted
def softmax(z, temperature=1.0, axis=-1):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    e = np.exp(np.asarray(z, dtype=float) / temperature)
    return e / e.sum(axis=axis, keepdims=True)


# %% wrong: the sum runs over the whole table
def softmax(z, temperature=1.0, axis=-1):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    z = np.asarray(z, dtype=float)
    e = np.exp((z - z.max(axis=axis, keepdims=True)) / temperature)
    return e / e.sum()


# %% wrong: the default axis is the first one
def softmax(z, temperature=1.0, axis=0):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    z = np.asarray(z, dtype=float)
    e = np.exp((z - z.max(axis=axis, keepdims=True)) / temperature)
    return e / e.sum(axis=axis, keepdims=True)


# %% wrong: multiplies by the temperature
def softmax(z, temperature=1.0, axis=-1):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    z = np.asarray(z, dtype=float) * temperature
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


# %% wrong: the temperature is not used
def softmax(z, temperature=1.0, axis=-1):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    z = np.asarray(z, dtype=float)
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


# %% wrong: divides the probabilities by the temperature, not the scores
def softmax(z, temperature=1.0, axis=-1):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    z = np.asarray(z, dtype=float)
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True) / temperature


# %% wrong: keepdims is missing, so a table does not broadcast
def softmax(z, temperature=1.0, axis=-1):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    z = np.asarray(z, dtype=float)
    e = np.exp((z - z.max(axis=axis)) / temperature)
    return e / e.sum(axis=axis)


# %% wrong: hard-coded numbers of the example in the task
def softmax(z, temperature=1.0, axis=-1):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    p = np.full(np.shape(z), 1 / np.shape(z)[-1])
    if np.shape(z)[-1] == 3:
        p[..., :] = [0.659, 0.242, 0.099]
    return p


# %% wrong: subtracts the largest score of each column
def softmax(z, temperature=1.0, axis=-1):
    if temperature <= 0:
        raise ValueError("temperature must be positive")
    z = np.asarray(z, dtype=float)
    e = np.exp((z - z.max(axis=0)) / temperature)
    return e / e.sum(axis=axis, keepdims=True)
