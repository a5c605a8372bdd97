"""The facts table behind the timeline of chapter 1."""

import csv
from pathlib import Path

import pytest

from course_utils import data

PATH = Path(__file__).resolve().parents[2] / "course_utils" / "data" / "history.csv"
COLUMNS = ["year", "name", "people", "kind", "parameters", "note", "source"]
KINDS = {"idea", "model", "dataset", "setback", "award"}


@pytest.fixture(scope="module")
def rows():
    with PATH.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        assert reader.fieldnames == COLUMNS
        return list(reader)


def test_every_row_has_exactly_the_columns(rows):
    # DictReader files a surplus cell under None and fills a missing one with None:
    # both are the trace of an unquoted comma.
    for row in rows:
        assert list(row) == COLUMNS and None not in row.values(), row
    assert 22 <= len(rows) <= 28


def test_years_are_sorted_and_span_the_course(rows):
    years = [int(row["year"]) for row in rows]
    assert years == sorted(years)
    assert (years[0], years[-1]) == (1943, 2025)


def test_every_kind_is_known_and_used(rows):
    assert {row["kind"] for row in rows} == KINDS


def test_parameters_are_positive_integers_or_empty(rows):
    counted = [row for row in rows if row["parameters"]]
    for row in counted:
        # isdecimal alone would let "0" and "007" through
        assert row["parameters"].isdecimal() and not row["parameters"].startswith("0"), row
        assert row["kind"] == "model", f"only a model has parameters: {row['name']}"
    assert len(counted) >= 10


@pytest.mark.parametrize("column", ["name", "people", "note", "source"])
def test_texts_are_present_and_trimmed(rows, column):
    for row in rows:
        assert row[column] and row[column] == row[column].strip(), (row["name"], column)


def test_names_are_unique(rows):
    names = [row["name"].casefold() for row in rows]
    assert len(names) == len(set(names))


def test_notes_are_one_short_sentence(rows):
    for row in rows:
        assert row["note"].endswith(".") and ". " not in row["note"] and len(row["note"]) <= 200, row["name"]


def test_data_history_returns_the_same_table(rows):
    """The loader the notebook calls loses no row and changes no year, name or count."""
    events = data.history()
    assert [(event.year, event.name) for event in events] == [(int(row["year"]), row["name"]) for row in rows]
    given = [int(row["parameters"]) if row["parameters"] else None for row in rows]
    assert [event.parameters for event in events] == given
