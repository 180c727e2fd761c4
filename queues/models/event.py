"""What happened to a run beyond its own timestamps, and what it wrote into its log."""

from __future__ import annotations

from django.db import models


class RunEvent(models.Model):
    """A transition worth telling. The ordinary path (created, claimed, started, finished) is in the run's timestamps."""

    class Kind(models.TextChoices):
        RETRY = "retry", "Attempt failed, will retry"
        FAILED = "failed", "Attempt failed for good"
        CRASHED = "crashed", "Worker lost while running"
        GIVEN_BACK = "given_back", "Given back unstarted"
        CANCEL_REQUESTED = "cancel_requested", "Cancel requested"
        CANCELLED = "cancelled", "Cancelled"
        REQUEUED = "requeued", "Put back by hand"

    run = models.ForeignKey("queues.Run", on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    kind = models.CharField(max_length=20, choices=Kind.choices)
    attempt = models.PositiveSmallIntegerField(default=0)
    actor = models.CharField(max_length=150, blank=True, default="")
    note = models.TextField(blank=True, default="")
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%H:%M:%S}"


class RunLogLine(models.Model):
    """A line that a handler logged; `seq` orders the lines of one attempt."""

    run = models.ForeignKey("queues.Run", on_delete=models.CASCADE, related_name="log_lines")
    at = models.DateTimeField()
    attempt = models.PositiveSmallIntegerField()
    level = models.CharField(max_length=8, default="info")
    message = models.TextField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.message[:80]
