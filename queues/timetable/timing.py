"""When a schedule fires: cron, fixed-rate interval, or one moment. Pure; aware UTC in and out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from queues.timetable import cron

Kind = Literal["cron", "interval", "once"]
INSTANT = timedelta(microseconds=1)
LOOK_BACK = tuple(timedelta(hours=hours) for hours in (0.25, 1, 24, 40 * 24, 400 * 24))


@dataclass(frozen=True, slots=True)
class Timing:
    """The facts that decide when a schedule fires. Nothing fires before `starts_at` or after `ends_at`.

    An interval's fires are `anchor + k * interval_s` for k = 0, 1, ...: a late fire never shifts the ones after it, and
    a clock change does nothing to them.
    """

    kind: Kind
    anchor: datetime  # an interval counts from here: starts_at, else when the schedule was made; whole seconds
    cron: str = ""
    timezone: str = "UTC"
    interval_s: int | None = None
    run_at: datetime | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


def next_after(timing: Timing, after: datetime) -> datetime | None:
    """The first fire strictly after an instant, or None. Raises BadCron, BadZone."""
    if timing.starts_at is not None and after < timing.starts_at:
        after = timing.starts_at - INSTANT
    try:
        fire_at = _unbounded(timing, after)
    except OverflowError:  # beyond the year 9999
        return None
    if fire_at is None or (timing.ends_at is not None and fire_at > timing.ends_at):
        return None
    return fire_at


def fires(timing: Timing, first: datetime | None) -> Iterator[datetime]:
    """`first` and every fire after it."""
    while first is not None:
        yield first
        first = next_after(timing, first)


def upcoming(timing: Timing, after: datetime, count: int) -> list[datetime]:
    """The next `count` fires strictly after an instant."""
    return [fire_at for fire_at, _ in zip(fires(timing, next_after(timing, after)), range(count), strict=False)]


def latest(timing: Timing, first: datetime, until: datetime) -> datetime:
    """The last fire in [first, until], where `first` is one. Looks back in growing steps, not through all of them."""
    for back in (*LOOK_BACK, until - first):
        start = max(first, until - back)
        found = first if start == first else next_after(timing, start)
        if found is not None and found <= until:
            for fire_at in fires(timing, found):
                if fire_at > until:
                    break
                found = fire_at
            return found
    return first


def _unbounded(timing: Timing, after: datetime) -> datetime | None:
    if timing.kind == "cron":
        return cron.next_after(timing.cron, timing.timezone, after)
    if timing.kind == "once":
        return timing.run_at.astimezone(UTC) if timing.run_at is not None and timing.run_at > after else None
    if not timing.interval_s:
        return None
    step, anchor = timedelta(seconds=timing.interval_s), timing.anchor.astimezone(UTC)
    return anchor + max(0, (after - anchor) // step + 1) * step
