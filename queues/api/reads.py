"""What the API tells, as plain data for its serializers. A bounded number of queries, however many runs there are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.http import Http404
from django.urls import get_script_prefix, reverse

from queues import catalogue, policy, registry
from queues.api.permissions import NO_RUN
from queues.engine import broker
from queues.engine.connections import Health
from queues.errors import UnknownJob
from queues.ledger import clock
from queues.ledger.queue_settings import QueueSettings
from queues.ledger.reuse import own_dedupe_key
from queues.models import QueueHealth, Run
from queues.policy import Action
from queues.watch import standing
from queues.watch.look import Look, look
from queues.watch.score import grade_of, judge

EVENTS = 100
NIL = UUID(int=0)
NO_SUCH_RUN = "There is no such run."
SUMMED = ("depth", "scheduled", "running", "dead", "succeeded", "failed", "rate_per_min")


def run_of(queue: str, run_id: UUID) -> Run:
    """The run, if it is in this queue (its name or an alias). Raises UnknownQueue, Http404."""
    name = catalogue.canonical(queue)
    found = Run.objects.select_related("definition", "schedule").filter(pk=run_id, queue=name).first()
    if found is None:
        raise Http404(NO_RUN)
    return found


def told(run: Run) -> dict[str, Any]:
    """A run for RunAnswer. One query, and one for each of definition and schedule that was not fetched with it; none
    for a run that this request made, of which there is nothing more to know."""
    made_now = run.answer is not None and run.answer.created
    return {
        **{name: getattr(run, name) for name in _AS_STORED},
        "url": url_of(run),
        "title": title_of(run.job),
        "params": run.parameters,
        "dedupe_key": dedupe_key_of(run),
        "cached": run.answer is not None and run.answer.cached,
        "definition": run.definition.name if run.definition else None,
        "schedule": run.schedule.name if run.schedule else None,
        "wait_s": between_s(run.due_at, run.started_at),
        "processing_s": between_s(run.started_at, run.finished_at),
        "total_s": between_s(run.created_at, run.finished_at),
        "progress": progress_of(run),
        "error": error_of(run),
        "events": [] if made_now else list(run.events.order_by("-id")[:EVENTS])[::-1],
    }


_AS_STORED = (
    "id", "job", "queue", "state", "priority", "parent_id", "attempt", "max_attempts",
    "created_at", "due_at", "claimed_at", "started_at", "finished_at", "cancel_requested_at", "result", "spend_usd",
    "actor", "source", "request_id",
)  # fmt: skip


def title_of(job: str) -> str:
    """A job's title; the name of one that is gone."""
    try:
        return registry.get(job).title
    except UnknownJob:
        return job


def dedupe_key_of(run: Run) -> str | None:
    """As the client gave it."""
    return own_dedupe_key(run) and str(run.dedupe_key).removeprefix(f"{run.job}:")


def progress_of(run: Run) -> dict[str, Any] | None:
    """None where the handler told none."""
    if run.progress_done is None and run.progress_total is None and not run.progress_note:
        return None
    return {"done": run.progress_done, "total": run.progress_total, "note": run.progress_note}


def error_of(run: Run) -> dict[str, Any] | None:
    """The last attempt's; None where it did not fail."""
    if not (run.error_type or run.error_code or run.error_message):
        return None
    return {"type": run.error_type, "code": run.error_code, "message": run.error_message}


def url_of(run: Run) -> str:
    """The path under which a run is read."""
    return f"{_path_of(get_script_prefix(), run.queue)}{run.id}"


@cache
def _path_of(prefix: str, queue: str) -> str:
    """What stands before a run's id: fifty of them are told at once. `prefix`: where the site is mounted."""
    return reverse("api-run", args=[queue, NIL]).removesuffix(str(NIL))


def readable(user: Any, run_id: UUID) -> Run:
    """The run, if this user may read its queue. Raises Http404: another's run is told as one that does not exist."""
    found = Run.objects.select_related("definition", "schedule").filter(pk=run_id).first()
    if found is None or not policy.may(user, Action.READ, queue=found.queue):
        raise Http404(NO_SUCH_RUN)
    return found


