# %% right: blind - the last good epoch is remembered, no counter of bad ones
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0, mode="min"):
        self.patience, self.min_delta, self.mode = patience, min_delta, mode
        self.best_metric = self.best_epoch = self.best_params = None
        self.last_good, self.now = -1, -1

    def step(self, metric, params):
        self.now += 1
        if math.isnan(metric):
            good = False
        elif self.best_metric is None:
            good = True
        elif self.mode == "min":
            good = metric < self.best_metric - self.min_delta
        else:
            good = metric > self.best_metric + self.min_delta
        if good:
            self.best_metric, self.best_epoch = metric, self.now
            self.best_params = copy.deepcopy(params)
            self.last_good = self.now
        return self.now - self.last_good >= self.patience


# %% right: blind - signed gain, remaining patience counted down, own recursive copy
def frozen(tree):
    if isinstance(tree, dict):
        return {key: frozen(branch) for key, branch in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(map(frozen, tree))
    if torch.is_tensor(tree):
        return tree.detach().clone()
    return tree.copy() if isinstance(tree, np.ndarray) else copy.copy(tree)


class EarlyStopping:
    def __init__(self, patience, min_delta=0.0, mode="min"):
        self.sign = {"min": 1, "max": -1}[mode]
        self.left = self.patience = patience
        self.min_delta = min_delta
        self.epoch = 0
        self.best_metric, self.best_epoch, self.best_params = None, None, None

    def step(self, metric, params):
        self.left -= 1
        first = self.best_metric is None and metric == metric
        gain = 0.0 if self.best_metric is None else self.sign * (self.best_metric - metric)
        if first or gain > self.min_delta:
            self.left = self.patience
            self.best_metric, self.best_epoch, self.best_params = metric, self.epoch, frozen(params)
        self.epoch += 1
        return self.left <= 0


# %% right: blind - parameters pickled, best_params unpickled by a property, a list of verdicts as memory
import pickle


class EarlyStopping:
    def __init__(self, patience, min_delta=0.0, mode="min"):
        self._patience = patience
        self._limit = (lambda best: best - min_delta) if mode == "min" else (lambda best: best + min_delta)
        self._better = np.less if mode == "min" else np.greater
        self._verdicts, self._records = [], []

    def _best(self, place):
        return self._records[-1][place] if self._records else None

    best_metric = property(lambda self: self._best(0))
    best_epoch = property(lambda self: self._best(1))

    @property
    def best_params(self):
        return pickle.loads(self._best(2)) if self._records else None

    def step(self, metric, params):
        if self._records:
            improved = bool(self._better(metric, self._limit(self.best_metric)))
        else:
            improved = not np.isnan(metric)
        self._verdicts.append(improved)
        if improved:
            self._records.append((metric, len(self._verdicts) - 1, pickle.dumps(params)))
        recent = self._verdicts[-self._patience :]
        return len(recent) == self._patience and not any(recent)


# %% right: blind - a coroutine keeps the books, True in the patience-th call only (read literally)
class EarlyStopping:
    best_metric = None
    best_epoch = None
    best_params = None

    def __init__(self, patience, min_delta=0.0, mode="min"):
        self.talk = self.books(patience, min_delta, mode == "max")
        next(self.talk)

    def books(self, patience, min_delta, upwards):
        answer, row, epoch = None, 0, -1
        while True:
            metric, params = yield answer
            epoch, row = epoch + 1, row + 1
            low, high = (self.best_metric, metric) if upwards else (metric, self.best_metric)
            try:
                improved = high - low > min_delta
            except TypeError:
                improved = not math.isnan(metric)
            if improved:
                row = 0
                vars(self).update(best_metric=metric, best_epoch=epoch, best_params=copy.deepcopy(params))
            answer = row == patience

    def step(self, metric, params):
        return self.talk.send((metric, params))


# %% right: blind - full history of metrics, everything derived again in each call
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0, mode="min"):
        self.options = (patience, min_delta, mode)
        self.history = []
        self.best_metric = self.best_epoch = self.best_params = None

    def improvements(self):
        _, min_delta, mode = self.options
        numbers = [(epoch, value) for epoch, value in enumerate(self.history) if not np.isnan(value)]

        def scan(found, pair):
            if not found:
                return [pair]
            best = found[-1][1]
            change = pair[1] - best if mode == "max" else best - pair[1]
            return found + [pair] * (change > min_delta)

        return functools.reduce(scan, numbers, [])

    def step(self, metric, params):
        self.history = self.history + [metric]
        found = self.improvements()
        newest = found[-1][0] if found else -1
        bad = len(self.history) - 1 - newest
        if bad == 0:
            self.best_epoch, self.best_metric = found[-1]
            self.best_params = copy.deepcopy({"params": params})["params"]
        return bool(bad >= self.options[0])


