"""The four files of MNIST: in a folder, in the cache, or from a mirror, each held against its published checksum."""

import contextlib
import hashlib
import os
import queue
import threading
import warnings
from pathlib import Path
from urllib.parse import urlsplit

from .errors import DataError

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
ANSWER_SECONDS = 5  # for a mirror to answer at all, name lookup included: an offline reader must not wait
STALL_SECONDS = 15  # for the next bytes of a download that has begun

_failed_mirrors: dict[str, str] = {}  # mirror -> why; kept for the life of the process
_download_lock = threading.Lock()


def by_hand():
    return (
        f"To get MNIST by hand, download {', '.join(MNIST_SHA256)} from {' or '.join(MIRRORS)} into one folder "
        'and run: import os; os.environ["COURSE_MNIST_DIR"] = "that folder".'
    )


def is_intact(content, name):
    return hashlib.sha256(content).hexdigest() == MNIST_SHA256[name]


def read_local(path):
    """Bytes of a file in COURSE_MNIST_DIR: whoever named that folder wants an error, not another source."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"COURSE_MNIST_DIR is set, but {path} cannot be read ({error.strerror}). "
            f"Put the file there, or unset COURSE_MNIST_DIR. {by_hand()}"
        ) from error
    if not is_intact(content, path.name):
        raise DataError(
            f"COURSE_MNIST_DIR is set, but {path} is damaged or another file: its sha256 is not the published one. "
            f"Put the right file there, or unset COURSE_MNIST_DIR. {by_hand()}"
        )
    return content


def cache_folder():
    import pooch

    chosen = os.environ.get("COURSE_CACHE_DIR", "").strip()
    return (Path(chosen).expanduser() if chosen else Path(pooch.os_cache("deep-learning-fundamentals"))) / "mnist"


def cached_or_downloaded(*, try_again):
    """Bytes of all four files by name."""
    with _download_lock:  # a second thread waits and then finds the files in the cache
        if try_again:
            _failed_mirrors.clear()
        folder = cache_folder()
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
        if is_intact(content, path.name):
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
        f"Set the environment variable COURSE_CACHE_DIR to a folder that you can write to. {by_hand()}"
    )


# --- Mirrors ----------------------------------------------------------------------------------------------------------


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
    raise DataError(f"MNIST could not be downloaded ({reasons}). {by_hand()}")


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
    if not is_intact(content, path.name):
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
