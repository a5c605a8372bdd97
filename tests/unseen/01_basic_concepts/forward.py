# %% right: accumulate over pairs, OrderedDict for the layers, a namedtuple as the result
from collections import OrderedDict, namedtuple
from itertools import accumulate

Pass = namedtuple("Pass", "logits steps")


def forward(X, params, return_all=False):
    last = len(params) - 1

    def layer(A, numbered):
        place, (W, b) = numbered
        return A @ W + b if place == last else np.maximum(A @ W + b, 0)

    steps = list(accumulate(enumerate(params), layer, initial=X))
    return Pass(steps[-1], steps) if return_all else steps[-1]


def to_torch(params):
    layers = OrderedDict()
    for place, (W, b) in enumerate(params):
        if place:
            layers[f"relu{place}"] = nn.ReLU()
        linear = nn.Linear(*W.shape, dtype=torch.float64)
        linear.load_state_dict({"weight": torch.tensor(W.T), "bias": torch.tensor(b)})
        layers[f"linear{place}"] = linear
    return nn.Sequential(layers)


# %% right: ReLU in place on the next turn (the list holds the same array), one nn.ReLU for all places
def forward(X, params, return_all=False):
    A, steps = X, [X]
    for i, (W, b) in enumerate(params):
        if i > 0:
            np.maximum(A, 0, out=A)
        A = np.matmul(A, W)
        A += b
        steps.append(A)
    return (A, steps) if return_all else A


def to_torch(params):
    relu, layers = nn.ReLU(inplace=True), []
    for W, b in params:
        linear = nn.Linear(W.shape[0], W.shape[1]).double()
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(W).t())
            linear.bias.copy_(torch.tensor(b))
        layers += [linear, relu]
    return nn.Sequential(*layers[:-1])


# %% right: recursion from the last layer to the first, all parameters set by Parameter of a transposed copy
def forward(X, params, return_all=False):
    def upto(k):
        if k == 0:
            return [X]
        before, (W, b) = upto(k - 1), params[k - 1]
        z = np.add(np.dot(before[-1], W), b)
        return before + [z if k == len(params) else np.where(z > 0, z, 0.0)]

    steps = upto(len(params))
    return (steps[-1], steps) if return_all else steps[-1]


def to_torch(params):
    model = nn.Sequential()
    for W, b in params:
        if len(model):
            model.append(nn.ReLU())
        linear = nn.Linear(1, 1)
        linear.in_features, linear.out_features = W.shape
        linear.weight = nn.Parameter(torch.tensor(W).T)  # not contiguous
        linear.bias = nn.Parameter(torch.tensor(b))
        model.append(linear)
    return model


# %% right: forward asks the torch network, hooks on a subclass of nn.Sequential, copies in the list
class Network(nn.Sequential):
    """A chain of layers that can tell what it was made of."""

    def __repr__(self):
        return "Network of %d parts" % len(self)


def to_torch(params):
    def parts():
        yield None
        for W, b in params:
            linear = nn.utils.skip_init(nn.Linear, W.shape[0], W.shape[1], dtype=torch.float64)
            linear.weight.data[:] = torch.from_numpy(W.copy()).T
            linear.bias.data[:] = torch.from_numpy(b.copy())
            yield from (linear, nn.ReLU())

    return Network(*list(parts())[1:-1])


def forward(X, params, return_all=False):
    steps = [torch.tensor(X, dtype=torch.float64)]
    with torch.no_grad():
        for part in to_torch(params):
            if isinstance(part, nn.ReLU):
                steps[-1] = part(steps[-1])
            else:
                steps.append(part(steps[-1]))
    arrays = [step.numpy().copy() for step in steps]
    return (arrays[-1], arrays) if return_all else arrays[-1]


# %% right: Python lists and sum for the products, very slow, the list is filled by a generator
def forward(X, params, return_all=False):
    def rows():
        A = X.tolist()
        yield np.array(A)
        for depth, (W, b) in enumerate(params, start=1):
            columns = list(zip(W.T.tolist(), b.tolist()))
            A = [[sum((a * w for a, w in zip(row, column)), start=bias) for column, bias in columns] for row in A]
            if depth < len(params):
                A = [[a if a > 0 else 0.0 for a in row] for row in A]
            yield np.array(A, dtype=np.float64)

    steps = [*rows()]
    match return_all:
        case True:
            return steps[-1], steps
        case _:
            return steps[-1]


