"""From the ledger into the window: at once after the commit, and again and again until every due run is listed."""

from __future__ import annotations

import logging
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db.models import Q

from queues import failpoints
from queues.engine.broker import RedisWindow
from queues.engine.window import WINDOW, DoorbellAway, Listed, Window
from queues.ledger import states
from queues.ledger.queue_settings import effective
from queues.models import JobDefinition, Run

log = logging.getLogger("roundsman.release")
_window: Window = RedisWindow()
_away = threading.Event()


def window() -> Window:
    """The window of this process."""
    return _window


def release_runs(pairs: Iterable[tuple[str, UUID]], to: Window | None = None, *, front: bool = False) -> int:
    """Offer runs by (queue, id); `front` before all others (they were taken before, and stopped through no fault
    of theirs). A Redis that is away is no error: the reconciler offers them when it is back."""
    wanted = [run_id for _, run_id in pairs]
    rows = Run.objects.filter(id__in=wanted, state=states.PENDING).order_by("-priority", "id")
    return release_listed(
        [
            (queue, priority, Listed(run_id, job))
            for queue, priority, run_id, job in rows.values_list("queue", "priority", "id", "job")
        ],
        to,
        front=front,
    )


def release_listed(
    rows: Sequence[tuple[str, int, Listed]], to: Window | None = None, *, front: bool = False, fresh: bool = False
) -> int:
    """Offer runs that are known to be due: (queue, priority, listed). Urgent ones (priority above 0) go to the front."""
    target, added = to or _window, 0
    groups: dict[tuple[str, bool], list[Listed]] = defaultdict(list)
    for queue, priority, listed in rows:
        groups[queue, front or priority > 0].append(listed)
    try:
        for (queue, first), runs in groups.items():
            added += target.offer(queue, runs[:WINDOW], front=first, fresh=fresh)
        failpoints.reach("release.offered")
        _away.clear()
    except DoorbellAway as error:
        if not _away.is_set():
            log.warning("%s", error)
        _away.set()  # told once; the reconcilers offer the runs when it is back
    return added


def refill(queue: str, to: Window | None = None) -> int:
    """Offer the most urgent due runs that are not listed. Raises DoorbellAway and DatabaseError."""
    return (to or _window).offer(queue, candidates(queue))


def candidates(queue: str, limit: int = WINDOW) -> list[Listed]:
    """The due runs of a queue, most urgent first: those that a claim could take now. None of a queue that is closed."""
    in_force = effective(queue)
    if not in_force.open:
        return []
    rows = Run.objects.filter(queue=queue, state=states.PENDING).order_by("-priority", "due_at", "id")
    if in_force.drain_at is not None:
        rows = rows.filter(created_at__lte=in_force.drain_at)
    busy = Counter(
        key
        for key, _ in Run.objects.filter(~Q(concurrency_key=""), queue=queue, state=states.RUNNING)
        .values_list("concurrency_key", "lease_token")
        .distinct()
    )
    for held, keys in _by_count(busy).items():
        rows = rows.exclude(concurrency_key__in=keys, key_limit__lte=held)
    full = _full_definitions()
    if full:
        rows = rows.exclude(definition_id__in=full)
    return [Listed(run_id, job) for run_id, job in rows.values_list("id", "job")[:limit]]


def _by_count(busy: Counter[str]) -> dict[int, list[str]]:
    groups: dict[int, list[str]] = defaultdict(list)
    for key, count in busy.items():
        groups[count].append(key)
    return groups


def _full_definitions() -> list[int]:
    """Definitions that have as many runs going as they may."""
    limits = dict(JobDefinition.objects.filter(concurrency__isnull=False).values_list("pk", "concurrency"))
    if not limits:
        return []
    running = Run.objects.filter(definition__in=limits, state=states.RUNNING).order_by()
    held = Counter(pk for pk, _ in running.values_list("definition_id", "lease_token").distinct())
    return [pk for pk, limit in limits.items() if limit is not None and held[pk] >= limit]
