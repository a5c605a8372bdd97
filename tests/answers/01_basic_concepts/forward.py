# %% right: blind - itertools.accumulate and load_state_dict
from itertools import accumulate


def forward(X, params, return_all=False):
    def step(A, numbered):
        number, (W, b) = numbered
        Z = A @ W + b
        return Z if number == len(params) else Z.clip(min=0)

    everything = list(accumulate(enumerate(params, start=1), step, initial=X))
    return (everything[-1], everything) if return_all else everything[-1]


def to_torch(params):
    model, state = nn.Sequential(), {}
    for W, b in params:
        place = str(len(model))
        state[place + ".weight"] = torch.tensor(W.T)
        state[place + ".bias"] = torch.tensor(b)
        model.append(nn.Linear(*W.shape, dtype=torch.float64))
        model.append(nn.ReLU())
    model = model[:-1]  # no ReLU after the last layer
    model.load_state_dict(state)
    return model


# %% right: blind - recursion and nn.Parameter
def forward(X, params, return_all=False):
    (W, b), *rest = params
    Z = np.dot(X, W) + b
    if not rest:
        return (Z, [X, Z]) if return_all else Z
    A = Z * (Z > 0)
    if not return_all:
        return forward(A, rest)
    logits, later = forward(A, rest, True)
    return logits, [X] + later


def to_torch(params):
    W, b = params[0]
    layer = nn.Linear(1, 1)
    layer.in_features, layer.out_features = W.shape
    layer.weight = nn.Parameter(torch.tensor(W.T.tolist(), dtype=torch.float64))
    layer.bias = nn.Parameter(torch.tensor(b.tolist(), dtype=torch.float64))
    if len(params) == 1:
        return nn.Sequential(layer)
    return nn.Sequential(layer, nn.ReLU(), *to_torch(params[1:]))


# %% right: blind - classes and deepcopy
import copy
from collections import OrderedDict


class _Dense:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def __call__(self, A):
        return np.add(np.matmul(A, self.W), self.b)


class _Rectify:
    def __call__(self, A):
        return np.where(A > 0, A, 0.0)


class _Network:
    def __init__(self, params):
        self.last = _Dense(*params[-1])
        self.hidden = [(_Dense(W, b), _Rectify()) for W, b in params[:-1]]

    def run(self, X):
        self.seen = [X]
        for dense, rectify in self.hidden:
            self.seen.append(rectify(dense(self.seen[-1])))
        self.seen.append(self.last(self.seen[-1]))
        return self.seen[-1]


def forward(X, params, return_all=False):
    network = _Network(params)
    logits = network.run(X)
    if return_all:
        return logits, network.seen
    return logits


def to_torch(params):
    modules = OrderedDict()
    own = copy.deepcopy(params)
    for number, (W, b) in enumerate(own):
        if number > 0:
            modules[f"relu{number}"] = nn.ReLU()
        linear = nn.Linear(W.shape[0], W.shape[1]).double()
        linear.weight.data = torch.from_numpy(np.ascontiguousarray(W.transpose()))
        linear.bias.data = torch.from_numpy(b)
        modules[f"linear{number}"] = linear
    return nn.Sequential(modules)


# %% right: blind - bias as one more row of W, all weights in one vector
def forward(X, params, return_all=False):
    kept = []
    signal = np.array(X, dtype=np.float64)
    remaining = len(params)
    while remaining:
        kept.append(signal)
        table = np.vstack(params[-remaining])
        ones = np.ones((signal.shape[0], 1))
        signal = np.einsum("nd,dm->nm", np.concatenate([signal, ones], axis=1), table)
        remaining -= 1
        if remaining:
            signal[signal < 0] = 0
    kept.append(signal)
    if not return_all:
        kept = None
    return signal if kept is None else (signal, kept)


def to_torch(params):
    sizes = [params[0][0].shape[0]] + [len(b) for _, b in params]
    pairs = [(nn.Linear(d, m, dtype=torch.double), nn.ReLU()) for d, m in zip(sizes[:-1], sizes[1:])]
    model = nn.Sequential(*sum(pairs, ())[:-1])
    flat = np.concatenate([part for W, b in params for part in (W.ravel(order="F"), b)])
    torch.nn.utils.vector_to_parameters(torch.tensor(flat), model.parameters())
    return model


# %% right: blind - the torch network does the work for NumPy
def to_torch(params):
    layers = []
    for W, b in params:
        layers += [nn.Linear(W.shape[0], W.shape[1], device="cpu", dtype=torch.float64), nn.ReLU()]
    layers.pop()
    for linear, (W, b) in zip(layers[::2], params):
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W).T)
            linear.bias.copy_(torch.from_numpy(b))
    return nn.Sequential(*layers)


@torch.no_grad()
def forward(X, params, return_all=False):
    value = torch.tensor(X, dtype=torch.float64)
    outputs = [value := module(value) for module in to_torch(params)]
    logits = outputs[-1].numpy()
    if return_all:
        return logits, [X, *(a.numpy() for a in outputs[1:-1:2]), logits]
    return logits


# %% wrong: the list holds the sums before the ReLU
def forward(X, params, return_all=False):
    A = X
    steps = [X]
    for i, (W, b) in enumerate(params):
        Z = A @ W + b
        steps.append(Z)
        A = np.maximum(Z, 0) if i < len(params) - 1 else Z
    if return_all:
        return A, steps
    return A


def to_torch(params):
    layers = []
    for i, (W, b) in enumerate(params):
        layer = nn.Linear(W.shape[0], W.shape[1], dtype=torch.float64)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(W.T))
            layer.bias.copy_(torch.from_numpy(b))
        layers.append(layer)
        if i < len(params) - 1:
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)


