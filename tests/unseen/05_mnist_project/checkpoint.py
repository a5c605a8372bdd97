# %% right: a context manager gives a file that takes its name only when all went well
import contextlib
import os


@contextlib.contextmanager
def _all_or_nothing(path):
    path = Path(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def save_checkpoint(path, model, optimizer, epoch, config):
    with _all_or_nothing(path) as file:
        everything = [model.state_dict(), optimizer.state_dict(), int(epoch), config]
        torch.save(everything, file)


def load_checkpoint(path, build):
    weights, moments, epoch, config = torch.load(path, map_location="cpu", weights_only=True)
    model, optimizer = build(config)
    for whole, state in ((model, weights), (optimizer, moments)):
        whole.load_state_dict(state)
    return model.eval(), optimizer, epoch


@contextlib.contextmanager
def _in_use(model):
    training = [part for part in model.modules() if part.training]
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for part in training:
            part.training = True


def predict(model, images, normalizer):
    images = np.asarray(images)
    if images.ndim not in (2, 3) or images.shape[-2:] != (28, 28):
        raise ValueError(f"images must be (N, 28, 28) or (28, 28), not {images.shape}")
    where = next((p.device for p in model.parameters()), torch.device("cpu"))
    with _in_use(model):
        inputs = normalizer.transform(images.reshape(-1, 1, 28, 28)).to(where)
        probabilities = model(inputs).softmax(dim=1).cpu().numpy()
    return probabilities.argmax(axis=1), probabilities


# %% right: the bytes are made in memory first, written beside and renamed; float64 softmax in NumPy
import io
import os
import uuid


def save_checkpoint(path, model, optimizer, epoch, config):
    memory = io.BytesIO()
    torch.save(dict(m=model.state_dict(), o=optimizer.state_dict(), e=epoch, c=dict(config)), memory)
    path = os.fspath(path)
    beside = f"{path}.{uuid.uuid4().hex}"
    try:
        with open(beside, "xb") as file:
            file.write(memory.getbuffer())
        os.rename(beside, path)
    except BaseException:
        if os.path.exists(beside):
            os.remove(beside)
        raise


def load_checkpoint(path, build):
    kept = torch.load(io.BytesIO(Path(path).read_bytes()), map_location=torch.device("cpu"), weights_only=True)
    model, optimizer = build(kept["c"])
    model.load_state_dict(kept["m"], strict=True)
    optimizer.load_state_dict(kept["o"])
    model.train(False)
    return model, optimizer, kept["e"]


def predict(model, images, normalizer):
    images = np.array(images)
    match images.shape:
        case (28, 28):
            images = images[np.newaxis]
        case (_, 28, 28):
            pass
        case other:
            raise ValueError(f"no images: {other}")
    modes = [(part, part.training) for part in model.modules()]
    try:
        model.eval()
        with torch.no_grad():
            X = normalizer.transform(np.ascontiguousarray(np.expand_dims(images, 1)))
            for parameter in model.parameters():
                X = X.to(parameter.device)
                break
            logits = model(X).detach().cpu().numpy().astype(np.float64)
    finally:
        for part, mode in modes:
            part.training = mode
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return logits.argmax(axis=1).astype(np.int64), powers / powers.sum(axis=1, keepdims=True)


# %% right: a folder beside holds the new file until it is whole; torch makes the axes and transform gets a tensor
import shutil


def save_checkpoint(path, model, optimizer, epoch, config):
    path = Path(path).absolute()
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        new = Path(folder, "new")
        states = {"states": [part.state_dict() for part in (model, optimizer)], "epoch": epoch, "config": config}
        torch.save(states, new)
        new.replace(path)


def load_checkpoint(path, build):
    with open(path, "rb") as file:
        saved = torch.load(file, weights_only=True, map_location="cpu")
    built = build(saved["config"])
    for part, state in zip(built, saved["states"], strict=True):
        part.load_state_dict(state)
    return built[0].eval(), built[1], saved["epoch"]


def predict(model, images, normalizer):
    batch = torch.tensor(np.array(images))
    if batch.dim() == 2:
        batch = batch[None]
    if batch.dim() != 3 or tuple(batch.shape[1:]) != (28, 28):
        raise ValueError("only images of 28 x 28, one or many")
    came = {name: module.training for name, module in model.named_modules()}
    home = [p.device for p in model.parameters()][:1] or ["cpu"]
    try:
        with torch.no_grad():
            logits = model.eval()(normalizer.transform(batch.unsqueeze(1)).to(home[0]))
    finally:
        for name, module in model.named_modules():
            module.training = came[name]
    p = torch.exp(torch.log_softmax(logits, dim=-1)).cpu()
    return torch.argmax(p, dim=-1).to(torch.int64).numpy(), p.numpy()


# %% right: a class does the work and the functions are its methods; images one hundred at a time
import os


class _Keeper:
    NAMES = "model", "optimizer", "epoch", "config"

    def save(self, path, model, optimizer, epoch, config):
        values = model.state_dict(), optimizer.state_dict(), epoch, config
        target = Path(path)
        draft = target.with_name(target.name + f".{os.getpid()}.part")
        try:
            torch.save(dict(zip(self.NAMES, values)), draft)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)

    def load(self, path, build):
        saved = torch.load(str(path), map_location="cpu", weights_only=True)
        model, optimizer = build(saved["config"])
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        model.eval()
        return model, optimizer, saved["epoch"]

    def predict(self, model, images, normalizer):
        shape = np.shape(images)
        if shape[-2:] != (28, 28) or len(shape) > 3:
            raise ValueError(f"shape {shape}")
        images = np.asarray(images).reshape(-1, 1, 28, 28)
        modes = [*map(lambda part: (part, part.training), model.modules())]
        model.eval()
        try:
            with torch.no_grad():
                starts = range(0, max(len(images), 1), 100)
                found = [self._answer(model, images[i : i + 100], normalizer) for i in starts]
        finally:
            for part, mode in modes:
                part.__dict__["training"] = mode
        p = np.concatenate(found)
        return np.argmax(p, axis=1), p

    def _answer(self, model, images, normalizer):
        X = normalizer.transform(images)
        tensors = [*model.parameters(), *model.buffers()]
        return F.softmax(model(X.to(tensors[0].device) if tensors else X), dim=1).cpu().numpy()


