# %% right: recursion over the kinds of params, a history list and properties
def _frozen(thing):
    if isinstance(thing, torch.Tensor):
        return thing.detach().clone()
    if isinstance(thing, np.ndarray):
        return thing.copy()
    if isinstance(thing, dict):
        return {key: _frozen(value) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return type(thing)([_frozen(value) for value in thing])
    return copy.deepcopy(thing)


class EarlyStopping:
    def __init__(self, patience, min_delta=0.0, mode="min"):
        self.patience, self.min_delta, self.mode = patience, min_delta, mode
        self.history, self._best = [], (None, None, None)

    best_metric = property(lambda self: self._best[0])
    best_epoch = property(lambda self: self._best[1])
    best_params = property(lambda self: self._best[2])

    def step(self, metric, params):
        metric = float(metric)
        best = self.best_metric
        if best is None:
            better = metric == metric
        elif self.mode == "max":
            better = metric > best + self.min_delta
        else:
            better = metric < best - self.min_delta
        if better:
            self._best = (metric, len(self.history), _frozen(params))
        self.history.append(better)
        last = self.history[-self.patience :]
        return len(last) == self.patience and not any(last)


# %% right: a dataclass with deepcopy, sign for the mode, the counter is worked out from epochs
import dataclasses


@dataclasses.dataclass
class EarlyStopping:
    patience: int
    min_delta: float = 0.0
    mode: str = "min"
    best_metric: object = dataclasses.field(default=None, init=False)
    best_epoch: object = dataclasses.field(default=None, init=False)
    best_params: object = dataclasses.field(default=None, init=False)
    epoch: int = dataclasses.field(default=-1, init=False)

    def step(self, metric, params):
        self.epoch += 1
        sign = {"min": 1, "max": -1}[self.mode]
        if not math.isnan(metric):
            if self.best_metric is None or sign * (self.best_metric - metric) > self.min_delta:
                self.best_metric, self.best_epoch = metric, self.epoch
                self.best_params = copy.deepcopy(params)
        since = self.epoch - (-1 if self.best_epoch is None else self.best_epoch)
        return since >= self.patience


# %% right: a generator inside that is sent each epoch
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0, mode="min"):
        self.best_metric = self.best_epoch = self.best_params = None
        self._run = self._watch(patience, min_delta, mode)
        next(self._run)

    def _watch(self, patience, min_delta, mode):
        left, answer, epoch = patience, None, 0
        while True:
            metric, params = yield answer
            better = metric == metric
            if better and self.best_metric is not None:
                gain = metric - self.best_metric if mode == "max" else self.best_metric - metric
                better = gain > min_delta
            if better:
                left = patience
                self.best_metric, self.best_epoch, self.best_params = metric, epoch, copy.deepcopy(params)
            else:
                left -= 1
            epoch += 1
            answer = bool(left <= 0)

    def step(self, metric, params):
        return self._run.send((metric, params))


# %% right: closures made in __init__, a queue of patience answers, explicit stack copy
import collections


def _copied(tree):
    if torch.is_tensor(tree):
        return tree.clone().detach()
    if hasattr(tree, "items"):
        return dict((k, _copied(v)) for k, v in tree.items())
    if isinstance(tree, tuple):
        return tuple(map(_copied, tree))
    if isinstance(tree, list):
        return [*map(_copied, tree)]
    return np.copy(tree) if isinstance(tree, np.ndarray) else tree


class EarlyStopping:
    def __init__(self, patience, min_delta=0.0, mode="min"):
        self.best_metric, self.best_epoch, self.best_params = None, None, None
        recent, count = collections.deque(maxlen=patience), iter(range(10**12))

        def beats(new, old):
            if np.isnan(new):
                return False
            if old is None:
                return True
            return old - new > min_delta if mode == "min" else new - old > min_delta

        def step(metric, params):
            epoch = next(count)
            good = bool(beats(metric, self.best_metric))
            if good:
                self.best_metric, self.best_epoch, self.best_params = metric, epoch, _copied(params)
            recent.append(good)
            return len(recent) == recent.maxlen and True not in recent

        self._step = step

    def step(self, metric, params):
        return self._step(metric, params)


