"""Calls to outside, one row each: what was asked, how it stands, what came back."""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from django.db.models import Q

from queues.models.encrypted import EncryptedTextField


class OutboundCall(models.Model):
    """`key` is the call's business identity, unique for ever; `idempotency_key` is what the provider is given.

    `unknown`: the call was sent and nobody knows how it ended. It is looked up at the provider, never blindly resent.
    """

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        SENDING = "sending", "Sending"
        DONE = "done", "Done"
        REFUSED = "refused", "Refused"
        UNKNOWN = "unknown", "Unknown"

    id = models.UUIDField(primary_key=True, editable=False)
    key = models.CharField(max_length=255, unique=True)
    provider = models.CharField(max_length=40)
    operation = models.CharField(max_length=80)
    request = models.JSONField(default=dict)
    sealed = EncryptedTextField(blank=True, default="", db_default="", editable=False)  # JSON; "" where there is none
    idempotency_key = models.CharField(max_length=255)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    run_id = models.UUIDField(null=True, blank=True)  # the run that asked for it
    token = models.UUIDField(null=True, blank=True)  # of who is sending
    response = models.JSONField(null=True, blank=True)
    error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    next_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["next_at"], name="outbox_open", condition=Q(state__in=["pending", "sending", "unknown"])
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="outbox_sending_has_token",
                condition=Q(state="sending", token__isnull=False) | ~Q(state="sending"),
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.operation} {self.key}"

    @property
    def opened(self) -> dict[str, Any]:
        """What is sealed of the request. Raises CannotOpen."""
        found: dict[str, Any] = json.loads(self.sealed) if self.sealed else {}
        return found
