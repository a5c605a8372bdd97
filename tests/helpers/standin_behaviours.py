"""What CUDA does with tensors, as functions of a device that assert: the stand-in device must behave so too.

They run without pytest, for machines that have none: ``python tests/helpers/standin_behaviours.py cuda`` (or
``standin``) runs them all and prints what went wrong, by name, as one line of JSON.
"""

import copy
import io
import json
import math
import os
import re
import sys
import traceback
from unittest import TestCase

import standin_device

raises = TestCase().assertRaisesRegex
BEHAVIOURS = {}
MIXED = r"same device|on the same device as the indexed tensor"
NO_NUMPY = r"can't convert \w+:0 device type tensor to numpy. Use Tensor.cpu\(\)"


def behaviour(function):
    """Register a behaviour: a function of a device that asserts."""
    BEHAVIOURS[function.__name__] = function
    return function


def same(got, expected, *, rounding=False):
    """Assert equal numbers: bit for bit on the stand-in, which computes on the CPU; nearly so on CUDA.

    `rounding` allows the last digits to differ: PyTorch has more than one way to convolve.
    """
    import torch

    if got.device.type == "cuda":
        limits = {"rtol": 1e-3, "atol": 1e-4}
    else:
        limits = {"rtol": 1e-9, "atol": 1e-12} if rounding else {"rtol": 0, "atol": 0}
    torch.testing.assert_close(got.detach().cpu(), expected.detach(), **limits)


# --- behaviours: where tensors are -----------------------------------------------------------------------------------


@behaviour
def tensors_say_where_they_are(device):
    import torch

    x, here = torch.zeros(2, 3), torch.device(device.type, 0)
    made = {
        "zeros": torch.zeros(2, 3, device=device),
        "tensor": torch.tensor([1.0, 2.0], device=device),
        "as_tensor": torch.as_tensor([1.0, 2.0], device=device),
        "arange": torch.arange(3, device=device.type),
        "eye": torch.eye(3, device=f"{device.type}:0"),
        "linspace": torch.linspace(0, 1, 3, device=device),
        "randn": torch.randn(3, device=device),
        "randint": torch.randint(3, (2,), device=device),
        "randperm": torch.randperm(3, device=device),
        "to(device)": x.to(device),
        "to(name)": x.to(device.type),
        "to(device, dtype)": x.to(device, torch.float64),
        "to(other)": x.to(torch.zeros((), device=device)),
        "zeros_like": torch.zeros_like(x.to(device)),
        "new_zeros": x.to(device).new_zeros(2),
        "sum": x.to(device).sum(),
        "linear": torch.nn.Linear(2, 3, device=device).weight,
        "module.to": torch.nn.BatchNorm1d(3).to(device).running_mean,
        "parameter": torch.nn.Parameter(x.to(device)),
    }
    wrong = {name: str(tensor.device) for name, tensor in made.items() if tensor.device != here}
    assert not wrong
    assert x.device.type == made["zeros"].cpu().device.type == made["zeros"].to("cpu").device.type == "cpu"
    assert f"device='{device.type}:0'" in repr(made["zeros"])
    assert type(made["zeros"]) is torch.Tensor


@behaviour
def default_device_makes_tensors_there(device):
    import torch

    torch.set_default_device(device)
    try:
        assert torch.zeros(2).device == torch.nn.Linear(2, 2).weight.device == torch.device(device.type, 0)
    finally:
        torch.set_default_device(None)


@behaviour
def numbers_come_back(device):
    import torch

    x = torch.tensor([[1.5, 2.0], [3.0, -4.0]], device=device)
    assert x.tolist() == [[1.5, 2.0], [3.0, -4.0]]
    assert x[0, 0].item() == float(x[0, 0]) == 1.5
    assert int(x.argmax()) == 2
    assert bool((x == x).all()) and not torch.equal(x, x + 1)
    assert f"{x.mean():.3f}" == "0.625"
    assert x.cpu().numpy().sum() == 2.5
    assert [row.sum().item() for row in x] == [3.5, -1.0]
    for dtype in (torch.bool, torch.uint8, torch.int64, torch.float16, torch.bfloat16, torch.float64, torch.complex64):
        assert torch.ones(3, dtype=dtype, device=device).sum().item() == 3, dtype


