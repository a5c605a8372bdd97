"""Verdicts into the gradebook and into autograded/."""
