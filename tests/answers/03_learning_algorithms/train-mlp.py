# %% right: blind - own forward and backward pass in NumPy
def forward(params, X):
    kept, Z = [X], X
    for i, (W, b) in enumerate(params):
        Z = kept[-1] @ W + b
        if i + 1 < len(params):
            kept.append(np.maximum(Z, 0))
    return kept, Z


def log_probabilities(Z):
    Z = Z - np.max(Z, axis=1, keepdims=True)
    return Z - np.log(np.sum(np.exp(Z), axis=1, keepdims=True))


def train_mlp(X, y, X_val, y_val, sizes, *, lr, epochs, batch_size, rng):
    params = init_params(sizes, rng)
    train_loss, val_loss, val_acc = [], [], []
    while len(train_loss) < epochs:
        losses = np.empty(len(X))
        order = np.argsort(rng.random(len(X)))
        for rows in np.split(order, range(batch_size, len(X), batch_size)):
            kept, Z = forward(params, X[rows])
            logp = log_probabilities(Z)
            losses[rows] = -logp[range(len(rows)), y[rows]]
            dZ = (np.exp(logp) - (np.arange(sizes[-1]) == y[rows][:, None])) / len(rows)
            updated = []
            while kept:
                A = kept.pop()
                W, b = params[len(kept)]
                updated.insert(0, (W - lr * (A.T @ dZ), b - lr * dZ.sum(0)))
                dZ = (dZ @ W.T) * (A > 0)
            params = updated
        train_loss.append(losses.mean().item())
        logp = log_probabilities(forward(params, X_val)[1])
        val_loss.append(-np.take_along_axis(logp, np.reshape(y_val, (-1, 1)).astype(int), 1).mean().item())
        val_acc.append(np.count_nonzero(logp.argmax(1) == y_val) / len(y_val))
    return params, dict(train_loss=train_loss, val_loss=val_loss, val_acc=val_acc)


def plot_history(history, ax):
    for name in ("train_loss", "val_loss"):
        values = history[name]
        ax.plot(np.arange(len(values)) + 1, values, marker=".", label=name.replace("_", " "))
    ax.set(xlabel="epoch", ylabel="mean cross-entropy")
    ax.legend(loc="best")
    return ax


# %% right: blind - torch modules, SGD and a data loader with given batches
from torch.utils.data import DataLoader, TensorDataset


def train_mlp(X, y, X_val, y_val, sizes, *, lr, epochs, batch_size, rng):
    model = nn.Sequential()
    for W, b in init_params(sizes, rng):
        dense = nn.Linear(*W.shape, dtype=torch.float64)
        dense.load_state_dict({"weight": torch.tensor(W.T.copy()), "bias": torch.tensor(b)})
        model.extend([dense, nn.ReLU()])
    model = model[:-1]
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    samples = TensorDataset(torch.tensor(X, dtype=torch.float64), torch.tensor(y, dtype=torch.int64))
    X_held, y_held = torch.tensor(X_val, dtype=torch.float64), torch.tensor(y_val, dtype=torch.int64)
    history = {}
    for _ in range(epochs):
        seen = []
        shuffled = rng.permutation(len(samples)).tolist()
        for inputs, labels in DataLoader(samples, batch_size=batch_size, sampler=shuffled):
            each = F.cross_entropy(model(inputs), labels, reduction="none")
            optimizer.zero_grad()
            each.mean().backward()
            optimizer.step()
            seen += each.tolist()
        with torch.no_grad():
            out = model(X_held)
            news = np.mean(seen), F.cross_entropy(out, y_held), (out.argmax(-1) == y_held).double().mean()
        for key, number in zip(("train_loss", "val_loss", "val_acc"), news):
            history.setdefault(key, []).append(float(number))
    linears = (part for part in model if isinstance(part, nn.Linear))
    return [(part.weight.detach().numpy().T.copy(), part.bias.detach().numpy().copy()) for part in linears], {
        key: history.get(key, []) for key in ("train_loss", "val_loss", "val_acc")
    }


def plot_history(history, ax):
    table = np.transpose([history["train_loss"], history["val_loss"]])
    lines = ax.plot(1 + np.arange(table.shape[0]), table)
    ax.legend(lines, ["train", "val"])
    ax.xaxis.set_label_text("epoch")
    ax.yaxis.set_label_text("loss")
    return ax


