"""Taxes by place and day, and rates of exchange."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from billing.models import fields


class Jurisdiction(models.Model):
    """Where a contract is taxed, and how tax is rounded there."""

    class Rounding(models.TextChoices):
        DOCUMENT = "document", "Once a tax group of the document"
        LINE = "line", "Line by line"

    code = fields.code(unique=True)
    title = models.CharField(max_length=120)
    rounding = models.CharField(max_length=8, choices=Rounding.choices, default=Rounding.DOCUMENT)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"


class TaxRate(models.Model):
    """Valid from one day up to but not including another, by a document's tax point."""

    jurisdiction = models.ForeignKey(Jurisdiction, on_delete=models.PROTECT, related_name="rates")
    tax_class = models.CharField(max_length=20, default="standard")
    category = models.CharField(max_length=2, choices=fields.Category.choices, default=fields.Category.STANDARD)
    rate = fields.percent()
    reason = models.CharField(max_length=200, blank=True, default="", help_text="Why no tax is due, as it is printed.")
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["jurisdiction", "tax_class", "valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["jurisdiction", "tax_class", "valid_from"], name="tax_rate_once"),
            models.CheckConstraint(condition=Q(rate__gte=0), name="tax_rate_not_negative"),
            models.CheckConstraint(condition=Q(category="S") | Q(rate=0), name="only_standard_has_a_rate"),
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_until__gt=F("valid_from")), name="tax_rate_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.category} {self.rate.normalize():f} %"


class ExchangeRate(models.Model):
    """One unit of `base` is so many of `quote`, as published for a day."""

    base = fields.currency()
    quote = fields.currency()
    on = models.DateField()
    rate = models.DecimalField(max_digits=18, decimal_places=8)
    source = models.CharField(max_length=80, blank=True, default="")

    class Meta:
        ordering = ["base", "quote", "-on"]
        constraints = [
            models.UniqueConstraint(fields=["base", "quote", "on"], name="exchange_rate_once"),
            models.CheckConstraint(condition=Q(rate__gt=0), name="exchange_rate_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.on}: 1 {self.base} = {self.rate} {self.quote}"
