"""From submitted/ to the gradebook, for a class or for one."""
