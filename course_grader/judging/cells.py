"""Compile a cell, run it, and interrupt it when its time is over: plain Python, whatever process it happens in."""

from __future__ import annotations

import ast
import contextlib
import signal
import time

EVERY = 0.5  # seconds between two rings of a timer, once its time is over


class OutOfTime(BaseException):
    """Raised inside a cell by the timers; BaseException, so that `except Exception` does not swallow it."""


def execute(source: str, filename: str, namespace: dict):
    """Run a cell of plain Python; return the value of its last expression, as a notebook would show it."""
    return run_compiled(compile_cell(source, filename), namespace)


def compile_cell(source: str, filename: str) -> tuple:
    """A cell's code: (all but its last expression, that expression or None, is its value to be shown?)."""
    tree = ast.parse(source, filename)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    value = last and compile(ast.Expression(last.value), filename, "eval")
    return compile(tree, filename, "exec"), value, not source.rstrip().endswith(";")


def run_compiled(code: tuple, namespace: dict):
    """Run what `compile_cell` made; returns what `execute` does."""
    body, last, shown = code
    exec(body, namespace)
    if last is None:
        return None
    value = eval(last, namespace)
    return value if shown else None


def start_timers(cpu_seconds: float, wall_seconds: float) -> None:
    """Raise OutOfTime in the running code after so much CPU time, or (generous) time on the clock."""
    rang = -1.0

    def stop(number, frame):
        nonlocal rang
        # Not in code of ours, which must not be torn; and where both timers end at once, they ring once: the second
        # exception would meet the code that handles the first.
        if not _interruptible or time.monotonic() - rang < EVERY / 2:
            return
        rang = time.monotonic()
        spent = f"{cpu_seconds:g} s of CPU time" if number == signal.SIGPROF else f"{wall_seconds:g} s"
        raise OutOfTime(f"ran longer than {spent}")

    signal.signal(signal.SIGPROF, stop)
    signal.signal(signal.SIGALRM, stop)
    # Again and again: code that swallows the first one is asked once more, until the sandbox ends it.
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds, EVERY)
    signal.setitimer(signal.ITIMER_REAL, wall_seconds, EVERY)


@contextlib.contextmanager
def interruptible():
    """Inside, the timers may raise OutOfTime."""
    global _interruptible
    before, _interruptible = _interruptible, True
    try:
        yield
    finally:
        _interruptible = before


@contextlib.contextmanager
def uninterrupted():
    """Inside, they may not, whatever they may around it."""
    global _interruptible
    before, _interruptible = _interruptible, False
    try:
        yield
    finally:
        _interruptible = before


_interruptible = False


def stop_timers() -> None:
    """From here on nothing is interrupted."""
    global _interruptible
    _interruptible = False
    for timer in (signal.ITIMER_PROF, signal.ITIMER_REAL):
        with contextlib.suppress(ValueError):
            signal.setitimer(timer, 0)
