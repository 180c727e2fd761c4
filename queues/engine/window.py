"""The port to the doorbell: a small window of due runs' ids per queue, which wakes workers. The ledger is the truth.

Whatever the window loses or doubles is harmless: an id that is missing is offered again by the reconciler, an id
that comes twice is claimed once. Implementations: queues.engine.broker (Redis), and a fake in the tests.
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
    def offer(self, queue: str, runs: Sequence[Listed], *, front: bool = False, fresh: bool = False) -> int:
        """Add what is not in the window yet, while there is room. Returns how many were added. DoorbellAway.

        `fresh`: these were made just now, so that nobody can have listed them.
        """

    def take(self, queues: Sequence[str], timeout_s: float) -> tuple[str, UUID] | None:
        """Wait for the first id of the first queue that has one. None after `timeout_s`. DoorbellAway."""

    def take_more(self, queue: str, count: int) -> tuple[list[UUID], int]:
        """Up to `count` further ids at once, and how many are left in the window. DoorbellAway."""

    def put_back(self, queue: str, ids: Sequence[UUID]) -> None:
        """Ids that could not be claimed now go to the front again. DoorbellAway."""

    def forget(self, ids: Sequence[UUID]) -> None:
        """Drop what is kept of ids that were taken: they are the worker's now. DoorbellAway."""

    def ids(self, queue: str) -> list[UUID]:
        """What the window lists. DoorbellAway."""
