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

    def offer(self, queue: str, runs: Sequence[Listed], *, front: bool = False, fresh: bool = False) -> int:
        with self._changed:
            self._here()
            listed = self.lists.setdefault(queue, [])
            room = WINDOW + (len(runs) if front else 0) - len(listed)
            added = [run.id for run in runs if run.id not in listed and run.id not in self.taken][: max(0, room)]
            listed[:] = [*added, *listed] if front else [*listed, *added]
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

    def take_more(self, queue: str, count: int) -> tuple[list[UUID], int]:
        with self._changed:
            self._here()
            listed = self.lists.setdefault(queue, [])
            more, listed[:] = listed[: max(0, count)], listed[max(0, count) :]
            self.taken.update(more)
            return more, len(listed)

    def put_back(self, queue: str, ids: Sequence[UUID]) -> None:
        with self._changed:
            self._here()
            self.taken.difference_update(ids)
            self.lists.setdefault(queue, [])[:0] = ids

    def forget(self, ids: Sequence[UUID]) -> None:
        self._here()
        self.taken.difference_update(ids)

    def ids(self, queue: str) -> list[UUID]:
        self._here()
        return list(self.lists.get(queue, []))

    def _here(self) -> None:
        if self.away:
            raise DoorbellAway("The fake doorbell is away.")
