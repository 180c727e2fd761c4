"""`{% load queues_admin %}`: the pieces of `queues.admin.show` for templates (named in settings, TEMPLATES → libraries)."""

from __future__ import annotations

from datetime import UTC, datetime

from django import template
from django.utils.safestring import SafeString

from queues.admin import show
from queues.models import Run

register = template.Library()


@register.filter
def when(value: datetime | None) -> SafeString:
    """A moment in the viewer's zone, its title in UTC."""
    return show.when(value)


@register.filter
def span(value: float | None) -> str:
    """Seconds as a duration for people."""
    return show.span(value)


@register.filter
def state(value: str) -> SafeString:
    """A run's state as a badge."""
    return show.state(value)


@register.filter
def grade(value: str, score: int | None = None) -> SafeString:
    """A health grade as a badge."""
    return show.grade(value, score)


@register.filter
def tail(value: object) -> str:
    """The short form of a run's id."""
    return str(value)[-12:]


@register.filter
def figure(value: float | None) -> str:
    """A number without needless decimals."""
    return "" if value is None else f"{value:,.2f}".rstrip("0").rstrip(".")


@register.filter
def job_title(value: str) -> str:
    return show.job_title(value)


@register.filter
def queue_title(value: str) -> str:
    return show.queue_title(value)


@register.filter
def utc_time(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


@register.filter
def run_meter(run: Run) -> SafeString:
    """A run's progress bar."""
    return show.meter(run.progress_done, run.progress_total, run.progress_note)


@register.filter
def zero(value: int) -> str | SafeString:
    """A count; nothing to see is greyed."""
    return f"{value:,}" if value else SafeString('<span class="rm-none">0</span>')
