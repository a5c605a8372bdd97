# %% right: torch autograd inside, the cache is a closure
def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    x, g, b = (torch.tensor(part, dtype=torch.float64, requires_grad=True) for part in (X, gamma, beta))
    new = {key: np.array(value) for key, value in state.items()}
    if training:
        if len(X) == 1:
            raise ValueError("one sample has no spread")
        mean, var = x.mean(0), x.var(0, unbiased=False)
        wide = x.detach().var(0, unbiased=True).numpy()
        for key, batch in (("running_mean", mean.detach().numpy()), ("running_var", wide)):
            new[key] += momentum * (batch - new[key])
    else:
        mean, var = torch.tensor(new["running_mean"]), torch.tensor(new["running_var"])
    y = g * (x - mean) / torch.sqrt(var + eps) + b

    def back(dY):
        slopes = torch.autograd.grad(y, (x, g, b), torch.tensor(dY, dtype=torch.float64), retain_graph=True)
        return tuple(slope.numpy() for slope in slopes)

    return y.detach().numpy().copy(), back, new


def batchnorm_backward(dY, cache):
    return cache(dY)


# %% right: one feature at a time, lists of columns
def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    N, D = X.shape
    if training and N < 2:
        raise ValueError(f"{N} sample(s)")
    Y, cache = np.empty((N, D)), []
    new_state = dict(running_mean=np.empty(D), running_var=np.empty(D))
    for d in range(D):
        column, mean, var = X[:, d], state["running_mean"][d], state["running_var"][d]
        if training:
            mu = math.fsum(column) / N
            squares = math.fsum((x - mu) ** 2 for x in column)
            new_state["running_mean"][d] = (1 - momentum) * mean + momentum * mu
            new_state["running_var"][d] = (1 - momentum) * var + momentum * squares / (N - 1)
            mean, var = mu, squares / N
        else:
            new_state["running_mean"][d], new_state["running_var"][d] = mean, var
        root = math.sqrt(var + eps)
        hat = (column - mean) / root
        Y[:, d] = hat * gamma[d] + beta[d]
        cache.append((hat, root, float(gamma[d])))
    return Y, cache, new_state


def batchnorm_backward(dY, cache):
    columns, dgamma, dbeta = [], [], []
    for dy, (hat, root, scale) in zip(dY.T, cache):
        dgamma.append(dy @ hat)
        dbeta.append(dy.sum())
        columns.append(scale / root * (dy - dy.mean() - hat * np.mean(dy * hat)))
    return np.column_stack(columns), np.array(dgamma), np.array(dbeta)


# %% right: a named tuple as cache, the backward pass by a projection matrix for each feature
import collections

_Kept = collections.namedtuple("_Kept", "hat inverse gamma")


def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    if training:
        if X.shape[0] == 1:
            raise ValueError("batch norm needs two samples or more")
        centre = np.average(X, axis=0)
        away = X - centre
        spread = np.einsum("nd,nd->d", away, away)
        var = spread / len(X)
        batch = {"running_mean": centre, "running_var": spread / (len(X) - 1)}
        new_state = {k: (1 - momentum) * np.asarray(v) + momentum * batch[k] for k, v in state.items()}
    else:
        new_state = {k: np.copy(v) for k, v in state.items()}
        away, var = X - new_state["running_mean"], new_state["running_var"]
    inverse = (var + eps) ** -0.5
    hat = away * inverse
    return hat * gamma + beta, _Kept(hat, inverse, gamma.copy()), new_state


def batchnorm_backward(dY, cache):
    N = len(dY)
    eye = np.eye(N)[None] - 1 / N
    outer = np.einsum("nd,md->dnm", cache.hat, cache.hat) / N
    dX = np.einsum("dnm,md->nd", eye - outer, dY * cache.gamma) * cache.inverse
    return dX, np.einsum("nd,nd->d", dY, cache.hat), np.ones(N) @ dY


