"""Every metric of ours: its name, kind, labels and meaning. Pure; docs/reference/metrics.md is made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PROCESSING_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 30, 60, 120, 300, 600)
WAIT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)


@dataclass(frozen=True)
class MetricSpec:
    """`source`: where a scrape reads it; while that is away, the metric is left out."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    labels: tuple[str, ...]
    help: str
    source: Literal["ledger", "Redis", "processes", "scrape"] = "ledger"


QUEUE = ("queue",)
POOL = ("process", "purpose")
METRICS: tuple[MetricSpec, ...] = (
    MetricSpec("queue_size", "gauge", ("queue", "state"), "Live runs: scheduled, pending (due) and running."),
    MetricSpec("queue_oldest_wait_seconds", "gauge", QUEUE, "How long the oldest due run has waited; 0 without one."),
    MetricSpec(
        "queue_jobs_processed_total",
        "counter",
        ("queue", "state"),
        "Executions that ended: succeeded, dead, cancelled, and retried (failed, to be tried again).",
    ),
    MetricSpec("queue_jobs_per_second", "gauge", QUEUE, "Runs finished a second, over the last minute."),
    MetricSpec(
        "queue_job_processing_duration_seconds", "histogram", QUEUE, "From an execution's start to its end.", "Redis"
    ),
    MetricSpec("queue_job_wait_seconds", "histogram", QUEUE, "From falling due to an execution's start.", "Redis"),
    MetricSpec("queue_health_score", "gauge", QUEUE, "0 (worst) to 100, as it is at the scrape."),
    MetricSpec(
        "queue_health_sample_age_seconds",
        "gauge",
        QUEUE,
        "Age of the newest stored health sample.",
    ),
    MetricSpec("queue_workers", "gauge", QUEUE, "Live workers that serve the queue."),
    MetricSpec("queue_slots_busy", "gauge", QUEUE, "Leased slots over all workers."),
    MetricSpec("queue_slots_limit", "gauge", QUEUE, "How many slots may be leased over all workers."),
    MetricSpec(
        "queue_concurrency_allowed",
        "gauge",
        QUEUE,
        "Slots that the workers allow themselves, added up, on a queue that calls outside: fewer than the limit where "
        "the other side cannot take more.",
        "Redis",
    ),
    MetricSpec("queue_dead_letters", "gauge", QUEUE, "Dead letters that lie in the ledger."),
    MetricSpec(
        "queue_webhook_deliveries_total",
        "counter",
        ("outcome",),
        "Messages to webhooks that were delivered, did not arrive and are sent again (retried), or were given up (dead).",
    ),
    MetricSpec("queue_webhook_deliveries_pending", "gauge", (), "Messages to webhooks on their way, and that wait."),
    MetricSpec("queue_webhook_deliveries_dead", "gauge", (), "Messages to webhooks that were given up and lie there."),
    MetricSpec("queue_paused", "gauge", QUEUE, "1 while the queue is paused."),
    MetricSpec("queue_enabled", "gauge", QUEUE, "0 while the queue is switched off."),
    MetricSpec(
        "queue_alerts_open", "gauge", ("rule", "level"), "Open alerts: one for each queue, or for the whole house."
    ),
    MetricSpec("queue_alerts_total", "counter", ("rule", "level"), "How often an alert came to this level."),
    MetricSpec("queue_alerts_look_age_seconds", "gauge", (), "How long ago somebody looked for alerts."),
    MetricSpec("queue_memory_usage_bytes", "gauge", ("worker",), "Resident memory of each live worker process."),
    MetricSpec("queue_worker_slots", "gauge", ("worker",), "Slots of each live worker process."),
    MetricSpec("queue_worker_slots_busy", "gauge", ("worker",), "Those of them that run something."),
    MetricSpec("queue_window_size", "gauge", QUEUE, "Ids that Redis lists to wake workers; not a backlog.", "Redis"),
    MetricSpec(
        "queue_intruders_total",
        "counter",
        QUEUE,
        "Ids that somebody else wrote into the queue's list in Redis: none of them was run, all were removed.",
        "Redis",
    ),
    MetricSpec(
        "queue_cache_requests_total",
        "counter",
        ("job", "answer"),
        "Requests for reusable results: answered with a kept result, with the live run that makes it, with a run of "
        "their own (run), or with one because they asked for it (fresh).",
        "Redis",
    ),
    MetricSpec(
        "queue_cache_hit_rate_percent",
        "gauge",
        ("job",),
        "Share of those of the last 24 hours that a kept result or a live run answered, without the fresh ones.",
        "Redis",
    ),
    MetricSpec(
        "queue_api_refusals_total",
        "counter",
        ("code",),
        "Requests to the API that were answered with a problem, by its code.",
        "Redis",
    ),
    MetricSpec(
        "queue_api_rate_limited_total",
        "counter",
        ("bucket",),
        "Those that were refused for a limit, by what was limited: general, creation, administration, login, anonymous.",
        "Redis",
    ),
    MetricSpec("connection_pool_in_use", "gauge", POOL, "Connections used now.", "processes"),
    MetricSpec("connection_pool_idle", "gauge", POOL, "Connections open and free now.", "processes"),
    MetricSpec("connection_pool_max", "gauge", POOL, "Connections there may be.", "processes"),
    MetricSpec(
        "connection_pool_use_ratio",
        "gauge",
        POOL,
        "The most that were used at once lately, of those there may be.",
        "processes",
    ),
    MetricSpec(
        "connection_pool_waits_total", "counter", POOL, "How often somebody waited for a free one.", "processes"
    ),
    MetricSpec("connection_pool_wait_seconds_total", "counter", POOL, "For how long in all.", "processes"),
    MetricSpec("connection_pool_created_total", "counter", POOL, "Connections made.", "processes"),
    MetricSpec(
        "connection_pool_replaced_total",
        "counter",
        POOL,
        "Connections made again because theirs had broken.",
        "processes",
    ),
    MetricSpec(
        "connection_pool_errors_total",
        "counter",
        POOL,
        "Attempts to connect, questions and waits that came to nothing.",
        "processes",
    ),
    MetricSpec("connection_up", "gauge", ("purpose",), "1 if the web process reached this purpose's server.", "scrape"),
    MetricSpec(
        "connection_latency_seconds",
        "gauge",
        ("purpose",),
        "How long the server of this purpose took to answer.",
        "scrape",
    ),
    MetricSpec("redis_latency_seconds", "gauge", (), "How long the queues' Redis took to answer a PING.", "Redis"),
    MetricSpec("redis_up", "gauge", (), "1 if the queues' Redis answered in time.", "scrape"),
    MetricSpec("database_up", "gauge", (), "1 if the database answered in time.", "scrape"),
)
BY_NAME = {spec.name: spec for spec in METRICS}

