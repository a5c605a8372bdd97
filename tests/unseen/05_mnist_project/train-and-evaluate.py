# %% right: a generator of (size, loss, hits), summed by fsum; a context manager keeps the mode of every part
import contextlib


@contextlib.contextmanager
def _in_use(model):
    modes = {part: part.training for part in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            yield model
    finally:
        for part, mode in modes.items():
            part.training = mode


def _batches(loader, device):
    for X, y in loader:
        yield X.to(device), y.to(device)


def _mean(pairs):
    pairs = list(pairs)
    return math.fsum(n * value for n, value in pairs) / sum(n for n, _ in pairs)


def _steps(model, loader, optimizer, loss_fn, device):
    for X, y in _batches(loader, device):
        optimizer.zero_grad()
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        yield len(y), loss.item()


def train_one_epoch(model, loader, optimizer, loss_fn, device):
    model.train()
    return _mean(_steps(model, loader, optimizer, loss_fn, device))


def evaluate(model, loader, loss_fn, device):
    losses, hits = [], []
    with _in_use(model):
        for X, y in _batches(loader, device):
            logits = model(X)
            losses.append((len(y), loss_fn(logits, y).item()))
            hits.append((len(y), (logits.argmax(dim=1) == y).double().mean().item()))
    return _mean(losses), _mean(hits)


# %% right: the slopes are set to None by hand, sums stay tensors until the end, inference_mode
def train_one_epoch(model, loader, optimizer, loss_fn, device):
    model.train(True)
    total, seen = torch.zeros((), dtype=torch.float64), 0
    for batch in iter(loader):
        X, y = (tensor.to(device, non_blocking=True) for tensor in batch)
        for parameter in [p for group in optimizer.param_groups for p in group["params"]] + list(model.parameters()):
            parameter.grad = None
        loss = loss_fn(model(X), y)
        torch.autograd.backward(loss)
        optimizer.step()
        total += loss.detach().cpu().double() * y.shape[0]
        seen += y.shape[0]
    return float(total / seen)


@torch.inference_mode()
def evaluate(model, loader, loss_fn, device):
    came = [(module, module.training) for module in model.modules()]
    model.train(False)
    sums = np.zeros(3)
    try:
        for X, y in loader:
            X, y = X.to(device), y.to(device)
            logits = model(X)
            right = torch.eq(torch.max(logits, 1).indices, y).count_nonzero()
            sums += [float(loss_fn(logits, y)) * y.numel(), float(right), y.numel()]
    finally:
        for module, training in came:
            module.training = training
    loss, share = (sums[:2] / sums[2]).tolist()
    return loss, share


# %% right: running means that move by n over all so far, in a small class; model.zero_grad
class _Mean:
    def __init__(self):
        self.n, self.value = 0, 0.0

    def __call__(self, value, n):
        self.n += n
        if n:
            self.value += (float(value) - self.value) * n / self.n


def train_one_epoch(model, loader, optimizer, loss_fn, device):
    model.train()
    mean = _Mean()
    for X, y in loader:
        X, y = X.to(device), y.to(device)
        model.zero_grad(set_to_none=True)
        optimizer.zero_grad(set_to_none=True)
        with torch.enable_grad():
            loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        mean(loss.detach(), len(X))
    return mean.value


def evaluate(model, loader, loss_fn, device):
    loss, share = _Mean(), _Mean()
    modes = [part.training for part in model.modules()]
    try:
        model.eval()
        for X, y in loader:
            X, y = X.to(device), y.to(device)
            with torch.no_grad():
                logits = model(X)
                loss(loss_fn(logits, y), len(X))
            answers = logits.cpu().numpy().argmax(axis=-1)
            share(np.mean(answers == y.cpu().numpy()), len(X))
    finally:
        for part, mode in zip(model.modules(), modes):
            part.train(mode) if not list(part.children()) else setattr(part, "training", mode)
    return loss.value, share.value


# %% right: functools.reduce over the batches, closures, and exact fractions for the share
import functools
from contextlib import ExitStack
from fractions import Fraction


def train_one_epoch(model, loader, optimizer, loss_fn, device):
    def step(so_far, pair):
        X, y = map(lambda tensor: tensor.to(device), pair)
        optimizer.zero_grad()
        (loss := loss_fn(model(X), y)).backward()
        optimizer.step()
        return so_far[0] + loss.item() * X.size(0), so_far[1] + X.size(0)

    model.train()
    total, n = functools.reduce(step, loader, (0.0, 0))
    return total / n


def evaluate(model, loader, loss_fn, device):
    def judge(so_far, pair):
        X, y = map(lambda tensor: tensor.to(device), pair)
        logits = model(X)
        hits = sum(map(int.__eq__, logits.argmax(1).tolist(), y.tolist()))
        return so_far[0] + loss_fn(logits, y).item() * len(y), so_far[1] + hits, so_far[2] + len(y)

    with ExitStack() as afterwards:
        afterwards.enter_context(torch.no_grad())
        for module in model.modules():
            afterwards.callback(setattr, module, "training", module.training)
        model.eval()
        total, hits, n = functools.reduce(judge, loader, (0.0, 0, 0))
    return total / n, float(Fraction(hits, n))


# %% right: a recursion along the iterator, and one walker for both functions that gets its step as an argument
from operator import methodcaller


def _walk(batches, device, visit):
    """Sums of what visit says of each batch, weighted by its size, and the number of samples."""
    batch = next(batches, None)
    if batch is None:
        return np.zeros(3)
    X, y = map(methodcaller("to", device), batch)
    here = np.array([*visit(X, y), 1.0]) * len(y)
    return here + _walk(batches, device, visit)


def train_one_epoch(model, loader, optimizer, loss_fn, device):
    def visit(X, y):
        optimizer.zero_grad()
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        return loss.item(), 0.0

    model.train()
    total, _, n = _walk(iter(loader), device, visit)
    return float(total / n)


def evaluate(model, loader, loss_fn, device):
    def visit(X, y):
        logits = model(X)
        return loss_fn(logits, y).item(), (logits.topk(1, dim=1).indices[:, 0] == y).float().mean().item()

    training = [m for m in model.modules() if m.training]
    model.eval()
    recording = torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    try:
        total, hits, n = _walk(iter(loader), device, visit)
    finally:
        torch.set_grad_enabled(recording)
        for m in training:
            m.training = True
    return float(total / n), float(hits / n)


# %% wrong: put the model into training mode - only at the end, so the steps are taken in the mode in which it came
def train_one_epoch(model, loader, optimizer, loss_fn, device):
    total, n = 0.0, 0
    for X, y in loader:
        X, y = X.to(device), y.to(device)
        optimizer.zero_grad()
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        total += len(y) * loss.item()
        n += len(y)
    model.train()
    return total / n


def evaluate(model, loader, loss_fn, device):
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    total, hits, count = 0.0, 0, 0
    try:
        with torch.no_grad():
            for X, y in loader:
                X, y = X.to(device), y.to(device)
                logits = model(X)
                total += len(y) * loss_fn(logits, y).item()
                hits += (logits.argmax(dim=1) == y).sum().item()
                count += len(y)
    finally:
        for part, mode in modes:
            part.training = mode
    return total / count, hits / count


# %% wrong: clear the slopes, forward, backward, step - cleared after the step, so slopes from before the call join the first one
def train_one_epoch(model, loader, optimizer, loss_fn, device):
    model.train()
    total, n = 0.0, 0
    for X, y in loader:
        X, y = X.to(device), y.to(device)
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        total += len(y) * loss.item()
        n += len(y)
    return total / n


def evaluate(model, loader, loss_fn, device):
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    total, hits, count = 0.0, 0, 0
    try:
        with torch.no_grad():
            for X, y in loader:
                X, y = X.to(device), y.to(device)
                logits = model(X)
                total += len(y) * loss_fn(logits, y).item()
                hits += (logits.argmax(dim=1) == y).sum().item()
                count += len(y)
    finally:
        for part, mode in modes:
            part.training = mode
    return total / count, hits / count


# %% wrong: move each batch to device - the labels stay where they are, in both functions
def train_one_epoch(model, loader, optimizer, loss_fn, device):
    model.train()
    total, n = 0.0, 0
    for X, y in loader:
        X = X.to(device)
        optimizer.zero_grad()
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        total += len(y) * loss.item()
        n += len(y)
    return total / n


def evaluate(model, loader, loss_fn, device):
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    total, hits, count = 0.0, 0, 0
    try:
        with torch.no_grad():
            for X, y in loader:
                X = X.to(device)
                logits = model(X)
                total += len(y) * loss_fn(logits, y).item()
                hits += (logits.argmax(dim=1) == y).sum().item()
                count += len(y)
    finally:
        for part, mode in modes:
            part.training = mode
    return total / count, hits / count


# %% wrong: each batch counts by its size - all batches but the last count like the first (a short one in the middle)
def train_one_epoch(model, loader, optimizer, loss_fn, device):
    model.train()
    sizes, losses = [], []
    for X, y in loader:
        X, y = X.to(device), y.to(device)
        optimizer.zero_grad()
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        sizes.append(len(y))
        losses.append(loss.item())
    sizes[:-1] = sizes[:1] * (len(sizes) - 1)
    return float(np.average(losses, weights=sizes))


def evaluate(model, loader, loss_fn, device):
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    total, hits, count = 0.0, 0, 0
    try:
        with torch.no_grad():
            for X, y in loader:
                X, y = X.to(device), y.to(device)
                logits = model(X)
                total += len(y) * loss_fn(logits, y).item()
                hits += (logits.argmax(dim=1) == y).sum().item()
                count += len(y)
    finally:
        for part, mode in modes:
            part.training = mode
    return total / count, hits / count


# %% wrong: afterwards, slopes are as before - evaluate clears them
def train_one_epoch(model, loader, optimizer, loss_fn, device):
    model.train()
    total, n = 0.0, 0
    for X, y in loader:
        X, y = X.to(device), y.to(device)
        optimizer.zero_grad()
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        total += len(y) * loss.item()
        n += len(y)
    return total / n


def evaluate(model, loader, loss_fn, device):
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    model.zero_grad()
    total, hits, count = 0.0, 0, 0
    try:
        with torch.no_grad():
            for X, y in loader:
                X, y = X.to(device), y.to(device)
                logits = model(X)
                total += len(y) * loss_fn(logits, y).item()
                hits += (logits.argmax(dim=1) == y).sum().item()
                count += len(y)
    finally:
        for part, mode in modes:
            part.training = mode
    return total / count, hits / count


# %% wrong: afterwards, parameters are as before - frozen ones want slopes after evaluate, which switches requires_grad off and on
def train_one_epoch(model, loader, optimizer, loss_fn, device):
    model.train()
    total, n = 0.0, 0
    for X, y in loader:
        X, y = X.to(device), y.to(device)
        optimizer.zero_grad()
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        total += len(y) * loss.item()
        n += len(y)
    return total / n


def evaluate(model, loader, loss_fn, device):
    modes = [(part, part.training) for part in model.modules()]
    model.eval().requires_grad_(False)
    total, hits, count = 0.0, 0, 0
    try:
        with torch.no_grad():
            for X, y in loader:
                X, y = X.to(device), y.to(device)
                logits = model(X)
                total += len(y) * loss_fn(logits, y).item()
                hits += (logits.argmax(dim=1) == y).sum().item()
                count += len(y)
    finally:
        for part, mode in modes:
            part.training = mode
        model.requires_grad_(True)
    return total / count, hits / count


# %% wrong: two floats - evaluate returns tensors of no axes
def train_one_epoch(model, loader, optimizer, loss_fn, device):
    model.train()
    total, n = 0.0, 0
    for X, y in loader:
        X, y = X.to(device), y.to(device)
        optimizer.zero_grad()
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        total += len(y) * loss.item()
        n += len(y)
    return total / n


def evaluate(model, loader, loss_fn, device):
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    total, hits, count = 0.0, 0, 0
    try:
        with torch.no_grad():
            for X, y in loader:
                X, y = X.to(device), y.to(device)
                logits = model(X)
                total += len(y) * loss_fn(logits, y)
                hits += (logits.argmax(dim=1) == y).sum()
                count += len(y)
    finally:
        for part, mode in modes:
            part.training = mode
    return total / count, hits / count


# %% wrong: loader yields pairs - it is run through twice, first to count the samples (a generator is empty by then)
def train_one_epoch(model, loader, optimizer, loss_fn, device):
    model.train()
    total, n = 0.0, 0
    for X, y in loader:
        X, y = X.to(device), y.to(device)
        optimizer.zero_grad()
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        total += len(y) * loss.item()
        n += len(y)
    return total / n


def evaluate(model, loader, loss_fn, device):
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    total, hits, count = 0.0, 0, sum(len(y) for _, y in loader)
    try:
        with torch.no_grad():
            for X, y in loader:
                X, y = X.to(device), y.to(device)
                logits = model(X)
                total += len(y) * loss_fn(logits, y).item()
                hits += (logits.argmax(dim=1) == y).sum().item()
    finally:
        for part, mode in modes:
            part.training = mode
    return total / count, hits / count
