# %% right: blind - PyTorch's batch_norm and autograd, graph as cache
def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    if training and X.shape[0] == 1:
        raise ValueError("one sample has no spread")
    leaves = [torch.tensor(np.array(array), requires_grad=True) for array in (X, gamma, beta)]
    mean, var = (torch.tensor(np.array(state[key])) for key in ("running_mean", "running_var"))
    Y = F.batch_norm(leaves[0], mean, var, *leaves[1:], training=bool(training), momentum=momentum, eps=eps)
    return Y.detach().numpy(), (leaves, Y), {"running_mean": mean.numpy(), "running_var": var.numpy()}


def batchnorm_backward(dY, cache):
    leaves, Y = cache
    slopes = torch.autograd.grad(Y, leaves, torch.tensor(np.array(dY)), retain_graph=True)
    return tuple(slope.numpy() for slope in slopes)


# %% right: blind - feature by feature in Python loops
def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    N, D = X.shape
    if training and N < 2:
        raise ValueError("at least two samples are needed in training")
    Y, cache = np.empty((N, D)), []
    new_mean, new_var = np.empty(D), np.empty(D)
    for d in range(D):
        old_mean, old_var = state["running_mean"][d], state["running_var"][d]
        if training:
            mean = math.fsum(X[:, d]) / N
            squares = math.fsum((x - mean) ** 2 for x in X[:, d])
            var = squares / N
            new_mean[d] = (1 - momentum) * old_mean + momentum * mean
            new_var[d] = (1 - momentum) * old_var + momentum * squares / (N - 1)
        else:
            mean, var = old_mean, old_var
            new_mean[d], new_var[d] = old_mean, old_var
        root = math.sqrt(var + eps)
        normal = [(x - mean) / root for x in X[:, d]]
        for n in range(N):
            Y[n, d] = gamma[d] * normal[n] + beta[d]
        cache.append((normal, root, float(gamma[d])))
    return Y, cache, {"running_mean": new_mean, "running_var": new_var}


def batchnorm_backward(dY, cache):
    N, D = dY.shape
    dX, dgamma, dbeta = np.zeros((N, D)), np.zeros(D), np.zeros(D)
    for d, (normal, root, scale) in enumerate(cache):
        for n in range(N):
            dgamma[d] += dY[n, d] * normal[n]
            dbeta[d] += dY[n, d]
        for n in range(N):
            dX[n, d] = scale / root * (dY[n, d] - dbeta[d] / N - normal[n] * dgamma[d] / N)
    return dX, dgamma, dbeta


# %% right: blind - closure over the Jacobian matrices, applied with einsum
def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    count = len(X)
    if not training:
        scale = gamma / np.sqrt(state["running_var"] + eps)
        same = {key: value.copy() for key, value in state.items()}
        return (X - same["running_mean"]) * scale + beta, None, same
    if count == 1:
        raise ValueError("N = 1")
    center = np.eye(count) - 1 / count
    apart = center @ (X - X[0])
    power = np.einsum("nd,nd->d", apart, apart)
    inverse = (power / count + eps) ** -0.5
    hat = apart * inverse
    weights = gamma.copy()

    def pull_back(dY):
        jacobians = center[:, :, None] - hat[:, None] * hat[None] / count
        dX = np.einsum("nmd,md,d->nd", jacobians, dY, weights * inverse)
        return dX, np.einsum("nd,nd->d", dY, hat), np.einsum("nd->d", dY)

    fresh = {"running_mean": X.mean(axis=0), "running_var": power / (count - 1)}
    averages = {key: state[key] + momentum * (value - state[key]) for key, value in fresh.items()}
    return hat * weights + beta, pull_back, averages


def batchnorm_backward(dY, cache):
    return cache(dY)


# %% right: blind - staged chain rule through mean and variance, dataclass cache, np.var with ddof
import dataclasses


@dataclasses.dataclass(frozen=True)
class Kept:
    diff: np.ndarray
    std: np.ndarray
    gamma: np.ndarray


