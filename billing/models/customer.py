"""Who is served and billed, and where."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from billing.models import fields


class Customer(models.Model):
    """`tax_treatment` is what the customer's papers say, not a guess: reverse charge needs a tax id, an exemption its reason."""

    class Treatment(models.TextChoices):
        STANDARD = "standard", "Taxed as usual"
        REVERSE = "reverse_charge", "Reverse charge"
        EXEMPT = "exempt", "Exempt"
        ZERO = "zero", "Zero-rated"

    code = fields.code(unique=True)
    name = models.CharField(max_length=200)
    language = models.CharField(max_length=5, default="en", help_text="Of documents: en, de, …")
    time_zone = models.CharField(max_length=64)
    email = models.EmailField(blank=True, default="")
    phone = models.CharField(max_length=40, blank=True, default="")
    street = models.CharField(max_length=200)
    postcode = models.CharField(max_length=20)
    city = models.CharField(max_length=100)
    country = fields.country()
    tax_id = models.CharField(max_length=20, blank=True, default="")
    tax_treatment = models.CharField(max_length=16, choices=Treatment.choices, default=Treatment.STANDARD)
    exemption_reason = models.CharField(max_length=200, blank=True, default="")
    exempt_until = models.DateField(null=True, blank=True, help_text="The first day on which it counts no more.")
    buyer_reference = models.CharField(max_length=100, blank=True, default="")
    payment_days = models.PositiveSmallIntegerField(default=14, help_text="Days from issue to due.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(tax_treatment="reverse_charge") | ~Q(tax_id=""), name="reverse_charge_needs_tax_id"
            ),
            models.CheckConstraint(
                condition=~Q(tax_treatment="exempt") | ~Q(exemption_reason=""), name="exempt_needs_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Site(models.Model):
    """A place of a customer's, where containers stand."""

    code = fields.code(unique=True)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="sites")
    name = models.CharField(max_length=200)
    street = models.CharField(max_length=200)
    postcode = models.CharField(max_length=20)
    city = models.CharField(max_length=100)
    country = fields.country()
    time_zone = models.CharField(max_length=64)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"
