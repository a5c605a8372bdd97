"""Images of digits: MNIST, and the smaller digits of scikit-learn, which stand in for it without a network."""

import gzip
import os
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .errors import DataError
from .mnist_files import by_hand, cached_or_downloaded, read_local

SPLIT_PREFIX = {"train": "train", "test": "t10k"}


class ImageSet(NamedTuple):
    """Grey images X (N, 28, 28) uint8, labels y (N,) int64, and their source: "mnist" or "digits"."""

    X: np.ndarray
    y: np.ndarray
    source: str


def digits():
    """scikit-learn's 1,797 small images of handwritten digits. They are part of scikit-learn: no download.

    Returns
    -------
    X : ndarray, shape (1797, 8, 8), uint8
        0 (paper) to 16 (ink).
    y : ndarray, shape (1797,), int64

    Examples
    --------
    >>> X, y = digits()
    >>> X.shape, X.dtype, int(X.max())
    ((1797, 8, 8), dtype('uint8'), 16)
    """
    from sklearn.datasets import load_digits

    table = load_digits()
    return table.images.astype(np.uint8), table.target.astype(np.int64)


def mnist(split="train", *, fallback=True):
    """The MNIST images, or a small stand-in if they cannot be had.

    Looked for in this order: the folder named by the environment variable ``COURSE_MNIST_DIR`` (then nothing is
    downloaded), the cache folder (``COURSE_CACHE_DIR``, else the system's), the mirrors, and last the digits of
    scikit-learn, enlarged to 28x28, with a note on stdout that says so. ``COURSE_FAST=digits``, for quick tests,
    takes these digits at once.

    Parameters
    ----------
    split : {"train", "test"}
    fallback : bool
        False demands the real MNIST: every mirror is tried again, and a failure raises.

    Returns
    -------
    ImageSet
        X (N, 28, 28) uint8 from 0 (paper) to 255 (ink), y (N,) int64, source "mnist" or "digits".
        N is 60,000 and 10,000 for MNIST, 1,433 and 364 for the digits.

    Raises
    ------
    DataError
        If a file in ``COURSE_MNIST_DIR`` is missing or damaged, or MNIST cannot be had and `fallback` is False.

    Examples
    --------
    >>> X, y, source = mnist("test")
    >>> X.shape[1:], X.dtype, X.shape[0] == y.size
    ((28, 28), dtype('uint8'), True)
    """
    if split not in SPLIT_PREFIX:
        raise ValueError(f"There is no split {split!r}: choose 'train' or 'test'.")
    if fallback and os.environ.get("COURSE_FAST") == "digits":
        print("NOTE: COURSE_FAST=digits asks for scikit-learn's smaller digits in place of MNIST.")
        return _digits_like_mnist(split)
    local = os.environ.get("COURSE_MNIST_DIR", "").strip()
    if local:
        return _parse_split(split, lambda name: read_local(Path(local).expanduser() / name))
    try:
        # All four files or none: training on MNIST and testing on the stand-in would be a trap.
        contents = cached_or_downloaded(try_again=not fallback)
        return _parse_split(split, contents.__getitem__)
    except DataError as error:
        if not fallback:
            raise
        print(_stand_in_note(error))
        return _digits_like_mnist(split)


def _stand_in_note(error):
    return (
        "NOTE: these images are NOT MNIST, but the 1,797 smaller digits of scikit-learn, enlarged to 28x28.\n"
        f"{error}\n"
        "To try the download once more, run data.mnist(fallback=False)."
    )


def _digits_like_mnist(split):
    """The digits in MNIST's form; every fifth sample of each class is for the test."""
    X, y = digits()
    is_test = np.zeros(y.size, dtype=bool)
    for label in range(10):
        is_test[np.flatnonzero(y == label)[::5]] = True
    chosen = is_test if split == "test" else ~is_test
    return ImageSet(_enlarged(X[chosen]), y[chosen], "digits")


def _enlarged(X):
    """(N, 8, 8) of 0..16 to (N, 28, 28) of 0..255: bilinear to 20x20, centred, as in MNIST.

    New pixel i sits at 0.4 i - 0.3 of the old grid, so the weights are whole tenths and integers give the same
    pixels on every machine.
    """
    tenths = np.clip(4 * np.arange(20) - 3, 0, 70)
    left = np.minimum(tenths // 10, 6)
    weights = np.zeros((20, 8), dtype=np.int64)
    weights[np.arange(20), left] = 10 - (tenths - 10 * left)
    weights[np.arange(20), left + 1] = tenths - 10 * left
    large = (weights @ X.astype(np.int64) @ weights.T * 255 + 800) // 1600  # + 800 rounds
    return np.pad(large, ((0, 0), (4, 4), (4, 4))).astype(np.uint8)


def _parse_split(split, read):
    """ImageSet from the two files of a split; `read` gives the bytes of a file name."""
    images, labels = f"{SPLIT_PREFIX[split]}-images-idx3-ubyte.gz", f"{SPLIT_PREFIX[split]}-labels-idx1-ubyte.gz"
    X, y = parse_idx(read(images), images), parse_idx(read(labels), labels)
    if X.shape != (y.size, 28, 28):
        raise DataError(f"{images} holds images of shape {X.shape} but {labels} has {y.size} labels. {by_hand()}")
    return ImageSet(X, y.astype(np.int64), "mnist")


def parse_idx(packed, name):
    """The array in a gzipped IDX file of MNIST's two kinds.

    Parameters
    ----------
    packed : bytes
        The content of the ``.gz`` file.
    name : str
        What to call the file in messages.

    Returns
    -------
    ndarray, uint8
        Images (N, rows, columns) if the magic number is 2051, labels (N,) if it is 2049.

    Raises
    ------
    DataError
        If the content is cut short, too long or something else.

    Examples
    --------
    >>> header = (2049).to_bytes(4, "big") + (3).to_bytes(4, "big")
    >>> parse_idx(gzip.compress(header + bytes([7, 2, 1])), "labels.gz")
    array([7, 2, 1], dtype=uint8)
    """
    again = "Delete it and get it again."
    try:
        content = gzip.decompress(packed)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{name} is no whole gzip file ({error}). {again}") from error
    magic = int.from_bytes(content[:4], "big")
    dimensions = {2051: 3, 2049: 1}.get(magic)
    if len(content) < 4 or dimensions is None:
        raise DataError(f"{name} begins with {magic}, not with 2051 (images) or 2049 (labels). {again}")
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise DataError(f"{name} ends inside its header, after {len(content)} bytes. {again}")
    shape = tuple(int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4))
    expected = int(np.prod(shape, dtype=object))
    if len(content) - start != expected:
        raise DataError(
            f"{name} promises {expected:,} values of shape {shape} but holds {len(content) - start:,}. {again}"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape).copy()  # a copy can be written to
