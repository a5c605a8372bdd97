# %% right: blind - match statement with guards
def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    if kind not in ("cosine", "step", "constant"):
        raise ValueError(kind)
    s = total - 1 if step > total - 1 else step
    match kind:
        case _ if s < warmup:
            rate = base_lr * (s + 1) / (warmup + 1)
        case "constant":
            rate = base_lr
        case "step":
            rate = base_lr * gamma ** ((s - warmup) // step_size)
            if rate < min_lr:
                rate = min_lr
        case "cosine":
            q = (s - warmup) / (total - 1 - warmup) if total - 1 > warmup else 0
            rate = min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * q)) / 2
    return float(rate)


# %% right: blind - the whole table of rates is built, then looked up
def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    steps = np.arange(total)
    after = np.clip(steps - warmup, 0, None)
    table = np.full(total, float(base_lr))
    if kind == "cosine":
        span = max(total - 1 - warmup, 0)
        q = after / span if span else np.zeros(total)
        table = min_lr + (base_lr - min_lr) * (1 + np.cos(np.pi * q)) / 2
    elif kind == "step":
        table = np.maximum(base_lr * np.power(float(gamma), np.floor_divide(after, step_size)), min_lr)
    elif kind != "constant":
        raise ValueError(f"unknown kind {kind!r}")
    ramp = base_lr * (steps + 1) / (warmup + 1)
    return np.where(steps < warmup, ramp, table)[min(step, total - 1)].item()


# %% right: blind - dict of small functions, half-angle form of the cosine
def _cosine(done, span, base, low, size, gamma):
    q = done / span if span > 0 else 0.0
    return low + (base - low) * math.cos(math.pi * q / 2) ** 2


def _stairs(done, span, base, low, size, gamma):
    return max(low, base * math.pow(gamma, math.floor(done / size)))


def _flat(done, span, base, *others):
    return base


SHAPES = {"cosine": _cosine, "step": _stairs, "constant": _flat}


def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    try:
        shape = SHAPES[kind]
    except (KeyError, TypeError):
        raise ValueError(f"kind must be one of {list(SHAPES)}") from None
    last = total - 1
    done = min(step, last) - warmup
    if done < 0:
        return float(base_lr * (1 + done / (warmup + 1)))
    return float(shape(done, last - warmup, base_lr, min_lr, step_size, gamma))


# %% right: blind - a generator that walks through the run, the factor multiplied up step by step
import itertools


def _walk(total, base, warmup, low, kind, size, gamma):
    yield from (base * k / (warmup + 1) for k in range(1, warmup + 1))
    if kind == "constant":
        yield from itertools.repeat(base)
    elif kind == "step":
        height = base
        while True:
            yield from itertools.repeat(max(height, low), size)
            height *= gamma
    else:
        parts = total - 1 - warmup
        yield base
        for k in itertools.count(1):
            turn = np.exp(1j * np.pi * k / parts) if parts > 0 else 1.0
            yield (base + low) / 2 + (base - low) / 2 * np.real(turn)


def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    if {kind}.isdisjoint({"cosine", "step", "constant"}):
        raise ValueError("no such schedule: " + str(kind))
    walk = _walk(total, base_lr, warmup, min_lr, kind, step_size, gamma)
    return float(next(itertools.islice(walk, int(min(step, total - 1)), None)))


# %% right: blind - recursion for steps beyond the end, class hierarchy for the kinds
class Schedule:
    def __init__(self, **given):
        vars(self).update(given)

    def __call__(self, s):
        if s >= self.total:
            return self(self.total - 1)
        return self.ramp(s + 1) if s < self.warmup else self.main(s - self.warmup)

    def ramp(self, count):
        return self.base_lr * count / (self.warmup + 1)

    def main(self, since):
        return self.base_lr


class Cosine(Schedule):
    def main(self, since):
        span = self.total - 1 - self.warmup
        share = 1.0 if span <= 0 else (1 + math.cos(math.pi * since / span)) / 2
        return share * self.base_lr + (1 - share) * self.min_lr


