"""What stops a command before it has begun. Standard library only."""

from __future__ import annotations


class CannotStart(Exception):
    """Its text is for the person at the terminal."""
