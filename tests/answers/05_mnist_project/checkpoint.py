"""Exercise 5.5: save, load, predict. All answers by somebody who saw only the task."""

# %% right: blind - bytes in memory first, then a temporary file; predicts with a deep copy
import copy
import io


def save_checkpoint(path, model, optimizer, epoch, config):
    path, buffer = Path(path), io.BytesIO()
    torch.save([config, int(epoch), model.state_dict(), optimizer.state_dict()], buffer)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(buffer.getbuffer())
    Path(file.name).replace(path)


def load_checkpoint(path, build):
    whole = io.BytesIO(Path(path).read_bytes())
    config, epoch, *states = torch.load(whole, weights_only=True, map_location=torch.device("cpu"))
    made = build(config)
    for one, state in zip(made, states, strict=True):
        one.load_state_dict(state)
    return made[0].eval(), made[1], epoch


@torch.inference_mode()
def predict(model, images, normalizer):
    shape = tuple(np.shape(images))
    if shape[-2:] != (28, 28) or len(shape) not in (2, 3):
        raise ValueError("wrong shape")
    twin = copy.deepcopy(model).eval()
    where = [tensor.device for tensor in [*twin.parameters(), *twin.buffers()]][:1] or ["cpu"]
    X = normalizer.transform(np.reshape(images, (-1, 1, 28, 28))).to(where[0])
    probabilities = F.softmax(twin(X), dim=-1)
    return probabilities.argmax(-1).cpu().numpy(), probabilities.cpu().numpy()


# %% right: blind - a folder beside the file; context managers; the numbers are copied into the new model by name
from contextlib import ExitStack, contextmanager


def save_checkpoint(path, model, optimizer, epoch, config):
    path = Path(path).absolute()
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        draft = Path(folder, path.name)
        with draft.open("wb") as stream:
            weights = {"weight " + name: value.detach().cpu() for name, value in model.state_dict().items()}
            steps = {"epoch": epoch, "optimizer": optimizer.state_dict()}
            torch.save(weights | {"config": config, "steps": steps}, stream)
        draft.replace(path)


@torch.no_grad()
def load_checkpoint(path, build):
    saved = torch.load(str(path), map_location=lambda storage, _: storage, weights_only=True)
    model, optimizer = build(saved.pop("config"))
    steps = saved.pop("steps")
    optimizer.load_state_dict(steps["optimizer"])
    for name, target in model.state_dict().items():
        target.copy_(saved["weight " + name])
    return model.train(False), optimizer, steps["epoch"]


@contextmanager
def asleep(part):
    was, part.training = part.training, False
    yield
    part.training = was


def predict(model, images, normalizer):
    batch = torch.as_tensor(images)
    batch = batch.unsqueeze(0) if batch.dim() == 2 else batch
    if batch.shape != (len(batch), 28, 28):
        raise ValueError("images are (N, 28, 28)")
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        for part in model.modules():
            stack.enter_context(asleep(part))
        inputs = normalizer.transform(batch.unsqueeze(1).numpy())
        for parameter in model.parameters():
            inputs = inputs.to(parameter.device)
        logits = model(inputs).cpu()
    odds = torch.exp(torch.log_softmax(logits, 1))
    return torch.max(odds, 1).indices.numpy(), odds.numpy()


# %% right: blind - one class holds the checkpoint; a failed draft is removed; softmax by hand in NumPy, in pieces
class Checkpoint:
    keys = "model", "optimizer", "epoch", "config"

    def __init__(self, path):
        self.path = Path(path)
        self.draft = self.path.with_name(self.path.name + ".tmp")

    def write(self, *values):
        try:
            torch.save(dict(zip(self.keys, values, strict=True)), self.draft)
            self.draft.replace(self.path)
        finally:
            self.draft.unlink(missing_ok=True)

    def read(self):
        with self.path.open("rb") as stream:
            content = torch.load(stream, "cpu", weights_only=True)
        return [content[key] for key in self.keys]


def save_checkpoint(path, model, optimizer, epoch, config):
    Checkpoint(path).write(model.state_dict(), optimizer.state_dict(), epoch, config)


