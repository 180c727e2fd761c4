"""The form of a schedule: when, in which zone, and the parameters it puts over the definition's."""

from __future__ import annotations

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from unfold import widgets as unfold

from queues.admin import params_form
from queues.admin.params_fields import native
from queues.models import JobDefinition, Schedule
from queues.timetable.proof import prove

TIMING = ("kind", "cron", "interval_s", "run_at", "timezone", "starts_at", "ends_at")
MOMENTS = ("run_at", "starts_at", "ends_at")


@cache
def zones() -> list[tuple[str, Any]]:
    """Time zones by region; UTC first."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(available_timezones()):
        region, _, place = name.partition("/")
        if place and region not in ("Etc", "SystemV", "posix", "right", "US"):
            groups.setdefault(region, []).append((name, name.replace("_", " ")))
    return [("UTC", "UTC"), *((region, choices) for region, choices in groups.items())]


def _moment(label: str) -> forms.DateTimeField:
    return forms.DateTimeField(label=label, required=False, widget=native("datetime-local"))


class ScheduleForm(forms.ModelForm):  # type: ignore[type-arg]
    """Used through `params_form.with_params(..., partial=True)`. The definition comes from the page, not from a field."""

    timezone = forms.ChoiceField(
        label="Time zone",
        choices=zones,
        widget=unfold.UnfoldAdminSelect2Widget(),
        help_text="The zone of the cron fields.",
    )

    run_at = _moment("At")
    starts_at = _moment("Starts at")
    ends_at = _moment("Ends at")
    definition: JobDefinition | None = None

    class Meta:
        model = Schedule
        fields = ("name", "enabled", *TIMING, "misfire", "overlap")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own: Any = self
        if hasattr(own, "spec"):
            if not self.instance.definition_id:
                self.instance.definition = own.definition
            own.base = self.instance.definition.params
            params_form.say_base(own, own.spec.params, own.base)
            stored = params_form.initial(own.spec.params, self.instance.params, partial=True)
            self.initial = {**stored, **self.initial}
        for name in MOMENTS:
            if name in self.fields:
                self.fields[name].help_text = f"In your time zone, {timezone.get_current_timezone_name()}."

    def _post_clean(self) -> None:
        own: Any = self
        if not self.errors and hasattr(own, "spec"):
            self.instance.params = own.stored_params()
        super()._post_clean()  # type: ignore[misc]
        if not self.errors and hasattr(own, "spec"):
            stored = Schedule.objects.filter(pk=self.instance.pk).first() if self.instance.pk else None
            try:
                prove(self.instance, stored)
            except ValidationError as error:
                for name, told in error.message_dict.items():
                    for message in told:
                        self.add_error(name if name in self.fields else None, message)
