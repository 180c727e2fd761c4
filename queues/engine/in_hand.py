"""What a worker process holds at a moment, and how long each queue's runs take it.

Batches are taken by the worker's own thread, end in the slots' threads, and are freed by the writer's.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from queues.engine import limits
from queues.ledger import states
from queues.ledger.facts import Batch, Claim, Ending


class InHand:
    """A batch is held from its claim until its slot is free in the ledger. In between it may be over: all of it has run,
    though the last endings are not recorded yet."""

    def __init__(self) -> None:
        self._held: dict[UUID, Batch] = {}  # by their tokens
        self._over: dict[UUID, str] = {}  # (token, queue)
        self._mean_s: dict[str, float] = {}

    def mean_s(self, queue: str) -> float | None:
        """How long a run of this queue has taken lately; None: nothing is known."""
        return self._mean_s.get(queue)

    def take(self, batch: Batch) -> None:
        self._held[batch.token] = batch

    def busy(self, queue: str) -> int:
        """How many slots its batches have. What runs behind another that is not over has that one's."""
        held = {
            token: b.behind for token, b in list(self._held.items()) if b.queue == queue and token not in self._over
        }
        return sum(1 for behind in held.values() if behind not in held)

    def ended(self, claim: Claim, ending: Ending | None, last_of: UUID | None) -> bool:
        """Note the end of an execution. Whether somebody waits for it to be recorded."""
        if ending is not None:
            took_s = (ending.finished_at - ending.started_at).total_seconds()
            self._mean_s[claim.queue] = limits.smooth(self._mean_s.get(claim.queue), took_s)
        if last_of is not None:
            self._over[last_of] = claim.queue
        batch = self._held.get(claim.token)
        return ending is None or ending.state != states.SUCCEEDED or batch is None or batch.limited

    def over(self, queue: str) -> list[UUID]:
        """The tokens of those that have run, and of which the next claim need not count the slots."""
        return [token for token, of in list(self._over.items()) if of == queue]

    def told(self, tokens: Sequence[UUID]) -> None:
        """The ledger knows that these are over."""
        for token in tokens:
            self._over.pop(token, None)

    def freed(self, tokens: Sequence[UUID]) -> list[Batch]:
        """Their slots are free in the ledger. Returns those that were held."""
        freed = [batch for token in tokens if (batch := self._held.pop(token, None)) is not None]
        self.told(tokens)
        return freed
