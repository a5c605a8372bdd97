"""What `make cuda-check` has in place of scikit-learn and SciPy, which bare machines lack.

Two kinds of things. Elementary formulas are computed, in NumPy (`COMPUTED`; a test holds each against its original).
What has no short formula (data sets, splits, fitted models) was computed by the originals on the machine of `make
cuda-pack` and is looked up by the name and the arguments of the call (`RECORDED`). A call that was not recorded is
refused, and so is everything else in these packages. None of it depends on the device that the check is about.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np

FILE = "COURSE_RECORDED"  # the environment variable that names the file with the recorded calls
DIGITS = 6  # arguments count as the same if they agree to so many decimals: processors differ in a sine's last bit

MODULES = {  # module: what it offers of RECORDED and COMPUTED
    "sklearn": (),
    "sklearn.datasets": ("make_moons", "make_blobs", "load_digits"),
    "sklearn.exceptions": ("ConvergenceWarning",),
    "sklearn.linear_model": ("Perceptron", "RidgeClassifier"),
    "sklearn.metrics": ("log_loss", "confusion_matrix", "classification_report", "f1_score"),
    "sklearn.metrics.pairwise": ("euclidean_distances",),
    "sklearn.model_selection": ("train_test_split",),
    "sklearn.neural_network": ("MLPClassifier",),
    "scipy": (),
    "scipy.optimize": ("approx_fprime",),
    "scipy.special": ("expit", "softmax", "log_softmax"),
    "scipy.stats": ("loguniform",),
}
FUNCTIONS = {"make_moons", "make_blobs", "load_digits", "log_loss"}
CLASSES = {"Perceptron", "RidgeClassifier", "MLPClassifier"}
RECORDED = FUNCTIONS | CLASSES | {"train_test_split"}


class NotRecordedError(LookupError):
    """A call that the pack does not hold."""


# --- calls and their results in a file -------------------------------------------------------------------------------


def key(*call) -> str:
    """A name for a call: equal for equal names and (nearly) equal arguments."""
    return hashlib.sha256(json.dumps(_plain(call), sort_keys=True).encode()).hexdigest()[:32]


def _plain(value):
    """The argument as JSON; arrays by their shape and a hash of their numbers."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, np.ndarray):
        kind = np.float64 if value.dtype.kind == "f" else np.int64
        numbers = np.round(value.astype(kind), DIGITS) + 0  # + 0 makes 0.0 of -0.0
        return ["array", kind.__name__, list(value.shape), hashlib.sha256(numbers.tobytes()).hexdigest()]
    return value.item() if isinstance(value, np.generic) else value


class Book:
    """Recorded results by key, to be written to one file and read from it."""

    def __init__(self):
        self.index, self.arrays = {}, []

    def put(self, name, value):
        self.index[name] = self._packed(value)

    def get(self, name, words):
        if name not in self.index:
            raise NotRecordedError(
                f"{words} was not recorded with these arguments, and scikit-learn is not here to compute it: "
                "run `make cuda-pack` again where the course is installed, and carry the folder over."
            )
        return self._unpacked(self.index[name])

    def _packed(self, value):
        if isinstance(value, (np.ndarray, np.generic)):
            self.arrays.append(np.asarray(value))
            return {"array": len(self.arrays) - 1}
        if isinstance(value, (list, tuple)):
            return {type(value).__name__: [self._packed(part) for part in value]}
        return {"plain": value}

    def _unpacked(self, packed):
        ((kind, value),) = packed.items()
        if kind == "array":
            return self.arrays[value][()].copy()
        if kind == "plain":
            return value
        return {"list": list, "tuple": tuple}[kind](self._unpacked(part) for part in value)

    def save(self, path):
        arrays = {str(number): array for number, array in enumerate(self.arrays)}
        np.savez_compressed(path, index=json.dumps(self.index), **arrays)

    @classmethod
    def load(cls, path):
        book = cls()
        with np.load(path, allow_pickle=False) as stored:
            book.index = json.loads(str(stored["index"]))
            book.arrays = [stored[str(number)] for number in range(len(stored.files) - 1)]
        return book

    def add(self, other):
        """Take over what another book holds."""
        for name, packed in other.index.items():
            if name not in self.index:
                self.put(name, other._unpacked(packed))


# --- recording, where the originals are ------------------------------------------------------------------------------


def record(book):
    """Put recorders in place of the originals, in this process: they compute as before, and `book` keeps the results.

    Returns
    -------
    dict
        The originals by name.
    """
    originals = {}
    for module, names in MODULES.items():
        for name in RECORDED.intersection(names):
            home = importlib.import_module(module)
            originals[name] = getattr(home, name)
            setattr(home, name, _recorder(book, name, originals[name]))
    return originals


def _recorder(book, name, original):
    def call(*args, **kwargs):
        result = original(*args, **kwargs)
        kept = [result.images, result.target] if name == "load_digits" else result
        book.put(key(name, args, kwargs), kept)
        return result

    if name == "train_test_split":
        return _split_by(call)
    if name in CLASSES:
        return lambda *args, **kwargs: _RecordedModel(book, original(*args, **kwargs), [name, args, kwargs])
    return call


class _RecordedModel:
    """Wraps a model: each attribute and each call of a method is kept under all that was done to the model before."""

    def __init__(self, book, model, done):
        self._book, self._model, self._done = book, model, key(done)

    def __getattr__(self, name):
        value = getattr(self._model, name)
        if not callable(value):
            self._book.put(key(self._done, name), value)
            return value

        def method(*args, **kwargs):
            result, place = value(*args, **kwargs), key(self._done, name, args, kwargs)
            if result is not self._model:
                self._book.put(place, result)
                return result
            self._done = place
            self._book.put(place, "self")
            return self

        return method


