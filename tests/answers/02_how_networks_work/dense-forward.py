# %% right: blind - sum of outer products, one input column after the other
def dense_forward(X, W, b):
    if X.shape[1] != W.shape[0]:
        raise ValueError(f"X of shape {X.shape} does not fit W of shape {W.shape}")
    Z = np.zeros((len(X), W.shape[1]), dtype=X.dtype)
    Z[:] = b
    for d, row in enumerate(W):
        Z += np.multiply.outer(X[:, d], row)
    return Z, (X, W)


# %% right: blind - bias as one more row of weights, named cache
from typing import NamedTuple


class DenseCache(NamedTuple):
    inputs: np.ndarray
    weights: np.ndarray


def dense_forward(X, W, b):
    n, columns = X.shape
    inputs, _ = W.shape
    if not columns == inputs:
        raise ValueError("shapes do not fit: " + str(X.shape) + " and " + str(W.shape))
    ones = np.ones((n, 1), X.dtype)
    return np.matmul(np.hstack([X, ones]), np.vstack([W, b])), DenseCache(X, W)


# %% right: blind - torch.addmm
def to_torch(array):
    return torch.tensor(np.array(array, order="C"))


def dense_forward(X, W, b):
    try:
        with torch.no_grad():
            Z = torch.addmm(*map(to_torch, (b, X, W)))
    except RuntimeError as error:
        message = "cannot multiply {} by {}".format(X.shape, W.shape)
        raise ValueError(message) from error
    return Z.numpy(), (X, W)


# %% right: blind - every output by itself, math.fsum over Python floats
import math


def dense_forward(X, W, b):
    fits = X.shape[-1] == W.shape[0]
    if fits:
        neurons = list(zip(W.T.tolist(), b.tolist()))
        rows = [
            [math.fsum([*(x * w for x, w in zip(sample, weights)), bias]) for weights, bias in neurons]
            for sample in X.tolist()
        ]
        return np.asarray(rows, dtype=W.dtype).reshape(len(X), b.size), (X, W)
    raise ValueError("X has shape %s, but W has shape %s" % (X.shape, W.shape))


# %% right: blind - gemm of BLAS with the bias as its starting matrix
from scipy.linalg import get_blas_funcs


def dense_forward(X, W, b):
    (N, D), (rows, M) = X.shape, W.shape
    match D - rows:
        case 0:
            start = np.asfortranarray(np.tile(b, (N, 1)))
            gemm = get_blas_funcs("gemm", dtype=X.dtype)
            Z = gemm(alpha=1.0, a=X, b=W, beta=1.0, c=start, overwrite_c=True)
            cache = X, W
            return Z, cache
        case _:
            raise ValueError(f"{(N, D)} x {(rows, M)}")


# %% wrong: the misfit is left to NumPy, whose ValueError does not name both shapes
def dense_forward(X, W, b):
    return X @ W + b, (X, W)


# %% wrong: a W that fits only the other way round is transposed silently
def dense_forward(X, W, b):
    if X.shape[1] != W.shape[0]:
        W = W.T
    if X.shape[1] != W.shape[0]:
        raise ValueError(f"X {X.shape} and W {W.T.shape} do not fit")
    return X @ W + b, (X, W)


# %% wrong: an X with fewer than D columns is accepted, only more columns are refused
def dense_forward(X, W, b):
    if X.shape[1] > W.shape[0]:
        raise ValueError(f"X {X.shape} and W {W.shape} do not fit")
    Z = np.zeros((X.shape[0], W.shape[1]), dtype=X.dtype)
    for d in range(X.shape[1]):
        Z += X[:, d : d + 1] * W[d]
    return Z + b, (X, W)


# %% wrong: Z is returned transposed, one row per neuron
def dense_forward(X, W, b):
    if X.shape[1] != W.shape[0]:
        raise ValueError(f"X {X.shape} and W {W.shape} do not fit")
    return W.T @ X.T + b[:, None], (X, W)


# %% wrong: the bias is forgotten
def dense_forward(X, W, b):
    if X.shape[1] != W.shape[0]:
        raise ValueError(f"X {X.shape} and W {W.shape} do not fit")
    return X @ W, (X, W)


# %% wrong: the bias is a threshold and is subtracted
def dense_forward(X, W, b):
    if X.shape[1] != W.shape[0]:
        raise ValueError(f"X {X.shape} and W {W.shape} do not fit")
    return X @ W - b, (X, W)


# %% wrong: the bias runs along the axis of the samples
def dense_forward(X, W, b):
    if X.shape[1] != W.shape[0]:
        raise ValueError(f"X {X.shape} and W {W.shape} do not fit")
    return X @ W + b[:, None], (X, W)


# %% wrong: the bias is added to each product, so D times
def dense_forward(X, W, b):
    if X.shape[1] != W.shape[0]:
        raise ValueError(f"X {X.shape} and W {W.shape} do not fit")
    Z = np.zeros((X.shape[0], W.shape[1]), dtype=X.dtype)
    for d in range(X.shape[1]):
        Z += X[:, d : d + 1] * W[d] + b
    return Z, (X, W)


# %% wrong: the sums are written into an integer array
def dense_forward(X, W, b):
    if X.shape[1] != W.shape[0]:
        raise ValueError(f"X {X.shape} and W {W.shape} do not fit")
    Z = np.zeros((len(X), len(b)), dtype=int)
    for n in range(len(X)):
        for m in range(len(b)):
            Z[n, m] = X[n] @ W[:, m] + b[m]
    return Z, (X, W)


# %% wrong: the sums are written into a float64 array, also for float32
def dense_forward(X, W, b):
    if X.shape[1] != W.shape[0]:
        raise ValueError(f"X {X.shape} and W {W.shape} do not fit")
    Z = np.zeros((len(X), len(b)))
    for n in range(len(X)):
        Z[n] = X[n] @ W + b
    return Z, (X, W)


# %% wrong: a misfit is reported by an assert
def dense_forward(X, W, b):
    assert X.shape[1] == W.shape[0], f"X {X.shape} and W {W.shape} do not fit"
    return X @ W + b, (X, W)
