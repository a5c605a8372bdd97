# %% right: blind - plain Python numbers and one counter for all steps
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    samples = [([float(value) for value in row], float(label)) for row, label in zip(X, y)]
    w, b = [0.0] * np.shape(X)[1], 0.0
    mistakes = []
    for step in range(max_epochs * len(samples)):
        place = step % len(samples)
        if place == 0:
            if mistakes and mistakes[-1] == 0:
                break
            mistakes.append(0)
        x, label = samples[place]
        if label * (sum(a * c for a, c in zip(w, x)) + b) > 0:
            continue
        w = [a + lr * label * c for a, c in zip(w, x)]
        b += lr * label
        mistakes[-1] += 1
    return np.array(w), float(b), mistakes


# %% right: blind - a fold over the samples that carries weights, bias and count
import functools


def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    def visit(state, sample):
        w, b, wrong = state
        x, label = sample
        return state if label * (np.dot(w, x) + b) > 0 else (w + lr * label * x, b + lr * label, wrong + 1)

    def rounds(w, b, left):
        while left > 0:
            w, b, wrong = functools.reduce(visit, zip(np.asarray(X, float), np.asarray(y, float)), (w, b, 0))
            yield w, b, wrong
            left = left - 1 if wrong else 0

    history = list(rounds(np.zeros(np.shape(X)[1]), 0.0, max_epochs))
    if not history:
        return np.zeros(np.shape(X)[1]), 0.0, []
    return history[-1][0], float(history[-1][1]), [entry[2] for entry in history]


# %% right: blind - dual form, counts how often each sample was corrected
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    X, y = np.array(X, dtype=float), np.array(y, dtype=float)
    products = np.outer(y, y) * (X @ X.T + 1)  # the 1 stands for the bias
    times = np.zeros(len(y), dtype=int)
    mistakes = []
    while len(mistakes) < max_epochs and 0 not in mistakes:
        before = times.sum()
        for i, row in enumerate(products):
            times[i] += int(lr * (row @ times) <= 0)
        mistakes.append(int(times.sum() - before))
    return lr * (times * y) @ X, float(lr * (times @ y)), mistakes


# %% right: blind - jumps from one mistake straight to the next
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    signed = np.column_stack([X, np.ones(len(X))]) * np.reshape(y, (-1, 1))  # the last column is the bias
    v = np.zeros(signed.shape[1])
    mistakes = []
    for _ in range(max_epochs):
        start, count = 0, 0
        while True:
            bad = np.flatnonzero(signed[start:] @ v <= 0)
            if bad.size == 0:
                break
            start += bad[0] + 1
            v += lr * signed[start - 1]
            count += 1
        mistakes.append(count)
        if count == 0:
            break
    return v[:-1], float(v[-1]), mistakes


# %% right: blind - a neuron as a class with torch numbers inside
class Neuron:
    def __init__(self, inputs, rate):
        self.weights = torch.zeros(inputs, dtype=torch.float64)
        self.bias = torch.zeros((), dtype=torch.float64)
        self.rate = rate

    def fires_right(self, x, label):
        return bool(label * (torch.sum(self.weights * x) + self.bias) > 0)

    def correct(self, x, label):
        self.weights.add_(x, alpha=self.rate * label)
        self.bias.add_(self.rate * label)

    def lesson(self, samples, labels):
        wrong = 0
        for x, label in zip(samples, labels):
            if not self.fires_right(x, label):
                self.correct(x, label)
                wrong += 1
        return wrong


def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    samples = torch.tensor(np.array(X, dtype=np.float64))
    labels = [float(label) for label in y]
    neuron = Neuron(samples.shape[1], float(lr))
    mistakes = []
    for _ in range(max_epochs):
        mistakes += [neuron.lesson(samples, labels)]
        if not mistakes[-1]:
            break
    return neuron.weights.numpy(), neuron.bias.item(), mistakes


# %% wrong: a sum of exactly 0 is taken as a right "no"
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for _ in range(max_epochs):
        count = 0
        for x, label in zip(X, y):
            answer = 1 if w @ x + b > 0 else -1
            if answer != label:
                w = w + lr * label * x
                b = b + lr * label
                count += 1
        mistakes.append(count)
        if count == 0:
            break
    return w, float(b), mistakes


