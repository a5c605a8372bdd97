# %% right: blind - rows of an identity matrix, one stacked table of points
def numerical_gradient(f, x, h=1e-5):
    shape, n = np.shape(x), np.size(x)
    moved = np.where(np.eye(n, dtype=bool), np.ravel(x) + np.array([h, -h]).reshape(2, 1, 1), np.ravel(x).astype(float))
    values = [float(f(point.reshape(shape))) for point in moved.reshape(2 * n, n)]
    return np.subtract(values[:n], values[n:]).reshape(shape) / (2.0 * h)


def relative_error(a, b):
    pairs = list(zip(np.ravel(a).tolist(), np.ravel(b).tolist()))
    top = max((abs(p - q) for p, q in pairs), default=0.0)
    return top / (max((abs(p) + abs(q) for p, q in pairs), default=0.0) or 1.0)


# %% right: blind - nditer on a working copy, moved in place
def numerical_gradient(f, x, h=1e-5):
    work = np.array(x, dtype="float64", order="C", copy=True)
    out = np.empty_like(work)
    with np.nditer([work, out], flags=["zerosize_ok"], op_flags=[["readwrite"], ["writeonly"]]) as it:
        for entry, slope in it:
            old = float(entry)
            sides = []
            for sign in (1, -1):
                entry[...] = old + sign * h
                sides.append(f(work))
            entry[...] = old
            slope[...] = np.divide(sides[0] - sides[1], h + h)
    return out


def relative_error(a, b):
    total = np.hypot(np.abs(a, dtype=float), 0) + np.hypot(np.abs(b, dtype=float), 0)
    gap = np.linalg.norm(np.ravel(np.subtract(a, b, dtype=float)), np.inf)
    return float(np.divide(gap, total.max(), out=np.zeros(()), where=total.max() > 0))


# %% right: blind - x itself moved and put back with try/finally
def numerical_gradient(f, x, h=1e-5):
    if x.dtype != np.float64:
        x = x.astype(np.float64)

    def value_at(index, number):
        kept = x[index].copy()
        x[index] = number
        try:
            return f(x)
        finally:
            x[index] = kept

    gradient = {}
    for index, number in np.ndenumerate(x):
        gradient[index] = value_at(index, number + h)
        gradient[index] = gradient[index] - value_at(index, number - h)
        gradient[index] = gradient[index] / 2 / h
    return np.array(list(gradient.values()), dtype=np.float64).reshape(x.shape)


def relative_error(a, b):
    largest_gap = largest_sum = 0.0
    for i in np.ndindex(np.shape(a)):
        left, right = float(np.asarray(a)[i]), float(np.asarray(b)[i])
        if abs(left - right) > largest_gap:
            largest_gap = abs(left - right)
        if abs(left) + abs(right) > largest_sum:
            largest_sum = abs(left) + abs(right)
    if largest_sum > 0:
        largest_gap /= largest_sum
    return largest_gap


# %% right: blind - recursion over halves of the entries, points from torch
def numerical_gradient(f, x, h=1e-5):
    start = torch.tensor(np.asarray(x, dtype=np.float64).tolist(), dtype=torch.float64).flatten()

    def probe(i, step):
        point = torch.index_add(start, 0, torch.tensor([i]), torch.tensor([step], dtype=torch.float64))
        return f(point.numpy().reshape(np.asarray(x).shape))

    def slopes(lo, hi):
        if hi - lo == 0:
            return []
        if hi - lo == 1:
            return [(probe(lo, +h) - probe(lo, -h)) * 0.5 / h]
        middle = (lo + hi) // 2
        return slopes(lo, middle) + slopes(middle, hi)

    return np.reshape(np.asarray(slopes(0, len(start)), dtype=np.float64), np.asarray(x).shape)


def relative_error(a, b):
    a, b = torch.tensor(np.array(a, dtype=float)), torch.tensor(np.array(b, dtype=float))
    ratio = (a - b).abs().amax() / (a.abs() + b.abs()).amax()
    return torch.nan_to_num(ratio, nan=0.0).item()


# %% wrong: the one-sided difference is taken, not the central one
def numerical_gradient(f, x, h=1e-5):
    moved = np.array(x, dtype=np.float64)
    result = np.zeros(moved.shape)
    for index in np.ndindex(moved.shape):
        kept = moved[index]
        moved[index] = kept + h
        above = f(moved)
        moved[index] = kept
        below = f(moved)
        result[index] = (above - below) / h
    return result


def relative_error(a, b):
    bottom = np.max(np.abs(a) + np.abs(b))
    return float(np.max(np.abs(a - b)) / bottom) if bottom > 0 else 0.0


# %% wrong: the central difference is divided by h, not by 2h
def numerical_gradient(f, x, h=1e-5):
    moved = np.array(x, dtype=np.float64)
    result = np.zeros(moved.shape)
    for index in np.ndindex(moved.shape):
        kept = moved[index]
        moved[index] = kept + h
        above = f(moved)
        moved[index] = kept - h
        below = f(moved)
        moved[index] = kept
        result[index] = (above - below) / h
    return result


def relative_error(a, b):
    bottom = np.max(np.abs(a) + np.abs(b))
    return float(np.max(np.abs(a - b)) / bottom) if bottom > 0 else 0.0


# %% wrong: all entries are moved at once
def numerical_gradient(f, x, h=1e-5):
    moved = np.array(x, dtype=np.float64)
    result = np.zeros(moved.shape)
    for index in np.ndindex(moved.shape):
        above = f(moved + h)
        below = f(moved - h)
        result[index] = (above - below) / (2 * h)
    return result


