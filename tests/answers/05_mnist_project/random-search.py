"""Exercise 5.4: log-uniform draws and a random search. All answers by somebody who saw only the task."""


# %% right: blind - exp of a uniform logarithm; a counter of calls as seed
def log_uniform(low, high):
    def draw(rng):
        value = math.exp(rng.uniform(math.log(low), math.log(high)))
        return min(max(value, low), high)

    return draw


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    trials, best, seed = [], None, 0
    for _ in range(n_trials):
        params = {name: draw(rng) for name, draw in space.items()}
        scores = []
        for _ in range(seeds_per_trial):
            try:
                scores.append(float(objective(dict(params), seed)))
            except Exception:
                scores.append(math.nan)
            seed += 1
        trial = {"params": params, "score": sum(scores) / len(scores)}
        trials.append(trial)
        if not math.isnan(trial["score"]) and (best is None or trial["score"] > best["score"]):
            best = trial
    return {
        "trials": trials,
        "best_params": None if best is None else dict(best["params"]),
        "best_score": None if best is None else best["score"],
    }


# %% right: blind - scipy's loguniform; a plan of all calls first, then one table of scores; nanargmax
import copy


def log_uniform(low, high):
    if low == high:
        return lambda rng: float(low)
    return lambda rng: float(np.clip(stats.loguniform.rvs(low, high, random_state=rng), low, high))


def attempt(objective, params, seed):
    try:
        return objective(copy.deepcopy(params), seed)
    except Exception:
        return np.nan


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    settings = [{name: function(rng) for name, function in space.items()} for _ in range(n_trials)]
    seeds = np.arange(n_trials * seeds_per_trial).reshape(n_trials, seeds_per_trial).tolist()
    table = [[attempt(objective, *call) for call in zip([one] * len(row), row)] for one, row in zip(settings, seeds)]
    scores = np.array(table, dtype=float).mean(axis=1) if table else np.empty(0)
    found = dict.fromkeys(("best_params", "best_score"))
    found["trials"] = [dict(params=one, score=score) for one, score in zip(settings, scores.tolist(), strict=True)]
    if np.isfinite(scores).any() or np.isinf(scores).any():
        place = int(np.nanargmax(scores))
        found.update(best_params=copy.deepcopy(settings[place]), best_score=scores.tolist()[place])
    return found


# %% right: blind - a power of high / low; generators; max over those that did not fail, which keeps the first
from functools import partial
from itertools import count, islice


def between(low, high, rng):
    return float(np.clip(low * (high / low) ** rng.random(), low, high))


def log_uniform(low, high):
    return partial(between, low, high)


def trials_of(space, objective, rng, repeats):
    seeds = count(1000)
    while True:
        params = {}
        for name in space:
            params[name] = space[name](rng)
        total, failed = 0.0, False
        for seed in islice(seeds, repeats):
            try:
                total += objective(params.copy(), seed)
            except Exception:
                failed = True
        yield {"params": params, "score": math.nan if failed else float(total / repeats)}


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    trials = list(islice(trials_of(space, objective, rng, seeds_per_trial), n_trials))
    honest = (trial for trial in trials if trial["score"] == trial["score"])
    best = max(honest, key=lambda trial: trial["score"], default={"params": None, "score": None})
    params = best["params"] and best["params"].copy()
    return {"best_params": params, "best_score": best["score"], "trials": trials}


# %% right: blind - a search object with a method per job; a stable sort puts the best in front; seeds in random order
from dataclasses import asdict, dataclass, field


def log_uniform(low, high):
    bottom, width = np.log10(low), np.log10(high) - np.log10(low)

    def sample(rng):
        value = 10.0 ** (bottom + width * rng.random())
        return float(sorted([low, value, high])[1])

    return sample


@dataclass
class Trial:
    params: dict
    score: float = math.nan

    def run(self, objective, seeds):
        results = []
        for seed in seeds:
            try:
                results.append(objective(asdict(self)["params"], int(seed)))
            except Exception:
                results.append(math.nan)
        self.score = math.fsum(results) / len(results)


@dataclass
class Search:
    space: dict
    trials: list = field(default_factory=list)

    def add(self, rng):
        self.trials.append(Trial({name: draw(rng) for name, draw in self.space.items()}))

    def result(self):
        ranking = sorted((t for t in self.trials if not np.isnan(t.score)), key=lambda t: -t.score)
        winner = asdict(ranking[0]) if ranking else {"params": None, "score": None}
        return {
            "trials": list(map(asdict, self.trials)),
            "best_params": winner["params"],
            "best_score": winner["score"],
        }


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    search = Search(space)
    for _ in range(n_trials):
        search.add(rng)
    tickets = rng.permutation(n_trials * seeds_per_trial)
    for trial, seeds in zip(search.trials, tickets.reshape(n_trials, seeds_per_trial), strict=True):
        trial.run(objective, seeds)
    return search.result()


