"""Where somebody wants to be told of events: an address, what to tell, and the secret that signs it."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models

from queues.models.encrypted import EncryptedTextField


class WebhookEndpoint(models.Model):
    """It is told what its owner may read, of that the `events` on the `queues` (and of the `jobs`, where any are named).

    `whole`: whoever made it may also see what is of no queue. Off: `disabled_why` tells why, and `disabled_by` who said so;
    it is empty where that happened by itself.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    url = models.CharField(max_length=1000)
    description = models.CharField(max_length=200, blank=True, default="")
    events = models.JSONField(default=list)  # of webhook_events.EVENTS
    queues = models.JSONField(default=list)  # of catalogue.NAMES
    jobs = models.JSONField(default=list, blank=True)  # names of jobs; empty: all
    whole = models.BooleanField(default=False, editable=False)
    secret = EncryptedTextField(editable=False)
    previous_secret = EncryptedTextField(editable=False, blank=True, default="")
    previous_until = models.DateTimeField(null=True, blank=True, editable=False)
    enabled = models.BooleanField(default=True)
    disabled_at = models.DateTimeField(null=True, blank=True, editable=False)
    disabled_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    disabled_why = models.CharField(max_length=300, blank=True, default="", editable=False)
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)  # nothing has arrived since then
    last_success_at = models.DateTimeField(null=True, blank=True, editable=False)  # to the minute
    created_at = models.DateTimeField(editable=False)
    created_by = models.CharField(max_length=150, editable=False)
    updated_at = models.DateTimeField(editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        ordering = ["-id"]
        verbose_name = "webhook"

    def __str__(self) -> str:
        return self.description or self.url

    def secrets(self, now: datetime) -> list[str]:
        """What signs at this moment, the newest first."""
        before = self.previous_until is not None and self.previous_until > now
        return [self.secret, *([self.previous_secret] if before else [])]
