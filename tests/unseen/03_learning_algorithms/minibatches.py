# %% right: argsort of random keys, a while loop
def iterate_minibatches(X, y, batch_size, rng=None, drop_last=False):
    if X.shape[0] != y.shape[0]:
        raise ValueError("X and y differ in N")
    places = np.arange(len(X)) if rng is None else np.argsort(rng.random(len(X)))
    while len(places) >= batch_size or (len(places) and not drop_last):
        now, places = places[:batch_size], places[batch_size:]
        yield X[now], y[now]


# %% right: a checked function that returns an inner generator
def iterate_minibatches(X, y, batch_size, rng=None, drop_last=False):
    N = len(X)
    if N != len(y):
        raise ValueError(f"{N} samples, {len(y)} labels")

    def batches():
        order = list(range(N))
        if rng is not None:
            rng.shuffle(order)
        end = N - N % batch_size if drop_last else N
        for i in range(0, end, batch_size):
            yield np.take(X, order[i : i + batch_size], axis=0), np.take(y, order[i : i + batch_size], axis=0)

    yield from batches()


# %% right: a random choice without replacement, array_split at multiples
def iterate_minibatches(X, y, batch_size, rng=None, drop_last=False):
    N = len(y)
    if len(X) != N:
        raise ValueError("the numbers of samples and labels differ")
    order = rng.choice(N, size=N, replace=False) if rng is not None and N else np.arange(N)
    for part in np.split(order, range(batch_size, N, batch_size)):
        if len(part) == batch_size or (len(part) and not drop_last):
            yield X[part], y[part]


# %% wrong: the order comes from NumPy's global random numbers
def iterate_minibatches(X, y, batch_size, rng=None, drop_last=False):
    if len(X) != len(y):
        raise ValueError("X and y differ in N")
    order = np.arange(len(X))
    if rng is not None:
        np.random.shuffle(order)
    for i in range(0, len(X), batch_size):
        part = order[i : i + batch_size]
        if drop_last and len(part) < batch_size:
            return
        yield X[part], y[part]


# %% wrong: with drop_last, a single incomplete batch is kept
def iterate_minibatches(X, y, batch_size, rng=None, drop_last=False):
    if len(X) != len(y):
        raise ValueError("X and y differ in N")
    order = np.arange(len(X)) if rng is None else rng.permutation(len(X))
    for i in range(0, len(X), batch_size):
        part = order[i : i + batch_size]
        if drop_last and i > 0 and len(part) < batch_size:
            return
        yield X[part], y[part]


# %% wrong: with drop_last, the last samples are cut off before the order is drawn
def iterate_minibatches(X, y, batch_size, rng=None, drop_last=False):
    if len(X) != len(y):
        raise ValueError("X and y differ in N")
    N = len(X) // batch_size * batch_size if drop_last else len(X)
    order = np.arange(N) if rng is None else rng.permutation(N)
    for i in range(0, N, batch_size):
        yield X[order[i : i + batch_size]], y[order[i : i + batch_size]]


# %% wrong: no error if there are more labels than samples
def iterate_minibatches(X, y, batch_size, rng=None, drop_last=False):
    N = len(X)
    if len(y) < N:
        raise ValueError("labels are missing")
    order = np.arange(N) if rng is None else rng.permutation(N)
    for i in range(0, N, batch_size):
        part = order[i : i + batch_size]
        if drop_last and len(part) < batch_size:
            return
        yield X[part], y[part]


# %% wrong: no samples give one empty batch
def iterate_minibatches(X, y, batch_size, rng=None, drop_last=False):
    N = len(X)
    if N != len(y):
        raise ValueError("X and y differ in N")
    order = np.arange(N) if rng is None else rng.permutation(N)
    count = N // batch_size if drop_last else (N - 1) // batch_size + 1
    for k in range(max(count, 1) if N < batch_size and not drop_last else count):
        part = order[k * batch_size : (k + 1) * batch_size]
        yield X[part], y[part]


# %% wrong: labels of more than one dimension are flattened
def iterate_minibatches(X, y, batch_size, rng=None, drop_last=False):
    N = len(X)
    if N != len(y):
        raise ValueError("X and y differ in N")
    order = np.arange(N) if rng is None else rng.permutation(N)
    for i in range(0, N, batch_size):
        part = order[i : i + batch_size]
        if drop_last and len(part) < batch_size:
            return
        yield X[part], y[part].ravel()
