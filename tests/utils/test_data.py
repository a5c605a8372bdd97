"""course_utils.data: toy sets, digits, and MNIST from a real HTTP server on this machine that misbehaves on demand."""

import contextlib
import csv
import doctest
import gzip
import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from course_utils import data
from course_utils.data import mnist_files
from course_utils.data.events import HISTORY_FILE
from course_utils.data.images import _digits_like_mnist, _enlarged

ROOT = Path(__file__).resolve().parents[2]
SIZES = {"train": 6, "test": 3}


# --- Toy sets ---------------------------------------------------------------------------------------------------------

RANDOM_SETS = {
    "moons": lambda rng: data.moons(101, 0.1, rng),
    "blobs": lambda rng: data.blobs(90, 3, 0.5, rng),
    "spiral": lambda rng: data.spiral(40, 3, 0.2, rng),
}


@pytest.mark.parametrize(
    ("name", "labels"), [("AND", [0, 0, 0, 1]), ("or", [0, 1, 1, 1]), ("Nand", [1, 1, 1, 0]), ("XOR", [0, 1, 1, 0])]
)
def test_logic_gate(name, labels):
    X, y = data.logic_gate(name)
    assert (X.dtype, y.dtype) == (np.float64, np.int64)
    assert X.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert y.tolist() == labels


@pytest.mark.parametrize("name", ["NOR", "", 3, None])
def test_unknown_gate_names_the_choice(name):
    with pytest.raises(ValueError, match="choose one of AND, OR, NAND, XOR"):
        data.logic_gate(name)


