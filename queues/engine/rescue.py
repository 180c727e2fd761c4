"""Finding workers that are gone. A lease is dead when the same heartbeat number was seen for a whole lease.

The watching is done on this process's own monotonic clock, with the database reachable all the while: any error starts
the watch again, and between two looks a moment counts at most. So neither a clock that jumps, nor a database that was
away or stood still, nor a host that slept makes a healthy worker look lost.
"""

from __future__ import annotations

from uuid import UUID

from queues import failpoints
from queues.engine.identity import lock_is_free
from queues.ledger import runs


class LeaseWatch:
    """Remembers since when each worker's heartbeat number stands still. `lease_s` in seconds."""

    def __init__(self, lease_s: float) -> None:
        self.lease_s = lease_s
        self._seen: dict[UUID, tuple[int, float]] = {}
        self._looked_s: float | None = None
        self._watched_s = 0.0  # the time spent watching, which stands still while we are blind

    def forget(self) -> None:
        """The database was away: nobody could renew, so nothing seen before counts."""
        self._seen.clear()
        self._looked_s = None

    def lost(self, workers: list[tuple[UUID, int, str]], now_s: float) -> list[tuple[UUID, int]]:
        """Of (id, renewals, lock path): those whose lease is over, with the number last seen. `now_s` is monotonic."""
        if self._looked_s is not None:
            self._watched_s += min(now_s - self._looked_s, self.lease_s / 4)
        self._looked_s, watched_s = now_s, self._watched_s
        over, seen = [], {}
        for worker_id, renewals, lock_path in workers:
            before, since = self._seen.get(worker_id, (renewals, watched_s))
            seen[worker_id] = (renewals, since if before == renewals else watched_s)
            still = watched_s - seen[worker_id][1]
            if lock_is_free(lock_path) if lock_path else still >= self.lease_s:
                over.append((worker_id, renewals))
        self._seen = seen
        return over


def rescue_lost(watch: LeaseWatch, now_s: float) -> list[tuple[str, UUID]]:
    """One round: declare the lost, take their runs back. Returns (queue, id) to release. Raises DatabaseError."""
    for worker_id, renewals in watch.lost(runs.live_workers(), now_s):
        runs.declare_lost(worker_id, renewals)
        failpoints.reach("rescue.declared")
    return [pair for worker_id in runs.bereft_workers() for pair in runs.rescue(worker_id)]