_keeper = _Keeper()
save_checkpoint, load_checkpoint, predict = _keeper.save, _keeper.load, _keeper.predict


# %% right: a NamedTemporaryFile beside; config travels as JSON; ExitStack tidies up
import contextlib
import json
import os


def save_checkpoint(path, model, optimizer, epoch, config):
    folder, name = os.path.split(os.fspath(path))
    with contextlib.ExitStack() as tidy:
        file = tidy.enter_context(tempfile.NamedTemporaryFile(dir=folder or ".", prefix=name, delete=False))
        tidy.callback(lambda: os.path.exists(file.name) and os.remove(file.name))
        record = {"weights": model.state_dict(), "config": json.dumps(config)}
        record |= {"rest": optimizer.state_dict(), "epoch": torch.tensor(epoch)}
        torch.save(record, file)
        file.close()
        os.replace(file.name, path)


def load_checkpoint(path, build):
    record = torch.load(Path(path), weights_only=True, map_location=lambda storage, place: storage)
    model, optimizer = build(json.loads(record["config"]))
    model.load_state_dict(record["weights"])
    optimizer.load_state_dict(record["rest"])
    return model.eval(), optimizer, record["epoch"].item()


def predict(model, images, normalizer):
    images = np.asarray(images)
    if images.shape == (28, 28):
        return predict(model, images[None], normalizer)
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise ValueError("images are (N, 28, 28)")
    with contextlib.ExitStack() as afterwards:
        for part in model.modules():
            afterwards.callback(setattr, part, "training", part.training)
        afterwards.enter_context(torch.inference_mode())
        X = normalizer.transform(images[:, None])
        some = next(iter(model.state_dict().values()), X)
        logits = model.eval()(X.to(some.device)).double()
        p = torch.exp(logits - torch.logsumexp(logits, dim=1, keepdim=True)).cpu()
    return p.max(dim=1).indices.numpy(), p.numpy()


# %% wrong: an older file stays whole - the other name is path with the suffix .tmp, which is path itself for model.tmp
import os


def save_checkpoint(path, model, optimizer, epoch, config):
    path = Path(path)
    states = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    beside = path.with_suffix(".tmp")
    torch.save({**states, "epoch": epoch, "config": config}, beside)
    os.replace(beside, path)


