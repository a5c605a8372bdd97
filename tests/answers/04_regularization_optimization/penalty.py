# %% right: blind - nested loops over single weights, math.copysign for the slope (also at 0)
def penalty(params, l1=0.0, l2=0.0):
    total = 0.0
    for weights, _ in params:
        for w in weights.flat:
            total += l1 * abs(float(w))
            total += 0.5 * l2 * float(w) * float(w)
    return float(total)


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    result = []
    for layer in range(len(grads)):
        weights = params[layer][0]
        slope = grads[layer][0].copy()
        for index in np.ndindex(*weights.shape):
            slope[index] += math.copysign(l1, weights[index])
            slope[index] += l2 * weights[index]
        result.append((slope, grads[layer][1].copy()))
    return result


# %% right: blind - autograd of PyTorch
def _penalty_tensor(matrices, l1, l2):
    return torch.stack([l1 * m.abs().sum() + l2 / 2 * m.square().sum() for m in matrices]).sum()


def penalty(params, l1=0.0, l2=0.0):
    return _penalty_tensor([torch.tensor(np.array(pair[0])) for pair in params], l1, l2).item()


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    leaves = [torch.tensor(np.array(pair[0]), dtype=torch.float64, requires_grad=True) for pair in params]
    _penalty_tensor(leaves, l1, l2).backward()
    return [(leaf.grad.numpy() + old[0], np.array(old[1])) for leaf, old in zip(leaves, grads)]


# %% right: blind - one flat vector of all weights, norms, split again
def penalty(params, l1=0.0, l2=0.0):
    flat = np.concatenate([np.ravel(W) for W, b in params])
    return float(l1 * np.linalg.norm(flat, 1) + l2 * np.vdot(flat, flat) / 2)


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    Ws, _ = zip(*params)
    dWs, dbs = zip(*grads)
    ends = np.cumsum([W.size for W in Ws])[:-1]
    w = np.hstack([W.ravel() for W in Ws])
    slopes = np.hstack([dW.ravel() for dW in dWs]) + l2 * w
    slopes[w > 0] += l1
    slopes[w < 0] -= l1
    pieces = np.split(slopes, ends)
    return [(piece.reshape(dW.shape), db + 0.0) for piece, dW, db in zip(pieces, dWs, dbs)]


# %% right: blind - recursion over the layers, traces and einsum
def penalty(params, l1=0.0, l2=0.0):
    if not params:
        return 0.0
    (W, _), *rest = params
    own = l1 * np.trace(np.sign(W).T @ W) + l2 * np.einsum("ij,ij->", W, W) / 2
    return float(own) + penalty(rest, l1, l2)


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    if len(grads) == 0:
        return []
    return [
        (np.add(grads[0][0], np.subtract(np.multiply(W, l2), l1 * (1 - 2 * (W > 0)))), grads[0][1] * 1)
        for W in (params[0][0],)
    ] + add_penalty_grads(grads[1:], params[1:], l1, l2)


# %% right: blind - class of a penalty term with value and slope, summed with reduce
class Term:
    def __init__(self, strength, value, slope):
        self.strength, self.value, self.slope = strength, value, slope

    def of(self, W):
        return self.strength * self.value(W).sum()

    def pull(self, W):
        return self.strength * self.slope(W)


def terms(l1, l2):
    yield Term(l1, np.abs, np.sign)
    yield Term(l2, lambda W: np.square(W) / 2, lambda W: W)


def penalty(params, l1=0.0, l2=0.0):
    return float(sum(term.of(W) for term in terms(l1, l2) for W, _ in params))


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    def penalized(both):
        (dW, db), (W, _) = both
        return functools.reduce(lambda so_far, term: so_far + term.pull(W), terms(l1, l2), dW), db.copy()

    return list(map(penalized, zip(grads, params)))


# %% wrong: L1 or L2, never both at once
def penalty(params, l1=0.0, l2=0.0):
    total = 0.0
    for W, b in params:
        if l1 > 0:
            total += l1 * np.sum(np.abs(W))
        elif l2 > 0:
            total += l2 / 2 * np.sum(W**2)
    return float(total)


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    new = []
    for (dW, db), (W, b) in zip(grads, params):
        new.append((dW + l1 * np.sign(W) + l2 * W, db))
    return new


# %% wrong: the sign is W / |W|, which is NaN at 0
def penalty(params, l1=0.0, l2=0.0):
    total = 0.0
    for W, b in params:
        total += l1 * np.sum(np.abs(W))
        total += l2 / 2 * np.sum(W**2)
    return float(total)


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    new = []
    for (dW, db), (W, b) in zip(grads, params):
        new.append((dW + l1 * W / np.abs(W) + l2 * W, db))
    return new


