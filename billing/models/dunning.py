"""Reminders: by which calendar, and how far a document's are."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from billing.models import fields
from billing.models.document import Document


class DunningStep(models.Model):
    """So many days after a document was due, this is done. `retry`: the saved method is charged again (never after a hard decline)."""

    number = models.PositiveSmallIntegerField(unique=True)
    days_after_due = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=120)
    text = models.TextField(blank=True, default="")
    retry = models.BooleanField(default=False)
    fee_minor = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return self.title


class Dunning(models.Model):
    """A document that is overdue. It stops when it is paid, pauses while it is disputed, and waits until the day a customer promised."""

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        STOPPED = "stopped", "Stopped"

    document = models.OneToOneField(Document, on_delete=models.PROTECT, primary_key=True, related_name="dunning")
    state = models.CharField(max_length=7, choices=State.choices, default=State.ACTIVE)
    reason = models.CharField(max_length=200, blank=True, default="")
    done_step = models.PositiveSmallIntegerField(default=0)
    next_on = models.DateField(null=True, blank=True)
    promised_until = models.DateField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["next_on"], condition=Q(state="active"), name="dunning_due")]

    def __str__(self) -> str:
        return f"{self.document_id}: {self.state}"


class Reminder(models.Model):
    """A step that was taken, once."""

    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="reminders")
    step = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=120)
    text = models.TextField(blank=True, default="", help_text="As it was told.")
    balance_minor = models.BigIntegerField()
    currency = fields.currency()
    sent_on = models.DateField()
    at = models.DateTimeField()
    outcome = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        ordering = ["document", "step"]
        constraints = [models.UniqueConstraint(fields=["document", "step"], name="reminded_once")]

    def __str__(self) -> str:
        return self.title