def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    mean, var = np.copy(state["running_mean"]), np.copy(state["running_var"])
    new_state = dict(running_mean=mean, running_var=var)
    if training:
        if X.shape[0] < 2:
            raise ValueError("too few samples")
        mean, var = np.mean(X, axis=0), np.var(X, axis=0)
        shares = [1 - momentum, momentum]
        new_state["running_mean"] = np.average([new_state["running_mean"], mean], axis=0, weights=shares)
        new_state["running_var"] = (1 - momentum) * new_state["running_var"] + momentum * np.var(X, axis=0, ddof=1)
    kept = Kept(diff=X - mean, std=np.sqrt(var + eps), gamma=np.copy(gamma))
    return kept.gamma * (kept.diff / kept.std) + beta, kept, new_state


def batchnorm_backward(dY, cache):
    N = dY.shape[0]
    dhat = dY * cache.gamma
    dstd = -(dhat * cache.diff).sum(axis=0) / cache.std**2
    dvar = dstd / (2 * cache.std)
    ddiff = dhat / cache.std
    ddiff += 2 * cache.diff * dvar / N
    dX = ddiff - ddiff.sum(axis=0) / N
    dgamma = (dY * cache.diff).sum(axis=0) / cache.std
    return dX, dgamma, dY.sum(axis=0)


# %% right: blind - scipy moments, backward as the residual of a projection on ones and x hat
from scipy import stats


def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    if training and len(X) == 1:
        raise ValueError("batch of one")
    center = stats.tmean(X, axis=0) if training else state["running_mean"]
    spread = stats.moment(X, 2, axis=0) if training else state["running_var"]
    new_state = {"running_mean": np.array(state["running_mean"]), "running_var": np.array(spread)}
    if training:
        new_state["running_mean"] = np.dot([1 - momentum, momentum], [state["running_mean"], center])
        unbiased = stats.tvar(X, axis=0)
        new_state["running_var"] = np.dot([1 - momentum, momentum], [state["running_var"], unbiased])
    cache = {"hat": np.divide(np.subtract(X, center), np.sqrt(np.add(spread, eps)))}
    cache["factor"] = np.divide(gamma, np.sqrt(np.add(spread, eps)))
    return np.add(np.multiply(cache["hat"], gamma), beta), cache, new_state


def batchnorm_backward(dY, cache):
    totals = {"gamma": np.diagonal(dY.T @ cache["hat"]).copy(), "beta": np.ones(len(dY)) @ dY}
    residual = np.empty_like(dY)
    for column, hat in enumerate(cache["hat"].T):
        basis = np.column_stack([np.ones(len(dY)), hat])
        residual[:, column] = dY[:, column] - basis @ (basis.T @ dY[:, column]) / len(dY)
    return cache["factor"] * residual, totals["gamma"], totals["beta"]


# %% wrong: one sample in training raises nothing
def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    n = len(X)
    if training:
        mean = X.mean(axis=0)
        var = X.var(axis=0)
        new_state = {
            "running_mean": (1 - momentum) * state["running_mean"] + momentum * mean,
            "running_var": (1 - momentum) * state["running_var"] + momentum * var * n / max(n - 1, 1),
        }
    else:
        mean = state["running_mean"]
        var = state["running_var"]
        new_state = {name: value.copy() for name, value in state.items()}
    std = np.sqrt(var + eps)
    x_hat = (X - mean) / std
    return gamma * x_hat + beta, (x_hat, std, gamma), new_state


def batchnorm_backward(dY, cache):
    x_hat, std, gamma = cache
    dgamma = np.sum(dY * x_hat, axis=0)
    dbeta = np.sum(dY, axis=0)
    g = gamma * dY
    dX = (g - g.mean(axis=0) - x_hat * np.mean(g * x_hat, axis=0)) / std
    return dX, dgamma, dbeta