# %% right: blind - a trainer class with generators, arrays changed in place
class Trainer:
    def __init__(self, params, lr):
        self.params = [(W.copy(), b.copy()) for W, b in params]
        self.lr = lr

    def learn(self, X, y):
        loss, slopes = loss_and_gradients(self.params, X, y)
        for pair, changes in zip(self.params, slopes):
            for array, change in zip(pair, changes):
                np.subtract(array, self.lr * change, out=array)
        return loss

    def epoch(self, X, y, batch_size, rng):
        left = list(range(len(y)))
        rng.shuffle(left)
        while left:
            batch, left = left[:batch_size], left[batch_size:]
            yield len(batch), self.learn(X[batch], y[batch])

    def judge(self, X, y):
        right = sum(int(row.argmax()) == int(label) for row, label in zip(network_logits(self.params, X), y))
        return loss_and_gradients(self.params, X, y)[0], right / len(y)


def train_mlp(X, y, X_val, y_val, sizes, *, lr, epochs, batch_size, rng):
    trainer = Trainer(init_params(sizes, rng), lr)
    record = []
    for _ in range(epochs):
        counts, losses = zip(*trainer.epoch(X, y, batch_size, rng))
        record.append((float(np.average(losses, weights=counts)), *trainer.judge(X_val, y_val)))
    return trainer.params, {
        name: [line[i] for line in record] for i, name in enumerate(["train_loss", "val_loss", "val_acc"])
    }


def plot_history(history, ax):
    def draw(key, style, text):
        points = list(enumerate(history[key], start=1))
        ax.plot([p[0] for p in points], [p[1] for p in points], style, label=text)

    draw("train_loss", "-", "on the training data")
    draw("val_loss", "--", "on the validation data")
    ax.set_xlabel("epoch"), ax.set_ylabel("loss"), ax.legend()
    return ax


# %% right: blind - one flat vector of all weights, functional torch, a fold over the batches
import functools


def train_mlp(X, y, X_val, y_val, sizes, *, lr, epochs, batch_size, rng):
    theta = np.concatenate([part.ravel() for pair in init_params(sizes, rng) for part in pair])
    shapes = [shape for D, M in zip(sizes, sizes[1:]) for shape in ((D, M), (M,))]
    cuts = np.cumsum([math.prod(shape) for shape in shapes])[:-1]

    def unpack(flat):
        parts = [part.reshape(shape) for part, shape in zip(np.split(flat, cuts), shapes)]
        return list(zip(parts[::2], parts[1::2]))

    def logits(flat, inputs):
        at, A = 0, torch.tensor(inputs, dtype=torch.float64)
        for shape in shapes:
            size = math.prod(shape)
            part, at = flat[at : at + size].reshape(shape), at + size
            if len(shape) == 2:
                A = (A.clamp(min=0) if at > size else A) @ part
            else:
                A = A + part
        return A

    def mean_loss(flat, inputs, targets):
        return F.nll_loss(F.log_softmax(logits(flat, inputs), 1), torch.tensor(targets.astype("int64")))

    slope_and_loss = torch.func.grad_and_value(mean_loss)

    def go(state, now):
        slope, loss = slope_and_loss(torch.tensor(state[0]), X[now], y[now])
        return state[0] - lr * slope.numpy(), state[1] + now.size * loss.item()

    table = np.zeros((3, epochs))
    for e in range(epochs):
        order = rng.choice(len(X), len(X), replace=False)
        batches = (order[i : i + batch_size] for i in range(0, len(X), batch_size))
        theta, total = functools.reduce(go, batches, (theta, 0.0))
        scores = logits(torch.tensor(theta), X_val).numpy()
        hits = (scores.argmax(axis=-1) == y_val).sum()
        table[:, e] = total / len(X), mean_loss(torch.tensor(theta), X_val, y_val), hits / len(X_val)
    return unpack(theta), dict(zip(("train_loss", "val_loss", "val_acc"), table.tolist()))


def plot_history(history, ax):
    from matplotlib.lines import Line2D

    for key, color in {"train_loss": "C0", "val_loss": "C1"}.items():
        count = len(history[key])
        ax.add_line(Line2D(list(range(1, count + 1)), history[key], color=color, label=key))
    ax.autoscale_view()
    ax.set(xlabel="epochs", ylabel="loss per sample")
    ax.legend()
    return ax


