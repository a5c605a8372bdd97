# %% right: logaddexp.reduce over the gaps to the right logit
def cross_entropy_logits(logits, y, reduction="mean"):
    N, C = logits.shape
    if not isinstance(y, np.ndarray) or y.shape != (N,) or not np.issubdtype(y.dtype, np.integer):
        raise ValueError("y must be an array of N integers")
    if np.any((y < 0) | (y >= C)):
        raise ValueError("a label is out of range")
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(reduction)
    right = np.take_along_axis(logits, y.astype(np.intp)[:, None], axis=1)
    losses = np.logaddexp.reduce(logits - right, axis=1)
    return losses if reduction == "none" else getattr(losses, reduction)()


def binary_cross_entropy_logits(z, y):
    return np.logaddexp(0, np.where(y == 1, -z, z)).mean()

# %% right: PyTorch in float64, labels looked over before
def cross_entropy_logits(logits, y, reduction="mean"):
    if reduction not in {"mean", "sum", "none"}:
        raise ValueError("reduction")
    if type(y) is not np.ndarray or y.dtype.kind not in "iu" or y.shape != logits.shape[:1]:
        raise ValueError("labels")
    if not set(y.tolist()) <= set(range(logits.shape[1])):
        raise ValueError("labels out of range")
    scores = torch.tensor(logits.tolist(), dtype=torch.float64)
    loss = F.cross_entropy(scores, torch.tensor(y.tolist()), reduction=reduction)
    return loss.numpy() if reduction == "none" else loss.item()


def binary_cross_entropy_logits(z, y):
    z, y = (torch.tensor(part.tolist(), dtype=torch.float64) for part in (z, y))
    return F.binary_cross_entropy_with_logits(z, y).item()

# %% right: sample by sample with math
import math


def cross_entropy_logits(logits, y, reduction="mean"):
    if not hasattr(y, "dtype") or y.dtype.kind not in "ui" or y.shape != (len(logits),):
        raise ValueError("y")
    losses = []
    for row, label in zip(logits.tolist(), y.tolist()):
        if not 0 <= label < len(row):
            raise ValueError(f"label {label}")
        top = max(row)
        losses.append(math.log(math.fsum(math.exp(z - top) for z in row)) + (top - row[label]))
    if reduction == "none":
        return np.array(losses)
    if reduction not in ("mean", "sum"):
        raise ValueError(reduction)
    return sum(losses) / (len(losses) if reduction == "mean" else 1)


def binary_cross_entropy_logits(z, y):
    total = 0.0
    for logit, label in zip(z.tolist(), y.tolist()):
        wrong = -logit if label else logit
        total += max(wrong, 0.0) + math.log1p(math.exp(-abs(wrong)))
    return total / len(z)

# %% right: a one-hot mask picks the right logit; the binary case has two logits
def cross_entropy_logits(logits, y, reduction="mean"):
    reduce = {"mean": np.mean, "sum": np.sum, "none": lambda losses: losses}.get(reduction)
    if reduce is None:
        raise ValueError("reduction")
    if not isinstance(y, np.ndarray) or y.ndim != 1 or len(y) != len(logits):
        raise ValueError("shape of y")
    if not np.can_cast(y.dtype, object) or not issubclass(y.dtype.type, np.integer):
        raise ValueError("dtype of y")
    hot = y[:, None] == np.arange(logits.shape[1])
    if not hot.any(axis=1).all():
        raise ValueError("range of y")
    below = logits - logits.max(axis=1, keepdims=True)
    return reduce(np.log(np.exp(below).sum(axis=1)) - np.where(hot, below, 0).sum(axis=1))


def binary_cross_entropy_logits(z, y):
    two = np.stack([np.zeros(len(z)), z], axis=1)
    return float(cross_entropy_logits(two, np.rint(y).astype(int)))

# %% wrong: the largest logit of the whole batch is taken out
def cross_entropy_logits(logits, y, reduction="mean"):
    N, C = logits.shape
    if y.shape != (N,) or y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= C:
        raise ValueError("labels")
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(reduction)
    below = logits - logits.max()
    losses = np.log(np.exp(below).sum(axis=1)) - below[np.arange(N), y]
    return losses if reduction == "none" else getattr(losses, reduction)()


