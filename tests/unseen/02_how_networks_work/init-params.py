# %% right: standard numbers, scaled by the root of the variance
def init_params(sizes, rng, scheme="he", distribution="normal"):
    if scheme not in ("he", "xavier", "zeros"):
        raise ValueError(f"scheme {scheme!r}")
    if distribution not in ("normal", "uniform"):
        raise ValueError(f"distribution {distribution!r}")
    params = []
    for i in range(1, len(sizes)):
        d, m = sizes[i - 1], sizes[i]
        scale = np.sqrt({"he": 2 / d, "xavier": 2 / (d + m), "zeros": 0}[scheme])
        if distribution == "normal":
            W = rng.standard_normal((d, m)) * scale
        else:
            W = (2 * rng.random((d, m)) - 1) * np.sqrt(3) * scale
        params.append((W, np.zeros(m)))
    return params

# %% right: normal numbers by the inverse distribution function
from scipy.special import ndtri


def init_params(sizes, rng, scheme="he", distribution="normal"):
    match scheme:
        case "he":
            variance = lambda d, m: 2 / d
        case "xavier":
            variance = lambda d, m: 2 / (d + m)
        case "zeros":
            variance = lambda d, m: 0.0
        case _:
            raise ValueError(scheme)
    if distribution == "normal":
        shape = lambda u: ndtri(np.maximum(u, 2.0**-54))
    elif distribution == "uniform":
        shape = lambda u: np.sqrt(3) * (2 * u - 1)
    else:
        raise ValueError(distribution)
    pairs = list(zip(sizes, sizes[1:]))
    return [(variance(d, m) ** 0.5 * shape(rng.random((d, m))), np.zeros((m,))) for d, m in pairs]

# %% right: one draw for the whole network, cut into layers
def init_params(sizes, rng, scheme="he", distribution="normal"):
    if scheme not in {"he", "xavier", "zeros"} or distribution not in {"normal", "uniform"}:
        raise ValueError("scheme or distribution")
    fan_in, fan_out = np.array(sizes[:-1]), np.array(sizes[1:])
    counts = fan_in * fan_out
    draw = rng.standard_normal if distribution == "normal" else lambda n: rng.uniform(-(3**0.5), 3**0.5, n)
    pieces = np.split(draw(int(counts.sum())), np.cumsum(counts)[:-1])
    result = []
    for piece, d, m in zip(pieces, sizes, sizes[1:]):
        if scheme == "zeros":
            W = np.zeros((d, m))
        else:
            W = piece.reshape(d, m) * (2 / (d if scheme == "he" else d + m)) ** 0.5
        result.append((W, np.zeros(m, dtype=np.float64)))
    return result

# %% right: numbers drawn column by column, nothing drawn for zeros
def init_params(sizes, rng, scheme="he", distribution="normal"):
    if distribution != "normal" and distribution != "uniform":
        raise ValueError("distribution")
    if scheme == "zeros":
        return [(np.zeros(shape), np.zeros(shape[1])) for shape in zip(sizes[:-1], sizes[1:])]
    if scheme not in ("he", "xavier"):
        raise ValueError("scheme")
    layers = []
    for d, m in zip(sizes[:-1], sizes[1:]):
        std = (2 / (d + m * (scheme == "xavier"))) ** 0.5
        a = std * 3**0.5
        columns = [rng.normal(0, std, d) if distribution == "normal" else rng.uniform(-a, a, d) for _ in range(m)]
        layers.append((np.stack(columns, axis=1), np.full(m, 0.0)))
    return layers

# %% wrong: the normal weights are cut at three standard deviations
def init_params(sizes, rng, scheme="he", distribution="normal"):
    if scheme not in ("he", "xavier", "zeros") or distribution not in ("normal", "uniform"):
        raise ValueError("scheme or distribution")
    params = []
    for d, m in zip(sizes, sizes[1:]):
        variance = {"he": 2 / d, "xavier": 2 / (d + m), "zeros": 0.0}[scheme]
        if distribution == "uniform":
            a = np.sqrt(3 * variance)
            W = rng.uniform(-a, a, (d, m))
        else:
            W = rng.standard_normal((d, m))
            while (far := np.abs(W) > 3).any():
                W[far] = rng.standard_normal(far.sum())
            W *= np.sqrt(variance) / 0.98658
        params.append((W, np.zeros(m)))
    return params