# %% wrong: the loss of the last batch is recorded
def train_mlp(X, y, X_val, y_val, sizes, *, lr, epochs, batch_size, rng):
    params = init_params(sizes, rng)
    history = {"train_loss": [], "val_loss": [], "val_acc": []}
    N = len(X)
    for _ in range(epochs):
        order = rng.permutation(N)
        total = 0.0
        for start in range(0, N, batch_size):
            chosen = order[start : start + batch_size]
            loss, slopes = loss_and_gradients(params, X[chosen], y[chosen])
            total = loss * N
            params = [(W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, slopes, strict=True)]
        history["train_loss"].append(total / N)
        history["val_loss"].append(loss_and_gradients(params, X_val, y_val)[0])
        history["val_acc"].append(float(np.mean(network_logits(params, X_val).argmax(axis=1) == y_val)))
    return params, history


def plot_history(history, ax):
    epochs = np.arange(1, len(history["train_loss"]) + 1)
    ax.plot(epochs, history["train_loss"], label="training")
    ax.plot(epochs, history["val_loss"], label="validation")
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss")
    ax.legend()
    return ax


# %% wrong: train_loss is the plain mean over the batches, though the last is shorter
def train_mlp(X, y, X_val, y_val, sizes, *, lr, epochs, batch_size, rng):
    params = init_params(sizes, rng)
    history = {"train_loss": [], "val_loss": [], "val_acc": []}
    N = len(X)
    for _ in range(epochs):
        order = rng.permutation(N)
        total = 0.0
        for start in range(0, N, batch_size):
            chosen = order[start : start + batch_size]
            loss, slopes = loss_and_gradients(params, X[chosen], y[chosen])
            total += loss * N / math.ceil(N / batch_size)
            params = [(W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, slopes, strict=True)]
        history["train_loss"].append(total / N)
        history["val_loss"].append(loss_and_gradients(params, X_val, y_val)[0])
        history["val_acc"].append(float(np.mean(network_logits(params, X_val).argmax(axis=1) == y_val)))
    return params, history


def plot_history(history, ax):
    epochs = np.arange(1, len(history["train_loss"]) + 1)
    ax.plot(epochs, history["train_loss"], label="training")
    ax.plot(epochs, history["val_loss"], label="validation")
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss")
    ax.legend()
    return ax


# %% wrong: the step goes up, with a plus sign
def train_mlp(X, y, X_val, y_val, sizes, *, lr, epochs, batch_size, rng):
    params = init_params(sizes, rng)
    history = {"train_loss": [], "val_loss": [], "val_acc": []}
    N = len(X)
    for _ in range(epochs):
        order = rng.permutation(N)
        total = 0.0
        for start in range(0, N, batch_size):
            chosen = order[start : start + batch_size]
            loss, slopes = loss_and_gradients(params, X[chosen], y[chosen])
            total += loss * len(chosen)
            params = [(W + lr * dW, b + lr * db) for (W, b), (dW, db) in zip(params, slopes, strict=True)]
        history["train_loss"].append(total / N)
        history["val_loss"].append(loss_and_gradients(params, X_val, y_val)[0])
        history["val_acc"].append(float(np.mean(network_logits(params, X_val).argmax(axis=1) == y_val)))
    return params, history


def plot_history(history, ax):
    epochs = np.arange(1, len(history["train_loss"]) + 1)
    ax.plot(epochs, history["train_loss"], label="training")
    ax.plot(epochs, history["val_loss"], label="validation")
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss")
    ax.legend()
    return ax


# %% wrong: the last layer is changed before the gradients of the layer before it are taken
def train_mlp(X, y, X_val, y_val, sizes, *, lr, epochs, batch_size, rng):
    params = init_params(sizes, rng)
    history = {"train_loss": [], "val_loss": [], "val_acc": []}
    N = len(X)
    for _ in range(epochs):
        order = rng.permutation(N)
        total = 0.0
        for start in range(0, N, batch_size):
            chosen = order[start : start + batch_size]
            loss, slopes = loss_and_gradients(params, X[chosen], y[chosen])
            total += loss * len(chosen)
            params = list(params)
            for layer in reversed(range(len(params))):
                slopes = loss_and_gradients(params, X[chosen], y[chosen])[1]
                (W, b), (dW, db) = params[layer], slopes[layer]
                params[layer] = (W - lr * dW, b - lr * db)
        history["train_loss"].append(total / N)
        history["val_loss"].append(loss_and_gradients(params, X_val, y_val)[0])
        history["val_acc"].append(float(np.mean(network_logits(params, X_val).argmax(axis=1) == y_val)))
    return params, history


