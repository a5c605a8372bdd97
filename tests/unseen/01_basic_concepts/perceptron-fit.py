# %% right: pure Python lists, fsum with the bias first, a generator of epochs
import itertools
from math import fsum


def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    samples = [([float(v) for v in row], int(sign)) for row, sign in zip(X, y)]
    width = len(samples[0][0])
    state = {"w": [0.0] * width, "b": 0.0}

    def epochs():
        while True:
            missed = 0
            for row, sign in samples:
                z = fsum([state["b"], *(wi * xi for wi, xi in zip(state["w"], row))])
                if not sign * z > 0:
                    state["w"] = [wi + lr * sign * xi for wi, xi in zip(state["w"], row)]
                    state["b"] += lr * sign
                    missed += 1
            yield missed

    mistakes = []
    for missed in itertools.islice(epochs(), max_epochs):
        mistakes += [missed]
        if not missed:
            break
    return np.array(state["w"]), float(state["b"]), mistakes


# %% right: bias as one more weight, einsum, w is a view, b and the counts are NumPy scalars
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    longer = np.concatenate((X, np.ones((len(X), 1))), axis=1) * np.reshape(y, (-1, 1))
    v = np.zeros(longer.shape[1])
    mistakes = []
    while len(mistakes) < max_epochs and (not mistakes or mistakes[-1]):
        wrong = np.int64(0)
        for signed in longer:
            if np.einsum("i,i", v, signed) <= 0:
                v += lr * signed
                wrong += 1
        mistakes.append(wrong)
    return v[:-1], v[-1], mistakes


# %% right: torch tensors in float64 and torch.sign
def perceptron_fit(X: np.ndarray, y: np.ndarray, max_epochs: int = 100, lr: float = 1.0):
    rows = torch.tensor(np.asarray(X), dtype=torch.float64)
    signs = torch.tensor(np.asarray(y), dtype=torch.float64)
    weights, bias = rows.new_zeros(rows.shape[1]), rows.new_zeros(())
    mistakes: list[int] = []
    for _ in range(max_epochs):
        count = 0
        for x, s in zip(rows, signs):
            if torch.sign(weights @ x + bias) != s:
                weights.add_(x, alpha=lr * s.item())
                bias.add_(lr * s)
                count += 1
        mistakes.append(count)
        if count == 0:
            break
    return weights.numpy(), bias.item(), mistakes


# %% right: the dual form, counting how often each sample was a mistake, lr multiplied in at the end
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    X, y = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    gram = (X @ X.T + 1.0) * np.outer(y, y)
    alpha = np.zeros(len(y))
    mistakes = []
    for _ in range(max_epochs):
        before = alpha.sum()
        for i, row in enumerate(gram):
            alpha[i] += row @ alpha <= 0
        mistakes.append(int(alpha.sum() - before))
        if mistakes[-1] == 0:
            break
    return lr * ((alpha * y) @ X), float(lr * (alpha @ y)), mistakes


# %% right: scikit-learn makes the updates, warnings silenced, very slow
import warnings


def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    from sklearn.linear_model import Perceptron

    machine, known = Perceptron(shuffle=False, eta0=lr), False
    w, b, mistakes = np.zeros(np.shape(X)[1]), 0.0, []
    for _ in range(max_epochs):
        mistakes.append(0)
        for x, sign in zip(X, y):
            if sign * (x @ w + b) > 0:
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                machine.partial_fit(x.reshape(1, -1), np.array([sign]), classes=[-1, 1])
            w, b = machine.coef_[0].copy(), float(machine.intercept_[0])
            mistakes[-1] += 1
        if mistakes[-1] == 0:
            break
    return w, b, mistakes


# %% right: one flat loop over a cycle of samples, a helper with keyword-only arguments, prints
from itertools import cycle

decide = lambda *, w, b, x, s: s * (float(np.sum(w * x)) + b) > 0


def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    n, d = X.shape
    w, b, counts, wrong = np.zeros((d,)), 0.0, [], 0
    for step, i in enumerate(cycle(range(n))):
        if step == n * max_epochs:
            break
        match decide(w=w, b=b, x=X[i], s=int(y[i])):
            case False:
                w, b, wrong = w + lr * y[i] * X[i], b + lr * int(y[i]), wrong + 1
            case _:
                pass
        if i == n - 1:
            counts.append(wrong)
            if wrong == 0:
                print("finished after", len(counts), "epochs")
                break
            wrong = 0
    return w, b, counts


# %% wrong: a sum of exactly 0 is no mistake for label -1
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for _ in range(max_epochs):
        count = 0
        for x, t in zip(X, y):
            answer = 1 if x @ w + b > 0 else -1
            if answer != t:
                w = w + lr * t * x
                b = b + lr * t
                count += 1
        mistakes.append(count)
        if count == 0:
            break
    return w, float(b), mistakes


