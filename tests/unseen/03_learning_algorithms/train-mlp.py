# %% right: own backward pass in NumPy, fsum of losses per sample
def train_mlp(X, y, X_val, y_val, sizes, *, lr, epochs, batch_size, rng):
    def forward(A):
        inputs = []
        for k, (W, b) in enumerate(params):
            A = np.maximum(A, 0) if k else A
            inputs.append(A)
            A = A @ W + b
        return inputs, A

    def losses_and_p(Z, labels):
        Z = Z - Z.max(axis=1, keepdims=True)
        logs = Z - np.log(np.exp(Z).sum(axis=1, keepdims=True))
        return -logs[np.arange(len(Z)), labels], np.exp(logs)

    params = init_params(sizes, rng)
    history = {name: [] for name in ("train_loss", "val_loss", "val_acc")}
    for _ in range(epochs):
        order, seen = np.argsort(rng.random(len(X))), []
        while len(order):
            part, order = order[:batch_size], order[batch_size:]
            inputs, Z = forward(X[part])
            losses, dZ = losses_and_p(Z, y[part])
            seen.extend(losses.tolist())
            dZ[np.arange(len(part)), y[part]] -= 1
            dZ /= len(part)
            fresh = []
            for (W, b), A in zip(params[::-1], inputs[::-1], strict=True):
                fresh.append((W - lr * A.T @ dZ, b - lr * dZ.sum(axis=0)))
                dZ = (dZ @ W.T) * (A > 0)
            params = fresh[::-1]
        _, Z = forward(X_val)
        history["train_loss"].append(math.fsum(seen) / len(seen))
        history["val_loss"].append(float(losses_and_p(Z, y_val)[0].mean()))
        history["val_acc"].append(float((Z.argmax(axis=1) == y_val).mean()))
    return params, history


def plot_history(history, ax):
    epochs = range(1, len(history["train_loss"]) + 1)
    ax.plot(epochs, history["train_loss"], label="training")
    ax.plot(epochs, history["val_loss"], label="validation")
    ax.set(xlabel="epoch", ylabel="loss")
    ax.legend()
    return ax


# %% right: torch.optim.SGD on tensors, rng.shuffle on a list
def train_mlp(X, y, X_val, y_val, sizes, *, lr, epochs, batch_size, rng):
    tensors = [tuple(torch.tensor(p, requires_grad=True) for p in pair) for pair in init_params(sizes, rng)]
    optimizer = torch.optim.SGD([p for pair in tensors for p in pair], lr=lr)
    history = {"val_acc": [], "val_loss": [], "train_loss": []}
    order, labels = list(range(len(X))), torch.tensor(y)
    for _ in range(epochs):
        rng.shuffle(order)
        sums = 0.0
        for i in range(0, len(order), batch_size):
            part = order[i : i + batch_size]
            loss = F.cross_entropy(network_logits(tensors, X[part]), labels[part], reduction="sum")
            sums += loss.item()
            optimizer.zero_grad()
            (loss / len(part)).backward()
            optimizer.step()
        history["train_loss"].append(sums / len(X))
        with torch.no_grad():
            Z = network_logits(tensors, X_val)
            Z = torch.as_tensor(Z)
            history["val_loss"].append(F.cross_entropy(Z, torch.tensor(y_val)).item())
            history["val_acc"].append((Z.argmax(1) == torch.tensor(y_val)).double().mean().item())
    return [(W.detach().numpy(), b.detach().numpy()) for W, b in tensors], history


def plot_history(history, ax):
    epochs = np.arange(len(history["val_loss"])) + 1
    ax.plot(epochs, history["train_loss"], label="training")
    ax.plot(epochs, history["val_loss"], label="validation")
    ax.set(xlabel="epoch", ylabel="loss")
    ax.legend()
    return ax


# %% right: arrays changed in place after all gradients, np.average with weights, both losses in one plot call
def train_mlp(X, y, X_val, y_val, sizes, *, lr, epochs, batch_size, rng):
    params, rows = init_params(sizes, rng), []
    cuts = list(range(batch_size, len(X), batch_size))
    for _ in range(epochs):
        losses, counts = [], []
        for part in np.split(rng.permutation(len(X)), cuts):
            loss, slopes = loss_and_gradients(params, X[part], y[part])
            losses.append(loss)
            counts.append(len(part))
            for pair, d_pair in zip(params, slopes, strict=True):
                for array, slope in zip(pair, d_pair, strict=True):
                    array -= lr * slope
        val = loss_and_gradients(params, X_val, y_val)[0]
        right = np.count_nonzero(network_logits(params, X_val).argmax(1) == y_val)
        rows.append((float(np.average(losses, weights=counts)), val, right / len(y_val)))
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], []]
    return params, dict(zip(("train_loss", "val_loss", "val_acc"), columns, strict=True))


