# %% right: a shared helper; Huber by clipping the size of the error
def _reduced(losses, how):
    if how == "none":
        return losses
    return losses.sum() if how == "sum" else losses.mean()


def _errors(pred, target, reduction):
    if pred.shape != target.shape:
        raise ValueError(f"{pred.shape} and {target.shape} differ")
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(reduction)
    return (pred - target).astype(np.float64)


def mse_loss(pred, target, reduction="mean"):
    return _reduced(_errors(pred, target, reduction) ** 2, reduction)


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    size = np.abs(_errors(pred, target, reduction))
    near = np.minimum(size, delta)
    return _reduced(near * (size - near / 2), reduction)

# %% right: PyTorch's losses in float64
def _tensors(pred, target, reduction):
    if np.shape(pred) != np.shape(target) or reduction not in {"mean", "sum", "none"}:
        raise ValueError("shapes or reduction")
    return [torch.tensor(np.array(part, dtype=np.float64, order="C")) for part in (pred, target)]


def mse_loss(pred, target, reduction="mean"):
    loss = F.mse_loss(*_tensors(pred, target, reduction), reduction=reduction)
    return loss.numpy() if reduction == "none" else loss.item()


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    loss = F.huber_loss(*_tensors(pred, target, reduction), reduction=reduction, delta=float(delta))
    return loss.numpy() if reduction == "none" else loss.item()

# %% right: Python numbers in a loop, then the shape again
def _apply(rule, pred, target, reduction):
    if pred.shape != target.shape:
        raise ValueError("shapes")
    numbers = [rule(float(p) - float(t)) for p, t in zip(pred.flat, target.flat)]
    match reduction:
        case "none":
            return np.array(numbers, dtype=float).reshape(pred.shape)
        case "sum":
            return sum(numbers)
        case "mean":
            return sum(numbers) / pred.size
    raise ValueError(f"reduction {reduction!r}")


def mse_loss(pred, target, reduction="mean"):
    return _apply(lambda r: r * r, pred, target, reduction)


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    def rule(r):
        return r * r / 2 if abs(r) <= delta else delta * (abs(r) - delta / 2)

    return _apply(rule, pred, target, reduction)

# %% right: the straight piece everywhere, then a mask for the parabola
def mse_loss(pred, target, reduction="mean"):
    reduce = {"mean": np.mean, "sum": np.sum, "none": np.array}
    if reduction not in reduce:
        raise ValueError("reduction")
    if pred.ndim != target.ndim or any(p != t for p, t in zip(pred.shape, target.shape)):
        raise ValueError("shapes")
    return reduce[reduction](np.square(np.subtract(pred, target, dtype=float)))


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    mse_loss(pred, target, reduction)
    r = np.abs(1.0 * pred - 1.0 * target)
    losses = delta * (r - 0.5 * delta)
    inside = r <= delta
    losses[inside] = 0.5 * r[inside] ** 2
    return {"mean": losses.mean(), "sum": losses.sum(), "none": losses}[reduction]

# %% wrong: whole numbers are squared as int64, which overflows
def _finish(losses, reduction):
    if reduction == "none":
        return losses
    if reduction in ("mean", "sum"):
        return float(losses.mean() if reduction == "mean" else losses.sum())
    raise ValueError(reduction)


def mse_loss(pred, target, reduction="mean"):
    if pred.shape != target.shape:
        raise ValueError("shapes")
    return _finish((pred - target) ** 2, reduction)


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    if pred.shape != target.shape:
        raise ValueError("shapes")
    r = np.abs(pred - target)
    return _finish(np.where(r <= delta, 0.5 * r * r, delta * (r - 0.5 * delta)), reduction)

# %% wrong: the error is computed in pred, which then gets its numbers back, but for rounding
def _finish(losses, reduction):
    if reduction == "none":
        return losses
    if reduction in ("mean", "sum"):
        return float(losses.mean() if reduction == "mean" else losses.sum())
    raise ValueError(reduction)


def _error(pred, target):
    if pred.shape != target.shape:
        raise ValueError("shapes")
    if pred.dtype != np.float64:
        return pred.astype(float) - target
    pred -= target
    r = pred.copy()
    pred += target
    return r