# --- replaying, where they are not -----------------------------------------------------------------------------------


def replay(book) -> dict:
    """Functions and classes that answer from the book, by name."""

    def function(name):
        return lambda *args, **kwargs: book.get(key(name, args, kwargs), f"{name}(...)")

    def images():
        return SimpleNamespace(**dict(zip(("images", "target"), function("load_digits")(), strict=True)))

    made = {name: function(name) for name in FUNCTIONS}
    made |= {name: _model_of(book, name) for name in CLASSES}
    return made | {"load_digits": images, "train_test_split": _split_by(function("train_test_split"))}


def _model_of(book, name):
    return lambda *args, **kwargs: _ReplayedModel(book, name, [name, args, kwargs])


class _ReplayedModel:
    """Stands for a fitted model: it can what was recorded, in the order in which it was done."""

    def __init__(self, book, name, done):
        self._book, self._name, self._done = book, name, key(done)

    def __getattr__(self, name):
        if key(self._done, name) in self._book.index:
            return self._book.get(key(self._done, name), name)
        if name.startswith("_") or name.endswith("_"):
            raise NotRecordedError(f"{self._name}.{name} was not recorded here: run `make cuda-pack` again.")

        def method(*args, **kwargs):
            place = key(self._done, name, args, kwargs)
            result = self._book.get(place, f"{self._name}.{name}(...)")
            if isinstance(result, str) and result == "self":
                self._done = place
                return self
            return result

        return method


def _split_by(places):
    """`train_test_split`, given one that splits the places: of 60,000 images, only the order need be kept."""

    def train_test_split(*arrays, **options):
        parts = places(np.arange(len(arrays[0])), **options)
        return [array[part] for array in arrays for part in parts]

    return train_test_split


# --- computed: formulas in NumPy -------------------------------------------------------------------------------------


class ConvergenceWarning(UserWarning):
    """Never raised here: models are recorded."""


def expit(z):
    return np.exp(-np.logaddexp(0, -np.asarray(z, dtype=np.float64)))


def log_softmax(z, axis=None):
    z = np.asarray(z, dtype=np.float64)
    z = z - z.max(axis=axis, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


def softmax(z, axis=None):
    return np.exp(log_softmax(z, axis))


def approx_fprime(x, f):
    """Forward differences."""
    epsilon = np.sqrt(np.finfo(np.float64).eps)
    return np.array([(f(x + epsilon * unit) - f(x)) / epsilon for unit in np.eye(len(x))])


class loguniform:  # noqa: N801 - SciPy's name
    """Numbers whose logarithm is uniform."""

    def __init__(self, low, high):
        self.low, self.high = low, high

    def rvs(self, size, random_state):
        return self.low * (self.high / self.low) ** random_state.uniform(size=size)


def euclidean_distances(X, Y):
    return np.stack([np.linalg.norm(X - row, axis=1) for row in Y], axis=1)


def confusion_matrix(labels, answers):
    classes, places = np.unique(np.concatenate([labels, answers]), return_inverse=True)
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(counts, (places[: len(labels)], places[len(labels) :]), 1)
    return counts


def _shares(labels, answers):
    """Precision, recall and F1 score of each class; 0 where there is nothing to divide by."""
    counts = confusion_matrix(labels, answers)
    right, called, there = np.diag(counts), counts.sum(axis=0), counts.sum(axis=1)
    return right / np.maximum(called, 1), right / np.maximum(there, 1), 2 * right / (called + there)


def f1_score(labels, answers, average):
    if average is not None:
        raise NotRecordedError("f1_score is here with average=None only.")
    return _shares(labels, answers)[2]


def classification_report(labels, answers, digits=2):
    """A table of precision, recall and F1 score; scikit-learn's also has their means."""
    table = zip(np.unique(np.concatenate([labels, answers])), *_shares(labels, answers), strict=True)
    lines = [f"{label:>8}" + "".join(f"{share:>11.{digits}f}" for share in shares) for label, *shares in table]
    return "\n".join([f"{'':8}{'precision':>11}{'recall':>11}{'f1-score':>11}", *lines])


COMPUTED = {
    function.__name__: function
    for function in (ConvergenceWarning, expit, log_softmax, softmax, approx_fprime, loguniform, euclidean_distances)
    + (confusion_matrix, f1_score, classification_report)
}


# --- packages on the path --------------------------------------------------------------------------------------------

TEMPLATE = '''"""Written by `make cuda-check` in place of a package that is not here: see cuda/library.py."""

from course_author.cuda.library import offer

globals().update(offer(__name__))
'''


def write_packages(folder):
    """Write packages that are called scikit-learn's and SciPy's names and hand out what this module has."""
    for module in MODULES:
        home = Path(folder, *module.split("."))
        home.mkdir(parents=True, exist_ok=True)
        (home / "__init__.py").write_text(TEMPLATE, encoding="utf-8")


_book = []


def offer(module) -> dict:
    """What one of the packages holds: its functions, its subpackages as far as needed, and a refusal for the rest."""
    if not _book and FILE in os.environ:
        _book.append(Book.load(os.environ[FILE]))
    made = COMPUTED | replay(_book[0] if _book else Book())

    def refuse(name):
        if name.startswith("__"):
            raise AttributeError(name)
        if f"{module}.{name}" in MODULES:
            return importlib.import_module(f"{module}.{name}")
        raise NotRecordedError(
            f"{module}.{name} is not among the things that `make cuda-check` has in place of {module.split('.')[0]}: "
            "add it in course_author/cuda/library.py, then run `make cuda-pack` again."
        )

    return {name: made[name] for name in MODULES[module]} | {"__getattr__": refuse}