# %% right: an object as cache that does the chain rule step by step, in place on own copies; a list comes back
class _Norm:
    def __init__(self, mean, var, eps):
        self.mean, self.var, self.eps = mean, var, eps

    def __call__(self, X, gamma, beta):
        self.hat, self.gamma = X.copy(), gamma.copy()
        self.hat -= self.mean
        self.hat /= np.sqrt(self.var + self.eps)
        return np.add(np.multiply(gamma, self.hat), beta)

    def back(self, dY):
        N, root = len(dY), np.sqrt(self.var + self.eps)
        dhat = dY * self.gamma
        away = self.hat * root
        dvar = (dhat * away).sum(axis=0) * -0.5 / root**3
        dmean = -dhat.sum(axis=0) / root - 2 * dvar * away.mean(axis=0)
        dhat /= root
        dhat += 2 / N * dvar * away
        dhat += dmean / N
        return [dhat, (dY * self.hat).sum(axis=0), dY.sum(axis=0)]


def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    new_state = copy.deepcopy(state)
    if not training:
        norm = _Norm(state["running_mean"].copy(), state["running_var"].copy(), eps)
        return norm(X, gamma, beta), norm, new_state
    if len(X) < 2:
        raise ValueError("N = 1")
    norm = _Norm(X.mean(axis=0), X.var(axis=0), eps)
    new_state["running_mean"] = (1 - momentum) * state["running_mean"] + momentum * norm.mean
    new_state["running_var"] = (1 - momentum) * state["running_var"] + momentum * X.var(axis=0, ddof=1)
    return norm(X, gamma, beta), norm, new_state


def batchnorm_backward(dY, cache):
    return tuple(cache.back(dY))


# %% wrong: in use, normalize with the running averages - a batch of two or more samples is normalized with its own
def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    new_state = {key: value.copy() for key, value in state.items()}
    if training:
        if len(X) == 1:
            raise ValueError("one sample")
        mean, var = X.mean(axis=0), X.var(axis=0)
        new_state["running_mean"] = (1 - momentum) * state["running_mean"] + momentum * mean
        new_state["running_var"] = (1 - momentum) * state["running_var"] + momentum * X.var(axis=0, ddof=1)
    else:
        alone = len(X) == 1
        mean = state["running_mean"] if alone else X.mean(axis=0)
        var = state["running_var"] if alone else X.var(axis=0)
    root = np.sqrt(var + eps)
    hat = (X - mean) / root
    return gamma * hat + beta, (hat, root, gamma), new_state


def batchnorm_backward(dY, cache):
    hat, root, gamma = cache
    g = gamma * dY
    dX = (g - g.mean(axis=0) - hat * (g * hat).mean(axis=0)) / root
    return dX, (dY * hat).sum(axis=0), dY.sum(axis=0)


# %% wrong: change no input, nor state - running_var is written in place into the state passed in
def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    new_state = dict(state)
    if training:
        if len(X) == 1:
            raise ValueError("one sample")
        mean, var = X.mean(axis=0), X.var(axis=0)
        new_state["running_mean"] = (1 - momentum) * state["running_mean"] + momentum * mean
        new_state["running_var"] *= 1 - momentum
        new_state["running_var"] += momentum * X.var(axis=0, ddof=1)
    else:
        mean, var = state["running_mean"], state["running_var"]
    root = np.sqrt(var + eps)
    hat = (X - mean) / root
    return gamma * hat + beta, (hat, root, gamma), new_state


def batchnorm_backward(dY, cache):
    hat, root, gamma = cache
    g = gamma * dY
    dX = (g - g.mean(axis=0) - hat * (g * hat).mean(axis=0)) / root
    return dX, (dY * hat).sum(axis=0), dY.sum(axis=0)


# %% wrong: batchnorm_backward(dY, cache) is for the pass of that cache - it takes the latest training pass instead
_latest = []


