# %% right: recursion over the rest of the layers
def mlp_forward(X, params, activation):
    if activation not in ("relu", "tanh", "sigmoid"):
        raise ValueError(activation)
    (W, b), *rest = params
    Z = X @ W + b
    here = {"A_in": X, "Z": Z}
    if not rest:
        return Z, [here]
    if activation == "relu":
        A = np.where(Z > 0, Z, 0.0)
    else:
        A = np.tanh(Z) if activation == "tanh" else expit(Z)
    logits, later = mlp_forward(A, rest, activation)
    return logits, [here] + later

# %% right: the identity comes first, the activation before each later layer
def mlp_forward(X, params, activation):
    try:
        act = {"relu": lambda Z: Z.clip(min=0), "tanh": np.tanh, "sigmoid": expit}[activation]
    except (KeyError, TypeError):
        raise ValueError(f"unknown activation {activation!r}") from None
    caches, before, signal = [], np.copy, X
    for W, b in params:
        incoming = before(signal)
        signal = incoming @ W + b
        caches.append(dict(A_in=incoming, Z=signal))
        before = act
    return caches[-1]["Z"].copy(), caches

# %% right: a generator of caches, with match
def mlp_forward(X, params, activation):
    match activation:
        case "relu":
            def bend(Z):
                return (np.abs(Z) + Z) / 2
        case "tanh" | "sigmoid":
            bend = np.tanh if activation == "tanh" else expit
        case _:
            raise ValueError("activation")

    def walk():
        A = X
        for i in range(len(params)):
            if i:
                A = bend(Z)
            Z = np.dot(A, params[i][0])
            np.add(Z, params[i][1], out=Z)
            yield {"Z": Z, "A_in": A}

    caches = list(walk())
    return caches[-1]["Z"], caches

# %% right: in-place activation on a copy, by layer number
def mlp_forward(X, params, activation):
    ways = dict(zip(("relu", "tanh", "sigmoid"), (np.maximum, np.tanh, expit)))
    if not isinstance(activation, str) or activation not in ways:
        raise ValueError("activation must be one of " + ", ".join(ways))
    ins, sums = [X], []
    last = len(params) - 1
    for number, (W, b) in enumerate(params):
        sums.append(np.einsum("nd,dm->nm", ins[number], W) + b[None])
        if number < last:
            A = np.array(sums[number], copy=True)
            if activation == "relu":
                A[A < 0] = 0
            else:
                ways[activation](A, out=A)
            ins.append(A)
    return sums[last], [{"A_in": A, "Z": Z} for A, Z in zip(ins, sums)]

# %% wrong: the activation's name is looked at only between two layers
def mlp_forward(X, params, activation):
    caches = []
    A = X
    for i, (W, b) in enumerate(params):
        Z = A @ W + b
        caches.append({"A_in": A, "Z": Z})
        if i == len(params) - 1:
            break
        if activation == "relu":
            A = np.maximum(Z, 0)
        elif activation == "tanh":
            A = np.tanh(Z)
        elif activation == "sigmoid":
            A = expit(Z)
        else:
            raise ValueError(activation)
    return Z, caches

# %% wrong: where ReLU has nothing to do, A_in is Z itself
def mlp_forward(X, params, activation):
    def relu(Z):
        return np.maximum(Z, 0) if Z.min() < 0 else Z

    ways = {"relu": relu, "tanh": np.tanh, "sigmoid": expit}
    if activation not in ways:
        raise ValueError(activation)
    caches, A = [], X
    for W, b in params:
        Z = A @ W + b
        caches.append({"A_in": A, "Z": Z})
        A = ways[activation](Z)
    return Z, caches

# %% wrong: the sigmoid gives float32
def mlp_forward(X, params, activation):
    ways = {"relu": lambda Z: np.maximum(Z, 0), "tanh": np.tanh}
    ways["sigmoid"] = lambda Z: expit(Z.astype(np.float32))
    if activation not in ways:
        raise ValueError(activation)
    caches, A = [], X
    for W, b in params:
        Z = A @ W + b
        caches.append({"A_in": A, "Z": Z})
        A = ways[activation](Z)
    return Z, caches

# %% wrong: ReLU, TANH and Sigmoid are accepted, too
def mlp_forward(X, params, activation):
    ways = {"relu": lambda Z: np.maximum(Z, 0), "tanh": np.tanh, "sigmoid": expit}
    act = ways.get(str(activation).strip().lower())
    if act is None:
        raise ValueError(activation)
    caches, A = [], X
    for W, b in params:
        Z = A @ W + b
        caches.append({"A_in": A, "Z": Z})
        A = act(Z)
    return Z, caches

# %% wrong: tanh by two exponentials, which overflow
def mlp_forward(X, params, activation):
    def tanh(Z):
        up, down = np.exp(Z), np.exp(-Z)
        return (up - down) / (up + down)

    ways = {"relu": lambda Z: np.maximum(Z, 0), "tanh": tanh, "sigmoid": expit}
    if activation not in ways:
        raise ValueError(activation)
    caches, A = [], X
    for i, (W, b) in enumerate(params):
        if i:
            A = ways[activation](Z)
        Z = A @ W + b
        caches.append({"A_in": A, "Z": Z})
    return Z, caches

# %% wrong: the biases in params are made rows
def mlp_forward(X, params, activation):
    ways = {"relu": lambda Z: np.maximum(Z, 0), "tanh": np.tanh, "sigmoid": expit}
    if activation not in ways:
        raise ValueError(activation)
    for i, (W, b) in enumerate(params):
        params[i] = (W, np.atleast_2d(b))
    caches, A = [], X
    for W, b in params:
        Z = A @ W + b
        caches.append({"A_in": A, "Z": Z})
        A = ways[activation](Z)
    return Z, caches

# %% wrong: the list of caches lives on between calls
def mlp_forward(X, params, activation, caches=[]):
    ways = {"relu": lambda Z: np.maximum(Z, 0), "tanh": np.tanh, "sigmoid": expit}
    if activation not in ways:
        raise ValueError(activation)
    A = X
    for W, b in params:
        Z = A @ W + b
        caches.append({"A_in": A, "Z": Z})
        A = ways[activation](Z)
    return Z, caches

# %% wrong: each dict has a third key
def mlp_forward(X, params, activation):
    ways = {"relu": lambda Z: np.maximum(Z, 0), "tanh": np.tanh, "sigmoid": expit}
    if activation not in ways:
        raise ValueError(activation)
    caches, A = [], X
    for W, b in params:
        Z = A @ W + b
        caches.append({"A_in": A, "Z": Z, "W": W})
        A = ways[activation](Z)
    return Z, caches
