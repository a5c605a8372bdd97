"""What a sandbox sees of the machine: the Python environment, course_utils, system libraries, and what is asked for."""

# ruff: noqa: PTH100, PTH102, PTH112, PTH115, PTH117, PTH118, PTH120, PTH208, PTH211
# Paths are strings here: this runs for every submission, and pathlib is five times slower.

from __future__ import annotations

import importlib.util
import os
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from . import syscalls as ns

# What a sandbox shows of the machine, besides the Python environment. /etc/passwd and the like are stand-ins.
SYSTEM = (
    *("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"),
    *(f"/usr/{name}" for name in ("bin", "sbin", "lib", "lib32", "lib64", "local", "share")),
    *("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/fonts", "/etc/matplotlibrc", "/etc/mime.types"),
    *("/nix/store", "/gnu/store"),
)
# Parts of an environment; not the whole folder, in case someone made the environment in the course folder itself.
PREFIX = ("bin", "lib", "lib32", "lib64", "share", "etc", "pyvenv.cfg")


@dataclass
class View:
    """What a sandbox sees of the machine: folders and files by their place, in the order in which they are made.

    Symbolic links on the way to a shown path are made again, so that the path means the same inside.
    """

    folders: dict[str, None] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    binds: dict[str, bool] = field(default_factory=dict)  # place -> is it a folder?
    wanted: list[str] = field(default_factory=list)  # what was asked for by name

    def show(self, path: Path | str) -> None:
        """Show a file or folder of the machine, at its place; a path that does not exist is left out."""
        todo = list(reversed(Path(os.path.abspath(path)).parts[1:]))  # abspath: keeps symbolic links
        here = "/"
        for _ in range(1000):  # links in a circle end here
            if self.covered(here):
                return
            if not todo:
                break
            part = todo.pop()
            if part in (".", ".."):
                here = here if part == "." else os.path.dirname(here)
                continue
            place = os.path.join(here, part)
            try:
                mode = os.lstat(place).st_mode
            except OSError:
                return
            if stat.S_ISLNK(mode):
                target = os.readlink(place)
                self.parents(place)
                self.links.setdefault(place, target)
                todo += [p for p in reversed(Path(target).parts) if p != "/"]
                here = "/" if target.startswith("/") else here
            else:
                here = place
        else:
            return
        self.parents(here)
        if here not in self.folders:
            self.binds[here] = os.path.isdir(here)
            return
        for name in sorted(os.listdir(here)):  # parts of it are shown already: show the others one by one
            self.show(os.path.join(here, name))

    def hide(self, path: str, root: str) -> None:
        """Cover a folder below `root`. Raises ValueError if something is to be seen that lies in it."""
        wanted = [place for place in (*self.wanted, sys.prefix, sys.base_prefix) if f"{place}/".startswith(path + "/")]
        if self.covered(path) and wanted:
            raise ValueError(f"{wanted[0]} is to be seen by student code, and lies in {path}, which is not")
        if self.covered(path) and os.path.isdir(root + path):
            ns.tmpfs(root + path, 4096, "555")

    def parents(self, place: str) -> None:
        for parent in map(str, reversed(Path(place).parents)):
            if parent not in self.binds:
                self.folders.setdefault(parent)

    def covered(self, place: str) -> bool:
        """Does the path lie in a folder that is shown already?"""
        return place in self.binds or any(self.binds.get(str(parent)) for parent in Path(place).parents)

    def below(self, folder: str) -> View:
        """The part of the view that lies in `folder`."""
        parts = ({k: v for k, v in part.items() if k.startswith(folder + "/")} for part in (self.folders, self.links))
        return View(*parts, {k: v for k, v in self.binds.items() if k.startswith(folder + "/")})

    def build(self, root: str, sources: dict[str, str]) -> None:
        """Make the view below the folder `root` (an empty tmpfs). sources: where the place of each bind is now."""
        for folder in self.folders:
            if folder != "/":
                os.mkdir(root + folder, 0o755)
        for place, target in self.links.items():
            os.symlink(target, root + place)
        for place, folder in self.binds.items():
            if folder:
                os.mkdir(root + place, 0o755)
            else:
                ns.touch(root + place)
            ns.bind(sources[place], root + place)


def what_to_show(readable: Iterable[Path | str] = ()) -> View:
    """What to show: the environment, and `readable`. The first call in a process takes 5 ms, the next are quick."""
    found = for_every_cell()
    shown = View(dict(found.folders), dict(found.links), dict(found.binds))
    for path in readable:
        shown.show(path)
        shown.wanted.append(os.path.realpath(path))
    return shown


@lru_cache
def for_every_cell() -> View:
    """What every sandbox shows."""
    found = View()
    for path in SYSTEM:
        found.show(path)
    for prefix in dict.fromkeys((sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix)):
        for name in PREFIX:
            found.show(os.path.join(prefix, name))
    for path in sys.path:
        if os.path.isabs(path) and _is_installed(path):
            found.show(path)
    for path in (*_course_utils(), *_font_cache()):
        found.show(path)
    return found


def _is_installed(path: str) -> bool:
    """Is this entry of sys.path part of an installation, not a folder of someone's work?"""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    names = Path(path).parts
    return names[-1] in ("site-packages", "dist-packages", "lib-dynload", version) or names[-1].endswith(".zip")


def _course_utils() -> list[str]:
    """The package folder alone: an editable install has it in the course folder."""
    spec = importlib.util.find_spec("course_utils")
    return list(spec.submodule_search_locations or ()) if spec else []


def _font_cache() -> list[Path]:
    """matplotlib's list of fonts; making a new one takes seconds. Of the home folder no more than this file."""
    home = os.environ.get("MPLCONFIGDIR") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "matplotlib")
    return sorted(Path(home).expanduser().glob("fontlist-v*.json"))
