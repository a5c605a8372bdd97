# %% right: blind - torch autograd for both
def relu_backward(dA, Z):
    pre = torch.tensor(np.array(Z), dtype=torch.float64, requires_grad=True)
    (slopes,) = torch.autograd.grad(torch.relu(pre), pre, grad_outputs=torch.tensor(np.array(dA)))
    return slopes.numpy()


def softmax_ce_backward(logits, y):
    z = torch.tensor(np.array(logits), requires_grad=True)
    F.cross_entropy(z, torch.tensor(y.astype(np.int64)), reduction="mean").backward()
    return z.grad.numpy()


# %% right: blind - plain Python, number by number
def relu_backward(dA, Z):
    answer = []
    for slopes, values in zip(dA.tolist(), Z.tolist()):
        answer.append([])
        for slope, value in zip(slopes, values):
            if value > 0:
                answer[-1].append(slope)
            else:
                answer[-1].append(0.0)
    return np.array(answer, dtype=np.float64)


def softmax_ce_backward(logits, y):
    rows = []
    for row, label in zip(logits.tolist(), y.tolist()):
        top = max(row)
        powers = [math.exp(z - top) for z in row]
        total = math.fsum(powers)
        rows.append([(power / total - (1 if c == label else 0)) / len(logits) for c, power in enumerate(powers)])
    return np.array(rows, dtype=np.float64)


# %% right: blind - copy and cut; pairwise differences of the logits
def relu_backward(dA, Z):
    dZ = dA.copy()
    dZ[Z <= 0] = 0
    return dZ


def softmax_ce_backward(logits, y):
    classes = np.arange(logits.shape[1])
    hit = np.equal.outer(y, classes)
    with np.errstate(all="ignore"):
        gaps = logits[:, None, :] - logits[:, :, None]
        share = np.reciprocal(np.exp(gaps).sum(axis=-1))
    share = np.where(hit, 0.0, share)
    return (share - hit * share.sum(axis=-1, keepdims=True)) / np.float64(len(hit))


# %% right: blind - heaviside, and a clipped softmax collected column by column
def relu_backward(dA, Z):
    return np.multiply(dA, np.heaviside(Z, 0.5))


def softmax_ce_backward(logits, y):
    half = np.stack([z / 2 for z in logits.T])
    half = 2 * np.maximum(half - np.amax(half, axis=0), -370.0)
    weights = np.where(half > -740.0, np.exp(half), 0.0)
    out = np.zeros_like(logits, dtype=np.float64, order="C")
    for c, weight in enumerate(weights):
        out[:, c] = weight / weights.sum(0)
    np.subtract.at(out, (range(len(y)), y.astype(int)), 1.0)
    out *= 1 / len(y)
    return out


# %% wrong: the ReLU mask is made from dA, not from Z
def relu_backward(dA, Z):
    return dA * (dA > 0)


def softmax_ce_backward(logits, y):
    N, C = logits.shape
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    dZ = p.copy()
    dZ[np.arange(N), y] -= 1
    return dZ / N


# %% wrong: the slope of softmax is multiplied in a second time
def relu_backward(dA, Z):
    return dA * (Z > 0)


def softmax_ce_backward(logits, y):
    N, C = logits.shape
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    dZ = p.copy()
    dZ[np.arange(N), y] -= 1
    dZ = dZ / N
    return p * (dZ - (p * dZ).sum(axis=1, keepdims=True))


# %% wrong: the 1/N of the mean is missing
def relu_backward(dA, Z):
    return dA * (Z > 0)


def softmax_ce_backward(logits, y):
    N, C = logits.shape
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    dZ = p.copy()
    dZ[np.arange(N), y] -= 1
    return dZ


# %% wrong: the sign is reversed: one-hot minus p
def relu_backward(dA, Z):
    return dA * (Z > 0)


def softmax_ce_backward(logits, y):
    N, C = logits.shape
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    dZ = p.copy()
    dZ[np.arange(N), y] -= 1
    return -dZ / N


# %% wrong: the logarithm of the softmax is used, not the softmax
def relu_backward(dA, Z):
    return dA * (Z > 0)


def softmax_ce_backward(logits, y):
    N, C = logits.shape
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    dZ = np.log(p + 1e-300)
    dZ[np.arange(N), y] -= 1
    return dZ / N


# %% wrong: softmax without subtracting the maximum
def relu_backward(dA, Z):
    return dA * (Z > 0)


def softmax_ce_backward(logits, y):
    N, C = logits.shape
    p = np.exp(logits)
    p /= p.sum(axis=1, keepdims=True)
    dZ = p.copy()
    dZ[np.arange(N), y] -= 1
    return dZ / N


# %% wrong: it is divided by C, the number of classes, not by N
def relu_backward(dA, Z):
    return dA * (Z > 0)


def softmax_ce_backward(logits, y):
    N, C = logits.shape
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    dZ = p.copy()
    dZ[np.arange(N), y] -= 1
    return dZ / C


# %% wrong: the softmax runs over the samples, axis 0
def relu_backward(dA, Z):
    return dA * (Z > 0)


def softmax_ce_backward(logits, y):
    N, C = logits.shape
    p = np.exp(logits - logits.max(axis=0, keepdims=True))
    p /= p.sum(axis=0, keepdims=True)
    dZ = p.copy()
    dZ[np.arange(N), y] -= 1
    return dZ / N


# %% wrong: relu_backward sets zeros in dA itself
def relu_backward(dA, Z):
    dZ = dA
    dZ[Z <= 0] = 0
    return dZ


def softmax_ce_backward(logits, y):
    N, C = logits.shape
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    dZ = p.copy()
    dZ[np.arange(N), y] -= 1
    return dZ / N


# %% wrong: the maximum of all logits is subtracted, not that of the row
def relu_backward(dA, Z):
    return dA * (Z > 0)


def softmax_ce_backward(logits, y):
    N, C = logits.shape
    p = np.exp(logits - logits.max())
    p /= p.sum(axis=1, keepdims=True)
    dZ = p.copy()
    dZ[np.arange(N), y] -= 1
    return dZ / N


# %% wrong: the one-hot labels have y.max() + 1 columns, not C
def relu_backward(dA, Z):
    return dA * (Z > 0)


def softmax_ce_backward(logits, y):
    N, C = logits.shape
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    dZ = p.copy()
    dZ = p - np.eye(int(y.max()) + 1)[y]
    return dZ / N


# %% wrong: 1 is subtracted in all columns that occur in y, for every sample
def relu_backward(dA, Z):
    return dA * (Z > 0)


def softmax_ce_backward(logits, y):
    N, C = logits.shape
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    dZ = p.copy()
    dZ[:, y] -= 1
    return dZ / N