def binary_cross_entropy_logits(z, y):
    return np.logaddexp(0, np.where(y == 1, -z, z)).mean()

# %% wrong: the number of labels is not compared with N
def cross_entropy_logits(logits, y, reduction="mean"):
    N, C = logits.shape
    if y.ndim != 1 or y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= C:
        raise ValueError("labels")
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(reduction)
    below = logits - logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(below).sum(axis=1)) - below[np.arange(N), y]
    return losses if reduction == "none" else getattr(losses, reduction)()


def binary_cross_entropy_logits(z, y):
    return np.logaddexp(0, np.where(y == 1, -z, z)).mean()

# %% wrong: sample numbers in the labels' small dtype
def cross_entropy_logits(logits, y, reduction="mean"):
    N, C = logits.shape
    if y.shape != (N,) or y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= C:
        raise ValueError("labels")
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(reduction)
    below = logits - logits.max(axis=1, keepdims=True)
    place = np.array([C], dtype=y.dtype) * np.arange(N).astype(y.dtype) + y
    losses = np.log(np.exp(below).sum(axis=1)) - below.ravel()[place]
    return losses if reduction == "none" else getattr(losses, reduction)()


def binary_cross_entropy_logits(z, y):
    return np.logaddexp(0, np.where(y == 1, -z, z)).mean()

# %% wrong: m is added back before the right logit is subtracted, which rounds in float32
def cross_entropy_logits(logits, y, reduction="mean"):
    N, C = logits.shape
    if y.shape != (N,) or y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= C:
        raise ValueError("labels")
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(reduction)
    m = logits.max(axis=1)
    losses = m + np.log(np.exp(logits - m[:, None]).sum(axis=1)) - logits[np.arange(N), y]
    return losses if reduction == "none" else getattr(losses, reduction)()


def binary_cross_entropy_logits(z, y):
    return np.logaddexp(0, np.where(y == 1, -z, z)).mean()

# %% wrong: the binary loss is right but warns of an overflow
def cross_entropy_logits(logits, y, reduction="mean"):
    N, C = logits.shape
    if y.shape != (N,) or y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= C:
        raise ValueError("labels")
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(reduction)
    below = logits - logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(below).sum(axis=1)) - below[np.arange(N), y]
    return losses if reduction == "none" else getattr(losses, reduction)()


def binary_cross_entropy_logits(z, y):
    s = np.where(y == 1, -z, z)
    return np.where(s > 30, s, np.log1p(np.exp(s))).mean()

# %% wrong: the binary loss asks (a), which refuses labels in float
def cross_entropy_logits(logits, y, reduction="mean"):
    N, C = logits.shape
    if y.shape != (N,) or y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= C:
        raise ValueError("labels")
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(reduction)
    below = logits - logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(below).sum(axis=1)) - below[np.arange(N), y]
    return losses if reduction == "none" else getattr(losses, reduction)()


def binary_cross_entropy_logits(z, y):
    return cross_entropy_logits(np.column_stack([np.zeros_like(z), z]), y)

# %% wrong: the binary loss turns the signs in z itself
def cross_entropy_logits(logits, y, reduction="mean"):
    N, C = logits.shape
    if y.shape != (N,) or y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= C:
        raise ValueError("labels")
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(reduction)
    below = logits - logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(below).sum(axis=1)) - below[np.arange(N), y]
    return losses if reduction == "none" else getattr(losses, reduction)()


def binary_cross_entropy_logits(z, y):
    np.negative(z, out=z, where=y == 1)
    return np.logaddexp(0, z).mean()

# %% wrong: 1 - 2 * y wraps round for unsigned labels
def cross_entropy_logits(logits, y, reduction="mean"):
    N, C = logits.shape
    if y.shape != (N,) or y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= C:
        raise ValueError("labels")
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(reduction)
    below = logits - logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(below).sum(axis=1)) - below[np.arange(N), y]
    return losses if reduction == "none" else getattr(losses, reduction)()


def binary_cross_entropy_logits(z, y):
    return np.logaddexp(0, (1 - 2 * y) * z).mean()
