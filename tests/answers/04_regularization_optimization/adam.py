# %% right: blind - the optimizers of PyTorch, the tensors of their state_dict as state
def _one_step(make, w, g, state):
    weight = torch.tensor(np.array(w), dtype=torch.float64, requires_grad=True)
    weight.grad = torch.tensor(np.array(g), dtype=torch.float64)
    optimizer = make([weight])
    if state:
        optimizer.load_state_dict(optimizer.state_dict() | {"state": copy.deepcopy(state)})
    optimizer.step()
    return weight.detach().numpy(), copy.deepcopy(optimizer.state_dict()["state"])


def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
    return _one_step(functools.partial(torch.optim.RMSprop, lr=lr, alpha=rho, eps=eps), w, g, state)


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    kind = torch.optim.AdamW if decoupled else torch.optim.Adam
    return _one_step(functools.partial(kind, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay), w, g, state)


# %% right: blind - number by number in Python loops, lists of floats as state
def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
    ws, gs = [float(x) for x in np.ravel(w)], [float(x) for x in np.ravel(g)]
    old = state.get("s", [0.0] * len(ws))
    new = []
    for i in range(len(ws)):
        new.append(rho * old[i] + (1 - rho) * gs[i] * gs[i])
        ws[i] -= lr * gs[i] / (math.sqrt(new[i]) + eps)
    return np.array(ws).reshape(np.shape(w)), {"s": new}


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    number = state.get("calls", 0) + 1
    averages = state.get("averages", [(0.0, 0.0)] * np.size(w))
    moved, kept = np.empty(np.size(w)), []
    for i, (weight, slope, (m, v)) in enumerate(zip(np.ravel(w), np.ravel(g), averages)):
        if decoupled:
            weight = weight * (1 - lr * weight_decay)
        else:
            slope = slope + weight_decay * weight
        m = betas[0] * m + (1 - betas[0]) * slope
        v = betas[1] * v + (1 - betas[1]) * slope * slope
        kept.append((m, v))
        corrected = m / (1 - betas[0] ** number), v / (1 - betas[1] ** number)
        moved[i] = weight - lr * corrected[0] / (math.sqrt(corrected[1]) + eps)
    return moved.reshape(np.shape(w)), {"calls": number, "averages": kept}


# %% right: blind - the state is the whole history of gradients, averages as weighted sums
def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
    history = state.get("gradients", ()) + (np.array(g),)
    ages = np.arange(len(history))[::-1]
    s = np.tensordot((1 - rho) * rho ** ages.astype(float), np.square(np.stack(history)), axes=1)
    return w - lr * g / (np.sqrt(s) + eps), {"gradients": history}


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    history = [*state.get("gradients", []), np.array(g if decoupled else g + weight_decay * w)]
    table = np.stack(history)
    ages = np.arange(len(history), dtype=float)[::-1]

    def mean(beta, values):
        shares = beta**ages
        return np.tensordot(shares / shares.sum(), values, axes=1)

    start = w - lr * weight_decay * w if decoupled else w
    return start - lr * mean(betas[0], table) / (np.sqrt(mean(betas[1], table**2)) + eps), {"gradients": history}


# %% right: blind - a running-average class that corrects itself, an immutable tuple as state
class Average:
    def __init__(self, beta, total=0.0, weight=0.0):
        self.beta, self.total, self.weight = beta, total, weight

    def including(self, value):
        share = 1 - self.beta
        return Average(self.beta, self.beta * self.total + share * value, self.beta * self.weight + share)

    @property
    def corrected(self):
        return self.total / self.weight


def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
    (before,) = state or (Average(rho),)
    now = before.including(np.square(g))
    return np.subtract(w, lr * g / np.add(np.sqrt(now.total), eps)), (now,)


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    slope_average, square_average = state or map(Average, betas)
    pull = weight_decay * w
    slope = g if decoupled else g + pull
    slope_average = slope_average.including(slope)
    square_average = square_average.including(slope * slope)
    direction = slope_average.corrected / (eps + np.sqrt(square_average.corrected))
    if decoupled:
        direction = direction + pull
    return w - lr * direction, (slope_average, square_average)


# %% right: blind - one stacked array as state, in-place ufuncs on copies, corrections moved into the rate
def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
    squares = np.zeros(np.shape(w)) if "squares" not in state else np.array(state["squares"])
    squares = np.asarray(squares)
    np.multiply(squares, rho, out=squares)
    np.add(squares, (1 - rho) * np.power(g, 2), out=squares)
    change = np.array(g, dtype=float)
    np.divide(change, np.sqrt(squares) + eps, out=change)
    np.multiply(change, -lr, out=change)
    np.add(change, w, out=change)
    return change, {"squares": squares}


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    w_new, slope = np.array(w, dtype=float), np.array(g, dtype=float)
    match bool(decoupled):
        case True:
            w_new *= 1.0 - lr * weight_decay
        case _:
            slope += weight_decay * w_new
    both = state["both"] if state else np.zeros((2, *slope.shape))
    powers = (state["powers"] if state else np.ones(2)) * betas
    rows = np.reshape(betas, (2,) + (1,) * slope.ndim)
    both = rows * both + (1 - rows) * np.stack([slope, slope**2])
    root = math.sqrt(1 - powers[1])
    w_new -= lr * root / (1 - powers[0]) * both[0] / (np.sqrt(both[1]) + eps * root)
    return w_new, {"both": both, "powers": powers}


