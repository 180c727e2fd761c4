"""The books: double entry, added to and never changed."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from billing.models import fields
from billing.models.customer import Customer
from billing.models.document import Document


class Entry(models.Model):
    """One amount from one account to another: its debit and its credit are the same figure, so that no sum over the journal can be but zero.
    Entries of one business fact share `posting` ("document:…", "payment:…"), which is written once (`part` counts its entries)."""

    posting = models.CharField(max_length=100)
    part = models.PositiveIntegerField()
    booked_on = models.DateField()
    at = models.DateTimeField()
    debit = models.CharField(max_length=60, help_text="The account that is debited: receivable, bank, …")
    credit = models.CharField(max_length=60)
    amount_minor = models.BigIntegerField()
    currency = fields.currency()
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    document = models.ForeignKey(Document, null=True, blank=True, on_delete=models.PROTECT, related_name="entries")
    words = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        ordering = ["id"]
        verbose_name, verbose_name_plural = "journal entry", "journal entries"
        constraints = [
            models.UniqueConstraint(fields=["posting", "part"], name="posted_once"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="entry_is_something"),
            models.CheckConstraint(condition=~Q(debit=F("credit")), name="entry_goes_somewhere"),
        ]
        indexes = [
            models.Index(fields=["customer", "booked_on"], name="entry_by_customer"),
            models.Index(fields=["debit", "currency"], name="entry_by_debit"),
            models.Index(fields=["credit", "currency"], name="entry_by_credit"),
        ]

    def __str__(self) -> str:
        return f"{self.booked_on} {self.debit} / {self.credit} {self.amount_minor} {self.currency}"
