# %% right: blind - number by number with np.ndindex and plain Python
import math


def single_losses(pred, target, rule):
    pred, target = np.asarray(pred), np.asarray(target)
    if pred.shape != target.shape:
        raise ValueError(f"{pred.shape} and {target.shape} differ")
    losses = np.zeros(pred.shape)
    for place in np.ndindex(*pred.shape):
        losses[place] = rule(pred[place].item() - target[place].item())
    return losses


def reduced(losses, reduction):
    if reduction == "none":
        return losses
    total = math.fsum(losses.flat)
    if reduction == "sum":
        return total
    if reduction == "mean":
        return total / losses.size
    raise ValueError(f"reduction {reduction!r}")


def mse_loss(pred, target, reduction="mean"):
    return reduced(single_losses(pred, target, lambda r: r * r), reduction)


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    def rule(r):
        if abs(r) <= delta:
            return r * r / 2
        return delta * (abs(r) - delta / 2)

    return reduced(single_losses(pred, target, rule), reduction)


# %% right: blind - PyTorch's losses in float64
def mse_loss(pred, target, reduction="mean"):
    return in_torch(F.mse_loss, pred, target, reduction)


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    return in_torch(F.huber_loss, pred, target, reduction, delta=float(delta))


def in_torch(function, pred, target, reduction, **extra):
    tensors = [torch.tensor(np.array(side, dtype=np.float64)) for side in (pred, target)]
    if tensors[0].shape != tensors[1].shape or reduction not in ("mean", "sum", "none"):
        raise ValueError("different shapes, or an unknown reduction")
    result = function(*tensors, reduction=reduction, **extra).numpy()
    return result if reduction == "none" else result.item()


# %% right: blind - a decorator checks and reduces, Huber without cases by cutting |r| off
import functools


def loss(per_number):
    @functools.wraps(per_number)
    def checked(pred, target, *, reduction, **options):
        if np.shape(pred) != np.shape(target):
            raise ValueError("pred and target must have one shape")
        r = np.subtract(pred, target, dtype=np.float64)
        singles = per_number(r, **options)
        match reduction:
            case "mean":
                return singles.mean()
            case "sum":
                return singles.sum()
            case "none":
                return singles
        raise ValueError('reduction must be "mean", "sum" or "none"')

    return checked


@loss
def squared(r):
    return r**2


@loss
def cut_off(r, delta):
    size = np.abs(r)
    near = np.minimum(size, delta)
    return near * near / 2 + delta * (size - near)


def mse_loss(pred, target, reduction="mean"):
    return squared(pred, target, reduction=reduction)


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    return cut_off(pred, target, reduction=reduction, delta=delta)


# %% right: blind - SciPy's huber, and dot products for the sums
from scipy import special


def residuals(pred, target):
    p, t = np.array(pred, dtype=float), np.array(target, dtype=float)
    if p.ndim != t.ndim or any(i != k for i, k in zip(p.shape, t.shape)):
        raise ValueError(f"shapes {p.shape}, {t.shape}")
    p -= t
    return p


def mse_loss(pred, target, reduction="mean"):
    r = residuals(pred, target)
    if reduction == "none":
        return np.square(r, out=r)
    flat = r.ravel()
    if reduction == "sum":
        return flat.dot(flat)
    if reduction == "mean":
        return flat.dot(flat) / flat.size
    raise ValueError(f"reduction={reduction}")


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    way = ["none", "sum", "mean"].index(reduction)
    h = special.huber(delta, residuals(pred, target))
    return (h, h.sum(), np.average(h))[way]


# %% right: blind - an error object with masks for the near and the far part
class Errors:
    def __init__(self, pred, target):
        pred, target = (np.asarray(a).astype(np.float64) for a in (pred, target))
        if not np.array_equal(pred.shape, target.shape):
            raise ValueError("shapes are not equal: {} {}".format(pred.shape, target.shape))
        self.r = pred - target

    def square(self):
        self.losses = self.r * self.r
        return self

    def huber(self, delta):
        size = np.abs(self.r)
        far = size > delta
        self.losses = np.empty(self.r.shape)
        self.losses[~far] = 0.5 * size[~far] ** 2
        self.losses[far] = delta * (size[far] - 0.5 * delta)
        return self

    def reduce_none(self):
        return self.losses

    def reduce_sum(self):
        return float(np.add.reduce(self.losses, axis=None))

    def reduce_mean(self):
        return self.reduce_sum() / self.losses.size

    def reduce(self, how):
        try:
            return getattr(self, f"reduce_{how}")()
        except AttributeError:
            raise ValueError(f"reduction {how} is not known") from None


def mse_loss(pred, target, reduction="mean"):
    return Errors(pred, target).square().reduce(reduction)


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    return Errors(pred, target).huber(delta).reduce(reduction)


# %% wrong: the Huber losses are written into an array of pred's type, which cuts whole numbers' decimals off
def reduced(losses, reduction):
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"unknown reduction {reduction}")


def errors(pred, target):
    if pred.shape != target.shape:
        raise ValueError(f"shapes {pred.shape} and {target.shape}")
    return pred.astype(float) - target


def mse_loss(pred, target, reduction="mean"):
    return reduced(errors(pred, target) ** 2, reduction)


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    r = np.abs(errors(pred, target))
    losses = np.zeros_like(pred)
    small = r <= delta
    losses[small] = 0.5 * r[small] ** 2
    losses[~small] = delta * (r[~small] - 0.5 * delta)
    return reduced(losses, reduction)


# %% wrong: only MSE refuses different shapes, Huber stretches them
def reduced(losses, reduction):
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"unknown reduction {reduction}")


def errors(pred, target):
    if pred.shape != target.shape:
        raise ValueError(f"shapes {pred.shape} and {target.shape}")
    return pred.astype(float) - target


