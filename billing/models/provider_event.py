"""What providers and banks tell us, as they told it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from billing.models import fields
from billing.models.payment import Payment


class ProviderEvent(models.Model):
    """A verified webhook, raw; stored once and applied once. `error`: why it could not be applied, yet."""

    provider = models.CharField(max_length=20)
    event_id = models.CharField(max_length=100)
    kind = models.CharField(max_length=80)
    created_at = models.DateTimeField(help_text="By the provider's clock.")
    received_at = models.DateTimeField()
    body = models.TextField()
    applied_at = models.DateTimeField(null=True, blank=True)
    effect = models.CharField(max_length=200, blank=True, default="", help_text="What it changed, in words.")
    error = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-received_at"]
        constraints = [models.UniqueConstraint(fields=["provider", "event_id"], name="provider_event_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"


class BankStatement(models.Model):
    """An imported file of a bank's; the same contents are not imported twice."""

    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64, unique=True)
    form = models.CharField(max_length=10, help_text="camt053, camt054, csv")
    imported_at = models.DateTimeField()

    class Meta:
        ordering = ["-imported_at"]

    def __str__(self) -> str:
        return self.name


class BankLine(models.Model):
    """One booking. `reference` is the bank's own, or a digest of the line; `payment` is what was made of it, `problem` why nothing was.
    `account`: the payer's, an IBAN as a rule."""

    class State(models.TextChoices):
        MATCHED = "matched", "Matched"
        UNMATCHED = "unmatched", "Unmatched"
        IGNORED = "ignored", "Ignored"

    statement = models.ForeignKey(BankStatement, on_delete=models.PROTECT, related_name="lines")
    reference = models.CharField(max_length=140, unique=True)
    booked_on = models.DateField()
    amount_minor = models.BigIntegerField(help_text="Negative: it went out.")
    currency = fields.currency()
    payer = models.CharField(max_length=140, blank=True, default="")
    account = models.CharField(max_length=34, blank=True, default="")
    text = models.CharField(max_length=500, blank=True, default="")
    state = models.CharField(max_length=9, choices=State.choices, default=State.UNMATCHED)
    payment = models.OneToOneField(Payment, null=True, blank=True, on_delete=models.PROTECT, related_name="bank_line")
    problem = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        ordering = ["-booked_on", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="matched", payment__isnull=False)
                | Q(state__in=["unmatched", "ignored"], payment=None),
                name="matched_has_payment",
            )
        ]

    def __str__(self) -> str:
        return self.reference
