"""`python -m course_grader` is `course-grader`."""

import sys

from .cli import run

sys.exit(run())
