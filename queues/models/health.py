"""How a queue is, now and over time."""

from __future__ import annotations

from django.db import models


class QueueHealth(models.Model):
    """The queue's present record: updated after runs (net, in batches) and by every sample."""

    queue = models.CharField(max_length=64, primary_key=True)
    succeeded = models.PositiveBigIntegerField(default=0)
    dead = models.PositiveBigIntegerField(default=0)
    cancelled = models.PositiveBigIntegerField(default=0)
    retried = models.PositiveBigIntegerField(default=0)
    last_run_at = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_failure_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True, default="")
    score = models.PositiveSmallIntegerField(default=100)
    grade = models.CharField(max_length=1, default="A")
    reasons = models.JSONField(default=list)
    sampled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["queue"]
        verbose_name = "queue health"
        verbose_name_plural = "queue health records"

    def __str__(self) -> str:
        return f"{self.queue}: {self.grade}"


class HealthSample(models.Model):
    """One look at a queue: at least every 30 s. Waits in seconds; rates over the last minute; score 0-100."""

    queue = models.CharField(max_length=64)
    at = models.DateTimeField()
    depth = models.PositiveIntegerField()  # due and waiting
    scheduled = models.PositiveIntegerField(default=0)  # due later
    running = models.PositiveIntegerField()
    dead = models.PositiveIntegerField(default=0)  # all dead letters now
    oldest_wait_s = models.FloatField(default=0)
    succeeded = models.PositiveIntegerField(default=0)  # in the last five minutes
    failed = models.PositiveIntegerField(default=0)  # dead in the last five minutes
    rate_per_min = models.FloatField(default=0)
    mean_wait_s = models.FloatField(null=True, blank=True)
    mean_processing_s = models.FloatField(null=True, blank=True)
    workers = models.PositiveSmallIntegerField(default=0)  # live workers that serve it
    score = models.PositiveSmallIntegerField()
    grade = models.CharField(max_length=1)
    reasons = models.JSONField(default=list)

    class Meta:
        ordering = ["-at"]
        get_latest_by = "at"
        indexes = [
            models.Index(fields=["queue", "-at"], name="health_latest"),
            models.Index(fields=["at"], name="health_age"),
        ]

    def __str__(self) -> str:
        return f"{self.queue} {self.at:%H:%M:%S}: {self.score} ({self.grade})"
