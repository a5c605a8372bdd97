"""A course of one small unit, for tests of the authors' commands: two exercises, NumPy only, a bank by the rules."""

import shutil
import textwrap
from pathlib import Path

from course_author.units.build import build
from course_author.units.unit import ROOT

UNIT = "01_small"
CELL = '# %%{kind} nbgrader={{"schema_version": 3, "grade": {grade}, "solution": {solution}, "locked": {locked}, '
CELL += '"task": false, {points}"grade_id": "{name}"}}\n{source}\n'

STANDARDIZE = '''\
def standardize(X):
    """Scale each column to mean 0 and standard deviation 1; a column that never changes becomes 0.

    X: (N, D) float
    returns: (N, D)
    """
    ### BEGIN SOLUTION
    spread = X.std(axis=0)
    return (X - X.mean(axis=0)) / (spread + (spread == 0))
    ### END SOLUTION'''
STANDARDIZE_CHECK = """\
small = np.array([[1.0, 5.0], [3.0, 9.0]])
check.close(standardize(small), [[-1.0, -1.0], [1.0, 1.0]], what="standardize([[1, 5], [3, 9]])")"""
STANDARDIZE_HIDDEN = """\
# Tested with other shapes and with columns that never change.
### BEGIN HIDDEN TESTS
rng = np.random.default_rng(5)
wide = rng.normal(size=(7, 3)) * [0.3, 1.0, 90.0] + 100.0
before = wide.copy()
Z = standardize(wide)
check.hidden.close(Z, (before - before.mean(0)) / before.std(0), what="the standardized table of 7 rows")
check.hidden.unchanged(wide, before, what="the table that was passed in")
check.hidden.close(standardize(np.ones((4, 2))), np.zeros((4, 2)), what="the table of constant columns")
check.hidden.close(standardize(np.array([[3.0, 5.0]])), np.zeros((1, 2)), what="the table of a single row")
### END HIDDEN TESTS"""
COUNT = '''\
def count_above(values, limit):
    """How many values are larger than the limit.

    values: list of float
    returns: int
    """
    ### BEGIN SOLUTION
    return sum(value > limit for value in values)
    ### END SOLUTION'''
COUNT_CHECK = 'check.equal(count_above([1, 2, 3], 1), 2, what="count_above([1, 2, 3], 1)")'
COUNT_HIDDEN = """\
# Tested with an empty list, negative numbers and values equal to the limit.
### BEGIN HIDDEN TESTS
check.hidden.equal(count_above([], 0), 0, what="the count in an empty list")
check.hidden.equal(count_above([-5, -3, -2, -1], -2), 1, what="the count among negative numbers")
check.hidden.equal(count_above([0.5] * 40, 0.25), 40, what="the count in a long list")
### END HIDDEN TESTS"""