@pytest.mark.parametrize("make", RANDOM_SETS.values(), ids=RANDOM_SETS)
def test_random_sets_depend_on_their_generator_alone(make):
    np.random.seed(1)  # noqa: NPY002 - the global state is what this test watches
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    (X, y), (X_same, y_same), (X_other, _) = (make(np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(X, X_same)
    assert np.array_equal(y, y_same)
    assert not np.array_equal(X, X_other)
    rng = np.random.default_rng(0)
    assert not np.array_equal(make(rng)[0], make(rng)[0]), "the generator was not advanced"
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    assert (X.dtype, y.dtype) == (np.float64, np.int64)
    assert X.shape == (y.size, 2)
    assert (np.diff(y) < 0).any(), "the samples are sorted by class"


@pytest.mark.parametrize("rng", [0, None, np.random, np.random.RandomState(0)], ids=["int", "None", "module", "old"])  # noqa: NPY002
@pytest.mark.parametrize("make", RANDOM_SETS.values(), ids=RANDOM_SETS)
def test_only_a_generator_will_do(make, rng):
    with pytest.raises(TypeError, match="rng must be a generator such as"):
        make(rng)


@pytest.mark.parametrize("n", [0, -1, 2.5, True, "10"])
def test_counts_must_be_counts(n):
    rng = np.random.default_rng(0)
    for make in (
        lambda: data.moons(n, 0.1, rng),
        lambda: data.blobs(n, 2, 1.0, rng),
        lambda: data.spiral(n, 2, 0.1, rng),
        lambda: data.spiral(5, n, 0.1, rng),
    ):
        with pytest.raises(ValueError, match="whole number"):
            make()


def test_moons_without_noise_lie_on_their_half_circles():
    X, y = data.moons(50, 0.0, np.random.default_rng(0))
    centres = np.array([[0, 0], [1, 0.5]])[y]
    assert np.allclose(np.linalg.norm(X - centres, axis=1), 1)


def test_blobs_lie_around_the_given_centres():
    centers = np.array([[0.0, 0, 9], [9, 0, 0]])
    X, y = data.blobs(400, centers, 0.5, np.random.default_rng(0))
    assert X.shape == (400, 3)
    for label in (0, 1):
        assert np.allclose(X[y == label].mean(axis=0), centers[label], atol=6 * 0.5 / np.sqrt(200))
        assert np.allclose(X[y == label].std(axis=0), 0.5, rtol=0.3)


def test_spiral_arms_are_turned_copies_of_each_other():
    X, y = data.spiral(30, 4, 0.0, np.random.default_rng(0))
    arms = [X[y == label][np.argsort(np.linalg.norm(X[y == label], axis=1))] for label in range(4)]
    quarter = np.array([[0, -1], [1, 0]])
    for before, after in zip(arms, arms[1:], strict=False):
        assert np.allclose(before @ quarter, after)
    assert np.isclose(np.linalg.norm(X, axis=1).max(), 1)
    with pytest.raises(ValueError, match="noise"):
        data.spiral(5, 2, -0.1, np.random.default_rng(0))


def test_fruit_table_has_names_for_its_rows_and_columns():
    X, y, features, classes = data.fruit_table()
    assert (X.shape, X.dtype) == ((5, 4), np.float64)
    assert (y.shape, y.dtype) == ((5,), np.int64)
    assert len(features) == 4
    assert set(y) == set(range(len(classes))) == {0, 1, 2}
    X[0, 0] = -1
    assert data.fruit_table().X[0, 0] > 0, "two callers share one table"


# --- History ----------------------------------------------------------------------------------------------------------


def test_history_is_the_whole_table_oldest_first():
    with HISTORY_FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    events = data.history()
    assert len(events) == len(rows) >= 10
    assert [event.year for event in events] == sorted(int(row["year"]) for row in rows)
    assert all(event.parameters is None or (type(event.parameters) is int and event.parameters > 0) for event in events)
    assert {event.parameters is None for event in events} == {True, False}
    assert {event.name for event in events} == {row["name"] for row in rows}


HEADER = "year,name,people,kind,parameters,note,source\n"


def test_history_reads_empty_and_long_parameter_counts(tmp_path, monkeypatch):
    table = tmp_path / "history.csv"
    table.write_text(HEADER + '2020,B,"X, Y",model,1.75e11,n,s\n1958,A,Z,idea,,n,s\n', encoding="utf-8")
    monkeypatch.setattr("course_utils.data.events.HISTORY_FILE", table)
    older, newer = data.history()
    assert (older.year, older.parameters) == (1958, None)
    assert (newer.people, newer.parameters) == ("X, Y", 175_000_000_000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEADER + "1958,A,Z,idea,,n,s\nabout 1960,B,Z,idea,,n,s\n", "Line 3"),
        (HEADER + "1958,A,Z,idea,many,n,s\n", "Line 2"),
        (HEADER + "1958,A,Z,idea,,n\n", "Line 2.*wrong number of columns"),
        (HEADER + "1958,A,Z,idea,,n,s,more\n", "Line 2.*wrong number of columns"),
        ("year,name\n1958,A\n", "columns"),
        ("", "columns"),
        (None, "cannot be read"),
    ],
)
def test_broken_history_names_the_place(text, expected, tmp_path, monkeypatch):
    table = tmp_path / "history.csv"
    if text is not None:
        table.write_text(text, encoding="utf-8")
    monkeypatch.setattr("course_utils.data.events.HISTORY_FILE", table)
    with pytest.raises(data.DataError, match=expected) as caught:
        data.history()
    assert "Get the file again" in str(caught.value)


# --- Digits -----------------------------------------------------------------------------------------------------------


def test_digits():
    X, y = data.digits()
    assert (X.shape, X.dtype) == ((1797, 8, 8), np.uint8)
    assert (y.shape, y.dtype) == ((1797,), np.int64)
    assert (X.min(), X.max()) == (0, 16)
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_stand_in_is_split_evenly_and_without_overlap():
    train, test = _digits_like_mnist("train"), _digits_like_mnist("test")
    assert len(train.X) + len(test.X) == 1797
    assert not {image.tobytes() for image in train.X} & {image.tobytes() for image in test.X}
    share = np.bincount(test.y) / (np.bincount(train.y) + np.bincount(test.y))
    assert np.all(np.abs(share - 0.2) < 0.01)
    assert np.array_equal(train.X, _digits_like_mnist("train").X)


def test_enlarged_digits_are_the_same_pictures():
    X, _ = data.digits()
    large = _enlarged(X)
    assert (large.shape, large.dtype) == ((1797, 28, 28), np.uint8)
    frame = large.copy()
    frame[:, 4:24, 4:24] = 0
    assert not frame.any(), "the picture reaches into the frame"
    flat = _enlarged(np.full((1, 8, 8), 16, dtype=np.uint8))[0, 4:24, 4:24]
    assert np.all(flat == 255)
    # A bilinear sample equals np.interp along rows, then columns: an independent way to the same numbers.
    places = np.clip(0.4 * np.arange(20) - 0.3, 0, 7)
    rows = np.apply_along_axis(lambda line: np.interp(places, np.arange(8), line), 1, X[3].astype(float))
    both = np.apply_along_axis(lambda line: np.interp(places, np.arange(8), line), 0, rows)
    assert np.all(np.abs(large[3, 4:24, 4:24] - both * 255 / 16) <= 0.5 + 1e-9)


