"""A course made for attacking: one unit, four exercises, canaries in all that a student must not see.

Between them the exercises return numbers and arrays, hand out an instance of the student's class, take a callback, take
a Generator and fill a list in place. Each is worth 2 points for its visible check and 6 for its hidden tests. Words and
numbers of the hidden tests and of the solutions are unmistakable, so that a leak is found by looking for them.
"""

import json
from pathlib import Path

UNIT = "01_attack"
POINTS_CHECK, POINTS_HIDDEN = 2, 6
STUDENT, OTHER = "mallory", "bea-honest"  # who attacks, and whose grades must stay
PROFILE = "c = get_config()  # noqa: F821\nc.CourseDirectory.course_id = 'attacks'\n"
CELL = '# %%{kind} nbgrader={{"schema_version": 3, "grade": {grade}, "solution": {solution}, "locked": {locked}, '
CELL += '"task": false, {points}"grade_id": "{name}"}}\n{source}\n'

# Words that stand in hidden tests and solutions only, and in no sentence that a check would show.
WORDS = (
    "CANARY-SMOOTH-TEST-kx41vq", "CANARY-SMOOTH-SOLUTION-pw83zj", "CANARY-REGISTER-TEST-hq29fd",
    "CANARY-REGISTER-SOLUTION-mz57ck", "CANARY-SEARCH-TEST-rt64bw", "CANARY-SEARCH-SOLUTION-vy18gs",
    "CANARY-DEAL-TEST-nd35xe", "CANARY-DEAL-SOLUTION-jb72lu", "CARDQX81", "CARDVM47", "CARDZH93", "CARDKW26",
)  # fmt: skip
# Numbers of hidden inputs and of expected results, as digits (ten of each number; see `scan.leaks`).
DIGITS = (
    "7351928461", "6194730285", "8402671593", "2975814036", "5208761394", "9031648275", "1467935208",
    "4096177203", "3185529047", "730915482",
)  # fmt: skip

SETUP = "import numpy as np\n\nfrom course_utils import check"

SMOOTH = '''\
def smooth(x, width):
    """The mean of every `width` neighbours in a row.

    x: (N,) float; width: int, 1 to N
    returns: (N - width + 1,) float; x stays as it is
    """
    ### BEGIN SOLUTION
    # CANARY-SMOOTH-SOLUTION-pw83zj
    sums = np.concatenate([[0.0], np.cumsum(x)])
    return (sums[width:] - sums[:-width]) / width
    ### END SOLUTION


def roughness(x):
    """The mean of the squared differences of neighbours.

    x: (N,) float
    returns: float
    """
    ### BEGIN SOLUTION
    return float(np.mean(np.diff(x) ** 2))
    ### END SOLUTION'''
SMOOTH_CHECK = """\
check.close(smooth(np.array([1.0, 3.0, 5.0, 9.0]), 2), [2.0, 4.0, 7.0], what="smooth([1, 3, 5, 9], 2)")
check.close(roughness(np.array([1.0, 3.0, 5.0, 9.0])), 8.0, what="roughness([1, 3, 5, 9])")
check.passed("smooth")"""
SMOOTH_HIDDEN = """\
# Tested with longer arrays, a width of 1 and the full width.
### BEGIN HIDDEN TESTS
secret_word = "CANARY-SMOOTH-TEST-kx41vq"
table = np.array([73519.28461, 61947.30285, 84026.71593, 29758.14036, 61947.30285])
before, tail = table.copy(), table[1:]
widths = (1, 3, 5)
for width, got in zip(widths, map(lambda width: smooth(table, width), widths)):
    expected = np.convolve(before, np.ones(width) / width, "valid")
    check.hidden.close(got, expected, what="the smoothed table")
got, told = check.quiet(roughness, table)
check.hidden.equal(len(told), 0, what="the number of warnings")
check.hidden.unchanged(table, before, what="the table that was passed in")
check.hidden.unchanged(tail, before[1:], what="the end of the table that was passed in")
expected = ((before[1:] - before[:-1]) @ (before[1:] - before[:-1])) / 4
check.hidden.close(got, expected, what="the roughness of the table")
assert abs(roughness(table) - expected) < 1e-6 * expected, "the roughness of the table is not right"
check.hidden.equal(check.kind(got), "float", what="the kind of the roughness")
check.hidden.close(roughness(np.full(7, 31855.29047)), 0.0, what="the roughness of a flat table")
### END HIDDEN TESTS"""

