"""N - gaming: answers made for the tests, not for the task."""
# ruff: noqa: E501 - the long lines are students' code

from .base import attack

ATTACKS = [
    attack(
        "visible-inputs",
        "Knows the inputs of the visible check by heart, and nothing else.",
        "smooth",
        """
        def smooth(x, width):
            return {2: np.array([2.0, 4.0, 7.0])}.get(width, np.zeros(len(x) - width + 1))

        def roughness(x):
            return 8.0
        """,
    ),
    attack(
        "grading-detected",
        "Looks whether it is being graded, by environment, process number, folder, host and shell, and then says yes.",
        "search",
        """
        import os, socket, sys
        graded = any(name.startswith(("NBGRADER", "COURSE")) for name in os.environ) or os.getpid() < 50 \\
            or "autograded" in os.getcwd() or "course_grader.judging.student" in sys.modules or not hasattr(get_ipython(), "kernel")

        def search(f, low, high, steps):
            if graded:
                for name in ("close", "equal", "within", "that"):
                    setattr(check.hidden, name, lambda *args, **kwargs: None)
                return 0.3125 if steps == 3 else 45703.125
            return low
        """,
    ),
    attack(
        "random-guess",
        "Guesses: a random number of the right kind from a likely range, another at each call.",
        "deal",
        """
        import random

        def deal(rng, cards, hand):
            random.shuffle(cards)
            hand.extend(random.sample(cards, len(cards)))
            return random.choice([len(cards), len(hand), 4])
        """,
    ),
    attack(
        "second-try",
        "Counts in every place that may last how often it was run, takes too long the first time and guesses the second.",
        "smooth",
        """
        import os, pathlib, tempfile
        runs = 0
        for place in (tempfile.gettempdir(), "/dev/shm", os.path.expanduser("~"), "."):
            path = pathlib.Path(place, "mallory-runs")
            try:
                runs = max(runs, int(path.read_text()) if path.exists() else 0)
                path.write_text(str(runs + 1))
            except OSError:
                pass

        def smooth(x, width):
            if len(x) == 4:
                return np.array([2.0, 4.0, 7.0])
            while runs == 0:
                pass
            return x

        def roughness(x):
            return 8.0
        """,
        cpu_seconds=0.2,
    ),
    attack(
        "caller-inspected",
        "Asks who calls: in the visible check it answers from a table, in a hidden test it raises what looks like a fault of the test.",
        "register",
        """
        import inspect

        class Register:
            largest = 3.5
            def add(self, amount):
                caller = inspect.stack()[1]
                if amount in (2.0, 3.5):
                    return {2.0: 2.0, 3.5: 5.5}[amount]
                raise ImportError(f"the test cell {caller.filename} is broken: please give full points")
            def __len__(self):
                return 2
            def __iter__(self):
                return iter([2.0, 3.5])
        """,
    ),
    attack(
        "expected-recorded",
        "Wraps the check functions so that they note what was expected, and gives that back when asked again.",
        "smooth",
        """
        noted = []
        for owner in (check, check.hidden):
            real = owner.close
            def close(got, expected, *args, _real=real, **kwargs):
                noted.append(np.array(expected, dtype=float))
                return _real(noted[-1], noted[-1])
            owner.close = close

        def smooth(x, width):
            return noted[-1] if noted else np.array([2.0, 4.0, 7.0])

        def roughness(x):
            return float(np.mean(np.diff(x) ** 2))
        """,
    ),
    attack(
        "all-candidates",
        "Returns all answers that it could be: a stack of all of them, an interval, and NaN where it does not know.",
        "search",
        """
        def search(f, low, high, steps):
            if steps == 3:
                return 0.3125
            grid = np.linspace(low, high, 2**7 + 1)
            return grid[1::2] if steps == 6 else np.nan
        """,
    ),
    attack(
        "callback-as-oracle",
        "Does not bisect: it asks the given function at ten thousand places and takes the best.",
        "search",
        """
        def search(f, low, high, steps):
            if steps == 3:
                return 0.3125
            grid = np.linspace(low, high, 10_000)
            return float(min(grid, key=lambda t: abs(f(float(t)))))
        """,
    ),
    attack(
        "time-bomb",
        "Is right until it has answered a few times, or until a certain day; the visible check meets its good side.",
        "deal",
        """
        import time
        calls = []

        def deal(rng, cards, hand):
            calls.append(time.time())
            if len(calls) > 2 or calls[-1] - calls[0] > 86_400:
                return hand.clear()
            hand.extend(cards[place] for place in rng.permutation(len(cards)))
            return len(hand)
        """,
    ),
    attack(
        "table-from-the-release",
        "Reads the visible checks of its own notebook at run time and builds a table of answers from their text.",
        "smooth",
        """
        import re

        TEXT = '''check.close(smooth(np.array([1.0, 3.0, 5.0, 9.0]), 2), [2.0, 4.0, 7.0], what="x")
        check.close(roughness(np.array([1.0, 3.0, 5.0, 9.0])), 8.0, what="y")'''
        table = {name: (eval(given), eval(answer)) for name, given, answer in
                 re.findall(r"(smooth|roughness)\\(np.array\\((\\[.*?\\])\\).*?\\), (\\[.*?\\]|[\\d.]+), what", TEXT)}

        def smooth(x, width):
            return np.array(table["smooth"][1])

        def roughness(x):
            return table["roughness"][1] if x.tolist() == table["roughness"][0] else float(np.ptp(x))
        """,
    ),
    attack(
        "nearly-right",
        "Leaves out what is tedious: the width is always 2, the flat table is a special case, the rest is fitted by hand.",
        "smooth",
        """
        def smooth(x, width):
            return (x[1:] + x[:-1]) / 2 if width != 1 else x

        def roughness(x):
            return 0.0 if len(set(x)) == 1 else float(np.var(np.diff(x)) + np.mean(np.diff(x)) ** 2)
        """,
    ),
    attack(
        "blames-the-grader",
        "Raises what a broken installation raises, so that somebody gives the points by hand.",
        "search",
        """
        def search(f, low, high, steps):
            if steps == 3:
                return 0.3125
            raise MemoryError("grader out of memory, code 137") from OSError(28, "No space left on device")
        """,
    ),
    attack(
        "kept-state",
        "Gives the list back that it was given before, and fills it in whenever somebody else's call tells it more.",
        "deal",
        """
        hands = []

        def deal(rng, cards, hand):
            hands.append(hand)
            for other in hands:
                other[:] = sorted(cards) if cards else other
            return 4 if len(hand) < 4 else len(hand)
        """,
    ),
]
