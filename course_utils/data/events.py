"""The course's table of events in the history of deep learning."""

import csv
from pathlib import Path
from typing import NamedTuple

from .errors import DataError

HISTORY_FILE = Path(__file__).with_name("history.csv")


class Event(NamedTuple):
    """One row of the course's history table."""

    year: int
    name: str
    people: str
    kind: str
    parameters: int | None
    note: str
    source: str


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