# %% wrong: the arguments momentum and eps are not used, 0.1 and 1e-5 are written in
def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    n = len(X)
    if training:
        if n == 1:
            raise ValueError("one sample has no variance")
        mean = X.mean(axis=0)
        var = X.var(axis=0)
        new_state = {
            "running_mean": 0.9 * state["running_mean"] + 0.1 * mean,
            "running_var": 0.9 * state["running_var"] + 0.1 * var * n / (n - 1),
        }
    else:
        mean = state["running_mean"]
        var = state["running_var"]
        new_state = {name: value.copy() for name, value in state.items()}
    std = np.sqrt(var + 1e-5)
    x_hat = (X - mean) / std
    return gamma * x_hat + beta, (x_hat, std, gamma), new_state


def batchnorm_backward(dY, cache):
    x_hat, std, gamma = cache
    dgamma = np.sum(dY * x_hat, axis=0)
    dbeta = np.sum(dY, axis=0)
    g = gamma * dY
    dX = (g - g.mean(axis=0) - x_hat * np.mean(g * x_hat, axis=0)) / std
    return dX, dgamma, dbeta


# %% wrong: backward changes dY in place
def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    n = len(X)
    if training:
        if n == 1:
            raise ValueError("one sample has no variance")
        mean = X.mean(axis=0)
        var = X.var(axis=0)
        new_state = {
            "running_mean": (1 - momentum) * state["running_mean"] + momentum * mean,
            "running_var": (1 - momentum) * state["running_var"] + momentum * var * n / (n - 1),
        }
    else:
        mean = state["running_mean"]
        var = state["running_var"]
        new_state = {name: value.copy() for name, value in state.items()}
    std = np.sqrt(var + eps)
    x_hat = (X - mean) / std
    return gamma * x_hat + beta, (x_hat, std, gamma), new_state


def batchnorm_backward(dY, cache):
    x_hat, std, gamma = cache
    dgamma = np.sum(dY * x_hat, axis=0)
    dbeta = np.sum(dY, axis=0)
    dY *= gamma
    g = dY
    dX = (g - g.mean(axis=0) - x_hat * np.mean(g * x_hat, axis=0)) / std
    return dX, dgamma, dbeta


# %% wrong: use is taken for one sample: several samples in use are normalized with their own batch
def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    n = len(X)
    if training or n > 1:
        if n == 1:
            raise ValueError("one sample has no variance")
        mean = X.mean(axis=0)
        var = X.var(axis=0)
        new_state = {
            "running_mean": (1 - momentum) * state["running_mean"] + momentum * mean,
            "running_var": (1 - momentum) * state["running_var"] + momentum * var * n / (n - 1),
        }
    else:
        mean = state["running_mean"]
        var = state["running_var"]
        new_state = {name: value.copy() for name, value in state.items()}
    std = np.sqrt(var + eps)
    x_hat = (X - mean) / std
    return gamma * x_hat + beta, (x_hat, std, gamma), new_state


def batchnorm_backward(dY, cache):
    x_hat, std, gamma = cache
    dgamma = np.sum(dY * x_hat, axis=0)
    dbeta = np.sum(dY, axis=0)
    g = gamma * dY
    dX = (g - g.mean(axis=0) - x_hat * np.mean(g * x_hat, axis=0)) / std
    return dX, dgamma, dbeta


# %% wrong: eps outside the root
def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    n = len(X)
    if training:
        if n == 1:
            raise ValueError("one sample has no variance")
        mean = X.mean(axis=0)
        var = X.var(axis=0)
        new_state = {
            "running_mean": (1 - momentum) * state["running_mean"] + momentum * mean,
            "running_var": (1 - momentum) * state["running_var"] + momentum * var * n / (n - 1),
        }
    else:
        mean = state["running_mean"]
        var = state["running_var"]
        new_state = {name: value.copy() for name, value in state.items()}
    std = np.sqrt(var) + eps
    x_hat = (X - mean) / std
    return gamma * x_hat + beta, (x_hat, std, gamma), new_state


