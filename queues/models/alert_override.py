"""What staff say of an alert rule: other lines, or silence for a while."""

from __future__ import annotations

from datetime import datetime

from django.db import models


class AlertOverride(models.Model):
    """Of a rule on one queue, or (empty) wherever there is no row of the queue's own. Lines are in the rule's unit."""

    rule = models.CharField(max_length=64)
    queue = models.CharField(
        max_length=64, blank=True, default="", help_text="Empty: every queue that has no row of its own."
    )
    warning = models.FloatField(null=True, blank=True, help_text="Empty: as shipped.")
    critical = models.FloatField(null=True, blank=True, help_text="Empty: as shipped.")
    muted_until = models.DateTimeField(
        null=True, blank=True, help_text="Until then alerts are shown, and nobody is told."
    )
    reason = models.CharField(max_length=300, help_text="Others will want to know.")
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["rule", "queue"]
        verbose_name = "alert line or mute"
        verbose_name_plural = "alert lines and mutes"
        constraints = [models.UniqueConstraint(fields=["rule", "queue"], name="alert_override_once")]

    def __str__(self) -> str:
        rule = self.rule.replace("_", " ").capitalize()
        return f"{rule}, {self.queue}" if self.queue else rule

    def mutes(self, now: datetime) -> bool:
        return self.muted_until is not None and self.muted_until > now
