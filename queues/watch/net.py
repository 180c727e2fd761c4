"""Counters of what happened to a queue's runs: gathered in memory, added in one update per queue and flush."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import DateTimeField, F, Value
from django.db.models.functions import Coalesce, Greatest

from queues.ledger import states
from queues.ledger.facts import Finished
from queues.models import QueueHealth

COUNTERS = {
    states.SUCCEEDED: "succeeded",
    states.DEAD: "dead",
    states.CANCELLED: "cancelled",
    states.SCHEDULED: "retried",
}
MAX_ERROR = 300


@dataclass(frozen=True)
class Net:
    """What a queue's record gains. The newest time of each kind counts; only a dead letter is a failure."""

    succeeded: int = 0
    dead: int = 0
    cancelled: int = 0
    retried: int = 0
    last_run_at: datetime | None = None
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    last_error: str = ""

    def __add__(self, other: Net) -> Net:
        newer = other if _newest(self.last_failure_at, other.last_failure_at) == other.last_failure_at else self
        return Net(
            self.succeeded + other.succeeded,
            self.dead + other.dead,
            self.cancelled + other.cancelled,
            self.retried + other.retried,
            _newest(self.last_run_at, other.last_run_at),
            _newest(self.last_success_at, other.last_success_at),
            _newest(self.last_failure_at, other.last_failure_at),
            newer.last_error,
        )


def net_of(finished: Finished) -> Net:
    """One ending's share. A state the record has no counter for still counts as a run."""
    net = Net(last_run_at=finished.finished_at)
    if finished.state == states.SUCCEEDED:
        return replace(net, succeeded=1, last_success_at=finished.finished_at)
    if finished.state == states.DEAD:
        told = ": ".join(part for part in (finished.error_code, finished.error_message) if part)
        return replace(net, dead=1, last_failure_at=finished.finished_at, last_error=told[:MAX_ERROR])
    counter = COUNTERS.get(finished.state)
    return replace(net, **{counter: 1}) if counter else net  # type: ignore[arg-type]


def nets(batch: Sequence[Finished]) -> dict[str, Net]:
    """A batch's net gain by queue."""
    found: dict[str, Net] = {}
    well: dict[str, list[datetime]] = {}
    for finished in batch:
        if finished.state == states.SUCCEEDED:  # by far the most: summed up at once
            well.setdefault(finished.queue, []).append(finished.finished_at)
        else:
            found[finished.queue] = found.get(finished.queue, Net()) + net_of(finished)
    for queue, times in well.items():
        last = max(times)
        gain = Net(succeeded=len(times), last_run_at=last, last_success_at=last)
        found[queue] = found.get(queue, Net()) + gain
    return found


def apply(gains: Mapping[str, Net]) -> None:
    """Add to the records, missing ones made: one update per queue, in the order of names, one transaction.

    Raises DatabaseError, and then nothing was added.
    """
    with transaction.atomic():
        for name in sorted(gains):
            changes = _changes(gains[name])
            if not QueueHealth.objects.filter(pk=name).update(**changes):
                QueueHealth.objects.bulk_create([QueueHealth(queue=name)], ignore_conflicts=True)
                QueueHealth.objects.filter(pk=name).update(**changes)


def record_finished(batch: Sequence[Finished]) -> None:
    """Add a batch at once. Raises DatabaseError."""
    if batch:
        apply(nets(batch))


class NetHealth:
    """Gathers endings from any thread; `flush` adds them. A flush that fails keeps everything for the next."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._gains: dict[str, Net] = {}

    def add(self, batch: Sequence[Finished]) -> None:
        """Cheap: memory only."""
        gains = nets(batch)
        with self._lock:
            self._merge(gains)

    def flush(self) -> None:
        """Write what was gathered. Raises DatabaseError."""
        with self._flushing:
            with self._lock:
                gains, self._gains = self._gains, {}
            if not gains:
                return
            try:
                apply(gains)
            except BaseException:
                with self._lock:
                    self._merge(gains)
                raise

    def _merge(self, gains: Mapping[str, Net]) -> None:
        for name, net in gains.items():
            self._gains[name] = self._gains.get(name, Net()) + net


def _newest(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return max(one, other)


def _changes(net: Net) -> dict[str, Any]:
    counts = {name: F(name) + getattr(net, name) for name in COUNTERS.values() if getattr(net, name)}
    times = {
        name: Greatest(Coalesce(F(name), _moment(at)), _moment(at))  # workers report out of order
        for name in ("last_run_at", "last_success_at", "last_failure_at")
        if (at := getattr(net, name)) is not None
    }
    error = {"last_error": net.last_error} if net.dead else {}
    return {**counts, **times, **error}


def _moment(at: datetime) -> Value:
    return Value(at, output_field=DateTimeField())