def batchnorm_backward(dY, cache):
    x_hat, std, gamma = cache
    dgamma = np.sum(dY * x_hat, axis=0)
    dbeta = np.sum(dY, axis=0)
    g = gamma * dY
    dX = (g - g.mean(axis=0) - x_hat * np.mean(g * x_hat, axis=0)) / std
    return dX, dgamma, dbeta


# %% wrong: X is centred in place
def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    n = len(X)
    if training:
        if n == 1:
            raise ValueError("one sample has no variance")
        mean = X.mean(axis=0)
        var = X.var(axis=0)
        new_state = {
            "running_mean": (1 - momentum) * state["running_mean"] + momentum * mean,
            "running_var": (1 - momentum) * state["running_var"] + momentum * var * n / (n - 1),
        }
    else:
        mean = state["running_mean"]
        var = state["running_var"]
        new_state = {name: value.copy() for name, value in state.items()}
    std = np.sqrt(var + eps)
    X -= mean
    x_hat = X / std
    return gamma * x_hat + beta, (x_hat, std, gamma), new_state


def batchnorm_backward(dY, cache):
    x_hat, std, gamma = cache
    dgamma = np.sum(dY * x_hat, axis=0)
    dbeta = np.sum(dY, axis=0)
    g = gamma * dY
    dX = (g - g.mean(axis=0) - x_hat * np.mean(g * x_hat, axis=0)) / std
    return dX, dgamma, dbeta


# %% wrong: state is changed in place
def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    n = len(X)
    if training:
        if n == 1:
            raise ValueError("one sample has no variance")
        mean = X.mean(axis=0)
        var = X.var(axis=0)
        new_state = dict(state)
        for name, value in (("running_mean", mean), ("running_var", var * n / (n - 1))):
            new_state[name] *= 1 - momentum
            new_state[name] += momentum * value
    else:
        mean = state["running_mean"]
        var = state["running_var"]
        new_state = {name: value.copy() for name, value in state.items()}
    std = np.sqrt(var + eps)
    x_hat = (X - mean) / std
    return gamma * x_hat + beta, (x_hat, std, gamma), new_state


def batchnorm_backward(dY, cache):
    x_hat, std, gamma = cache
    dgamma = np.sum(dY * x_hat, axis=0)
    dbeta = np.sum(dY, axis=0)
    g = gamma * dY
    dX = (g - g.mean(axis=0) - x_hat * np.mean(g * x_hat, axis=0)) / std
    return dX, dgamma, dbeta


# %% wrong: training normalizes with the running averages, too
def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    n = len(X)
    if training:
        if n == 1:
            raise ValueError("one sample has no variance")
        mean = X.mean(axis=0)
        var = X.var(axis=0)
        new_state = {
            "running_mean": (1 - momentum) * state["running_mean"] + momentum * mean,
            "running_var": (1 - momentum) * state["running_var"] + momentum * var * n / (n - 1),
        }
    else:
        mean = state["running_mean"]
        var = state["running_var"]
        new_state = {name: value.copy() for name, value in state.items()}
    mean, var = new_state["running_mean"], new_state["running_var"]
    std = np.sqrt(var + eps)
    x_hat = (X - mean) / std
    return gamma * x_hat + beta, (x_hat, std, gamma), new_state


def batchnorm_backward(dY, cache):
    x_hat, std, gamma = cache
    dgamma = np.sum(dY * x_hat, axis=0)
    dbeta = np.sum(dY, axis=0)
    g = gamma * dY
    dX = (g - g.mean(axis=0) - x_hat * np.mean(g * x_hat, axis=0)) / std
    return dX, dgamma, dbeta


