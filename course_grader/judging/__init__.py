"""One submission: the judge's side, which is trusted, and the student's, which is not."""
