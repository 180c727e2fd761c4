"""Where those who look for alerts meet: the update of this one row decides who of them looks."""

from __future__ import annotations

from django.db import models


class AlertWatch(models.Model):
    """`beyond`: since when a figure has been beyond its line without an alert yet, by "rule|queue" (ISO 8601).
    `counts`: how many alerts have come to a level, by "rule|level"; it only grows."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    looked_at = models.DateTimeField(null=True, blank=True)
    beyond = models.JSONField(default=dict)
    counts = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"looked at {self.looked_at}"
