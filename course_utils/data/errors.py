"""What the data sets raise."""


class DataError(RuntimeError):
    """Data is missing or damaged: the first sentence says what happened, the second what to do."""
