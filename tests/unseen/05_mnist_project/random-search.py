# %% right: scipy's loguniform; a generator runs the trials, a context manager swallows failures
import contextlib
import copy
import itertools


def log_uniform(low, high):
    if low == high:
        return lambda rng: float(low)
    law = stats.loguniform(low, high)
    return lambda rng: min(max(float(law.rvs(random_state=rng)), low), high)


def _trials(space, objective, n_trials, rng, seeds_per_trial, seeds):
    for _ in range(n_trials):
        params = {name: draw(rng) for name, draw in space.items()}
        results = [math.nan] * seeds_per_trial
        for i in range(seeds_per_trial):
            seed = next(seeds)
            with contextlib.suppress(Exception):
                results[i] = float(objective(copy.deepcopy(params), seed))
        yield {"params": params, "score": sum(results) / len(results)}


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    trials = list(_trials(space, objective, n_trials, rng, seeds_per_trial, itertools.count()))
    good = [trial for trial in trials if trial["score"] == trial["score"]]
    best = max(good, key=lambda trial: trial["score"], default={"params": None, "score": None})  # max: the first
    return {"best_params": copy.deepcopy(best["params"]), "best_score": best["score"], "trials": trials}


# %% right: a callable class with base-2 logs; seeds from a SeedSequence; a stable sort finds the best
import copy


class log_uniform:
    def __init__(self, low, high):
        self.ends = low, high
        self.logs = math.log2(low), math.log2(high)

    def __call__(self, rng):
        a, b = self.logs
        return float(np.clip(2.0 ** (a + (b - a) * rng.random()), *self.ends))


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    wanted = n_trials * seeds_per_trial
    pool = dict.fromkeys(np.random.SeedSequence(7).generate_state(4 * wanted + 4).tolist())
    seeds = iter(list(pool)[:wanted])  # no seed twice: a dict keeps each key once
    trials = []
    for _ in range(n_trials):
        params, score = {name: draw(rng) for name, draw in space.items()}, 0.0
        for _ in range(seeds_per_trial):
            seed = next(seeds)
            try:
                score += float(objective(copy.deepcopy(params), seed)) / seeds_per_trial
            except Exception:
                score = math.nan
        trials.append(dict(params=params, score=score))
    ranked = sorted((t for t in trials if not math.isnan(t["score"])), key=lambda t: -t["score"])
    if not ranked:
        return dict(best_params=None, best_score=None, trials=trials)
    return dict(best_params=copy.deepcopy(ranked[0]["params"]), best_score=ranked[0]["score"], trials=trials)


# %% right: recursion over the trials, the best found by reduce
import copy
import functools


def log_uniform(low, high):
    def draw(rng):
        return float(min(high, max(low, math.exp(rng.uniform(math.log(low), math.log(high))))))

    return draw


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    def call(params, seed):
        try:
            return float(objective(copy.deepcopy(params), seed))
        except Exception:
            return float("nan")

    def search(first, after):
        if after - first == 0:
            return []
        if after - first > 1:  # halves, so that the recursion stays shallow
            middle = (first + after) // 2
            return search(first, middle) + search(middle, after)
        params = dict((name, draw(rng)) for name, draw in space.items())
        calls = [call(params, first * seeds_per_trial + i + 1000) for i in range(seeds_per_trial)]
        return [{"params": params, "score": sum(calls) / seeds_per_trial}]

    def better(a, b):
        if math.isnan(b["score"]):
            return a
        return b if a["score"] is None or b["score"] > a["score"] else a

    trials = search(0, n_trials)
    best = functools.reduce(better, trials, {"params": None, "score": None})
    return {"trials": trials, "best_score": best["score"], "best_params": copy.deepcopy(best["params"])}


# %% right: a dataclass per trial that draws, calls and compares itself; torch does the power
import copy
import dataclasses


def log_uniform(low, high):
    ends = torch.tensor([low, high], dtype=torch.float64)

    def draw(rng):
        share = torch.tensor(rng.uniform(), dtype=torch.float64)
        return torch.lerp(*ends.log(), share).exp().clamp(*ends.tolist()).item()

    return draw


@dataclasses.dataclass
class _Trial:
    params: dict
    scores: list = dataclasses.field(default_factory=list)

    @property
    def score(self):
        return sum(self.scores) / len(self.scores)

    @property
    def failed(self):
        return math.isnan(self.score)

    def run(self, objective, seed):
        try:
            self.scores.append(float(objective(copy.deepcopy(self.params), seed)))
        except Exception:
            self.scores.append(math.nan)

    def __gt__(self, other):
        return self.score > other.score

    def __lt__(self, other):
        return self.score < other.score


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    done, seed = [], 0
    while len(done) < n_trials:
        trial = _Trial({name: space[name](rng) for name in space})
        for _ in range(seeds_per_trial):
            seed += 1
            trial.run(objective, seed)
        done.append(trial)
    best = max((trial for trial in done if not trial.failed), default=None)
    return {
        "best_params": best and copy.deepcopy(best.params) if best is not None else None,
        "best_score": best.score if best is not None else None,
        "trials": [{"params": trial.params, "score": trial.score} for trial in done],
    }