@behaviour
def numpy_is_refused(device):
    import numpy as np
    import torch

    x = torch.ones(3, device=device)
    for attempt in (
        lambda: x.numpy(),
        lambda: x.detach().numpy(),
        lambda: np.asarray(x),
        lambda: np.mean([x.sum()]),
        lambda: np.testing.assert_allclose(x, 1.0),
    ):
        with raises(TypeError, NO_NUMPY):
            attempt()


@behaviour
def mixing_devices_is_refused(device):
    import torch
    from torch.nn import functional

    x, y, square = torch.ones(2, 2, device=device), torch.ones(2, 2), torch.tensor([[0, 1], [1, 0]])
    image, row = torch.ones(1, 1, 4, 4), torch.tensor([0, 1])
    masked = torch.ones(4, device=device)
    attempts = {
        "add": lambda: x + y,
        "radd": lambda: y + x,
        "one element is no scalar": lambda: x * torch.ones(1),
        "compare": lambda: x == y,
        "matmul": lambda: x @ y,
        "rmatmul": lambda: y @ x,
        "vector": lambda: x @ y[0],
        "bmm": lambda: torch.bmm(x[None], y[None]),
        "add in place to device": lambda: x.add_(y),
        "add in place to cpu": lambda: y.add_(x),
        "add scalar in place to cpu": lambda: torch.ones(()).add_(torch.ones((), device=device)),
        "out": lambda: torch.add(x, 1, out=y),
        "linear, cpu input": lambda: torch.nn.Linear(2, 2).to(device)(y),
        "linear, cpu model": lambda: torch.nn.Linear(2, 2)(x),
        "conv, cpu input": lambda: torch.nn.Conv2d(1, 1, 3).to(device)(image),
        "conv, cpu model": lambda: torch.nn.Conv2d(1, 1, 3)(image.to(device)),
        "batch norm": lambda: torch.nn.BatchNorm1d(2)(x),
        "layer norm": lambda: torch.nn.LayerNorm(2)(x),
        "embedding": lambda: torch.nn.Embedding(3, 2).to(device)(row),
        "cross entropy": lambda: functional.cross_entropy(x, row),
        "mse": lambda: functional.mse_loss(x, y),
        "bce": lambda: functional.binary_cross_entropy_with_logits(x, y),
        "cat": lambda: torch.cat([x, y]),
        "stack": lambda: torch.stack([x, y]),
        "where": lambda: torch.where(x > 0, x, y),
        "where, one element is no scalar": lambda: torch.where(x > 0, x, torch.ones(1)),
        "masked_fill in place to a cpu scalar": lambda: torch.ones(()).masked_fill_(x[0, 0] > 0, 0.0),
        "gather": lambda: x.gather(1, square),
        "scatter": lambda: torch.zeros_like(x).scatter_(1, square, 1.0),
        "index_select": lambda: x.index_select(0, row),
        "masked_select": lambda: x.masked_select(y > 0),
        "masked_fill": lambda: x.masked_fill(y > 0, 0.0),
        "cpu tensor, device index": lambda: y[row.to(device)],
        "set by mask": lambda: masked.__setitem__(masked > 0, torch.ones(4)),
        "dot": lambda: torch.dot(x[0], y[0]),
        "einsum": lambda: torch.einsum("ij,jk->ik", x, y),
        "equal": lambda: torch.equal(x, y),
    }
    not_refused = {}
    for name, attempt in attempts.items():
        try:
            attempt()
            not_refused[name] = "ran"
        except (RuntimeError, IndexError) as error:
            if not re.search(MIXED, str(error)):
                not_refused[name] = str(error)
    assert not not_refused


