"""An outbound call's states and what may follow what. Pure; docs/states.md draws it and a test holds the two together."""

from __future__ import annotations

from queues.errors import WrongState

PENDING, SENDING, DONE, REFUSED, UNKNOWN = "pending", "sending", "done", "refused", "unknown"

OPEN = frozenset({PENDING, SENDING, UNKNOWN})
CLOSED = frozenset({DONE, REFUSED})

MAY_FOLLOW: dict[str, frozenset[str]] = {
    PENDING: frozenset({SENDING, REFUSED}),  # taken by who sends it; withdrawn by a person
    SENDING: frozenset({DONE, REFUSED, UNKNOWN, PENDING}),  # answered; no answer, or its sender died; surely not sent
    # found out, or told by a person; surely not there; sent again under the same idempotency key
    UNKNOWN: frozenset({DONE, REFUSED, PENDING, SENDING}),
    DONE: frozenset(),
    REFUSED: frozenset(),
}


def require(before: str, after: str) -> None:
    """Raise WrongState unless `after` may follow `before`."""
    if after not in MAY_FOLLOW[before]:
        raise WrongState(f"A call that is {before} cannot become {after}.")
