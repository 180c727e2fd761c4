"""What a webhook is told, one row a message; each time it was tried; and how many there have been."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from queues.models.webhook import WebhookEndpoint


class WebhookDelivery(models.Model):
    """A message. Its id is the `webhook-id`, the same however often it is sent. `key` names the event within the webhook.

    No constraint of the database ties it to its webhook: recording a run's ending must never fail, or wait, because
    somebody deletes a webhook. What is left of a deleted one goes with the history.
    """

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        SENDING = "sending", "Sending"
        DELIVERED = "delivered", "Delivered"
        DEAD = "dead", "Dead"

    id = models.UUIDField(primary_key=True, editable=False)
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="deliveries"
    )
    event = models.CharField(max_length=40)
    key = models.CharField(max_length=160)
    queue = models.CharField(max_length=64, blank=True, default="")  # empty: of no queue
    subject = models.CharField(max_length=64, blank=True, default="")  # the run's or alert's id
    payload = models.TextField()  # JSON, as it is sent
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    token = models.UUIDField(null=True, blank=True)  # of who is sending
    next_at = models.DateTimeField(null=True, blank=True)  # when it is due; of who is sending: when that is given up
    status = models.PositiveSmallIntegerField(null=True, blank=True)  # of the last answer
    error = models.CharField(max_length=300, blank=True, default="")
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = "webhook delivery"
        verbose_name_plural = "webhook deliveries"
        indexes = [
            models.Index(fields=["endpoint", "-id"], name="webhook_of_endpoint"),
            models.Index(
                fields=["endpoint", "next_at"], name="webhook_open", condition=Q(state__in=["pending", "sending"])
            ),
            models.Index(fields=["endpoint", "created_at"], name="webhook_dead", condition=Q(state="dead")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "key"], name="webhook_told_once"),
            models.CheckConstraint(
                name="webhook_sending_has_token",
                condition=Q(state="sending", token__isnull=False) | ~Q(state="sending"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.subject}".strip()


class WebhookAttempt(models.Model):
    """One sending: when it began, how long it took, and what came back, or why nothing did."""

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="tries")
    at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    duration_ms = models.PositiveIntegerField()
    error = models.CharField(max_length=300, blank=True, default="")
    excerpt = models.TextField(blank=True, default="")  # the first kilobyte of the answer

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.status or self.error}"


class WebhookTally(models.Model):
    """How many sendings came to this, ever: for the metrics, whatever is deleted."""

    outcome = models.CharField(primary_key=True, max_length=16)
    total = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.outcome}: {self.total}"
