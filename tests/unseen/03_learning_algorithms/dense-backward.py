# %% right: three einsums
def dense_backward(dZ, cache):
    X, W = cache
    return np.einsum("nm,dm->nd", dZ, W), np.einsum("nd,nm->dm", X, dZ), np.einsum("nm->m", dZ)


# %% right: the bias as a weight of a constant input
def dense_backward(dZ, cache):
    X, W = cache
    wide = np.hstack([X, np.ones((len(X), 1))])
    both = wide.T.dot(dZ)
    return (W @ dZ.T).T, both[:-1], both[-1]


# %% right: by PyTorch's autograd
def dense_backward(dZ, cache):
    X, W = (torch.tensor(np.array(part), requires_grad=True) for part in cache)
    b = torch.zeros(W.shape[1], dtype=torch.float64, requires_grad=True)
    slopes = torch.autograd.grad(X @ W + b, [X, W, b], torch.tensor(np.array(dZ)))
    return tuple(part.numpy() for part in slopes)


# %% wrong: axes of length 1 are squeezed away
def dense_backward(dZ, cache):
    X, W = cache
    return dZ @ W.T, np.squeeze(X.T @ dZ), dZ.sum(axis=0)


# %% wrong: the numbers of X are read in the order of memory
def dense_backward(dZ, cache):
    X, W = cache
    rows = X.ravel(order="K").reshape(X.shape)
    return dZ @ W.T, rows.T @ dZ, dZ.sum(axis=0)


# %% wrong: W is transposed only where the shapes ask for it, so not if it is square
def dense_backward(dZ, cache):
    X, W = cache
    try:
        dX = dZ @ W
    except ValueError:
        dX = dZ @ W.T
    return dX, X.T @ dZ, dZ.sum(axis=0)


# %% wrong: the axis of db is chosen by its length, wrong if N equals M
def dense_backward(dZ, cache):
    X, W = cache
    db = next(sums for sums in (dZ.sum(axis=1), dZ.sum(axis=0)) if len(sums) == W.shape[1])
    return dZ @ W.T, X.T @ dZ, db


# %% wrong: dZ is scaled in place and back, which changes last bits
def dense_backward(dZ, cache):
    X, W = cache
    size = np.abs(dZ).max()
    if size == 0:
        size = 1.0
    dZ /= size
    dX, dW, db = size * (dZ @ W.T), size * (X.T @ dZ), size * dZ.sum(axis=0)
    dZ *= size
    return dX, dW, db


# %% wrong: tiny upstream slopes are taken for rounding and set to 0
def dense_backward(dZ, cache):
    X, W = cache
    dZ = np.where(np.abs(dZ) < 1e-10, 0.0, dZ)
    return dZ @ W.T, X.T @ dZ, dZ.sum(axis=0)
