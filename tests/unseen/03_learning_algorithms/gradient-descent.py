# %% right: a generator of positions, stacked at the end
def gradient_descent(grad, x0, lr, steps, momentum=0.0):
    def positions():
        x, v = np.array(x0, dtype=np.float64), 0.0
        yield x
        for _ in range(steps):
            v = momentum * v + np.array(grad(x.copy()), dtype=np.float64)
            x = x - lr * v
            yield x

    return np.stack(list(positions()))


# %% right: rows written into one array, velocity kept in place
def gradient_descent(grad, x0, lr, steps, momentum=0.0):
    path = np.empty((steps + 1, len(x0)), dtype=np.float64)
    velocity = np.zeros(len(x0))
    path[0] = x0
    for t in range(1, steps + 1):
        velocity *= momentum
        velocity += grad(path[t - 1].copy())
        np.subtract(path[t - 1], lr * velocity, out=path[t])
    return path


# %% right: functools.reduce over the steps
import functools


def gradient_descent(grad, x0, lr, steps, momentum=0.0):
    def step(state, _):
        rows, v = state
        v = momentum * v + np.asarray(grad(rows[-1].copy()), dtype=float)
        return rows + [rows[-1] - lr * v], v

    start = np.array(x0, dtype=float)
    rows, _ = functools.reduce(step, range(steps), ([start], np.zeros_like(start)))
    return np.array(rows)


# %% wrong: the array that grad returns is changed in place
def gradient_descent(grad, x0, lr, steps, momentum=0.0):
    x = np.array(x0, dtype=np.float64)
    path, v = [x.copy()], np.zeros_like(x)
    for _ in range(steps):
        g = grad(x)
        g += momentum * v
        v = g
        x = x - lr * v
        path.append(x.copy())
    return np.array(path)


# %% wrong: calls grad no more once gradient and velocity are 0
def gradient_descent(grad, x0, lr, steps, momentum=0.0):
    path = np.empty((steps + 1, len(x0)))
    path[0] = x0
    v = np.zeros(len(x0))
    for t in range(steps):
        g = grad(path[t].copy())
        if not np.any(g) and not (momentum > 0 and np.any(v)):
            path[t + 1 :] = path[t]
            break
        v = momentum * v + g
        path[t + 1] = path[t] - lr * v
    return path


# %% wrong: positions are kept finite
def gradient_descent(grad, x0, lr, steps, momentum=0.0):
    largest = np.finfo(np.float64).max
    x = np.array(x0, dtype=np.float64)
    path, v = [x], np.zeros_like(x)
    for _ in range(steps):
        v = momentum * v + grad(x.copy())
        x = np.clip(x - lr * v, -largest, largest)
        path.append(x)
    return np.array(path)


# %% wrong: the velocity starts anew when it points against the gradient
def gradient_descent(grad, x0, lr, steps, momentum=0.0):
    x = np.array(x0, dtype=np.float64)
    path, v = [x], np.zeros_like(x)
    for _ in range(steps):
        g = grad(x.copy())
        if np.dot(v, g) < 0:
            v = np.zeros_like(x)
        v = momentum * v + g
        x = x - lr * v
        path.append(x)
    return np.array(path)


# %% wrong: the first call of grad gets the whole numbers of x0
def gradient_descent(grad, x0, lr, steps, momentum=0.0):
    path = np.zeros((steps + 1, x0.shape[0]))
    path[0] = x0
    x, v = x0.copy(), 0.0
    for t in range(steps):
        v = momentum * v + grad(x)
        x = x - lr * v
        path[t + 1] = x
    return path


# %% wrong: the rows are rounded to float32 and then called float64
def gradient_descent(grad, x0, lr, steps, momentum=0.0):
    path = np.zeros((steps + 1, len(x0)), dtype=np.float32)
    x, v = np.array(x0, dtype=np.float64), 0.0
    path[0] = x
    for t in range(steps):
        v = momentum * v + grad(x.copy())
        x = x - lr * v
        path[t + 1] = x
    return path.astype(np.float64)
