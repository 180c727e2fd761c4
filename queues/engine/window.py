"""The port to the doorbell: a small window of due runs' ids per queue, which wakes workers. The ledger is the truth.

The window says that there is something to do; what comes next, the ledger says. So whatever the window loses, doubles
or holds too long is harmless. Implementations: queues.engine.broker (Redis), and a fake in the tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from queues.errors import TransientError

WINDOW = 500  # ids a queue's window holds at most


class DoorbellAway(TransientError):
    """Redis does not answer. Nothing is lost: workers fall back on the ledger until it is back."""

    code = "redis_away"


@dataclass(frozen=True)
class Listed:
    """A run as the window lists it; `job` is for the people who look with stock tools."""

    id: UUID
    job: str


class Window(Protocol):
    def offer(self, queue: str, runs: Sequence[Listed], *, fresh: bool = False) -> int:
        """Add what is not in the window yet, while there is room. Returns how many were added. DoorbellAway.

        `fresh`: these were made just now, so that nobody can have listed them.
        """

    def take(self, queues: Sequence[str], timeout_s: float) -> tuple[str, UUID] | None:
        """Take the first id of the first queue that has one, waiting for it. None after `timeout_s`. DoorbellAway."""

    def drop(self, queue: str, taken: UUID | None, claimed: Sequence[UUID]) -> None:
        """These are in a worker's hands now, or were listed in vain: `taken` came from `take`. DoorbellAway."""

    def ids(self, queue: str) -> list[UUID]:
        """What the window lists. DoorbellAway."""
