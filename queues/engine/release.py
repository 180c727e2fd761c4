"""From the ledger into the window: at once after the commit, and again and again until every due run is listed."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from queues import failpoints
from queues.engine.broker import RedisWindow
from queues.engine.window import WINDOW, DoorbellAway, Listed, Window
from queues.ledger import states
from queues.ledger.pending import see_next
from queues.ledger.queue_settings import effective
from queues.models import Run

log = logging.getLogger("roundsman.release")
_window: Window = RedisWindow()
_away = threading.Event()


def window() -> Window:
    """The window of this process."""
    return _window


def release_runs(pairs: Iterable[tuple[str, UUID]], to: Window | None = None) -> int:
    """Offer runs by (queue, id). A Redis that is away is no error: the reconciler offers them when it is back."""
    wanted = [run_id for _, run_id in pairs]
    rows = Run.objects.filter(id__in=wanted, state=states.PENDING).order_by("-priority", "due_at", "id")
    return release_listed(
        [(queue, Listed(run_id, job)) for queue, run_id, job in rows.values_list("queue", "id", "job")], to
    )


def release_listed(rows: Sequence[tuple[str, Listed]], to: Window | None = None, *, fresh: bool = False) -> int:
    """Offer runs that are known to be due, by queue. `fresh`: made just now."""
    target, added = to or _window, 0
    groups: dict[str, list[Listed]] = defaultdict(list)
    for queue, listed in rows:
        groups[queue].append(listed)
    try:
        for queue, runs in groups.items():
            added += target.offer(queue, runs[:WINDOW], fresh=fresh)
        failpoints.reach("release.offered")
        _away.clear()
    except DoorbellAway as error:
        if not _away.is_set():
            log.warning("%s", error)
        _away.set()  # told once; the reconcilers offer the runs when it is back
    return added


def refill(queue: str, to: Window | None = None, limit: int = WINDOW) -> int:
    """Offer the most urgent due runs that are not listed. Raises DoorbellAway and DatabaseError."""
    return (to or _window).offer(queue, candidates(queue, limit))


def candidates(queue: str, limit: int = WINDOW) -> list[Listed]:
    """The due runs of a queue, most urgent first: those that a claim could take now. None of a queue that is closed."""
    in_force = effective(queue)
    if not in_force.open:
        return []
    return [Listed(run_id, job) for run_id, job in see_next(queue, limit, in_force.drain_at)]