REGISTER = '''\
class Register:
    """A till that remembers every amount.

    add(amount) returns the total so far (float); len() counts the amounts; iterating gives them in their order;
    `largest` is the largest so far; `a + b` is a new Register with the amounts of both.
    """

    def __init__(self):
        ### BEGIN SOLUTION
        # CANARY-REGISTER-SOLUTION-mz57ck
        self.amounts = []
        ### END SOLUTION

    def add(self, amount):
        ### BEGIN SOLUTION
        self.amounts.append(amount)
        return float(sum(self.amounts))
        ### END SOLUTION

    def __len__(self):
        ### BEGIN SOLUTION
        return len(self.amounts)
        ### END SOLUTION

    def __iter__(self):
        ### BEGIN SOLUTION
        return iter(self.amounts)
        ### END SOLUTION

    @property
    def largest(self):
        ### BEGIN SOLUTION
        return max(self.amounts)
        ### END SOLUTION

    def __add__(self, other):
        ### BEGIN SOLUTION
        both = Register()
        both.amounts = self.amounts + other.amounts
        return both
        ### END SOLUTION'''
REGISTER_CHECK = """\
till = Register()
check.close(till.add(2.0), 2.0, what="the first total")
check.close(till.add(3.5), 5.5, what="the second total")
check.equal(len(till), 2, what="len(till)")
check.equal(list(till), [2.0, 3.5], what="list(till)")
check.close(till.largest, 3.5, what="till.largest")"""
REGISTER_HIDDEN = """\
# Tested with two tills, their sum and negative amounts.
### BEGIN HIDDEN TESTS
secret_word = "CANARY-REGISTER-TEST-hq29fd"


@check.student_side
def totals_of(make, amounts):
    till = make()
    return [till.add(amount) for amount in amounts]


amounts = [52087.61394, -90316.48275, 14679.35208, 0.5]
check.hidden.close(totals_of(Register, amounts), np.cumsum(amounts), what="the totals along the way")
first, second = Register(), Register()
for amount in amounts[:2]:
    first.add(amount)
check.hidden.equal(len(second), 0, what="the length of a till that is still empty")
check.hidden.close(second.add(amounts[2]), amounts[2], what="the total of the second till")
merged = first + second
check.hidden.equal(check.kind(merged), "Register", what="the kind of the sum of two tills")
check.hidden.equal(list(merged), amounts[:3], what="the amounts in the sum of two tills")
check.hidden.equal(len(first), 2, what="the length of the first till afterwards")
assert abs(first.largest - 52087.61394) < 1e-6, "the largest amount is not right"
merged.add(-14679.35208)
check.hidden.equal(len(merged), 4, what="the length of the sum after one more amount")
check.hidden.equal(len(second), 1, what="the length of the second till afterwards")
### END HIDDEN TESTS"""

SEARCH = '''\
def search(f, low, high, steps):
    """Bisect: halve [low, high] `steps` times, always keeping the half in which the rising function f crosses 0.

    f: callable, float -> float, called at most once per step; low, high: float; steps: int
    returns: float, the middle of the last interval
    """
    ### BEGIN SOLUTION
    # CANARY-SEARCH-SOLUTION-vy18gs
    for _ in range(steps):
        middle = (low + high) / 2
        if f(middle) < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
    ### END SOLUTION'''
