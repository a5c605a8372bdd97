"""Probes: what has to run where the student's live objects are, and gives evidence, never a verdict."""

import itertools
import warnings

import numpy as np

from .errors import CheckFailed


def student_side(function):
    """Mark a probe that has to run where the student's live objects are.

    In a notebook, and under plain nbgrader, tests and answers share one process and this is the identity. The separate
    judge sends the source of a marked function to the student's process and gets plain data (numbers, strings, arrays)
    back. A probe therefore takes all its inputs as arguments and returns evidence, never a verdict.
    """
    function.__student_side__ = True
    return function


@student_side
def quiet(function, *args, **kwargs):
    """Call a function and collect the warnings it sets off, NumPy's floating-point ones included.

    Returns
    -------
    tuple
        The result of the call, and the list of warning texts. An honest underflow (a result too small to be told from
        0) is no warning here.
    """
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("always")
        result = function(*args, **kwargs)
    return result, [str(warning.message) for warning in caught]


@student_side
def _each(function, cases, options):
    return [function(*case, **options) for case in cases]


@student_side
def _raised(function, cases):
    """Evidence: for each case the names of what the call raises, from special to general; none if it raises nothing."""
    found = []
    for case in cases:
        try:
            function(*case)
        except NotImplementedError:
            raise  # the stub of an unanswered exercise speaks for itself
        except Exception as error:
            found.append([cls.__name__ for cls in type(error).__mro__])
        else:
            found.append([])
    return found


@student_side
def _items(iterable, most):
    return list(itertools.islice(iterable, most + 1))


class Evidence:
    """The probes of the checks' own, for where `student_side` lets them run."""

    def __init__(self, student_side):
        self.quiet, self.raised = student_side(quiet), student_side(_raised)
        self._each, self._items = student_side(_each), student_side(_items)

    def each(self, function, cases, **options):
        """Call a function with each of many arguments: ``[function(*case, **options) for case in cases]``.

        The separate judge sends all cases in one message, so a test of a hundred calls takes a tenth of the time that a
        loop of them would.

        Parameters
        ----------
        function : callable
        cases : iterable of sequences
            The positional arguments of each call.
        **options
            Passed to every call.

        Returns
        -------
        list
            One result for each case, in their order. What a call raises ends the others.
        """
        cases = [tuple(case) for case in cases]
        results = self._each(function, cases, options)
        if type(results) is not list or len(results) != len(cases):
            raise CheckFailed("Not every call gave a result.")
        return results

    def items(self, iterable, most=10_000):
        """What an iterable gives, as a list, in one message to the separate judge.

        Raises
        ------
        CheckFailed
            If it gives more than `most`: it may never end.
        """
        found = self._items(iterable, most)
        if type(found) is not list or len(found) > most:
            raise CheckFailed(f"An iteration gave more than {most} items: it may never end.")
        return found
