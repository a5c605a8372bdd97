# %% right: blind - one uniform draw per entry in Python loops
def dropout_forward(A, p_drop, rng, training):
    if p_drop < 0 or p_drop >= 1 or p_drop != p_drop:
        raise ValueError(f"p_drop = {p_drop}")
    rows, columns = A.shape
    out, mask = np.zeros((rows, columns)), np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            if not training:
                mask[i, j] = 1.0
            elif rng.random() >= p_drop:
                mask[i, j] = 1.0 / (1.0 - p_drop)
            out[i, j] = A[i, j] * mask[i, j]
    return out, mask


def dropout_backward(dout, mask):
    dA = np.empty(mask.shape)
    for index, factor in np.ndenumerate(mask):
        dA[index] = factor * dout[index]
    return dA


# %% right: blind - rng.choice between 0 and the factor
def dropout_forward(A, p_drop, rng, training):
    if not 0 <= p_drop < 1:
        raise ValueError("p_drop must be in [0, 1)")
    values, chances = ([0.0, 1 / (1 - p_drop)], [p_drop, 1 - p_drop]) if training else ([1.0], [1.0])
    mask = rng.choice(values, size=A.shape, p=chances) if training else np.full(A.shape, values[0])
    return A * mask, mask


def dropout_backward(dout, mask):
    return np.einsum("nm,nm->nm", dout, mask)


# %% right: blind - waiting times of a Poisson process: keep where the exponential clock rings late
class DropoutMask:
    def __init__(self, p):
        if not (p >= 0 and p < 1):
            raise ValueError("wrong p_drop")
        self.keep = 1 - p
        self.deadline = -math.log1p(-p)

    def draw(self, shape, rng):
        late = rng.standard_exponential(shape) >= self.deadline
        return np.divide(late, self.keep)

    def trivial(self, shape, rng):
        return np.ones(shape, dtype=np.float64)


def dropout_forward(A, p_drop, rng, training):
    plan = DropoutMask(p_drop)
    make = plan.draw if training else plan.trivial
    mask = make(np.shape(A), rng)
    return np.multiply(mask, A), mask


def dropout_backward(dout, mask):
    dA = np.array(dout, dtype=np.float64)
    dA *= mask
    return dA


# %% right: blind - tensors of PyTorch, bits from rng.integers, autograd for the slopes
def dropout_forward(A, p_drop, rng, training):
    if not (0 <= p_drop and p_drop < 1):
        raise ValueError(p_drop)
    tensor = torch.tensor(np.array(A, dtype=np.float64))
    mask = torch.ones_like(tensor)
    if training:
        ticket = torch.from_numpy(rng.integers(0, 2**53, size=A.shape))
        mask.masked_fill_(ticket < math.ceil(p_drop * 2**53), 0.0).div_(1 - p_drop)
    return torch.mul(tensor, mask).numpy(), mask.numpy()


def dropout_backward(dout, mask):
    leaf = torch.zeros(mask.shape, dtype=torch.float64, requires_grad=True)
    out = leaf * torch.tensor(np.array(mask, dtype=np.float64))
    (slope,) = torch.autograd.grad(out, leaf, torch.tensor(np.array(dout, dtype=np.float64)))
    return slope.numpy()


# %% right: blind - early return in use, geometric gaps between dropped positions
def dropout_forward(A, p_drop, rng, training):
    match (bool(0 <= p_drop < 1), bool(training)):
        case (False, _):
            raise ValueError("p_drop out of range")
        case (True, False):
            return A.copy(), np.ones(A.shape)
    flat = np.full(A.size, 1 / (1 - p_drop))
    if p_drop > 0:
        position = int(rng.geometric(p_drop)) - 1
        while position < flat.size:
            flat[position] = 0.0
            position += int(rng.geometric(p_drop))
    mask = flat.reshape(A.shape)
    return mask * A, mask


def dropout_backward(dout, mask):
    return np.stack([row * factors for row, factors in zip(dout, mask)])


# %% wrong: p_drop is checked in training only
def dropout_forward(A, p_drop, rng, training):
    if training:
        if not 0 <= p_drop < 1:
            raise ValueError("p_drop must be in [0, 1)")
        mask = (rng.random(A.shape) >= p_drop) / (1 - p_drop)
    else:
        mask = np.ones(A.shape)
    out = A * mask
    return out, mask


def dropout_backward(dout, mask):
    return dout * mask


