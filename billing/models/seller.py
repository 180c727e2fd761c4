"""Who bills: the hauler itself, as it stands on documents, and its policies."""

from __future__ import annotations

from django.db import models

from billing.models import fields


class Seller(models.Model):
    """`approve_above_minor`: a run that comes to more, in the seller's own currency, takes a second person's approval.
    `outlier_percent`: a document that changed by more since the period before is pointed out."""

    code = fields.code(unique=True, default="main")
    name = models.CharField(max_length=200)
    street = models.CharField(max_length=200)
    postcode = models.CharField(max_length=20)
    city = models.CharField(max_length=100)
    country = fields.country()
    tax_id = models.CharField(max_length=20, blank=True, default="", help_text="VAT number, like ATU12345675.")
    registration = models.CharField(max_length=40, blank=True, default="")
    email = models.EmailField(blank=True, default="")
    phone = models.CharField(max_length=40, blank=True, default="")
    iban = models.CharField(max_length=34, blank=True, default="")
    bic = models.CharField(max_length=11, blank=True, default="")
    currency = fields.currency()
    time_zone = models.CharField(max_length=64, default="UTC")
    approve_above_minor = models.BigIntegerField(default=0)
    outlier_percent = fields.percent(default=20)

    def __str__(self) -> str:
        return self.name