# %% wrong: a small eps in the sign takes small weights for none
def penalty(params, l1=0.0, l2=0.0):
    total = 0.0
    for W, b in params:
        total += l1 * np.sum(np.abs(W))
        total += l2 / 2 * np.sum(W**2)
    return float(total)


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    new = []
    for (dW, db), (W, b) in zip(grads, params):
        new.append((dW + l1 * W / (np.abs(W) + 1e-8) + l2 * W, db))
    return new


# %% wrong: written for exactly two layers
def penalty(params, l1=0.0, l2=0.0):
    total = 0.0
    (W1, _), (W2, _) = params
    for W in (W1, W2):
        total += l1 * np.sum(np.abs(W))
        total += l2 / 2 * np.sum(W**2)
    return float(total)


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    new = []
    for (dW, db), (W, b) in zip(grads, params):
        new.append((dW + l1 * np.sign(W) + l2 * W, db))
    return new


# %% wrong: the L1 penalty by np.linalg.norm(W, 1), the largest column sum
def penalty(params, l1=0.0, l2=0.0):
    total = 0.0
    for W, b in params:
        total += l1 * np.linalg.norm(W, 1)
        total += l2 / 2 * np.sum(W**2)
    return float(total)


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    new = []
    for (dW, db), (W, b) in zip(grads, params):
        new.append((dW + l1 * np.sign(W) + l2 * W, db))
    return new


# %% wrong: |w| is written into the weights themselves
def penalty(params, l1=0.0, l2=0.0):
    total = 0.0
    for W, b in params:
        total += l1 * np.sum(np.abs(W, out=W))
        total += l2 / 2 * np.sum(W**2)
    return float(total)


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    new = []
    for (dW, db), (W, b) in zip(grads, params):
        new.append((dW + l1 * np.sign(W) + l2 * W, db))
    return new


# %% wrong: the mean over the weights instead of the sum
def penalty(params, l1=0.0, l2=0.0):
    total = 0.0
    for W, b in params:
        total += l1 * np.mean(np.abs(W))
        total += l2 / 2 * np.mean(W**2)
    return float(total)


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    new = []
    for (dW, db), (W, b) in zip(grads, params):
        new.append((dW + l1 * np.sign(W) + l2 * W, db))
    return new


# %% wrong: the L1 slope is l1 for every weight, no sign
def penalty(params, l1=0.0, l2=0.0):
    total = 0.0
    for W, b in params:
        total += l1 * np.sum(np.abs(W))
        total += l2 / 2 * np.sum(W**2)
    return float(total)


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    new = []
    for (dW, db), (W, b) in zip(grads, params):
        new.append((dW + l1 + l2 * W, db))
    return new


# %% wrong: the slopes are subtracted, as in a step
def penalty(params, l1=0.0, l2=0.0):
    total = 0.0
    for W, b in params:
        total += l1 * np.sum(np.abs(W))
        total += l2 / 2 * np.sum(W**2)
    return float(total)


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    new = []
    for (dW, db), (W, b) in zip(grads, params):
        new.append((dW - l1 * np.sign(W) - l2 * W, db))
    return new


# %% wrong: the factor 1/2 stays in the slope of L2
def penalty(params, l1=0.0, l2=0.0):
    total = 0.0
    for W, b in params:
        total += l1 * np.sum(np.abs(W))
        total += l2 / 2 * np.sum(W**2)
    return float(total)


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    new = []
    for (dW, db), (W, b) in zip(grads, params):
        new.append((dW + l1 * np.sign(W) + l2 / 2 * W, db))
    return new


# %% wrong: dW is changed in place
def penalty(params, l1=0.0, l2=0.0):
    total = 0.0
    for W, b in params:
        total += l1 * np.sum(np.abs(W))
        total += l2 / 2 * np.sum(W**2)
    return float(total)


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    new = []
    for (dW, db), (W, b) in zip(grads, params):
        dW += l1 * np.sign(W) + l2 * W
        new.append((dW, db))
    return new


# %% wrong: changes an input - dW of every layer after the first is written into
def penalty(params, l1=0.0, l2=0.0):
    return float(sum(l1 * np.abs(W).sum() + l2 / 2 * (W**2).sum() for W, _ in params))


def add_penalty_grads(grads, params, l1=0.0, l2=0.0):
    new = [(grads[0][0].copy(), grads[0][1].copy()), *grads[1:]]
    for (dW, _), (W, _) in zip(new, params):
        dW += l1 * np.sign(W) + l2 * W
    return new
