# %% right: einsum after an explicit comparison of the inner lengths
def dense_forward(X, W, b):
    (n, d), (rows, m) = X.shape, W.shape
    if d != rows:
        raise ValueError("X of shape " + str(X.shape) + " does not fit W of shape " + str(W.shape))
    Z = np.einsum("nd,dm->nm", X, W)
    Z += b
    return Z, (X, W)

# %% right: the error of @ is caught and told again
def dense_forward(X, W, b):
    try:
        sums = X @ W
    except ValueError as trouble:
        raise ValueError(f"{X.shape!r} @ {W.shape!r} is impossible") from trouble
    return np.add(sums, b), (X.copy(), W.copy())

# %% right: the bias as one more row of weights
def dense_forward(X, W, b):
    if len(X.T) != len(W):
        raise ValueError("shapes", X.shape, W.shape)
    ones = np.ones_like(X[:, :1], shape=(len(X), 1))
    return np.concatenate([X, ones], axis=1) @ np.concatenate([W, b[None, :]]), (X, W)

# %% right: an outer product for each input, added up
def dense_forward(X, W, b):
    if X.shape[-1:] != W.shape[:1]:
        raise ValueError("no fit: {} and {}".format(X.shape, W.shape))
    Z = np.repeat(b[np.newaxis], X.shape[0], axis=0)
    for d in range(X.shape[1]):
        Z += np.outer(X[:, d], W[d])
    cache = X, W
    return Z, cache

# %% wrong: einsum decides what fits, and it stretches a length of 1
def dense_forward(X, W, b):
    try:
        Z = np.einsum("nd,dm->nm", X, W)
    except ValueError:
        raise ValueError(f"X {X.shape} does not fit W {W.shape}") from None
    return Z + b, (X, W)

# %% wrong: with fewer columns than rows of W, the rest of W is ignored
def dense_forward(X, W, b):
    D = X.shape[1]
    if D > len(W):
        raise ValueError(f"X {X.shape} does not fit W {W.shape}")
    return X @ W[:D] + b, (X, W)

# %% wrong: weights of shape (M, D) are accepted and turned round
def dense_forward(X, W, b):
    if X.shape[1] == W.shape[0]:
        return X @ W + b, (X, W)
    if X.shape[1] == W.shape[1]:
        return X @ W.T + b, (X, W)
    raise ValueError(f"X {X.shape} does not fit W {W.shape}")

# %% wrong: the cache is a list
def dense_forward(X, W, b):
    if X.shape[1] != W.shape[0]:
        raise ValueError(f"X {X.shape} does not fit W {W.shape}")
    return X @ W + b, [X, W]

# %% wrong: the result is written into X where it has room
def dense_forward(X, W, b):
    if X.shape[1] != W.shape[0]:
        raise ValueError(f"X {X.shape} does not fit W {W.shape}")
    cache = X.copy(), W
    Z = np.matmul(X, W, out=X if W.shape[0] == W.shape[1] else None)
    Z += b
    return Z, cache

# %% wrong: float64 is computed in float32 only
def dense_forward(X, W, b):
    if X.shape[1] != W.shape[0]:
        raise ValueError(f"X {X.shape} does not fit W {W.shape}")
    Z = X.astype(np.float32) @ W.astype(np.float32) + b.astype(np.float32)
    return Z.astype(X.dtype), (X, W)

# %% wrong: with as many samples as neurons the bias goes along the samples
def dense_forward(X, W, b):
    if X.shape[1] != W.shape[0]:
        raise ValueError(f"X {X.shape} does not fit W {W.shape}")
    Z = X @ W
    return Z + (b[:, None] if len(b) == len(Z) else b), (X, W)

# %% wrong: the cache of float32 inputs holds float64
def dense_forward(X, W, b):
    if X.shape[1] != W.shape[0]:
        raise ValueError(f"X {X.shape} does not fit W {W.shape}")
    wide = np.asarray(X, dtype=float), np.asarray(W, dtype=float)
    return (wide[0] @ wide[1] + b).astype(X.dtype), wide
