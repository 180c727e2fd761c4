"""What goes out: a run, a queue's figures, health. Seconds end in `_s`; times are UTC."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from queues import catalogue
from queues.api.fields import JsonObject, Moment
from queues.models import Run, RunEvent
from queues.models.queue import Executor

Serializer = serializers.Serializer[Any]
GRADES = ("A", "B", "C", "D", "F")
WORDS = ("excellent", "good", "warning", "critical")
COMPONENTS = ("database", "redis", "workers")
UP_OR_DOWN = ("up", "down")


class FieldErrorAnswer(Serializer):
    field = serializers.CharField(help_text="The path of the wrong value, e.g. params.stops.0.load.")
    message = serializers.CharField()
    code = serializers.CharField()


class Problem(Serializer):
    """RFC 9457: what went wrong and what to do. `code` is stable; `instance` is the request's id."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    instance = serializers.CharField()
    errors = FieldErrorAnswer(many=True, required=False)  # type: ignore[assignment]


class Progress(Serializer):
    done = serializers.FloatField(allow_null=True)
    total = serializers.FloatField(allow_null=True)
    note = serializers.CharField(allow_blank=True)


class RunError(Serializer):
    """The last attempt's error."""

    type = serializers.CharField(allow_blank=True)
    code = serializers.CharField(allow_blank=True)
    message = serializers.CharField(allow_blank=True)


class Event(Serializer):
    """What happened beyond the run's own times: retries, crashes, what people did."""

    at = Moment()
    kind = serializers.ChoiceField(choices=RunEvent.Kind.choices)
    attempt = serializers.IntegerField()
    actor = serializers.CharField(allow_blank=True)
    note = serializers.CharField(allow_blank=True)


class RunAnswer(Serializer):
    """A run as it is now."""

    id = serializers.UUIDField()
    url = serializers.CharField(help_text="Where to ask again.")
    job = serializers.CharField()
    title = serializers.CharField()
    queue = serializers.ChoiceField(choices=catalogue.NAMES)
    state = serializers.ChoiceField(choices=Run.State.choices)
    priority = serializers.IntegerField()
    params = JsonObject()
    definition = serializers.CharField(allow_null=True)
    schedule = serializers.CharField(allow_null=True)
    parent_id = serializers.UUIDField(allow_null=True)
    dedupe_key = serializers.CharField(allow_null=True)
    cached = serializers.BooleanField(
        help_text="In the answer to POST jobs: whether an earlier run's result answers it, so that nothing was run."
    )
    attempt = serializers.IntegerField(help_text="Executions that have started.")
    max_attempts = serializers.IntegerField()
    created_at = Moment()
    due_at = Moment()
    claimed_at = Moment(allow_null=True)
    started_at = Moment(allow_null=True, help_text="Of the latest attempt.")
    finished_at = Moment(allow_null=True)
    cancel_requested_at = Moment(allow_null=True)
    wait_s = serializers.FloatField(allow_null=True, help_text="From due to started.")
    processing_s = serializers.FloatField(allow_null=True, help_text="From started to finished.")
    total_s = serializers.FloatField(allow_null=True, help_text="From created to finished.")
    progress = Progress(allow_null=True)
    result = JsonObject(allow_null=True)
    error = RunError(allow_null=True)
    spend_usd = serializers.DecimalField(max_digits=12, decimal_places=6)
    actor = serializers.CharField(allow_blank=True, help_text="Who asked for it.")
    source = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    request_id = serializers.CharField(allow_blank=True)
    events = Event(many=True, help_text="The newest hundred, oldest first.")


class HealthReason(Serializer):
    code = serializers.CharField()
    text = serializers.CharField()
    points = serializers.IntegerField(help_text="How many of the 100 it costs.")


class HealthVerdict(Serializer):
    """Score from 0 to 100, its grade, and every reason for which points are missing."""

    score = serializers.IntegerField(min_value=0, max_value=100)
    grade = serializers.ChoiceField(choices=GRADES)
    word = serializers.ChoiceField(choices=WORDS)


class QueueHealthAnswer(HealthVerdict):
    queue = serializers.ChoiceField(choices=catalogue.NAMES)
    reasons = HealthReason(many=True)


