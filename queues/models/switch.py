"""A switch that staff throw while the system runs: what it says is in force at every worker's next heartbeat."""

from __future__ import annotations

from django.db import models


class Switch(models.Model):
    """Overrides the environment's value of the same name. No row: the environment's value holds."""

    name = models.CharField(max_length=64, primary_key=True, editable=False)
    on = models.BooleanField(help_text="Takes effect within a second or two, on every worker.")
    reason = models.CharField(max_length=300, blank=True, default="")
    changed_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    changed_at = models.DateTimeField(editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "switches"

    def __str__(self) -> str:
        return f"{self.name}: {'on' if self.on else 'off'}"
