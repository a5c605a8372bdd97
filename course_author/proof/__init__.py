"""What proves that the units are right: answers, mutants, a graded class, and the tests and notebooks themselves."""