def plot_history(history, ax):
    epochs = np.arange(1, len(history["train_loss"]) + 1)
    ax.plot(epochs, history["train_loss"], label="training")
    ax.plot(epochs, history["val_loss"], label="validation")
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss")
    ax.legend()
    return ax


# %% wrong: the incomplete last batch is left out
def train_mlp(X, y, X_val, y_val, sizes, *, lr, epochs, batch_size, rng):
    params = init_params(sizes, rng)
    history = {"train_loss": [], "val_loss": [], "val_acc": []}
    N = len(X)
    for _ in range(epochs):
        order = rng.permutation(N)
        total = 0.0
        for start in range(0, N - batch_size + 1, batch_size):
            chosen = order[start : start + batch_size]
            loss, slopes = loss_and_gradients(params, X[chosen], y[chosen])
            total += loss * len(chosen)
            params = [(W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, slopes, strict=True)]
        history["train_loss"].append(total / N)
        history["val_loss"].append(loss_and_gradients(params, X_val, y_val)[0])
        history["val_acc"].append(float(np.mean(network_logits(params, X_val).argmax(axis=1) == y_val)))
    return params, history


def plot_history(history, ax):
    epochs = np.arange(1, len(history["train_loss"]) + 1)
    ax.plot(epochs, history["train_loss"], label="training")
    ax.plot(epochs, history["val_loss"], label="validation")
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss")
    ax.legend()
    return ax


# %% wrong: the network learns from the validation data as well
def train_mlp(X, y, X_val, y_val, sizes, *, lr, epochs, batch_size, rng):
    params = init_params(sizes, rng)
    history = {"train_loss": [], "val_loss": [], "val_acc": []}
    X, y = np.concatenate([X, X_val]), np.concatenate([y, y_val])
    N = len(X)
    for _ in range(epochs):
        order = rng.permutation(N)
        total = 0.0
        for start in range(0, N, batch_size):
            chosen = order[start : start + batch_size]
            loss, slopes = loss_and_gradients(params, X[chosen], y[chosen])
            total += loss * len(chosen)
            params = [(W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, slopes, strict=True)]
        history["train_loss"].append(total / N)
        history["val_loss"].append(loss_and_gradients(params, X_val, y_val)[0])
        history["val_acc"].append(float(np.mean(network_logits(params, X_val).argmax(axis=1) == y_val)))
    return params, history


def plot_history(history, ax):
    epochs = np.arange(1, len(history["train_loss"]) + 1)
    ax.plot(epochs, history["train_loss"], label="training")
    ax.plot(epochs, history["val_loss"], label="validation")
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss")
    ax.legend()
    return ax


# %% wrong: the gradient of the mean loss is divided by the batch size once more
def train_mlp(X, y, X_val, y_val, sizes, *, lr, epochs, batch_size, rng):
    params = init_params(sizes, rng)
    history = {"train_loss": [], "val_loss": [], "val_acc": []}
    N = len(X)
    for _ in range(epochs):
        order = rng.permutation(N)
        total = 0.0
        for start in range(0, N, batch_size):
            chosen = order[start : start + batch_size]
            loss, slopes = loss_and_gradients(params, X[chosen], y[chosen])
            total += loss * len(chosen)
            rate = lr / len(chosen)
            params = [(W - rate * dW, b - rate * db) for (W, b), (dW, db) in zip(params, slopes, strict=True)]
        history["train_loss"].append(total / N)
        history["val_loss"].append(loss_and_gradients(params, X_val, y_val)[0])
        history["val_acc"].append(float(np.mean(network_logits(params, X_val).argmax(axis=1) == y_val)))
    return params, history


def plot_history(history, ax):
    epochs = np.arange(1, len(history["train_loss"]) + 1)
    ax.plot(epochs, history["train_loss"], label="training")
    ax.plot(epochs, history["val_loss"], label="validation")
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss")
    ax.legend()
    return ax


# %% wrong: the gradients pile up over the batches and are never cleared
def train_mlp(X, y, X_val, y_val, sizes, *, lr, epochs, batch_size, rng):
    params = init_params(sizes, rng)
    history = {"train_loss": [], "val_loss": [], "val_acc": []}
    N = len(X)
    piled = [(np.zeros_like(W), np.zeros_like(b)) for W, b in params]
    for _ in range(epochs):
        order = rng.permutation(N)
        total = 0.0
        for start in range(0, N, batch_size):
            chosen = order[start : start + batch_size]
            loss, slopes = loss_and_gradients(params, X[chosen], y[chosen])
            total += loss * len(chosen)
            piled = [(P + dW, p + db) for (P, p), (dW, db) in zip(piled, slopes, strict=True)]
            params = [(W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, piled, strict=True)]
        history["train_loss"].append(total / N)
        history["val_loss"].append(loss_and_gradients(params, X_val, y_val)[0])
        history["val_acc"].append(float(np.mean(network_logits(params, X_val).argmax(axis=1) == y_val)))
    return params, history


