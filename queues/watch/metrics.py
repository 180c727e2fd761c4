"""The Prometheus collector: reads the ledger and Redis at the scrape, each with a deadline, and tells what it got."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

import redis
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from queues import catalogue
from queues.engine import broker, reuse_figures
from queues.engine.connections import Health, ping_all
from queues.ledger import clock, states
from queues.models import QueueHealth
from queues.watch import alert_metrics, allowed, pools, refusals, timings
from queues.watch.look import Look, WorkerLook, look
from queues.watch.net import COUNTERS
from queues.watch.score import judge
from queues.watch.table import BY_NAME
from queues.watch.webhooks import OUTCOMES, Webhooks, read_webhooks

log = logging.getLogger("roundsman.metrics")
DEADLINE_S = 1.5  # for both parts together: a scrape is answered within two seconds whatever is away
AWAY = (DatabaseError, InterfaceError, redis.exceptions.RedisError, OSError, TimeoutError)
T = TypeVar("T")


@dataclass(frozen=True)
class LedgerPart:
    """What the database told: the look, and each queue's counters by state."""

    look: Look
    counters: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    sampled_at: Mapping[str, datetime] = field(default_factory=dict)
    alerts: alert_metrics.Counted = field(default_factory=alert_metrics.Counted)
    latency_s: float | None = None
    webhooks: Webhooks = field(default_factory=Webhooks)


@dataclass(frozen=True)
class RedisPart:
    """What Redis told."""

    latency_s: float
    windows: Mapping[str, int] = field(default_factory=dict)
    histograms: Mapping[tuple[str, str], timings.Histogram] | None = None  # None: the metrics connection is away
    reuse: tuple[reuse_figures.Counts, reuse_figures.Counts] = field(default_factory=lambda: ({}, {}))  # ever, last day
    pings: Mapping[str, Health] = field(default_factory=dict)
    pools: pools.Pools = field(default_factory=dict)
    allowed: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # by queue and worker
    intruders: Mapping[str, int] = field(default_factory=dict)  # by queue
    refused: refusals.Refused = field(default_factory=lambda: refusals.Refused({}, {}))


def read_ledger() -> LedgerPart:
    """Raises DatabaseError."""
    seen = look(clock.now(), redis_up=True)
    begun = time.perf_counter()
    rows = list(QueueHealth.objects.all())
    return LedgerPart(
        latency_s=time.perf_counter() - begun,
        look=seen,
        counters={row.queue: {state: getattr(row, name) for state, name in COUNTERS.items()} for row in rows},
        sampled_at={row.queue: row.sampled_at for row in rows if row.sampled_at is not None},
        alerts=alert_metrics.read(),
        webhooks=read_webhooks(),
    )


def read_redis() -> RedisPart:
    """Raises redis errors when the queues' connection is away."""
    client = broker.connection("queue")
    begun = time.perf_counter()
    client.ping()
    latency_s = time.perf_counter() - begun
    pipe = client.pipeline(transaction=False)
    for name in catalogue.NAMES:
        pipe.llen(broker.queue_key(name))
    pipe.hmget(broker.INTRUDERS, [broker.queue_key(name) for name in catalogue.NAMES])
    *listed, strange = pipe.execute()
    windows = dict(zip(catalogue.NAMES, map(int, listed), strict=True))
    intruders = {name: int(count or 0) for name, count in zip(catalogue.NAMES, strange, strict=True)}
    try:
        histograms = timings.read(broker.connection("metrics"), catalogue.NAMES)
        reuse = reuse_figures.read(broker.connection("metrics"))
        told = pools.read(broker.connection("metrics"), clock.at_hand())  # (the database may be silent)
        slots = allowed.read(broker.connection("metrics"), clock.at_hand())
        refused = refusals.read(broker.connection("metrics"))
    except (redis.exceptions.RedisError, OSError):
        return RedisPart(latency_s, windows, pings=ping_all(), intruders=intruders)
    return RedisPart(latency_s, windows, histograms, reuse, ping_all(), told, slots, intruders, refused)