def load_checkpoint(path, build):
    weights, memory, epoch, config = Checkpoint(path).read()
    model, optimizer = build(config)
    model.load_state_dict(weights, strict=True)
    optimizer.load_state_dict(memory)
    return model.eval(), optimizer, epoch


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def predict(model, images, normalizer):
    images = np.array(images)
    match images.shape:
        case (28, 28):
            images = images.reshape(1, 28, 28)
        case (_, 28, 28):
            pass
        case shape:
            raise ValueError(f"no images: {shape}")
    training = {part for part in model.modules() if part.training}
    device = [tensor.device for tensor in model.state_dict().values()]
    recording = torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    try:
        model.eval()
        pieces = []
        for start in range(0, max(len(images), 1), 500):
            X = normalizer.transform(images[start : start + 500, np.newaxis])
            pieces.append(model(X.to(*device[:1]) if device else X).cpu().numpy())
    finally:
        torch.set_grad_enabled(recording)
        for part in training:
            part.training = True
    p = softmax(np.concatenate(pieces))
    return np.argsort(-p, axis=1, kind="stable")[:, 0].astype(np.int64), p


# %% right: blind - tensors for torch, the rest as JSON, mkstemp; scipy's softmax; a dict of modes
import json
import os

from scipy.special import softmax


def save_checkpoint(path, model, optimizer, epoch, config):
    weights = dict(model.state_dict())
    memory = optimizer.state_dict()
    bundle = {"weights": weights, "memory": memory["state"], "groups": memory["param_groups"]}
    bundle["notes"] = json.dumps([epoch, config])
    name = os.fspath(path)
    handle, draft = tempfile.mkstemp(suffix=".pt", dir=os.path.dirname(name) or os.curdir)
    with os.fdopen(handle, "wb") as file:
        torch.save(bundle, file)
        file.flush()
        os.fsync(file.fileno())
    os.rename(draft, name)


def load_checkpoint(path, build):
    bundle = torch.load(os.fspath(path), map_location="cpu", weights_only=True)
    epoch, config = json.loads(bundle["notes"])
    model, optimizer = build(config)
    optimizer.load_state_dict({"state": bundle["memory"], "param_groups": bundle["groups"]})
    missing, unexpected = model.load_state_dict(bundle["weights"])
    assert not missing and not unexpected
    for part in model.modules():
        part.training = False
    return model, optimizer, epoch


def predict(model, images, normalizer):
    stack = images[np.newaxis] if images.ndim == 2 else images
    if stack.ndim != 3 or stack.shape[1] != 28 or stack.shape[2] != 28:
        raise ValueError("28 x 28 pixels each, please")
    modes = {name: part.training for name, part in model.named_modules()}
    with torch.inference_mode():
        answer = model.eval()(normalizer.transform(stack.reshape(-1, 1, 28, 28)).to(home(model)))
    for name, mode in modes.items():
        model.get_submodule(name).training = mode
    chances = softmax(answer.numpy(force=True), axis=1)
    return np.array([row.argmax() for row in chances], dtype=np.int64), chances


def home(model):
    for parameter in model.parameters():
        return parameter.device
    return "cpu"


# %% wrong: writes straight over the older file
def save_checkpoint(path, model, optimizer, epoch, config):
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": epoch,
        "config": config,
    }
    torch.save(state, path)


def load_checkpoint(path, build):
    state = torch.load(path, map_location="cpu", weights_only=True)
    model, optimizer = build(state["config"])
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    model.eval()
    return model, optimizer, state["epoch"]


def predict(model, images, normalizer):
    images = np.asarray(images)
    if images.shape == (28, 28):
        images = images[None]
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise ValueError("images must be (N, 28, 28) or (28, 28)")
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    with torch.no_grad():
        X = normalizer.transform(images[:, None]).to(next(model.parameters()).device)
        p = model(X).softmax(dim=1).cpu()
    for part, mode in modes:
        part.training = mode
    return p.argmax(dim=1).numpy(), p.numpy()


# %% wrong: weights_only=False, because the file is one's own
import os


def save_checkpoint(path, model, optimizer, epoch, config):
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": epoch,
        "config": config,
    }
    draft = str(path) + ".tmp"
    torch.save(state, draft)
    os.replace(draft, path)


def load_checkpoint(path, build):
    state = torch.load(path, map_location="cpu", weights_only=False)
    model, optimizer = build(state["config"])
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    model.eval()
    return model, optimizer, state["epoch"]


