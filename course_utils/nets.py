"""Ready-made pieces for experiments with small networks in PyTorch: tensors, dense layers, the loss in use.

What a chapter teaches stands in the chapter; these are the pieces that earlier chapters have taught.
"""

import numpy as np

import course_utils


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
    for D, M in zip(sizes[:-1], sizes[1:], strict=True):
        dense = nn.utils.skip_init(nn.Linear, D, M)  # nn.Linear's own weights would use up global random numbers
        with torch.no_grad():
            nn.init.kaiming_normal_(dense.weight, nonlinearity="relu", generator=random)
            dense.weight *= scale
            dense.bias.zero_()
        following = [nn.ReLU()] if between is None else between(M)
        modules += [dense, *following]
    return nn.Sequential(*modules[: len(modules) - len(following)]).to(course_utils.device())


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
        loss = functional.cross_entropy(network(samples[0]), samples[1]).item()
    network.train(training)
    return loss


def spread(values, digits=2):
    """Mean and standard deviation of several runs, as text.

    Examples
    --------
    >>> spread([0.5, 0.7])
    '0.60 (± 0.10)'
    """
    return f"{np.mean(values):.{digits}f} (± {np.std(values):.{digits}f})"
