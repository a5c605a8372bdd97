# %% right: the state keeps all gradients so far, the averages are worked out anew as weighted sums
def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
    seen = (*state.get("seen", ()), np.array(g))
    weights = (1 - rho) * rho ** np.arange(len(seen) - 1, -1, -1.0)
    s = sum(weight * old**2 for weight, old in zip(weights, seen))
    return w - lr * g / (np.sqrt(s) + eps), {"seen": seen}


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    if decoupled:
        w = (1 - lr * weight_decay) * w
    else:
        g = g + weight_decay * w
    seen = (*state.get("seen", ()), np.array(g))
    t = len(seen)
    sums = []
    for power, beta in enumerate(betas, start=1):
        weights = (1 - beta) * beta ** np.arange(t - 1, -1, -1.0)
        sums.append(sum(weight * old**power for weight, old in zip(weights, seen)) / (1 - beta**t))
    return w - lr * sums[0] / (np.sqrt(sums[1]) + eps), {"seen": seen}


# %% right: torch tensors in the state, lerp and addcmul on clones
def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
    slope = torch.tensor(g, dtype=torch.float64)
    s = state["s"].clone() if state else torch.zeros_like(slope)
    s.mul_(rho).addcmul_(slope, slope, value=1 - rho)
    step = slope.div(s.sqrt().add(eps)).mul(lr)
    return (torch.tensor(w, dtype=torch.float64) - step).numpy(), {"s": s}


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    weight, slope = torch.tensor(w, dtype=torch.float64), torch.tensor(g, dtype=torch.float64)
    if weight_decay and decoupled:
        weight.mul_(1 - lr * weight_decay)
    elif weight_decay:
        slope.add_(weight, alpha=weight_decay)
    m = state["m"].clone() if state else torch.zeros_like(slope)
    v = state["v"].clone() if state else torch.zeros_like(slope)
    t = state.get("t", 0) + 1
    m.lerp_(slope, 1 - betas[0])
    v.mul_(betas[1]).addcmul_(slope, slope, value=1 - betas[1])
    below = (v / (1 - betas[1] ** t)).sqrt_().add_(eps)
    weight.sub_(lr * (m / (1 - betas[0] ** t)) / below)
    return weight.numpy(), {"m": m, "v": v, "t": t}


# %% right: a frozen dataclass as the state's only entry, an average that corrects itself by its own weight
import dataclasses


@dataclasses.dataclass(frozen=True)
class _Average:
    total: object = 0.0
    weight: float = 0.0

    def __matmul__(self, news):
        beta, value = news
        return _Average(beta * self.total + (1 - beta) * value, beta * self.weight + (1 - beta))

    def corrected(self):
        return self.total / self.weight


def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
    average = state.get("average", _Average()) @ (rho, np.square(g))
    return np.subtract(w, lr * np.divide(g, np.sqrt(average.total) + eps)), {"average": average}


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    slope = g if decoupled else g + weight_decay * w
    m, v = state.get("averages", (_Average(), _Average()))
    m, v = m @ (betas[0], slope), v @ (betas[1], np.square(slope))
    shrunk = w * (1 - lr * weight_decay if decoupled else 1)
    return shrunk - lr * m.corrected() / (np.sqrt(v.corrected()) + eps), {"averages": (m, v)}


# %% right: recursion down to single numbers, nested lists as state
def _each(one, w, g, kept):
    if np.ndim(w) == 0:
        return one(float(w), float(g), kept)
    pairs = [_each(one, w[i], g[i], kept[i] if kept else None) for i in range(len(w))]
    return [new for new, _ in pairs], [left for _, left in pairs]


def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
    def one(w, g, s):
        s = rho * (s or 0.0) + (1 - rho) * g * g
        return w - lr * g / (math.sqrt(s) + eps), s

    new, kept = _each(one, w, g, state.get("kept"))
    return np.array(new, dtype=np.float64).reshape(np.shape(w)), {"kept": kept}


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    b1, b2 = betas
    t = state.get("t", 0) + 1

    def one(w, g, pair):
        m, v = pair or (0.0, 0.0)
        if not decoupled:
            g += weight_decay * w
        else:
            w -= lr * weight_decay * w
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        return w - lr * (m / (1 - b1**t)) / (math.sqrt(v / (1 - b2**t)) + eps), (m, v)

    new, kept = _each(one, w, g, state.get("kept"))
    return np.array(new, dtype=np.float64).reshape(np.shape(w)), {"kept": kept, "t": t}