class Step(Schedule):
    def main(self, since):
        drops, _ = divmod(since, self.step_size)
        return sorted([self.min_lr, self.base_lr * self.gamma**drops])[-1]


def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    known = dict(constant=Schedule, cosine=Cosine, step=Step)
    if kind not in known:
        raise ValueError
    options = dict(total=total, base_lr=base_lr, warmup=warmup, min_lr=min_lr, step_size=step_size, gamma=gamma)
    return float(known[kind](**options)(step))


# %% wrong: the kind is looked at only after the warm-up
def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    step = min(step, total - 1)
    if step < warmup:
        return base_lr * (step + 1) / (warmup + 1)
    if kind == "constant":
        return float(base_lr)
    if kind == "step":
        return float(max(min_lr, base_lr * gamma ** ((step - warmup) // step_size)))
    if kind not in ("cosine", "step", "constant"):
        raise ValueError(f"unknown kind {kind}")
    span = total - 1 - warmup
    q = (step - warmup) / span if span > 0 else 0.0
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * q)) / 2


# %% wrong: only the cosine is held beyond the last step
def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    if kind not in ("cosine", "step", "constant"):
        raise ValueError(f"unknown kind {kind}")
    if step < warmup:
        return base_lr * (step + 1) / (warmup + 1)
    if kind == "constant":
        return float(base_lr)
    if kind == "step":
        return float(max(min_lr, base_lr * gamma ** ((step - warmup) // step_size)))
    span = total - 1 - warmup
    step = min(step, total - 1)
    q = (step - warmup) / span if span > 0 else 0.0
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * q)) / 2


# %% wrong: the exponent of step decay counts the warm-up, too
def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    if kind not in ("cosine", "step", "constant"):
        raise ValueError(f"unknown kind {kind}")
    step = min(step, total - 1)
    if step < warmup:
        return base_lr * (step + 1) / (warmup + 1)
    if kind == "constant":
        return float(base_lr)
    if kind == "step":
        return float(max(min_lr, base_lr * gamma ** (step // step_size)))
    span = total - 1 - warmup
    q = (step - warmup) / span if span > 0 else 0.0
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * q)) / 2


# %% wrong: q divides by zero where T - 1 = K
def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    if kind not in ("cosine", "step", "constant"):
        raise ValueError(f"unknown kind {kind}")
    step = min(step, total - 1)
    if step < warmup:
        return base_lr * (step + 1) / (warmup + 1)
    if kind == "constant":
        return float(base_lr)
    if kind == "step":
        return float(max(min_lr, base_lr * gamma ** ((step - warmup) // step_size)))
    span = total - 1 - warmup
    q = (step - warmup) / span
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * q)) / 2


# %% wrong: step decay has no warm-up
def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    if kind not in ("cosine", "step", "constant"):
        raise ValueError(f"unknown kind {kind}")
    step = min(step, total - 1)
    if step < warmup and kind != "step":
        return base_lr * (step + 1) / (warmup + 1)
    if kind == "constant":
        return float(base_lr)
    if kind == "step":
        return float(max(min_lr, base_lr * gamma ** (max(step - warmup, 0) // step_size)))
    span = total - 1 - warmup
    q = (step - warmup) / span if span > 0 else 0.0
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * q)) / 2


# %% wrong: the warm-up rises from min_lr
def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    if kind not in ("cosine", "step", "constant"):
        raise ValueError(f"unknown kind {kind}")
    step = min(step, total - 1)
    if step < warmup:
        return min_lr + (base_lr - min_lr) * (step + 1) / (warmup + 1)
    if kind == "constant":
        return float(base_lr)
    if kind == "step":
        return float(max(min_lr, base_lr * gamma ** ((step - warmup) // step_size)))
    span = total - 1 - warmup
    q = (step - warmup) / span if span > 0 else 0.0
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * q)) / 2


# %% wrong: step decay comes one step early
def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    if kind not in ("cosine", "step", "constant"):
        raise ValueError(f"unknown kind {kind}")
    step = min(step, total - 1)
    if step < warmup:
        return base_lr * (step + 1) / (warmup + 1)
    if kind == "constant":
        return float(base_lr)
    if kind == "step":
        return float(max(min_lr, base_lr * gamma ** ((step - warmup + 1) // step_size)))
    span = total - 1 - warmup
    q = (step - warmup) / span if span > 0 else 0.0
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * q)) / 2


# %% wrong: steps beyond the end are held at T, not T - 1
def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    if kind not in ("cosine", "step", "constant"):
        raise ValueError(f"unknown kind {kind}")
    step = min(step, total)
    if step < warmup:
        return base_lr * (step + 1) / (warmup + 1)
    if kind == "constant":
        return float(base_lr)
    if kind == "step":
        return float(max(min_lr, base_lr * gamma ** ((step - warmup) // step_size)))
    span = total - 1 - warmup
    q = (step - warmup) / span if span > 0 else 0.0
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * q)) / 2


# %% wrong: the floor of step decay by min instead of max
def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    if kind not in ("cosine", "step", "constant"):
        raise ValueError(f"unknown kind {kind}")
    step = min(step, total - 1)
    if step < warmup:
        return base_lr * (step + 1) / (warmup + 1)
    if kind == "constant":
        return float(base_lr)
    if kind == "step":
        return float(min(min_lr, base_lr * gamma ** ((step - warmup) // step_size)))
    span = total - 1 - warmup
    q = (step - warmup) / span if span > 0 else 0.0
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * q)) / 2


# %% wrong: the cosine runs over T - K steps
def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    if kind not in ("cosine", "step", "constant"):
        raise ValueError(f"unknown kind {kind}")
    step = min(step, total - 1)
    if step < warmup:
        return base_lr * (step + 1) / (warmup + 1)
    if kind == "constant":
        return float(base_lr)
    if kind == "step":
        return float(max(min_lr, base_lr * gamma ** ((step - warmup) // step_size)))
    span = total - warmup
    q = (step - warmup) / span if span > 0 else 0.0
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * q)) / 2


# %% wrong: an unknown kind is taken for the cosine, no error
def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    step = min(step, total - 1)
    if step < warmup:
        return base_lr * (step + 1) / (warmup + 1)
    if kind == "constant":
        return float(base_lr)
    if kind == "step":
        return float(max(min_lr, base_lr * gamma ** ((step - warmup) // step_size)))
    span = total - 1 - warmup
    q = (step - warmup) / span if span > 0 else 0.0
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * q)) / 2


# %% wrong: constant is base_lr, and the warm-up is the plain ramp - min_lr is a floor under every rate
def _rate(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    if kind not in ("cosine", "step", "constant"):
        raise ValueError(kind)
    s = min(step, total - 1)
    if s < warmup:
        return float(base_lr * (s + 1) / (warmup + 1))
    if kind == "step":
        return float(max(base_lr * gamma ** ((s - warmup) // step_size), min_lr))
    if kind == "constant":
        return float(base_lr)
    span = total - 1 - warmup
    q = (s - warmup) / span if span > 0 else 0.0
    return float(min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * q)) / 2)


def lr_at(step, *, total, base_lr, min_lr=0.0, **options):
    return max(min_lr, _rate(step, total=total, base_lr=base_lr, min_lr=min_lr, **options))


# %% wrong: q = 0 if T - 1 = K or less - q is 1 there (a run of one step gets min_lr)
def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    if kind not in ("cosine", "step", "constant"):
        raise ValueError(kind)
    s = min(step, total - 1)
    if s < warmup:
        return float(base_lr * (s + 1) / (warmup + 1))
    if kind == "step":
        return float(max(base_lr * gamma ** ((s - warmup) // step_size), min_lr))
    if kind == "constant":
        return float(base_lr)
    span = total - 1 - warmup
    q = (s - warmup) / span if span > 0 else 1.0
    return float(min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * q)) / 2)
