"""Wheels made again of installed distributions: for machines that have no network, and without one here."""

from __future__ import annotations

import re
import zipfile
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ..units.unit import UnitError


def closure(names) -> set[str]:
    """Canonical names of these installed distributions and of all that they bring along."""
    todo, seen = [Requirement(name) for name in names], set()
    while todo:
        wanted = todo.pop()
        key = (canonicalize_name(wanted.name), *sorted(wanted.extras))
        if key in seen:
            continue
        seen.add(key)
        for needs in map(Requirement, metadata.requires(wanted.name) or []):
            if not needs.marker or any(needs.marker.evaluate({"extra": extra}) for extra in {"", *wanted.extras}):
                todo.append(needs)
    return {name for name, *_ in seen}


def repack(name, folder) -> Path:
    """Write the wheel that an installed distribution came from into `folder`, without its programs and tests."""
    distribution = metadata.distribution(name)
    stem, tag = _stem(distribution), _tags(distribution)[0]
    path = Path(folder) / f"{stem}-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for file in distribution.files:
            inside = file.as_posix().replace("../../../", f"{stem}.data/data/")
            if not re.search(r"\.pyc$|/data/bin/|/tests/", inside):
                wheel.write(distribution.locate_file(file), inside)
    return path


def repack_for_any_python(name, folder) -> Path:
    """Like `repack`, with the modules alone, for every version of Python on this kind of machine.

    Compiled copies that only one version can load stay out, where the modules' Python text lies beside them.

    Raises
    ------
    UnitError
        If the distribution has a compiled module for this version of Python, and no text for it.
    """
    distribution = metadata.distribution(name)
    stem, tags, wanted = _stem(distribution), _tags(distribution), []
    lasting = [tag for tag in tags if tag.startswith("py3-none-") or "-abi3-" in tag]
    for file in distribution.files:
        inside = file.as_posix()
        if re.search(r"^\.\.|\.pyc$|/tests/", inside):
            continue
        if not lasting and file.suffix in (".so", ".pyd"):
            text = file.with_name(file.name.split(".")[0] + ".py")
            if text not in distribution.files and "__mypyc" not in file.name:
                raise UnitError(f"{name} is compiled for this version of Python alone ({inside}): it cannot be packed.")
            continue
        wanted.append(file)
    path = Path(folder) / f"{stem}-{(lasting or ['py3-none-any'])[-1]}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for file in wanted:
            wheel.write(distribution.locate_file(file), file.as_posix())
    return path


def _stem(distribution) -> str:
    (info,) = {file.parts[0] for file in distribution.files if file.name == "METADATA" and len(file.parts) == 2}
    return info.removesuffix(".dist-info")


def _tags(distribution) -> list[str]:
    return re.findall(r"^Tag: (\S+)", distribution.read_text("WHEEL"), re.MULTILINE)