def predict(model, images, normalizer):
    images = np.asarray(images)
    if images.shape == (28, 28):
        images = images[None]
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise ValueError("images must be (N, 28, 28) or (28, 28)")
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    with torch.no_grad():
        X = normalizer.transform(images[:, None]).to(next(model.parameters()).device)
        p = model(X).softmax(dim=1).cpu()
    for part, mode in modes:
        part.training = mode
    return p.argmax(dim=1).numpy(), p.numpy()


# %% wrong: assign=True gives the model new parameters, of which the optimizer knows nothing
import os


def save_checkpoint(path, model, optimizer, epoch, config):
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": epoch,
        "config": config,
    }
    draft = str(path) + ".tmp"
    torch.save(state, draft)
    os.replace(draft, path)


def load_checkpoint(path, build):
    state = torch.load(path, map_location="cpu", weights_only=True)
    model, optimizer = build(state["config"])
    model.load_state_dict(state["model"], assign=True)
    optimizer.load_state_dict(state["optimizer"])
    model.eval()
    return model, optimizer, state["epoch"]


def predict(model, images, normalizer):
    images = np.asarray(images)
    if images.shape == (28, 28):
        images = images[None]
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise ValueError("images must be (N, 28, 28) or (28, 28)")
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    with torch.no_grad():
        X = normalizer.transform(images[:, None]).to(next(model.parameters()).device)
        p = model(X).softmax(dim=1).cpu()
    for part, mode in modes:
        part.training = mode
    return p.argmax(dim=1).numpy(), p.numpy()


# %% wrong: predict leaves the model in use mode
import os


def save_checkpoint(path, model, optimizer, epoch, config):
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": epoch,
        "config": config,
    }
    draft = str(path) + ".tmp"
    torch.save(state, draft)
    os.replace(draft, path)


def load_checkpoint(path, build):
    state = torch.load(path, map_location="cpu", weights_only=True)
    model, optimizer = build(state["config"])
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    model.eval()
    return model, optimizer, state["epoch"]


def predict(model, images, normalizer):
    images = np.asarray(images)
    if images.shape == (28, 28):
        images = images[None]
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise ValueError("images must be (N, 28, 28) or (28, 28)")
    model.eval()
    with torch.no_grad():
        X = normalizer.transform(images[:, None]).to(next(model.parameters()).device)
        p = model(X).softmax(dim=1).cpu()
    return p.argmax(dim=1).numpy(), p.numpy()


# %% wrong: the optimizer can start anew
import os


def save_checkpoint(path, model, optimizer, epoch, config):
    state = {
        "model": model.state_dict(),
        "epoch": epoch,
        "config": config,
    }
    draft = str(path) + ".tmp"
    torch.save(state, draft)
    os.replace(draft, path)


def load_checkpoint(path, build):
    state = torch.load(path, map_location="cpu", weights_only=True)
    model, optimizer = build(state["config"])
    model.load_state_dict(state["model"])
    model.eval()
    return model, optimizer, state["epoch"]


def predict(model, images, normalizer):
    images = np.asarray(images)
    if images.shape == (28, 28):
        images = images[None]
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise ValueError("images must be (N, 28, 28) or (28, 28)")
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    with torch.no_grad():
        X = normalizer.transform(images[:, None]).to(next(model.parameters()).device)
        p = model(X).softmax(dim=1).cpu()
    for part, mode in modes:
        part.training = mode
    return p.argmax(dim=1).numpy(), p.numpy()


# %% wrong: the loaded model is in training mode
import os


def save_checkpoint(path, model, optimizer, epoch, config):
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": epoch,
        "config": config,
    }
    draft = str(path) + ".tmp"
    torch.save(state, draft)
    os.replace(draft, path)


def load_checkpoint(path, build):
    state = torch.load(path, map_location="cpu", weights_only=True)
    model, optimizer = build(state["config"])
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return model, optimizer, state["epoch"]


def predict(model, images, normalizer):
    images = np.asarray(images)
    if images.shape == (28, 28):
        images = images[None]
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise ValueError("images must be (N, 28, 28) or (28, 28)")
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    with torch.no_grad():
        X = normalizer.transform(images[:, None]).to(next(model.parameters()).device)
        p = model(X).softmax(dim=1).cpu()
    for part, mode in modes:
        part.training = mode
    return p.argmax(dim=1).numpy(), p.numpy()


# %% wrong: no_grad switches dropout off
import os


