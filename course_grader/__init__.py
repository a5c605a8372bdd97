"""Grades nbgrader assignments: student code in a sandbox, the verdict in a process that it cannot reach."""
