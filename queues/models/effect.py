"""Business facts that happen once, by key."""

from __future__ import annotations

from django.db import models


class EffectRecord(models.Model):
    """`key` is the fact's business identity; a second one who brings it gets the first one's `result`."""

    key = models.CharField(max_length=255, primary_key=True)
    run_id = models.UUIDField()
    job = models.CharField(max_length=100)
    result = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "effect"

    def __str__(self) -> str:
        return self.key
