"""`python -m course_grader` is `course-grader`."""

import sys

from .cli.main import run

sys.exit(run())
