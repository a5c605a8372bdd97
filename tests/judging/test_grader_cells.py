"""A cell's time: who is interrupted, when, and that whoever is being interrupted is not torn."""

import subprocess
import sys
import textwrap

import pytest


def printed(body, cpu=60, wall=60, inside="interruptible()"):
    """What a process prints that runs `body` inside the timers' reach."""
    code = f"""
import signal
from course_grader.judging.cells import OutOfTime, interruptible, start_timers, stop_timers, uninterrupted

def both():
    timers = signal.SIGPROF, signal.SIGALRM
    signal.pthread_sigmask(signal.SIG_BLOCK, timers)
    for timer in timers:
        signal.raise_signal(timer)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, timers)

start_timers({cpu}, {wall})
try:
    with {inside}:
{textwrap.indent(textwrap.dedent(body), " " * 8)}
except OutOfTime as error:
    print(error)
finally:
    stop_timers()
print("lived")
"""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize(("cpu", "wall", "said"), [(0.2, 60, "0.2 s of CPU time"), (60, 0.2, "0.2 s")])
def test_whichever_time_is_over_is_named(cpu, wall, said):
    assert printed("while True: abs(-1)", cpu, wall) == [f"ran longer than {said}", "lived"]


def test_what_swallows_the_exception_is_asked_again():
    body = """
    try:
        while True: abs(-1)
    except OutOfTime:
        while True: abs(-1)
    """
    assert printed(body, cpu=0.1) == ["ran longer than 0.1 s of CPU time", "lived"]


def test_two_timers_that_end_in_one_moment_ring_once():
    """The second exception would meet the code that handles the first: it once ended the whole process."""
    body = """
    try:
        both()
    except OutOfTime:
        for _ in range(1000): abs(-1)
        print("handled")
    """
    assert printed(body) == ["handled", "lived"]


@pytest.mark.parametrize("inside", ["interruptible(), uninterrupted()", "open('/dev/null')"])
def test_what_must_not_be_torn_is_not(inside):
    assert printed("both()", inside=inside) == ["lived"]