def save_checkpoint(path, model, optimizer, epoch, config):
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": epoch,
        "config": config,
    }
    draft = str(path) + ".tmp"
    torch.save(state, draft)
    os.replace(draft, path)


def load_checkpoint(path, build):
    state = torch.load(path, map_location="cpu", weights_only=True)
    model, optimizer = build(state["config"])
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    model.eval()
    return model, optimizer, state["epoch"]


def predict(model, images, normalizer):
    images = np.asarray(images)
    if images.shape == (28, 28):
        images = images[None]
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise ValueError("images must be (N, 28, 28) or (28, 28)")
    modes = [(part, part.training) for part in model.modules()]
    with torch.no_grad():
        X = normalizer.transform(images[:, None]).to(next(model.parameters()).device)
        p = model(X).softmax(dim=1).cpu()
    for part, mode in modes:
        part.training = mode
    return p.argmax(dim=1).numpy(), p.numpy()


# %% wrong: logits in place of probabilities
import os


def save_checkpoint(path, model, optimizer, epoch, config):
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": epoch,
        "config": config,
    }
    draft = str(path) + ".tmp"
    torch.save(state, draft)
    os.replace(draft, path)


def load_checkpoint(path, build):
    state = torch.load(path, map_location="cpu", weights_only=True)
    model, optimizer = build(state["config"])
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    model.eval()
    return model, optimizer, state["epoch"]


def predict(model, images, normalizer):
    images = np.asarray(images)
    if images.shape == (28, 28):
        images = images[None]
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise ValueError("images must be (N, 28, 28) or (28, 28)")
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    with torch.no_grad():
        X = normalizer.transform(images[:, None]).to(next(model.parameters()).device)
        p = model(X).cpu()
    for part, mode in modes:
        part.training = mode
    return p.argmax(dim=1).numpy(), p.numpy()


# %% wrong: softmax over the images
import os


def save_checkpoint(path, model, optimizer, epoch, config):
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": epoch,
        "config": config,
    }
    draft = str(path) + ".tmp"
    torch.save(state, draft)
    os.replace(draft, path)


def load_checkpoint(path, build):
    state = torch.load(path, map_location="cpu", weights_only=True)
    model, optimizer = build(state["config"])
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    model.eval()
    return model, optimizer, state["epoch"]


def predict(model, images, normalizer):
    images = np.asarray(images)
    if images.shape == (28, 28):
        images = images[None]
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise ValueError("images must be (N, 28, 28) or (28, 28)")
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    with torch.no_grad():
        X = normalizer.transform(images[:, None]).to(next(model.parameters()).device)
        p = model(X).softmax(dim=0).cpu()
    for part, mode in modes:
        part.training = mode
    return p.argmax(dim=1).numpy(), p.numpy()


# %% wrong: a sigmoid for each class
import os


def save_checkpoint(path, model, optimizer, epoch, config):
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": epoch,
        "config": config,
    }
    draft = str(path) + ".tmp"
    torch.save(state, draft)
    os.replace(draft, path)


def load_checkpoint(path, build):
    state = torch.load(path, map_location="cpu", weights_only=True)
    model, optimizer = build(state["config"])
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    model.eval()
    return model, optimizer, state["epoch"]


def predict(model, images, normalizer):
    images = np.asarray(images)
    if images.shape == (28, 28):
        images = images[None]
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise ValueError("images must be (N, 28, 28) or (28, 28)")
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    with torch.no_grad():
        X = normalizer.transform(images[:, None]).to(next(model.parameters()).device)
        p = model(X).sigmoid().cpu()
    for part, mode in modes:
        part.training = mode
    return p.argmax(dim=1).numpy(), p.numpy()


# %% wrong: saves the epoch to go on with
import os


def save_checkpoint(path, model, optimizer, epoch, config):
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": epoch + 1,
        "config": config,
    }
    draft = str(path) + ".tmp"
    torch.save(state, draft)
    os.replace(draft, path)


def load_checkpoint(path, build):
    state = torch.load(path, map_location="cpu", weights_only=True)
    model, optimizer = build(state["config"])
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    model.eval()
    return model, optimizer, state["epoch"]


def predict(model, images, normalizer):
    images = np.asarray(images)
    if images.shape == (28, 28):
        images = images[None]
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise ValueError("images must be (N, 28, 28) or (28, 28)")
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    with torch.no_grad():
        X = normalizer.transform(images[:, None]).to(next(model.parameters()).device)
        p = model(X).softmax(dim=1).cpu()
    for part, mode in modes:
        part.training = mode
    return p.argmax(dim=1).numpy(), p.numpy()