@behaviour
def gradients_on_two_devices_are_refused(device):
    """An optimizer must not step a device's parameter by a gradient of the CPU's."""
    import torch

    w = torch.ones(2, device=device, requires_grad=True)
    with raises((RuntimeError, TypeError), "device|type"):
        w.grad = torch.ones(2)


@behaviour
def cpu_scalars_and_indices_may_mix(device):
    import torch

    x, two = torch.arange(6.0, device=device).reshape(2, 3), torch.tensor(2.0)
    here = x.device
    assert (x * two).device == (two - x).device == torch.where(x > 2, x, two).device == here
    assert (two + torch.tensor(1.0, device=device)).device == here
    assert x.masked_fill(x > 2, two).max().item() == 2
    assert x[torch.tensor([1])].tolist() == [[3, 4, 5]]
    assert x[torch.tensor([True, False])].tolist() == [[0, 1, 2]]
    assert x[:, torch.tensor([0, 2])].device == here
    x[torch.tensor([0])] = two
    x[x == 4] = two
    x[1, :1] = torch.tensor([9.0])  # a slice is copied to, across devices too
    x[1, 2:].copy_(torch.tensor([8.0]))
    x.fill_diagonal_(1.0)
    assert x.tolist() == [[1, 2, 2], [9, 1, 8]]


# --- behaviours: numbers equal the CPU's -----------------------------------------------------------------------------


def trained(device, optimizer):
    """Train an MLP with BatchNorm on fixed data and return the model and its last loss."""
    import torch

    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(4, 16), torch.nn.BatchNorm1d(16), torch.nn.ReLU(), torch.nn.Linear(16, 3)
    )
    x, y = torch.randn(32, 4), torch.randint(3, (32,))
    model, x, y = model.to(device), x.to(device), y.to(device)
    chosen = optimizer(model.parameters())
    for _ in range(5):
        loss = torch.nn.functional.cross_entropy(model(x), y)
        chosen.zero_grad()
        loss.backward()
        chosen.step()
    return model.eval(), loss


@behaviour
def training_gives_the_cpus_numbers(device):
    import torch

    for optimizer in (
        lambda p: torch.optim.SGD(p, lr=0.1),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
        lambda p: torch.optim.Adam(p, lr=0.01),
        lambda p: torch.optim.AdamW(p, lr=0.01, foreach=False),
        lambda p: torch.optim.AdamW(p, lr=0.01),
        lambda p: torch.optim.RMSprop(p, lr=0.01),
    ):
        (model, loss), (expected, expected_loss) = trained(device, optimizer), trained("cpu", optimizer)
        same(loss, expected_loss)
        for name, tensor in expected.state_dict().items():
            same(model.state_dict()[name], tensor)
            assert model.state_dict()[name].device.type == device.type


@behaviour
def convolutions_give_the_cpus_numbers(device):
    import torch
    from torch import nn

    torch.manual_seed(0)
    x = torch.randn(4, 2, 12, 12, dtype=torch.float64)
    nets = [
        nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        nn.Sequential(nn.Conv2d(2, 4, 3, stride=2, bias=False), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1)),
        nn.Sequential(nn.Conv2d(2, 4, 3, groups=2, dilation=2), nn.ConvTranspose2d(4, 2, 2), nn.Dropout2d(0.0)),
        nn.Sequential(nn.Flatten(1, 2), nn.Conv1d(24, 3, 3), nn.GroupNorm(3, 3)),
    ]
    for net in nets:
        runs = []
        for place in ("cpu", device):
            moved, data = copy.deepcopy(net).to(place, torch.float64), x.to(place, copy=True).requires_grad_()
            out = moved(data)
            out.sigmoid().sum().backward()
            runs.append([out, data.grad, *(p.grad for p in moved.parameters())])
        for expected, got in zip(*runs, strict=True):
            assert got.device.type == device.type
            same(got, expected, rounding=True)


