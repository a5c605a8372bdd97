"""Installed packages lent to an environment of a test's own, for tests download nothing."""

from importlib import metadata

from packaging.utils import canonicalize_name


def tops(distribution):
    """The files and folders of site-packages that a distribution's files lie in."""
    return {file.parts[0] for file in distribution.files} - {"..", "__pycache__"}


def lend(names, folder):
    """Make the installed distributions `names`, and nothing else, importable from `folder`."""
    folder.mkdir()
    others = {d.name: tops(d) for d in metadata.distributions() if canonicalize_name(d.name) not in names}
    for distribution in map(metadata.distribution, names):
        for top in tops(distribution):
            assert not [name for name, theirs in others.items() if top in theirs], f"{top} is not only {names}"
            if not (folder / top).exists():
                (folder / top).symlink_to(distribution.locate_file(top))
