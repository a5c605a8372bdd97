"""Find the course's units, and read their text (`source/<unit>.py`).

Every fault ends in a `UnitError`: one sentence that names the file and the line, and says what to do.
"""

from __future__ import annotations

import re
from pathlib import Path

from .reader import Reader
from .unit import ROOT, Unit, UnitError

UNIT_NAME = re.compile(r"^(?P<chapter>\d\d)_[a-z0-9_]+$")


def unit_names(root=ROOT) -> list[str]:
    """Names of all units of the course at `root`, in teaching order."""
    return sorted(path.stem for path in (Path(root) / "source").glob("*.py") if UNIT_NAME.match(path.stem))


def chosen_units(names, root=ROOT) -> list[str]:
    """The units that a command line asks for (none: all of them); a name that is no unit is a `UnitError`."""
    known = unit_names(root)
    for name in names:
        if name not in known:
            raise UnitError(f"There is no unit {name!r}: choose from {', '.join(known) or 'none yet'}.")
    return [name for name in known if name in names] if names else known


def load_unit(unit: str, root=ROOT) -> Unit:
    """Read and check `source/<unit>.py` of the course at `root`.

    Raises
    ------
    UnitError
        If the text could not be released as an assignment; the message says what to mend.
    """
    path = Path(root) / "source" / f"{unit}.py"
    if not UNIT_NAME.match(unit):
        raise UnitError(f"{unit!r} is no unit name: call it two digits, an underscore and lower-case words.")
    notebook = read_text(path)
    return Reader(unit, path, notebook.cells).read()


def read_text(path: Path):
    """The notebook that a py:percent file describes, as nbformat node (jupytext's own reading)."""
    import jupytext

    where = f"source/{path.name}"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UnitError(f"{where} does not exist: check the unit's name, or write the file.") from None
    except UnicodeDecodeError as error:
        raise UnitError(f"{where} is not UTF-8 text (byte {error.start}): save it as UTF-8.") from None
    try:
        return jupytext.reads(text, fmt="py:percent")
    except Exception as error:  # jupytext raises many kinds; an author needs the place and the words
        raise UnitError(f"{where}: jupytext cannot read it ({error}): mend the header or the cell markers.") from error
