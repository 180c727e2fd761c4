"""Which queue a worker asks next: the most important one that has something, and nobody for ever the last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from queues.ledger.claim import Claimed
from queues.ledger.queue_settings import QueueSettings

FULL_FOR_S = 0.2  # a queue that has no free slot is asked again after this
NOTHING_FOR_S = 0.02  # and one from which nothing could be taken, its bell having rung
SETTINGS_EVERY_S = 1.0
FAIR_TURN = 8  # one claim in so many goes to the queue that has waited longest


class Turns:
    """`queues` in order of rank. Times are monotonic seconds. For the worker's own thread; `freed` may come from another."""

    def __init__(self, queues: Sequence[str]) -> None:
        self.queues = list(queues)
        self.open: list[str] = []
        self.drains: dict[str, datetime | None] = {}
        self.concurrency: dict[str, int] = {}
        self.batching: set[str] = set()
        self.threaded: set[str] = set()
        self._read_s: float | None = None
        self._not_before: dict[str, float] = {}
        self._more: set[str] = set()  # where the last claim left something
        self._deep: set[str] = set()  # of these, where claims may run ahead of the slots
        self._asked_s: dict[str, float] = {}
        self._claims = 0

    def is_stale(self, now_s: float) -> bool:
        """Whether the queues' settings should be read again."""
        return self._read_s is None or now_s - self._read_s > SETTINGS_EVERY_S

    def read(self, in_force: Mapping[str, QueueSettings], now_s: float) -> None:
        self.open = [name for name in self.queues if in_force[name].open]
        self.drains = {name: in_force[name].drain_at for name in self.open}
        self.concurrency = {name: in_force[name].concurrency for name in self.open}
        self.threaded = {name for name in self.open if in_force[name].executor == "threads"}
        self.batching = {name for name in self.open if in_force[name].batch}
        self._read_s = now_s

    def askable(self, now_s: float) -> list[str]:
        """Open queues, without those that are put aside; the most important first, or in a fair turn who waited longest."""
        queues = [name for name in self.open if self._not_before.get(name, 0.0) <= now_s]
        if self._is_fair:
            queues.sort(key=lambda name: self._asked_s.get(name, 0.0))
        return queues

    @property
    def _is_fair(self) -> bool:
        return self._claims % FAIR_TURN == FAIR_TURN - 1

    def deep(self) -> str | None:
        """The queue whose runs may be claimed for slots that are still busy. None in a fair turn, which takes a free
        slot, wherever others may be waiting for one."""
        if self._is_fair and len(self.open) > 1:
            return None
        return next((name for name in self.open if name in self._deep), None)

    def split(self, queues: Sequence[str]) -> tuple[Sequence[str], str | None]:
        """(those whose bell goes first, the first one that is known to have more; None: none is)."""
        for index, name in enumerate(queues):
            if name in self._more:
                return queues[:index], name
        return queues, None

    def put_aside(self, queue: str, until_s: float) -> None:
        """Nothing may be taken from it before then, or before a slot of it is free."""
        self._not_before[queue] = until_s

    def look_into(self, queues: Iterable[str]) -> None:
        """There may be something, though no bell rings."""
        self._more.update(queues)

    def claimed(self, queue: str, claimed: Claimed, now_s: float, *, rung: bool = True, ahead: bool = False) -> None:
        """What came of asking. One that gave nothing is put aside, so that others have their turn."""
        self._claims, self._asked_s[queue] = self._claims + 1, now_s
        (self._more.add if claimed.more else self._more.discard)(queue)
        (self._deep.add if ahead and claimed.more and claimed.batches else self._deep.discard)(queue)
        if claimed.wait_s or claimed.full or (rung and not claimed.batches):
            self._not_before[queue] = now_s + (claimed.wait_s or (FULL_FOR_S if claimed.full else NOTHING_FOR_S))

    def freed(self, queue: str) -> None:
        """A slot of the queue is free again."""
        self._not_before.pop(queue, None)
