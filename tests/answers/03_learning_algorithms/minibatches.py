# %% right: blind - islice over an iterator of shuffled numbers
from itertools import islice


def iterate_minibatches(X, y, batch_size, rng=None, drop_last=False):
    numbers = list(range(X.shape[0]))
    if X.shape[0] != y.shape[0]:
        raise ValueError(f"{X.shape[0]} samples, {y.shape[0]} labels")
    if rng:
        rng.shuffle(numbers)
    source = iter(numbers)
    while chosen := list(islice(source, batch_size)):
        if len(chosen) == batch_size or not drop_last:
            yield np.take(X, chosen, axis=0), np.take(y, chosen, axis=0)


# %% right: blind - random keys sorted, cut by np.split
def iterate_minibatches(X, y, batch_size, rng=None, drop_last=False):
    N, labels = np.shape(X)[0], np.shape(y)[0]
    if N - labels:
        raise ValueError
    keys = np.zeros(N) if rng is None else rng.random(N)
    used = N - N % batch_size if drop_last else N
    order = np.argsort(keys, kind="stable")[:used]
    pieces = np.split(order, np.arange(batch_size, used, batch_size)) if used else []
    yield from ((X[piece, ...], y[piece, ...]) for piece in pieces)


# %% right: blind - torch's BatchSampler over a choice without replacement
from torch.utils.data import BatchSampler


def iterate_minibatches(X, y, batch_size, rng=None, drop_last=False):
    try:
        pairs = [None for _ in zip(X, y, strict=True)]
    except ValueError as error:
        raise ValueError("samples and labels do not match") from error
    if rng is not None and pairs:
        sampler = rng.choice(len(pairs), size=len(pairs), replace=False).tolist()
    else:
        sampler = range(len(pairs))
    for chosen in BatchSampler(sampler, int(batch_size), bool(drop_last)):
        yield tuple(array[chosen] for array in (X, y))


# %% right: blind - Fisher-Yates sample by sample into buffers
def iterate_minibatches(X, y, batch_size, rng=None, drop_last=False):
    if not len(X) == len(y):
        raise ValueError("not the same N")
    places = {}
    samples, labels = [], []
    for i in range(len(X)):
        if rng is None:
            pick = i
        else:
            j = int(rng.integers(i, len(X)))
            pick = places.get(j, j)
            places[j] = places.get(i, i)
        samples.append(X[pick])
        labels.append(y[pick])
        if len(samples) == batch_size:
            yield np.stack(samples), np.stack(labels)
            samples.clear()
            labels.clear()
    if samples and not drop_last:
        yield np.array(samples, dtype=X.dtype), np.array(labels, dtype=y.dtype)


# %% wrong: the incomplete last batch is always lost
def iterate_minibatches(X, y, batch_size, rng=None, drop_last=False):
    N = len(X)
    if len(y) != N:
        raise ValueError("X and y differ in N")
    order = np.arange(N) if rng is None else rng.permutation(N)
    for start in range(0, N, batch_size):
        chosen = order[start : start + batch_size]
        if len(chosen) < batch_size:
            return
        yield X[chosen], y[chosen]


# %% wrong: X and y are put into two different random orders
def iterate_minibatches(X, y, batch_size, rng=None, drop_last=False):
    N = len(X)
    if len(y) != N:
        raise ValueError("X and y differ in N")
    order = np.arange(N) if rng is None else rng.permutation(N)
    other = order if rng is None else rng.permutation(N)
    for start in range(0, N, batch_size):
        chosen = order[start : start + batch_size]
        if drop_last and len(chosen) < batch_size:
            return
        yield X[chosen], y[other[start : start + batch_size]]


# %% wrong: only X is shuffled, y stays in the given order
def iterate_minibatches(X, y, batch_size, rng=None, drop_last=False):
    N = len(X)
    if len(y) != N:
        raise ValueError("X and y differ in N")
    order = np.arange(N) if rng is None else rng.permutation(N)
    for start in range(0, N, batch_size):
        chosen = order[start : start + batch_size]
        if drop_last and len(chosen) < batch_size:
            return
        yield X[chosen], y[start : start + batch_size]