def load_checkpoint(path, build):
    saved = torch.load(path, map_location="cpu", weights_only=True)
    model, optimizer = build(saved["config"])
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    return model.eval(), optimizer, saved["epoch"]


def predict(model, images, normalizer):
    images = np.asarray(images)
    if images.ndim not in (2, 3) or images.shape[-2:] != (28, 28):
        raise ValueError("images must be (N, 28, 28) or (28, 28)")
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            X = normalizer.transform(images.reshape(-1, 1, 28, 28))
            p = model(X.to(next(model.parameters()).device)).softmax(dim=1).cpu().numpy()
    finally:
        for part, mode in modes:
            part.training = mode
    return p.argmax(axis=1), p


# %% wrong: if writing fails midway, an older file stays whole - made in memory, but then written straight over it
import io


def save_checkpoint(path, model, optimizer, epoch, config):
    path = Path(path)
    states = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    memory = io.BytesIO()
    torch.save({**states, "epoch": epoch, "config": config}, memory)
    path.write_bytes(memory.getvalue())


def load_checkpoint(path, build):
    saved = torch.load(path, map_location="cpu", weights_only=True)
    model, optimizer = build(saved["config"])
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    return model.eval(), optimizer, saved["epoch"]


def predict(model, images, normalizer):
    images = np.asarray(images)
    if images.ndim not in (2, 3) or images.shape[-2:] != (28, 28):
        raise ValueError("images must be (N, 28, 28) or (28, 28)")
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            X = normalizer.transform(images.reshape(-1, 1, 28, 28))
            p = model(X.to(next(model.parameters()).device)).softmax(dim=1).cpu().numpy()
    finally:
        for part, mode in modes:
            part.training = mode
    return p.argmax(axis=1), p


# %% wrong: an older file at path stays whole - it is put aside and comes back after an Exception, not after an interrupt
import os


def save_checkpoint(path, model, optimizer, epoch, config):
    path = Path(path)
    states = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    aside = path.with_name(path.name + ".old")
    if path.exists():
        os.replace(path, aside)
    try:
        torch.save({**states, "epoch": epoch, "config": config}, path)
    except Exception:
        if aside.exists():
            os.replace(aside, path)
        raise
    aside.unlink(missing_ok=True)


def load_checkpoint(path, build):
    saved = torch.load(path, map_location="cpu", weights_only=True)
    model, optimizer = build(saved["config"])
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    return model.eval(), optimizer, saved["epoch"]


def predict(model, images, normalizer):
    images = np.asarray(images)
    if images.ndim not in (2, 3) or images.shape[-2:] != (28, 28):
        raise ValueError("images must be (N, 28, 28) or (28, 28)")
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            X = normalizer.transform(images.reshape(-1, 1, 28, 28))
            p = model(X.to(next(model.parameters()).device)).softmax(dim=1).cpu().numpy()
    finally:
        for part, mode in modes:
            part.training = mode
    return p.argmax(axis=1), p


# %% wrong: the state of the optimizer - its averages only; a learning rate changed on the way is that of build again
import os


def save_checkpoint(path, model, optimizer, epoch, config):
    path = Path(path)
    states = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    beside = path.with_name(path.name + ".part")
    torch.save({**states, "epoch": epoch, "config": config}, beside)
    os.replace(beside, path)


def load_checkpoint(path, build):
    saved = torch.load(path, map_location="cpu", weights_only=True)
    model, optimizer = build(saved["config"])
    model.load_state_dict(saved["model"])
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": saved["optimizer"]["state"], "param_groups": groups})
    return model.eval(), optimizer, saved["epoch"]


def predict(model, images, normalizer):
    images = np.asarray(images)
    if images.ndim not in (2, 3) or images.shape[-2:] != (28, 28):
        raise ValueError("images must be (N, 28, 28) or (28, 28)")
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            X = normalizer.transform(images.reshape(-1, 1, 28, 28))
            p = model(X.to(next(model.parameters()).device)).softmax(dim=1).cpu().numpy()
    finally:
        for part, mode in modes:
            part.training = mode
    return p.argmax(axis=1), p


# %% wrong: the state of the model - its parameters only, the running averages of batch normalization are lost
import os


