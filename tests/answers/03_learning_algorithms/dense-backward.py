# %% right: blind - einsum with the letters of the formulas
def dense_backward(dZ, cache):
    return tuple(
        np.einsum(rule, *arrays)
        for rule, arrays in {"nm,dm->nd": (dZ, cache[1]), "nd,nm->dm": (cache[0], dZ), "nm->m": (dZ,)}.items()
    )


# %% right: blind - three loops
def dense_backward(dZ, cache):
    X, W = cache
    N, D = X.shape
    M = W.shape[1]
    dX, dW, db = np.zeros((N, D)), np.zeros((D, M)), np.zeros(M)
    for n in range(N):
        for m in range(M):
            db[m] += dZ[n, m]
            for d in range(D):
                dW[d, m] += X[n, d] * dZ[n, m]
                dX[n, d] += dZ[n, m] * W[d, m]
    return dX, dW, db


# %% right: blind - torch autograd in float64
def dense_backward(dZ, cache):
    leaves = [torch.from_numpy(np.ascontiguousarray(a).copy()).requires_grad_(True) for a in cache]
    leaves.append(torch.zeros(dZ.shape[1], dtype=torch.float64, requires_grad=True))
    Z = torch.addmm(leaves[2], leaves[0], leaves[1])
    Z.backward(gradient=torch.from_numpy(np.ascontiguousarray(dZ).copy()))
    return leaves[0].grad.numpy(), leaves[1].grad.numpy(), leaves[2].grad.numpy()


# %% right: blind - a ones column for the bias, outer products added sample by sample
from functools import reduce


def dense_backward(dZ, cache):
    inputs, weights = cache
    wide = np.column_stack([inputs, np.ones(inputs.shape[0])])
    both = reduce(np.add, map(np.outer, wide, dZ))
    back = [[sum(u * w for u, w in zip(row, line)) for line in weights.tolist()] for row in dZ.tolist()]
    return np.array(back), both[:-1], both[-1]


# %% wrong: dW comes out transposed
def dense_backward(dZ, cache):
    X, W = cache
    dX = dZ @ W.T
    dW = dZ.T @ X
    db = dZ.sum(axis=0)
    return dX, dW, db


# %% wrong: db is the mean over the samples
def dense_backward(dZ, cache):
    X, W = cache
    dX = dZ @ W.T
    dW = X.T @ dZ
    db = dZ.mean(axis=0)
    return dX, dW, db


# %% wrong: db sums over the neurons
def dense_backward(dZ, cache):
    X, W = cache
    dX = dZ @ W.T
    dW = X.T @ dZ
    db = dZ.sum(axis=1)
    return dX, dW, db


# %% wrong: dW is divided by N
def dense_backward(dZ, cache):
    X, W = cache
    dX = dZ @ W.T
    dW = X.T @ dZ / len(X)
    db = dZ.sum(axis=0)
    return dX, dW, db


# %% wrong: W is reshaped where it must be transposed
def dense_backward(dZ, cache):
    X, W = cache
    dX = dZ @ W.reshape(W.shape[1], W.shape[0])
    dW = X.T @ dZ
    db = dZ.sum(axis=0)
    return dX, dW, db


# %% wrong: dW multiplies the sums over the samples, not sample by sample
def dense_backward(dZ, cache):
    X, W = cache
    dX = dZ @ W.T
    dW = np.outer(X.sum(axis=0), dZ.sum(axis=0))
    db = dZ.sum(axis=0)
    return dX, dW, db


# %% wrong: W takes its step before dX is computed with it
def dense_backward(dZ, cache):
    X, W = cache
    dW = X.T @ dZ
    dX = dZ @ (W - 0.01 * dW).T
    db = dZ.sum(axis=0)
    return dX, dW, db


# %% wrong: dX is masked where X is not positive, as if a ReLU belonged to the layer
def dense_backward(dZ, cache):
    X, W = cache
    dX = (dZ @ W.T) * (X > 0)
    dW = X.T @ dZ
    db = dZ.sum(axis=0)
    return dX, dW, db


# %% wrong: db is squeezed, and loses its axis for one neuron
def dense_backward(dZ, cache):
    X, W = cache
    dX = dZ @ W.T
    dW = X.T @ dZ
    db = np.squeeze(dZ.sum(axis=0))
    return dX, dW, db


# %% wrong: upstream slopes beyond 1000 are clipped
def dense_backward(dZ, cache):
    X, W = cache
    dZ = np.clip(dZ, -1000, 1000)
    dX = dZ @ W.T
    dW = X.T @ dZ
    db = dZ.sum(axis=0)
    return dX, dW, db


# %% wrong: db is summed in float32
def dense_backward(dZ, cache):
    X, W = cache
    dX = dZ @ W.T
    dW = X.T @ dZ
    db = dZ.sum(axis=0, dtype=np.float32)
    return dX, dW, db
