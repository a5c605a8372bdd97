"""Exercise 5.2: an epoch of steps, and an evaluation without a trace. All answers by somebody who saw only the task."""

# %% right: blind - evaluates a deep copy, so that the model itself is never touched; weighted averages at the end
import copy


def train_one_epoch(model, loader, optimizer, loss_fn, device):
    losses, sizes = [], []

    def step(images, labels):
        loss = loss_fn(model(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
        sizes.append(labels.numel())

    model.train(True)
    for images, labels in loader:
        optimizer.zero_grad(set_to_none=True)
        step(images.to(device), labels.to(device))
    return float(np.average(losses, weights=sizes))


@torch.inference_mode()
def evaluate(model, loader, loss_fn, device):
    double = copy.deepcopy(model).eval()
    table = []
    for batch in loader:
        images, labels = (tensor.to(device) for tensor in batch)
        logits = double(images)
        hits = logits.max(dim=1).indices.eq(labels).double().mean()
        table.append([labels.shape[0], float(loss_fn(logits, labels)), float(hits)])
    sizes, losses, shares = np.array(table).T
    return float(sizes @ losses / sizes.sum()), float(sizes @ shares / sizes.sum())


# %% right: blind - one pass for both, with gradients switched on or off
def one_pass(model, loader, loss_fn, device, optimizer=None):
    sums = torch.zeros(3, dtype=torch.float64)
    with torch.set_grad_enabled(optimizer is not None):
        for X, y in loader:
            y = y.to(device=device)
            if optimizer:
                optimizer.zero_grad()
            scores = model(X.to(device=device))
            loss = loss_fn(scores, y)
            if optimizer:
                loss.backward()
                optimizer.step()
            found = torch.count_nonzero(torch.argmax(scores, -1) == y)
            sums += torch.tensor([y.size(0) * loss.item(), found.item(), y.size(0)], dtype=torch.float64)
    return (sums[:2] / sums[2]).tolist()


def train_one_epoch(model, loader, optimizer, loss_fn, device):
    return one_pass(model.train(), loader, loss_fn, device, optimizer)[0]


def evaluate(model, loader, loss_fn, device):
    awake = {name for name, part in model.named_modules() if part.training}
    try:
        return tuple(one_pass(model.eval(), loader, loss_fn, device))
    finally:
        for name, part in model.named_modules():
            part.training = name in awake


# %% right: blind - running means kept by a small class; a context manager for use
from contextlib import contextmanager


class Mean:
    def __init__(self):
        self.value, self.n = 0.0, 0

    def add(self, value, n):
        self.n += n
        self.value += (value - self.value) * n / self.n


@contextmanager
def in_use(model):
    training = list(filter(lambda part: part.training, model.modules()))
    model.train(False)
    with torch.no_grad():
        yield model
    for part in training:
        part.training = True


def on(device, loader):
    for pair in loader:
        yield tuple(map(lambda tensor: tensor.to(device), pair))


def train_one_epoch(model, loader, optimizer, loss_fn, device):
    model.train()
    mean = Mean()
    for images, targets in on(device, loader):
        optimizer.zero_grad()
        loss = loss_fn(model(images), targets)
        loss.backward()
        mean.add(loss.item(), len(images))
        optimizer.step()
    return mean.value


def evaluate(model, loader, loss_fn, device):
    loss, share = Mean(), Mean()
    with in_use(model):
        for images, targets in on(device, loader):
            logits = model(images)
            loss.add(loss_fn(logits, targets).item(), len(images))
            share.add((logits.argmax(1) == targets).double().mean().item(), len(images))
    return loss.value, share.value


# %% right: blind - results gathered batch by batch with comprehensions, then reduced; model.zero_grad
def train_one_epoch(model, loader, optimizer, loss_fn, device):
    def closure():
        model.zero_grad()
        loss = loss_fn(model(inputs.to(device)), targets)
        loss.backward()
        return loss.detach()

    model.train()
    history = []
    for inputs, targets in loader:
        targets = targets.to(device)
        loss = closure()
        optimizer.step()
        history += [loss.cpu()] * len(targets)
    return torch.stack(history).double().mean().item()


def evaluate(model, loader, loss_fn, device):
    def judged(inputs, targets):
        logits, targets = model(inputs.to(device)), targets.to(device)
        answers = torch.tensor([max(range(len(row)), key=row.__getitem__) for row in logits.tolist()])
        return loss_fn(logits, targets).expand(len(targets)), answers == targets.cpu()

    parts = list(model.modules())
    before = [part.training for part in parts]
    model.eval()
    with torch.no_grad():
        losses, right = (torch.cat(column) for column in zip(*[judged(*pair) for pair in loader], strict=True))
    for part in parts:
        part.training = before.pop(0)
    return losses.double().mean().item(), right.double().mean().item()


# %% wrong: clears the slopes after the step, so that older ones flow into the first
def train_one_epoch(model, loader, optimizer, loss_fn, device):
    model.train()
    total, n = 0.0, 0
    for X, y in loader:
        X, y = X.to(device), y.to(device)
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        total += loss.item() * len(y)
        n += len(y)
    return total / n


def evaluate(model, loader, loss_fn, device):
    was_training = model.training
    model.eval()
    total, right, n = 0.0, 0, 0
    with torch.no_grad():
        for X, y in loader:
            X, y = X.to(device), y.to(device)
            logits = model(X)
            total += loss_fn(logits, y).item() * len(y)
            right += (logits.argmax(dim=1) == y).sum().item()
            n += len(y)
    model.train(was_training)
    return total / n, right / n


# %% wrong: eval mode is left on after evaluate
def train_one_epoch(model, loader, optimizer, loss_fn, device):
    model.train()
    total, n = 0.0, 0
    for X, y in loader:
        X, y = X.to(device), y.to(device)
        optimizer.zero_grad()
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        n += len(y)
    return total / n


def evaluate(model, loader, loss_fn, device):
    model.eval()
    total, right, n = 0.0, 0, 0
    with torch.no_grad():
        for X, y in loader:
            X, y = X.to(device), y.to(device)
            logits = model(X)
            total += loss_fn(logits, y).item() * len(y)
            right += (logits.argmax(dim=1) == y).sum().item()
            n += len(y)
    return total / n, right / n


# %% wrong: no_grad switches dropout and batch normalization off, eval is not needed
def train_one_epoch(model, loader, optimizer, loss_fn, device):
    model.train()
    total, n = 0.0, 0
    for X, y in loader:
        X, y = X.to(device), y.to(device)
        optimizer.zero_grad()
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        n += len(y)
    return total / n


def evaluate(model, loader, loss_fn, device):
    was_training = model.training
    total, right, n = 0.0, 0, 0
    with torch.no_grad():
        for X, y in loader:
            X, y = X.to(device), y.to(device)
            logits = model(X)
            total += loss_fn(logits, y).item() * len(y)
            right += (logits.argmax(dim=1) == y).sum().item()
            n += len(y)
    model.train(was_training)
    return total / n, right / n


# %% wrong: takes the GPU if there is one, whatever device says
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def train_one_epoch(model, loader, optimizer, loss_fn, device):
    model.train()
    total, n = 0.0, 0
    for X, y in loader:
        X, y = X.to(DEVICE), y.to(DEVICE)
        optimizer.zero_grad()
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        n += len(y)
    return total / n


def evaluate(model, loader, loss_fn, device):
    was_training = model.training
    model.eval()
    total, right, n = 0.0, 0, 0
    with torch.no_grad():
        for X, y in loader:
            X, y = X.to(DEVICE), y.to(DEVICE)
            logits = model(X)
            total += loss_fn(logits, y).item() * len(y)
            right += (logits.argmax(dim=1) == y).sum().item()
            n += len(y)
    model.train(was_training)
    return total / n, right / n


# %% wrong: the slopes are never cleared
def train_one_epoch(model, loader, optimizer, loss_fn, device):
    model.train()
    total, n = 0.0, 0
    for X, y in loader:
        X, y = X.to(device), y.to(device)
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        n += len(y)
    return total / n


def evaluate(model, loader, loss_fn, device):
    was_training = model.training
    model.eval()
    total, right, n = 0.0, 0, 0
    with torch.no_grad():
        for X, y in loader:
            X, y = X.to(device), y.to(device)
            logits = model(X)
            total += loss_fn(logits, y).item() * len(y)
            right += (logits.argmax(dim=1) == y).sum().item()
            n += len(y)
    model.train(was_training)
    return total / n, right / n


# %% wrong: steps before it goes backward
def train_one_epoch(model, loader, optimizer, loss_fn, device):
    model.train()
    total, n = 0.0, 0
    for X, y in loader:
        X, y = X.to(device), y.to(device)
        loss = loss_fn(model(X), y)
        optimizer.step()
        optimizer.zero_grad()
        loss.backward()
        total += loss.item() * len(y)
        n += len(y)
    return total / n


def evaluate(model, loader, loss_fn, device):
    was_training = model.training
    model.eval()
    total, right, n = 0.0, 0, 0
    with torch.no_grad():
        for X, y in loader:
            X, y = X.to(device), y.to(device)
            logits = model(X)
            total += loss_fn(logits, y).item() * len(y)
            right += (logits.argmax(dim=1) == y).sum().item()
            n += len(y)
    model.train(was_training)
    return total / n, right / n


# %% wrong: the mean of the batch means
def train_one_epoch(model, loader, optimizer, loss_fn, device):
    model.train()
    total, n = 0.0, 0
    for X, y in loader:
        X, y = X.to(device), y.to(device)
        optimizer.zero_grad()
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        total += loss.item()
        n += 1
    return total / n


def evaluate(model, loader, loss_fn, device):
    was_training = model.training
    model.eval()
    total, right, n = 0.0, 0, 0
    with torch.no_grad():
        for X, y in loader:
            X, y = X.to(device), y.to(device)
            logits = model(X)
            total += loss_fn(logits, y).item()
            right += (logits.argmax(dim=1) == y).double().mean().item()
            n += 1
    model.train(was_training)
    return total / n, right / n


# %% wrong: softmax before the loss, because the loss wants probabilities
def train_one_epoch(model, loader, optimizer, loss_fn, device):
    model.train()
    total, n = 0.0, 0
    for X, y in loader:
        X, y = X.to(device), y.to(device)
        optimizer.zero_grad()
        loss = loss_fn(model(X).softmax(dim=1), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        n += len(y)
    return total / n


def evaluate(model, loader, loss_fn, device):
    was_training = model.training
    model.eval()
    total, right, n = 0.0, 0, 0
    with torch.no_grad():
        for X, y in loader:
            X, y = X.to(device), y.to(device)
            logits = model(X).softmax(dim=1)
            total += loss_fn(logits, y).item() * len(y)
            right += (logits.argmax(dim=1) == y).sum().item()
            n += len(y)
    model.train(was_training)
    return total / n, right / n


# %% wrong: evaluate always ends in training mode
def train_one_epoch(model, loader, optimizer, loss_fn, device):
    model.train()
    total, n = 0.0, 0
    for X, y in loader:
        X, y = X.to(device), y.to(device)
        optimizer.zero_grad()
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        n += len(y)
    return total / n


def evaluate(model, loader, loss_fn, device):
    model.eval()
    total, right, n = 0.0, 0, 0
    with torch.no_grad():
        for X, y in loader:
            X, y = X.to(device), y.to(device)
            logits = model(X)
            total += loss_fn(logits, y).item() * len(y)
            right += (logits.argmax(dim=1) == y).sum().item()
            n += len(y)
    model.train()
    return total / n, right / n


# %% wrong: training keeps the mode in which the model came
def train_one_epoch(model, loader, optimizer, loss_fn, device):
    total, n = 0.0, 0
    for X, y in loader:
        X, y = X.to(device), y.to(device)
        optimizer.zero_grad()
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        n += len(y)
    return total / n


def evaluate(model, loader, loss_fn, device):
    was_training = model.training
    model.eval()
    total, right, n = 0.0, 0, 0
    with torch.no_grad():
        for X, y in loader:
            X, y = X.to(device), y.to(device)
            logits = model(X)
            total += loss_fn(logits, y).item() * len(y)
            right += (logits.argmax(dim=1) == y).sum().item()
            n += len(y)
    model.train(was_training)
    return total / n, right / n


# %% wrong: the losses are added up and never divided
def train_one_epoch(model, loader, optimizer, loss_fn, device):
    model.train()
    total, n = 0.0, 0
    for X, y in loader:
        X, y = X.to(device), y.to(device)
        optimizer.zero_grad()
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        n += len(y)
    return total


def evaluate(model, loader, loss_fn, device):
    was_training = model.training
    model.eval()
    total, right, n = 0.0, 0, 0
    with torch.no_grad():
        for X, y in loader:
            X, y = X.to(device), y.to(device)
            logits = model(X)
            total += loss_fn(logits, y).item() * len(y)
            right += (logits.argmax(dim=1) == y).sum().item()
            n += len(y)
    model.train(was_training)
    return total, right / n


# %% wrong: the loss of the last batch stands for the epoch
def train_one_epoch(model, loader, optimizer, loss_fn, device):
    model.train()
    total, n = 0.0, 0
    for X, y in loader:
        X, y = X.to(device), y.to(device)
        optimizer.zero_grad()
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        n += len(y)
    return loss.item()


def evaluate(model, loader, loss_fn, device):
    was_training = model.training
    model.eval()
    total, right, n = 0.0, 0, 0
    with torch.no_grad():
        for X, y in loader:
            X, y = X.to(device), y.to(device)
            logits = model(X)
            total += loss_fn(logits, y).item() * len(y)
            right += (logits.argmax(dim=1) == y).sum().item()
            n += len(y)
    model.train(was_training)
    return total / n, right / n


# %% wrong: the share of right answers is the mean of the batches' shares
def train_one_epoch(model, loader, optimizer, loss_fn, device):
    model.train()
    total, n = 0.0, 0
    for X, y in loader:
        X, y = X.to(device), y.to(device)
        optimizer.zero_grad()
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        n += len(y)
    return total / n


def evaluate(model, loader, loss_fn, device):
    was_training = model.training
    model.eval()
    total, right, n, batches = 0.0, 0, 0, 0
    with torch.no_grad():
        for X, y in loader:
            X, y = X.to(device), y.to(device)
            logits = model(X)
            total += loss_fn(logits, y).item() * len(y)
            right += (logits.argmax(dim=1) == y).double().mean().item()
            n += len(y)
            batches += 1
    model.train(was_training)
    return total / n, right / batches


# %% wrong: one step for the whole epoch, from the slopes of all batches
def train_one_epoch(model, loader, optimizer, loss_fn, device):
    model.train()
    total, n = 0.0, 0
    optimizer.zero_grad()
    for X, y in loader:
        X, y = X.to(device), y.to(device)
        loss = loss_fn(model(X), y)
        loss.backward()
        total += loss.item() * len(y)
        n += len(y)
    optimizer.step()
    return total / n


def evaluate(model, loader, loss_fn, device):
    was_training = model.training
    model.eval()
    total, right, n = 0.0, 0, 0
    with torch.no_grad():
        for X, y in loader:
            X, y = X.to(device), y.to(device)
            logits = model(X)
            total += loss_fn(logits, y).item() * len(y)
            right += (logits.argmax(dim=1) == y).sum().item()
            n += len(y)
    model.train(was_training)
    return total / n, right / n


# %% wrong: measures the training loss anew after each step
def train_one_epoch(model, loader, optimizer, loss_fn, device):
    model.train()
    total, n = 0.0, 0
    for X, y in loader:
        X, y = X.to(device), y.to(device)
        optimizer.zero_grad()
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            total += loss_fn(model(X), y).item() * len(y)
        n += len(y)
    return total / n


def evaluate(model, loader, loss_fn, device):
    was_training = model.training
    model.eval()
    total, right, n = 0.0, 0, 0
    with torch.no_grad():
        for X, y in loader:
            X, y = X.to(device), y.to(device)
            logits = model(X)
            total += loss_fn(logits, y).item() * len(y)
            right += (logits.argmax(dim=1) == y).sum().item()
            n += len(y)
    model.train(was_training)
    return total / n, right / n
