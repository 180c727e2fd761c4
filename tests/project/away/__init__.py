"""A whole house of real processes on servers of its own, for tests that take the servers away."""
