"""One run of a job: asked for once, executed as often as it takes, finished once."""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from django.db.models import Q

from queues.contract import RunRef
from queues.packing import unpack

LIVE_STATES = ("scheduled", "pending", "running")
FAILED_STATES = ("dead", "cancelled")


class Run(models.Model):
    """`state` follows `queues.ledger.states`; `queues.ledger.runs` is its only writer.

    `attempt` counts executions that started (a claim given back is not charged); `crashes` those that ended with
    their worker. `lease_token` is the claim that holds the run: nothing is recorded without it.
    """

    answer: RunRef | None = None
    """How the request was answered that this row was read for; never stored. See queues.engine.dispatch."""

    class State(models.TextChoices):
        SCHEDULED = "scheduled", "Scheduled"
        PENDING = "pending", "Pending"
        RUNNING = "running", "Running"
        SUCCEEDED = "succeeded", "Succeeded"
        DEAD = "dead", "Dead letter"
        CANCELLED = "cancelled", "Cancelled"

    id = models.UUIDField(primary_key=True, editable=False)  # UUIDv7: in the order of creation
    job = models.CharField(max_length=100)
    queue = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State.choices)
    priority = models.SmallIntegerField(default=0, help_text="Higher first.")
    params = models.JSONField(default=dict)
    packed = models.BinaryField(null=True, blank=True)  # long parameters, compressed: see queues.packing
    definition = models.ForeignKey(
        "queues.JobDefinition", null=True, blank=True, on_delete=models.SET_NULL, related_name="runs", db_index=False
    )
    schedule = models.ForeignKey(
        "queues.Schedule", null=True, blank=True, on_delete=models.SET_NULL, related_name="runs", db_index=False
    )
    parent_id = models.UUIDField(null=True, blank=True)
    dedupe_key = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001  (null: no key, never unique)
    cache_key = models.CharField(max_length=64, blank=True, default="", db_default="")  # see queues.ledger.reuse
    concurrency_key = models.CharField(max_length=200, blank=True, default="")
    key_limit = models.PositiveSmallIntegerField(null=True, blank=True)

    attempt = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=6)
    crashes = models.PositiveSmallIntegerField(default=0)
    losses = models.PositiveSmallIntegerField(default=0, db_default=0)  # see queues.ledger.crashes
    timeout_s = models.FloatField(default=300)
    backoff_base_s = models.FloatField(default=2)
    backoff_cap_s = models.FloatField(default=60)

    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    worker_id = models.UUIDField(null=True, blank=True)

    progress_done = models.FloatField(null=True, blank=True)
    progress_total = models.FloatField(null=True, blank=True)
    progress_note = models.CharField(max_length=200, blank=True, default="")
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True)
    error_type = models.CharField(max_length=200, blank=True, default="")
    error_code = models.CharField(max_length=64, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    error_detail = models.TextField(blank=True, default="")  # the traceback, for staff
    spend_usd = models.DecimalField(max_digits=12, decimal_places=6, default=0)
    log_dropped = models.PositiveIntegerField(default=0)  # log lines beyond the size limit
    actor = models.CharField(max_length=150, blank=True, default="")
    source = models.CharField(max_length=16, blank=True, default="")
    request_id = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        ordering = ["-id"]
        indexes = [
            # Live runs are few; finished ones many. Each hot question has a partial index over the few.
            models.Index(
                fields=["queue", "-priority", "concurrency_key", "due_at", "id"],
                name="run_next",
                condition=Q(state="pending"),
            ),
            models.Index(
                fields=["cache_key", "-finished_at"],
                name="run_reusable",
                condition=Q(state="succeeded") & ~Q(cache_key=""),
            ),
            models.Index(fields=["due_at"], name="run_scheduled", condition=Q(state="scheduled")),
            models.Index(fields=["worker_id"], name="run_worker", condition=Q(state="running")),
            models.Index(
                fields=["queue", "concurrency_key"],
                name="run_keyed",
                condition=Q(state="running") & ~Q(concurrency_key=""),
            ),
            models.Index(fields=["queue", "finished_at"], name="run_finished", condition=Q(finished_at__isnull=False)),
            # Lists of runs, by any of the three: see queues.ledger.strands. Upwards, so that its pages are filled.
            models.Index(fields=["state", "queue", "job", "id"], name="run_listed"),
            models.Index(fields=["definition", "-id"], name="run_of_definition", condition=Q(definition__isnull=False)),
            models.Index(fields=["schedule", "-id"], name="run_by_schedule", condition=Q(schedule__isnull=False)),
            # What failed of a definition or a schedule, among all that did not.
            models.Index(
                fields=["definition", "id"],
                name="run_failed_of_definition",
                condition=Q(state__in=FAILED_STATES) & Q(definition__isnull=False),
            ),
            models.Index(
                fields=["schedule", "id"],
                name="run_failed_of_schedule",
                condition=Q(state__in=FAILED_STATES) & Q(schedule__isnull=False),
            ),
            # Lists of runs by what few of them have.
            models.Index(fields=["concurrency_key", "-id"], name="run_of_key", condition=~Q(concurrency_key="")),
            models.Index(fields=["dedupe_key", "-id"], name="run_of_dedupe_key", condition=Q(dedupe_key__isnull=False)),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["dedupe_key"],
                name="run_one_live_per_dedupe_key",
                condition=Q(state__in=LIVE_STATES) & Q(dedupe_key__isnull=False),
            ),
            models.CheckConstraint(
                name="run_finished_has_time",
                condition=Q(state__in=LIVE_STATES, finished_at__isnull=True)
                | (~Q(state__in=LIVE_STATES) & Q(finished_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="run_lease_while_running",
                condition=Q(state="running", lease_token__isnull=False, worker_id__isnull=False)
                | (~Q(state="running") & Q(lease_token__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return f"Run {str(self.id)[-12:]}"

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters, however they are stored. Raises ValueError where `packed` was tampered with."""
        found: dict[str, Any] = self.params if self.packed is None else json.loads(unpack(self.packed))
        return found
