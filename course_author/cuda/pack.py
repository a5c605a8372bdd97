"""What `make cuda-check` needs on a machine with torch, numpy and matplotlib alone: `make cuda-pack` puts it together.

The folder holds wheels of the packages that the notebooks import, MNIST's files, and what scikit-learn and SciPy answer
to the solved notebooks, recorded while they run here. Nothing is fetched but MNIST, where it is not here yet.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

from ..proof.cells import EndedError, run_notebook
from ..units.text import chosen_units
from ..units.unit import ROOT, UnitError

FOLDER = "cuda-pack"
MANIFEST = "pack.json"
RECORDED = "recorded.npz"
MOST_BYTES = 60_000_000
BARE = ("torch", "numpy", "matplotlib")  # what the other machine has, with all that they bring along
NEEDED = ("ipywidgets", "anywidget", "safetensors")
LOOKED_FOR = ("pooch",)  # chapter 5 asks whether it is there; nothing is downloaded, so it need not run
SOURCES = ("source/*/*.ipynb", "course_utils/**/*.py", "constraints.txt")
SOURCES += tuple(f"course_author/{name}.py" for name in ("cuda/library", "cuda/pack", "ship/repack"))


def fingerprint(root=ROOT) -> str:
    """A hash of all that the pack is made from: a pack with another one is stale."""
    paths = sorted(path for pattern in SOURCES for path in Path(root).glob(pattern))
    lines = [f"{path.relative_to(root).as_posix()} {_sha256(path)}" for path in paths]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _sha256(path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def contents(folder) -> dict[str, str]:
    """Path in the folder -> sha256, of all files but the manifest."""
    files = (path for path in sorted(Path(folder).rglob("*")) if path.is_file() and path.name != MANIFEST)
    return {path.relative_to(folder).as_posix(): _sha256(path) for path in files}


# --- making it -------------------------------------------------------------------------------------------------------


def make(folder, units, images="mnist", root=ROOT) -> dict:
    """Put the pack together in a new folder, which then takes the place of `folder`.

    Parameters
    ----------
    images : {"mnist", "digits"}
        What chapter 5 learns from; "digits" is for tests, which have no MNIST.

    Raises
    ------
    UnitError
        If a notebook fails here, something cannot be packed, or the pack would be larger than 60 MB.
    """
    folder = Path(folder).resolve()
    with tempfile.TemporaryDirectory(dir=_above(folder), prefix=".cuda-pack-") as scratch:
        made = Path(scratch) / "pack"
        made.mkdir()
        _pack_wheels(made / "wheels")
        if images == "mnist":
            _pack_mnist(made / "mnist")
        _pack_recorded(made, units, images, root)
        manifest = _manifest(made, units, images, root)
        (made / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        if folder.exists():
            folder.rename(Path(scratch) / "old")
        made.rename(folder)
    return manifest


def _above(folder) -> Path:
    """The folder that the pack lies in; a `folder` that is no pack is not replaced."""
    if folder.exists() and not (folder / MANIFEST).is_file():
        raise UnitError(
            f"{folder} is there and is no pack (it has no {MANIFEST}): name another folder, or move it away."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    return folder.parent


def _pack_wheels(folder):
    from ..ship.repack import closure, repack_for_any_python

    folder.mkdir()
    for name in sorted(closure(NEEDED) - closure(BARE)) + list(LOOKED_FOR):
        repack_for_any_python(name, folder)


def _pack_mnist(folder):
    """MNIST's files from COURSE_MNIST_DIR, else from the cache, else from the mirrors, each with its checksum."""
    from course_utils.data import DataError
    from course_utils.data.mnist_files import MNIST_SHA256, cached_or_downloaded, read_local

    folder.mkdir()
    local = os.environ.get("COURSE_MNIST_DIR", "").strip()
    try:
        files = {name: read_local(Path(local).expanduser() / name) for name in MNIST_SHA256} if local else None
        for name, content in (files or cached_or_downloaded(try_again=True)).items():
            (folder / name).write_bytes(content)
    except DataError as error:
        raise UnitError(str(error)) from error


def surroundings(folder, images) -> dict[str, str]:
    """The environment that says which images chapter 5 learns from: those of the pack in `folder`, one epoch each."""
    if images == "digits":
        return {"COURSE_FAST": "digits"}
    return {"COURSE_FAST": "1", "COURSE_MNIST_DIR": str(Path(folder).resolve() / "mnist")}


