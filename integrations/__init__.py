"""What stands outside: each package implements the ports of the domains that need it."""
