"""Answers kept for callers who ask again with the same key."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models


class IdempotencyRecord(models.Model):
    """`scope` is the caller ("api:42", "job:billing.close_month"); `fingerprint` the SHA-256 of what was asked."""

    scope = models.CharField(max_length=120)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    run_id = models.UUIDField()
    answer = models.JSONField(null=True, blank=True, encoder=DjangoJSONEncoder)  # of a request whose answer is no run
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="idempotency_once")]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"