def plot_history(history, ax):
    both = np.column_stack([history["train_loss"], history["val_loss"]])
    lines = ax.plot(np.arange(1, len(both) + 1), both)
    ax.legend(lines, ["train_loss", "val_loss"])
    ax.set_xlabel("epoch")
    ax.set_ylabel("mean cross-entropy")
    return ax


# %% wrong: the parameters of the epoch with the lowest val_loss are returned
def train_mlp(X, y, X_val, y_val, sizes, *, lr, epochs, batch_size, rng):
    params = init_params(sizes, rng)
    history = {"train_loss": [], "val_loss": [], "val_acc": []}
    best, lowest = params, np.inf
    for _ in range(epochs):
        order, total = rng.permutation(len(X)), 0.0
        for i in range(0, len(X), batch_size):
            part = order[i : i + batch_size]
            loss, slopes = loss_and_gradients(params, X[part], y[part])
            total += loss * len(part)
            params = [
                (W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, slopes, strict=True)
            ]
        history["train_loss"].append(total / len(X))
        history["val_loss"].append(loss_and_gradients(params, X_val, y_val)[0])
        hits = network_logits(params, X_val).argmax(axis=1) == y_val
        history["val_acc"].append(float(hits.mean()))
        if history["val_loss"][-1] < lowest:
            best, lowest = params, history["val_loss"][-1]
    return best, history


def plot_history(history, ax):
    epochs = range(1, len(history["train_loss"]) + 1)
    ax.plot(epochs, history["train_loss"], label="training")
    ax.plot(epochs, history["val_loss"], label="validation")
    ax.set(xlabel="epoch", ylabel="loss")
    ax.legend()
    return ax


# %% wrong: val_loss is the mean of the means of its batches, the short one counts too much
def train_mlp(X, y, X_val, y_val, sizes, *, lr, epochs, batch_size, rng):
    params = init_params(sizes, rng)
    history = {"train_loss": [], "val_loss": [], "val_acc": []}
    for _ in range(epochs):
        order, total = rng.permutation(len(X)), 0.0
        for i in range(0, len(X), batch_size):
            part = order[i : i + batch_size]
            loss, slopes = loss_and_gradients(params, X[part], y[part])
            total += loss * len(part)
            params = [
                (W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, slopes, strict=True)
            ]
        history["train_loss"].append(total / len(X))
        pieces = [slice(i, i + batch_size) for i in range(0, len(X_val), batch_size)]
        means = [loss_and_gradients(params, X_val[piece], y_val[piece])[0] for piece in pieces]
        history["val_loss"].append(float(np.mean(means)))
        hits = network_logits(params, X_val).argmax(axis=1) == y_val
        history["val_acc"].append(float(hits.mean()))
    return params, history


def plot_history(history, ax):
    epochs = range(1, len(history["train_loss"]) + 1)
    ax.plot(epochs, history["train_loss"], label="training")
    ax.plot(epochs, history["val_loss"], label="validation")
    ax.set(xlabel="epoch", ylabel="loss")
    ax.legend()
    return ax


# %% wrong: one order for all epochs
def train_mlp(X, y, X_val, y_val, sizes, *, lr, epochs, batch_size, rng):
    params = init_params(sizes, rng)
    history = {"train_loss": [], "val_loss": [], "val_acc": []}
    order = rng.permutation(len(X))
    for _ in range(epochs):
        total = 0.0
        for i in range(0, len(X), batch_size):
            part = order[i : i + batch_size]
            loss, slopes = loss_and_gradients(params, X[part], y[part])
            total += loss * len(part)
            params = [
                (W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, slopes, strict=True)
            ]
        history["train_loss"].append(total / len(X))
        history["val_loss"].append(loss_and_gradients(params, X_val, y_val)[0])
        hits = network_logits(params, X_val).argmax(axis=1) == y_val
        history["val_acc"].append(float(hits.mean()))
    return params, history