class Component(Serializer):
    name = serializers.ChoiceField(choices=COMPONENTS)
    up = serializers.BooleanField()
    detail = serializers.CharField(allow_blank=True)


class ConnectionAnswer(Serializer):
    """A purpose's connection, and this process' pool for it (all null where it has none)."""

    purpose = serializers.CharField(help_text="database, queue, session, cache or metrics.")
    up = serializers.BooleanField()
    latency_ms = serializers.FloatField(allow_null=True)
    detail = serializers.CharField(allow_blank=True, help_text="Why it is not up.")
    in_use = serializers.IntegerField(allow_null=True)
    idle = serializers.IntegerField(allow_null=True)
    max = serializers.IntegerField(allow_null=True)


class HealthAnswer(HealthVerdict):
    """The whole is as well as its worst queue."""

    at = Moment()
    components = Component(many=True)
    connections = ConnectionAnswer(many=True)
    queues = QueueHealthAnswer(many=True)


class QueueInForce(Serializer):
    """What is in force for a queue."""

    queue = serializers.ChoiceField(choices=catalogue.NAMES)
    title = serializers.CharField()
    enabled = serializers.BooleanField()
    paused = serializers.BooleanField()
    paused_until = Moment(allow_null=True)
    pause_reason = serializers.CharField(allow_blank=True)
    draining = serializers.BooleanField(help_text="Runs asked for since then wait until it is resumed.")
    drain_reason = serializers.CharField(allow_blank=True)
    concurrency = serializers.IntegerField(help_text="Slots over all workers together.")
    rate_limit = serializers.CharField(allow_blank=True)
    executor = serializers.ChoiceField(choices=Executor.choices, help_text="Where its runs execute.")


class QueueStatus(QueueInForce):
    """What is in force for a queue, and what it does."""

    depth = serializers.IntegerField(help_text="Runs due and waiting.")
    running = serializers.IntegerField()
    workers = serializers.IntegerField(help_text="Live workers that serve it.")


class WorkerStatus(Serializer):
    name = serializers.CharField()
    queues = serializers.ListField(child=serializers.CharField())
    slots = serializers.IntegerField()
    busy = serializers.IntegerField()
    rss_mb = serializers.FloatField(help_text="Memory of the process.")


class StatusAnswer(Serializer):
    at = Moment()
    redis_up = serializers.BooleanField()
    queues = QueueStatus(many=True)
    workers = WorkerStatus(many=True)


class QueueStats(Serializer):
    """A queue's figures now; `succeeded` and `failed` count the last five minutes, `..._total` all time."""

    queue = serializers.ChoiceField(choices=catalogue.NAMES)
    depth = serializers.IntegerField(help_text="Runs due and waiting.")
    oldest_wait_s = serializers.FloatField()
    scheduled = serializers.IntegerField(help_text="Runs due later.")
    running = serializers.IntegerField()
    dead = serializers.IntegerField(help_text="All dead letters there are.")
    slots_busy = serializers.IntegerField()
    concurrency = serializers.IntegerField()
    workers = serializers.IntegerField()
    succeeded = serializers.IntegerField()
    failed = serializers.IntegerField()
    rate_per_min = serializers.FloatField(help_text="Runs finished in the last minute.")
    mean_wait_s = serializers.FloatField(allow_null=True)
    mean_processing_s = serializers.FloatField(allow_null=True)
    succeeded_total = serializers.IntegerField()
    dead_total = serializers.IntegerField()
    cancelled_total = serializers.IntegerField()
    retried_total = serializers.IntegerField()
    last_run_at = Moment(allow_null=True)


class QueueStatsAnswer(QueueStats):
    at = Moment()


class StatsTotals(Serializer):
    depth = serializers.IntegerField()
    scheduled = serializers.IntegerField()
    running = serializers.IntegerField()
    dead = serializers.IntegerField()
    succeeded = serializers.IntegerField()
    failed = serializers.IntegerField()
    rate_per_min = serializers.FloatField()
    workers = serializers.IntegerField()


class StatsAnswer(Serializer):
    at = Moment()
    totals = StatsTotals()
    queues = QueueStats(many=True)


class UpAnswer(Serializer):
    """Whether the application answers and reaches its database; nothing else is told to strangers."""

    status = serializers.ChoiceField(choices=UP_OR_DOWN)
