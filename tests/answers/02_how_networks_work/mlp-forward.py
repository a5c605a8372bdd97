# %% right: blind - recursion over the layers
def mlp_forward(X, params, activation):
    if activation == "relu":
        bend = lambda z: np.where(z > 0, z, 0.0)
    elif activation == "tanh":
        bend = np.tanh
    elif activation == "sigmoid":
        bend = expit
    else:
        raise ValueError("unknown activation: " + repr(activation))

    def go(A, rest):
        (W, b), *later = rest
        Z = A @ W + b
        here = {"A_in": A, "Z": Z}
        if not later:
            return Z, [here]
        logits, caches = go(bend(Z), later)
        return logits, [here, *caches]

    return go(X, params)


# %% right: blind - PyTorch in float64 with hooks that write the caches
def mlp_forward(X, params, activation):
    kinds = (("relu", nn.ReLU), ("tanh", nn.Tanh), ("sigmoid", nn.Sigmoid))
    found = [kind for name, kind in kinds if name == activation]
    if len(found) != 1:
        raise ValueError(f"activation must be one of {[name for name, _ in kinds]}")
    caches = []

    def remember(module, inputs, output):
        caches.append({"A_in": inputs[0].numpy().copy(), "Z": output.numpy().copy()})

    parts = []
    with torch.no_grad():
        for W, b in params:
            layer = nn.Linear(*W.shape).double()
            layer.weight.copy_(torch.tensor(W.T.copy()))
            layer.bias.copy_(torch.tensor(b.copy()))
            layer.register_forward_hook(remember)
            parts += [layer, found[0]()]
        logits = nn.Sequential(*parts[:-1])(torch.tensor(X.copy()))
    return logits.numpy(), caches


# %% right: blind - itertools.accumulate over dicts
import itertools


def mlp_forward(X, params, activation):
    known = {"relu": lambda Z: Z.clip(min=0), "tanh": np.tanh, "sigmoid": expit}
    if activation not in list(known):
        raise ValueError(activation)

    def step(before, layer):
        A_in = known[activation](before["Z"])
        return {"A_in": A_in, "Z": np.dot(A_in, layer[0]) + layer[1]}

    first = {"A_in": X, "Z": np.dot(X, params[0][0]) + params[0][1]}
    caches = list(itertools.accumulate(params[1:], step, initial=first))
    return caches[-1]["Z"], caches


# %% right: blind - layer objects in a chain, each owning its cache
class Layer:
    def __init__(self, W, b):
        self.W, self.b, self.cache = W, b, {}

    def __call__(self, A):
        self.cache.update(A_in=A, Z=np.einsum("nd,dm->nm", A, self.W) + self.b)
        return self.cache["Z"]


class Relu:
    def __call__(self, Z):
        return (np.abs(Z) + Z) / 2


class Tanh:
    def __call__(self, Z):
        return np.sinh(np.clip(Z, -30, 30)) / np.cosh(np.clip(Z, -30, 30))


class Sigmoid:
    def __call__(self, Z):
        return expit(Z)


def mlp_forward(X, params, activation):
    match activation:
        case "relu":
            between = Relu()
        case "tanh":
            between = Tanh()
        case "sigmoid":
            between = Sigmoid()
        case _:
            raise ValueError(f"no such activation: {activation}")
    layers = [Layer(*pair) for pair in params]
    signal = layers[0](X)
    for layer in layers[1:]:
        signal = layer(between(signal))
    return signal.copy(), [layer.cache for layer in layers]


# %% right: blind - all arrays made first, then filled sample by sample
def mlp_forward(X, params, activation):
    if activation not in ("relu", "tanh", "sigmoid"):
        raise ValueError('activation must be "relu", "tanh" or "sigmoid"')
    N, L = X.shape[0], len(params)
    Zs = [np.empty((N, W.shape[1])) for W, _ in params]
    As = [np.array(X)] + [np.empty_like(Z) for Z in Zs[:-1]]
    for n in range(N):
        for l in range(L):
            W, b = params[l]
            for m in range(W.shape[1]):
                Zs[l][n, m] = np.vdot(As[l][n], W[:, m]) + b[m]
            if l + 1 == L:
                break
            if activation == "relu":
                As[l + 1][n] = [max(z, 0.0) for z in Zs[l][n]]
            else:
                ufunc = np.tanh if activation == "tanh" else expit
                ufunc(Zs[l][n], out=As[l + 1][n])
    caches = []
    while len(caches) < L:
        caches.append(dict(A_in=As[len(caches)], Z=Zs[len(caches)]))
    return Zs[L - 1], caches


# %% wrong: tanh and sigmoid are computed in place, so the cached Z is lost
def mlp_forward(X, params, activation):
    def act(Z):
        if activation == "relu":
            return np.maximum(Z, 0)
        return np.tanh(Z, out=Z) if activation == "tanh" else expit(Z, out=Z)

    if activation not in ("relu", "tanh", "sigmoid"):
        raise ValueError(f"unknown activation {activation}")
    A, caches = X, []
    for layer, (W, b) in enumerate(params):
        Z = A @ W + b
        caches.append({"A_in": A, "Z": Z})
        A = act(Z) if layer < len(params) - 1 else Z
    return A, caches


