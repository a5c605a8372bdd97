"""Ready-made pieces for experiments with small networks in PyTorch: tensors, dense layers, the loss in use.

What a chapter teaches stands in the chapter; these are the pieces that earlier chapters have taught.
"""

import math
import os
from itertools import pairwise

import numpy as np

import course_utils

BATCH, LEAST_STEPS = 128, 100  # with fewer steps than these, no network of the course learns


def epochs(planned, samples):
    """How many epochs to train: as planned, more where a small data set would mean few steps.

    Parameters
    ----------
    planned : int
        Epochs on a data set of MNIST's size. With the environment variable ``COURSE_FAST``, which automatic tests set,
        1 is taken in its place.
    samples : int
        Number of training samples.

    Returns
    -------
    int
        At least `planned`, and at least what gives 100 steps on batches of 128.

    Examples
    --------
    >>> epochs(8, 50_000), epochs(8, 1_200)
    (8, 11)
    """
    planned = 1 if os.environ.get("COURSE_FAST") else planned
    return max(planned, math.ceil(LEAST_STEPS * BATCH / samples))


def tensors(X, y):
    """Samples and labels as tensors on the course's device.

    Parameters
    ----------
    X : ndarray of shape (N, ...)
    y : ndarray of shape (N,)

    Returns
    -------
    tuple of torch.Tensor
        X as float32, y as int64.
    """
    import torch

    device = course_utils.device()
    return torch.tensor(X, dtype=torch.float32, device=device), torch.tensor(y, dtype=torch.int64, device=device)


def mlp(sizes, seed, between=None, *, scale=1.0):
    """Dense layers with He weights and zero biases, on the course's device.

    Parameters
    ----------
    sizes : list of int
        Numbers of inputs, of hidden neurons in each layer, and of outputs.
    seed : int
        Of a generator of its own: PyTorch's global one is left alone.
    between : callable, optional
        Makes the list of modules that follow each hidden layer from its width; one ReLU if it is left out.
    scale : float
        A factor for all weights.

    Returns
    -------
    torch.nn.Sequential

    Examples
    --------
    >>> [type(module).__name__ for module in mlp([2, 8, 3], seed=0)]
    ['Linear', 'ReLU', 'Linear']
    """
    import torch
    from torch import nn

    random, modules = torch.Generator().manual_seed(seed), []
    for D, M in pairwise(sizes):
        dense = nn.utils.skip_init(nn.Linear, D, M)  # nn.Linear's own weights would use up global random numbers
        with torch.no_grad():
            nn.init.kaiming_normal_(dense.weight, nonlinearity="relu", generator=random)
            dense.weight *= scale
            dense.bias.zero_()
        following = [nn.ReLU()] if between is None else between(M)
        modules += [dense, *following]
    return nn.Sequential(*modules[: len(modules) - len(following)]).to(course_utils.device())


def shifted(batch, random, most=2):
    """Move each image of a batch by whole pixels, each one by another random amount; what moves in is paper.

    Parameters
    ----------
    batch : torch.Tensor of shape (B, 1, H, W)
        Paper is the lowest value in the batch.
    random : torch.Generator
        On the CPU, so that it draws the same numbers whatever the device of the images.
    most : int
        How many pixels an image moves at most, up or down, left or right.

    Returns
    -------
    torch.Tensor of shape (B, 1, H, W)
        On the device of `batch`, which is left as it is.

    Examples
    --------
    >>> import torch
    >>> dot = torch.zeros(2, 1, 5, 5)
    >>> dot[:, :, 2, 2] = 1
    >>> moved = shifted(dot, torch.Generator().manual_seed(1))
    >>> moved.shape == dot.shape, moved.sum().item()
    (True, 2.0)
    """
    import torch
    from torch.nn import functional

    B, _, H, W = batch.shape
    padded = functional.pad(batch, [most] * 4, value=batch.min().item())
    down, right = torch.randint(2 * most + 1, (2, B, 1), generator=random).to(batch.device)
    rows = down + torch.arange(H, device=batch.device)
    columns = right + torch.arange(W, device=batch.device)
    which = torch.arange(B, device=batch.device)[:, None, None]
    return padded[which, 0, rows[:, :, None], columns[:, None, :]][:, None]


def loss_on(network, samples):
    """The mean cross-entropy of a network in use, as a plain number; the network stays in the mode it was in.

    Parameters
    ----------
    network : torch.nn.Module
        Returns logits (N, C).
    samples : tuple of torch.Tensor
        X (N, ...) and y (N,), as `tensors` makes them.
    """
    import torch
    from torch.nn import functional

    training = network.training
    network.eval()
    with torch.no_grad():
        parts = zip(*(part.split(1000) for part in samples), strict=True)  # all at once could fill the memory
        total = sum(len(y) * functional.cross_entropy(network(X), y).item() for X, y in parts)
    network.train(training)
    return total / len(samples[1])


def spread(values, digits=2):
    """Mean and standard deviation of several runs, as text.

    Examples
    --------
    >>> spread([0.5, 0.7])
    '0.60 (± 0.10)'
    """
    return f"{np.mean(values):.{digits}f} (± {np.std(values):.{digits}f})"