def status(seen: Look | None = None, *, redis_up: bool | None = None) -> dict[str, Any]:
    """What is in force and at work, for StatusAnswer. `redis_up`: where it was asked already."""
    redis_up = broker.ping("queue").up if redis_up is None else redis_up
    seen = seen or look(clock.now(), redis_up=redis_up)
    queues = [
        {
            **in_force_of(seen.in_force[name]),
            **{key: getattr(seen.facts[name], key) for key in ("depth", "running", "workers")},
        }
        for name in catalogue.NAMES
    ]
    return {"at": seen.at, "redis_up": redis_up, "queues": queues, "workers": [vars(each) for each in seen.workers]}


def in_force_of(queue: QueueSettings) -> dict[str, Any]:
    """What is in force for a queue, for QueueInForce."""
    return {"queue": queue.name, **{key: getattr(queue, key) for key in _IN_FORCE}}


_IN_FORCE = (
    "title", "enabled", "paused", "paused_until", "pause_reason", "draining", "drain_reason", "concurrency",
    "rate_limit", "executor",
)  # fmt: skip


def stats(seen: Look | None = None) -> dict[str, Any]:
    """Every queue's figures and their sums, for StatsAnswer. A worker on several queues counts once in the sum."""
    seen = seen or look(clock.now(), redis_up=True)
    records = QueueHealth.objects.in_bulk()
    queues = [_figures(seen, name, records.get(name)) for name in catalogue.NAMES]
    totals = {key: sum(each[key] for each in queues) for key in SUMMED}
    return {"at": seen.at, "totals": {**totals, "workers": len(seen.workers)}, "queues": queues}


def stats_of(queue: str) -> dict[str, Any]:
    """One queue's figures, for QueueStatsAnswer. Raises UnknownQueue."""
    name = catalogue.canonical(queue)
    seen = look(clock.now(), redis_up=True, queues=[name])
    return {"at": seen.at, **_figures(seen, name, QueueHealth.objects.filter(pk=name).first())}


def _figures(seen: Look, name: str, record: QueueHealth | None) -> dict[str, Any]:
    record = record or QueueHealth(queue=name)
    return {
        **vars(seen.facts[name]),
        "succeeded_total": record.succeeded,
        "dead_total": record.dead,
        "cancelled_total": record.cancelled,
        "retried_total": record.retried,
        "last_run_at": record.last_run_at,
    }


def health() -> dict[str, Any]:
    """How every queue is at this moment, and the whole as its worst, for HealthAnswer."""
    connections = standing.connections()
    redis = redis_of(connections)
    seen = look(clock.now(), redis_up=redis.up)
    verdicts = {name: judge(seen.facts[name]) for name in catalogue.NAMES}
    queues = [
        {"queue": name, "score": v.score, "grade": v.grade, "word": v.word, "reasons": v.told()}
        for name, v in verdicts.items()
    ]
    score = min(verdict.score for verdict in verdicts.values())
    grade, word = grade_of(score)
    live = len(seen.workers)
    away = "Redis does not answer: runs are still accepted, and workers find them in the ledger, more slowly."
    none = "No live worker; start one with: manage.py rqworker"
    return {
        "at": seen.at,
        "score": score,
        "grade": grade,
        "word": word,
        "components": [
            {"name": "database", "up": True, "detail": ""},
            {"name": "redis", "up": redis.up, "detail": "" if redis.up else away},
            {"name": "workers", "up": live > 0, "detail": f"{live} live" if live else none},
        ],
        "connections": [connection_told(each) for each in connections],
        "queues": queues,
    }


def redis_of(connections: Iterable[standing.Connection]) -> Health:
    """How the server is in which the queues' windows are."""
    return next(each.health for each in connections if each.purpose == "queue")


def connection_told(of: standing.Connection) -> dict[str, Any]:
    """A connection, for ConnectionAnswer."""
    pool, health = of.pool, of.health
    latency_ms = None if health.latency_ms is None else round(health.latency_ms, 3)
    return {
        "purpose": of.purpose,
        "up": health.up,
        "latency_ms": latency_ms,
        "detail": health.detail,
        "in_use": pool and pool.in_use,
        "idle": pool and pool.idle,
        "max": pool and pool.most,
    }


def database_up() -> bool:
    """Whether a statement gets through. Raises DatabaseError where not."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.fetchone())


def between_s(start: datetime | None, end: datetime | None) -> float | None:
    """Seconds; None where one of the moments has not come."""
    return None if start is None or end is None else round((end - start).total_seconds(), 3)