# %% wrong: the counter and the averages are written into the state passed in
def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
    s = state.get("s", np.zeros_like(w))
    s = rho * s + (1 - rho) * g**2
    return w - lr * g / (np.sqrt(s) + eps), {"s": s}


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    beta1, beta2 = betas
    t = state.get("t", 0) + 1
    m = state.get("m", np.zeros_like(w))
    v = state.get("v", np.zeros_like(w))
    if decoupled:
        w = (1 - lr * weight_decay) * w
    else:
        g = g + weight_decay * w
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    w = w - lr * m_hat / (np.sqrt(v_hat) + eps)
    state["t"], state["m"], state["v"] = t, m, v
    return w, dict(state)


# %% wrong: the averages are changed in place inside a new dict
def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
    s = state.get("s", np.zeros_like(w))
    s = rho * s + (1 - rho) * g**2
    return w - lr * g / (np.sqrt(s) + eps), {"s": s}


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    beta1, beta2 = betas
    t = state.get("t", 0) + 1
    m = state.get("m", np.zeros_like(w))
    v = state.get("v", np.zeros_like(w))
    if decoupled:
        w = (1 - lr * weight_decay) * w
    else:
        g = g + weight_decay * w
    m *= beta1
    m += (1 - beta1) * g
    v *= beta2
    v += (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    w = w - lr * m_hat / (np.sqrt(v_hat) + eps)
    return w, {"t": t, "m": m, "v": v}


# %% wrong: eps under the root
def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
    s = state.get("s", np.zeros_like(w))
    s = rho * s + (1 - rho) * g**2
    return w - lr * g / (np.sqrt(s + eps)), {"s": s}


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    beta1, beta2 = betas
    t = state.get("t", 0) + 1
    m = state.get("m", np.zeros_like(w))
    v = state.get("v", np.zeros_like(w))
    if decoupled:
        w = (1 - lr * weight_decay) * w
    else:
        g = g + weight_decay * w
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    w = w - lr * m_hat / (np.sqrt(v_hat + eps))
    return w, {"t": t, "m": m, "v": v}


# %% wrong: eps is added before the bias correction of v
def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
    s = state.get("s", np.zeros_like(w))
    s = rho * s + (1 - rho) * g**2
    return w - lr * g / (np.sqrt(s) + eps), {"s": s}


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    beta1, beta2 = betas
    t = state.get("t", 0) + 1
    m = state.get("m", np.zeros_like(w))
    v = state.get("v", np.zeros_like(w))
    if decoupled:
        w = (1 - lr * weight_decay) * w
    else:
        g = g + weight_decay * w
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    w = w - lr * m_hat / (np.sqrt(v) + eps) * np.sqrt(1 - beta2**t)
    return w, {"t": t, "m": m, "v": v}


# %% wrong: averages of zeros(len(w)): vectors only
def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
    s = state.get("s", np.zeros(len(w)))
    s = rho * s + (1 - rho) * g**2
    return w - lr * g / (np.sqrt(s) + eps), {"s": s}


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    beta1, beta2 = betas
    t = state.get("t", 0) + 1
    m = state.get("m", np.zeros(len(w)))
    v = state.get("v", np.zeros(len(w)))
    if decoupled:
        w = (1 - lr * weight_decay) * w
    else:
        g = g + weight_decay * w
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    w = w - lr * m_hat / (np.sqrt(v_hat) + eps)
    return w, {"t": t, "m": m, "v": v}


# %% wrong: w is changed in place
def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
    s = state.get("s", np.zeros_like(w))
    s = rho * s + (1 - rho) * g**2
    w -= lr * g / (np.sqrt(s) + eps)
    return w, {"s": s}


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    beta1, beta2 = betas
    t = state.get("t", 0) + 1
    m = state.get("m", np.zeros_like(w))
    v = state.get("v", np.zeros_like(w))
    if decoupled:
        w *= 1 - lr * weight_decay
    else:
        g = g + weight_decay * w
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    w -= lr * m_hat / (np.sqrt(v_hat) + eps)
    return w, {"t": t, "m": m, "v": v}


# %% wrong: the decoupled decay forgets lr
def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
    s = state.get("s", np.zeros_like(w))
    s = rho * s + (1 - rho) * g**2
    return w - lr * g / (np.sqrt(s) + eps), {"s": s}


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    beta1, beta2 = betas
    t = state.get("t", 0) + 1
    m = state.get("m", np.zeros_like(w))
    v = state.get("v", np.zeros_like(w))
    if decoupled:
        w = (1 - weight_decay) * w
    else:
        g = g + weight_decay * w
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    w = w - lr * m_hat / (np.sqrt(v_hat) + eps)
    return w, {"t": t, "m": m, "v": v}


# %% wrong: the L2 part enters m but not v
def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
    s = state.get("s", np.zeros_like(w))
    s = rho * s + (1 - rho) * g**2
    return w - lr * g / (np.sqrt(s) + eps), {"s": s}


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    beta1, beta2 = betas
    t = state.get("t", 0) + 1
    m = state.get("m", np.zeros_like(w))
    v = state.get("v", np.zeros_like(w))
    if decoupled:
        w = (1 - lr * weight_decay) * w
    m = beta1 * m + (1 - beta1) * (g if decoupled else g + weight_decay * w)
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    w = w - lr * m_hat / (np.sqrt(v_hat) + eps)
    return w, {"t": t, "m": m, "v": v}


# %% wrong: v is not bias-corrected
def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
    s = state.get("s", np.zeros_like(w))
    s = rho * s + (1 - rho) * g**2
    return w - lr * g / (np.sqrt(s) + eps), {"s": s}


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    beta1, beta2 = betas
    t = state.get("t", 0) + 1
    m = state.get("m", np.zeros_like(w))
    v = state.get("v", np.zeros_like(w))
    if decoupled:
        w = (1 - lr * weight_decay) * w
    else:
        g = g + weight_decay * w
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v
    w = w - lr * m_hat / (np.sqrt(v_hat) + eps)
    return w, {"t": t, "m": m, "v": v}


# %% wrong: decoupled is ignored, always AdamW
def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
    s = state.get("s", np.zeros_like(w))
    s = rho * s + (1 - rho) * g**2
    return w - lr * g / (np.sqrt(s) + eps), {"s": s}


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    beta1, beta2 = betas
    t = state.get("t", 0) + 1
    m = state.get("m", np.zeros_like(w))
    v = state.get("v", np.zeros_like(w))
    w = (1 - lr * weight_decay) * w
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    w = w - lr * m_hat / (np.sqrt(v_hat) + eps)
    return w, {"t": t, "m": m, "v": v}


# %% wrong: the decay comes after the step, from the new w
def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
    s = state.get("s", np.zeros_like(w))
    s = rho * s + (1 - rho) * g**2
    return w - lr * g / (np.sqrt(s) + eps), {"s": s}


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    beta1, beta2 = betas
    t = state.get("t", 0) + 1
    m = state.get("m", np.zeros_like(w))
    v = state.get("v", np.zeros_like(w))
    if not decoupled:
        g = g + weight_decay * w
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    w = w - lr * m_hat / (np.sqrt(v_hat) + eps)
    if decoupled:
        w = (1 - lr * weight_decay) * w
    return w, {"t": t, "m": m, "v": v}


# %% wrong: the stub's default is rho=0.99 - here it is 0.9
def rmsprop_step(w, g, state, lr, rho=0.9, eps=1e-8):
    s = rho * state.get("s", np.zeros_like(g)) + (1 - rho) * g**2
    return w - lr * g / (np.sqrt(s) + eps), {"s": s}


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    t = state.get("t", 0) + 1
    if decoupled:
        w = (1 - lr * weight_decay) * w
    else:
        g = g + weight_decay * w
    m = betas[0] * state.get("m", np.zeros_like(g)) + (1 - betas[0]) * g
    v = betas[1] * state.get("v", np.zeros_like(g)) + (1 - betas[1]) * g**2
    m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
    return w - lr * m_hat / (np.sqrt(v_hat) + eps), {"m": m, "v": v, "t": t}


# %% wrong: w and g are of any one shape - a 0-d w comes back with shape (1,)
def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
    w, g = np.atleast_1d(w), np.atleast_1d(g)
    s = rho * state.get("s", np.zeros_like(g)) + (1 - rho) * g**2
    return w - lr * g / (np.sqrt(s) + eps), {"s": s}


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    w, g = np.atleast_1d(w), np.atleast_1d(g)
    t = state.get("t", 0) + 1
    if decoupled:
        w = (1 - lr * weight_decay) * w
    else:
        g = g + weight_decay * w
    m = betas[0] * state.get("m", np.zeros_like(g)) + (1 - betas[0]) * g
    v = betas[1] * state.get("v", np.zeros_like(g)) + (1 - betas[1]) * g**2
    m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
    return w - lr * m_hat / (np.sqrt(v_hat) + eps), {"m": m, "v": v, "t": t}
