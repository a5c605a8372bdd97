# %% right: blind - logaddexp reduced over the gaps to the right logit
def cross_entropy_logits(logits, y, reduction="mean"):
    if not isinstance(y, np.ndarray) or y.dtype.kind not in "iu" or y.shape != logits.shape[:1]:
        raise ValueError("y must be an array of N integers")
    N, C = logits.shape
    if np.any(y < 0) or np.any(y >= C):
        raise ValueError(f"labels must be from 0 to {C - 1}")
    gaps = logits - logits[np.arange(N), y][:, None]
    losses = np.logaddexp.reduce(gaps, axis=1)
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    if reduction == "mean":
        return losses.mean()
    raise ValueError(f"unknown reduction {reduction}")


def binary_cross_entropy_logits(z, y):
    sign = np.where(np.asarray(y) == 1, -1.0, 1.0)
    return np.logaddexp(0.0, sign * z).mean()


# %% right: blind - PyTorch in float64
def tensor64(array):
    return torch.tensor(np.array(array, dtype=np.float64, order="C"))


def cross_entropy_logits(logits, y, reduction="mean"):
    scores = tensor64(logits)
    labels_ok = (
        isinstance(y, np.ndarray)
        and np.issubdtype(y.dtype, np.integer)
        and y.shape == (scores.shape[0],)
        and 0 <= int(y.min())
        and int(y.max()) < scores.shape[1]
    )
    if not labels_ok or reduction not in ("mean", "sum", "none"):
        raise ValueError("wrong labels or wrong reduction")
    losses = F.cross_entropy(scores, torch.tensor(y.astype(np.int64)), reduction=reduction)
    return losses.numpy() if reduction == "none" else losses.item()


def binary_cross_entropy_logits(z, y):
    return F.binary_cross_entropy_with_logits(tensor64(z), tensor64(y)).item()


# %% right: blind - plain Python with a running maximum
import math
import statistics


def online(row, label):
    top, total = -math.inf, 0.0
    for logit in row:
        if logit > top:
            total *= math.exp(top - logit)
            top = logit
        total += math.exp(logit - top)
    return (top - row[label]) + math.log(total)


def cross_entropy_logits(logits, y, reduction="mean"):
    integers = isinstance(y, np.ndarray) and issubclass(y.dtype.type, np.integer)
    if not integers or y.ndim != 1 or len(y) != len(logits):
        raise ValueError("y")
    rows, labels = logits.tolist(), y.tolist()
    losses = []
    for row, label in zip(rows, labels):
        if label not in range(len(row)):
            raise ValueError(f"there is no class {label}")
        losses.append(online(row, label))
    try:
        finish = {"mean": statistics.fmean, "sum": math.fsum, "none": np.array}[reduction]
    except (KeyError, TypeError):
        raise ValueError("reduction") from None
    return finish(losses)


def binary_cross_entropy_logits(z, y):
    losses = []
    for logit, label in zip(np.asarray(z).tolist(), np.asarray(y).tolist()):
        wrong_way = -logit if label else logit
        if wrong_way > 0:
            losses.append(wrong_way + math.log1p(math.exp(-wrong_way)))
        else:
            losses.append(math.log1p(math.exp(wrong_way)))
    return statistics.fmean(losses)


# %% right: blind - SciPy's log_softmax and log_expit with a one-hot mask
from scipy.special import log_expit, log_softmax


def check_labels(y, N, C):
    if type(y) is not np.ndarray:
        raise ValueError(f"y is a {type(y)}")
    if np.integer not in y.dtype.type.__mro__:
        raise ValueError(f"y has dtype {y.dtype}")
    if y.shape != (N,):
        raise ValueError(f"y has shape {y.shape}")
    if not np.isin(y, np.arange(C)).all():
        raise ValueError("y has labels that are no classes")


def cross_entropy_logits(logits, y, reduction="mean"):
    check_labels(y, *logits.shape)
    right = y.astype(np.intp)[:, np.newaxis] == np.arange(logits.shape[1])
    losses = np.abs(log_softmax(logits.astype(np.float64), axis=1)[right])
    match reduction:
        case "none":
            return losses
        case "sum" | "mean":
            return getattr(np, reduction)(losses)
        case other:
            raise ValueError(f"reduction may not be {other}")


def binary_cross_entropy_logits(z, y):
    z, y = np.asarray(z, dtype=np.float64), np.asarray(y, dtype=np.float64)
    return abs(np.mean(log_expit((2 * y - 1) * z)))


# %% right: blind - sorted logits, smallest terms first; the binary case as two classes
class Reduction:
    def __init__(self, name):
        self.power = dict(none=None, sum=0, mean=1).get(name, "bad") if isinstance(name, str) else "bad"
        if self.power == "bad":
            raise ValueError(f"bad reduction: {name}")

    def apply(self, losses):
        return losses if self.power is None else np.sum(losses) / losses.size**self.power


