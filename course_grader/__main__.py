"""`python -m course_grader` is `course-grader`."""

import sys

from .cli import main

sys.exit(main())
