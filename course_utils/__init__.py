"""What the course's notebooks share: data sets, figures, checks and widgets.

Nothing that a learning objective names is hidden here; it stands in the notebooks.
Importing the package sets nothing and loads nothing but the standard library.
"""

import os
import warnings

__all__ = ["device"]


def device():
    """The device to compute on: ``COURSE_DEVICE`` if it is set, else cuda, else mps, else cpu.

    Returns
    -------
    torch.device

    Raises
    ------
    RuntimeError
        If ``COURSE_DEVICE`` names a device that cannot be used here. There is no silent fallback.

    Examples
    --------
    >>> os.environ["COURSE_DEVICE"] = "cpu"
    >>> device()
    device(type='cpu')
    """
    with warnings.catch_warnings():
        # An old driver makes torch warn on stderr, and nbgrader gives 0 points to a cell that writes there.
        warnings.simplefilter("ignore")
        import torch

        wanted = os.environ.get("COURSE_DEVICE", "").strip().lower()
        if wanted:
            return _usable(torch, wanted)
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _usable(torch, name):
    try:
        found = torch.device(name)
        torch.empty(1, device=found)  # the only test that holds for every kind of device
    except Exception as error:  # torch raises RuntimeError, AssertionError, NotImplementedError and others
        raise RuntimeError(
            f"COURSE_DEVICE asks for {name!r}, which this PyTorch cannot use here: "
            "unset COURSE_DEVICE to take what is there, or set it to 'cpu'."
        ) from error
    return found