def plot_history(history, ax):
    epochs = np.arange(1, len(history["train_loss"]) + 1)
    ax.plot(epochs, history["train_loss"], label="training")
    ax.plot(epochs, history["val_loss"], label="validation")
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss")
    ax.legend()
    return ax


# %% wrong: train_loss takes the loss of each batch after its step
def train_mlp(X, y, X_val, y_val, sizes, *, lr, epochs, batch_size, rng):
    params = init_params(sizes, rng)
    history = {"train_loss": [], "val_loss": [], "val_acc": []}
    N = len(X)
    for _ in range(epochs):
        order = rng.permutation(N)
        total = 0.0
        for start in range(0, N, batch_size):
            chosen = order[start : start + batch_size]
            loss, slopes = loss_and_gradients(params, X[chosen], y[chosen])
            params = [(W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, slopes, strict=True)]
            total += loss_and_gradients(params, X[chosen], y[chosen])[0] * len(chosen)
        history["train_loss"].append(total / N)
        history["val_loss"].append(loss_and_gradients(params, X_val, y_val)[0])
        history["val_acc"].append(float(np.mean(network_logits(params, X_val).argmax(axis=1) == y_val)))
    return params, history


def plot_history(history, ax):
    epochs = np.arange(1, len(history["train_loss"]) + 1)
    ax.plot(epochs, history["train_loss"], label="training")
    ax.plot(epochs, history["val_loss"], label="validation")
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss")
    ax.legend()
    return ax


# %% wrong: the order is drawn once and is the same in every epoch
def train_mlp(X, y, X_val, y_val, sizes, *, lr, epochs, batch_size, rng):
    params = init_params(sizes, rng)
    history = {"train_loss": [], "val_loss": [], "val_acc": []}
    N = len(X)
    order = rng.permutation(N)
    for _ in range(epochs):
        total = 0.0
        for start in range(0, N, batch_size):
            chosen = order[start : start + batch_size]
            loss, slopes = loss_and_gradients(params, X[chosen], y[chosen])
            total += loss * len(chosen)
            params = [(W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, slopes, strict=True)]
        history["train_loss"].append(total / N)
        history["val_loss"].append(loss_and_gradients(params, X_val, y_val)[0])
        history["val_acc"].append(float(np.mean(network_logits(params, X_val).argmax(axis=1) == y_val)))
    return params, history


def plot_history(history, ax):
    epochs = np.arange(1, len(history["train_loss"]) + 1)
    ax.plot(epochs, history["train_loss"], label="training")
    ax.plot(epochs, history["val_loss"], label="validation")
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss")
    ax.legend()
    return ax


# %% wrong: the params with the lowest val_loss are returned, not the last ones
def train_mlp(X, y, X_val, y_val, sizes, *, lr, epochs, batch_size, rng):
    params = init_params(sizes, rng)
    history = {"train_loss": [], "val_loss": [], "val_acc": []}
    N = len(X)
    best, lowest = params, np.inf
    for _ in range(epochs):
        order = rng.permutation(N)
        total = 0.0
        for start in range(0, N, batch_size):
            chosen = order[start : start + batch_size]
            loss, slopes = loss_and_gradients(params, X[chosen], y[chosen])
            total += loss * len(chosen)
            params = [(W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, slopes, strict=True)]
        history["train_loss"].append(total / N)
        history["val_loss"].append(loss_and_gradients(params, X_val, y_val)[0])
        history["val_acc"].append(float(np.mean(network_logits(params, X_val).argmax(axis=1) == y_val)))
        if history["val_loss"][-1] < lowest:
            best, lowest = params, history["val_loss"][-1]
    return best, history


def plot_history(history, ax):
    epochs = np.arange(1, len(history["train_loss"]) + 1)
    ax.plot(epochs, history["train_loss"], label="training")
    ax.plot(epochs, history["val_loss"], label="validation")
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss")
    ax.legend()
    return ax