STANDARDIZE_BANK = '''
"""Answers for the tests of the machinery."""

# %% right: row by row
def standardize(X):
    mean, spread = X.mean(axis=0), X.std(axis=0)
    spread[spread == 0] = 1
    rows = []
    for row in X:
        rows.append([(x - m) / s for x, m, s in zip(row, mean, spread)])
    return np.array(rows)

# %% right: blind - sums by hand
def standardize(X):
    n = len(X)
    centred = X - sum(X) / n
    variance = (centred**2).sum(axis=0) / n
    return np.divide(centred, variance**0.5, out=np.zeros_like(centred), where=variance > 0)

# %% right: column by column
def standardize(X):
    done = []
    for column in X.T:
        if np.ptp(column) == 0:
            done.append(0 * column)
        else:
            done.append((column - np.average(column)) / np.sqrt(np.var(column)))
    return np.stack(done, axis=1)

# %% right: covariance matrix
def standardize(X):
    moved = np.subtract(X, np.mean(X, 0, keepdims=True))
    power = np.einsum("nd,nd->d", moved, moved)
    scale = [(len(X) / p) ** 0.5 if p else 0.0 for p in power]
    return moved @ np.diag(scale)

# %% wrong: the whole table is scaled at once
def standardize(X):
    return (X - X.mean()) / X.std()

# %% wrong: the axis of the rows
def standardize(X):
    return (X - X.mean(axis=1, keepdims=True)) / X.std(axis=1, keepdims=True)

# %% wrong: forgets the mean
def standardize(X):
    return X / np.where(X.std(axis=0) > 0, X.std(axis=0), 1)

# %% wrong: forgets the spread
def standardize(X):
    return X - X.mean(axis=0)

# %% wrong: divides by the variance
def standardize(X):
    return (X - X.mean(axis=0)) / np.where(X.var(axis=0) > 0, X.var(axis=0), 1)

# %% wrong: N - 1 in the spread
def standardize(X):
    return (X - X.mean(axis=0)) / X.std(axis=0, ddof=1)

# %% wrong: constant columns become NaN
def standardize(X):
    return (X - X.mean(axis=0)) / X.std(axis=0)

# %% wrong: writes into X
def standardize(X):
    X -= X.mean(axis=0)
    spread = X.std(axis=0)
    X /= np.where(spread > 0, spread, 1)
    return X
'''
COUNT_BANK = """
# %% right: a loop
def count_above(values, limit):
    total = 0
    for value in values:
        if value > limit:
            total += 1
    return total

# %% right: blind - a filtered list
def count_above(values, limit):
    return len([value for value in values if not value <= limit])

# %% right: NumPy
def count_above(values, limit):
    return int(np.count_nonzero(np.greater(values, limit)))

# %% right: sorted, from the top
def count_above(values, limit):
    found = 0
    ordered = sorted(values, reverse=True)
    while found < len(ordered) and ordered[found] > limit:
        found = found + 1
    return found

# %% wrong: counts those equal to the limit
def count_above(values, limit):
    return sum(value >= limit for value in values)

# %% wrong: counts those below
def count_above(values, limit):
    return sum(value < limit for value in values)

# %% wrong: counts all
def count_above(values, limit):
    return len(values)

# %% wrong: sums instead of counting
def count_above(values, limit):
    return sum(value for value in values if value > limit)

# %% wrong: stops at the first
def count_above(values, limit):
    for value in values:
        if value > limit:
            return 1
    return 0

# %% wrong: different values only
def count_above(values, limit):
    return len({value for value in values if value > limit})

# %% wrong: sizes without sign
def count_above(values, limit):
    return sum(abs(value) > abs(limit) for value in values)

# %% wrong: never looks
def count_above(values, limit):
    return 0
"""


def text(
    count_check=COUNT_CHECK, count_hidden=COUNT_HIDDEN, setup="import numpy as np\nfrom course_utils import check"
) -> str:
    """The unit's text; arguments replace one part, to plant a fault."""
    cells = ["# %% [markdown]\n# # A small unit\n", _cell("setup", setup, "locked")]
    cells += _exercise("standardize", "1.1", STANDARDIZE, STANDARDIZE_CHECK, STANDARDIZE_HIDDEN)
    cells += _exercise("count-above", "1.2", COUNT, count_check, count_hidden)
    return "\n".join(cells)


def make(folder: Path, bank=True, **parts) -> Path:
    """Write the course into an empty folder: text, notebook, bank and nbgrader's settings."""
    (folder / "source").mkdir(parents=True)
    (folder / "source" / f"{UNIT}.py").write_text(text(**parts), encoding="utf-8")
    build(UNIT, folder)
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    if bank:
        write_bank(folder, "standardize", STANDARDIZE_BANK)
        write_bank(folder, "count-above", COUNT_BANK)
    return folder


def write_bank(folder: Path, slug: str, content: str) -> None:
    path = folder / "tests" / "answers" / UNIT / f"{slug}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(content), encoding="utf-8")


def _exercise(slug, number, answer, check, hidden):
    heading = f"# ### Exercise {number} - Try {slug} (4 points, 5 minutes, core)\n#\n# Write it."
    return [
        _cell(f"{slug}-task", heading, "locked", kind=" [markdown]"),
        _cell(slug, answer, "solution"),
        _cell(f"{slug}-check", check, "locked", points=1),
        _cell(f"{slug}-hidden", hidden, "locked", points=3),
    ]


def _cell(name, source, flag, kind="", points=None):
    flags = {key: "true" if key == flag else "false" for key in ("solution", "locked")}
    flags |= {"grade": "false", "points": ""}
    if points is not None:
        flags |= {"grade": "true", "points": f'"points": {points}, '}
    return CELL.format(kind=kind, name=name, source=source, **flags)