# %% wrong: the copy goes one level deep: a list of arrays
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0, mode="min"):
        self.patience = patience
        self.min_delta = min_delta
        self.mode = mode
        self.best_metric = None
        self.best_epoch = None
        self.best_params = None
        self.epoch = -1
        self.waited = 0

    def improves(self, metric):
        if math.isnan(metric):
            return False
        if self.best_metric is None:
            return True
        if self.mode == "min":
            return metric < self.best_metric - self.min_delta
        return metric > self.best_metric + self.min_delta

    def step(self, metric, params):
        self.epoch += 1
        if self.improves(metric):
            self.best_metric = metric
            self.best_epoch = self.epoch
            self.best_params = [part.copy() for part in params]
            self.waited = 0
        else:
            self.waited += 1
        return self.waited >= self.patience


# %% wrong: an epoch with NaN does not count for the patience
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0, mode="min"):
        self.patience = patience
        self.min_delta = min_delta
        self.mode = mode
        self.best_metric = None
        self.best_epoch = None
        self.best_params = None
        self.epoch = -1
        self.waited = 0

    def improves(self, metric):
        if math.isnan(metric):
            return False
        if self.best_metric is None:
            return True
        if self.mode == "min":
            return metric < self.best_metric - self.min_delta
        return metric > self.best_metric + self.min_delta

    def step(self, metric, params):
        self.epoch += 1
        if self.improves(metric):
            self.best_metric = metric
            self.best_epoch = self.epoch
            self.best_params = copy.deepcopy(params)
            self.waited = 0
        elif not math.isnan(metric):
            self.waited += 1
        return self.waited >= self.patience


# %% wrong: the best is replaced at any gain, min_delta only for the patience
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0, mode="min"):
        self.patience = patience
        self.min_delta = min_delta
        self.mode = mode
        self.best_metric = None
        self.best_epoch = None
        self.best_params = None
        self.epoch = -1
        self.waited = 0

    def improves(self, metric):
        if math.isnan(metric):
            return False
        if self.best_metric is None:
            return True
        if self.mode == "min":
            return metric < self.best_metric - self.min_delta
        return metric > self.best_metric + self.min_delta

    def step(self, metric, params):
        self.epoch += 1
        if self.improves(metric):
            self.best_metric = metric
            self.best_epoch = self.epoch
            self.best_params = copy.deepcopy(params)
            self.waited = 0
        else:
            self.waited += 1
            best = self.best_metric
            if best is not None and (metric < best if self.mode == "min" else metric > best):
                self.best_metric, self.best_epoch = metric, self.epoch
                self.best_params = copy.deepcopy(params)
        return self.waited >= self.patience


