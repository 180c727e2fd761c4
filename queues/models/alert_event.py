"""What happened to an alert: the watch's own steps, and who took care of it."""

from __future__ import annotations

from django.db import models


class AlertEvent(models.Model):
    """One step, with the value and level as they were then."""

    class Kind(models.TextChoices):
        OPENED = "opened", "Opened"
        REOPENED = "reopened", "Opened again"
        WORSENED = "worsened", "Got worse"
        EASED = "eased", "Got better"
        TOLD = "told", "Told to subscribers"
        RESOLVED = "resolved", "Resolved"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"

    alert = models.ForeignKey("queues.Alert", on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    kind = models.CharField(max_length=12, choices=Kind.choices)
    level = models.CharField(max_length=8)
    value = models.FloatField()
    actor = models.CharField(max_length=150, blank=True, default="")
    note = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%H:%M:%S}"
