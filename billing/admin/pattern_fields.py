"""On which days a service is emptied, by the names of the weekdays; kept as the model has them, in digits (0 is Monday)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from unfold import widgets as unfold

from billing.admin.base import ProvedForm
from billing.selectors.contracts import DAYS, NTH

NAMES = [day.removesuffix("s") for day in DAYS]


class Weekdays(forms.MultipleChoiceField):
    """Its clean value is text: "03" is Monday and Thursday."""

    def __init__(self, **options: Any) -> None:
        names = [(str(number), name) for number, name in enumerate(NAMES)]
        widget = unfold.UnfoldAdminCheckboxSelectMultipleWidget()
        super().__init__(choices=names, widget=widget, required=False, **options)

    def prepare_value(self, value: str | Sequence[str] | None) -> list[str]:
        return list(value or "")

    def clean(self, value: Any) -> Any:
        return "".join(sorted(set(super().clean(value))))


def _choice(choices: Sequence[tuple[int, str]], **options: Any) -> forms.TypedChoiceField:
    """A number by its name, or none."""
    return forms.TypedChoiceField(
        choices=[("", "–"), *choices], coerce=int, empty_value=None, required=False, widget=unfold.UnfoldAdminSelectWidget(),
        **options,
    )  # fmt: skip


class ServiceForm(ProvedForm):
    weekdays = Weekdays(label="Weekdays", help_text="Of a service on weekdays.")
    nth = _choice([(number, name.capitalize()) for number, name in NTH.items()], label="Or the month’s")
    weekday = _choice(list(enumerate(NAMES)), label="Weekday")
