"""Toy sets: small enough to see all of it in one figure, or in one table."""

from typing import NamedTuple

import numpy as np

_GATES = {"AND": (0, 0, 0, 1), "OR": (0, 1, 1, 1), "NAND": (1, 1, 1, 0), "XOR": (0, 1, 1, 0)}


class FruitTable(NamedTuple):
    """A small table of measurements: X (5, 4) float64, y (5,) int64, and the names of columns and classes."""

    X: np.ndarray
    y: np.ndarray
    features: tuple[str, ...]
    classes: tuple[str, ...]


def logic_gate(name):
    """The truth table of a logic gate with two inputs.

    Parameters
    ----------
    name : str
        "AND", "OR", "NAND" or "XOR", in upper or lower case.

    Returns
    -------
    X : ndarray, shape (4, 2), float64
        The corners (0, 0), (0, 1), (1, 0), (1, 1), in this order.
    y : ndarray, shape (4,), int64
        The gate's output, 0 or 1.

    Examples
    --------
    >>> X, y = logic_gate("XOR")
    >>> y
    array([0, 1, 1, 0])
    """
    gate = name.upper() if isinstance(name, str) else name
    if gate not in _GATES:
        raise ValueError(f"There is no logic gate {name!r}: choose one of {', '.join(_GATES)}.")
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float64)
    return X, np.array(_GATES[gate], dtype=np.int64)


def moons(n, noise, rng):
    """Two half circles that reach into each other: two classes that no straight line separates.

    Parameters
    ----------
    n : int
        Number of samples, both classes together.
    noise : float
        Standard deviation of the normal noise added to each coordinate; the half circles have radius 1.
    rng : numpy.random.Generator

    Returns
    -------
    X : ndarray, shape (n, 2), float64
    y : ndarray, shape (n,), int64
        0 for the upper moon, 1 for the lower one; the samples come in random order.

    Examples
    --------
    >>> X, y = moons(100, noise=0.1, rng=np.random.default_rng(0))
    >>> X.shape, int(y.sum())
    ((100, 2), 50)
    """
    n, seed = _count(n, "n"), _seed(rng)
    from sklearn.datasets import make_moons

    X, y = make_moons(n_samples=n, noise=noise, random_state=seed)
    return X, y.astype(np.int64)


def blobs(n, centers, spread, rng):
    """Round clouds of points, one class each.

    Parameters
    ----------
    n : int
        Number of samples, all classes together.
    centers : int or array_like, shape (C, D)
        How many clouds to place at random in the square from -10 to 10, or where their centres are.
    spread : float
        Standard deviation of each cloud.
    rng : numpy.random.Generator

    Returns
    -------
    X : ndarray, shape (n, D), float64
        D is 2 if `centers` is a number. The samples come in random order.
    y : ndarray, shape (n,), int64
        Class 0 to C - 1: the row of the sample's centre.

    Examples
    --------
    >>> X, y = blobs(90, [[0, 0], [5, 5], [0, 5]], spread=0.5, rng=np.random.default_rng(0))
    >>> X.shape, np.bincount(y).tolist()
    ((90, 2), [30, 30, 30])
    """
    n, seed = _count(n, "n"), _seed(rng)
    from sklearn.datasets import make_blobs

    X, y = make_blobs(n_samples=n, centers=centers, cluster_std=spread, random_state=seed)
    return X, y.astype(np.int64)


def spiral(n_per_class, classes, noise, rng):
    """Spiral arms that wind around each other, one class each.

    Parameters
    ----------
    n_per_class : int
    classes : int
        Number of arms, C.
    noise : float
        Standard deviation of the normal noise added to each point's angle, in radians.
    rng : numpy.random.Generator

    Returns
    -------
    X : ndarray, shape (n_per_class * C, 2), float64
        Points in the unit circle, in random order.
    y : ndarray, shape (n_per_class * C,), int64
        The arm, 0 to C - 1.

    Examples
    --------
    >>> X, y = spiral(50, classes=3, noise=0.2, rng=np.random.default_rng(0))
    >>> X.shape, np.bincount(y).tolist()
    ((150, 2), [50, 50, 50])
    """
    n_per_class, classes = _count(n_per_class, "n_per_class"), _count(classes, "classes")
    if not noise >= 0:
        raise ValueError(f"noise must be 0 or more, not {noise!r}.")
    _check_generator(rng)
    y = np.repeat(np.arange(classes, dtype=np.int64), n_per_class)
    along = np.tile(np.linspace(0, 1, n_per_class), classes)  # 0 at the middle, 1 at the arm's end
    angle = 2 * np.pi * y / classes + 4 * along + rng.normal(0, noise, y.size)
    X = np.stack([along * np.sin(angle), along * np.cos(angle)], axis=1)
    order = rng.permutation(y.size)
    return X[order], y[order]


def fruit_table():
    """Five pieces of fruit, four measurements each: small enough to follow every number through a network.

    The measurements are typical values, made for this course.

    Returns
    -------
    FruitTable
        X (5, 4) float64, y (5,) int64, features (4 names with their units), classes (3 names).

    Examples
    --------
    >>> X, y, features, classes = fruit_table()
    >>> features
    ('mass_g', 'length_cm', 'width_cm', 'sugar_percent')
    >>> [classes[i] for i in y]
    ['apple', 'apple', 'banana', 'banana', 'lemon']
    """
    X = np.array(
        [
            [182.0, 7.4, 7.8, 10.4],
            [155.0, 6.9, 7.3, 11.1],
            [118.0, 17.8, 3.4, 12.2],
            [136.0, 19.5, 3.6, 13.0],
            [84.0, 7.2, 5.5, 2.5],
        ]
    )
    features = ("mass_g", "length_cm", "width_cm", "sugar_percent")
    return FruitTable(X, np.array([0, 0, 1, 1, 2], dtype=np.int64), features, ("apple", "banana", "lemon"))


def _check_generator(rng):
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a generator such as np.random.default_rng(0), not {rng!r}.")


def _seed(rng):
    """A seed for scikit-learn, which does not take a Generator."""
    _check_generator(rng)
    return int(rng.integers(2**31))


def _count(value, name):
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} must be a whole number, 1 or more, not {value!r}.")
    return int(value)
