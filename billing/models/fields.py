"""Columns that several tables have, so that they are the same everywhere.

Amounts of money are whole minor units (cents; ISO 4217) in a column whose name ends in `_minor`, beside a currency: exact in every database.
"""

from __future__ import annotations

from typing import Any

from django.core.validators import RegexValidator
from django.db import models

CODE = RegexValidator(
    r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,39}$",
    "A code has 1 to 40 letters, digits, dots, dashes, underscores or strokes, and begins with a letter or a digit.",
)
CURRENCY = RegexValidator(r"^[A-Z]{3}$", "A currency is three capital letters of ISO 4217, like EUR.")
COUNTRY = RegexValidator(r"^[A-Z]{2}$", "A country is two capital letters of ISO 3166, like AT.")


def code(**options: Any) -> models.CharField[str, str]:
    """What people and files call a row."""
    return models.CharField(max_length=40, validators=[CODE], **options)


def currency(**options: Any) -> models.CharField[str, str]:
    return models.CharField(max_length=3, validators=[CURRENCY], **options)


def country(**options: Any) -> models.CharField[str, str]:
    return models.CharField(max_length=2, validators=[COUNTRY], **options)


def percent(**options: Any) -> models.DecimalField[Any, Any]:
    return models.DecimalField(max_digits=9, decimal_places=6, **options)


class Category(models.TextChoices):
    """Of tax: UNCL 5305, as EN 16931 uses it."""

    STANDARD = "S", "Standard (any rate)"
    ZERO = "Z", "Zero-rated"
    EXEMPT = "E", "Exempt"
    REVERSE = "AE", "Reverse charge"
    WITHIN_UNION = "K", "Within the Union"
    EXPORT = "G", "Export"
    OUTSIDE = "O", "Outside of scope"