def plot_history(history, ax):
    epochs = range(1, len(history["train_loss"]) + 1)
    ax.plot(epochs, history["train_loss"], label="training")
    ax.plot(epochs, history["val_loss"], label="validation")
    ax.set(xlabel="epoch", ylabel="loss")
    ax.legend()
    return ax


# %% wrong: the gradients of the biases are taken after the weights have moved
def train_mlp(X, y, X_val, y_val, sizes, *, lr, epochs, batch_size, rng):
    params = init_params(sizes, rng)
    history = {"train_loss": [], "val_loss": [], "val_acc": []}
    for _ in range(epochs):
        order, total = rng.permutation(len(X)), 0.0
        for i in range(0, len(X), batch_size):
            part = order[i : i + batch_size]
            loss, slopes = loss_and_gradients(params, X[part], y[part])
            total += loss * len(part)
            params = [(W - lr * dW, b) for (W, b), (dW, _) in zip(params, slopes, strict=True)]
            slopes = loss_and_gradients(params, X[part], y[part])[1]
            params = [(W, b - lr * db) for (W, b), (_, db) in zip(params, slopes, strict=True)]
        history["train_loss"].append(total / len(X))
        history["val_loss"].append(loss_and_gradients(params, X_val, y_val)[0])
        hits = network_logits(params, X_val).argmax(axis=1) == y_val
        history["val_acc"].append(float(hits.mean()))
    return params, history


def plot_history(history, ax):
    epochs = range(1, len(history["train_loss"]) + 1)
    ax.plot(epochs, history["train_loss"], label="training")
    ax.plot(epochs, history["val_loss"], label="validation")
    ax.set(xlabel="epoch", ylabel="loss")
    ax.legend()
    return ax


# %% wrong: long gradients are clipped to length 10
def train_mlp(X, y, X_val, y_val, sizes, *, lr, epochs, batch_size, rng):
    params = init_params(sizes, rng)
    history = {"train_loss": [], "val_loss": [], "val_acc": []}
    for _ in range(epochs):
        order, total = rng.permutation(len(X)), 0.0
        for i in range(0, len(X), batch_size):
            part = order[i : i + batch_size]
            loss, slopes = loss_and_gradients(params, X[part], y[part])
            total += loss * len(part)
            size = math.sqrt(sum((part_slope**2).sum() for pair in slopes for part_slope in pair))
            shrink = min(1.0, 10.0 / size) if size > 0 else 1.0
            slopes = [(dW * shrink, db * shrink) for dW, db in slopes]
            params = [
                (W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, slopes, strict=True)
            ]
        history["train_loss"].append(total / len(X))
        history["val_loss"].append(loss_and_gradients(params, X_val, y_val)[0])
        hits = network_logits(params, X_val).argmax(axis=1) == y_val
        history["val_acc"].append(float(hits.mean()))
    return params, history


def plot_history(history, ax):
    epochs = range(1, len(history["train_loss"]) + 1)
    ax.plot(epochs, history["train_loss"], label="training")
    ax.plot(epochs, history["val_loss"], label="validation")
    ax.set(xlabel="epoch", ylabel="loss")
    ax.legend()
    return ax


# %% wrong: plot_history draws on the current axes of pyplot, not on ax
import matplotlib.pyplot as plt


def train_mlp(X, y, X_val, y_val, sizes, *, lr, epochs, batch_size, rng):
    params = init_params(sizes, rng)
    history = {"train_loss": [], "val_loss": [], "val_acc": []}
    for _ in range(epochs):
        order, total = rng.permutation(len(X)), 0.0
        for i in range(0, len(X), batch_size):
            part = order[i : i + batch_size]
            loss, slopes = loss_and_gradients(params, X[part], y[part])
            total += loss * len(part)
            params = [
                (W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, slopes, strict=True)
            ]
        history["train_loss"].append(total / len(X))
        history["val_loss"].append(loss_and_gradients(params, X_val, y_val)[0])
        hits = network_logits(params, X_val).argmax(axis=1) == y_val
        history["val_acc"].append(float(hits.mean()))
    return params, history


def plot_history(history, ax):
    epochs = range(1, len(history["train_loss"]) + 1)
    plt.plot(epochs, history["train_loss"], label="training")
    plt.plot(epochs, history["val_loss"], label="validation")
    ax.set(xlabel="epoch", ylabel="loss")
    ax.legend()
    return ax
