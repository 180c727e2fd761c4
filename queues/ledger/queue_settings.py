"""What is in force for a queue: the admin's value, else the environment's, else the catalogue's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from queues import catalogue
from queues.ledger import clock
from queues.models import Queue


@dataclass(frozen=True)
class QueueSettings:
    """In force now. `concurrency`: slots over all workers; `rate_limit`: "30/s", "100/min" or "" for none.

    `drain_at`: the queue is draining, and runs created later are not taken until it is resumed.
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

    @property
    def open(self) -> bool:
        """Whether workers may take from it."""
        return self.enabled and not self.paused

    @property
    def draining(self) -> bool:
        """Whether runs created after `drain_at` wait for a resume."""
        return self.drain_at is not None


def resolve(
    spec: catalogue.QueueSpec, row: Queue | None, environment: Mapping[str, Any], now: datetime
) -> QueueSettings:
    """Pure: put the three sources together."""

    def pick(name: str, fallback: Any) -> Any:
        own = getattr(row, name, None)
        return own if own not in (None, "") else environment.get(name, fallback)

    paused = row is not None and row.paused_at is not None and (row.paused_until is None or row.paused_until > now)
    return QueueSettings(
        name=spec.name,
        title=spec.title,
        rank=spec.rank,
        enabled=bool(environment.get("enabled", True)) and (row is None or row.enabled),
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


def effective(queue: str | Queue) -> QueueSettings:
    """What is in force for a queue, by name (or alias) or row. Raises UnknownQueue."""
    row = queue if isinstance(queue, Queue) else None
    spec = catalogue.get(row.name if row else str(queue))
    if row is None:
        row = Queue.objects.filter(pk=spec.name).first()
    return resolve(spec, row, _environment(spec.name), clock.now())


def all_effective() -> dict[str, QueueSettings]:
    """Every queue of the catalogue, in the order in which workers serve them. One query."""
    rows = Queue.objects.in_bulk()
    now = clock.now()
    return {spec.name: resolve(spec, rows.get(spec.name), _environment(spec.name), now) for spec in catalogue.CATALOGUE}


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
