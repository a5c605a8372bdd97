"""`python -m course_grader.lint [UNIT ...]`: one line for each fault of the units' test cells."""

import sys

from .lint import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