# %% right: blind - reduce carries the trials and the best one; failures travel as NaN through statistics.fmean
import statistics
from functools import reduce


def log_uniform(low, high):
    logs = np.log([low, high])
    return lambda rng: min(high, max(low, float(np.exp(np.interp(rng.random(), [0, 1], logs)))))


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    used = set()

    def new_seed():
        while (seed := int(rng.integers(2**40))) in used:
            pass
        used.add(seed)
        return seed

    def call(params):
        seed = new_seed()
        try:
            return float(objective(params, seed))
        except Exception:
            return float("nan")

    def one_more(state, _):
        done, best = state
        names, draws = list(space), [draw(rng) for draw in space.values()]
        score = statistics.fmean(call(dict(zip(names, draws))) for _ in range(seeds_per_trial))
        done.append((draws, score))
        beaten = best is not None and not score > best[1]
        return done, best if math.isnan(score) or beaten else done[-1]

    done, best = reduce(one_more, range(n_trials), ([], None))
    trials = [{"params": dict(zip(space, draws)), "score": score} for draws, score in done]
    draws, score = best or (None, None)
    return {"trials": trials, "best_params": best and dict(zip(space, draws)), "best_score": score}


# %% wrong: the last wins ties
def log_uniform(low, high):
    def draw(rng):
        return float(np.clip(np.exp(rng.uniform(np.log(low), np.log(high))), low, high))

    return draw


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    trials = []
    best_params, best_score = None, None
    seed = 0
    for _ in range(n_trials):
        params = {name: draw(rng) for name, draw in space.items()}
        scores = []
        for _ in range(seeds_per_trial):
            try:
                scores.append(objective(dict(params), seed))
            except Exception:
                scores.append(np.nan)
            seed += 1
        score = float(np.mean(scores))
        trials.append({"params": params, "score": score})
        if not np.isnan(score) and (best_score is None or score >= best_score):
            best_params, best_score = dict(params), score
    return {"best_params": best_params, "best_score": best_score, "trials": trials}


# %% wrong: best_params is the dict of the trial, not a copy
def log_uniform(low, high):
    def draw(rng):
        return float(np.clip(np.exp(rng.uniform(np.log(low), np.log(high))), low, high))

    return draw


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    trials = []
    best_params, best_score = None, None
    seed = 0
    for _ in range(n_trials):
        params = {name: draw(rng) for name, draw in space.items()}
        scores = []
        for _ in range(seeds_per_trial):
            try:
                scores.append(objective(dict(params), seed))
            except Exception:
                scores.append(np.nan)
            seed += 1
        score = float(np.mean(scores))
        trials.append({"params": params, "score": score})
        if not np.isnan(score) and (best_score is None or score > best_score):
            best_params, best_score = params, score
    return {"best_params": best_params, "best_score": best_score, "trials": trials}


# %% wrong: the mean leaves out the calls that failed
def log_uniform(low, high):
    def draw(rng):
        return float(np.clip(np.exp(rng.uniform(np.log(low), np.log(high))), low, high))

    return draw


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    trials = []
    best_params, best_score = None, None
    seed = 0
    for _ in range(n_trials):
        params = {name: draw(rng) for name, draw in space.items()}
        scores = []
        for _ in range(seeds_per_trial):
            try:
                scores.append(objective(dict(params), seed))
            except Exception:
                scores.append(np.nan)
            seed += 1
        score = float(np.nanmean(scores)) if not np.isnan(scores).all() else math.nan
        trials.append({"params": params, "score": score})
        if not np.isnan(score) and (best_score is None or score > best_score):
            best_params, best_score = dict(params), score
    return {"best_params": best_params, "best_score": best_score, "trials": trials}


# %% wrong: the best of the seeds is the score, not their mean
def log_uniform(low, high):
    def draw(rng):
        return float(np.clip(np.exp(rng.uniform(np.log(low), np.log(high))), low, high))

    return draw


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    trials = []
    best_params, best_score = None, None
    seed = 0
    for _ in range(n_trials):
        params = {name: draw(rng) for name, draw in space.items()}
        scores = []
        for _ in range(seeds_per_trial):
            try:
                scores.append(objective(dict(params), seed))
            except Exception:
                scores.append(np.nan)
            seed += 1
        score = float(np.max(scores))
        trials.append({"params": params, "score": score})
        if not np.isnan(score) and (best_score is None or score > best_score):
            best_params, best_score = dict(params), score
    return {"best_params": best_params, "best_score": best_score, "trials": trials}