def to_torch(params):
    torch_layers = []
    for W, b in params:
        linear = nn.Linear(len(W), len(b), bias=True, device="cpu", dtype=torch.double)
        with torch.no_grad():
            for out in range(len(b)):
                linear.bias[out] = float(b[out])
                for into in range(len(W)):
                    linear.weight[out, into] = float(W[into, out])
        torch_layers.extend([linear, nn.ReLU()])
    del torch_layers[-1]
    return nn.Sequential(*torch_layers)


# %% right: the bias as a row of W, einsum, results as a subclass of ndarray, vector_to_parameters
class Step(np.ndarray):
    pass


def forward(X, params, return_all=False):
    *hidden, output = [np.vstack((W, b)) for W, b in params]
    one = np.ones((len(X), 1))
    steps: list[np.ndarray] = [X]
    for M in hidden:
        steps.append(np.einsum("nd,dm->nm", np.hstack((steps[-1], one)), M).clip(min=0).view(Step))
    steps.append(np.einsum("nd,dm->nm", np.hstack((steps[-1], one)), output).view(Step))
    return (steps[-1], steps) if return_all else steps[-1]


def to_torch(params):
    layers = [nn.Linear(*params[0][0].shape)]
    for W, _ in params[1:]:
        layers += nn.ReLU(), nn.Linear(*W.shape)
    model = nn.Sequential(*layers).to(torch.float64)
    flat = np.concatenate([np.concatenate((W.T.ravel(), b)) for W, b in params])
    nn.utils.vector_to_parameters(torch.tensor(flat), model.parameters())
    return model.train()


# %% wrong: a ReLU before every layer, the first one too, in both functions
def forward(X, params, return_all=False):
    A, steps = X, [X]
    for W, b in params:
        A = np.maximum(A, 0) @ W + b
        steps.append(A)
    if return_all:
        return A, [X] + [np.maximum(s, 0) for s in steps[1:-1]] + [A]
    return A


def to_torch(params):
    layers = []
    for W, b in params:
        linear = nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(W.T))
            linear.bias.copy_(torch.tensor(b))
        layers += [nn.ReLU(), linear]
    return nn.Sequential(*layers)


# %% wrong: the biases of the torch network share their memory with params
def forward(X, params, return_all=False):
    A, steps = X, [X]
    for i, (W, b) in enumerate(params):
        A = A @ W + b
        if i < len(params) - 1:
            A = np.maximum(A, 0)
        steps.append(A)
    return (A, steps) if return_all else A


def to_torch(params):
    layers = []
    for W, b in params:
        linear = nn.Linear(*W.shape, dtype=torch.float64)
        linear.weight = nn.Parameter(torch.from_numpy(W.T.copy()))
        linear.bias = nn.Parameter(torch.from_numpy(b))
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# %% wrong: the weights of the torch network are not trainable
def forward(X, params, return_all=False):
    A, steps = X, [X]
    for i, (W, b) in enumerate(params):
        A = A @ W + b
        if i < len(params) - 1:
            A = np.maximum(A, 0)
        steps.append(A)
    return (A, steps) if return_all else A


def to_torch(params):
    layers = []
    for W, b in params:
        linear = nn.Linear(*W.shape, dtype=torch.float64)
        linear.weight = nn.Parameter(torch.tensor(W.T), requires_grad=False)
        linear.bias.data.copy_(torch.tensor(b))
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# %% wrong: a square weight matrix is not transposed
def forward(X, params, return_all=False):
    A, steps = X, [X]
    for i, (W, b) in enumerate(params):
        A = A @ W + b
        if i < len(params) - 1:
            A = np.maximum(A, 0)
        steps.append(A)
    return (A, steps) if return_all else A


def to_torch(params):
    layers = []
    for W, b in params:
        linear = nn.Linear(*W.shape, dtype=torch.float64)
        weight = torch.tensor(W)
        if weight.shape != linear.weight.shape:
            weight = weight.T
        with torch.no_grad():
            linear.weight.copy_(weight)
            linear.bias.copy_(torch.tensor(b))
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# %% wrong: the list of return_all ends with the ReLU of the logits
def forward(X, params, return_all=False):
    steps = [X]
    for W, b in params:
        logits = steps[-1] @ W + b
        steps.append(np.maximum(logits, 0))
    return (logits, steps) if return_all else logits


