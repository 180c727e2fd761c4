"""Who gives a command."""

from __future__ import annotations

import getpass

from queues.contract import Actor


def actor() -> Actor:
    """Whoever is signed in on this machine."""
    try:
        who = getpass.getuser()
    except (KeyError, OSError):  # a process without a name, as in some containers
        who = "somebody"
    return Actor(label=f"{who} (manage.py)", source="command")
