"""The commands of `course-grader`: arguments in, lines or JSON out."""