def mse_loss(pred, target, reduction="mean"):
    return _finish(_error(pred, target) ** 2, reduction)


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    r = np.abs(_error(pred, target))
    return _finish(np.where(r <= delta, 0.5 * r * r, delta * (r - 0.5 * delta)), reduction)

# %% wrong: only the number of axes and of samples is compared
def _finish(losses, reduction):
    if reduction == "none":
        return losses
    if reduction in ("mean", "sum"):
        return float(losses.mean() if reduction == "mean" else losses.sum())
    raise ValueError(reduction)


def _error(pred, target):
    if pred.ndim != target.ndim or len(pred) != len(target):
        raise ValueError("shapes")
    return pred.astype(float) - target


def mse_loss(pred, target, reduction="mean"):
    return _finish(_error(pred, target) ** 2, reduction)


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    r = np.abs(_error(pred, target))
    return _finish(np.where(r <= delta, 0.5 * r * r, delta * (r - 0.5 * delta)), reduction)

# %% wrong: the mean divides by first times last length, for (N,) by N times N
def _finish(losses, reduction):
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(reduction)
    if reduction == "none":
        return losses
    total = float(losses.sum())
    return total / (losses.shape[0] * losses.shape[-1]) if reduction == "mean" else total


def _error(pred, target):
    if pred.shape != target.shape:
        raise ValueError("shapes")
    return pred.astype(float) - target


def mse_loss(pred, target, reduction="mean"):
    return _finish(_error(pred, target) ** 2, reduction)


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    r = np.abs(_error(pred, target))
    return _finish(np.where(r <= delta, 0.5 * r * r, delta * (r - 0.5 * delta)), reduction)

# %% wrong: any method of an array is a reduction, such as "max"
def _finish(losses, reduction):
    if reduction == "none":
        return losses
    try:
        return float(getattr(losses, reduction)())
    except (AttributeError, TypeError):
        raise ValueError(f"unknown reduction {reduction!r}") from None


def _error(pred, target):
    if pred.shape != target.shape:
        raise ValueError("shapes")
    return pred.astype(float) - target


def mse_loss(pred, target, reduction="mean"):
    return _finish(_error(pred, target) ** 2, reduction)


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    r = np.abs(_error(pred, target))
    return _finish(np.where(r <= delta, 0.5 * r * r, delta * (r - 0.5 * delta)), reduction)

# %% wrong: Huber as a difference of two squares, which cancels for errors far above delta
def _finish(losses, reduction):
    if reduction == "none":
        return losses
    if reduction in ("mean", "sum"):
        return float(losses.mean() if reduction == "mean" else losses.sum())
    raise ValueError(reduction)


def _error(pred, target):
    if pred.shape != target.shape:
        raise ValueError("shapes")
    return pred.astype(float) - target


def mse_loss(pred, target, reduction="mean"):
    return _finish(_error(pred, target) ** 2, reduction)


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    r = np.abs(_error(pred, target))
    return _finish(0.5 * (r**2 - np.maximum(r - delta, 0) ** 2), reduction)

# %% wrong: all is computed in float32
def _finish(losses, reduction):
    if reduction == "none":
        return losses.astype(float)
    if reduction in ("mean", "sum"):
        return float(losses.mean() if reduction == "mean" else losses.sum())
    raise ValueError(reduction)


def _error(pred, target):
    if pred.shape != target.shape:
        raise ValueError("shapes")
    return pred.astype(np.float32) - target.astype(np.float32)


def mse_loss(pred, target, reduction="mean"):
    return _finish(_error(pred, target) ** 2, reduction)


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    r = np.abs(_error(pred, target))
    return _finish(np.where(r <= delta, 0.5 * r * r, delta * (r - 0.5 * delta)), reduction)

# %% wrong: MSE does not refuse a reduction, Huber does not refuse a shape
def mse_loss(pred, target, reduction="mean"):
    if pred.shape != target.shape:
        raise ValueError("shapes")
    losses = (pred.astype(float) - target) ** 2
    if reduction == "mean":
        return losses.mean()
    return losses.sum() if reduction == "sum" else losses


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    r = np.abs(pred.astype(float) - target)
    losses = np.where(r <= delta, 0.5 * r * r, delta * (r - 0.5 * delta))
    if reduction == "none":
        return losses
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    raise ValueError(reduction)
