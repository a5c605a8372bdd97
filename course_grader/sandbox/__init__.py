"""A fork that may run anything: what the kernel keeps from it, and the trials that show that it holds."""