@behaviour
def functions_give_the_cpus_numbers(device):
    import torch
    from torch.nn import functional as f

    torch.manual_seed(0)
    x, w = torch.randn(6, 5), torch.randn(5, 5)
    labels, targets = torch.tensor([0, 1, 2, 3, 4, 0]), torch.rand(6, 5)
    functions = [
        lambda x, w, y, t: f.cross_entropy(x, y, label_smoothing=0.1),
        lambda x, w, y, t: f.nll_loss(f.log_softmax(x, 1), y, weight=w.detach()[0].abs()),
        lambda x, w, y, t: f.binary_cross_entropy_with_logits(x, t),
        lambda x, w, y, t: f.mse_loss(x, t) + f.l1_loss(x, t) + f.smooth_l1_loss(x, t) + f.huber_loss(x, t),
        lambda x, w, y, t: x.tanh() + x.sigmoid() + f.gelu(x) + f.silu(x) + f.softplus(x) + f.leaky_relu(x) + f.elu(x),
        lambda x, w, y, t: (x @ w).softmax(1) * (x @ w).logsumexp(1, keepdim=True),
        lambda x, w, y, t: torch.cat([x, x.flip(0)]).std(0) + torch.stack([x, x]).var(0).mean(0),
        lambda x, w, y, t: torch.einsum("ij,kj->ik", x, x).triu().norm() + torch.linalg.norm(x, dim=1),
        lambda x, w, y, t: x.sort(1).values.cumsum(1) + x.topk(1).values + x.max(1, keepdim=True).values,
        lambda x, w, y, t: x.clamp(-1, 1).pow(3) / (x.abs() + 1).sqrt() + x.exp().log1p() - x.where(x > 0, 0.1 * x),
        lambda x, w, y, t: x[torch.arange(6, device=x.device), y] + x.gather(1, y[:, None])[:, 0] + x[1:, ::2].sum(),
        lambda x, w, y, t: f.one_hot(y, 5) * x.t().contiguous().view(6, 5) + x.reshape(-1).unfold(0, 5, 5),
        lambda x, w, y, t: f.scaled_dot_product_attention(x[None], x[None], x[None]),
        lambda x, w, y, t: f.embedding(y, w) + x.expand(2, 6, 5).permute(1, 0, 2).mean(1) + f.pad(x, (1, 1))[:, 1:-1],
        lambda x, w, y, t: torch.linalg.solve(w @ w.t() + torch.eye(5, device=x.device), x.t()).trace(),
    ]
    for number, function in enumerate(functions):
        runs = []
        for place in ("cpu", device):
            a, b = x.to(place, copy=True).requires_grad_(), w.to(place, copy=True).requires_grad_()
            out = function(a, b, labels.to(place), targets.to(place))
            out.sum().backward()
            runs.append([out, a.grad if a.grad is not None else a, b.grad if b.grad is not None else b])
        for expected, got in zip(*runs, strict=True):
            assert got.device.type == device.type, number
            same(got, expected)


@behaviour
def writing_in_place_and_views_share_memory(device):
    import torch

    x = torch.zeros(2, 3, device=device)
    row, flat = x[0], x.view(-1)
    row += 1
    flat[5] = 7
    x.t()[1].mul_(5)
    x.clamp_(max=6)
    assert x.tolist() == [[1, 5, 1], [0, 0, 6]]
    assert x.data_ptr() == row.data_ptr() and x._version > 0
    w = torch.ones(3, device=device, requires_grad=True)
    y = w * 2
    y[1:].mul_(3)
    y.sum().backward()
    assert w.grad.tolist() == [2, 6, 6]
    with raises(RuntimeError, "leaf Variable"):
        w.add_(1)


