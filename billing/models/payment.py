"""What customers pay, by which provider, and what goes back."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from uuid_utils.compat import uuid7

from billing.models import fields
from billing.models.customer import Customer
from billing.models.document import Document


class PaymentAccount(models.Model):
    """A customer as a provider knows it."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="payment_accounts")
    provider = models.CharField(max_length=20)
    reference = models.CharField(max_length=100, help_text="The provider's id of the customer.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer", "provider"], name="payment_account_once"),
            models.UniqueConstraint(fields=["provider", "reference"], name="payment_account_reference_once"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.reference}"


class PaymentMethod(models.Model):
    """A saved way to pay: the provider's reference, and what may be shown of it ("Visa … 4242")."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="payment_methods")
    provider = models.CharField(max_length=20)
    reference = models.CharField(max_length=100)
    label = models.CharField(max_length=60, blank=True, default="")
    usable = models.BooleanField(default=True)
    preferred = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "reference"], name="payment_method_once")]

    def __str__(self) -> str:
        return self.label or self.reference


class Payment(models.Model):
    """Money asked for or received. `key` is its business identity ("charge:INV-000017:1", "bank:…"): the same thing is never there twice.
    Of `amount_minor`, `allocated_minor` is set against documents and `refunded_minor` went back; the rest is the customer's credit."""

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        UNKNOWN = "unknown", "Outcome unknown"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=200, unique=True)
    provider = models.CharField(max_length=20)
    reference = models.CharField(max_length=100, blank=True, default="", help_text="The provider's id of it.")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="payments")
    document = models.ForeignKey(Document, null=True, blank=True, on_delete=models.PROTECT, related_name="payments")
    method = models.ForeignKey(PaymentMethod, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    currency = fields.currency()
    amount_minor = models.BigIntegerField()
    allocated_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    state = models.CharField(max_length=9, choices=State.choices, default=State.PENDING)
    failure_code = models.CharField(max_length=60, blank=True, default="")
    failure = models.CharField(max_length=300, blank=True, default="")
    hard = models.BooleanField(default=False, help_text="The decline is final: asking again is no use.")
    received_on = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "reference"], condition=~Q(reference=""), name="payment_reference_once"
            ),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="payment_is_something"),
            models.CheckConstraint(
                condition=Q(allocated_minor__gte=0)
                & Q(refunded_minor__gte=0)
                & Q(amount_minor__gte=F("allocated_minor") + F("refunded_minor")),
                name="payment_not_spent_twice",
            ),
            models.CheckConstraint(
                condition=Q(state="succeeded") | Q(allocated_minor=0, refunded_minor=0), name="only_money_had_is_spent"
            ),
        ]
        indexes = [models.Index(fields=["customer", "-created_at"], name="payment_by_customer")]

    def __str__(self) -> str:
        return self.key


class Allocation(models.Model):
    """So much of a payment, or of a credit note, is set against an invoice. Undone by one of the other sign, never deleted."""

    payment = models.ForeignKey(Payment, null=True, blank=True, on_delete=models.PROTECT, related_name="allocations")
    credit_note = models.ForeignKey(Document, null=True, blank=True, on_delete=models.PROTECT, related_name="set_off")
    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="allocations")
    amount_minor = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(payment=None, credit_note__isnull=False) | Q(payment__isnull=False, credit_note=None),
                name="allocation_has_one_source",
            ),
            models.CheckConstraint(condition=~Q(amount_minor=0), name="allocation_is_something"),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} on {self.document_id}"


class Refund(models.Model):
    """Money that goes back, of one payment; all of a payment's refunds that have not failed are never above what was captured."""

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        UNKNOWN = "unknown", "Outcome unknown"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=200, unique=True)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    reference = models.CharField(max_length=100, blank=True, default="")
    amount_minor = models.BigIntegerField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.PENDING)
    failure = models.CharField(max_length=300, blank=True, default="")
    why = models.CharField(max_length=300)
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [models.CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_is_something")]

    def __str__(self) -> str:
        return self.key


class Dispute(models.Model):
    """A customer asked the bank for the money back. While it is open, nobody is reminded."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        WON = "won", "Won"
        LOST = "lost", "Lost"

    provider = models.CharField(max_length=20)
    reference = models.CharField(max_length=100)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="disputes")
    amount_minor = models.BigIntegerField()
    state = models.CharField(max_length=4, choices=State.choices, default=State.OPEN)
    reason = models.CharField(max_length=100, blank=True, default="")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-opened_at"]
        constraints = [models.UniqueConstraint(fields=["provider", "reference"], name="dispute_once")]

    def __str__(self) -> str:
        return self.reference
