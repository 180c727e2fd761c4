"""The forms of a definition: itself with its parameters, and "run now"."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold import widgets as unfold

from queues.admin import params_form
from queues.admin.params_fields import native
from queues.ledger import clock
from queues.models import JobDefinition

OVERRIDES = (
    "priority",
    "timeout_s",
    "max_attempts",
    "cache_ttl_s",
    "retention_days",
    "sla_warning_s",
    "sla_critical_s",
)


class DefinitionForm(forms.ModelForm):  # type: ignore[type-arg]
    """Used through `params_form.with_params`, which puts the job's parameters behind these fields."""

    class Meta:
        model = JobDefinition
        fields = ("name", "description", "enabled", "unique", *OVERRIDES)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own: Any = self
        if self.instance.pk and hasattr(own, "spec"):
            self.initial = {**params_form.initial(own.spec.params, self.instance.params), **self.initial}
        for name in OVERRIDES:
            declared = getattr(getattr(own, "spec", None), name, None)
            if name in self.fields and declared is not None:
                self.fields[name].widget.attrs["placeholder"] = f"{declared:g}"
        if "description" in self.fields:
            self.fields["description"].widget.attrs["rows"] = 3

    def _post_clean(self) -> None:
        """The parameters are on the instance before the model validates itself."""
        own: Any = self
        if not self.errors and hasattr(own, "spec"):
            self.instance.job = own.spec.name
            self.instance.params = own.stored_params()
        super()._post_clean()  # type: ignore[misc]


class RunNowForm(forms.Form):
    """One run of a definition; used through `params_form.with_params`."""

    at = forms.DateTimeField(
        label="Not before",
        required=False,
        widget=native("datetime-local"),
        help_text="Empty: as soon as a worker is free.",
    )
    fresh = forms.BooleanField(
        label="Even if there is a result",
        required=False,
        widget=unfold.UnfoldBooleanSwitchWidget(),
        help_text="Off: a result of the same parameters that is not too old is shown instead, and nothing is run.",
    )
    why = forms.CharField(
        label="Why",
        max_length=300,
        required=False,
        widget=unfold.UnfoldAdminTextInputWidget(),
        help_text="Kept in the audit log.",
    )

    def clean_at(self) -> Any:
        at = self.cleaned_data["at"]
        if at is not None and at <= clock.now():
            raise ValidationError("This time is in the past: leave it out to run now.", code="in_past")
        return at
