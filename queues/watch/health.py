"""Health records: a sample of every queue at least every 30 s, whichever workers run, and counters after every run.

There is no leader. Every worker (and whoever else likes) calls `tick`; the conditional update of the queue's own
record decides who of them stores the sample.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from queues import catalogue
from queues.engine import broker
from queues.ledger import clock
from queues.models import HealthSample, QueueHealth
from queues.watch.look import Look, look
from queues.watch.net import NetHealth, record_finished
from queues.watch.score import QueueFacts, Verdict, judge

SAMPLE_EVERY_S = 20.0  # asked every 5 s, so a queue is never 30 s without one

__all__ = [
    "SAMPLE_EVERY_S",
    "NetHealth",
    "facts",
    "look_now",
    "record_finished",
    "sample_all",
    "sample_queue",
    "tick",
]


def look_now() -> Look:
    """Every queue as it is now; asks Redis whether it is there. Raises DatabaseError."""
    return look(clock.now(), redis_up=broker.ping("queue").up)


def facts(queue_name: str, now: datetime | None = None) -> QueueFacts:
    """One queue as it is now. Raises UnknownQueue, DatabaseError."""
    name = catalogue.canonical(queue_name)
    return look(now or clock.now(), redis_up=broker.ping("queue").up, queues=[name]).facts[name]


def sample_queue(name: str) -> HealthSample:
    """Store a sample of one queue now, whatever its last one's age. Raises UnknownQueue, DatabaseError."""
    return _sample([catalogue.canonical(name)], younger_than_s=0.0)[0]


def sample_all() -> list[HealthSample]:
    """Store a sample of every queue now."""
    return _sample(catalogue.NAMES, younger_than_s=0.0)


def tick() -> None:
    """Store the samples that are due. One small query when none is; any number of processes may call it."""
    now, age = clock.now(), timedelta(seconds=SAMPLE_EVERY_S)  # one from the future is of a clock that was set back
    fresh = set(
        QueueHealth.objects.filter(sampled_at__gt=now - age, sampled_at__lt=now + age).values_list("queue", flat=True)
    )
    due = [name for name in catalogue.NAMES if name not in fresh]
    if due:
        _sample(due, younger_than_s=SAMPLE_EVERY_S)


def _sample(names: Iterable[str], *, younger_than_s: float) -> list[HealthSample]:
    """Look once, then store what nobody else has stored meanwhile: one transaction, queues in the order of names."""
    names = sorted(names)
    now = clock.now()
    patience = timedelta(
        seconds=younger_than_s
    )  # what workers do by the way must not cost what only lasting backlogs are worth
    seen = look(now, redis_up=broker.ping("queue").up, queues=names, patience=patience)
    stored = []
    QueueHealth.objects.bulk_create([QueueHealth(queue=name) for name in names], ignore_conflicts=True)
    with transaction.atomic():
        for name in names:
            verdict = judge(seen.facts[name])
            age = timedelta(seconds=younger_than_s)
            due = Q(sampled_at__isnull=True) | Q(sampled_at__lte=now - age) | Q(sampled_at__gte=now + age)
            won = QueueHealth.objects.filter(due if younger_than_s else Q(), queue=name).update(
                score=verdict.score, grade=verdict.grade, reasons=verdict.told(), sampled_at=now
            )
            if won:
                stored.append(_row(seen.facts[name], verdict, now))
        HealthSample.objects.bulk_create(stored)
    return stored


def _row(f: QueueFacts, verdict: Verdict, at: datetime) -> HealthSample:
    return HealthSample(
        queue=f.queue,
        at=at,
        depth=f.depth,
        scheduled=f.scheduled,
        running=f.running,
        dead=f.dead,
        oldest_wait_s=f.oldest_wait_s,
        succeeded=f.succeeded,
        failed=f.failed,
        rate_per_min=f.rate_per_min,
        mean_wait_s=f.mean_wait_s,
        mean_processing_s=f.mean_processing_s,
        workers=f.workers,
        score=verdict.score,
        grade=verdict.grade,
        reasons=verdict.told(),
    )
