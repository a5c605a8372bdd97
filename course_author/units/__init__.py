"""A unit of the course: its text, the notebook built from it, and the release that nbgrader makes of that."""