def cross_entropy_logits(logits, y, reduction="mean"):
    finish = Reduction(reduction)
    Z = np.array(logits, dtype=np.float64)
    good = isinstance(y, np.ndarray) and y.dtype.kind in "iu" and y.shape == Z[:, 0].shape
    if not good or not set(y.tolist()) <= set(range(Z.shape[1])):
        raise ValueError("y must hold one integer from 0 to C - 1 for each sample")
    chosen = np.take_along_axis(Z, y.astype(int).reshape(-1, 1), axis=1).squeeze(axis=1)
    Z.sort(axis=1)
    top = Z[:, -1]
    others = np.exp(Z[:, :-1] - Z[:, -1:]).cumsum(axis=1)
    tail = others[:, -1] if others.shape[1] else np.zeros(len(Z))
    return finish.apply(np.log1p(tail) + (top - chosen))


def binary_cross_entropy_logits(z, y):
    both = np.zeros((np.size(z), 2))
    both[:, 1] = z
    return cross_entropy_logits(both, np.rint(y).astype(np.int8))


# %% wrong: the largest of all logits is taken out, not the largest of each row
def reduced(losses, reduction):
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"unknown reduction {reduction}")


def check_labels(logits, y):
    N, C = logits.shape
    if not isinstance(y, np.ndarray) or y.shape != (N,) or not np.issubdtype(y.dtype, np.integer):
        raise ValueError("y must be an array of N integers")
    if np.any(y < 0) or np.any(y >= C):
        raise ValueError("a label is out of range")


def cross_entropy_logits(logits, y, reduction="mean"):
    check_labels(logits, y)
    shifted = logits - logits.max()
    log_sum = np.log(np.exp(shifted).sum(axis=1))
    return reduced(log_sum - shifted[np.arange(len(y)), y], reduction)


def binary_cross_entropy_logits(z, y):
    return np.mean(np.where(y == 1, np.logaddexp(0, -z), np.logaddexp(0, z)))


# %% wrong: the binary loss is the formula as it stands, which overflows
def reduced(losses, reduction):
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"unknown reduction {reduction}")


def check_labels(logits, y):
    N, C = logits.shape
    if not isinstance(y, np.ndarray) or y.shape != (N,) or not np.issubdtype(y.dtype, np.integer):
        raise ValueError("y must be an array of N integers")
    if np.any(y < 0) or np.any(y >= C):
        raise ValueError("a label is out of range")


def cross_entropy_logits(logits, y, reduction="mean"):
    check_labels(logits, y)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1))
    return reduced(log_sum - shifted[np.arange(len(y)), y], reduction)


def binary_cross_entropy_logits(z, y):
    return np.mean(np.where(y == 1, np.log(1 + np.exp(-z)), np.log(1 + np.exp(z))))


# %% wrong: only labels of the type int64 are accepted
def reduced(losses, reduction):
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"unknown reduction {reduction}")


def check_labels(logits, y):
    N, C = logits.shape
    if not isinstance(y, np.ndarray) or y.shape != (N,) or y.dtype != int:
        raise ValueError("y must be an array of N integers")
    if np.any(y < 0) or np.any(y >= C):
        raise ValueError("a label is out of range")


def cross_entropy_logits(logits, y, reduction="mean"):
    check_labels(logits, y)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1))
    return reduced(log_sum - shifted[np.arange(len(y)), y], reduction)


def binary_cross_entropy_logits(z, y):
    return np.mean(np.where(y == 1, np.logaddexp(0, -z), np.logaddexp(0, z)))


# %% wrong: softmax is applied before the loss, which applies it again
def reduced(losses, reduction):
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"unknown reduction {reduction}")


def check_labels(logits, y):
    N, C = logits.shape
    if not isinstance(y, np.ndarray) or y.shape != (N,) or not np.issubdtype(y.dtype, np.integer):
        raise ValueError("y must be an array of N integers")
    if np.any(y < 0) or np.any(y >= C):
        raise ValueError("a label is out of range")


def cross_entropy_logits(logits, y, reduction="mean"):
    check_labels(logits, y)
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    log_sum = np.log(np.exp(p).sum(axis=1))
    return reduced(log_sum - p[np.arange(len(y)), y], reduction)


def binary_cross_entropy_logits(z, y):
    return np.mean(np.where(y == 1, np.logaddexp(0, -z), np.logaddexp(0, z)))


# %% wrong: the right logits are picked by logits[:, y], for every pair of samples
def reduced(losses, reduction):
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"unknown reduction {reduction}")


def check_labels(logits, y):
    N, C = logits.shape
    if not isinstance(y, np.ndarray) or y.shape != (N,) or not np.issubdtype(y.dtype, np.integer):
        raise ValueError("y must be an array of N integers")
    if np.any(y < 0) or np.any(y >= C):
        raise ValueError("a label is out of range")


def cross_entropy_logits(logits, y, reduction="mean"):
    check_labels(logits, y)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1))
    return reduced(log_sum - shifted[:, y], reduction)


def binary_cross_entropy_logits(z, y):
    return np.mean(np.where(y == 1, np.logaddexp(0, -z), np.logaddexp(0, z)))