def relative_error(a, b):
    bottom = np.max(np.abs(a) + np.abs(b))
    return float(np.max(np.abs(a - b)) / bottom) if bottom > 0 else 0.0


# %% wrong: x itself is moved and stays moved by -h
def numerical_gradient(f, x, h=1e-5):
    moved = np.asarray(x, dtype=np.float64)
    result = np.zeros(moved.shape)
    for index in np.ndindex(moved.shape):
        kept = moved[index]
        moved[index] = kept + h
        above = f(moved)
        moved[index] = kept - h
        below = f(moved)
        result[index] = (above - below) / (2 * h)
    return result


def relative_error(a, b):
    bottom = np.max(np.abs(a) + np.abs(b))
    return float(np.max(np.abs(a - b)) / bottom) if bottom > 0 else 0.0


# %% wrong: whole numbers stay whole numbers, so that h is cut off
def numerical_gradient(f, x, h=1e-5):
    moved = np.array(x)
    result = np.zeros(moved.shape)
    for index in np.ndindex(moved.shape):
        kept = moved[index]
        moved[index] = kept + h
        above = f(moved)
        moved[index] = kept - h
        below = f(moved)
        moved[index] = kept
        result[index] = (above - below) / (2 * h)
    return result


def relative_error(a, b):
    bottom = np.max(np.abs(a) + np.abs(b))
    return float(np.max(np.abs(a - b)) / bottom) if bottom > 0 else 0.0


# %% wrong: only the first axis is walked, so that whole rows are moved
def numerical_gradient(f, x, h=1e-5):
    moved = np.array(x, dtype=np.float64)
    result = np.zeros(moved.shape)
    for index in range(len(moved)):
        kept = np.copy(moved[index])
        moved[index] = kept + h
        above = f(moved)
        moved[index] = kept - h
        below = f(moved)
        moved[index] = kept
        result[index] = (above - below) / (2 * h)
    return result


def relative_error(a, b):
    bottom = np.max(np.abs(a) + np.abs(b))
    return float(np.max(np.abs(a - b)) / bottom) if bottom > 0 else 0.0


# %% wrong: relative_error divides by the larger of |a| and |b|, not by their sum
def numerical_gradient(f, x, h=1e-5):
    moved = np.array(x, dtype=np.float64)
    result = np.zeros(moved.shape)
    for index in np.ndindex(moved.shape):
        kept = moved[index]
        moved[index] = kept + h
        above = f(moved)
        moved[index] = kept - h
        below = f(moved)
        moved[index] = kept
        result[index] = (above - below) / (2 * h)
    return result


def relative_error(a, b):
    bottom = np.max(np.maximum(np.abs(a), np.abs(b)))
    return float(np.max(np.abs(a - b)) / bottom) if bottom > 0 else 0.0


# %% wrong: relative_error takes the sums over all entries, not the maxima
def numerical_gradient(f, x, h=1e-5):
    moved = np.array(x, dtype=np.float64)
    result = np.zeros(moved.shape)
    for index in np.ndindex(moved.shape):
        kept = moved[index]
        moved[index] = kept + h
        above = f(moved)
        moved[index] = kept - h
        below = f(moved)
        moved[index] = kept
        result[index] = (above - below) / (2 * h)
    return result


def relative_error(a, b):
    bottom = np.sum(np.abs(a) + np.abs(b))
    return float(np.sum(np.abs(a - b)) / bottom) if bottom > 0 else 0.0


# %% wrong: in the copy, an entry stays moved by -h while the next ones are moved
def numerical_gradient(f, x, h=1e-5):
    moved = np.array(x, dtype=np.float64)
    result = np.zeros(moved.shape)
    for index in np.ndindex(moved.shape):
        kept = moved[index]
        moved[index] = kept + h
        above = f(moved)
        moved[index] = kept - h
        below = f(moved)
        result[index] = (above - below) / (2 * h)
    return result


def relative_error(a, b):
    bottom = np.max(np.abs(a) + np.abs(b))
    return float(np.max(np.abs(a - b)) / bottom) if bottom > 0 else 0.0


# %% wrong: relative_error adds the largest |a| to the largest |b|, wherever they stand
def numerical_gradient(f, x, h=1e-5):
    moved = np.array(x, dtype=np.float64)
    result = np.zeros(moved.shape)
    for index in np.ndindex(moved.shape):
        kept = moved[index]
        moved[index] = kept + h
        above = f(moved)
        moved[index] = kept - h
        below = f(moved)
        moved[index] = kept
        result[index] = (above - below) / (2 * h)
    return result


def relative_error(a, b):
    bottom = np.max(np.abs(a)) + np.max(np.abs(b))
    return float(np.max(np.abs(a - b)) / bottom) if bottom > 0 else 0.0


# %% wrong: x itself is moved, and not moved back if f raises an error
def numerical_gradient(f, x, h=1e-5):
    moved = np.asarray(x, dtype=np.float64)
    result = np.zeros(moved.shape)
    for index in np.ndindex(moved.shape):
        kept = moved[index]
        moved[index] = kept + h
        above = f(moved)
        moved[index] = kept - h
        below = f(moved)
        moved[index] = kept
        result[index] = (above - below) / (2 * h)
    return result


def relative_error(a, b):
    bottom = np.max(np.abs(a) + np.abs(b))
    return float(np.max(np.abs(a - b)) / bottom) if bottom > 0 else 0.0
