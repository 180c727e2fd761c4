"""An alert: something that the watch measures is beyond its line, and is not back yet."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Alert(models.Model):
    """At most one is open for a rule and a queue (empty: the whole house). `queues.watch.alerts` opens and resolves them.

    `value`, `peak` and `threshold` are in the rule's unit. `calm_since` and `calm_level`: how long it would have been
    worth less than its level, and what at most. `told_level`: what subscribers were told last; nothing more is told them
    before `quiet_until`, unless it gets worse.
    """

    class Level(models.TextChoices):
        WARNING = "warning", "Warning"
        CRITICAL = "critical", "Critical"

    id = models.UUIDField(primary_key=True, editable=False)  # UUIDv7: in the order of opening
    rule = models.CharField(max_length=64)
    queue = models.CharField(max_length=64, blank=True, default="")
    level = models.CharField(max_length=8, choices=Level.choices)
    text = models.CharField(max_length=300)
    value = models.FloatField()
    threshold = models.FloatField()
    peak = models.FloatField()
    opened_at = models.DateTimeField()
    level_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()  # when it was last found beyond its line
    resolved_at = models.DateTimeField(null=True, blank=True)
    reopened = models.PositiveSmallIntegerField(default=0)
    calm_since = models.DateTimeField(null=True, blank=True)
    calm_level = models.CharField(max_length=8, blank=True, default="")
    told_level = models.CharField(max_length=8, blank=True, default="")
    quiet_until = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.CharField(max_length=150, blank=True, default="")
    note = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["resolved_at"], name="alert_resolved")]
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "queue"], name="alert_open_once", condition=Q(resolved_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        rule = self.rule.replace("_", " ").capitalize()
        return f"{rule}, {self.queue}" if self.queue else rule

    @property
    def open(self) -> bool:
        return self.resolved_at is None
