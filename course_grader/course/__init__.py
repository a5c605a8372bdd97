"""What the instructor has: the course's settings, its gradebook and the plans of its notebooks."""
