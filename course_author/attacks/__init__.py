"""The attacks of tests/attacks against our grader, and against nbgrader as it comes."""

import sys

from ..units.unit import ROOT

sys.path.insert(0, str(ROOT / "tests"))  # the corpus is the package `attacks` there