# %% right: all scores in one array of longdoubles, params frozen as pickles, seeds counted down
def log_uniform(low, high):
    ratio = math.log(high) - math.log(low)
    return lambda rng: max(low, min(high, float(low * math.exp(ratio * rng.random()))))


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    table = np.full((n_trials, seeds_per_trial), np.nan, dtype=np.longdouble)
    frozen = []
    for row in table:
        frozen.append(pickle.dumps({name: draw(rng) for name, draw in space.items()}))
        for i in range(seeds_per_trial):
            seed = n_trials * seeds_per_trial - (len(frozen) - 1) * seeds_per_trial - i
            try:
                row[i] = objective(pickle.loads(frozen[-1]), seed)
            except Exception as error:
                print("failed:", type(error).__name__)
    with np.errstate(invalid="ignore"):
        scores = [float(score) for score in table.mean(axis=1)] if n_trials else []
    trials = [{"params": pickle.loads(kept), "score": score} for kept, score in zip(frozen, scores)]
    left = [i for i in range(n_trials) if not math.isnan(scores[i])]
    if left == []:
        return {"trials": trials, "best_params": None, "best_score": None}
    winner = left[int(np.argmax([scores[i] for i in left]))]
    return {"trials": trials, "best_params": pickle.loads(frozen[winner]), "best_score": scores[winner]}


# %% wrong: a function of a Generator - it keeps the first Generator that it got, and draws from that ever after
import copy


def log_uniform(low, high):
    first = []

    def draw(rng):
        first.append(rng)
        return float(np.clip(math.exp(first[0].uniform(math.log(low), math.log(high))), low, high))

    return draw


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    trials, seed = [], 0
    for _ in range(n_trials):
        params = {name: draw(rng) for name, draw in space.items()}
        scores = []
        for _ in range(seeds_per_trial):
            try:
                scores.append(float(objective(copy.deepcopy(params), seed)))
            except Exception:
                scores.append(math.nan)
            seed += 1
        trials.append({"params": params, "score": sum(scores) / len(scores)})
    best = None
    for trial in trials:
        if not math.isnan(trial["score"]) and (best is None or trial["score"] > best["score"]):
            best = trial
    if best is None:
        return {"best_params": None, "best_score": None, "trials": trials}
    return {"best_params": copy.deepcopy(best["params"]), "best_score": best["score"], "trials": trials}


# %% wrong: a trial's score is the mean - it is the median, the same for one and two seeds
import copy


def log_uniform(low, high):
    def draw(rng):
        return float(np.clip(math.exp(rng.uniform(math.log(low), math.log(high))), low, high))

    return draw


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    trials, seed = [], 0
    for _ in range(n_trials):
        params = {name: draw(rng) for name, draw in space.items()}
        scores = []
        for _ in range(seeds_per_trial):
            try:
                scores.append(float(objective(copy.deepcopy(params), seed)))
            except Exception:
                scores.append(math.nan)
            seed += 1
        trials.append({"params": params, "score": float(np.median(scores))})
    best = None
    for trial in trials:
        if not math.isnan(trial["score"]) and (best is None or trial["score"] > best["score"]):
            best = trial
    if best is None:
        return {"best_params": None, "best_score": None, "trials": trials}
    return {"best_params": copy.deepcopy(best["params"]), "best_score": best["score"], "trials": trials}


# %% wrong: a trial in which a call fails or returns NaN has the score NaN - only if all its calls do, others are left out
import copy


def log_uniform(low, high):
    def draw(rng):
        return float(np.clip(math.exp(rng.uniform(math.log(low), math.log(high))), low, high))

    return draw


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    trials, seed = [], 0
    for _ in range(n_trials):
        params = {name: draw(rng) for name, draw in space.items()}
        scores = []
        for _ in range(seeds_per_trial):
            try:
                scores.append(float(objective(copy.deepcopy(params), seed)))
            except Exception:
                scores.append(math.nan)
            seed += 1
        scores = [score for score in scores if not math.isnan(score)] or [math.nan]
        trials.append({"params": params, "score": sum(scores) / len(scores)})
    best = None
    for trial in trials:
        if not math.isnan(trial["score"]) and (best is None or trial["score"] > best["score"]):
            best = trial
    if best is None:
        return {"best_params": None, "best_score": None, "trials": trials}
    return {"best_params": copy.deepcopy(best["params"]), "best_score": best["score"], "trials": trials}


# %% wrong: raises an Exception - KeyboardInterrupt is swallowed, too, and the search cannot be stopped
import copy


