"""A worker process: its heartbeat is the lease of everything it holds."""

from __future__ import annotations

from django.db import models


class Worker(models.Model):
    """`renewals` grows with every heartbeat. A worker found lost never comes back under this id: it starts a new one."""

    id = models.UUIDField(primary_key=True, editable=False)
    name = models.CharField(max_length=120)
    host = models.CharField(max_length=120)
    pid = models.PositiveIntegerField()
    queues = models.JSONField(default=list)
    slots = models.PositiveSmallIntegerField(default=0)
    busy = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()
    renewals = models.PositiveBigIntegerField(default=0)
    stopping_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    lost_at = models.DateTimeField(null=True, blank=True)
    rss_mb = models.FloatField(default=0)
    lock_path = models.CharField(max_length=300, blank=True, default="")  # SQLite: liveness is this file's lock

    class Meta:
        ordering = ["-started_at"]
        indexes = [
            models.Index(
                fields=["beat_at"],
                name="worker_live",
                condition=models.Q(stopped_at__isnull=True, lost_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> str:
        """running, stopping, stopped or lost."""
        if self.lost_at:
            return "lost"
        if self.stopped_at:
            return "stopped"
        return "stopping" if self.stopping_at else "running"
