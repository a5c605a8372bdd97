"""Small data sets for the chapters, and MNIST with a fallback that works without a network.

Every function returns NumPy arrays whose rows are samples. Randomness comes only from a passed
``np.random.Generator``. Messages go to stdout, never to stderr, because nbgrader counts stderr as a failure.
"""

import contextlib
import csv
import gzip
import hashlib
import os
import queue
import threading
import warnings
import zlib
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import numpy as np

# Tried in this order. The host that first published MNIST no longer serves it.
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
MNIST_SHA256 = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
SPLIT_PREFIX = {"train": "train", "test": "t10k"}
ANSWER_SECONDS = 5  # for a mirror to answer at all, name lookup included: an offline reader must not wait
STALL_SECONDS = 15  # for the next bytes of a download that has begun
HISTORY_FILE = Path(__file__).with_name("history.csv")

_failed_mirrors: dict[str, str] = {}  # mirror -> why; kept for the life of the process
_download_lock = threading.Lock()


class DataError(RuntimeError):
    """Data is missing or damaged: the first sentence says what happened, the second what to do."""


class Event(NamedTuple):
    """One row of the course's history table."""

    year: int
    name: str
    people: str
    kind: str
    parameters: int | None
    note: str
    source: str


class FruitTable(NamedTuple):
    """A small table of measurements: X (5, 4) float64, y (5,) int64, and the names of columns and classes."""

    X: np.ndarray
    y: np.ndarray
    features: tuple[str, ...]
    classes: tuple[str, ...]


class ImageSet(NamedTuple):
    """Grey images X (N, 28, 28) uint8, labels y (N,) int64, and their source: "mnist" or "digits"."""

    X: np.ndarray
    y: np.ndarray
    source: str


# --- Toy sets ---------------------------------------------------------------------------------------------------------

_GATES = {"AND": (0, 0, 0, 1), "OR": (0, 1, 1, 1), "NAND": (1, 1, 1, 0), "XOR": (0, 1, 1, 0)}


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


def history():
    """The course's table of events in the history of deep learning, oldest first.

    Returns
    -------
    list of Event
        ``parameters`` is the number of trainable parameters, or None where none is given.

    Raises
    ------
    DataError
        If the table is missing or a row of it is broken; the message names the line.

    Examples
    --------
    >>> events = history()
    >>> all(a.year <= b.year for a, b in zip(events, events[1:]))
    True
    """
    mend = "Get the file again from the course's repository."
    try:
        with HISTORY_FILE.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != Event._fields:
                raise DataError(f"The columns of {HISTORY_FILE} are not {','.join(Event._fields)}. {mend}")
            return sorted((_event(row, reader.line_num, mend) for row in reader), key=lambda event: event.year)
    except (OSError, UnicodeError, csv.Error) as error:
        raise DataError(f"The history table {HISTORY_FILE} cannot be read ({error}). {mend}") from error


def _event(row, line, mend):
    try:
        if None in row or None in row.values():  # DictReader's marks for too many and too few fields
            raise ValueError("wrong number of columns")
        parameters = int(float(row["parameters"])) if row["parameters"].strip() else None
        return Event(**{**row, "year": int(row["year"]), "parameters": parameters})
    except (ValueError, OverflowError) as error:
        raise DataError(f"Line {line} of {HISTORY_FILE} is broken ({error}). {mend}") from error


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


# --- Images of digits -------------------------------------------------------------------------------------------------


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
        return _parse_split(split, lambda name: _read_local(Path(local).expanduser() / name))
    try:
        # All four files or none: training on MNIST and testing on the stand-in would be a trap.
        contents = _cached_or_downloaded(try_again=not fallback)
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