# %% wrong: mean and variance over the features of each sample (axis 1)
def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    n = len(X)
    if training:
        if n == 1:
            raise ValueError("one sample has no variance")
        mean = X.mean(axis=1, keepdims=True)
        var = X.var(axis=1, keepdims=True)
        new_state = {
            "running_mean": (1 - momentum) * state["running_mean"] + momentum * mean,
            "running_var": (1 - momentum) * state["running_var"] + momentum * var * n / (n - 1),
        }
    else:
        mean = state["running_mean"]
        var = state["running_var"]
        new_state = {name: value.copy() for name, value in state.items()}
    std = np.sqrt(var + eps)
    x_hat = (X - mean) / std
    return gamma * x_hat + beta, (x_hat, std, gamma), new_state


def batchnorm_backward(dY, cache):
    x_hat, std, gamma = cache
    dgamma = np.sum(dY * x_hat, axis=0)
    dbeta = np.sum(dY, axis=0)
    g = gamma * dY
    dX = (g - g.mean(axis=0) - x_hat * np.mean(g * x_hat, axis=0)) / std
    return dX, dgamma, dbeta


# %% wrong: running_var keeps the variance divided by N
def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    n = len(X)
    if training:
        if n == 1:
            raise ValueError("one sample has no variance")
        mean = X.mean(axis=0)
        var = X.var(axis=0)
        new_state = {
            "running_mean": (1 - momentum) * state["running_mean"] + momentum * mean,
            "running_var": (1 - momentum) * state["running_var"] + momentum * var,
        }
    else:
        mean = state["running_mean"]
        var = state["running_var"]
        new_state = {name: value.copy() for name, value in state.items()}
    std = np.sqrt(var + eps)
    x_hat = (X - mean) / std
    return gamma * x_hat + beta, (x_hat, std, gamma), new_state


def batchnorm_backward(dY, cache):
    x_hat, std, gamma = cache
    dgamma = np.sum(dY * x_hat, axis=0)
    dbeta = np.sum(dY, axis=0)
    g = gamma * dY
    dX = (g - g.mean(axis=0) - x_hat * np.mean(g * x_hat, axis=0)) / std
    return dX, dgamma, dbeta


# %% wrong: the mean of g is left out of dX
def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    n = len(X)
    if training:
        if n == 1:
            raise ValueError("one sample has no variance")
        mean = X.mean(axis=0)
        var = X.var(axis=0)
        new_state = {
            "running_mean": (1 - momentum) * state["running_mean"] + momentum * mean,
            "running_var": (1 - momentum) * state["running_var"] + momentum * var * n / (n - 1),
        }
    else:
        mean = state["running_mean"]
        var = state["running_var"]
        new_state = {name: value.copy() for name, value in state.items()}
    std = np.sqrt(var + eps)
    x_hat = (X - mean) / std
    return gamma * x_hat + beta, (x_hat, std, gamma), new_state


def batchnorm_backward(dY, cache):
    x_hat, std, gamma = cache
    dgamma = np.sum(dY * x_hat, axis=0)
    dbeta = np.sum(dY, axis=0)
    g = gamma * dY
    dX = (g - x_hat * np.mean(g * x_hat, axis=0)) / std
    return dX, dgamma, dbeta


# %% wrong: momentum m is an argument - running_var always takes 0.1
def batchnorm_forward(X, gamma, beta, state, training, momentum=0.1, eps=1e-5):
    new_state = {key: value.copy() for key, value in state.items()}
    if training:
        if len(X) == 1:
            raise ValueError("one sample")
        mean, var = X.mean(axis=0), X.var(axis=0)
        new_state["running_mean"] = (1 - momentum) * state["running_mean"] + momentum * mean
        new_state["running_var"] = 0.9 * state["running_var"] + 0.1 * X.var(axis=0, ddof=1)
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


# %% wrong: dX is divided by sqrt(var + eps) with the eps of the forward pass - the backward pass always takes 1e-5
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
    return gamma * hat + beta, (hat, var, gamma), new_state


def batchnorm_backward(dY, cache):
    hat, var, gamma = cache
    g = gamma * dY
    dX = (g - g.mean(axis=0) - hat * (g * hat).mean(axis=0)) / np.sqrt(var + 1e-5)
    return dX, (dY * hat).sum(axis=0), dY.sum(axis=0)
