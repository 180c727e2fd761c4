"""What a schedule would do, in words and as its next fires, while it is being typed. Nothing is stored."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.text import capfirst

from queues.admin.schedules_form import TIMING, ScheduleForm
from queues.models import Schedule
from queues.timetable import schedules as service

FIRES = 5
INVALID = "Not valid: "


@dataclass(frozen=True)
class Forecast:
    """A schedule in words; `fires` are (aware UTC, text in the schedule's zone); `errors` in words."""

    words: str = ""
    zone: str = "UTC"
    fires: list[tuple[datetime, str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def forecast(schedule: Schedule) -> Forecast:
    """The words and the next fires, of a paused one those it would have; what is wrong comes back as `errors`."""
    schedule = copy(schedule)
    schedule.enabled, schedule.paused_at = True, None
    words = service.in_words(schedule)
    if words.startswith(INVALID):
        return Forecast(errors=[capfirst(words.removeprefix(INVALID))])
    zone = ZoneInfo(schedule.timezone)
    fires = [(at, f"{at.astimezone(zone):%a %-d %b %Y %H:%M:%S %Z}") for at in service.next_fires(schedule, FIRES)]
    return Forecast(words, schedule.timezone, fires)


class TimingForm(ScheduleForm):
    """Only the fields that say when."""

    class Meta:
        model = Schedule
        fields = TIMING

    def _post_clean(self) -> None:
        """Unlike a save, half a form is fine: the forecast tells what is missing."""


def preview(request: HttpRequest) -> HttpResponse:
    """POST with the form's fields → a fragment."""
    form = TimingForm(request.POST)
    form.is_valid()
    values: dict[str, Any] = {name: form.cleaned_data[name] for name in TIMING if name in form.cleaned_data}
    errors = [
        f"{form.fields[name].label}: {message}"
        for name, messages in form.errors.items()
        if name in form.fields and form.data.get(name)
        for message in messages
    ]
    told = Forecast(errors=errors) if errors else forecast(Schedule(name="preview", **values))
    return TemplateResponse(request, "queues/schedule_preview.html", {"forecast": told})