def _by_hand():
    return (
        f"To get MNIST by hand, download {', '.join(MNIST_SHA256)} from {' or '.join(MIRRORS)} into one folder "
        'and run: import os; os.environ["COURSE_MNIST_DIR"] = "that folder".'
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


# --- MNIST: files -----------------------------------------------------------------------------------------------------


def _parse_split(split, read):
    """ImageSet from the two files of a split; `read` gives the bytes of a file name."""
    images, labels = f"{SPLIT_PREFIX[split]}-images-idx3-ubyte.gz", f"{SPLIT_PREFIX[split]}-labels-idx1-ubyte.gz"
    X, y = parse_idx(read(images), images), parse_idx(read(labels), labels)
    if X.shape != (y.size, 28, 28):
        raise DataError(f"{images} holds images of shape {X.shape} but {labels} has {y.size} labels. {_by_hand()}")
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


def _is_intact(content, name):
    return hashlib.sha256(content).hexdigest() == MNIST_SHA256[name]


def _read_local(path):
    """Bytes of a file in COURSE_MNIST_DIR: whoever named that folder wants an error, not another source."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"COURSE_MNIST_DIR is set, but {path} cannot be read ({error.strerror}). "
            f"Put the file there, or unset COURSE_MNIST_DIR. {_by_hand()}"
        ) from error
    if not _is_intact(content, path.name):
        raise DataError(
            f"COURSE_MNIST_DIR is set, but {path} is damaged or another file: its sha256 is not the published one. "
            f"Put the right file there, or unset COURSE_MNIST_DIR. {_by_hand()}"
        )
    return content


def _cache_folder():
    import pooch

    chosen = os.environ.get("COURSE_CACHE_DIR", "").strip()
    return (Path(chosen).expanduser() if chosen else Path(pooch.os_cache("deep-learning-fundamentals"))) / "mnist"


def _cached_or_downloaded(try_again):
    """Bytes of all four files by name."""
    with _download_lock:  # a second thread waits and then finds the files in the cache
        if try_again:
            _failed_mirrors.clear()
        folder = _cache_folder()
        contents = {name: _read_cached(folder / name) for name in MNIST_SHA256}
        missing = [name for name, content in contents.items() if content is None]
        if missing and not set(MIRRORS) <= set(_failed_mirrors):
            print(f"Downloading {len(missing)} MNIST file{'s' * (len(missing) > 1)} to {folder} ...")
        for name in missing:
            contents[name] = _download(folder / name)
        return contents


def _read_cached(path):
    """Bytes of a cached file; None if it is not there, or was damaged and is now set aside."""
    try:
        content = path.read_bytes()
        if _is_intact(content, path.name):
            return content
        aside = _set_aside(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _cache_error(path, error) from error
    print(f"The cached file {path} was damaged: it is now {aside.name} and will be fetched again.")
    return None


def _set_aside(path):
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    return path.rename(aside)


def _cache_error(path, error):
    return DataError(
        f"The cache file {path} cannot be read or written ({error.strerror or error}). "
        f"Set the environment variable COURSE_CACHE_DIR to a folder that you can write to. {_by_hand()}"
    )


# --- MNIST: mirrors ---------------------------------------------------------------------------------------------------


class _MirrorError(Exception):
    """A mirror did not deliver; `again` says whether a second attempt makes sense."""

    def __init__(self, reason, again=False):
        super().__init__(reason)
        self.again = again


def _download(path):
    """Fetch a file into the cache from the first mirror that has it and return its bytes."""
    for mirror in MIRRORS:
        if mirror not in _failed_mirrors:
            try:
                return _from_mirror(mirror, path)
            except _MirrorError as error:
                _failed_mirrors[mirror] = str(error)
            except OSError as error:  # of the disk: those of the network are _MirrorErrors by now
                raise _cache_error(path, error) from error
    reasons = "; ".join(f"{urlsplit(mirror).netloc}: {_failed_mirrors[mirror]}" for mirror in MIRRORS)
    raise DataError(f"MNIST could not be downloaded ({reasons}). {_by_hand()}")


def _from_mirror(mirror, path):
    url = mirror + path.name
    try:
        return _retrieve(url, path)
    except _MirrorError as error:
        if not error.again:
            raise
    return _retrieve(url, path)


def _retrieve(url, path):
    """One attempt. pooch writes to a temporary file, checks it and moves it, so the cache never holds half a file."""
    import pooch

    with _quiet(pooch.get_logger()):
        try:
            pooch.retrieve(url, f"sha256:{MNIST_SHA256[path.name]}", path.name, path.parent, downloader=_stream)
        except ValueError as error:  # how pooch reports a wrong checksum
            raise _MirrorError("a damaged file came, its checksum is wrong", again=True) from error
    with contextlib.suppress(OSError):
        path.chmod(0o644)  # temporary files are private, but a cache may be shared by a class
    content = path.read_bytes()
    if not _is_intact(content, path.name):
        raise _MirrorError("the file was damaged right after its download", again=True)
    return content


@contextlib.contextmanager
def _quiet(logger):
    """Neither pooch's log nor a library's warning may reach stderr."""
    level = logger.level
    logger.setLevel("CRITICAL")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _stream(url, output_file, _pooch):
    """pooch's downloader: short time-outs, and the bytes as they lie on the server."""
    from urllib3.exceptions import HTTPError

    with _answer(url) as answer, Path(output_file).open("wb") as file:
        if answer.status_code != 200:
            raise _MirrorError(f"it answered {answer.status_code} {answer.reason}", again=answer.status_code >= 500)
        try:
            # decode_content=False: a server that labels the .gz "Content-Encoding: gzip" must not have it unpacked
            for number, block in enumerate(answer.raw.stream(1 << 16, decode_content=False)):
                if number == 0 and not block.startswith(b"\x1f\x8b"):
                    raise _MirrorError("it sent something else, perhaps a network's login page")
                file.write(block)
        except HTTPError as error:
            raise _MirrorError("the connection broke off", again=True) from error


def _answer(url):
    """The server's answer, its body still unread.

    A thread asks, because the time-outs of `requests` hold per address of a host and not for the name lookup.
    """
    import requests

    answers = queue.SimpleQueue()

    def ask():
        try:
            answers.put(requests.get(url, stream=True, timeout=(ANSWER_SECONDS, STALL_SECONDS)))
        except Exception as error:  # whatever it is belongs to the waiting thread
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=ANSWER_SECONDS)
    except queue.Empty:
        raise _MirrorError(f"no answer within {ANSWER_SECONDS} s") from None
    if isinstance(answer, requests.RequestException):
        raise _MirrorError(f"no connection, {type(answer).__name__}") from answer
    if isinstance(answer, Exception):
        raise answer
    return answer
