# %% right: fresh arrays from a padded flat step vector, no change of x at all
def numerical_gradient(f, x, h=1e-5):
    base = np.array(x, dtype=np.float64, order="C")
    rises = []
    for k in range(base.size):
        ends = []
        for sign in (1, -1):
            moved = base.copy()
            moved.flat[k] += sign * h
            ends.append(float(f(moved)))
        rises.append((ends[0] - ends[1]) / (2 * h))
    return np.array(rises, dtype=np.float64).reshape(base.shape)


def relative_error(a, b):
    top, bottom = np.max(np.abs(a - b)), np.max(np.abs(a) + np.abs(b))
    return float(top / bottom) if bottom else 0.0


# %% right: in place for float64 with finally, a copy for whole numbers
def numerical_gradient(f, x, h=1e-5):
    z = x if x.dtype == np.float64 and x.flags.writeable else x.astype(np.float64)
    slopes = np.empty(z.shape)
    for place in np.ndindex(z.shape):
        kept = z[place]
        try:
            z[place] = kept + h
            above = f(z)
            z[place] = kept - h
            below = f(z)
        finally:
            z[place] = kept
        slopes[place] = (above - below) / (h + h)
    return slopes


def relative_error(a, b):
    size = (abs(a) + abs(b)).max()
    if size == 0:
        return 0
    return abs(a - b).max() / size


# %% right: recursion of one-hot masks, the lower end first
def numerical_gradient(f, x, h=1e-5):
    x = np.asarray(x).astype(float)
    n = x.size

    def side(k, sign):
        hot = (np.arange(n) == k).reshape(x.shape)
        return f(np.where(hot, x + sign * h, x))

    values = [(side(k, -1), side(k, +1)) for k in range(n)]
    return np.array([(b - a) * 0.5 / h for a, b in values], dtype=float).reshape(x.shape)


def relative_error(a, b):
    gaps, sizes = np.ravel(np.abs(np.subtract(a, b))), np.ravel(np.abs(a) + np.abs(b))
    return 0.0 if not np.any(sizes) else float(np.divide(gaps.max(), sizes.max()))


# %% wrong: x is put back only if the first call raises, not the second
def numerical_gradient(f, x, h=1e-5):
    z = x if x.dtype == np.float64 else x.astype(np.float64)
    slopes = np.zeros(z.shape)
    for place in np.ndindex(z.shape):
        kept = z[place]
        try:
            z[place] = kept + h
            above = f(z)
        finally:
            z[place] = kept
        z[place] = kept - h
        below = f(z)
        z[place] = kept
        slopes[place] = (above - below) / (2 * h)
    return slopes


def relative_error(a, b):
    size = (abs(a) + abs(b)).max()
    return float(abs(a - b).max() / size) if size > 0 else 0.0


# %% wrong: only int64 is turned into float64, other whole numbers are not
def numerical_gradient(f, x, h=1e-5):
    z = x.astype(np.float64) if x.dtype == int else x.copy()
    slopes = np.zeros(z.shape)
    for place in np.ndindex(z.shape):
        kept = z[place]
        z[place] = kept + h
        above = f(z)
        z[place] = kept - h
        below = f(z)
        z[place] = kept
        slopes[place] = (above - below) / (2 * h)
    return slopes


def relative_error(a, b):
    size = (abs(a) + abs(b)).max()
    return float(abs(a - b).max() / size) if size > 0 else 0.0


# %% wrong: max |a| + max |b| below the line
def numerical_gradient(f, x, h=1e-5):
    z = np.array(x, dtype=np.float64)
    slopes = np.zeros(z.shape)
    for place in np.ndindex(z.shape):
        kept = z[place]
        z[place] = kept + h
        above = f(z)
        z[place] = kept - h
        below = f(z)
        z[place] = kept
        slopes[place] = (above - below) / (2 * h)
    return slopes


def relative_error(a, b):
    size = abs(a).max() + abs(b).max()
    return float(abs(a - b).max() / size) if size > 0 else 0.0


# %% wrong: ravel copies an array in another memory order, its gradient is 0
def numerical_gradient(f, x, h=1e-5):
    z = x.astype(np.float64)
    flat = z.ravel()
    slopes = np.zeros(z.size)
    for k in range(z.size):
        kept = flat[k]
        flat[k] = kept + h
        above = f(z)
        flat[k] = kept - h
        below = f(z)
        flat[k] = kept
        slopes[k] = (above - below) / (2 * h)
    return slopes.reshape(z.shape)


def relative_error(a, b):
    size = (abs(a) + abs(b)).max()
    return float(abs(a - b).max() / size) if size > 0 else 0.0


# %% wrong: the step is h times the size of the entry, not h
def numerical_gradient(f, x, h=1e-5):
    z = np.array(x, dtype=np.float64)
    slopes = np.zeros(z.shape)
    for place in np.ndindex(z.shape):
        kept = z[place]
        step = h * max(1.0, abs(kept))
        z[place] = kept + step
        above = f(z)
        z[place] = kept - step
        below = f(z)
        z[place] = kept
        slopes[place] = (above - below) / (2 * step)
    return slopes


def relative_error(a, b):
    size = (abs(a) + abs(b)).max()
    return float(abs(a - b).max() / size) if size > 0 else 0.0


# %% wrong: -0.0 in x comes back as +0.0
def numerical_gradient(f, x, h=1e-5):
    z = x if x.dtype == np.float64 else x.astype(np.float64)
    slopes = np.zeros(z.shape)
    kept = z + 0.0
    try:
        for place in np.ndindex(z.shape):
            z[place] = kept[place] + h
            above = f(z)
            z[place] = kept[place] - h
            below = f(z)
            z[place] = kept[place]
            slopes[place] = (above - below) / (2 * h)
    finally:
        z[...] = kept
    return slopes


def relative_error(a, b):
    size = (abs(a) + abs(b)).max()
    return float(abs(a - b).max() / size) if size > 0 else 0.0