# %% wrong: uniform, with the small rates left to luck
def log_uniform(low, high):
    def draw(rng):
        return float(rng.uniform(low, high))

    return draw


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    trials = []
    best_params, best_score = None, None
    seed = 0
    for _ in range(n_trials):
        params = {name: draw(rng) for name, draw in space.items()}
        scores = []
        for _ in range(seeds_per_trial):
            try:
                scores.append(objective(dict(params), seed))
            except Exception:
                scores.append(np.nan)
            seed += 1
        score = float(np.mean(scores))
        trials.append({"params": params, "score": score})
        if not np.isnan(score) and (best_score is None or score > best_score):
            best_params, best_score = dict(params), score
    return {"best_params": best_params, "best_score": best_score, "trials": trials}


# %% wrong: powers of ten only
def log_uniform(low, high):
    def draw(rng):
        return float(10.0 ** rng.integers(round(np.log10(low)), round(np.log10(high)) + 1))

    return draw


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    trials = []
    best_params, best_score = None, None
    seed = 0
    for _ in range(n_trials):
        params = {name: draw(rng) for name, draw in space.items()}
        scores = []
        for _ in range(seeds_per_trial):
            try:
                scores.append(objective(dict(params), seed))
            except Exception:
                scores.append(np.nan)
            seed += 1
        score = float(np.mean(scores))
        trials.append({"params": params, "score": score})
        if not np.isnan(score) and (best_score is None or score > best_score):
            best_params, best_score = dict(params), score
    return {"best_params": best_params, "best_score": best_score, "trials": trials}


# %% wrong: a generator of its own with a fixed seed, so that all draws are alike
def log_uniform(low, high):
    def draw(rng):
        rng = np.random.default_rng(42)
        return float(np.clip(np.exp(rng.uniform(np.log(low), np.log(high))), low, high))

    return draw


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    trials = []
    best_params, best_score = None, None
    seed = 0
    for _ in range(n_trials):
        params = {name: draw(rng) for name, draw in space.items()}
        scores = []
        for _ in range(seeds_per_trial):
            try:
                scores.append(objective(dict(params), seed))
            except Exception:
                scores.append(np.nan)
            seed += 1
        score = float(np.mean(scores))
        trials.append({"params": params, "score": score})
        if not np.isnan(score) and (best_score is None or score > best_score):
            best_params, best_score = dict(params), score
    return {"best_params": best_params, "best_score": best_score, "trials": trials}


# %% wrong: each trial has the same seeds, to be fair
def log_uniform(low, high):
    def draw(rng):
        return float(np.clip(np.exp(rng.uniform(np.log(low), np.log(high))), low, high))

    return draw


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    trials = []
    best_params, best_score = None, None
    seed = 0
    for _ in range(n_trials):
        params = {name: draw(rng) for name, draw in space.items()}
        scores, seed = [], 0
        for _ in range(seeds_per_trial):
            try:
                scores.append(objective(dict(params), seed))
            except Exception:
                scores.append(np.nan)
            seed += 1
        score = float(np.mean(scores))
        trials.append({"params": params, "score": score})
        if not np.isnan(score) and (best_score is None or score > best_score):
            best_params, best_score = dict(params), score
    return {"best_params": best_params, "best_score": best_score, "trials": trials}


# %% wrong: as many seeds as calls, but drawn with replacement
def log_uniform(low, high):
    def draw(rng):
        return float(np.clip(np.exp(rng.uniform(np.log(low), np.log(high))), low, high))

    return draw


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    trials = []
    best_params, best_score = None, None
    for _ in range(n_trials):
        params = {name: draw(rng) for name, draw in space.items()}
        scores = []
        for _ in range(seeds_per_trial):
            seed = int(rng.integers(n_trials * seeds_per_trial))
            try:
                scores.append(objective(dict(params), seed))
            except Exception:
                scores.append(np.nan)
        score = float(np.mean(scores))
        trials.append({"params": params, "score": score})
        if not np.isnan(score) and (best_score is None or score > best_score):
            best_params, best_score = dict(params), score
    return {"best_params": best_params, "best_score": best_score, "trials": trials}


