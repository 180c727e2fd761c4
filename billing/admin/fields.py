"""Form fields of billing's questions: days and amounts, in the look of the other fields."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from unfold import widgets as unfold

from billing.admin import pieces
from billing.money import major, minor, minor_digits

INPUT = " ".join(unfold.INPUT_CLASSES)


def day(**options: Any) -> forms.DateField:
    return forms.DateField(widget=forms.DateInput(attrs={"type": "date", "class": INPUT}, format="%Y-%m-%d"), **options)


def text(**options: Any) -> forms.CharField:
    return forms.CharField(widget=unfold.UnfoldAdminTextInputWidget(), **options)


def choice(**options: Any) -> forms.ChoiceField:
    return forms.ChoiceField(widget=unfold.UnfoldAdminSelectWidget(), **options)


class Amount(forms.DecimalField):
    """Typed in the currency, read in minor units: its clean value is an int, above nothing and at most `most` minor units."""

    def __init__(self, currency: str, *, most: int | None = None, **options: Any) -> None:
        self.currency, self.most = currency, most
        step = Decimal(1).scaleb(-minor_digits(currency))
        widget = forms.NumberInput(attrs={"class": INPUT, "step": f"{step:f}", "inputmode": "decimal"})
        super().__init__(widget=widget, max_digits=15, decimal_places=minor_digits(currency), **options)

    def clean(self, value: Any) -> Any:
        typed = super().clean(value)
        if typed is None:
            return None
        units = minor(typed, self.currency)
        if units <= 0:
            raise forms.ValidationError("An amount above nothing, please.")
        if self.most is not None and units > self.most:
            raise forms.ValidationError(f"At most {pieces.money(self.most, self.currency)}.")
        return units

    @staticmethod
    def initial_of(units: int, currency: str) -> Decimal:
        """What the field shows for so many minor units."""
        return major(units, currency)
