"""What the alert rules are judged by: the newest health samples, and a few small questions more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import redis
from django.conf import settings
from django.db.models import F, Sum

from queues import catalogue, registry
from queues.engine import broker
from queues.errors import UnknownJob
from queues.ledger.queue_settings import all_effective
from queues.models import HealthSample, JobDefinition
from queues.watch import pools
from queues.watch.alert_figures import Seen, Shares
from queues.watch.look import sla, workers_now
from queues.watch.newest import newest

FRESH_S = 60.0  # a sample that is older tells nothing of now
LOST_S = 3600.0

_COLUMNS = ("queue", "job", "definition_id", "attempt", "created_at", "due_at", "finished_at")
_JUDGED = "state IN ('succeeded', 'dead')"


def look(now: datetime) -> Seen:
    """Eight small queries and one of Redis, whatever there is. Raises DatabaseError."""
    samples = newest_samples(now)
    busy = [name for name, sample in samples.items() if sample.succeeded + sample.failed]
    return Seen(
        at=now,
        samples=samples,
        held=frozenset(name for name, now_so in all_effective().items() if not now_so.open or now_so.draining),
        workers=workers_now(now),
        pools=_pools(now),
        late=_late(busy, now),
        lost=_lost(now),
        stretch=stretches(),
    )


def newest_samples(now: datetime) -> dict[str, HealthSample]:
    """Each queue's newest, if it is fresh. One query."""
    rows = HealthSample.objects.filter(at__gt=now - timedelta(seconds=FRESH_S), at__lte=now).order_by("at")
    return {row.queue: row for row in rows.defer("reasons") if row.queue in catalogue.NAMES}


def stretches() -> dict[str, float]:
    """By queue, how many times longer its SLA's warning is than the settings'; at least 1. No query."""
    usual_s = float(settings.SLA_WARNING_THRESHOLD) / 1000
    return {name: max(1.0, sla(name)[0] / usual_s) for name in catalogue.NAMES}


def _pools(now: datetime) -> pools.Pools | None:
    try:
        return pools.read(broker.connection("metrics"), now)
    except (redis.exceptions.RedisError, OSError):
        return None


def _lost(now: datetime) -> Shares:
    rows = HealthSample.objects.filter(at__gt=now - timedelta(seconds=LOST_S), at__lte=now).order_by()
    found = rows.values_list("queue").annotate(lost=Sum("failed"), all=Sum(F("failed") + F("succeeded")))
    return {queue: (lost, ended) for queue, lost, ended in found}


def _late(names: Sequence[str], now: datetime) -> Shares:
    """Of the newest runs of each queue, those that took longer than their own SLA's critical time."""
    rows = newest(names, now, _COLUMNS, _JUDGED)
    if not rows:
        return {}
    promised = _Promised()
    found: dict[str, tuple[int, int]] = {}
    for queue, job, definition_id, attempt, created_at, due_at, finished_at in rows:
        begun = due_at if attempt <= 1 else created_at  # a retry's due time is not the first one
        late, counted = found.get(queue, (0, 0))
        too_late = (finished_at - begun).total_seconds() > promised.critical_s(job, definition_id)
        found[queue] = (late + too_late, counted + 1)
    return found


class _Promised:
    """What the SLA of each definition and job is: the definition's own, else the job's, else the settings'."""

    def __init__(self) -> None:
        own = JobDefinition.objects.filter(sla_critical_s__isnull=False).order_by()
        self._definitions: Mapping[Any, float | None] = dict(own.values_list("pk", "sla_critical_s"))
        self._usual_s = float(settings.SLA_CRITICAL_THRESHOLD) / 1000

    def critical_s(self, job: str, definition_id: int | None) -> float:
        own = self._definitions.get(definition_id)
        if own is not None:
            return own
        try:
            return registry.get(job).sla_critical_s or self._usual_s
        except UnknownJob:
            return self._usual_s
