"""The attacks of tests/attacks against our grader, and against nbgrader as it comes."""

import sys

from ..units.unit import ROOT

# The corpus is the package `attacks` in tests/; payloads for pages are among the tests' helpers.
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "helpers")]