# %% wrong: a negative p_drop is let through
def dropout_forward(A, p_drop, rng, training):
    if p_drop >= 1:
        raise ValueError("p_drop must be in [0, 1)")
    if training:
        mask = (rng.random(A.shape) >= p_drop) / (1 - p_drop)
    else:
        mask = np.ones(A.shape)
    out = A * mask
    return out, mask


def dropout_backward(dout, mask):
    return dout * mask


# %% wrong: drawn from NumPy's global generator, not from rng
def dropout_forward(A, p_drop, rng, training):
    if not 0 <= p_drop < 1:
        raise ValueError("p_drop must be in [0, 1)")
    if training:
        mask = (np.random.random(A.shape) >= p_drop) / (1 - p_drop)
    else:
        mask = np.ones(A.shape)
    out = A * mask
    return out, mask


def dropout_backward(dout, mask):
    return dout * mask


# %% wrong: exactly the share p is dropped, so entries are not independent
def dropout_forward(A, p_drop, rng, training):
    if not 0 <= p_drop < 1:
        raise ValueError("p_drop must be in [0, 1)")
    if training:
        keep = np.ones(A.size)
        keep[: int(round(p_drop * A.size))] = 0
        mask = rng.permutation(keep).reshape(A.shape) / (1 - p_drop)
    else:
        mask = np.ones(A.shape)
    out = A * mask
    return out, mask


def dropout_backward(dout, mask):
    return dout * mask


# %% wrong: the mask is out / A, NaN where A is 0
def dropout_forward(A, p_drop, rng, training):
    if not 0 <= p_drop < 1:
        raise ValueError("p_drop must be in [0, 1)")
    if training:
        out = np.where(rng.random(A.shape) < p_drop, 0.0, A / (1 - p_drop))
        mask = out / A
    else:
        mask = np.ones(A.shape)
        out = A.copy()
    return out, mask


def dropout_backward(dout, mask):
    return dout * mask


# %% wrong: p_drop is the probability to stay
def dropout_forward(A, p_drop, rng, training):
    if not 0 <= p_drop < 1:
        raise ValueError("p_drop must be in [0, 1)")
    if training:
        mask = (rng.random(A.shape) < p_drop) / p_drop
    else:
        mask = np.ones(A.shape)
    out = A * mask
    return out, mask


def dropout_backward(dout, mask):
    return dout * mask


# %% wrong: A is changed in place
def dropout_forward(A, p_drop, rng, training):
    if not 0 <= p_drop < 1:
        raise ValueError("p_drop must be in [0, 1)")
    if training:
        mask = (rng.random(A.shape) >= p_drop) / (1 - p_drop)
    else:
        mask = np.ones(A.shape)
    A *= mask
    return A, mask


def dropout_backward(dout, mask):
    return dout * mask


# %% wrong: the factor is in out, the mask holds 0 and 1
def dropout_forward(A, p_drop, rng, training):
    if not 0 <= p_drop < 1:
        raise ValueError("p_drop must be in [0, 1)")
    if training:
        mask = (rng.random(A.shape) >= p_drop) * 1.0
        return A * mask / (1 - p_drop), mask
    else:
        mask = np.ones(A.shape)
    out = A * mask
    return out, mask


def dropout_backward(dout, mask):
    return dout * mask


# %% wrong: one draw per column for the whole batch
def dropout_forward(A, p_drop, rng, training):
    if not 0 <= p_drop < 1:
        raise ValueError("p_drop must be in [0, 1)")
    if training:
        mask = np.tile((rng.random(A.shape[1]) >= p_drop) / (1 - p_drop), (len(A), 1))
    else:
        mask = np.ones(A.shape)
    out = A * mask
    return out, mask


def dropout_backward(dout, mask):
    return dout * mask


# %% wrong: training and use exchanged in the factor: 1 - p in use, none in training
def dropout_forward(A, p_drop, rng, training):
    if not 0 <= p_drop < 1:
        raise ValueError("p_drop must be in [0, 1)")
    if training:
        mask = (rng.random(A.shape) >= p_drop) * 1.0
    else:
        mask = np.ones(A.shape)
    out = A * mask if training else A * (1 - p_drop)
    return out, mask


def dropout_backward(dout, mask):
    return dout * mask


# %% wrong: backward passes dout on unscaled where the mask is not 0
def dropout_forward(A, p_drop, rng, training):
    if not 0 <= p_drop < 1:
        raise ValueError("p_drop must be in [0, 1)")
    if training:
        mask = (rng.random(A.shape) >= p_drop) / (1 - p_drop)
    else:
        mask = np.ones(A.shape)
    out = A * mask
    return out, mask


def dropout_backward(dout, mask):
    return dout * (mask > 0)
