"""What authors and CI run: `python -m course_author COMMAND` (the list of commands: `python -m course_author --help`)."""