# %% wrong: a failure has the score minus infinity
def log_uniform(low, high):
    def draw(rng):
        return float(np.clip(np.exp(rng.uniform(np.log(low), np.log(high))), low, high))

    return draw


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    trials = []
    best_params, best_score = None, None
    seed = 0
    for _ in range(n_trials):
        params = {name: draw(rng) for name, draw in space.items()}
        scores = []
        for _ in range(seeds_per_trial):
            try:
                scores.append(objective(dict(params), seed))
            except Exception:
                scores.append(-np.inf)
            seed += 1
        score = float(np.mean(scores))
        trials.append({"params": params, "score": score})
        if not np.isnan(score) and (best_score is None or score > best_score):
            best_params, best_score = dict(params), score
    return {"best_params": best_params, "best_score": best_score, "trials": trials}


# %% wrong: a failed trial is left out of the list
def log_uniform(low, high):
    def draw(rng):
        return float(np.clip(np.exp(rng.uniform(np.log(low), np.log(high))), low, high))

    return draw


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    trials = []
    best_params, best_score = None, None
    seed = 0
    for _ in range(n_trials):
        params = {name: draw(rng) for name, draw in space.items()}
        scores = []
        for _ in range(seeds_per_trial):
            try:
                scores.append(objective(dict(params), seed))
            except Exception:
                scores.append(np.nan)
            seed += 1
        score = float(np.mean(scores))
        if not np.isnan(score):
            trials.append({"params": params, "score": score})
        if not np.isnan(score) and (best_score is None or score > best_score):
            best_params, best_score = dict(params), score
    return {"best_params": best_params, "best_score": best_score, "trials": trials}


# %% wrong: the lowest score wins, as a loss would
def log_uniform(low, high):
    def draw(rng):
        return float(np.clip(np.exp(rng.uniform(np.log(low), np.log(high))), low, high))

    return draw


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    trials = []
    best_params, best_score = None, None
    seed = 0
    for _ in range(n_trials):
        params = {name: draw(rng) for name, draw in space.items()}
        scores = []
        for _ in range(seeds_per_trial):
            try:
                scores.append(objective(dict(params), seed))
            except Exception:
                scores.append(np.nan)
            seed += 1
        score = float(np.mean(scores))
        trials.append({"params": params, "score": score})
        if not np.isnan(score) and (best_score is None or score < best_score):
            best_params, best_score = dict(params), score
    return {"best_params": best_params, "best_score": best_score, "trials": trials}


# %% wrong: argmax takes NaN for the largest
def log_uniform(low, high):
    def draw(rng):
        return float(np.clip(np.exp(rng.uniform(np.log(low), np.log(high))), low, high))

    return draw


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    trials = []
    seed = 0
    for _ in range(n_trials):
        params = {name: draw(rng) for name, draw in space.items()}
        scores = []
        for _ in range(seeds_per_trial):
            try:
                scores.append(objective(dict(params), seed))
            except Exception:
                scores.append(np.nan)
            seed += 1
        score = float(np.mean(scores))
        trials.append({"params": params, "score": score})
    best = trials[int(np.argmax([trial["score"] for trial in trials]))]
    best_params, best_score = dict(best["params"]), best["score"]
    return {"best_params": best_params, "best_score": best_score, "trials": trials}


# %% wrong: one dict of params is filled again and again
def log_uniform(low, high):
    def draw(rng):
        return float(np.clip(np.exp(rng.uniform(np.log(low), np.log(high))), low, high))

    return draw


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    trials = []
    best_params, best_score = None, None
    seed, params = 0, {}
    for _ in range(n_trials):
        params.update({name: draw(rng) for name, draw in space.items()})
        scores = []
        for _ in range(seeds_per_trial):
            try:
                scores.append(objective(dict(params), seed))
            except Exception:
                scores.append(np.nan)
            seed += 1
        score = float(np.mean(scores))
        trials.append({"params": params, "score": score})
        if not np.isnan(score) and (best_score is None or score > best_score):
            best_params, best_score = dict(params), score
    return {"best_params": best_params, "best_score": best_score, "trials": trials}


# %% wrong: each seed is a trial of its own
def log_uniform(low, high):
    def draw(rng):
        return float(np.clip(np.exp(rng.uniform(np.log(low), np.log(high))), low, high))

    return draw


def random_search(space, objective, n_trials, rng, seeds_per_trial=1):
    trials = []
    best_params, best_score = None, None
    seed = 0
    for _ in range(n_trials):
        params = {name: draw(rng) for name, draw in space.items()}
        for _ in range(seeds_per_trial):
            try:
                score = float(objective(dict(params), seed))
            except Exception:
                score = math.nan
            seed += 1
            trials.append({"params": params, "score": score})
            if not np.isnan(score) and (best_score is None or score > best_score):
                best_params, best_score = dict(params), score
    return {"best_params": best_params, "best_score": best_score, "trials": trials}