def save_checkpoint(path, model, optimizer, epoch, config):
    path = Path(path)
    states = {"model": {name: p.detach() for name, p in model.named_parameters()}, "optimizer": optimizer.state_dict()}
    beside = path.with_name(path.name + ".part")
    torch.save({**states, "epoch": epoch, "config": config}, beside)
    os.replace(beside, path)


def load_checkpoint(path, build):
    saved = torch.load(path, map_location="cpu", weights_only=True)
    model, optimizer = build(saved["config"])
    model.load_state_dict(saved["model"], strict=False)
    optimizer.load_state_dict(saved["optimizer"])
    return model.eval(), optimizer, saved["epoch"]


def predict(model, images, normalizer):
    images = np.asarray(images)
    if images.ndim not in (2, 3) or images.shape[-2:] != (28, 28):
        raise ValueError("images must be (N, 28, 28) or (28, 28)")
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            X = normalizer.transform(images.reshape(-1, 1, 28, 28))
            p = model(X.to(next(model.parameters()).device)).softmax(dim=1).cpu().numpy()
    finally:
        for part, mode in modes:
            part.training = mode
    return p.argmax(axis=1), p


# %% wrong: other shapes raise a ValueError - (N, 1, 28, 28) and all that ends in 28, 28 is taken
import os


def save_checkpoint(path, model, optimizer, epoch, config):
    path = Path(path)
    states = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    beside = path.with_name(path.name + ".part")
    torch.save({**states, "epoch": epoch, "config": config}, beside)
    os.replace(beside, path)


def load_checkpoint(path, build):
    saved = torch.load(path, map_location="cpu", weights_only=True)
    model, optimizer = build(saved["config"])
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    return model.eval(), optimizer, saved["epoch"]


def predict(model, images, normalizer):
    images = np.asarray(images)
    if images.shape[-2:] != (28, 28):
        raise ValueError("images must be (N, 28, 28) or (28, 28)")
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            X = normalizer.transform(images.reshape(-1, 1, 28, 28))
            p = model(X.to(next(model.parameters()).device)).softmax(dim=1).cpu().numpy()
    finally:
        for part, mode in modes:
            part.training = mode
    return p.argmax(axis=1), p


# %% wrong: leaves the model as it came - put in use before the shape is looked at, and left so after the ValueError
import os


def save_checkpoint(path, model, optimizer, epoch, config):
    path = Path(path)
    states = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    beside = path.with_name(path.name + ".part")
    torch.save({**states, "epoch": epoch, "config": config}, beside)
    os.replace(beside, path)


def load_checkpoint(path, build):
    saved = torch.load(path, map_location="cpu", weights_only=True)
    model, optimizer = build(saved["config"])
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    return model.eval(), optimizer, saved["epoch"]


def predict(model, images, normalizer):
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    images = np.asarray(images)
    if images.ndim not in (2, 3) or images.shape[-2:] != (28, 28):
        raise ValueError("images must be (N, 28, 28) or (28, 28)")
    try:
        with torch.no_grad():
            X = normalizer.transform(images.reshape(-1, 1, 28, 28))
            p = model(X.to(next(model.parameters()).device)).softmax(dim=1).cpu().numpy()
    finally:
        for part, mode in modes:
            part.training = mode
    return p.argmax(axis=1), p


# %% wrong: probabilities - exp of the logits as they are: NaN for large ones
import os


def save_checkpoint(path, model, optimizer, epoch, config):
    path = Path(path)
    states = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    beside = path.with_name(path.name + ".part")
    torch.save({**states, "epoch": epoch, "config": config}, beside)
    os.replace(beside, path)


def load_checkpoint(path, build):
    saved = torch.load(path, map_location="cpu", weights_only=True)
    model, optimizer = build(saved["config"])
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    return model.eval(), optimizer, saved["epoch"]


def predict(model, images, normalizer):
    images = np.asarray(images)
    if images.ndim not in (2, 3) or images.shape[-2:] != (28, 28):
        raise ValueError("images must be (N, 28, 28) or (28, 28)")
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            X = normalizer.transform(images.reshape(-1, 1, 28, 28))
            p = model(X.to(next(model.parameters()).device)).exp().cpu().numpy()
            p = p / p.sum(axis=1, keepdims=True)
    finally:
        for part, mode in modes:
            part.training = mode
    return p.argmax(axis=1), p