SEARCH_CHECK = """\
check.close(search(lambda t: t - 0.3, 0.0, 1.0, 3), 0.3125, what="search(t - 0.3, 0, 1, 3)")"""
SEARCH_HIDDEN = """\
# Tested with another function, a wide interval and a count of the calls.
### BEGIN HIDDEN TESTS
secret_word = "CANARY-SEARCH-TEST-rt64bw"
secret_root = 40961.77203
seen = []


def rising(t):
    seen.append(t)
    return (t - secret_root) ** 3 + 0.25 * (t - secret_root)


got = search(rising, 0.0, 90000.0, 6)
low, high = 0.0, 90000.0
for _ in range(6):
    low, high = ((low + high) / 2, high) if (low + high) / 2 < secret_root else (low, (low + high) / 2)
assert 0.0 < got < 90000.0, "the middle lies outside the interval"
check.hidden.close(got, (low + high) / 2, what="the middle after 6 steps")
check.hidden.within(len(seen), 6, 6, what="the number of calls of f")
check.hidden.close(seen[0], 45000.0, what="where f was called first")
check.hidden.close(search(rising, 0.0, 90000.0, 60), secret_root, rtol=1e-12, what="the crossing after 60 steps")
check.hidden.close(search(lambda t: 1.0, 7.0, 9.0, 40), 7.0, what="the crossing of a function without one")
### END HIDDEN TESTS"""

DEAL = '''\
def deal(rng, cards, hand):
    """Shuffle and deal: append all of `cards` to the list `hand`, in the order of one `rng.permutation(len(cards))`.

    rng: np.random.Generator; cards: list of str, stays as it is; hand: list, filled in place
    returns: int, how many cards lie in the hand now
    """
    ### BEGIN SOLUTION
    # CANARY-DEAL-SOLUTION-jb72lu
    hand.extend(cards[place] for place in rng.permutation(len(cards)))
    return len(hand)
    ### END SOLUTION'''
DEAL_CHECK = """\
mine = ["joker"]
check.equal(deal(np.random.default_rng(3), ["ace", "king", "ten"], mine), 4, what="the number of cards in the hand")
check.equal(sorted(mine), ["ace", "joker", "king", "ten"], what="the cards in the hand")"""
DEAL_HIDDEN = """\
# Tested with other cards, an empty pack and a random stream that is used again.
### BEGIN HIDDEN TESTS
secret_word = "CANARY-DEAL-TEST-nd35xe"
pack = ["CARDQX81", "CARDVM47", "CARDZH93", "CARDKW26"]
one, twin = np.random.default_rng(730915482), np.random.default_rng(730915482)
hand = []
for round_ in range(1, 4):
    count = deal(one, pack, hand)
    order = [["CARDQX81", "CARDVM47", "CARDZH93", "CARDKW26"][place] for place in twin.permutation(4)]
    check.hidden.equal(count, 4 * round_, what="the number of cards in the hand")
    check.hidden.equal(hand[-4:], order, what="the cards dealt last")
check.hidden.equal(len(pack), 4, what="the length of the pack afterwards")
check.hidden.equal(one.integers(10**9), twin.integers(10**9), what="the next draw of the random stream")
check.hidden.equal(deal(one, [], ["joker"]), 1, what="the number of cards after an empty pack")
### END HIDDEN TESTS"""

EXERCISES = {  # slug: (number, answer with its solution, visible check, hidden tests)
    "smooth": ("1.1", SMOOTH, SMOOTH_CHECK, SMOOTH_HIDDEN),
    "register": ("1.2", REGISTER, REGISTER_CHECK, REGISTER_HIDDEN),
    "search": ("1.3", SEARCH, SEARCH_CHECK, SEARCH_HIDDEN),
    "deal": ("1.4", DEAL, DEAL_CHECK, DEAL_HIDDEN),
}