def mse_loss(pred, target, reduction="mean"):
    return reduced(errors(pred, target) ** 2, reduction)


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    r = np.abs(pred.astype(float) - target)
    return reduced(np.where(r <= delta, 0.5 * r**2, delta * (r - 0.5 * delta)), reduction)


# %% wrong: only the number of axes is compared, not the shapes
def _check(pred, target, reduction):
    if np.ndim(pred) != np.ndim(target):
        raise ValueError("pred and target do not fit")
    if reduction not in ("mean", "sum", "none"):
        raise ValueError("reduction must be mean, sum or none")


def _reduce(losses, reduction):
    return {"mean": losses.mean, "sum": losses.sum, "none": lambda: losses}[reduction]()


def mse_loss(pred, target, reduction="mean"):
    _check(pred, target, reduction)
    return _reduce((pred - target) ** 2.0, reduction)


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    _check(pred, target, reduction)
    r = np.abs(pred - target)
    return _reduce(np.where(r <= delta, r**2 / 2, delta * (r - delta / 2)), reduction)


# %% wrong: the mean divides by the number of samples, not of numbers
def reduced(losses, reduction):
    if reduction == "mean":
        return losses.sum() / len(losses)
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"unknown reduction {reduction}")


def errors(pred, target):
    if pred.shape != target.shape:
        raise ValueError(f"shapes {pred.shape} and {target.shape}")
    return pred.astype(float) - target


def mse_loss(pred, target, reduction="mean"):
    return reduced(errors(pred, target) ** 2, reduction)


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    r = np.abs(errors(pred, target))
    return reduced(np.where(r <= delta, 0.5 * r**2, delta * (r - 0.5 * delta)), reduction)


# %% wrong: MSE's mean is returned as its root
def reduced(losses, reduction):
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"unknown reduction {reduction}")


def errors(pred, target):
    if pred.shape != target.shape:
        raise ValueError(f"shapes {pred.shape} and {target.shape}")
    return pred.astype(float) - target


def mse_loss(pred, target, reduction="mean"):
    loss = reduced(errors(pred, target) ** 2, reduction)
    return np.sqrt(loss) if reduction == "mean" else loss


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    r = np.abs(errors(pred, target))
    return reduced(np.where(r <= delta, 0.5 * r**2, delta * (r - 0.5 * delta)), reduction)


# %% wrong: different shapes are left to NumPy, which stretches them
def reduced(losses, reduction):
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"unknown reduction {reduction}")


def errors(pred, target):
    return pred.astype(float) - target


def mse_loss(pred, target, reduction="mean"):
    return reduced(errors(pred, target) ** 2, reduction)


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    r = np.abs(errors(pred, target))
    return reduced(np.where(r <= delta, 0.5 * r**2, delta * (r - 0.5 * delta)), reduction)


# %% wrong: the error is taken in place, so pred is overwritten
def reduced(losses, reduction):
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"unknown reduction {reduction}")


def errors(pred, target):
    if pred.shape != target.shape:
        raise ValueError(f"shapes {pred.shape} and {target.shape}")
    pred -= target
    return pred


def mse_loss(pred, target, reduction="mean"):
    return reduced(errors(pred, target) ** 2, reduction)


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    r = np.abs(errors(pred, target))
    return reduced(np.where(r <= delta, 0.5 * r**2, delta * (r - 0.5 * delta)), reduction)


# %% wrong: Huber compares the error without its absolute value, so negative errors stay squared
def reduced(losses, reduction):
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"unknown reduction {reduction}")


def errors(pred, target):
    if pred.shape != target.shape:
        raise ValueError(f"shapes {pred.shape} and {target.shape}")
    return pred.astype(float) - target


def mse_loss(pred, target, reduction="mean"):
    return reduced(errors(pred, target) ** 2, reduction)


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    r = errors(pred, target)
    return reduced(np.where(r <= delta, 0.5 * r**2, delta * (r - 0.5 * delta)), reduction)


# %% wrong: Huber's straight part lacks its factor delta
def reduced(losses, reduction):
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"unknown reduction {reduction}")


def errors(pred, target):
    if pred.shape != target.shape:
        raise ValueError(f"shapes {pred.shape} and {target.shape}")
    return pred.astype(float) - target


def mse_loss(pred, target, reduction="mean"):
    return reduced(errors(pred, target) ** 2, reduction)


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    r = np.abs(errors(pred, target))
    return reduced(np.where(r <= delta, 0.5 * r**2, r - 0.5 * delta), reduction)


# %% wrong: Huber's straight part lacks the half delta, so the pieces do not meet
def reduced(losses, reduction):
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"unknown reduction {reduction}")


def errors(pred, target):
    if pred.shape != target.shape:
        raise ValueError(f"shapes {pred.shape} and {target.shape}")
    return pred.astype(float) - target


def mse_loss(pred, target, reduction="mean"):
    return reduced(errors(pred, target) ** 2, reduction)


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    r = np.abs(errors(pred, target))
    return reduced(np.where(r <= delta, 0.5 * r**2, delta * r), reduction)


# %% wrong: Huber chooses one piece for the whole array
def reduced(losses, reduction):
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"unknown reduction {reduction}")


def errors(pred, target):
    if pred.shape != target.shape:
        raise ValueError(f"shapes {pred.shape} and {target.shape}")
    return pred.astype(float) - target


def mse_loss(pred, target, reduction="mean"):
    return reduced(errors(pred, target) ** 2, reduction)


def huber_loss(pred, target, delta=1.0, reduction="mean"):
    r = np.abs(errors(pred, target))
    if np.all(r <= delta):
        losses = 0.5 * r**2
    else:
        losses = delta * (r - 0.5 * delta)
    return reduced(losses, reduction)