# %% wrong: change none of state, nor what is in it - m and v of the old state are written into
def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
    s = rho * state.get("s", np.zeros_like(g)) + (1 - rho) * g**2
    return w - lr * g / (np.sqrt(s) + eps), {"s": s}


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    t = state.get("t", 0) + 1
    if decoupled:
        w = (1 - lr * weight_decay) * w
    else:
        g = g + weight_decay * w
    m, v = state.get("m", np.zeros_like(g)), state.get("v", np.zeros_like(g))
    m *= betas[0]
    m += (1 - betas[0]) * g
    v *= betas[1]
    v += (1 - betas[1]) * g**2
    m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
    return w - lr * m_hat / (np.sqrt(v_hat) + eps), {"m": m, "v": v, "t": t}


# %% wrong: t is the step of this parameter, state {} is a first call - t is counted over all parameters together
def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
    s = rho * state.get("s", np.zeros_like(g)) + (1 - rho) * g**2
    return w - lr * g / (np.sqrt(s) + eps), {"s": s}


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    t = adam_step.t = adam_step.t + 1 if state else 1
    if decoupled:
        w = (1 - lr * weight_decay) * w
    else:
        g = g + weight_decay * w
    m = betas[0] * state.get("m", np.zeros_like(g)) + (1 - betas[0]) * g
    v = betas[1] * state.get("v", np.zeros_like(g)) + (1 - betas[1]) * g**2
    m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
    return w - lr * m_hat / (np.sqrt(v_hat) + eps), {"m": m, "v": v}


adam_step.t = 0


# %% wrong: change none of w - the decoupled decay shrinks the w passed in
def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
    s = rho * state.get("s", np.zeros_like(g)) + (1 - rho) * g**2
    return w - lr * g / (np.sqrt(s) + eps), {"s": s}


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    t = state.get("t", 0) + 1
    if decoupled:
        w *= 1 - lr * weight_decay
    else:
        g = g + weight_decay * w
    m = betas[0] * state.get("m", np.zeros_like(g)) + (1 - betas[0]) * g
    v = betas[1] * state.get("v", np.zeros_like(g)) + (1 - betas[1]) * g**2
    m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
    return w - lr * m_hat / (np.sqrt(v_hat) + eps), {"m": m, "v": v, "t": t}


# %% wrong: w is moved by eta, the lr of this call - the lr of the first call is kept in the state
def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
    s = rho * state.get("s", np.zeros_like(g)) + (1 - rho) * g**2
    return w - lr * g / (np.sqrt(s) + eps), {"s": s}


def adam_step(w, g, state, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=True):
    t, lr = state.get("t", 0) + 1, state.get("lr", lr)
    if decoupled:
        w = (1 - lr * weight_decay) * w
    else:
        g = g + weight_decay * w
    m = betas[0] * state.get("m", np.zeros_like(g)) + (1 - betas[0]) * g
    v = betas[1] * state.get("v", np.zeros_like(g)) + (1 - betas[1]) * g**2
    m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
    return w - lr * m_hat / (np.sqrt(v_hat) + eps), {"m": m, "v": v, "t": t, "lr": lr}


# %% wrong: float64 - the averages m and v are kept in float32 (overflow for huge g, 0 for tiny g)
def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
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
    with np.errstate(all="ignore"):
        m, v = np.float32(m), np.float32(v)
    m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
    return w - lr * m_hat / (np.sqrt(v_hat) + eps), {"m": m, "v": v, "t": t}


# %% wrong: m-hat = m / (1 - beta_1^t), v-hat = v / (1 - beta_2^t) - the corrections take 0.9 and 0.999 for any betas
def rmsprop_step(w, g, state, lr, rho=0.99, eps=1e-8):
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
    m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
    return w - lr * m_hat / (np.sqrt(v_hat) + eps), {"m": m, "v": v, "t": t}