# --- IDX --------------------------------------------------------------------------------------------------------------


def idx(array):
    magic = 2051 if array.ndim == 3 else 2049
    header = b"".join(int(number).to_bytes(4, "big") for number in (magic, *array.shape))
    return header + array.astype(np.uint8).tobytes()


def test_idx_with_different_rows_and_columns():
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    found = data.parse_idx(gzip.compress(idx(images)), "x.gz")
    assert np.array_equal(found, images)
    found[0] = 0  # readers may write into what they were given


WHOLE = idx(np.arange(24).reshape(2, 3, 4))
BAD_IDX = {
    "not gzip": (b"<html>", "no whole gzip file"),
    "cut gzip": (gzip.compress(WHOLE)[:-9], "no whole gzip file"),
    "garbled gzip": (gzip.compress(WHOLE)[:10] + b"\xff" * 30, "no whole gzip file"),
    "empty": (gzip.compress(b""), "begins with 0, not with 2051"),
    "short magic": (gzip.compress(b"\x08\x01"), "not with 2051"),
    "wrong magic": (gzip.compress(b"\x00\x00\x08\x02" + WHOLE[4:]), "begins with 2050"),
    "cut header": (gzip.compress(WHOLE[:11]), "inside its header, after 11 bytes"),
    "one value short": (gzip.compress(WHOLE[:-1]), "promises 24 values of shape .2, 3, 4. but holds 23"),
    "one value more": (gzip.compress(WHOLE + b"\0"), "but holds 25"),
    "huge count": (gzip.compress(b"\x00\x00\x08\x03" + b"\xff" * 12 + WHOLE[16:]), "but holds 24"),
}


@pytest.mark.parametrize("fault", BAD_IDX)
def test_bad_idx_is_refused_in_words(fault):
    packed, message = BAD_IDX[fault]
    with pytest.raises(data.DataError, match=rf"^x\.gz .*{message}.*\. Delete it and get it again\.$"):
        data.parse_idx(packed, "x.gz")


# --- MNIST ------------------------------------------------------------------------------------------------------------


def small_mnist():
    """Four small files in MNIST's form: name -> bytes."""
    rng = np.random.default_rng(0)
    files = {}
    for split, prefix in (("train", "train"), ("test", "t10k")):
        images = rng.integers(256, size=(SIZES[split], 28, 28))
        files[f"{prefix}-images-idx3-ubyte.gz"] = gzip.compress(idx(images), mtime=0)
        files[f"{prefix}-labels-idx1-ubyte.gz"] = gzip.compress(idx(np.arange(SIZES[split])), mtime=0)
    return files


FILES = small_mnist()
SHA256 = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}


