"""What staff define: a job with its parameters and the rules it runs under."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models


class JobDefinition(models.Model):
    """A named job with parameters. Empty overrides mean "as the job declares" (see queues.registry.JobSpec)."""

    name = models.CharField(max_length=120, unique=True, help_text="How staff call it, e.g. “Plan tomorrow's routes”.")
    job = models.CharField(max_length=100, help_text="Which job it runs.")
    description = models.TextField(blank=True, default="")
    params = models.JSONField(default=dict, blank=True, verbose_name="parameters")
    enabled = models.BooleanField(
        default=True, help_text="Off: nothing new is enqueued from it; what waits still runs."
    )
    unique = models.BooleanField(
        default=False, help_text="At most one live run at a time; a second request answers with the first."
    )
    priority = models.SmallIntegerField(null=True, blank=True, help_text="Higher first. Empty: as the job declares.")
    timeout_s = models.FloatField(null=True, blank=True, verbose_name="time limit, seconds")
    max_attempts = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="The first execution and its retries."
    )
    concurrency = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], verbose_name="runs at once",
        help_text="Over all workers together. Empty: as many as the queue allows.",
    )  # fmt: skip
    cache_ttl_s = models.FloatField(
        null=True, blank=True, validators=[MinValueValidator(0)], verbose_name="result reusable for, seconds",
        help_text="The same request within this time is answered with the result there is. 0: never. Empty: as the job declares.",
    )  # fmt: skip
    retention_days = models.PositiveIntegerField(null=True, blank=True, help_text="How long finished runs are kept.")
    sla_warning_s = models.FloatField(null=True, blank=True, verbose_name="SLA warning, seconds")
    sla_critical_s = models.FloatField(null=True, blank=True, verbose_name="SLA critical, seconds")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name = "job definition"

    def __str__(self) -> str:
        return self.name
