"""What there is to see of the queues now: eight indexed queries for all of them together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Q

from queues import catalogue, registry
from queues.ledger import states
from queues.ledger.queue_settings import QueueSettings, all_effective
from queues.models import Run, Slot, Worker
from queues.watch.counts import counts
from queues.watch.means import means
from queues.watch.newest import WINDOW_S
from queues.watch.pending import NONE, pending
from queues.watch.score import QueueFacts

RATE_S = 60.0
ALIVE_S = 30.0  # a worker that has not renewed for so long serves nobody, even if none is left to declare it lost


@dataclass(frozen=True)
class WorkerLook:
    """A live worker: its process, not its slots on one queue."""

    name: str
    queues: tuple[str, ...]
    slots: int
    busy: int
    rss_mb: float


@dataclass(frozen=True)
class Look:
    """One moment: facts by queue name, the live workers, and what was in force for every queue then."""

    at: datetime
    facts: Mapping[str, QueueFacts] = field(default_factory=dict)
    workers: tuple[WorkerLook, ...] = ()
    in_force: Mapping[str, QueueSettings] = field(default_factory=dict)


def look(now: datetime, *, redis_up: bool, queues: Iterable[str] = catalogue.NAMES, patience: timedelta = NONE) -> Look:
    """The facts of `queues`: eight queries, whatever there is; seven where nothing ended lately. DatabaseError.

    `patience`: how long a huge backlog must last before it is counted to the end (see queues.watch.pending)."""
    names = list(queues)
    in_force = all_effective()
    live, oldest = _live(names, now, patience)
    finished = _finished(names, now)
    lately = means([name for name in names if finished[name]["all"]], now)
    slots = _slots(names)
    workers = workers_now(now)
    facts = {}
    for name in names:
        rates, settled = finished[name], in_force[name]
        wait_s, processing_s = lately.get(name, (None, None))
        warning_s, critical_s = sla(name)
        facts[name] = QueueFacts(
            queue=name,
            depth=live.get((name, states.PENDING), 0),
            oldest_wait_s=max(0.0, (now - oldest[name]).total_seconds()) if name in oldest else 0.0,
            scheduled=live[name, states.SCHEDULED],
            running=live[name, states.RUNNING],
            dead=live[name, states.DEAD],
            slots_busy=slots.get(name, 0),
            concurrency=settled.concurrency,
            succeeded=rates[states.SUCCEEDED],
            failed=rates[states.DEAD],
            rate_per_min=rates["rate"] * 60 / RATE_S,
            mean_wait_s=wait_s,
            mean_processing_s=processing_s,
            workers=sum(name in worker.queues for worker in workers),
            paused=settled.paused,
            enabled=settled.enabled,
            redis_up=redis_up,
            sla_warning_s=warning_s,
            sla_critical_s=critical_s,
        )
    return Look(now, facts, workers, in_force)


def sla(queue: str) -> tuple[float, float]:
    """A queue's SLA (warning, critical), seconds: that of its most patient job, else the settings'."""
    warning_s = float(getattr(settings, "SLA_WARNING_THRESHOLD", 10_000)) / 1000
    critical_s = float(getattr(settings, "SLA_CRITICAL_THRESHOLD", 30_000)) / 1000
    own = [spec for spec in registry.specs() if catalogue.canonical(spec.queue) == queue]
    return (
        max((spec.sla_warning_s or warning_s for spec in own), default=warning_s),
        max((spec.sla_critical_s or critical_s for spec in own), default=critical_s),
    )


def _live(
    names: list[str], now: datetime, patience: timedelta
) -> tuple[Mapping[tuple[str, str], int], Mapping[str, datetime]]:
    """Runs by queue and state, dead letters among them, and when the oldest pending run of each queue fell due."""
    count = dict(counts(names, [states.SCHEDULED, states.RUNNING, states.DEAD]))
    waiting = pending(names, now, patience)
    count.update({(name, states.PENDING): number for name, (number, _) in waiting.items()})
    return count, {name: oldest for name, (_, oldest) in waiting.items()}


def _finished(names: list[str], now: datetime) -> Mapping[str, dict[str, int]]:
    """By queue: runs of the window by state, all of them, and `rate`: those of the last `RATE_S` seconds."""
    rows = (
        Run.objects.filter(queue__in=names, finished_at__gt=now - timedelta(seconds=WINDOW_S))
        .order_by()
        .values_list("queue", "state")
        .annotate(count=Count("pk"), late=Count("pk", filter=Q(finished_at__gt=now - timedelta(seconds=RATE_S))))
    )
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for queue, state, number, lately in rows:
        found[queue][state] += number
        found[queue]["all"] += number
        found[queue]["rate"] += lately
    return found


def _slots(names: list[str]) -> Mapping[str, int]:
    executing = Slot.objects.filter(queue__in=names).exclude(behind__in=Slot.objects.values("token"))
    rows: Any = executing.order_by().values_list("queue").annotate(Count("pk"))
    return dict(rows)


def workers_now(now: datetime) -> tuple[WorkerLook, ...]:
    """Workers that take work: not lost, stopped or stopping, and heard of lately."""
    rows = Worker.objects.filter(
        lost_at__isnull=True,
        stopped_at__isnull=True,
        stopping_at__isnull=True,
        beat_at__gt=now - timedelta(seconds=ALIVE_S),
    ).order_by("name")
    return tuple(WorkerLook(row.name, tuple(row.queues), row.slots, row.busy, row.rss_mb) for row in rows)
