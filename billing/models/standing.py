"""What is still to be paid on a final document: the one thing beside it that changes."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from billing.models import fields
from billing.models.customer import Customer
from billing.models.document import Document


class Standing(models.Model):
    """Of an invoice: balance = gross − credited − paid − written off, never negative. Of a credit note that credits no invoice by itself: `credited_minor`
    and `paid_minor` say how much of it was set off and refunded. `state` follows from the figures, but for void and uncollectible."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        PART_PAID = "part_paid", "Part-paid"
        PAID = "paid", "Paid"
        VOID = "void", "Void"
        UNCOLLECTIBLE = "uncollectible", "Uncollectible"

    document = models.OneToOneField(Document, on_delete=models.PROTECT, primary_key=True, related_name="standing")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=11, choices=Document.Kind.choices)
    currency = fields.currency()
    due_date = models.DateField()
    state = models.CharField(max_length=13, choices=State.choices, default=State.OPEN)
    gross_minor = models.BigIntegerField()
    credited_minor = models.BigIntegerField(default=0)
    paid_minor = models.BigIntegerField(default=0)
    written_off_minor = models.BigIntegerField(default=0)
    disputed = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(
                fields=["currency", "due_date"], condition=Q(state__in=["open", "part_paid"]), name="standing_open"
            ),
            models.Index(fields=["customer", "state"], name="standing_by_customer"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(credited_minor__gte=0) & Q(paid_minor__gte=0) & Q(written_off_minor__gte=0),
                name="standing_parts_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(gross_minor__gte=F("credited_minor") + F("paid_minor") + F("written_off_minor")),
                name="balance_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document_id}: {self.state}"

    @property
    def balance_minor(self) -> int:
        return self.gross_minor - self.credited_minor - self.paid_minor - self.written_off_minor
