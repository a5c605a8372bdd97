"""What nbgrader's formgrader shows of students' work, made harmless."""
