"""Amounts in forms: typed in the currency's units, kept in minor ones."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from unfold import widgets as unfold

from billing.errors import CannotPrice
from billing.money import major, minor, minor_digits, told


def money_field(**options: Any) -> forms.DecimalField:
    widget = unfold.UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal", "autocomplete": "off"})
    return forms.DecimalField(widget=widget, max_digits=15, **options)


def to_minor(value: Decimal, currency: str) -> int:
    """Raises forms.ValidationError where the currency has no such amount."""
    try:
        return minor(value, currency)
    except CannotPrice as wrong:
        raise forms.ValidationError(wrong.message) from None
    except ValueError:
        raise forms.ValidationError(f"{currency} has {minor_digits(currency)} decimals.") from None


def from_minor(units: int | None, currency: str) -> str:
    """As it stands in the field."""
    return "" if units is None or not currency else told(major(units, currency))
