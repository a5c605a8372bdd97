"""What the gradebook and the verdicts say about a class. Nothing here changes a grade."""