# %% wrong: uniform means one of 201 places
def init_params(sizes, rng, scheme="he", distribution="normal"):
    if scheme not in ("he", "xavier", "zeros") or distribution not in ("normal", "uniform"):
        raise ValueError("scheme or distribution")
    params = []
    for d, m in zip(sizes, sizes[1:]):
        variance = {"he": 2 / d, "xavier": 2 / (d + m), "zeros": 0.0}[scheme]
        if distribution == "uniform":
            W = rng.integers(-100, 100, (d, m), endpoint=True) / 100 * np.sqrt(3 * variance)
        else:
            W = rng.normal(0, np.sqrt(variance), (d, m))
        params.append((W, np.zeros(m)))
    return params

# %% wrong: zero weights are whole numbers
def init_params(sizes, rng, scheme="he", distribution="normal"):
    if scheme not in ("he", "xavier", "zeros") or distribution not in ("normal", "uniform"):
        raise ValueError("scheme or distribution")
    params = []
    for d, m in zip(sizes, sizes[1:]):
        if scheme == "zeros":
            params.append((np.full((d, m), 0), np.zeros(m)))
            continue
        variance = 2 / d if scheme == "he" else 2 / (d + m)
        a = np.sqrt(3 * variance)
        uniform = distribution == "uniform"
        W = rng.uniform(-a, a, (d, m)) if uniform else rng.normal(0, np.sqrt(variance), (d, m))
        params.append((W, np.zeros(m)))
    return params

# %% wrong: with zeros, any distribution will do
def init_params(sizes, rng, scheme="he", distribution="normal"):
    if scheme == "zeros":
        return [(np.zeros((d, m)), np.zeros(m)) for d, m in zip(sizes, sizes[1:])]
    if scheme not in ("he", "xavier") or distribution not in ("normal", "uniform"):
        raise ValueError("scheme or distribution")
    params = []
    for d, m in zip(sizes, sizes[1:]):
        variance = 2 / d if scheme == "he" else 2 / (d + m)
        a = np.sqrt(3 * variance)
        uniform = distribution == "uniform"
        W = rng.uniform(-a, a, (d, m)) if uniform else rng.normal(0, np.sqrt(variance), (d, m))
        params.append((W, np.zeros(m)))
    return params

# %% wrong: the bias counts as one more input
def init_params(sizes, rng, scheme="he", distribution="normal"):
    if scheme not in ("he", "xavier", "zeros") or distribution not in ("normal", "uniform"):
        raise ValueError("scheme or distribution")
    params = []
    for d, m in zip(sizes, sizes[1:]):
        variance = {"he": 2 / (d + 1), "xavier": 2 / (d + 1 + m), "zeros": 0.0}[scheme]
        a = np.sqrt(3 * variance)
        uniform = distribution == "uniform"
        W = rng.uniform(-a, a, (d, m)) if uniform else rng.normal(0, np.sqrt(variance), (d, m))
        params.append((W, np.zeros(m)))
    return params

# %% wrong: the drawn weights are stretched to exactly the standard deviation
def init_params(sizes, rng, scheme="he", distribution="normal"):
    if scheme not in ("he", "xavier", "zeros") or distribution not in ("normal", "uniform"):
        raise ValueError("scheme or distribution")
    params = []
    for d, m in zip(sizes, sizes[1:]):
        variance = {"he": 2 / d, "xavier": 2 / (d + m), "zeros": 0.0}[scheme]
        W = rng.uniform(-1, 1, (d, m)) if distribution == "uniform" else rng.standard_normal((d, m))
        W -= W.mean()
        W *= np.sqrt(variance) / W.std()
        params.append((W, np.zeros(m)))
    return params

# %% wrong: a tuple of pairs instead of a list
def init_params(sizes, rng, scheme="he", distribution="normal"):
    if scheme not in ("he", "xavier", "zeros") or distribution not in ("normal", "uniform"):
        raise ValueError("scheme or distribution")
    params = ()
    for d, m in zip(sizes, sizes[1:]):
        variance = {"he": 2 / d, "xavier": 2 / (d + m), "zeros": 0.0}[scheme]
        a = np.sqrt(3 * variance)
        uniform = distribution == "uniform"
        W = rng.uniform(-a, a, (d, m)) if uniform else rng.normal(0, np.sqrt(variance), (d, m))
        params += ((W, np.zeros(m)),)
    return params
