"""A run's states and what may follow what. Pure; docs/states.md draws it and a test holds the two together."""

from __future__ import annotations

from queues.errors import WrongState

SCHEDULED, PENDING, RUNNING = "scheduled", "pending", "running"
SUCCEEDED, DEAD, CANCELLED = "succeeded", "dead", "cancelled"

LIVE = frozenset({SCHEDULED, PENDING, RUNNING})
FINISHED = frozenset({SUCCEEDED, DEAD, CANCELLED})

MAY_FOLLOW: dict[str, frozenset[str]] = {
    SCHEDULED: frozenset({PENDING, CANCELLED}),  # due; cancelled while it waits
    PENDING: frozenset({RUNNING, CANCELLED}),  # claimed; cancelled while it waits
    RUNNING: frozenset({SUCCEEDED, DEAD, CANCELLED, SCHEDULED, PENDING}),  # ends; backs off; given back or rescued
    SUCCEEDED: frozenset(),
    DEAD: frozenset({PENDING}),  # retried by hand
    CANCELLED: frozenset({PENDING}),  # retried by hand
}


def require(before: str, after: str) -> None:
    """Raise WrongState unless `after` may follow `before`."""
    if after not in MAY_FOLLOW[before]:
        raise WrongState(f"A run that is {before} cannot become {after}.")
