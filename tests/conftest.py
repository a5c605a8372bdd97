"""Fixtures that several test files use."""

import pytest
from small_course import make_course


@pytest.fixture
def course(tmp_path):
    """The root of a course with one small unit, 07_small."""
    return make_course(tmp_path)


@pytest.fixture
def edit(course):
    """Replace a piece of the small unit's text; the piece must be there, once."""

    def replace(old, new):
        path = course / "source" / "07_small.py"
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the small unit"
        path.write_text(text.replace(old, new), encoding="utf-8")
        return path

    return replace