def to_torch(params):
    layers = []
    for W, b in params:
        linear = nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(W.T))
            linear.bias.copy_(torch.tensor(b))
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# %% wrong: square layers are computed in one buffer, so that hidden activations overwrite each other
def forward(X, params, return_all=False):
    A, steps = X.copy(), [X]
    for i, (W, b) in enumerate(params):
        Z = A @ W + b
        if i < len(params) - 1:
            Z = np.maximum(Z, 0)
        if Z.shape == A.shape:
            A[...] = Z  # no new memory needed
        else:
            A = Z
        steps.append(A)
    return (A, steps) if return_all else A


def to_torch(params):
    layers = []
    for W, b in params:
        linear = nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(W.T))
            linear.bias.copy_(torch.tensor(b))
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# %% wrong: a square first layer writes into X
def forward(X, params, return_all=False):
    A, steps = X, [X]
    for i, (W, b) in enumerate(params):
        if i == 0 and W.shape[0] == W.shape[1]:
            A[:] = A @ W + b
        else:
            A = A @ W + b
        if i < len(params) - 1:
            A = np.maximum(A, 0)
        steps.append(A)
    return (A, steps) if return_all else A


def to_torch(params):
    layers = []
    for W, b in params:
        linear = nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(W.T))
            linear.bias.copy_(torch.tensor(b))
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# %% wrong: to_torch takes the pairs out of params, which is empty afterwards
def forward(X, params, return_all=False):
    A, steps = X, [X]
    for i, (W, b) in enumerate(params):
        A = A @ W + b
        if i < len(params) - 1:
            A = np.maximum(A, 0)
        steps.append(A)
    return (A, steps) if return_all else A


def to_torch(params):
    layers = []
    while params:
        W, b = params.pop(0)
        linear = nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(W.T))
            linear.bias.copy_(torch.tensor(b))
        layers.append(linear)
        if params:
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)


# %% wrong: a hidden layer as wide as the output is taken for the last, no ReLU after it
def forward(X, params, return_all=False):
    C = params[-1][1].shape
    A, steps = X, [X]
    for W, b in params:
        A = A @ W + b
        if b.shape != C:
            A = np.maximum(A, 0)
        steps.append(A)
    return (A, steps) if return_all else A


def to_torch(params):
    C = params[-1][1].shape
    layers = []
    for W, b in params:
        linear = nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(W.T))
            linear.bias.copy_(torch.tensor(b))
        layers.append(linear)
        if b.shape != C:
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)


# %% wrong: for one layer to_torch returns the nn.Linear without an nn.Sequential
def forward(X, params, return_all=False):
    A, steps = X, [X]
    for i, (W, b) in enumerate(params):
        A = A @ W + b
        if i < len(params) - 1:
            A = np.maximum(A, 0)
        steps.append(A)
    return (A, steps) if return_all else A


def to_torch(params):
    model = None
    for W, b in params:
        linear = nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(W.T))
            linear.bias.copy_(torch.tensor(b))
        if model is None:
            model = linear
        elif isinstance(model, nn.Linear):
            model = nn.Sequential(model, nn.ReLU(), linear)
        else:
            model = nn.Sequential(*model, nn.ReLU(), linear)
    return model


# %% wrong: the list of activations is a mutable default and grows from call to call
def forward(X, params, return_all=False, steps=[]):
    A = X
    if return_all:
        steps.append(X)
    for i, (W, b) in enumerate(params):
        A = A @ W + b
        if i < len(params) - 1:
            A = np.maximum(A, 0)
        if return_all:
            steps.append(A)
    return (A, steps) if return_all else A


def to_torch(params):
    layers = []
    for W, b in params:
        linear = nn.Linear(*W.shape, dtype=torch.float64)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(W.T))
            linear.bias.copy_(torch.tensor(b))
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# %% wrong: the weights pass through float32 and are made float64 at the end
def forward(X, params, return_all=False):
    A, steps = X, [X]
    for i, (W, b) in enumerate(params):
        A = A @ W + b
        if i < len(params) - 1:
            A = np.maximum(A, 0)
        steps.append(A)
    return (A, steps) if return_all else A


def to_torch(params):
    layers = []
    for W, b in params:
        linear = nn.Linear(*W.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(W.T))
            linear.bias.copy_(torch.tensor(b))
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1]).double()
