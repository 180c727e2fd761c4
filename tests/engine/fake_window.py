"""The window in memory, with the same promises as the one on Redis."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from uuid import UUID

from queues.engine.window import WINDOW, DoorbellAway, Listed


class FakeWindow:
    """`away = True` makes every call fail as an absent Redis does."""

    def __init__(self) -> None:
        self.lists: dict[str, list[UUID]] = {}
        self.taken: set[UUID] = set()
        self.away = False
        self._changed = threading.Condition()

    def offer(self, queue: str, runs: Sequence[Listed], *, fresh: bool = False) -> int:
        with self._changed:
            self._here()
            listed = self.lists.setdefault(queue, [])
            room = WINDOW - len(listed)
            added = [run.id for run in runs if run.id not in listed and run.id not in self.taken][: max(0, room)]
            listed += added
            self._changed.notify_all()
            return len(added)

    def take(self, queues: Sequence[str], timeout_s: float) -> tuple[str, UUID] | None:
        with self._changed:
            self._here()
            self._changed.wait_for(lambda: any(self.lists.get(queue) for queue in queues), timeout_s)
            for queue in queues:
                if self.lists.get(queue):
                    run_id = self.lists[queue].pop(0)
                    self.taken.add(run_id)
                    return queue, run_id
        return None

    def drop(self, queue: str, taken: UUID | None, claimed: Sequence[UUID]) -> None:
        with self._changed:
            self._here()
            self.taken.discard(taken)  # type: ignore[arg-type]
            self.lists[queue] = [run_id for run_id in self.lists.get(queue, []) if run_id not in set(claimed)]

    def ids(self, queue: str) -> list[UUID]:
        self._here()
        return list(self.lists.get(queue, []))

    def _here(self) -> None:
        if self.away:
            raise DoorbellAway("The fake doorbell is away.")
