"""What authors and CI run: `python -m course_author COMMAND`; without a command it lists them."""