# %% wrong: X and y are shuffled in place
def iterate_minibatches(X, y, batch_size, rng=None, drop_last=False):
    N = len(X)
    if len(y) != N:
        raise ValueError("X and y differ in N")
    if rng is not None:
        order = rng.permutation(N)
        X[:], y[:] = X[order], y[order]
    order = np.arange(N)
    for start in range(0, N, batch_size):
        chosen = order[start : start + batch_size]
        if drop_last and len(chosen) < batch_size:
            return
        yield X[chosen], y[chosen]


# %% wrong: a generator with a fixed seed is made in each epoch
def iterate_minibatches(X, y, batch_size, rng=None, drop_last=False):
    N = len(X)
    if len(y) != N:
        raise ValueError("X and y differ in N")
    order = np.arange(N) if rng is None else np.random.default_rng(0).permutation(N)
    for start in range(0, N, batch_size):
        chosen = order[start : start + batch_size]
        if drop_last and len(chosen) < batch_size:
            return
        yield X[chosen], y[chosen]


# %% wrong: drop_last leaves out the last batch, also if it is complete
def iterate_minibatches(X, y, batch_size, rng=None, drop_last=False):
    N = len(X)
    if len(y) != N:
        raise ValueError("X and y differ in N")
    order = np.arange(N) if rng is None else rng.permutation(N)
    for start in range(0, N, batch_size):
        chosen = order[start : start + batch_size]
        if drop_last and start + batch_size >= N:
            return
        yield X[chosen], y[chosen]


# %% wrong: each batch is drawn anew from all samples
def iterate_minibatches(X, y, batch_size, rng=None, drop_last=False):
    N = len(X)
    if len(y) != N:
        raise ValueError("X and y differ in N")
    order = np.arange(N) if rng is None else rng.permutation(N)
    for start in range(0, N, batch_size):
        chosen = order[start : start + batch_size]
        if rng is not None:
            chosen = rng.integers(N, size=len(chosen))
        if drop_last and len(chosen) < batch_size:
            return
        yield X[chosen], y[chosen]


# %% wrong: without rng, the samples are shuffled by a fresh generator
def iterate_minibatches(X, y, batch_size, rng=None, drop_last=False):
    N = len(X)
    if len(y) != N:
        raise ValueError("X and y differ in N")
    order = (np.random.default_rng() if rng is None else rng).permutation(N)
    for start in range(0, N, batch_size):
        chosen = order[start : start + batch_size]
        if drop_last and len(chosen) < batch_size:
            return
        yield X[chosen], y[chosen]


# %% wrong: there is an empty batch at the end if batch_size divides N
def iterate_minibatches(X, y, batch_size, rng=None, drop_last=False):
    N = len(X)
    if len(y) != N:
        raise ValueError("X and y differ in N")
    order = np.arange(N) if rng is None else rng.permutation(N)
    for batch in range(N // batch_size + 1):
        start = batch * batch_size
        chosen = order[start : start + batch_size]
        if drop_last and len(chosen) < batch_size:
            return
        yield X[chosen], y[chosen]


# %% wrong: the order comes from NumPy's global generator, not from rng
def iterate_minibatches(X, y, batch_size, rng=None, drop_last=False):
    N = len(X)
    if len(y) != N:
        raise ValueError("X and y differ in N")
    order = np.arange(N) if rng is None else np.random.permutation(N)
    for start in range(0, N, batch_size):
        chosen = order[start : start + batch_size]
        if drop_last and len(chosen) < batch_size:
            return
        yield X[chosen], y[chosen]


# %% wrong: X and y of different N are cut to the shorter one, without an error
def iterate_minibatches(X, y, batch_size, rng=None, drop_last=False):
    N = min(len(X), len(y))
    order = np.arange(N) if rng is None else rng.permutation(N)
    for start in range(0, N, batch_size):
        chosen = order[start : start + batch_size]
        if drop_last and len(chosen) < batch_size:
            return
        yield X[chosen], y[chosen]
