"""Small pieces of text and HTML shown all over the admin: states, times, durations, grades. All escaped, no inline style."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from queues import catalogue, encryption, registry
from queues.engine import reach
from queues.errors import UnknownJob, UnknownQueue
from queues.ledger import clock
from queues.models import Run

NONE = SafeString('<span class="rm-none">–</span>')


def faint(text: str) -> SafeString:
    """What is not there, in grey: never, off, 0."""
    return format_html('<span class="rm-none">{}</span>', text)


def badge(text: str, tone: str, title: str = "") -> SafeString:
    """A coloured label; `tone` is one of info, ok, warn, bad, idle."""
    return format_html('<span class="rm-badge rm-{}" title="{}">{}</span>', tone, title, text)


TONES = {
    "scheduled": "idle",
    "pending": "warn",
    "running": "info",
    "succeeded": "ok",
    "dead": "bad",
    "cancelled": "idle",
}
GRADES = {"A": "ok", "B": "ok", "C": "warn", "D": "warn", "E": "bad", "F": "bad"}


def state(value: str) -> SafeString:
    """A run's state as a badge."""
    label = Run.State(value).label if value in Run.State.values else value.capitalize()
    return badge(label, TONES.get(value, "idle"))


def grade(letter: str, score: int | None = None) -> SafeString:
    """A health grade, with its score of 100."""
    title = "" if score is None else f"{score} of 100"
    return badge(letter, GRADES.get(letter, "idle"), title)


def clock_text(at: datetime) -> str:
    """A moment in the viewer's zone (the one active in this request); the year only when it is not this one."""
    local = timezone.localtime(at)
    year = f" {local.year}" if local.year != timezone.localtime(clock.now()).year else ""
    return f"{local:%-d %b}{year} {local:%H:%M:%S}"


def when(at: datetime | None) -> SafeString:
    """A moment in the viewer's zone, its title in UTC. The page's script corrects it when the browser's zone differs."""
    if at is None:
        return NONE
    utc = at.astimezone(UTC)
    return format_html(
        '<time class="rm-time" datetime="{}" title="{} UTC">{}</time>',
        f"{utc:%Y-%m-%dT%H:%M:%SZ}",
        f"{utc:%Y-%m-%d %H:%M:%S}",
        clock_text(at),
    )


def span(seconds: float | None) -> str:
    """A duration for people: "340 ms", "4.2 s", "3 min 20 s", "2 h 5 min", "3 d 4 h"."""
    if seconds is None:
        return ""
    if seconds < 0:
        return "0 ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, small, small_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // small
            return f"{whole // size} {unit}" + (f" {rest} {small_unit}" if rest else "")
    return f"{whole} s"


def lasted(start: datetime | None, end: datetime | None) -> str:
    """The time between two moments, empty when either is missing."""
    return "" if start is None or end is None else span((end - start).total_seconds())


def pretty(value: Any) -> str:
    """JSON for reading; what is sealed in it stays so."""
    return encryption.veil(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False))


def job_title(name: str) -> str:
    """A job's title, or its bare name when no handler bears it any more."""
    try:
        return registry.get(name).title
    except UnknownJob:
        return name


def queue_title(name: str) -> str:
    """A queue's title, or its bare name."""
    try:
        return catalogue.get(name).title
    except UnknownQueue:
        return name


def job_queue(name: str) -> str:
    """The queue a job runs on; empty for a job that is no longer declared."""
    return reach.queue_of(name)


def link(url: str, text: object, css: str = "rm-link") -> SafeString:
    return format_html('<a class="{}" href="{}">{}</a>', css, url, text)


def run_url(run_id: object) -> str:
    return reverse("admin:queues_run_change", args=[run_id])


def maybe_url(name: str, *args: object) -> str:
    """The address of an admin page, or nothing where it is not mounted."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def meter(done: float | None, total: float | None, note: str = "") -> SafeString:
    """A progress bar without inline style."""
    if done is None or not total:
        return NONE
    share = max(0.0, min(1.0, done / total))
    return format_html(
        '<span class="rm-meter" title="{}"><progress max="1" value="{}"></progress><span>{}</span></span>',
        note,
        f"{share:.4f}",
        f"{share:.0%}",
    )
