"""Test cells that a separate judge would judge on the wrong side, found in their text."""
