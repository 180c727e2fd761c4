"""What is in force for a queue: the admin's value, else the environment's, else the catalogue's; under the switches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings

from queues import catalogue, rates
from queues.ledger import clock, switches
from queues.models import Queue

PLAIN_SLOTS, PLAIN_RATE = 3, "10/s"


@dataclass(frozen=True)
class QueueSettings:
    """In force now. `concurrency`: slots over all workers; `rate_limit`: "30/s", "100/min" or "" for none.

    `drain_at`: the queue is draining, and runs created later are not taken until it is resumed. `batch`: a slot may take
    several runs at once. `plain`: the switch `optimization` is off.
    """

    name: str
    title: str
    rank: str
    enabled: bool
    concurrency: int
    memory_limit_mb: int
    rate_limit: str
    batch: bool
    executor: str
    paused: bool
    paused_until: datetime | None = None
    pause_reason: str = ""
    paused_by: str = ""
    drain_at: datetime | None = None
    drain_reason: str = ""
    drain_by: str = ""
    plain: bool = False

    @property
    def open(self) -> bool:
        """Whether workers may take from it."""
        return self.enabled and not self.paused

    @property
    def draining(self) -> bool:
        """Whether runs created after `drain_at` wait for a resume."""
        return self.drain_at is not None


def resolve(
    spec: catalogue.QueueSpec,
    row: Queue | None,
    environment: Mapping[str, Any],
    now: datetime,
    *,
    optimized: bool = True,
    all_enabled: bool = True,
) -> QueueSettings:
    """Pure: put the three sources together, and the switches `optimization` and `queues` over them."""

    def pick(name: str, fallback: Any) -> Any:
        own = getattr(row, name, None)
        return own if own not in (None, "") else environment.get(name, fallback)

    paused = row is not None and row.paused_at is not None and (row.paused_until is None or row.paused_until > now)
    found = QueueSettings(
        name=spec.name,
        title=spec.title,
        rank=spec.rank,
        enabled=all_enabled and bool(environment.get("enabled", True)) and (row is None or row.enabled),
        concurrency=int(pick("concurrency", spec.concurrency)),
        memory_limit_mb=int(pick("memory_limit_mb", spec.memory_limit_mb)),
        rate_limit=str(pick("rate_limit", environment.get("outside_rate_limit", "") if spec.limited else "")),
        batch=bool(environment.get("batch", spec.batch)),
        executor=str(pick("executor", spec.executor)),
        paused=paused,
        paused_until=row.paused_until if row and paused else None,
        pause_reason=row.pause_reason if row and paused else "",
        paused_by=row.paused_by if row and paused else "",
        drain_at=row.drain_at if row else None,
        drain_reason=row.drain_reason if row and row.drain_at else "",
        drain_by=row.drain_by if row and row.drain_at else "",
    )
    return found if optimized else plain(found)


def plain(optimized: QueueSettings) -> QueueSettings:
    """Pure: the plain settings of a queue. Never more slots or a higher rate than it has otherwise."""
    return replace(
        optimized,
        concurrency=min(optimized.concurrency, PLAIN_SLOTS),
        rate_limit=_slower(optimized.rate_limit, PLAIN_RATE),
        batch=False,
        plain=True,
    )


def _slower(own: str, than: str) -> str:
    """The lower rate; of two that are alike, the one that allows fewer starts at once. One that is no rate does not count."""
    try:
        one, other = rates.parse(own), rates.parse(than)
    except rates.InvalidRate:  # somebody wrote it into the row by hand: the rollback must work all the same
        return than
    if one is None or other is None:
        return than if one is None else own
    return own if (one.per_second, one.limit) < (other.per_second, other.limit) else than


def effective(queue: str | Queue) -> QueueSettings:
    """What is in force for a queue, by name (or alias) or row. Raises UnknownQueue, DatabaseError.

    The switches are those of a second ago at most: a claim, which asks under its queue's lock, rarely reads them.
    """
    row = queue if isinstance(queue, Queue) else None
    spec = catalogue.get(row.name if row else str(queue))
    if row is None:
        row = Queue.objects.filter(pk=spec.name).first()
    return _resolved(spec, row, clock.now())


def all_effective() -> dict[str, QueueSettings]:
    """Every queue of the catalogue, in the order in which workers serve them. Two queries: the switches are read anew."""
    switches.refresh()
    rows = Queue.objects.in_bulk()
    now = clock.now()
    return {spec.name: _resolved(spec, rows.get(spec.name), now) for spec in catalogue.CATALOGUE}


def as_set(name: str) -> QueueSettings:
    """What would be in force by the environment and the catalogue alone, whatever staff set. No query. UnknownQueue."""
    spec = catalogue.get(name)
    return resolve(spec, None, _environment(spec.name), clock.now())


def _resolved(spec: catalogue.QueueSpec, row: Queue | None, now: datetime) -> QueueSettings:
    thrown = {"optimized": switches.on("optimization"), "all_enabled": switches.on("queues")}
    return resolve(spec, row, _environment(spec.name), now, **thrown)


def ensure_queues() -> int:
    """Make the rows that are missing; safe to call again and from many processes. Returns how many queues there are."""
    Queue.objects.bulk_create(
        [
            Queue(name=spec.name, title=spec.title, position=position)
            for position, spec in enumerate(catalogue.CATALOGUE)
        ],
        ignore_conflicts=True,
    )
    return len(catalogue.CATALOGUE)


def _environment(name: str) -> Mapping[str, Any]:
    overrides: Mapping[str, Mapping[str, Any]] = getattr(settings, "QUEUE_OVERRIDES", {})
    return {"outside_rate_limit": getattr(settings, "QUEUE_RATE_LIMIT", ""), **overrides.get(name, {})}