class Reader(Generic[T]):
    """Reads on a thread of its own, one at a time: who comes while a read hangs waits for that one."""

    def __init__(self, name: str, read: Callable[[], T]) -> None:
        self.name, self._read = name, read
        self._lock = threading.Lock()
        self._future: Future[T] | None = None

    def start(self) -> Future[T]:
        with self._lock:
            if self._future is None or self._future.done():
                self._future = Future()
                threading.Thread(
                    target=self._run, args=(self._future,), name=f"metrics {self.name}", daemon=True
                ).start()
            return self._future

    def _run(self, future: Future[T]) -> None:
        try:
            future.set_result(self._read())
        except Exception as error:
            future.set_exception(error)
        finally:
            connections.close_all()


class QueueCollector(Collector):
    """Both readers at once, then the families of whatever came in time."""

    def __init__(
        self,
        ledger: Callable[[], LedgerPart] = read_ledger,
        redis_part: Callable[[], RedisPart] = read_redis,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self.ledger, self.redis = Reader("ledger", ledger), Reader("redis", redis_part)
        self.deadline_s = deadline_s

    def collect(self) -> Iterable[Metric]:
        until_s = time.monotonic() + self.deadline_s
        from_ledger, from_redis = self.ledger.start(), self.redis.start()
        redis_part = _result(from_redis, until_s, "Redis")
        ledger_part = _result(from_ledger, until_s, "the database")
        return families(ledger_part, redis_part, {pools.this_process("web"): pools.own()})


def registry() -> CollectorRegistry:
    """A registry of our collector alone."""
    made = CollectorRegistry()
    made.register(QueueCollector())
    return made


def families(ledger: LedgerPart | None, redis_part: RedisPart | None, own: pools.Pools | None = None) -> list[Metric]:
    """Pure: the metric families of what was read; a part that is None is left out and its `..._up` is 0.

    `own` are the pools of the process that answers, which go above what it told a moment ago.
    """
    found: list[Metric] = [_gauge("redis_up", [((), redis_part is not None)])]
    found.append(_gauge("database_up", [((), ledger is not None)]))
    if ledger is not None:
        found += _ledger_families(ledger, redis_up=redis_part is not None)
    if redis_part is not None:
        found.append(_gauge("redis_latency_seconds", [((), redis_part.latency_s)]))
        found.append(_gauge("queue_window_size", [((name,), n) for name, n in redis_part.windows.items()]))
        found.append(_counter("queue_intruders_total", redis_part.intruders))
        if redis_part.histograms is not None:
            found.append(_histogram("queue_job_processing_duration_seconds", "processing", redis_part.histograms))
            found.append(_histogram("queue_job_wait_seconds", "wait", redis_part.histograms))
            found += _reuse_families(*redis_part.reuse)
            slots = {queue: sum(by_worker.values()) for queue, by_worker in redis_part.allowed.items()}
            found.append(_gauge("queue_concurrency_allowed", [((queue,), n) for queue, n in slots.items()]))
            found.append(_counter("queue_api_refusals_total", redis_part.refused.by_code))
            found.append(_counter("queue_api_rate_limited_total", redis_part.refused.by_bucket))
    told = {**(redis_part.pools if redis_part is not None else {}), **(own or {})}
    found += pools.families(told, _pings(ledger, redis_part))
    return found


def _pings(ledger: LedgerPart | None, redis_part: RedisPart | None) -> dict[str, Health]:
    """Each purpose's; where Redis did not answer in time, all of its purposes are down."""
    down = dict.fromkeys(settings.REDIS, Health(False, None))
    latency_s = ledger.latency_s if ledger is not None else None
    database = Health(ledger is not None, None if latency_s is None else latency_s * 1000)
    return {"database": database, **(down if redis_part is None else redis_part.pings)}


def _ledger_families(part: LedgerPart, *, redis_up: bool) -> Iterable[Metric]:
    all_facts = [replace(facts, redis_up=redis_up) for facts in part.look.facts.values()]
    waiting = {states.SCHEDULED: "scheduled", states.PENDING: "depth", states.RUNNING: "running"}
    yield _gauge(
        "queue_size", [((f.queue, state), getattr(f, name)) for f in all_facts for state, name in waiting.items()]
    )
    per_queue: dict[str, Callable[[Any], float]] = {
        "queue_oldest_wait_seconds": lambda f: f.oldest_wait_s,
        "queue_jobs_per_second": lambda f: f.rate_per_min / 60,
        "queue_health_score": lambda f: judge(f).score,
        "queue_workers": lambda f: f.workers,
        "queue_slots_busy": lambda f: f.slots_busy,
        "queue_slots_limit": lambda f: f.concurrency,
        "queue_dead_letters": lambda f: f.dead,
        "queue_paused": lambda f: f.paused,
        "queue_enabled": lambda f: f.enabled,
    }
    for name, value in per_queue.items():
        yield _gauge(name, [((f.queue,), value(f)) for f in all_facts])
    processed = CounterMetricFamily(*_head("queue_jobs_processed_total"))
    for f in all_facts:
        counters = part.counters.get(f.queue, {})
        for state in COUNTERS:
            processed.add_metric((f.queue, "retried" if state == states.SCHEDULED else state), counters.get(state, 0))
    yield processed
    told = CounterMetricFamily(*_head("queue_webhook_deliveries_total"))
    for outcome in OUTCOMES:
        told.add_metric((outcome,), part.webhooks.totals.get(outcome, 0))
    yield told
    yield _gauge("queue_webhook_deliveries_pending", [((), part.webhooks.pending)])
    yield _gauge("queue_webhook_deliveries_dead", [((), part.webhooks.dead)])
    ages = {queue: max(0.0, (part.look.at - at).total_seconds()) for queue, at in part.sampled_at.items()}
    yield _gauge("queue_health_sample_age_seconds", [((queue,), age) for queue, age in ages.items()])
    yield from alert_metrics.families(part.alerts, part.look.at)
    yield _per_worker("queue_memory_usage_bytes", part.look.workers, lambda w: w.rss_mb * 1e6)
    yield _per_worker("queue_worker_slots", part.look.workers, lambda w: w.slots)
    yield _per_worker("queue_worker_slots_busy", part.look.workers, lambda w: w.busy)


def _reuse_families(ever: reuse_figures.Counts, last_day: reuse_figures.Counts) -> Iterable[Metric]:
    """Without a request in the last day a job has no rate: that is neither 0 nor 100."""
    asked = CounterMetricFamily(*_head("queue_cache_requests_total"))
    for job, answers in ever.items():
        for answer in reuse_figures.ANSWERS:
            asked.add_metric((job, answer), answers[answer])
    yield asked
    rates = {job: reuse_figures.hit_rate_percent(answers) for job, answers in last_day.items()}
    yield _gauge("queue_cache_hit_rate_percent", [((job,), rate) for job, rate in rates.items() if rate is not None])


def _head(name: str) -> tuple[str, str, None, tuple[str, ...]]:
    """(name, help, no value, labels) from the table, so that no metric goes untold."""
    spec = BY_NAME[name]
    return spec.name, spec.help, None, spec.labels


def _gauge(name: str, values: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
    family = GaugeMetricFamily(*_head(name))
    for labels, value in values:
        family.add_metric(labels, float(value))
    return family


def _counter(name: str, counts: Mapping[str, int]) -> Metric:
    """By its one label."""
    family = CounterMetricFamily(*_head(name))
    for label, count in counts.items():
        family.add_metric((label,), count)
    return family


def _per_worker(name: str, workers: Iterable[WorkerLook], value: Callable[[WorkerLook], float]) -> Metric:
    """Workers that share a name (`--name`) are added up: a series that comes twice would spoil the whole scrape."""
    total: dict[str, float] = defaultdict(float)
    for worker in workers:
        total[worker.name] += value(worker)
    return _gauge(name, [((of,), number) for of, number in total.items()])


def _histogram(name: str, kind: str, histograms: Mapping[tuple[str, str], timings.Histogram]) -> Metric:
    spec = BY_NAME[name]
    family = HistogramMetricFamily(spec.name, spec.help, labels=spec.labels)
    for (of, queue), histogram in histograms.items():
        if of == kind:
            family.add_metric((queue,), histogram.cumulative(), histogram.sum_s)
    return family


def _result(future: Future[T], until_s: float, what: str) -> T | None:
    try:
        return future.result(max(0.0, until_s - time.monotonic()))
    except AWAY as error:
        log.debug("A scrape goes without %s: %s", what, error)
    except Exception:
        log.exception("A scrape goes without %s", what)
    return None