# %% wrong: min_delta is taken as a share of the best
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0, mode="min"):
        self.patience = patience
        self.min_delta = min_delta
        self.mode = mode
        self.best_metric = None
        self.best_epoch = None
        self.best_params = None
        self.epoch = -1
        self.waited = 0

    def improves(self, metric):
        if math.isnan(metric):
            return False
        if self.best_metric is None:
            return True
        if self.mode == "min":
            return metric < self.best_metric * (1 - self.min_delta)
        return metric > self.best_metric * (1 + self.min_delta)

    def step(self, metric, params):
        self.epoch += 1
        if self.improves(metric):
            self.best_metric = metric
            self.best_epoch = self.epoch
            self.best_params = copy.deepcopy(params)
            self.waited = 0
        else:
            self.waited += 1
        return self.waited >= self.patience


# %% wrong: a change of exactly min_delta counts
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0, mode="min"):
        self.patience = patience
        self.min_delta = min_delta
        self.mode = mode
        self.best_metric = None
        self.best_epoch = None
        self.best_params = None
        self.epoch = -1
        self.waited = 0

    def improves(self, metric):
        if math.isnan(metric):
            return False
        if self.best_metric is None:
            return True
        if self.mode == "min":
            return metric < self.best_metric and self.best_metric - metric >= self.min_delta
        return metric > self.best_metric and metric - self.best_metric >= self.min_delta

    def step(self, metric, params):
        self.epoch += 1
        if self.improves(metric):
            self.best_metric = metric
            self.best_epoch = self.epoch
            self.best_params = copy.deepcopy(params)
            self.waited = 0
        else:
            self.waited += 1
        return self.waited >= self.patience


# %% wrong: best_params stays a reference
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0, mode="min"):
        self.patience = patience
        self.min_delta = min_delta
        self.mode = mode
        self.best_metric = None
        self.best_epoch = None
        self.best_params = None
        self.epoch = -1
        self.waited = 0

    def improves(self, metric):
        if math.isnan(metric):
            return False
        if self.best_metric is None:
            return True
        if self.mode == "min":
            return metric < self.best_metric - self.min_delta
        return metric > self.best_metric + self.min_delta

    def step(self, metric, params):
        self.epoch += 1
        if self.improves(metric):
            self.best_metric = metric
            self.best_epoch = self.epoch
            self.best_params = params
            self.waited = 0
        else:
            self.waited += 1
        return self.waited >= self.patience


# %% wrong: a shallow copy of the list only
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0, mode="min"):
        self.patience = patience
        self.min_delta = min_delta
        self.mode = mode
        self.best_metric = None
        self.best_epoch = None
        self.best_params = None
        self.epoch = -1
        self.waited = 0

    def improves(self, metric):
        if math.isnan(metric):
            return False
        if self.best_metric is None:
            return True
        if self.mode == "min":
            return metric < self.best_metric - self.min_delta
        return metric > self.best_metric + self.min_delta

    def step(self, metric, params):
        self.epoch += 1
        if self.improves(metric):
            self.best_metric = metric
            self.best_epoch = self.epoch
            self.best_params = copy.copy(params)
            self.waited = 0
        else:
            self.waited += 1
        return self.waited >= self.patience


# %% wrong: min_delta with the wrong sign
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0, mode="min"):
        self.patience = patience
        self.min_delta = min_delta
        self.mode = mode
        self.best_metric = None
        self.best_epoch = None
        self.best_params = None
        self.epoch = -1
        self.waited = 0

    def improves(self, metric):
        if math.isnan(metric):
            return False
        if self.best_metric is None:
            return True
        if self.mode == "min":
            return metric < self.best_metric + self.min_delta
        return metric > self.best_metric - self.min_delta

    def step(self, metric, params):
        self.epoch += 1
        if self.improves(metric):
            self.best_metric = metric
            self.best_epoch = self.epoch
            self.best_params = copy.deepcopy(params)
            self.waited = 0
        else:
            self.waited += 1
        return self.waited >= self.patience


