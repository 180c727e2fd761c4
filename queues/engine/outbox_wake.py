"""Whoever leaves a call open asks, in the same transaction, for the run that comes back to it. So nothing has to tick."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from django.db import connection, transaction

from queues import failpoints, registry
from queues.contract import Actor
from queues.ledger import clock

JOB = "queues.settle_calls"


class Posted:
    """Marks a transaction that has asked for its run already."""

    def __init__(self) -> None:
        self.__qualname__ = type(self).__qualname__  # Django names a callback that failed by it

    def __call__(self) -> None:
        failpoints.reach("call.posted")


def slot(at: datetime, now: datetime) -> datetime:
    """The moment at or after `at` for which a run is asked. The further away, the coarser: calls share their runs."""
    wait_s = (at - now).total_seconds()
    step_s = 60 if wait_s >= 60 else 10 if wait_s >= 10 else 1
    return datetime.fromtimestamp(math.ceil(at.timestamp() / step_s) * step_s, UTC)


def come_back(at: datetime | None) -> None:
    """A run of queues.settle_calls at `at` or soon after it: one for all who ask for the same moment. None: no run.

    In the caller's transaction, which commits before that moment.
    """
    if at is None:
        return
    now = clock.now()
    if at <= now:
        come_at_once()
        return
    when = slot(at, now)
    _enqueue(at=when, dedupe_key=f"{JOB}:{when:%Y-%m-%dT%H:%M:%S}")


def come_at_once() -> None:
    """A run as soon as the caller's transaction commits; one a transaction, however many calls it posts.

    No dedupe key: a run that lives already may have looked before this transaction's commit.
    """
    with transaction.atomic():
        if any(isinstance(function, Posted) for _, function, *_ in connection.run_on_commit):
            return
        transaction.on_commit(Posted(), robust=True)
        _enqueue()


def _enqueue(at: datetime | None = None, dedupe_key: str | None = None) -> None:
    spec = registry.get(JOB)
    actor = Actor.system("outbox")
    spec.enqueue(spec.params(), actor=actor, at=at, dedupe_key=dedupe_key, concurrency_key=JOB)
