"""Fixtures that several test files use."""

import pytest
from tiny_course import make_course


@pytest.fixture(scope="session")
def one_notebook(tmp_path_factory):
    """A released course of one notebook, written for plain nbgrader; copy it before you change it."""
    import plain_course  # nbgrader takes a second to import, and most tests need none

    return plain_course.make(tmp_path_factory.mktemp("one") / "course", {"first": plain_course.FIRST})


@pytest.fixture
def tiny(tmp_path):
    """The root of a course with one tiny unit, 07_tiny."""
    return make_course(tmp_path)


@pytest.fixture
def edit(tiny):
    """Replace a piece of the tiny unit's text; the piece must be there, once."""

    def replace(old, new):
        path = tiny / "source" / "07_tiny.py"
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the tiny unit"
        path.write_text(text.replace(old, new), encoding="utf-8")
        return path

    return replace