# %% wrong: the exponentials are taken of the logits as they are
def reduced(losses, reduction):
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"unknown reduction {reduction}")


def check_labels(logits, y):
    N, C = logits.shape
    if not isinstance(y, np.ndarray) or y.shape != (N,) or not np.issubdtype(y.dtype, np.integer):
        raise ValueError("y must be an array of N integers")
    if np.any(y < 0) or np.any(y >= C):
        raise ValueError("a label is out of range")


def cross_entropy_logits(logits, y, reduction="mean"):
    check_labels(logits, y)
    log_sum = np.log(np.exp(logits).sum(axis=1))
    return reduced(log_sum - logits[np.arange(len(y)), y], reduction)


def binary_cross_entropy_logits(z, y):
    return np.mean(np.where(y == 1, np.logaddexp(0, -z), np.logaddexp(0, z)))


# %% wrong: the probability is clipped at 1e-15 before the logarithm
def reduced(losses, reduction):
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"unknown reduction {reduction}")


def check_labels(logits, y):
    N, C = logits.shape
    if not isinstance(y, np.ndarray) or y.shape != (N,) or not np.issubdtype(y.dtype, np.integer):
        raise ValueError("y must be an array of N integers")
    if np.any(y < 0) or np.any(y >= C):
        raise ValueError("a label is out of range")


def cross_entropy_logits(logits, y, reduction="mean"):
    check_labels(logits, y)
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    p = np.clip(p, 1e-15, 1 - 1e-15)
    return reduced(-np.log(p[np.arange(len(y)), y]), reduction)


def binary_cross_entropy_logits(z, y):
    return np.mean(np.where(y == 1, np.logaddexp(0, -z), np.logaddexp(0, z)))


# %% wrong: the mean runs over the one-hot table of N times C
def reduced(losses, reduction):
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"unknown reduction {reduction}")


def check_labels(logits, y):
    N, C = logits.shape
    if not isinstance(y, np.ndarray) or y.shape != (N,) or not np.issubdtype(y.dtype, np.integer):
        raise ValueError("y must be an array of N integers")
    if np.any(y < 0) or np.any(y >= C):
        raise ValueError("a label is out of range")


def cross_entropy_logits(logits, y, reduction="mean"):
    check_labels(logits, y)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    table = -np.eye(logits.shape[1])[y] * log_p
    return reduced(table.sum(axis=1) if reduction == "none" else table, reduction)


def binary_cross_entropy_logits(z, y):
    return np.mean(np.where(y == 1, np.logaddexp(0, -z), np.logaddexp(0, z)))


# %% wrong: the sum of exponentials runs over the samples, not over the classes
def reduced(losses, reduction):
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"unknown reduction {reduction}")


def check_labels(logits, y):
    N, C = logits.shape
    if not isinstance(y, np.ndarray) or y.shape != (N,) or not np.issubdtype(y.dtype, np.integer):
        raise ValueError("y must be an array of N integers")
    if np.any(y < 0) or np.any(y >= C):
        raise ValueError("a label is out of range")


def cross_entropy_logits(logits, y, reduction="mean"):
    check_labels(logits, y)
    shifted = logits - logits.max(axis=0)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=0))
    return reduced(-log_p[np.arange(len(y)), y], reduction)


def binary_cross_entropy_logits(z, y):
    return np.mean(np.where(y == 1, np.logaddexp(0, -z), np.logaddexp(0, z)))


# %% wrong: label -1 is accepted and means the last class
def reduced(losses, reduction):
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"unknown reduction {reduction}")


def check_labels(logits, y):
    N, C = logits.shape
    if not isinstance(y, np.ndarray) or y.shape != (N,) or not np.issubdtype(y.dtype, np.integer):
        raise ValueError("y must be an array of N integers")
    if np.any(y >= C):
        raise ValueError("a label is out of range")


def cross_entropy_logits(logits, y, reduction="mean"):
    check_labels(logits, y)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1))
    return reduced(log_sum - shifted[np.arange(len(y)), y], reduction)


def binary_cross_entropy_logits(z, y):
    return np.mean(np.where(y == 1, np.logaddexp(0, -z), np.logaddexp(0, z)))


# %% wrong: the binary loss exchanges yes and no
def reduced(losses, reduction):
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"unknown reduction {reduction}")


def check_labels(logits, y):
    N, C = logits.shape
    if not isinstance(y, np.ndarray) or y.shape != (N,) or not np.issubdtype(y.dtype, np.integer):
        raise ValueError("y must be an array of N integers")
    if np.any(y < 0) or np.any(y >= C):
        raise ValueError("a label is out of range")


def cross_entropy_logits(logits, y, reduction="mean"):
    check_labels(logits, y)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1))
    return reduced(log_sum - shifted[np.arange(len(y)), y], reduction)


def binary_cross_entropy_logits(z, y):
    return np.mean(np.where(y == 1, np.logaddexp(0, z), np.logaddexp(0, -z)))