_INTRODUCTION = """# Metrics

`/metrics` answers staff who are signed in, and whoever sends `Authorization: Bearer <METRICS_TOKEN>`. It holds the
figures below and django-prometheus' own of the web process that answers. The queues' figures are read from the ledger
and from Redis at the scrape, so every web process tells the same and nothing is lost when one restarts. A part that
does not answer within 1.5 seconds is left out and its `..._up` is 0: the rest still comes.

Durations are gathered by the workers and added to Redis in batches (`METRICS_BATCH_SIZE` runs or
`METRICS_FLUSH_INTERVAL` milliseconds, whichever is first). `METRICS_ENABLED=false`, or the switch `metrics`, turns both
off.

Workers and web processes tell Redis every five seconds how their connection pools are; what a process told is forgotten
half a minute after its last word. Purposes are `queue`, `queue-waiting` (workers waiting for the bell), `session`,
`cache`, `metrics` and, on PostgreSQL, `database`.

This page is made from `queues/watch/table.py`, with `python -m queues.watch.table > docs/reference/metrics.md`.
"""


def markdown() -> str:
    """The reference page."""
    lines = [_INTRODUCTION, "| metric | kind | labels | read from | meaning |", "|---|---|---|---|---|"]
    for spec in METRICS:
        labels = ", ".join(f"`{label}`" for label in spec.labels) or "none"
        lines.append(f"| `{spec.name}` | {spec.kind} | {labels} | {spec.source} | {spec.help} |")
    lines += ["", f"Buckets of processing, seconds: {_listed(PROCESSING_BUCKETS)}."]
    lines += [f"Buckets of waiting, seconds: {_listed(WAIT_BUCKETS)}."]
    return "\n".join(lines) + "\n"


def _listed(buckets: tuple[float, ...]) -> str:
    return ", ".join(f"{bound:g}" for bound in buckets)


if __name__ == "__main__":
    print(markdown(), end="")