@behaviour
def outputs_may_be_given_and_resized(device):
    import torch

    out = torch.empty(0, device=device)
    assert torch.add(torch.ones(3, device=device), 1, out=out) is out
    assert out.tolist() == [2, 2, 2]
    x = torch.arange(4.0, device=device)
    assert x.resize_(6)[:4].tolist() == [0, 1, 2, 3]
    assert x.resize_(2, 2).tolist() == [[0, 1], [2, 3]]


@behaviour
def autograd_is_whole(device):
    import torch

    x = torch.randn(3, dtype=torch.float64, device=device, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: (v.tanh() ** 2).sum(), x)
    (slope,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
    slope.sum().backward()
    torch.testing.assert_close(x.grad, 6 * x.detach())
    torch.testing.assert_close(torch.func.grad(lambda v: (v**2).sum())(x.detach()), 2 * x.detach())
    assert torch.vmap(lambda v: v * 2)(torch.ones(2, 2, device=device)).tolist() == [[2, 2], [2, 2]]
    seen, layer = [], torch.nn.Linear(3, 2).to(device)
    layer.register_forward_hook(lambda module, given, out: seen.append(out.detach()))
    layer(torch.ones(1, 3, device=device)).sum().backward()
    assert seen[0].device == layer.weight.grad.device == x.device
    layer.weight.grad.zero_()
    norm = torch.nn.utils.clip_grad_norm_(layer.parameters(), 0.1)
    assert math.isclose(norm.item(), 2**0.5, rel_tol=1e-6)


@behaviour
def gradients_can_be_switched_off(device):
    import torch

    model, x = torch.nn.Linear(2, 1).to(device), torch.ones(3, 2, device=device)
    with torch.no_grad():
        assert not model(x).requires_grad
        model.weight -= 0.1 * model.weight
    with torch.inference_mode():
        assert model(x).is_inference() and model(x).device == x.device
    assert model(x).requires_grad and not model(x).detach().requires_grad


# --- behaviours: models, files, random numbers -----------------------------------------------------------------------


@behaviour
def moving_a_module_keeps_its_parameters(device):
    import torch

    model = torch.nn.Linear(2, 2)
    weight, optimizer = model.weight, torch.optim.SGD(model.parameters(), lr=0.1)
    assert model.to(device) is model and model.weight is weight
    before = weight.detach().clone()
    loss = model(torch.ones(1, 2, device=device)).sum()
    loss.backward()
    optimizer.step()  # made before the move, and it still holds the right parameters
    torch.testing.assert_close(weight.detach(), before - 0.1)
    assert model.cpu().weight is weight and weight.device.type == weight.grad.device.type == "cpu"
    assert sum(p.numel() for p in model.to(device).parameters()) == 6
    model(torch.ones(1, 2, device=device)).sum().backward()
    weight.data = torch.zeros(2, 2, device=device)
    assert model.weight.sum().item() == 0


@behaviour
def models_are_saved_loaded_and_copied(device):
    import torch

    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3)).to(device)
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    for place in ("cpu", device, None):
        file.seek(0)
        loaded = torch.load(file, map_location=place)
        assert loaded["0.weight"].device.type == torch.device(place or device).type
        same(loaded["0.weight"], model.cpu()[0].weight)
        model.to(device)
    fresh = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3)).to(device)
    assert "successfully" in repr(fresh.load_state_dict(torch.load(io.BytesIO(file.getvalue()), map_location="cpu")))
    assert fresh[0].weight.device.type == device.type and torch.equal(fresh[0].weight, model[0].weight)
    twin = copy.deepcopy(model)
    assert twin[0].weight.device == model[0].weight.device and torch.equal(twin[0].weight, model[0].weight)
    assert twin[0].weight.data_ptr() != model[0].weight.data_ptr()
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(4, 2, device=device)).sum().backward()
    optimizer.step()
    other = torch.optim.AdamW(twin.parameters())
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert other.state[twin[0].weight]["exp_avg"].device.type == device.type


