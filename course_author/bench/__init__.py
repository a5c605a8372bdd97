"""How fast a class and one submission are graded, and how well chapter 5's networks learn."""