def _pack_recorded(made, units, images, root):
    """Run the solved notebooks and the training's preparation with recorders in place of scikit-learn's functions."""
    from .library import FILE, Book

    book, part = Book(), made / "part.npz"
    environment = surroundings(made, images) | {"COURSE_DEVICE": "cpu", FILE: str(part)}
    for unit in (*units, None):
        print(f"recording what scikit-learn answers to {unit or 'the training'} ...", file=sys.stderr, flush=True)
        if unit is None:
            _record_training(environment, root)
        else:
            _record_notebook(root / "source" / unit / f"{unit}.ipynb", environment)
        book.add(Book.load(part))
        part.unlink()
    book.save(made / RECORDED)


def _record_notebook(path, environment):
    try:
        report = run_notebook(path, environment, ["-m", "course_author.cuda.pack"])
    except EndedError as error:
        raise UnitError(str(error)) from error
    if report.failures:
        raise UnitError(f"{path.name} does not run here: {report.failures[0]}. Mend it first (`make nbval` runs all).")


def _record_training(environment, root):
    command = [sys.executable, "-m", "course_author.cuda.pack", "training"]
    done = subprocess.run(command, cwd=root, env=os.environ | environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnitError(f"The training's data could not be prepared: {done.stderr.strip().splitlines()[-1]}")


def _manifest(made, units, images, root) -> dict:
    from importlib import metadata

    size = sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
    if size > MOST_BYTES:
        raise UnitError(
            f"The pack has {size / 1e6:.0f} MB, more than the {MOST_BYTES / 1e6:.0f} MB that may be carried."
        )
    return {
        "fingerprint": fingerprint(root),
        "made": date.today().isoformat(),
        "machine": machine(),
        "versions": {name: metadata.version(name) for name in ("scikit-learn", "scipy", "numpy")},
        "units": list(units),
        "images": images,
        "bytes": size,
        "files": contents(made),
    }


def machine() -> str:
    """System and processor, as far as compiled wheels care."""
    return f"{platform.system()} {platform.machine()}"


# --- reading it ------------------------------------------------------------------------------------------------------

AGAIN = "run `make cuda-pack` where the course is installed, and carry the folder over"


def read(folder, units, root=ROOT) -> dict:
    """The manifest of a pack that is whole, of these sources, and for this machine and these units.

    Raises
    ------
    UnitError
        If it is missing, stale, damaged or for something else.
    """
    folder = Path(folder)
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise UnitError(f"There is no pack in {folder}: {AGAIN}.") from None
    if not isinstance(manifest, dict) or manifest.get("fingerprint") != fingerprint(root):
        raise UnitError(f"The pack in {folder} is stale, it was made from other sources than those here: {AGAIN}.")
    if manifest["files"] != contents(folder):
        raise UnitError(f"The pack in {folder} is damaged, its files are not those that it was made with: {AGAIN}.")
    if manifest["machine"] != machine():
        raise UnitError(
            f"The pack in {folder} is for {manifest['machine']}, and this is {machine()}: "
            "run `make cuda-pack` on a machine of this kind."
        )
    missing = sorted(set(units) - set(manifest["units"]))
    if missing:
        raise UnitError(f"The pack in {folder} was not made for {', '.join(missing)}: {AGAIN}.")
    return manifest


# --- commands --------------------------------------------------------------------------------------------------------


def add_arguments(parser):
    parser.add_argument("units", nargs="*", help="solved notebooks to record (default: all)")
    parser.add_argument("--folder", default=FOLDER, help=f"where the pack goes (default {FOLDER}/)")
    parser.add_argument("--images", choices=("mnist", "digits"), default="mnist", help="digits: for tests")


def main(argv) -> int:
    """`python -m course_author cuda-pack`."""
    parser = argparse.ArgumentParser(prog="course_author cuda-pack", description=__doc__.split("\n")[0])
    add_arguments(parser)
    args = parser.parse_args(argv)
    manifest = make(args.folder, chosen_units(args.units), args.images)
    print(f"{args.folder}: {manifest['bytes'] / 1e6:.1f} MB, for {manifest['machine']}. Carry it into the other copy's")
    print("root folder and run `make cuda-check` there.")
    return 0


def record(arguments) -> int:
    """In a process of its own: run a notebook or prepare the training, and write down what scikit-learn answered."""
    from ..bench import mnist as bench_mnist
    from ..proof import cells
    from . import library as cuda_library

    book = cuda_library.Book()
    cuda_library.record(book)
    if arguments == ["training"]:
        bench_mnist.chapter()
    else:
        cells.run_program(arguments)
    book.save(os.environ[cuda_library.FILE])
    return 0


if __name__ == "__main__":
    sys.exit(record(sys.argv[1:]))
