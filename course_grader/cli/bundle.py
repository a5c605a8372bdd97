"""`course-grader bundle`: the course as students get it, in one zip: no solutions, no hidden tests, no class.

What goes in is named here, file by file or folder by folder; nothing comes along because it happens to lie there. Five
files are made for students: README, Makefile, pyproject.toml, environment.yml and nbgrader_config.py without what needs
the packages of authors and instructors. The same course gives the same bytes, on any day and any machine with the same
zlib.
"""

from __future__ import annotations

import io
import json
import re
import tomllib
import zipfile
from pathlib import Path

from ..contracts import GraderError

PACKAGE = "course_utils"
NAME = "deep-learning-fundamentals"  # the folder in the zip, and the zip
AS_THEY_ARE = ("CITATION.cff", "LICENSE", "LICENSE-TEXT", "constraints.txt")
SECTIONS = ("Two commands", "The chapters", "For students", "Data", "Licence")  # of the README, besides its beginning
TARGETS = ("help", "lab", "submit", "setup")  # of the Makefile
SETTINGS = ("c = get_config()", "c.CourseDirectory.course_id", "c.Execute.")  # what the Validate button reads
FIELDS = ("name", "version", "description", "license", "license-files", "requires-python", "dependencies")
MADE = re.compile(r"(^|/)(\.|__pycache__(/|$))|\.pyc$")  # hidden files and what Python leaves behind
MARKS = ("BEGIN SOLUTION", "END SOLUTION", "BEGIN HIDDEN TESTS", "END HIDDEN TESTS")
TELLING, LONG = 12, 40  # characters: a shorter line ("return out") says nothing; a longer one is nobody's chance


def run(arguments) -> int:
    """The command."""
    root = arguments.course.resolve()
    files = contents(root)
    found = leaks(root, files)
    if found:
        raise GraderError(f"Nothing was written, for students would see a secret: {found[0]}.")
    path = arguments.output or root / "dist" / f"{NAME}.zip"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(packed(files))
    except OSError as error:
        raise GraderError(f"{path} cannot be written ({error.strerror}): name another place with --output.") from None
    size = path.stat().st_size / 2**20
    print(f"{path}: {len(files)} files, {size:.1f} MB, without a line of a solution or of a hidden test.")
    return 0


def contents(root: Path) -> dict[str, bytes]:
    """Path in the bundle -> content, of the course at `root`.

    Raises
    ------
    GraderError
        If something that students need is missing.
    """
    try:
        files = {name: (root / name).read_bytes() for name in AS_THEY_ARE}
        made = {
            "README.md": students_readme(_text(root / "README.md")),
            "Makefile": students_makefile(_text(root / "Makefile")),
            "nbgrader_config.py": students_settings(_text(root / "nbgrader_config.py")),
            "pyproject.toml": students_project(_text(root / "pyproject.toml")),
            "environment.yml": without_grader(_text(root / "environment.yml")),
        }
    except OSError as error:
        told = f"{error.filename} cannot be read ({error.strerror}): get the course's files afresh."
        raise GraderError(told) from None
    files |= {name: text.encode("utf-8") for name, text in made.items()}
    released = _folder(root, "release")
    if not released:
        raise GraderError(f"{root / 'release'} holds no unit: run `make release`.")
    return files | released | _folder(root, PACKAGE)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _folder(root: Path, name: str) -> dict[str, bytes]:
    """The files below a folder; hidden ones and caches, and links, stay out."""
    found = {}
    for path in sorted((root / name).rglob("*")):
        inside = path.relative_to(root).as_posix()
        if path.is_file() and not path.is_symlink() and not MADE.search(inside):
            found[inside] = path.read_bytes()
    return found


# -- files made for students -------------------------------------------------------------------------------------------


def students_readme(text: str) -> str:
    """The README's beginning and the sections that are for students, without the command for tests."""
    parts = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    kept = [part for part in parts if not part.startswith("## ") or part[3:].split("\n")[0] in SECTIONS]
    lines = [line for line in "".join(kept).split("\n") if not line.startswith("make test")]
    text = without_grader("\n".join(lines)).replace("## Two commands", "## To begin", 1)
    return text.replace("then the two commands above", "then the command above", 1)