# %% wrong: an unknown activation is noticed only where one is applied, not with a single layer
def mlp_forward(X, params, activation):
    def act(Z):
        if activation == "relu":
            return np.maximum(Z, 0)
        if activation == "tanh":
            return np.tanh(Z)
        if activation == "sigmoid":
            return expit(Z)
        raise ValueError(f"unknown activation {activation}")

    A, caches = X, []
    for layer, (W, b) in enumerate(params):
        Z = A @ W + b
        caches.append({"A_in": A, "Z": Z})
        A = act(Z) if layer < len(params) - 1 else Z
    return A, caches


# %% wrong: the minus sign in the sigmoid is missing
def mlp_forward(X, params, activation):
    functions = {"relu": lambda Z: np.maximum(Z, 0), "tanh": np.tanh, "sigmoid": lambda Z: 1 / (1 + np.exp(Z))}
    if activation not in functions:
        raise ValueError(f"unknown activation {activation}")
    act = functions[activation]
    A, caches = X, []
    for layer, (W, b) in enumerate(params):
        Z = A @ W + b
        caches.append({"A_in": A, "Z": Z})
        A = act(Z) if layer < len(params) - 1 else Z
    return A, caches


# %% wrong: ReLU works in place and destroys the cached Z
def mlp_forward(X, params, activation):
    functions = {"relu": lambda Z: np.maximum(Z, 0, out=Z), "tanh": np.tanh, "sigmoid": expit}
    if activation not in functions:
        raise ValueError(f"unknown activation {activation}")
    act = functions[activation]
    A, caches = X, []
    for layer, (W, b) in enumerate(params):
        Z = A @ W + b
        caches.append({"A_in": A, "Z": Z})
        A = act(Z) if layer < len(params) - 1 else Z
    return A, caches


# %% wrong: the activation comes after the last layer, too
def mlp_forward(X, params, activation):
    functions = {"relu": lambda Z: np.maximum(Z, 0), "tanh": np.tanh, "sigmoid": expit}
    if activation not in functions:
        raise ValueError(f"unknown activation {activation}")
    act = functions[activation]
    A, caches = X, []
    for layer, (W, b) in enumerate(params):
        Z = A @ W + b
        caches.append({"A_in": A, "Z": Z})
        A = act(Z)
    return A, caches


# %% wrong: each layer gets X
def mlp_forward(X, params, activation):
    functions = {"relu": lambda Z: np.maximum(Z, 0), "tanh": np.tanh, "sigmoid": expit}
    if activation not in functions:
        raise ValueError(f"unknown activation {activation}")
    act = functions[activation]
    A, caches = X, []
    for layer, (W, b) in enumerate(params):
        Z = X @ W + b
        caches.append({"A_in": A, "Z": Z})
        A = act(Z) if layer < len(params) - 1 else Z
    return A, caches


# %% wrong: A_in holds the layer's output
def mlp_forward(X, params, activation):
    functions = {"relu": lambda Z: np.maximum(Z, 0), "tanh": np.tanh, "sigmoid": expit}
    if activation not in functions:
        raise ValueError(f"unknown activation {activation}")
    act = functions[activation]
    A, caches = X, []
    for layer, (W, b) in enumerate(params):
        Z = A @ W + b
        A = act(Z) if layer < len(params) - 1 else Z
        caches.append({"A_in": A, "Z": Z})
    return A, caches


# %% wrong: one dict is appended again and again, so all caches are the last one
def mlp_forward(X, params, activation):
    functions = {"relu": lambda Z: np.maximum(Z, 0), "tanh": np.tanh, "sigmoid": expit}
    if activation not in functions:
        raise ValueError(f"unknown activation {activation}")
    act = functions[activation]
    A, caches, cache = X, [], {}
    for layer, (W, b) in enumerate(params):
        cache["A_in"] = A
        cache["Z"] = A @ W + b
        caches.append(cache)
        A = act(cache["Z"]) if layer < len(params) - 1 else cache["Z"]
    return A, caches


# %% wrong: the bias is added after the activation, and Z lacks it
def mlp_forward(X, params, activation):
    functions = {"relu": lambda Z: np.maximum(Z, 0), "tanh": np.tanh, "sigmoid": expit}
    if activation not in functions:
        raise ValueError(f"unknown activation {activation}")
    act = functions[activation]
    A, caches = X, []
    for layer, (W, b) in enumerate(params):
        Z = A @ W
        caches.append({"A_in": A, "Z": Z})
        A = act(Z) + b if layer < len(params) - 1 else Z + b
    return A, caches


# %% wrong: the last layer gets no cache
def mlp_forward(X, params, activation):
    functions = {"relu": lambda Z: np.maximum(Z, 0), "tanh": np.tanh, "sigmoid": expit}
    if activation not in functions:
        raise ValueError(f"unknown activation {activation}")
    act = functions[activation]
    A, caches = X, []
    for W, b in params[:-1]:
        Z = A @ W + b
        caches.append({"A_in": A, "Z": Z})
        A = act(Z)
    W, b = params[-1]
    A = A @ W + b
    return A, caches


# %% wrong: anything but relu and tanh counts as sigmoid
def mlp_forward(X, params, activation):
    def act(Z):
        if activation == "relu":
            return np.maximum(Z, 0)
        if activation == "tanh":
            return np.tanh(Z)
        return expit(Z)

    A, caches = X, []
    for layer, (W, b) in enumerate(params):
        Z = A @ W + b
        caches.append({"A_in": A, "Z": Z})
        A = act(Z) if layer < len(params) - 1 else Z
    return A, caches
