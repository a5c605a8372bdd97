"""Small data sets for the chapters, and MNIST with a fallback that works without a network.

Every function returns NumPy arrays whose rows are samples. Randomness comes only from a passed
``np.random.Generator``. Messages go to stdout, never to stderr, because nbgrader counts stderr as a failure.
"""

from .errors import DataError
from .events import Event, history
from .images import ImageSet, digits, mnist, parse_idx
from .toys import FruitTable, blobs, fruit_table, logic_gate, moons, spiral

__all__ = [
    "DataError", "Event", "FruitTable", "ImageSet", "blobs", "digits", "fruit_table", "history", "logic_gate", "mnist",
    "moons", "parse_idx", "spiral",
]  # fmt: skip