# %% wrong: the bias moves without the learning rate
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for _ in range(max_epochs):
        count = 0
        for x, label in zip(X, y):
            if label * (w @ x + b) <= 0:
                w = w + lr * label * x
                b = b + label
                count += 1
        mistakes.append(count)
        if count == 0:
            break
    return w, float(b), mistakes


# %% wrong: one epoch too many at the limit
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    epoch = 0
    while epoch <= max_epochs:
        count = 0
        for x, label in zip(X, y):
            if label * (w @ x + b) <= 0:
                w = w + lr * label * x
                b = b + lr * label
                count += 1
        mistakes.append(count)
        epoch += 1
        if count == 0:
            break
    return w, float(b), mistakes


# %% wrong: all corrections wait for the end of the epoch
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for _ in range(max_epochs):
        wrong = y * (X @ w + b) <= 0
        mistakes.append(int(wrong.sum()))
        if not wrong.any():
            break
        w = w + lr * (y[wrong] @ X[wrong])
        b = b + lr * y[wrong].sum()
    return w, float(b), mistakes


# %% wrong: never stops early
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for _ in range(max_epochs):
        count = 0
        for x, label in zip(X, y):
            if label * (w @ x + b) <= 0:
                w = w + lr * label * x
                b = b + lr * label
                count += 1
        mistakes.append(count)
    return w, float(b), mistakes


# %% wrong: the epoch without a mistake is not written down
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for _ in range(max_epochs):
        count = 0
        for x, label in zip(X, y):
            if label * (w @ x + b) <= 0:
                w = w + lr * label * x
                b = b + lr * label
                count += 1
        if count == 0:
            break
        mistakes.append(count)
    return w, float(b), mistakes


# %% wrong: only a negative product counts as a mistake
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for _ in range(max_epochs):
        count = 0
        for x, label in zip(X, y):
            if label * (w @ x + b) < 0:
                w = w + lr * label * x
                b = b + lr * label
                count += 1
        mistakes.append(count)
        if count == 0:
            break
    return w, float(b), mistakes


# %% wrong: the bias is never moved
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for _ in range(max_epochs):
        count = 0
        for x, label in zip(X, y):
            if label * (w @ x + b) <= 0:
                w = w + lr * label * x
                count += 1
        mistakes.append(count)
        if count == 0:
            break
    return w, float(b), mistakes


# %% wrong: hard-coded numbers of the example in the task
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    w = np.zeros(X.shape[1])
    w[:2] = [1.0, 2.0][: len(w)]
    return w, 0.0, [2, 0]


# %% wrong: the answers are 0 and 1 but the labels are not
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for _ in range(max_epochs):
        count = 0
        for x, label in zip(X, y):
            answer = int(w @ x + b > 0)
            error = label - answer
            if error != 0:
                w = w + lr * error * x
                b = b + lr * error
                count += 1
        mistakes.append(count)
        if count == 0:
            break
    return w, float(b), mistakes


# %% wrong: starts from small random weights
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    rng = np.random.default_rng(0)
    w, b, mistakes = 0.01 * rng.normal(size=X.shape[1]), 0.0, []
    for _ in range(max_epochs):
        count = 0
        for x, label in zip(X, y):
            if label * (w @ x + b) <= 0:
                w = w + lr * label * x
                b = b + lr * label
                count += 1
        mistakes.append(count)
        if count == 0:
            break
    return w, float(b), mistakes


# %% wrong: stops as soon as the count no longer falls
def perceptron_fit(X, y, max_epochs=100, lr=1.0):
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for _ in range(max_epochs):
        count = 0
        for x, label in zip(X, y):
            if label * (w @ x + b) <= 0:
                w = w + lr * label * x
                b = b + lr * label
                count += 1
        mistakes.append(count)
        if count == 0 or (len(mistakes) > 1 and mistakes[-1] >= mistakes[-2]):
            break
    return w, float(b), mistakes