class Handler(BaseHTTPRequestHandler):
    """The first folder of the address says how to answer."""

    def do_GET(self):
        _, behaviour, name = self.path.split("/")
        self.server.asked.append(f"{behaviour}/{name}")
        content = FILES[name]
        if behaviour == "silent":
            self.server.let_go.wait(60)
            return
        if behaviour == "slow":
            time.sleep(0.2)
        if behaviour in ("forbidden", "gone", "broken"):
            self.send_error({"forbidden": 403, "gone": 404, "broken": 503}[behaviour])
            return
        first = self.server.asked.count(f"{behaviour}/{name}") == 1
        cut = behaviour == "cut" or (behaviour == "cut-once" and first)
        if behaviour == "page":
            content = b"<!doctype html><title>Please log in</title>"
        if behaviour == "other":
            content = gzip.compress(b"some other file")
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        if behaviour == "labelled":
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)
        if behaviour == "stalled":
            self.server.let_go.wait(60)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.let_go = [], threading.Event()
    server.daemon_threads = True
    server.mirror = lambda behaviour: f"http://127.0.0.1:{server.server_port}/{behaviour}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.let_go.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, small files for MNIST, no memory of failed mirrors."""
    monkeypatch.setenv("COURSE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("COURSE_MNIST_DIR", raising=False)
    monkeypatch.delenv("COURSE_FAST", raising=False)
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(mnist_files, "MNIST_SHA256", SHA256)
    monkeypatch.setattr(mnist_files, "_failed_mirrors", {})
    monkeypatch.setattr(mnist_files, "MIRRORS", ())
    return tmp_path / "cache" / "mnist"


@pytest.fixture
def mirrors(server, cache, monkeypatch):
    def choose(*behaviours):
        monkeypatch.setattr(mnist_files, "MIRRORS", tuple(map(server.mirror, behaviours)))

    return choose


def files_in(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def assert_small_mnist(images, split):
    assert images.source == "mnist"
    assert (images.X.shape, images.X.dtype) == ((SIZES[split], 28, 28), np.uint8)
    assert images.y.dtype == np.int64
    assert images.y.tolist() == list(range(SIZES[split]))


def test_download_once_then_from_the_cache(server, cache, mirrors, capfd):
    mirrors("good")
    assert_small_mnist(data.mnist("train"), "train")
    assert_small_mnist(data.mnist("test"), "test")
    assert_small_mnist(data.mnist(), "train")
    assert sorted(server.asked) == sorted(f"good/{name}" for name in FILES)
    assert files_in(cache) == FILES
    assert {oct(path.stat().st_mode & 0o777) for path in cache.iterdir()} == {"0o644"} or os.name == "nt"
    out, err = capfd.readouterr()
    assert err == ""
    assert out == f"Downloading 4 MNIST files to {cache} ...\n"


def test_a_server_that_labels_the_files_as_packed_does_not_get_them_unpacked(cache, mirrors):
    mirrors("labelled")
    assert_small_mnist(data.mnist("test", fallback=False), "test")


BAD_MIRRORS = {
    "cut": ("connection broke off|damaged file", 2),
    "other": ("damaged file came, its checksum is wrong", 2),
    "page": ("login page", 1),
    "forbidden": ("it answered 403 Forbidden", 1),
    "gone": ("it answered 404 Not Found", 1),
    "broken": ("it answered 503", 2),
}


@pytest.mark.parametrize("fault", BAD_MIRRORS)
def test_bad_mirror_is_passed_over_for_the_next(fault, server, cache, mirrors, capfd):
    mirrors(fault, "good")
    assert_small_mnist(data.mnist("train"), "train")
    assert sum(address.startswith(fault) for address in server.asked) == BAD_MIRRORS[fault][1], "wrong number of tries"
    assert files_in(cache) == FILES, "something but the four whole files was left in the cache"
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("fault", BAD_MIRRORS)
def test_bad_mirrors_alone_end_in_one_clear_error(fault, server, cache, mirrors, capfd):
    mirrors(fault)
    with pytest.raises(data.DataError, match=BAD_MIRRORS[fault][0]) as caught:
        data.mnist("train", fallback=False)
    message = str(caught.value)
    assert message.startswith("MNIST could not be downloaded (127.0.0.1:")
    assert "To get MNIST by hand, download train-images-idx3-ubyte.gz" in message
    assert "COURSE_MNIST_DIR" in message
    assert files_in(cache) == {}
    assert capfd.readouterr().err == ""


def test_a_cut_download_is_tried_again(server, cache, mirrors):
    mirrors("cut-once")
    assert_small_mnist(data.mnist("train", fallback=False), "train")
    assert len(server.asked) == 8


def test_stand_in_says_loudly_that_it_is_not_mnist(server, cache, mirrors, capfd):
    mirrors("forbidden")
    train, test = data.mnist("train"), data.mnist("test")
    assert (train.source, test.source) == ("digits", "digits")
    assert train.X.shape == (1433, 28, 28)
    assert test.X.shape == (364, 28, 28)
    out, err = capfd.readouterr()
    assert err == ""
    assert out.count("NOTE: these images are NOT MNIST") == 2, "each call must say so: a re-run replaces old output"
    assert "it answered 403" in out
    assert 'os.environ["COURSE_MNIST_DIR"] = "that folder"' in out


def test_failed_mirrors_are_remembered_until_the_real_one_is_demanded(server, cache, mirrors):
    mirrors("forbidden", "gone")
    data.mnist("train")
    data.mnist("train")
    data.mnist("test")
    assert len(server.asked) == 2
    with pytest.raises(data.DataError, match="403 Forbidden; .*404"):
        data.mnist("train", fallback=False)
    assert len(server.asked) == 4


def test_no_network_does_not_wait_long(server, cache, monkeypatch, capfd):
    """A name that cannot exist, a port where nobody listens and a host that never answers."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
        monkeypatch.setattr(mnist_files, "MIRRORS", ("https://mirror.invalid/mnist/", closed, server.mirror("silent")))
        monkeypatch.setattr(mnist_files, "ANSWER_SECONDS", 1)
        data.digits()  # loads scikit-learn, which is not what is timed here
        start = time.monotonic()
        images = data.mnist("train")
        first, start = time.monotonic() - start, time.monotonic()
        data.mnist("test")
        second = time.monotonic() - start
    assert images.source == "digits"
    assert first < 3 * 1 + 1.5
    assert second < 0.5
    out, err = capfd.readouterr()
    assert err == ""
    assert "no answer within 1 s" in out
    assert "no connection, ConnectionError" in out


def test_time_limits_of_the_course_are_short():
    assert len(mnist_files.MIRRORS) * mnist_files.ANSWER_SECONDS <= 10
    assert mnist_files.STALL_SECONDS <= 30


def test_a_stalled_download_gives_up(cache, server, monkeypatch):
    monkeypatch.setattr(mnist_files, "STALL_SECONDS", 0.3)
    monkeypatch.setattr(mnist_files, "MIRRORS", (server.mirror("stalled"), server.mirror("good")))
    monkeypatch.setattr(Handler, "send_header", _promise_more)
    start = time.monotonic()
    assert_small_mnist(data.mnist("train"), "train")
    assert time.monotonic() - start < 5
    assert any(address.startswith("stalled") for address in server.asked)


def _promise_more(handler, keyword, value):
    if keyword == "Content-Length" and handler.path.startswith("/stalled"):
        value = str(int(value) + 1)
    BaseHTTPRequestHandler.send_header(handler, keyword, value)


def test_damaged_cache_is_set_aside_and_fetched_again(server, cache, mirrors, capfd):
    mirrors("good")
    data.mnist("train")
    name = "train-labels-idx1-ubyte.gz"
    for number, damage in enumerate((b"", FILES[name][:-1]), start=1):
        (cache / name).write_bytes(damage)
        server.asked.clear()
        capfd.readouterr()
        assert_small_mnist(data.mnist("train"), "train")
        assert server.asked == [f"good/{name}"]
        assert (cache / f"{name}.damaged-{number}").read_bytes() == damage
        out, err = capfd.readouterr()
        assert f"{name} was damaged: it is now {name}.damaged-{number}" in out
        assert err == ""
    assert set(files_in(cache)) == {*FILES, f"{name}.damaged-1", f"{name}.damaged-2"}


def test_one_missing_file_means_no_mnist_at_all(server, cache, mirrors):
    """Else a student would train on MNIST and test on the stand-in."""
    mirrors("good")
    data.mnist("train")
    (cache / "t10k-images-idx3-ubyte.gz").unlink()
    mirrors("gone")
    assert {data.mnist("train").source, data.mnist("test").source} == {"digits"}


def test_threads_at_once_download_once(server, cache, mirrors):
    mirrors("slow")
    with ThreadPoolExecutor(4) as pool:
        for images in pool.map(data.mnist, ["train"] * 4):
            assert_small_mnist(images, "train")
    assert len(server.asked) == 4


def script(body, starter=(), **settings):
    """Run `body` in a fresh Python, started by `starter`, whose `data` looks for the small files at these settings."""
    start = "".join(f"mnist_files.{name} = {value!r}\n" for name, value in {"MNIST_SHA256": SHA256, **settings}.items())
    code = (
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom course_utils import data\n"
        f"from course_utils.data import mnist_files\n{start}{textwrap.dedent(body)}"
    )
    return subprocess.Popen(
        [*starter, sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_processes_at_once_all_get_whole_files(server, cache):
    body = 'images = data.mnist("train", fallback=False)\nprint(images.source, images.y.tolist())'
    running = [script(body, MIRRORS=(server.mirror("slow"),)) for _ in range(3)]
    for process in running:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
        assert out.endswith("mnist [0, 1, 2, 3, 4, 5]\n")
    assert files_in(cache) == FILES


FULL_DISK = """
import subprocess
cache = mnist_files.cache_folder()
cache.mkdir(parents=True)
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12k", "none", str(cache)], check=True)  # room for two files
for attempt in (1, 2):
    try:
        data.mnist("train", fallback=False)
    except data.DataError as error:
        print(error)
print(data.mnist("train").source)
for path in cache.iterdir():
    assert mnist_files.is_intact(path.read_bytes(), path.name), path
subprocess.run(["mount", "-o", "remount,size=1m", str(cache)], check=True)
print(data.mnist("train", fallback=False).source)
"""


def test_a_full_disk_is_named_and_leaves_whole_files_only(server, cache):
    """A real one of three pages, mounted where only that process sees it; given room, it goes on."""
    if os.geteuid():
        pytest.skip("only root may mount a small disk")
    process = script(FULL_DISK, starter=["unshare", "--mount"], MIRRORS=(server.mirror("good"),))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    first, second, *_ = (line for line in out.split("\n") if not line.startswith("Downloading"))
    for told in (first, second):
        assert "No space left on device" in told and "COURSE_CACHE_DIR" in told
    assert "\ndigits\n" in out and out.endswith("\nmnist\n")


def test_fast_runs_take_the_digits_at_once(server, cache, mirrors, monkeypatch, capsys):
    mirrors("good")
    monkeypatch.setenv("COURSE_FAST", "digits")
    assert data.mnist("test").source == "digits" and server.asked == []
    assert "COURSE_FAST=digits" in capsys.readouterr().out
    assert_small_mnist(data.mnist("train", fallback=False), "train")  # who demands MNIST gets it
    monkeypatch.setenv("COURSE_FAST", "1")
    assert_small_mnist(data.mnist("train"), "train")


def test_nothing_reaches_stderr_in_a_fresh_process(server, cache):
    """capfd cannot show this: pooch keeps the stderr of the moment when it was imported."""
    cache.mkdir(parents=True)
    (cache / "train-labels-idx1-ubyte.gz").write_bytes(b"damaged")
    body = """
        print(data.mnist("train").source)
        for path in mnist_files.cache_folder().iterdir():
            path.unlink()
        mnist_files.MIRRORS = mnist_files.MIRRORS[:1]
        print(data.mnist("train").source)
        import pooch
        assert pooch.get_logger().level != 50, "pooch's logger stays silenced for everybody"
    """
    process = script(body, MIRRORS=tuple(map(server.mirror, ("other", "good"))))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert "\nmnist\n" in out
    assert out.endswith("\ndigits\n")


@contextlib.contextmanager
def as_ordinary_user():
    """Root may write everywhere, so the tests of read-only folders run as nobody."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def read_only_cache(cache, monkeypatch):
    """Outside tmp_path, whose parents only their owner may enter."""
    if not hasattr(os, "geteuid"):
        pytest.skip("Windows has no read-only folders in this sense")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        inside = Path(folder) / "mnist"
        inside.mkdir()
        monkeypatch.setenv("COURSE_CACHE_DIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", tempfile.gettempdir())
        yield inside
        inside.chmod(0o755)


def test_read_only_cache_names_the_folder_and_the_cure(read_only_cache, mirrors, capfd):
    mirrors("good")
    data.digits()  # import before the rights are given up
    read_only_cache.chmod(0o555)
    with as_ordinary_user(), pytest.raises(data.DataError, match="Permission denied.*COURSE_CACHE_DIR") as caught:
        data.mnist("train", fallback=False)
    assert str(read_only_cache) in str(caught.value)
    with as_ordinary_user():
        assert data.mnist("train").source == "digits"
    out, err = capfd.readouterr()
    assert "COURSE_CACHE_DIR" in out
    assert err == ""


def test_read_only_cache_that_is_whole_is_enough(read_only_cache, mirrors):
    mirrors("good")
    data.mnist("train")
    mirrors("gone")
    read_only_cache.chmod(0o555)
    with as_ordinary_user():
        assert_small_mnist(data.mnist("train", fallback=False), "train")


def test_read_only_damaged_cache_loses_nothing(read_only_cache, mirrors):
    mirrors("good")
    data.mnist("train")
    damaged = read_only_cache / "train-labels-idx1-ubyte.gz"
    damaged.write_bytes(b"damaged")
    read_only_cache.chmod(0o555)
    with as_ordinary_user(), pytest.raises(data.DataError, match="Permission denied.*COURSE_CACHE_DIR"):
        data.mnist("train", fallback=False)
    assert damaged.read_bytes() == b"damaged"


def test_cache_folder_that_is_a_file(tmp_path, cache, mirrors, monkeypatch):
    mirrors("good")
    (tmp_path / "file").write_text("mine")
    monkeypatch.setenv("COURSE_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(data.DataError, match="COURSE_CACHE_DIR"):
        data.mnist("train", fallback=False)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.fixture
def local(tmp_path, cache, mirrors, monkeypatch):
    """COURSE_MNIST_DIR with the four small files; a mirror that must not be asked."""
    mirrors("good")
    folder = tmp_path / "local"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    monkeypatch.setenv("COURSE_MNIST_DIR", str(folder))
    return folder


def test_local_folder_is_used_without_network_or_cache(local, server, cache, capfd):
    assert_small_mnist(data.mnist("train"), "train")
    assert_small_mnist(data.mnist("test"), "test")
    assert server.asked == []
    assert not cache.exists()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (None, "cannot be read .No such file or directory."),
        (b"damaged", "is damaged or another file"),
        (gzip.compress(idx(np.arange(6)), compresslevel=1, mtime=1), "is damaged or another file"),
    ],
)
def test_bad_local_file_is_an_error_and_never_replaced(local, server, damage, message):
    path = local / "train-labels-idx1-ubyte.gz"
    path.unlink() if damage is None else path.write_bytes(damage)
    with pytest.raises(data.DataError, match=message) as caught:
        data.mnist("train")
    assert str(path) in str(caught.value)
    assert "unset COURSE_MNIST_DIR" in str(caught.value)
    assert server.asked == []
    assert path.exists() == (damage is not None)


def test_missing_local_folder(local, monkeypatch):
    monkeypatch.setenv("COURSE_MNIST_DIR", str(local / "nowhere"))
    with pytest.raises(data.DataError, match="COURSE_MNIST_DIR is set, but .*nowhere"):
        data.mnist("test")


def test_images_and_labels_must_belong_together(local, monkeypatch):
    name = "train-labels-idx1-ubyte.gz"
    fewer = gzip.compress(idx(np.arange(5)))
    (local / name).write_bytes(fewer)
    monkeypatch.setitem(SHA256, name, hashlib.sha256(fewer).hexdigest())
    with pytest.raises(data.DataError, match=r"shape \(6, 28, 28\) but train-labels-idx1-ubyte.gz has 5 labels"):
        data.mnist("train")


def test_unknown_split(local):
    with pytest.raises(ValueError, match="choose 'train' or 'test'"):
        data.mnist("validation")


def test_the_real_mnist(monkeypatch, capfd):
    """The published files, if this machine has them."""
    folder = Path(os.environ.get("COURSE_MNIST_DIR") or ROOT.parent / "shared" / "data" / "mnist")
    if not folder.is_dir():
        pytest.skip("THE REAL MNIST IS NOT TESTED: set COURSE_MNIST_DIR to the folder with its four .gz files")
    monkeypatch.setenv("COURSE_MNIST_DIR", str(folder))
    monkeypatch.delenv("COURSE_FAST", raising=False)
    counts = {
        "train": [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
        "test": [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
    }
    for split, count in counts.items():
        X, y, source = data.mnist(split)
        assert source == "mnist"
        assert (X.shape, X.dtype) == ((sum(count), 28, 28), np.uint8)
        assert (X.min(), X.max()) == (0, 255)
        assert y.dtype == np.int64
        assert np.bincount(y).tolist() == count
    assert capfd.readouterr() == ("", "")


def test_every_public_function_has_an_example_that_runs(local):
    finder = doctest.DocTestFinder(exclude_empty=False)
    own = [name for name in data.__all__ if name.islower()]
    assert {"logic_gate", "moons", "blobs", "spiral", "fruit_table", "history", "digits", "mnist"} <= set(own)
    for name in own:
        function = getattr(data, name)
        (test,) = finder.find(function, name, globs=vars(sys.modules[function.__module__]).copy())
        assert test.examples, f"data.{name} has no example"
        runner = doctest.DocTestRunner()
        said = []
        runner.run(test, out=said.append)
        assert runner.failures == 0, "".join(said)
