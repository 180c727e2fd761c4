"""What is charged: price lists in versions, and the fuel index that some of their rules follow."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from billing.models import fields


class PriceList(models.Model):
    """Amounts in its rules are in its currency, net or with the tax in them as `tax_mode` says."""

    class Mode(models.TextChoices):
        EXCLUSIVE = "exclusive", "Tax comes on top"
        INCLUSIVE = "inclusive", "Tax is in the prices"

    code = fields.code(unique=True)
    title = models.CharField(max_length=120)
    currency = fields.currency()
    tax_mode = models.CharField(max_length=9, choices=Mode.choices, default=Mode.EXCLUSIVE)
    tax_class = models.CharField(max_length=20, default="standard", help_text="Which of a jurisdiction's rates apply.")

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"


class PriceVersion(models.Model):
    """The list's rules (billing.rules, JSON) from one day up to but not including another. Versions of a list do not overlap:
    billing.services.prices sees to it. One that a final document was made with is not changed any more."""

    price_list = models.ForeignKey(PriceList, on_delete=models.PROTECT, related_name="versions")
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True, help_text="The first day on which it is not valid any more.")
    rules = models.JSONField(default=list)
    note = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["price_list", "valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["price_list", "valid_from"], name="price_version_once"),
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_until__gt=F("valid_from")),
                name="price_version_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.price_list_id} from {self.valid_from}"


class FuelIndex(models.Model):
    """A published index. `code` is the one of the surcharge rule that follows it; the value last published on or before a
    period's first day counts for the period."""

    code = models.CharField(max_length=40)
    published_on = models.DateField()
    value = models.DecimalField(max_digits=15, decimal_places=6)

    class Meta:
        ordering = ["code", "published_on"]
        verbose_name_plural = "fuel index"
        constraints = [
            models.UniqueConstraint(fields=["code", "published_on"], name="fuel_index_once"),
            models.CheckConstraint(condition=Q(value__gte=0), name="fuel_index_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.published_on}: {self.value}"
