"""Histograms of waiting and processing: gathered in the worker's memory, added to Redis in batches.

Redis keeps one hash a kind: `<queue>|<upper bound>` counts the durations of that bucket alone (they are cumulated when
read), `<queue>|sum` adds them up in seconds. A Redis that is away costs figures and nothing else.
"""

from __future__ import annotations

import logging
import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import redis
from django.conf import settings

from queues.engine import broker
from queues.ledger import switches
from queues.ledger.facts import Finished
from queues.watch.table import PROCESSING_BUCKETS, WAIT_BUCKETS

log = logging.getLogger("roundsman.metrics")
KEY = "roundsman:metrics:"
INF = "+Inf"
BUCKETS: dict[str, tuple[float, ...]] = {"processing": PROCESSING_BUCKETS, "wait": WAIT_BUCKETS}


@dataclass
class Histogram:
    """`counts` has one place more than there are bounds: the durations beyond the last. Not cumulative."""

    bounds: Sequence[float]
    counts: list[float] = field(default_factory=list)
    sum_s: float = 0.0

    def __post_init__(self) -> None:
        self.counts = self.counts or [0.0] * (len(self.bounds) + 1)

    def observe(self, value_s: float) -> None:
        self.counts[bisect_left(self.bounds, value_s)] += 1
        self.sum_s += value_s

    def cumulative(self) -> list[tuple[str, float]]:
        """(upper bound, count up to it), ending with +Inf, as Prometheus wants it."""
        total, found = 0.0, []
        for bound, count in zip([*map(repr_bound, self.bounds), INF], self.counts, strict=True):
            total += count
            found.append((bound, total))
        return found


Histograms = dict[tuple[str, str], Histogram]  # by (kind, queue)


class Timings:
    """Gathers endings from any thread and writes them on a thread of its own, which sleeps while nothing comes.

    What is not given goes by the settings and, at any time, by the switches `metrics` and `metrics_batch`.
    """

    def __init__(
        self,
        client: redis.Redis | None = None,
        *,
        enabled: bool | None = None,
        batch_size: int | None = None,
        interval_s: float | None = None,
    ) -> None:
        self._enabled, self._batch_size = enabled, batch_size
        self.interval_s = getattr(settings, "METRICS_FLUSH_INTERVAL", 100) / 1000 if interval_s is None else interval_s
        self._client = client
        self._found: Histograms = {}
        self._gathered = 0
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._some, self._many, self._stop = threading.Event(), threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._away = False

    @property
    def enabled(self) -> bool:
        return switches.known("metrics") if self._enabled is None else self._enabled

    @property
    def batch_size(self) -> int:
        if self._batch_size is not None:
            return self._batch_size
        return int(getattr(settings, "METRICS_BATCH_SIZE", 50)) if switches.known("metrics_batch") else 1

    def add(self, batch: Sequence[Finished]) -> None:
        """Cheap: memory only."""
        if not self.enabled or not batch:
            return
        with self._lock:
            for kind, queue, value_s in observations(batch):
                key = (kind, queue)
                if key not in self._found:
                    self._found[key] = Histogram(BUCKETS[kind])
                self._found[key].observe(value_s)
            self._gathered += len(batch)
            if self._gathered >= self.batch_size:
                self._many.set()
            if self._thread is None and not self._stop.is_set():
                self._thread = threading.Thread(target=self._serve, name="timings", daemon=True)
                self._thread.start()
        self._some.set()

    def flush(self) -> None:
        """Write what was gathered. Never raises for a Redis that is away: the batch is dropped, told once."""
        with self._writing:
            with self._lock:
                found, self._found, self._gathered = self._found, {}, 0
                self._many.clear()
            if found:
                self._write(found)

    def close(self) -> None:
        """Write the rest and end the thread."""
        self._stop.set()
        self._some.set()
        self._many.set()
        if self._thread is not None:
            self._thread.join(2.0)
        self.flush()

    def _serve(self) -> None:
        while not self._stop.is_set():
            self._some.wait()
            self._many.wait(self.interval_s)
            self._some.clear()
            self.flush()
            self._stop.wait(min(self.interval_s / 2, 0.05))  # however many come: so many more go together

    def _write(self, found: Histograms) -> None:
        try:
            client = self._client if self._client is not None else broker.connection("metrics")
            pipe = client.pipeline(transaction=True)  # a scrape sees counts and sums of the same runs
            for (kind, queue), histogram in found.items():
                bounds = [*map(repr_bound, histogram.bounds), INF]
                for bound, count in zip(bounds, histogram.counts, strict=True):
                    if count:
                        pipe.hincrby(KEY + kind, f"{queue}|{bound}", int(count))
                pipe.hincrbyfloat(KEY + kind, f"{queue}|sum", histogram.sum_s)
            pipe.execute()
            if self._away:
                log.info("Redis takes durations again.")
            self._away = False
        except (redis.exceptions.RedisError, OSError) as error:
            if not self._away:
                log.warning("Redis does not take durations (%s); the metrics go without these.", error)
            self._away = True


def observations(batch: Iterable[Finished]) -> Iterable[tuple[str, str, float]]:
    """(kind, queue, seconds) of each execution, retried ones too. A clock that steps back counts as 0."""
    for f in batch:
        yield "wait", f.queue, _between_s(f.due_at, f.started_at)
        yield "processing", f.queue, _between_s(f.started_at, f.finished_at)


def read(client: redis.Redis, queues: Iterable[str]) -> Histograms:
    """What Redis holds, an empty histogram where it holds nothing. Raises redis errors.

    Counts under a bound that is no longer in the table go to the next larger one.
    """
    found = {(kind, queue): Histogram(bounds) for kind, bounds in BUCKETS.items() for queue in queues}
    pipe = client.pipeline(transaction=False)
    for kind in BUCKETS:
        pipe.hgetall(KEY + kind)
    for kind, fields in zip(BUCKETS, pipe.execute(), strict=True):
        for queue, values in _by_queue(fields).items():
            histogram = found.get((kind, queue))
            if histogram is None:
                continue
            histogram.sum_s = values.pop("sum", 0.0)
            for bound, count in values.items():
                histogram.counts[bisect_left(histogram.bounds, float(bound))] += count
    return found


def repr_bound(bound: float) -> str:
    """As it stands in Redis and in the scrape: "0.25", "5.0"."""
    return str(float(bound))


def _by_queue(fields: Mapping[bytes | str, bytes | str]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for name, value in fields.items():
        queue, _, what = (name.decode() if isinstance(name, bytes) else name).partition("|")
        found[queue][what] = float(value)
    return found


def _between_s(start: datetime, end: datetime) -> float:
    return max(0.0, (end - start).total_seconds())
