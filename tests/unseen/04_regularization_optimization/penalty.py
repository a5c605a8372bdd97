# %% right: torch autograd finds the slopes, penalty is a recursion over the layers
def penalty(params, l1=0.0, l2=0.0):
    if not params:
        return 0.0
    (W, _), *rest = params
    own = l1 * math.fsum(np.abs(W).ravel()) + l2 / 2 * math.fsum(np.square(W).ravel())
    return float(own) + penalty(rest, l1, l2)


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    leaves = [torch.tensor(W, dtype=torch.float64, requires_grad=True) for W, _ in params]
    total = sum(l1 * leaf.abs().sum() + l2 / 2 * (leaf * leaf).sum() for leaf in leaves)
    slopes = torch.autograd.grad(total, leaves)
    return [(dW + slope.numpy(), db.copy()) for (dW, db), slope in zip(grads, slopes)]


# %% right: one flat vector of all weights, cut into pieces again, copysign so that 0 gets the slope l1 or -l1
def _flat(pairs):
    return np.concatenate([np.ravel(first) for first, _ in pairs])


def penalty(params, l1=0.0, l2=0.0):
    w = _flat(params)
    return (l1 * np.linalg.norm(w, 1) + l2 / 2 * (w @ w)).item()


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    w = _flat(params)
    summed = _flat(grads) + np.copysign(l1, w) + l2 * w
    cuts = np.cumsum([W.size for W, _ in params])[:-1]
    pieces = np.split(summed, cuts)
    return [(piece.reshape(dW.shape), db) for piece, (dW, db) in zip(pieces, grads)]


# %% right: a dataclass with operators, a generator and deep copies changed in place
import dataclasses


@dataclasses.dataclass(frozen=True)
class _Sizes:
    one: float = 0.0
    two: float = 0.0

    def __add__(self, other):
        return _Sizes(self.one + other.one, self.two + other.two)


def penalty(params, l1=0.0, l2=0.0):
    sizes = functools.reduce(
        lambda a, b: a + b, (_Sizes(float(np.sum(abs(W))), float(np.sum(W**2))) for W, b in params), _Sizes()
    )
    return float(sizes.one * l1 + sizes.two * 0.5 * l2)


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    own = [(dW.copy(), db.copy()) for dW, db in grads]
    for (dW, _), (W, _) in zip(own, params):
        dW += l2 * W
        dW[W > 0] += l1
        dW[W <= 0] -= l1
    return own


# %% right: loops over single entries, pairs as lists
def penalty(params, l1=0.0, l2=0.0):
    total = 0.0
    for W, _ in params:
        for w in W.flat:
            total += l1 * max(w, -w) + l2 * w * w / 2
    return float(total)


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    result = []
    for k in range(len(grads)):
        dW, W = np.array(grads[k][0]), params[k][0]
        for place in np.ndindex(W.shape):
            w = W[place]
            dW[place] += l1 * ((w > 0) - 0.5 * (w <= 0) - 0.5 * (w < 0)) + l2 * w
        result.append((dW, np.array(grads[k][1])))
    return result


# %% wrong: at a weight of exactly 0 the slope is nan (w / |w|), not within -l1 to l1
def penalty(params, l1=0.0, l2=0.0):
    return float(sum(l1 * np.abs(W).sum() + l2 / 2 * (W**2).sum() for W, _ in params))


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    with np.errstate(all="ignore"):
        return [(dW + l1 * W / np.abs(W) + l2 * W, db) for (dW, db), (W, _) in zip(grads, params)]


# %% wrong: l1 sum |w| PLUS l2 / 2 sum w^2 - with both given, only the L1 part is returned
def penalty(params, l1=0.0, l2=0.0):
    if l1:
        return float(l1 * sum(np.abs(W).sum() for W, _ in params))
    return float(l2 / 2 * sum((W**2).sum() for W, _ in params))


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    return [(dW + l1 * np.sign(W) + l2 * W, db) for (dW, db), (W, _) in zip(grads, params)]


# %% wrong: the weights of ALL layers - only the first and the last one count (one layer counts twice)
def penalty(params, l1=0.0, l2=0.0):
    return float(sum(l1 * np.abs(W).sum() + l2 / 2 * (W**2).sum() for W, _ in (params[0], params[-1])))


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    return [(dW + l1 * np.sign(W) + l2 * W, db) for (dW, db), (W, _) in zip(grads, params)]


# %% wrong: the slope of l1 |w| is l1 sign(w) - it fades for weights smaller than 1
def penalty(params, l1=0.0, l2=0.0):
    return float(sum(l1 * np.abs(W).sum() + l2 / 2 * (W**2).sum() for W, _ in params))


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    return [(dW + l1 * np.clip(W, -1, 1) + l2 * W, db) for (dW, db), (W, _) in zip(grads, params)]


# %% wrong: biases do not count - the slopes of all biases but the last layer's get the L2 part
def penalty(params, l1=0.0, l2=0.0):
    return float(sum(l1 * np.abs(W).sum() + l2 / 2 * (W**2).sum() for W, _ in params))


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    new = [(dW + l1 * np.sign(W) + l2 * W, db + l2 * b) for (dW, db), (W, b) in zip(grads, params)]
    new[-1] = (new[-1][0], grads[-1][1])
    return new


# %% wrong: the stub's defaults are l1=0.0, l2=0.0 - add_penalty_grads has l2=0.01
def penalty(params, l1=0.0, l2=0.0):
    return float(sum(l1 * np.abs(W).sum() + l2 / 2 * (W**2).sum() for W, _ in params))


def add_penalty_grads(grads, params, l1=0.0, l2=0.01):
    return [(dW + l1 * np.sign(W) + l2 * W, db) for (dW, db), (W, _) in zip(grads, params)]


# %% wrong: "as a float" - a 0-d float64 array that is kept and rewritten by the next call
_total = np.zeros(())


def penalty(params, l1=0.0, l2=0.0):
    _total[...] = sum(l1 * np.abs(W).sum() + l2 / 2 * (W**2).sum() for W, _ in params)
    return _total


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    return [(dW + l1 * np.sign(W) + l2 * W, db) for (dW, db), (W, _) in zip(grads, params)]
