"""Form fields of billing's questions: days and amounts, in the look of the other fields; and what comes back unseen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from unfold import widgets as unfold
from uuid_utils.compat import uuid7

from billing.admin import pieces
from billing.money import major, minor, minor_digits
from billing.selectors.sellers import today

INPUT = " ".join(unfold.INPUT_CLASSES)


def day(*, not_yet: str = "", **options: Any) -> forms.DateField:
    """`not_yet`: what is said of a day that is yet to come, where there may be none."""
    if not_yet:
        options["validators"] = [_has_come(not_yet)]
    return forms.DateField(widget=forms.DateInput(attrs={"type": "date", "class": INPUT}, format="%Y-%m-%d"), **options)


def _has_come(words: str) -> Callable[[date], None]:
    def prove(given: date) -> None:
        if given > today():
            raise forms.ValidationError(words)

    return prove


def text(**options: Any) -> forms.CharField:
    return forms.CharField(widget=unfold.UnfoldAdminTextInputWidget(), **options)


def choice(**options: Any) -> forms.ChoiceField:
    return forms.ChoiceField(widget=unfold.UnfoldAdminSelectWidget(), **options)


def seen(units: int) -> forms.IntegerField:
    """What there was when somebody looked, in minor units: the service refuses a form that was sent twice, or that others overtook."""
    return forms.IntegerField(widget=forms.HiddenInput(), initial=units)


def key() -> forms.UUIDField:
    """Makes the same form count once, however often it is sent."""
    return forms.UUIDField(widget=forms.HiddenInput(), initial=uuid7)


class Amount(forms.DecimalField):
    """Typed in the currency, read in minor units: its clean value is an int, above nothing and at most `most` minor units. `shown` minor units
    stand in it at first."""

    def __init__(self, currency: str, *, most: int | None = None, shown: int | None = None, **options: Any) -> None:
        self.currency, self.most = currency, most
        options = {"label": "Amount", "initial": None if shown is None else major(shown, currency)} | options
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