def without_grader(text: str) -> str:
    """An installation from two paths as one from the course's own."""
    kept = [line for line in text.split("\n") if line.strip() != "- --editable ./course_grader"]
    return "\n".join(kept).replace("-e ./course_grader -e .", "-e .")


def students_makefile(text: str) -> str:
    """The Makefile's settings and its targets for students."""
    blocks = [block for block in text.split("\n\n") if _for_students(block)]
    lines = [line for line in "\n\n".join(blocks).split("\n") if not line.startswith(("AUTHOR", "# nbgrader starts"))]
    phony = f".PHONY: {' '.join(TARGETS)}"
    return "\n".join(phony if line.startswith(".PHONY") else line for line in lines).rstrip("\n") + "\n"


def _for_students(block: str) -> bool:
    target = re.match(r"([a-z-]+):(?!=)", block)
    return target[1] in TARGETS if target else True


def students_project(text: str) -> str:
    """The course's pyproject.toml without what students do not get: its other packages, programs and extras."""
    whole = tomllib.loads(text)
    scripts = whole["project"]["scripts"]
    tables = {
        "build-system": whole["build-system"],
        "project": {field: whole["project"][field] for field in FIELDS},
        "project.scripts": {name: entry for name, entry in scripts.items() if entry.startswith(f"{PACKAGE}.")},
        "tool.setuptools.packages.find": {"include": [PACKAGE, f"{PACKAGE}.*"], "namespaces": False},
        "tool.setuptools.package-data": {PACKAGE: whole["tool"]["setuptools"]["package-data"][PACKAGE]},
    }
    lines = []
    for name, table in tables.items():  # what stands in them looks the same in JSON and in TOML
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def students_settings(text: str) -> str:
    """nbgrader's settings for students: the instructors' name preprocessors that are not in the bundle."""
    lines = [line for line in text.split("\n") if line.startswith(SETTINGS)]
    return "\n".join(['"""nbgrader\'s settings for students: what the Validate button reads."""', "", *lines]) + "\n"


# -- nothing secret ----------------------------------------------------------------------------------------------------


def leaks(root: Path, files: dict[str, bytes]) -> list[str]:
    """One clause for each file that holds a part of a solution or of a hidden test.

    That is a marked region in a release, and anywhere a long line of a region or two lines of it one after the other,
    if no release shows them: single short lines ("for _ in range(60):") stand in many programs. The tests are stricter.
    """
    lines = {name: _lines(data.decode("utf-8", "replace")) for name, data in files.items()}
    released = {line for name, found in lines.items() if name.startswith("release/") for line in found}
    secret = {part for region in regions(root) for part in _parts(region) if not released.issuperset(part)}
    found = []
    for name, own in sorted(lines.items()):
        if name.startswith("release/"):
            found += [f"{name} holds {line!r}" for line in own if any(mark in line for mark in MARKS)][:1]
        found += [f"{name} holds {part[0]!r}" for part in _parts(own) if part in secret][:1]
    return found


def regions(root: Path) -> list[list[str]]:
    """The marked regions of source/*.py, as lines without their indentation and without blank ones."""
    found = []
    for path in sorted((root / "source").glob("*.py")):
        inside = False
        for line in _text(path).split("\n"):
            if any(mark in line for mark in MARKS):
                inside = "BEGIN" in line
                found += [[]] if inside else []
            elif inside and line.strip():
                found[-1].append(line.strip())
    return found


def _parts(lines: list[str]):
    """What cannot stand in two programs by chance: long lines, and telling lines with the line after."""
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if len(line) > LONG:
            yield (line,)
        if min(len(line), len(after)) > TELLING:
            yield (line, after)


def _lines(text: str) -> list[str]:
    """The lines of a text, in order; of all strings in it if it is JSON (a notebook)."""
    try:
        held = list(_strings(json.loads(text)))
    except ValueError:
        held = [text]
    lines = (line.strip() for one in held for line in one.split("\n"))
    return [line for line in lines if line]


def _strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for one in [*value, *value.values()] if isinstance(value, dict) else value:
            yield from _strings(one)


# -- the zip -----------------------------------------------------------------------------------------------------------


def packed(files: dict[str, bytes]) -> bytes:
    """The zip's bytes: names in order, one date for all, the same rights for all."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(f"{NAME}/{name}", date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, 3
            info.external_attr = 0o100644 << 16
            archive.writestr(info, files[name], compresslevel=9)
    return buffer.getvalue()
