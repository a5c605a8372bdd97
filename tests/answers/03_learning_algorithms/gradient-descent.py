# %% right: blind - preallocated rows
def gradient_descent(grad, x0, lr, steps, momentum=0.0):
    path = np.empty((steps + 1, len(x0)))
    path[0] = x0
    v = np.zeros(len(x0))
    for t in range(steps):
        v = momentum * v + grad(path[t].copy())
        path[t + 1] = path[t] - lr * v
    return path


# %% right: blind - itertools.accumulate over pairs
import itertools


def gradient_descent(grad, x0, lr, steps, momentum=0.0):
    def move(state, _):
        place, speed = state
        speed = np.add(np.multiply(momentum, speed), grad(place.copy()))
        return np.subtract(place, np.multiply(lr, speed)), speed

    origin = np.array(x0, dtype=np.float64), np.zeros(np.shape(x0))
    states = itertools.accumulate(range(steps), move, initial=origin)
    return np.stack([place for place, _ in states])


# %% right: blind - PyTorch's SGD with a gradient set by hand
def gradient_descent(grad, x0, lr, steps, momentum=0.0):
    x = torch.tensor([float(number) for number in x0], dtype=torch.float64)
    x.grad = torch.zeros_like(x)
    optimizer = torch.optim.SGD([x], lr=lr, momentum=momentum)
    rows = x.clone()[None]
    while len(rows) <= steps:
        x.grad.copy_(torch.as_tensor(np.array(grad(x.numpy().copy()), dtype=np.float64)))
        optimizer.step()
        rows = torch.cat([rows, x.detach().clone().unsqueeze(0)], dim=0)
    return rows.numpy()


# %% right: blind - no velocity, the last two positions instead
def gradient_descent(grad, x0, lr, steps, momentum=0.0):
    before = now = np.asarray(x0).astype(float)
    columns = now.copy().reshape(-1, 1)
    for _ in [None] * steps:
        push = -lr * np.asarray(grad(now.copy()), float)
        before, now = now, now + push + momentum * (now - before)
        columns = np.hstack((columns, now[:, np.newaxis]))
    return np.ascontiguousarray(columns.T)


# %% right: blind - a walker class with plain Python floats
class Walker:
    def __init__(self, start, lr, friction):
        self.x = [float(s) for s in start]
        self.v = [0.0 for _ in start]
        self.lr, self.friction = lr, friction
        self.diary = []

    def note(self):
        self.diary.extend(self.x)

    def step(self, slopes):
        for d, slope in enumerate(slopes):
            self.v[d] *= self.friction
            self.v[d] += float(slope)
            self.x[d] -= self.lr * self.v[d]


def gradient_descent(grad, x0, lr, steps, momentum=0.0):
    walker = Walker(x0, lr, momentum)
    walker.note()
    left = steps
    while left:
        walker.step(grad(np.array(walker.x)))
        walker.note()
        left -= 1
    return np.array(walker.diary, dtype=np.float64).reshape(steps + 1, -1)


# %% wrong: the step goes along the gradient, with a plus sign
def gradient_descent(grad, x0, lr, steps, momentum=0.0):
    x = np.array(x0, dtype=np.float64)
    v = np.zeros_like(x)
    path = [x.copy()]
    for _ in range(steps):
        v = momentum * v + grad(x)
        x = x + lr * v
        path.append(x.copy())
    return np.array(path)


# %% wrong: the gradient is multiplied by 1 - momentum (a moving average)
def gradient_descent(grad, x0, lr, steps, momentum=0.0):
    x = np.array(x0, dtype=np.float64)
    v = np.zeros_like(x)
    path = [x.copy()]
    for _ in range(steps):
        v = momentum * v + (1 - momentum) * grad(x)
        x = x - lr * v
        path.append(x.copy())
    return np.array(path)


# %% wrong: one array is changed in place and stored again and again
def gradient_descent(grad, x0, lr, steps, momentum=0.0):
    x = np.array(x0, dtype=np.float64)
    v = np.zeros_like(x)
    path = [x]
    for _ in range(steps):
        v = momentum * v + grad(x)
        x -= lr * v
        path.append(x)
    return np.array(path)


# %% wrong: x0 itself is changed in place
def gradient_descent(grad, x0, lr, steps, momentum=0.0):
    x = np.asarray(x0, dtype=np.float64)
    v = np.zeros_like(x)
    path = [x.copy()]
    for _ in range(steps):
        v = momentum * v + grad(x)
        x -= lr * v
        path.append(x.copy())
    return np.array(path)


# %% wrong: the velocity remembers the previous gradient only
def gradient_descent(grad, x0, lr, steps, momentum=0.0):
    x = np.array(x0, dtype=np.float64)
    v = np.zeros_like(x)
    path = [x.copy()]
    for _ in range(steps):
        g = grad(x)
        x = x - lr * (g + momentum * v)
        v = g
        path.append(x.copy())
    return np.array(path)


# %% wrong: the gradient is taken at the place ahead (Nesterov)
def gradient_descent(grad, x0, lr, steps, momentum=0.0):
    x = np.array(x0, dtype=np.float64)
    v = np.zeros_like(x)
    path = [x.copy()]
    for _ in range(steps):
        v = momentum * v + grad(x - lr * momentum * v)
        x = x - lr * v
        path.append(x.copy())
    return np.array(path)


# %% wrong: the position moves by the old velocity, before the velocity is renewed
def gradient_descent(grad, x0, lr, steps, momentum=0.0):
    x = np.array(x0, dtype=np.float64)
    v = np.zeros_like(x)
    path = [x.copy()]
    for _ in range(steps):
        old = v
        v = momentum * v + grad(x)
        x = x - lr * old
        path.append(x.copy())
    return np.array(path)


# %% wrong: the walk stands still once the gradient is 0, and forgets the velocity
def gradient_descent(grad, x0, lr, steps, momentum=0.0):
    x = np.array(x0, dtype=np.float64)
    v = np.zeros_like(x)
    path = [x.copy()]
    for _ in range(steps):
        g = grad(x)
        if np.linalg.norm(g) < 1e-12:
            path.append(x.copy())
            continue
        v = momentum * v + g
        x = x - lr * v
        path.append(x.copy())
    return np.array(path)


# %% wrong: the trajectory has the dtype of x0, so that whole numbers cut off the positions
def gradient_descent(grad, x0, lr, steps, momentum=0.0):
    x = np.array(x0, dtype=np.float64)
    v = np.zeros_like(x)
    path = np.empty((steps + 1, x.size), dtype=np.asarray(x0).dtype)
    path[0] = x
    for step in range(steps):
        v = momentum * v + grad(x)
        x = x - lr * v
        path[step + 1] = x
    return path


# %% wrong: the velocity is clipped at 1000, so that nothing explodes
def gradient_descent(grad, x0, lr, steps, momentum=0.0):
    x = np.array(x0, dtype=np.float64)
    v = np.zeros_like(x)
    path = [x.copy()]
    for _ in range(steps):
        v = np.clip(momentum * v + grad(x), -1000, 1000)
        x = x - lr * v
        path.append(x.copy())
    return np.array(path)


# %% wrong: the first gradient becomes the velocity and is changed in place, in grad's own array
def gradient_descent(grad, x0, lr, steps, momentum=0.0):
    x = np.array(x0, dtype=np.float64)
    v = None
    path = [x.copy()]
    for _ in range(steps):
        g = grad(x)
        if v is None:
            v = g
        else:
            v *= momentum
            v += g
        x = x - lr * v
        path.append(x.copy())
    return np.array(path)