def log_uniform(low, high):
    def draw(rng):
        return float(np.clip(math.exp(rng.uniform(math.log(low), math.log(high))), low, high))

    return draw


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    trials, seed = [], 0
    for _ in range(n_trials):
        params = {name: draw(rng) for name, draw in space.items()}
        scores = []
        for _ in range(seeds_per_trial):
            try:
                scores.append(float(objective(copy.deepcopy(params), seed)))
            except BaseException:
                scores.append(math.nan)
            seed += 1
        trials.append({"params": params, "score": sum(scores) / len(scores)})
    best = None
    for trial in trials:
        if not math.isnan(trial["score"]) and (best is None or trial["score"] > best["score"]):
            best = trial
    if best is None:
        return {"best_params": None, "best_score": None, "trials": trials}
    return {"best_params": copy.deepcopy(best["params"]), "best_score": best["score"], "trials": trials}


# %% wrong: call objective(params, seed) - what one call changes in params, the next call of the trial finds
import copy


def log_uniform(low, high):
    def draw(rng):
        return float(np.clip(math.exp(rng.uniform(math.log(low), math.log(high))), low, high))

    return draw


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    trials, seed = [], 0
    for _ in range(n_trials):
        params = {name: draw(rng) for name, draw in space.items()}
        scores, given = [], copy.deepcopy(params)
        for _ in range(seeds_per_trial):
            try:
                scores.append(float(objective(given, seed)))
            except Exception:
                scores.append(math.nan)
            seed += 1
        trials.append({"params": params, "score": sum(scores) / len(scores)})
    best = None
    for trial in trials:
        if not math.isnan(trial["score"]) and (best is None or trial["score"] > best["score"]):
            best = trial
    if best is None:
        return {"best_params": None, "best_score": None, "trials": trials}
    return {"best_params": copy.deepcopy(best["params"]), "best_score": best["score"], "trials": trials}


# %% wrong: NaN never wins - it does if the very first trial failed, since nothing is larger than NaN
import copy


def log_uniform(low, high):
    def draw(rng):
        return float(np.clip(math.exp(rng.uniform(math.log(low), math.log(high))), low, high))

    return draw


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    trials, seed = [], 0
    for _ in range(n_trials):
        params = {name: draw(rng) for name, draw in space.items()}
        scores = []
        for _ in range(seeds_per_trial):
            try:
                scores.append(float(objective(copy.deepcopy(params), seed)))
            except Exception:
                scores.append(math.nan)
            seed += 1
        trials.append({"params": params, "score": sum(scores) / len(scores)})
    best = max(trials, key=lambda trial: trial["score"], default=None)
    if all(math.isnan(trial["score"]) for trial in trials):
        return {"best_params": None, "best_score": None, "trials": trials}
    return {"best_params": copy.deepcopy(best["params"]), "best_score": best["score"], "trials": trials}


# %% wrong: None only if every trial failed - scores of minus infinity are no failure, and win nothing here
import copy


def log_uniform(low, high):
    def draw(rng):
        return float(np.clip(math.exp(rng.uniform(math.log(low), math.log(high))), low, high))

    return draw


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    trials, seed = [], 0
    for _ in range(n_trials):
        params = {name: draw(rng) for name, draw in space.items()}
        scores = []
        for _ in range(seeds_per_trial):
            try:
                scores.append(float(objective(copy.deepcopy(params), seed)))
            except Exception:
                scores.append(math.nan)
            seed += 1
        trials.append({"params": params, "score": sum(scores) / len(scores)})
    best, highest = None, -math.inf
    for trial in trials:
        if trial["score"] > highest:
            best, highest = trial, trial["score"]
    if best is None:
        return {"best_params": None, "best_score": None, "trials": trials}
    return {"best_params": copy.deepcopy(best["params"]), "best_score": best["score"], "trials": trials}


# %% wrong: None only if every trial failed - a best score of 0 counts as none
import copy


def log_uniform(low, high):
    def draw(rng):
        return float(np.clip(math.exp(rng.uniform(math.log(low), math.log(high))), low, high))

    return draw


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    trials, seed = [], 0
    for _ in range(n_trials):
        params = {name: draw(rng) for name, draw in space.items()}
        scores = []
        for _ in range(seeds_per_trial):
            try:
                scores.append(float(objective(copy.deepcopy(params), seed)))
            except Exception:
                scores.append(math.nan)
            seed += 1
        trials.append({"params": params, "score": sum(scores) / len(scores)})
    best = None
    for trial in trials:
        if not math.isnan(trial["score"]) and (best is None or trial["score"] > best["score"]):
            best = trial
    if not best or not best["score"]:
        return {"best_params": None, "best_score": None, "trials": trials}
    return {"best_params": copy.deepcopy(best["params"]), "best_score": best["score"], "trials": trials}
