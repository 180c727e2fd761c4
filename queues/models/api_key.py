"""A machine's way into the API: it acts for its owner, within its scopes."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models


class ApiKey(models.Model):
    """What it may do: what its owner may, of that the `actions` on the `queues`. Of the secret only its hash is kept."""

    prefix = models.CharField(max_length=16, unique=True, editable=False)
    name = models.CharField(max_length=120)
    digest = models.CharField(max_length=64, editable=False)  # SHA-256 of the secret, in hex
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    actions = models.JSONField(default=list)  # of policy.Action
    queues = models.JSONField(default=list)  # of catalogue.NAMES
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)  # to the minute
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    created_by = models.CharField(max_length=150, editable=False)

    class Meta:
        ordering = ["-id"]
        verbose_name = "API key"
        verbose_name_plural = "API keys"

    def __str__(self) -> str:
        return f"{self.name} (rm_{self.prefix}_…)"

    def is_live(self, now: datetime) -> bool:
        """Neither revoked nor expired. Its owner may be switched off all the same."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)
