"""The command line `roundsman`. Exit codes are in `main`."""
