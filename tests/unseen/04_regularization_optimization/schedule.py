# %% right: recursion for steps beyond the end, a table of closures
def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    plans = {
        "cosine": lambda s, n: min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * (s / n if n > 0 else 0))) / 2,
        "step": lambda s, n: max(min_lr, base_lr * gamma ** (s // step_size)),
        "constant": lambda s, n: base_lr,
    }
    if kind not in plans:
        raise ValueError(f"unknown kind {kind!r}")
    if step >= total:
        return lr_at(
            total - 1,
            total=total,
            base_lr=base_lr,
            warmup=warmup,
            min_lr=min_lr,
            kind=kind,
            step_size=step_size,
            gamma=gamma,
        )
    if step < warmup:
        return float(base_lr * (step + 1) / (warmup + 1))
    return float(plans[kind](step - warmup, total - 1 - warmup))


# %% right: match, torch for the cosine as half-angle square
def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    s = min(step, total - 1)
    match kind:
        case "cosine":
            span = total - 1 - warmup
            q = torch.tensor(0.0 if span <= 0 else (s - warmup) / span, dtype=torch.float64)
            rate = (min_lr + (base_lr - min_lr) * torch.cos(torch.pi * q / 2) ** 2).item()
        case "step":
            rate = max(base_lr * gamma ** math.floor((s - warmup) / step_size), min_lr) if s >= warmup else None
        case "constant":
            rate = base_lr
        case _:
            raise ValueError(kind)
    if s < warmup:
        rate = base_lr / (warmup + 1) * (s + 1)
    return float(rate)


# %% right: a generator lays out all rates of the run, the step picks one (the last one beyond the end)
def _rates(total, base_lr, warmup, min_lr, kind, step_size, gamma):
    rise = min(warmup, total)
    yield from np.arange(1, rise + 1) / (warmup + 1) * base_lr
    left = total - rise
    if kind == "cosine":
        q = np.linspace(0, 1, left) if left > 1 else np.zeros(left)
        yield from min_lr + (base_lr - min_lr) * 0.5 * (1 + np.cos(np.pi * q))
    elif kind == "step":
        for k in range(left):
            yield max(min_lr, base_lr * gamma ** (k // step_size))
    else:
        yield from [base_lr] * left


def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    if not {kind} <= {"cosine", "step", "constant"}:
        raise ValueError(f"kind is {kind}")
    rates = list(_rates(total, base_lr, warmup, min_lr, kind, step_size, gamma))
    return float(rates[min(step, len(rates) - 1)])


# %% right: a frozen dataclass that is called, complex numbers for the cosine
import dataclasses


@dataclasses.dataclass(frozen=True)
class _Schedule:
    total: int
    base_lr: float
    warmup: int
    min_lr: float
    step_size: int
    gamma: float

    def progress(self, s):
        span = self.total - 1 - self.warmup
        return max(0, s - self.warmup) / span if span > 0 else 0.0

    def cosine(self, s):
        wave = (np.exp(1j * np.pi * self.progress(s)).real + 1) / 2
        return wave * self.base_lr + (1 - wave) * self.min_lr

    def step(self, s):
        stages = divmod(s - self.warmup, self.step_size)[0]
        return np.maximum(self.base_lr * np.power(float(self.gamma), stages), self.min_lr)

    def constant(self, s):
        return self.base_lr

    def __call__(self, s, kind):
        s = s if s < self.total else self.total - 1
        if s < self.warmup:
            return float(self.base_lr * ((s + 1) / (self.warmup + 1)))
        return float(getattr(self, kind)(s))


def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    if kind not in ("cosine", "step", "constant"):
        raise ValueError("kind must be cosine, step or constant")
    return _Schedule(total, base_lr, warmup, min_lr, step_size, gamma)(step, kind)


# %% wrong: steps beyond the last one get the rate of the last one - the step kind decays on
def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    if kind not in ("cosine", "step", "constant"):
        raise ValueError(kind)
    s = min(step, total - 1)
    if s < warmup:
        return float(base_lr * (s + 1) / (warmup + 1))
    if kind == "step":
        return float(max(base_lr * gamma ** ((step - warmup) // step_size), min_lr))
    if kind == "constant":
        return float(base_lr)
    span = total - 1 - warmup
    q = (s - warmup) / span if span > 0 else 0.0
    return float(min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * q)) / 2)


# %% wrong: any other kind raises a ValueError - not during the warm-up
def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    s = min(step, total - 1)
    if s < warmup:
        return float(base_lr * (s + 1) / (warmup + 1))
    if kind not in ("cosine", "step", "constant"):
        raise ValueError(kind)
    if kind == "step":
        return float(max(base_lr * gamma ** ((s - warmup) // step_size), min_lr))
    if kind == "constant":
        return float(base_lr)
    span = total - 1 - warmup
    q = (s - warmup) / span if span > 0 else 0.0
    return float(min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * q)) / 2)


# %% wrong: the exponent is (s - K) / step_size - the stages count the warm-up, too
def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    if kind not in ("cosine", "step", "constant"):
        raise ValueError(kind)
    s = min(step, total - 1)
    if s < warmup:
        return float(base_lr * (s + 1) / (warmup + 1))
    if kind == "step":
        return float(max(base_lr * gamma ** (s // step_size), min_lr))
    if kind == "constant":
        return float(base_lr)
    span = total - 1 - warmup
    q = (s - warmup) / span if span > 0 else 0.0
    return float(min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * q)) / 2)


# %% wrong: steps beyond T - 1 get the rate of the last one - a warm-up longer than the run rises on
def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    if kind not in ("cosine", "step", "constant"):
        raise ValueError(kind)
    s = min(step, total - 1)
    if step < warmup:
        return float(base_lr * (step + 1) / (warmup + 1))
    if kind == "step":
        return float(max(base_lr * gamma ** ((s - warmup) // step_size), min_lr))
    if kind == "constant":
        return float(base_lr)
    span = total - 1 - warmup
    q = (s - warmup) / span if span > 0 else 0.0
    return float(min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * q)) / 2)


# %% wrong: returns a float - the constant kind hands back base_lr as it came, an int for 1
def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    if kind not in ("cosine", "step", "constant"):
        raise ValueError(kind)
    s = min(step, total - 1)
    if s < warmup:
        return float(base_lr * (s + 1) / (warmup + 1))
    if kind == "step":
        return float(max(base_lr * gamma ** ((s - warmup) // step_size), min_lr))
    if kind == "constant":
        return base_lr
    span = total - 1 - warmup
    q = (s - warmup) / span if span > 0 else 0.0
    return float(min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * q)) / 2)


# %% wrong: the ramp of the warm-up is for EVERY kind - the step kind has none, it holds base_lr
def lr_at(step, *, total, base_lr, warmup=0, min_lr=0.0, kind="cosine", step_size=1, gamma=0.5):
    if kind not in ("cosine", "step", "constant"):
        raise ValueError(kind)
    s = min(step, total - 1)
    if s < warmup and kind == "step":
        return float(base_lr)
    if s < warmup:
        return float(base_lr * (s + 1) / (warmup + 1))
    if kind == "step":
        return float(max(base_lr * gamma ** ((s - warmup) // step_size), min_lr))
    if kind == "constant":
        return float(base_lr)
    span = total - 1 - warmup
    q = (s - warmup) / span if span > 0 else 0.0
    return float(min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * q)) / 2)