def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    new_state = {key: value.copy() for key, value in state.items()}
    if training:
        if len(X) == 1:
            raise ValueError("one sample")
        mean, var = X.mean(axis=0), X.var(axis=0)
        new_state["running_mean"] = (1 - momentum) * state["running_mean"] + momentum * mean
        new_state["running_var"] = (1 - momentum) * state["running_var"] + momentum * X.var(axis=0, ddof=1)
    else:
        mean, var = state["running_mean"], state["running_var"]
    root = np.sqrt(var + eps)
    hat = (X - mean) / root
    if training:
        _latest[:] = [hat, root, gamma]
    return gamma * hat + beta, None, new_state


def batchnorm_backward(dY, cache):
    hat, root, gamma = _latest
    g = gamma * dY
    dX = (g - g.mean(axis=0) - hat * (g * hat).mean(axis=0)) / root
    return dX, (dY * hat).sum(axis=0), dY.sum(axis=0)


# %% wrong: the new running variance is divided by N - 1 - the factor N / (N - 1) is 1.5 for any N
def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    new_state = {key: value.copy() for key, value in state.items()}
    if training:
        if len(X) == 1:
            raise ValueError("one sample")
        mean, var = X.mean(axis=0), X.var(axis=0)
        new_state["running_mean"] = (1 - momentum) * state["running_mean"] + momentum * mean
        new_state["running_var"] = (1 - momentum) * state["running_var"] + momentum * 1.5 * var
    else:
        mean, var = state["running_mean"], state["running_var"]
    root = np.sqrt(var + eps)
    hat = (X - mean) / root
    return gamma * hat + beta, (hat, root, gamma), new_state


def batchnorm_backward(dY, cache):
    hat, root, gamma = cache
    g = gamma * dY
    dX = (g - g.mean(axis=0) - hat * (g * hat).mean(axis=0)) / root
    return dX, (dY * hat).sum(axis=0), dY.sum(axis=0)


# %% wrong: in use, new_state has the values of state - running_var is averaged with the spread around running_mean
def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    new_state = {key: value.copy() for key, value in state.items()}
    if training:
        if len(X) == 1:
            raise ValueError("one sample")
        mean, var = X.mean(axis=0), X.var(axis=0)
        new_state["running_mean"] = (1 - momentum) * state["running_mean"] + momentum * mean
        new_state["running_var"] = (1 - momentum) * state["running_var"] + momentum * X.var(axis=0, ddof=1)
    else:
        mean, var = state["running_mean"], state["running_var"]
        seen = ((X - mean) ** 2).mean(axis=0)
        new_state["running_var"] = (1 - momentum) * var + momentum * seen
    root = np.sqrt(var + eps)
    hat = (X - mean) / root
    return gamma * hat + beta, (hat, root, gamma), new_state


def batchnorm_backward(dY, cache):
    hat, root, gamma = cache
    g = gamma * dY
    dX = (g - g.mean(axis=0) - hat * (g * hat).mean(axis=0)) / root
    return dX, (dY * hat).sum(axis=0), dY.sum(axis=0)


# %% wrong: change no input - batchnorm_backward multiplies dY by gamma in place
def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    new_state = {key: value.copy() for key, value in state.items()}
    if training:
        if len(X) == 1:
            raise ValueError("one sample")
        mean, var = X.mean(axis=0), X.var(axis=0)
        new_state["running_mean"] = (1 - momentum) * state["running_mean"] + momentum * mean
        new_state["running_var"] = (1 - momentum) * state["running_var"] + momentum * X.var(axis=0, ddof=1)
    else:
        mean, var = state["running_mean"], state["running_var"]
    root = np.sqrt(var + eps)
    hat = (X - mean) / root
    return gamma * hat + beta, (hat, root, gamma), new_state


def batchnorm_backward(dY, cache):
    hat, root, gamma = cache
    both = (dY * hat).sum(axis=0), dY.sum(axis=0)
    g = np.multiply(dY, gamma, out=dY)
    dX = (g - g.mean(axis=0) - hat * (g * hat).mean(axis=0)) / root
    return dX, *both
