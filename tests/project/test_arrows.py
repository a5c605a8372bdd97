"""Imports run one way: no circle between files or folders, no arrow upward, no module that is too long to read."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("course_author", "course_grader", "course_utils")
# A package's rooms, each above all that it may import: its folders, and the files that lie in none.
ROOMS = {
    "course_author": ("__main__", "attacks", "cuda", "bench", "ship", "proof", "units"),
    "course_grader": (
        "__main__", "nbgrader_plugin", "cli", "reports", "grading", "formgrader", "feedback", "records", "engine",
        "lint", "judging", "intake", "sandbox", "course", "words", "wire", "contracts",
        "causes",
    ),
}  # fmt: skip
MAY_IMPORT = {  # of the other packages
    "course_author": {"course_grader", "course_utils"},
    "course_grader": {"course_utils"},
    "course_utils": set(),
}
MOST_LINES = 400


def read(root: Path, package: str) -> dict[str, ast.Module]:
    """Dotted name of each module -> its syntax tree; a package is named like its folder."""
    found = {}
    for path in sorted((root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
        found[name].is_package = parts[-1] == "__init__"
    return found


def imported(name: str, tree: ast.Module) -> set[str]:
    """Full names of all that a module imports, inside functions too: modules, and what may be a module's or a name."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = name.split(".")[: len(name.split(".")) - node.level + tree.is_package] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return found


def arrows(modules: dict[str, ast.Module]) -> dict[str, set[str]]:
    """Module -> the modules of the same package that it imports; for a name, the module that has it."""
    found = {}
    for name, tree in modules.items():
        targets = (one if one in modules else one.rpartition(".")[0] for one in imported(name, tree))
        found[name] = {target for target in targets if target in modules} - {name}
    return found


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """The names on one circle, in order, or [] if there is none."""
    done, path = set(), []

    def walk(name: str) -> list[str]:
        if name in path:
            return path[path.index(name) :] + [name]
        if name in done:
            return []
        path.append(name)
        for target in sorted(arrows.get(name, ())):
            found = walk(target)
            if found:
                return found
        done.add(path.pop())
        return []

    return next(filter(None, map(walk, sorted(arrows))), [])


def room(name: str) -> str:
    """The folder in which a module lies within its package; of a file in no folder, the file."""
    return name.split(".")[1] if "." in name else "__init__"


def between_rooms(modules: dict[str, ast.Module]) -> dict[str, set[str]]:
    found = {}
    for name, targets in arrows(modules).items():
        found.setdefault(room(name), set()).update({room(target) for target in targets} - {room(name)})
    return found


def upward(rooms: dict[str, set[str]], order: tuple[str, ...]) -> list[str]:
    return [
        f"{here} imports {there}"
        for here, targets in rooms.items()
        for there in sorted(targets)
        if order.index(there) < order.index(here)
    ]


def foreign(modules: dict[str, ast.Module], package: str) -> list[str]:
    """The imports of our other packages that a package may not have."""
    forbidden = set(PACKAGES) - {package} - MAY_IMPORT[package]
    return [
        f"{name} imports {one}"
        for name, tree in modules.items()
        for one in sorted(imported(name, tree))
        if one.split(".")[0] in forbidden
    ]


def too_long(root: Path, package: str) -> set[str]:
    paths = (root / package).rglob("*.py")
    return {
        path.relative_to(root).as_posix()
        for path in paths
        if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES
    }


@pytest.fixture(params=PACKAGES)
def package(request):
    return request.param


@pytest.fixture
def modules(package):
    return read(ROOT, package)


def test_files_import_each_other_in_no_circle(modules):
    assert circle(arrows(modules)) == []


def test_rooms_import_each_other_in_no_circle(modules):
    assert circle(between_rooms(modules)) == []


@pytest.mark.parametrize("package", ROOMS)
def test_no_room_imports_one_above_it(package, modules):
    rooms = between_rooms(modules)
    assert set(rooms) - {"__init__"} == set(ROOMS[package]), "the list above names other rooms than there are"
    assert upward(rooms, ROOMS[package]) == []


def test_the_map_shows_the_rooms_of_the_grader_in_their_order():
    table = re.findall(r"^\| (`.*?`) \|", (ROOT / "course_grader" / "README.md").read_text(encoding="utf-8"), re.M)
    shown = [name.strip("/").removesuffix(".py") for row in table for name in re.findall(r"`(.*?)`", row)]
    assert shown == [name for name in ROOMS["course_grader"] if name != "__main__"]


def test_packages_import_only_what_they_may(package, modules):
    assert foreign(modules, package) == []


def test_no_module_is_too_long(package):
    assert too_long(ROOT, package) == set(), f"split by meaning what has over {MOST_LINES} lines"
