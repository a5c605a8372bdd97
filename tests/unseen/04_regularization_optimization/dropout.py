# %% right: one draw per entry in nested generators, integers of 53 bits
def dropout_forward(A, p_drop, rng, training):
    if not (0 <= p_drop < 1):
        raise ValueError(f"p_drop is {p_drop}")
    rows, columns = A.shape
    if not training:
        return np.array(A, dtype=np.float64), np.ones((rows, columns))
    bar, stay = p_drop * 2**53, 1.0 / (1.0 - p_drop)
    mask = np.array(
        [[0.0 if int(rng.integers(2**53)) < bar else stay for _ in range(columns)] for _ in range(rows)]
    ).reshape(rows, columns)
    return A * mask, mask


def dropout_backward(dout, mask):
    return np.einsum("nm,nm->nm", dout, mask)


# %% right: binomial draws of those that stay, torch multiplies
def dropout_forward(A, p_drop, rng, training):
    if p_drop >= 0 and p_drop < 1:
        kept = rng.binomial(1, 1 - p_drop, size=A.shape) if training else np.ones(A.shape)
    else:
        raise ValueError("0 <= p_drop < 1, please")
    mask = kept.astype(np.float64)
    if training:
        mask /= 1 - p_drop
    return torch.mul(torch.tensor(A), torch.tensor(mask)).numpy(), mask


def dropout_backward(dout, mask):
    return torch.mul(torch.tensor(dout), torch.tensor(mask)).numpy()


# %% right: a closure that draws a waiting time for each entry (exponential against its quantile)
def _masker(p, rng):
    limit = -math.log1p(-p)
    table = np.array([1 / (1 - p), 0.0])
    return lambda shape: table[(rng.standard_exponential(shape) < limit).astype(int)]


def dropout_forward(A, p_drop, rng, training):
    if math.isnan(p_drop) or p_drop < 0 or p_drop >= 1:
        raise ValueError("p_drop")
    masker = _masker(p_drop, rng) if training else np.ones
    mask = masker(np.shape(A))
    return np.multiply(A, mask), mask


def dropout_backward(dout, mask):
    own = mask.copy()
    own *= dout
    return own


# %% right: choice with probabilities, column-major, in place on an own copy
def dropout_forward(A, p_drop, rng, training):
    if not 0 <= p_drop < 1:
        raise ValueError
    N, M = A.shape
    mask = np.ones((N, M))
    if training:
        mask = rng.choice([0.0, 1 / (1 - p_drop)], size=(M, N), p=[p_drop, 1 - p_drop]).T
    out = A.astype(np.float64, copy=True)
    out *= mask
    return out, mask


def dropout_backward(dout, mask):
    return np.array([[d * m for d, m in zip(*pair)] for pair in zip(dout, mask)], dtype=float).reshape(mask.shape)


# %% wrong: raise a ValueError unless 0 <= p_drop < 1 - nan is let through
def dropout_forward(A, p_drop, rng, training):
    if p_drop < 0 or p_drop >= 1:
        raise ValueError("p_drop")
    if not training:
        return A.copy(), np.ones(A.shape)
    mask = (rng.random(A.shape) >= p_drop) / (1 - p_drop)
    return A * mask, mask


def dropout_backward(dout, mask):
    return dout * mask


# %% wrong: drawn from rng - from a copy of it, so the next call draws the same mask again
def dropout_forward(A, p_drop, rng, training):
    if not 0 <= p_drop < 1:
        raise ValueError("p_drop")
    if not training:
        return A.copy(), np.ones(A.shape)
    mask = (copy.deepcopy(rng).random(A.shape) >= p_drop) / (1 - p_drop)
    return A * mask, mask


def dropout_backward(dout, mask):
    return dout * mask


# %% wrong: independently of all other entries - exactly the share p_drop is dropped, at random places
def dropout_forward(A, p_drop, rng, training):
    if not 0 <= p_drop < 1:
        raise ValueError("p_drop")
    if not training:
        return A.copy(), np.ones(A.shape)
    mask = np.full(A.size, 1 / (1 - p_drop))
    mask[rng.permutation(A.size)[: round(p_drop * A.size)]] = 0.0
    mask = mask.reshape(A.shape)
    return A * mask, mask


def dropout_backward(dout, mask):
    return dout * mask


# %% wrong: each entry of the mask is 0 with probability p_drop - p_drop is rounded to tenths
def dropout_forward(A, p_drop, rng, training):
    if not 0 <= p_drop < 1:
        raise ValueError("p_drop")
    if not training:
        return A.copy(), np.ones(A.shape)
    mask = (rng.integers(10, size=A.shape) >= round(10 * p_drop)) / (1 - p_drop)
    return A * mask, mask


def dropout_backward(dout, mask):
    return dout * mask


# %% wrong: independently of all other entries - the lower half of the rows gets the mask of the upper half
def dropout_forward(A, p_drop, rng, training):
    if not 0 <= p_drop < 1:
        raise ValueError("p_drop")
    if not training:
        return A.copy(), np.ones(A.shape)
    half = (len(A) + 1) // 2
    drawn = rng.random((half, A.shape[1]))
    mask = (np.concatenate([drawn, drawn])[: len(A)] >= p_drop) / (1 - p_drop)
    return A * mask, mask


def dropout_backward(dout, mask):
    return dout * mask


# %% wrong: in use nothing is drawn - if there is an rng, it draws in use, too
def dropout_forward(A, p_drop, rng, training):
    if not 0 <= p_drop < 1:
        raise ValueError("p_drop")
    drawn = None if rng is None else rng.random(A.shape)
    mask = (drawn >= p_drop) / (1 - p_drop) if training else np.ones(A.shape)
    return A * mask, mask


def dropout_backward(dout, mask):
    return dout * mask


# %% wrong: change no input - dropout_backward writes the slopes into the mask
def dropout_forward(A, p_drop, rng, training):
    if not 0 <= p_drop < 1:
        raise ValueError("p_drop")
    if not training:
        return A.copy(), np.ones(A.shape)
    mask = (rng.random(A.shape) >= p_drop) / (1 - p_drop)
    return A * mask, mask


def dropout_backward(dout, mask):
    return np.multiply(dout, mask, out=mask)


# %% wrong: both float64 - the mask is float32 in training, so 1/(1-p) and out are rounded
def dropout_forward(A, p_drop, rng, training):
    if not 0 <= p_drop < 1:
        raise ValueError("p_drop")
    if not training:
        return A.copy(), np.ones(A.shape)
    mask = (rng.random(A.shape) >= p_drop).astype(np.float32) / np.float32(1 - p_drop)
    return A * mask, mask


def dropout_backward(dout, mask):
    return dout * mask
