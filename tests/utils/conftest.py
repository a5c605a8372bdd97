"""Fixtures that several tests of course_utils use."""

import pytest


class Handle:
    def __init__(self):
        self.updates = []

    def update(self, picture):
        self.updates.append(picture)


@pytest.fixture
def shown(monkeypatch):
    """What a widget displays, in order, with a handle that records later pictures."""
    outputs, handle = [], Handle()

    def display(thing, display_id=None):
        outputs.append(thing)
        return handle if display_id else None

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    monkeypatch.delenv("NBGRADER_VALIDATING", raising=False)
    return outputs, handle