# %% wrong: NaN never improves anything, so it is a call without an improvement - here NaN calls are not counted
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0, mode="min"):
        self.patience, self.min_delta, self.sign = patience, min_delta, 1 if mode == "min" else -1
        self.best_metric = self.best_epoch = self.best_params = None
        self.epoch, self.waited = -1, 0

    def step(self, metric, params):
        self.epoch += 1
        if math.isnan(metric):
            return False
        if self.best_metric is None or self.sign * (self.best_metric - metric) > self.min_delta:
            self.best_metric, self.best_epoch, self.best_params = metric, self.epoch, copy.deepcopy(params)
            self.waited = 0
        else:
            self.waited += 1
        return self.waited >= self.patience


# %% wrong: by MORE than min_delta - a gain of exactly min_delta > 0 counts, too
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0, mode="min"):
        self.patience, self.min_delta, self.sign = patience, min_delta, 1 if mode == "min" else -1
        self.best_metric = self.best_epoch = self.best_params = None
        self.epoch, self.waited = -1, 0

    def step(self, metric, params):
        self.epoch += 1
        self.waited += 1
        if not math.isnan(metric):
            gain = math.inf if self.best_metric is None else self.sign * (self.best_metric - metric)
            if gain > 0 and gain >= self.min_delta:
                self.best_metric, self.best_epoch, self.best_params = metric, self.epoch, copy.deepcopy(params)
                self.waited = 0
        return self.waited >= self.patience


# %% wrong: params may hold tensors, too - they are detached, but share their memory with the originals
def _kept(tree):
    if isinstance(tree, dict):
        return {key: _kept(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(_kept(value) for value in tree)
    return tree.detach() if torch.is_tensor(tree) else copy.deepcopy(tree)


class EarlyStopping:
    def __init__(self, patience, min_delta=0.0, mode="min"):
        self.patience, self.min_delta, self.sign = patience, min_delta, 1 if mode == "min" else -1
        self.best_metric = self.best_epoch = self.best_params = None
        self.epoch, self.waited = -1, 0

    def step(self, metric, params):
        self.epoch += 1
        self.waited += 1
        if not math.isnan(metric):
            if self.best_metric is None or self.sign * (self.best_metric - metric) > self.min_delta:
                self.best_metric, self.best_epoch, self.best_params = metric, self.epoch, _kept(params)
                self.waited = 0
        return self.waited >= self.patience


# %% wrong: an improvement beats the best by more than min_delta - smaller gains move best_metric and best_params
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0, mode="min"):
        self.patience, self.min_delta, self.sign = patience, min_delta, 1 if mode == "min" else -1
        self.best_metric = self.best_epoch = self.best_params = None
        self.epoch, self.waited = -1, 0

    def step(self, metric, params):
        self.epoch += 1
        self.waited += 1
        if not math.isnan(metric):
            gain = math.inf if self.best_metric is None else self.sign * (self.best_metric - metric)
            if gain > self.min_delta:
                self.waited = 0
            if gain > 0:
                self.best_metric, self.best_epoch, self.best_params = metric, self.epoch, copy.deepcopy(params)
        return self.waited >= self.patience


# %% wrong: only the FIRST metric that is a number is taken as it is - after a best metric of 0.0, any other is, too
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0, mode="min"):
        self.patience, self.min_delta, self.sign = patience, min_delta, 1 if mode == "min" else -1
        self.best_metric = self.best_epoch = self.best_params = None
        self.epoch, self.waited = -1, 0

    def step(self, metric, params):
        self.epoch += 1
        self.waited += 1
        if not math.isnan(metric):
            if not self.best_metric or self.sign * (self.best_metric - metric) > self.min_delta:
                self.best_metric, self.best_epoch, self.best_params = metric, self.epoch, copy.deepcopy(params)
                self.waited = 0
        return self.waited >= self.patience