# %% wrong: any change, up or down, is an improvement
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0, mode="min"):
        self.patience = patience
        self.min_delta = min_delta
        self.mode = mode
        self.best_metric = None
        self.best_epoch = None
        self.best_params = None
        self.epoch = -1
        self.waited = 0

    def improves(self, metric):
        if math.isnan(metric):
            return False
        if self.best_metric is None:
            return True
        return abs(metric - self.best_metric) > self.min_delta

    def step(self, metric, params):
        self.epoch += 1
        if self.improves(metric):
            self.best_metric = metric
            self.best_epoch = self.epoch
            self.best_params = copy.deepcopy(params)
            self.waited = 0
        else:
            self.waited += 1
        return self.waited >= self.patience


# %% wrong: the params of the last epoch are kept
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0, mode="min"):
        self.patience = patience
        self.min_delta = min_delta
        self.mode = mode
        self.best_metric = None
        self.best_epoch = None
        self.best_params = None
        self.epoch = -1
        self.waited = 0

    def improves(self, metric):
        if math.isnan(metric):
            return False
        if self.best_metric is None:
            return True
        if self.mode == "min":
            return metric < self.best_metric - self.min_delta
        return metric > self.best_metric + self.min_delta

    def step(self, metric, params):
        self.epoch += 1
        self.best_params = copy.deepcopy(params)
        if self.improves(metric):
            self.best_metric = metric
            self.best_epoch = self.epoch
            self.waited = 0
        else:
            self.waited += 1
        return self.waited >= self.patience


# %% wrong: a NaN at the beginning becomes the best and stays
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0, mode="min"):
        self.patience = patience
        self.min_delta = min_delta
        self.mode = mode
        self.best_metric = None
        self.best_epoch = None
        self.best_params = None
        self.epoch = -1
        self.waited = 0

    def improves(self, metric):
        if self.best_metric is None:
            return True
        if self.mode == "min":
            return metric < self.best_metric - self.min_delta
        return metric > self.best_metric + self.min_delta

    def step(self, metric, params):
        self.epoch += 1
        if self.improves(metric):
            self.best_metric = metric
            self.best_epoch = self.epoch
            self.best_params = copy.deepcopy(params)
            self.waited = 0
        else:
            self.waited += 1
        return self.waited >= self.patience


# %% wrong: the patience-th call in a row - the counter belongs to the class, so runs side by side share it
class EarlyStopping:
    waited = 0

    def __init__(self, patience, min_delta=0.0, mode="min"):
        self.patience, self.min_delta, self.sign = patience, min_delta, 1 if mode == "min" else -1
        self.best_metric = self.best_epoch = self.best_params = None
        self.epoch, EarlyStopping.waited = 0, 0

    def step(self, metric, params):
        first = self.best_metric is None and not math.isnan(metric)
        if first or self.best_metric is not None and self.sign * (self.best_metric - metric) > self.min_delta:
            self.best_metric, self.best_epoch, self.best_params = metric, self.epoch, copy.deepcopy(params)
            EarlyStopping.waited = 0
        else:
            EarlyStopping.waited += 1
        self.epoch += 1
        return EarlyStopping.waited >= self.patience


# %% wrong: best_epoch, counted from 0 (step is called once after each epoch) - NaN epochs are not counted
class EarlyStopping:
    def __init__(self, patience, min_delta=0.0, mode="min"):
        self.patience, self.min_delta, self.sign = patience, min_delta, 1 if mode == "min" else -1
        self.best_metric = self.best_epoch = self.best_params = None
        self.metrics, self.waited = [], 0

    def step(self, metric, params):
        self.waited += 1
        if not math.isnan(metric):
            self.metrics.append(metric)
            if self.best_metric is None or self.sign * (self.best_metric - metric) > self.min_delta:
                self.best_metric, self.best_epoch = metric, len(self.metrics) - 1
                self.best_params, self.waited = copy.deepcopy(params), 0
        return self.waited >= self.patience


# %% wrong: what happens to params later must not show - tuples are kept ("they cannot change"), arrays in them do
def _kept(tree):
    if isinstance(tree, dict):
        return {key: _kept(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_kept(value) for value in tree]
    return tree if isinstance(tree, (tuple, float, int)) else copy.deepcopy(tree)


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
