"""nets: tensors on the course's device, dense layers with He weights, the loss of a network in use."""

import doctest

import numpy as np
import pytest
import torch
from torch import nn

from course_utils import nets


def test_tensors_have_the_types_that_torch_wants():
    X, y = nets.tensors(np.arange(6.0).reshape(3, 2), np.array([0, 1, 2], dtype=np.int32))
    assert (X.dtype, y.dtype) == (torch.float32, torch.int64)
    assert X.tolist() == [[0, 1], [2, 3], [4, 5]]


def test_layers_and_what_stands_between_them():
    network = nets.mlp([3, 5, 4, 2], 1, lambda width: [nn.BatchNorm1d(width), nn.Tanh()])
    kinds = ["Linear", "BatchNorm1d", "Tanh", "Linear", "BatchNorm1d", "Tanh", "Linear"]
    assert [type(module).__name__ for module in network] == kinds
    assert [tuple(module.weight.shape) for module in network if isinstance(module, nn.Linear)] == [
        (5, 3),
        (4, 5),
        (2, 4),
    ]


def test_weights_are_he_and_biases_zero():
    first = nets.mlp([400, 500, 2], 3)[0]
    # 200,000 normal numbers: their standard deviation is known to 0.16 %.
    assert first.weight.std().item() == pytest.approx(np.sqrt(2 / 400), rel=6 * 0.0016)
    assert not first.bias.any()
    assert torch.equal(nets.mlp([400, 500, 2], 3, scale=0.5)[0].weight, 0.5 * first.weight)


def test_the_seed_alone_decides_and_global_random_numbers_stay():
    before = torch.get_rng_state()
    one, two, other = (nets.mlp([2, 8, 2], seed)[0].weight for seed in (1, 1, 2))
    assert torch.equal(one, two) and not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("training", [True, False])
def test_the_loss_is_taken_in_use_and_the_mode_stays(training):
    network = nets.mlp([2, 4, 3], 5, lambda width: [nn.ReLU(), nn.Dropout(0.9)]).train(training)
    samples = nets.tensors(np.ones((6, 2)), np.zeros(6, dtype=np.int64))
    losses = [nets.loss_on(network, samples) for _ in range(5)]
    with torch.no_grad():
        logits = network[3](network[1](network[0](samples[0])))
    assert losses == pytest.approx([nn.functional.cross_entropy(logits, samples[1]).item()] * 5, rel=1e-6)
    assert network.training is training
    assert all(parameter.grad is None for parameter in network.parameters())


def test_the_loss_of_many_samples_is_the_mean_over_samples_not_over_slices():
    random = np.random.default_rng(8)
    X, y = torch.tensor(random.normal(size=(1300, 3)), dtype=torch.float32), torch.tensor(random.integers(0, 4, 1300))
    X[1000:] *= 10  # the last, shorter slice has another loss
    network = nets.mlp([3, 5, 4], 1)
    whole = nn.functional.cross_entropy(network(X), y).item()
    assert nets.loss_on(network, (X, y)) == pytest.approx(whole, rel=1e-5)


def test_epochs_are_as_planned_unless_that_would_be_few_steps(monkeypatch):
    monkeypatch.delenv("COURSE_FAST", raising=False)
    assert [nets.epochs(8, samples) for samples in (60_000, 1_600, 1_599, 1_000, 1)] == [8, 8, 9, 13, 12_800]
    monkeypatch.setenv("COURSE_FAST", "1")
    assert [nets.epochs(8, samples) for samples in (60_000, 12_800, 12_799, 1_000)] == [1, 1, 2, 13]


def test_shifted_images_are_whole_moves_of_the_originals():
    random = np.random.default_rng(3)
    batch = torch.tensor(random.normal(size=(400, 1, 6, 5)), dtype=torch.float32)
    batch[:, :, [0, -1]] = batch[:, :, :, [0, -1]] = batch.min() - 1  # a margin of paper, so that no ink is lost
    before = batch.clone()
    moved = nets.shifted(batch, torch.Generator().manual_seed(5), most=1)
    assert torch.equal(batch, before) and moved.shape == batch.shape
    places = set()
    for one, original in zip(moved, batch, strict=True):
        found = [
            (down, right)
            for down in (-1, 0, 1)
            for right in (-1, 0, 1)
            if torch.equal(one, original.roll((down, right), (1, 2)))
        ]
        assert len(found) == 1
        places |= set(found)
    assert len(places) == 9  # each of nine moves among 400 images; one is missed once in 10^20 times


def test_what_moves_in_is_paper_and_what_leaves_is_gone():
    full = torch.ones(50, 1, 4, 4)
    full[0, 0, 0, 0] = -2.0
    moved = nets.shifted(full, torch.Generator().manual_seed(6))
    assert set(moved.unique().tolist()) == {1.0, -2.0}
    again = nets.shifted(full, torch.Generator().manual_seed(6))
    assert torch.equal(moved, again) and not torch.equal(moved, nets.shifted(full, torch.Generator().manual_seed(7)))


def test_the_examples_in_the_docstrings_run(monkeypatch):
    monkeypatch.delenv("COURSE_FAST", raising=False)
    ran = doctest.testmod(nets)
    assert ran.attempted > 5 and ran.failed == 0