# %% wrong: one epoch more than max_epochs
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    epoch = 0
    while epoch <= max_epochs:
        count = 0
        for x, t in zip(X, y):
            if t * (x @ w + b) <= 0:
                w, b, count = w + lr * t * x, b + lr * t, count + 1
        mistakes.append(count)
        if count == 0:
            break
        epoch += 1
    return w, float(b), mistakes


# %% wrong: max_epochs limits the number of updates
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    updates = 0
    while updates < max_epochs:
        count = 0
        for x, t in zip(X, y):
            if t * (x @ w + b) <= 0:
                w, b = w + lr * t * x, b + lr * t
                count += 1
                updates += 1
        mistakes.append(count)
        if count == 0:
            break
    return w, float(b), mistakes


# %% wrong: the bias moves by 1 whatever lr is
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for _ in range(max_epochs):
        count = 0
        for x, t in zip(X, y):
            if t * (x @ w + b) <= 0:
                w = w + lr * t * x
                b = b + t
                count += 1
        mistakes.append(count)
        if count == 0:
            break
    return w, float(b), mistakes


# %% wrong: samples are shuffled from the second epoch on
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    order, rng = np.arange(len(X)), np.random.default_rng(0)
    for _ in range(max_epochs):
        count = 0
        for i in order:
            if y[i] * (X[i] @ w + b) <= 0:
                w = w + lr * y[i] * X[i]
                b = b + lr * y[i]
                count += 1
        mistakes.append(count)
        if count == 0:
            break
        order = rng.permutation(order)
    return w, float(b), mistakes


# %% wrong: the bias is updated at the end of the epoch only
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for _ in range(max_epochs):
        count, shift = 0, 0.0
        for x, t in zip(X, y):
            if t * (x @ w + b) <= 0:
                w = w + lr * t * x
                shift += lr * t
                count += 1
        b += shift
        mistakes.append(count)
        if count == 0:
            break
    return w, float(b), mistakes


# %% wrong: a final 0 is added without running the epoch, also beyond max_epochs
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for _ in range(max_epochs):
        count = 0
        for x, t in zip(X, y):
            if t * (x @ w + b) <= 0:
                w, b, count = w + lr * t * x, b + lr * t, count + 1
        mistakes.append(count)
        if np.all(y * (X @ w + b) > 0):
            mistakes.append(0)
            break
    return w, float(b), mistakes


# %% wrong: stops when an epoch ends with the weights it began with
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for _ in range(max_epochs):
        old = np.append(w, b)
        count = 0
        for x, t in zip(X, y):
            if t * (x @ w + b) <= 0:
                w = w + lr * t * x
                b = b + lr * t
                count += 1
        mistakes.append(count)
        if np.array_equal(old, np.append(w, b)):
            break
    return w, float(b), mistakes


# %% wrong: the list of mistakes is a mutable default and grows from call to call
def perceptron_fit(X, y, max_epochs=100, lr=1.0, mistakes=[]):
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(max_epochs):
        count = 0
        for x, t in zip(X, y):
            if t * (x @ w + b) <= 0:
                w = w + lr * t * x
                b = b + lr * t
                count += 1
        mistakes.append(count)
        if count == 0:
            break
    return w, float(b), mistakes


# %% wrong: returns the best weights seen so far instead of the last
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    best = (w, b, len(X) + 1)
    for _ in range(max_epochs):
        count = 0
        for x, t in zip(X, y):
            if t * (x @ w + b) <= 0:
                w = w + lr * t * x
                b = b + lr * t
                count += 1
        mistakes.append(count)
        left = np.sum(y * (X @ w + b) <= 0)
        if left < best[2]:
            best = (w, b, left)
        if count == 0:
            break
    return best[0], float(best[1]), mistakes


# %% wrong: w has the dtype of X, so lr=0.5 is cut off for whole numbers
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    w, b, mistakes = np.zeros_like(X[0]), 0.0, []
    for _ in range(max_epochs):
        count = 0
        for x, t in zip(X, y):
            if t * (x @ w + b) <= 0:
                w[:] = w + lr * t * x
                b += lr * t
                count += 1
        mistakes.append(count)
        if count == 0:
            break
    return w, float(b), mistakes


# %% wrong: the learning rate shrinks from epoch to epoch
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for epoch in range(max_epochs):
        rate = lr / (1 + epoch)
        count = 0
        for x, t in zip(X, y):
            if t * (x @ w + b) <= 0:
                w = w + rate * t * x
                b = b + rate * t
                count += 1
        mistakes.append(count)
        if count == 0:
            break
    return w, float(b), mistakes