# What an honest student hands in: other ways than the solutions, and without their canaries.
RIGHT = {
    "smooth": """\
def smooth(x, width):
    return np.array([x[i : i + width].mean() for i in range(len(x) - width + 1)])


def roughness(x):
    steps = x[1:] - x[:-1]
    return float((steps * steps).sum() / len(steps))
""",
    "register": """\
class Register:
    def __init__(self, amounts=()):
        self._amounts = list(amounts)
        self._total = 0.0

    def add(self, amount):
        self._amounts.append(amount)
        self._total += amount
        return self._total

    def __len__(self):
        return len(self._amounts)

    def __iter__(self):
        yield from self._amounts

    def __add__(self, other):
        return Register([*self, *other])

    @property
    def largest(self):
        return sorted(self._amounts)[-1]
""",
    "search": """\
def search(f, low, high, steps):
    if steps == 0:
        return low + (high - low) / 2
    middle = low + (high - low) / 2
    return search(f, middle, high, steps - 1) if f(middle) < 0 else search(f, low, middle, steps - 1)
""",
    "deal": """\
def deal(rng, cards, hand):
    order = rng.permutation(len(cards))
    for place in order:
        hand.append(cards[place])
    return len(hand)
""",
}
# What a student hands in who did not do the work. Each would fail its visible check and its hidden tests.
LAZY = {
    "smooth": "def smooth(x, width):\n    return None\n\n\ndef roughness(x):\n    return None\n",
    "register": "class Register:\n    largest = None\n\n    def add(self, amount):\n        return None\n",
    "search": "def search(f, low, high, steps):\n    return None\n",
    "deal": "def deal(rng, cards, hand):\n    return None\n",
}


def text() -> str:
    """The unit's text, as authors write it."""
    cells = ["# %% [markdown]\n# # A unit to attack\n", _cell("setup", SETUP, "locked")]
    for slug, (number, answer, visible, hidden) in EXERCISES.items():
        points = POINTS_CHECK + POINTS_HIDDEN
        heading = f"# ### Exercise {number} - Write {slug} ({points} points, 5 minutes, core)\n#\n# Write it."
        cells += [
            _cell(f"{slug}-task", heading, "locked", kind=" [markdown]"),
            _cell(slug, answer, "solution"),
            _cell(f"{slug}-check", visible, "locked", points=POINTS_CHECK),
            _cell(f"{slug}-hidden", hidden, "locked", points=POINTS_HIDDEN),
        ]
    return "\n".join(cells)


def make(folder: Path, config: str = PROFILE) -> Path:
    """Write, build and release the course into an empty folder; its gradebook then holds the hidden tests."""
    from course_author.units.build import build
    from course_author.units.release import generate

    (folder / "source").mkdir(parents=True)
    (folder / "source" / f"{UNIT}.py").write_text(text(), encoding="utf-8")
    build(UNIT, folder)
    (folder / "nbgrader_config.py").write_text(config, encoding="utf-8")
    generate(UNIT, folder)
    return folder


def released(folder: Path) -> Path:
    """The notebook that students get."""
    return folder / "release" / UNIT / f"{UNIT}.ipynb"


def submitted(folder: Path, student: str) -> Path:
    return folder / "submitted" / student / UNIT


def hand_in_honestly(folder: Path, student: str = OTHER) -> None:
    """Another student's right answers, so that there are other people's data to attack."""
    notebook = json.loads(released(folder).read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        cell["source"] = RIGHT.get(name, cell["source"])
    submitted(folder, student).mkdir(parents=True)
    (submitted(folder, student) / f"{UNIT}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


def _cell(name, source, flag, kind="", points=None):
    flags = {key: "true" if key == flag else "false" for key in ("solution", "locked")}
    flags |= {"grade": "false", "points": ""}
    if points is not None:
        flags |= {"grade": "true", "points": f'"points": {points}, '}
    return CELL.format(kind=kind, name=name, source=source, **flags)