# %% wrong: the torch biases share memory with params
def forward(X, params, return_all=False):
    steps = [X]
    for W, b in params[:-1]:
        steps.append(np.maximum(steps[-1] @ W + b, 0))
    W, b = params[-1]
    steps.append(steps[-1] @ W + b)
    return (steps[-1], steps) if return_all else steps[-1]


def to_torch(params):
    layers = []
    for W, b in params:
        layer = nn.Linear(*W.shape)
        layer.weight = nn.Parameter(torch.tensor(W.T))
        layer.bias = nn.Parameter(torch.from_numpy(b))
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# %% wrong: parameters that cannot be trained
def forward(X, params, return_all=False):
    steps = [X]
    for i, (W, b) in enumerate(params):
        Z = steps[-1] @ W + b
        steps.append(Z if i == len(params) - 1 else np.maximum(0, Z))
    return (steps[-1], steps) if return_all else steps[-1]


def to_torch(params):
    layers = []
    for W, b in params:
        layer = nn.Linear(*W.shape, dtype=torch.float64)
        layer.requires_grad_(False)  # so that copying is allowed
        layer.weight.copy_(torch.from_numpy(W.T))
        layer.bias.copy_(torch.from_numpy(b))
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# %% wrong: ReLU after the last layer too
def forward(X, params, return_all=False):
    steps = [X]
    for W, b in params:
        steps.append(np.maximum(steps[-1] @ W + b, 0))
    if return_all:
        return steps[-1], steps
    return steps[-1]


def to_torch(params):
    layers = []
    for W, b in params:
        layer = nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(W.T))
            layer.bias.copy_(torch.from_numpy(b))
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# %% wrong: no activation in forward
def forward(X, params, return_all=False):
    steps = [X]
    for W, b in params:
        steps.append(steps[-1] @ W + b)
    if return_all:
        return steps[-1], steps
    return steps[-1]


def to_torch(params):
    layers = []
    for W, b in params:
        layer = nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(W.T))
            layer.bias.copy_(torch.from_numpy(b))
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# %% wrong: softmax at the end of the torch network
def forward(X, params, return_all=False):
    steps = [X]
    for i, (W, b) in enumerate(params):
        Z = steps[-1] @ W + b
        steps.append(Z if i == len(params) - 1 else np.maximum(0, Z))
    return (steps[-1], steps) if return_all else steps[-1]


def to_torch(params):
    layers = []
    for W, b in params:
        layer = nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(W.T))
            layer.bias.copy_(torch.from_numpy(b))
        layers += [layer, nn.ReLU()]
    layers[-1] = nn.Softmax(dim=1)
    return nn.Sequential(*layers)


# %% wrong: a float32 network
def forward(X, params, return_all=False):
    steps = [X]
    for i, (W, b) in enumerate(params):
        Z = steps[-1] @ W + b
        steps.append(Z if i == len(params) - 1 else np.maximum(0, Z))
    return (steps[-1], steps) if return_all else steps[-1]


def to_torch(params):
    layers = []
    for W, b in params:
        layer = nn.Linear(*W.shape)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(W.T))
            layer.bias.copy_(torch.from_numpy(b))
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# %% wrong: only the weights are copied, not the biases
def forward(X, params, return_all=False):
    steps = [X]
    for i, (W, b) in enumerate(params):
        Z = steps[-1] @ W + b
        steps.append(Z if i == len(params) - 1 else np.maximum(0, Z))
    return (steps[-1], steps) if return_all else steps[-1]


def to_torch(params):
    layers = []
    for W, b in params:
        layer = nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(W.T))
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# %% wrong: reshape in place of the transpose
def forward(X, params, return_all=False):
    steps = [X]
    for i, (W, b) in enumerate(params):
        Z = steps[-1] @ W + b
        steps.append(Z if i == len(params) - 1 else np.maximum(0, Z))
    return (steps[-1], steps) if return_all else steps[-1]


def to_torch(params):
    layers = []
    for W, b in params:
        layer = nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(W).reshape(layer.weight.shape))
            layer.bias.copy_(torch.from_numpy(b))
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# %% wrong: pop takes the last layer away from params
def forward(X, params, return_all=False):
    last_W, last_b = params.pop()
    steps = [X]
    for W, b in params:
        steps.append(np.maximum(steps[-1] @ W + b, 0))
    steps.append(steps[-1] @ last_W + last_b)
    return (steps[-1], steps) if return_all else steps[-1]


def to_torch(params):
    layers = []
    for W, b in params:
        layer = nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(W.T))
            layer.bias.copy_(torch.from_numpy(b))
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# %% wrong: the list starts without the input
def forward(X, params, return_all=False):
    A, steps = X, []
    for i, (W, b) in enumerate(params):
        A = A @ W + b
        if i < len(params) - 1:
            A = np.maximum(A, 0)
        steps.append(A)
    return (A, steps) if return_all else A


def to_torch(params):
    layers = []
    for W, b in params:
        layer = nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(W.T))
            layer.bias.copy_(torch.from_numpy(b))
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# %% wrong: ReLU on the input too
def forward(X, params, return_all=False):
    steps = [X]
    A = X
    for W, b in params:
        A = np.maximum(A, 0) @ W + b
        steps.append(np.maximum(A, 0))
    steps[-1] = A
    return (A, steps) if return_all else A


def to_torch(params):
    layers = []
    for W, b in params:
        layer = nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(W.T))
            layer.bias.copy_(torch.from_numpy(b))
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])