@behaviour
def assert_close_looks_at_the_device(device):
    import torch

    x = torch.ones(3, device=device)
    torch.testing.assert_close(x, torch.ones(3, device=device))
    torch.testing.assert_close(x, torch.ones(3), check_device=False)
    with raises(AssertionError, "not close"):
        torch.testing.assert_close(x, x + 1)
    with raises(AssertionError, "'device' do not match"):
        torch.testing.assert_close(x, torch.ones(3))


@behaviour
def random_numbers_are_the_devices_own(device):
    import torch

    def draw(seed):
        torch.manual_seed(seed)
        return torch.rand(4, device=device), torch.rand(4)

    first, again, other = draw(0), draw(0), draw(1)
    assert torch.equal(first[0], again[0]) and not torch.equal(first[0], other[0])
    assert not torch.equal(first[0].cpu(), first[1])  # the same seed, and yet not the CPU's numbers
    torch.manual_seed(0)
    assert torch.equal(torch.rand(4), first[1])  # the device's draws leave the CPU's stream alone


@behaviour
def generators_belong_to_a_device(device):
    import torch

    own = torch.Generator(device=device).manual_seed(3)
    first = torch.randn(5, device=device, generator=own)
    assert own.device.type == device.type and isinstance(own, torch.Generator)
    assert not torch.equal(first, torch.randn(5, device=device, generator=own))
    assert torch.equal(first, torch.randn(5, device=device, generator=own.manual_seed(3)))
    with raises(RuntimeError, "Expected a .* device type for generator"):
        torch.randn(5, device=device, generator=torch.Generator())
    assert torch.randn(5, generator=torch.Generator().manual_seed(0)).device.type == "cpu"


@behaviour
def dropout_is_dropout(device):
    import torch

    torch.manual_seed(0)
    layer, x = torch.nn.Dropout(0.25), torch.ones(4000, device=device, requires_grad=True)
    out = layer(x)
    out.sum().backward()
    zero, kept = out.unique().tolist()
    assert zero == 0 and math.isclose(kept, 4 / 3, rel_tol=1e-6)
    assert 0.2 < (out == 0).float().mean().item() < 0.3
    assert torch.equal(x.grad, out.detach())
    assert torch.equal(layer.eval()(x), x)


@behaviour
def initialisers_write_on_the_device(device):
    import torch

    w = torch.empty(64, 64, device=device)
    torch.nn.init.kaiming_normal_(w)
    assert math.isclose(w.std().item(), (2 / 64) ** 0.5, rel_tol=0.1)
    torch.nn.init.xavier_uniform_(w)
    assert w.abs().max().item() <= (6 / 128) ** 0.5
    torch.nn.init.zeros_(w)
    assert w.sum().item() == 0


@behaviour
def loaders_bring_batches_to_the_device(device):
    import torch
    from torch.utils.data import DataLoader, TensorDataset, random_split

    x, y = torch.arange(10.0), torch.arange(10)
    for data, pinned in ((TensorDataset(x, y), True), (TensorDataset(x.to(device), y.to(device)), False)):
        batches = [a.to(device) * b.to(device) for a, b in DataLoader(data, 4, shuffle=True, pin_memory=pinned)]
        assert sorted(torch.cat(batches).tolist()) == [i * i for i in range(10)]
        assert batches[0].device.type == device.type
    parts = random_split(TensorDataset(x), [8, 2], generator=torch.Generator().manual_seed(0))
    assert [len(part) for part in parts] == [8, 2]


def run_behaviours(name):
    """Run every behaviour on the named device and return what went wrong, by name."""
    import torch

    if name == standin_device.NAME:
        standin_device.install()
        standin_device.install()  # a second time does nothing
    outcome = {}
    for title, function in BEHAVIOURS.items():
        try:
            function(torch.device(name))
            outcome[title] = None
        except Exception:
            outcome[title] = traceback.format_exc()
    return outcome


if __name__ == "__main__":
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    print(json.dumps(run_behaviours(*sys.argv[1:])))