# %% wrong: half precision, to save space
import os


def save_checkpoint(path, model, optimizer, epoch, config):
    state = {
        "model": {name: value.half() for name, value in model.state_dict().items()},
        "optimizer": optimizer.state_dict(),
        "epoch": epoch,
        "config": config,
    }
    draft = str(path) + ".tmp"
    torch.save(state, draft)
    os.replace(draft, path)


def load_checkpoint(path, build):
    state = torch.load(path, map_location="cpu", weights_only=True)
    model, optimizer = build(state["config"])
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    model.eval()
    return model, optimizer, state["epoch"]


def predict(model, images, normalizer):
    images = np.asarray(images)
    if images.shape == (28, 28):
        images = images[None]
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise ValueError("images must be (N, 28, 28) or (28, 28)")
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    with torch.no_grad():
        X = normalizer.transform(images[:, None]).to(next(model.parameters()).device)
        p = model(X).softmax(dim=1).cpu()
    for part, mode in modes:
        part.training = mode
    return p.argmax(dim=1).numpy(), p.numpy()


# %% wrong: updates the dict that state_dict returns, and not the model
import os


def save_checkpoint(path, model, optimizer, epoch, config):
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": epoch,
        "config": config,
    }
    draft = str(path) + ".tmp"
    torch.save(state, draft)
    os.replace(draft, path)


def load_checkpoint(path, build):
    state = torch.load(path, map_location="cpu", weights_only=True)
    model, optimizer = build(state["config"])
    model.state_dict().update(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    model.eval()
    return model, optimizer, state["epoch"]


def predict(model, images, normalizer):
    images = np.asarray(images)
    if images.shape == (28, 28):
        images = images[None]
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise ValueError("images must be (N, 28, 28) or (28, 28)")
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    with torch.no_grad():
        X = normalizer.transform(images[:, None]).to(next(model.parameters()).device)
        p = model(X).softmax(dim=1).cpu()
    for part, mode in modes:
        part.training = mode
    return p.argmax(dim=1).numpy(), p.numpy()


# %% wrong: Adam's step counters start at 0 again
import os


def save_checkpoint(path, model, optimizer, epoch, config):
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": epoch,
        "config": config,
    }
    draft = str(path) + ".tmp"
    torch.save(state, draft)
    os.replace(draft, path)


def load_checkpoint(path, build):
    state = torch.load(path, map_location="cpu", weights_only=True)
    model, optimizer = build(state["config"])
    model.load_state_dict(state["model"])
    for memory in state["optimizer"]["state"].values():
        memory["step"] = torch.tensor(0.0)
    optimizer.load_state_dict(state["optimizer"])
    model.eval()
    return model, optimizer, state["epoch"]


def predict(model, images, normalizer):
    images = np.asarray(images)
    if images.shape == (28, 28):
        images = images[None]
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise ValueError("images must be (N, 28, 28) or (28, 28)")
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    with torch.no_grad():
        X = normalizer.transform(images[:, None]).to(next(model.parameters()).device)
        p = model(X).softmax(dim=1).cpu()
    for part, mode in modes:
        part.training = mode
    return p.argmax(dim=1).numpy(), p.numpy()


# %% wrong: log-probabilities, as a loss takes them
import os


def save_checkpoint(path, model, optimizer, epoch, config):
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": epoch,
        "config": config,
    }
    draft = str(path) + ".tmp"
    torch.save(state, draft)
    os.replace(draft, path)


def load_checkpoint(path, build):
    state = torch.load(path, map_location="cpu", weights_only=True)
    model, optimizer = build(state["config"])
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    model.eval()
    return model, optimizer, state["epoch"]


def predict(model, images, normalizer):
    images = np.asarray(images)
    if images.shape == (28, 28):
        images = images[None]
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise ValueError("images must be (N, 28, 28) or (28, 28)")
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    with torch.no_grad():
        X = normalizer.transform(images[:, None]).to(next(model.parameters()).device)
        p = model(X).log_softmax(dim=1).cpu()
    for part, mode in modes:
        part.training = mode
    return p.argmax(dim=1).numpy(), p.numpy()
