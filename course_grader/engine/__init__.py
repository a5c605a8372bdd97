"""Where judging happens: the prepared process, and the workers that use it."""
