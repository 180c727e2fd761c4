"""A schedule's row as the pure modules see it."""

from __future__ import annotations

from datetime import datetime

from queues.ledger import clock
from queues.models import Schedule
from queues.timetable.timing import Timing

TIMED_BY = ("kind", "cron", "interval_s", "run_at", "timezone", "starts_at", "ends_at")  # the columns that decide when


def timing_of(schedule: Schedule) -> Timing:
    """The facts that decide when it fires. A row that is not stored yet counts its interval from now."""
    anchor: datetime = schedule.starts_at or schedule.created_at or clock.now()
    return Timing(
        kind=schedule.kind,  # type: ignore[arg-type]
        anchor=anchor.replace(microsecond=0),
        cron=schedule.cron,
        timezone=schedule.timezone,
        interval_s=schedule.interval_s,
        run_at=schedule.run_at,
        starts_at=schedule.starts_at,
        ends_at=schedule.ends_at,
    )


def sleeps(schedule: Schedule) -> bool:
    """Switched off or paused: it has no next fire."""
    return not schedule.enabled or schedule.paused_at is not None


def timed_anew(schedule: Schedule, stored: Schedule) -> bool:
    """Whether one of the facts that decide when it fires is another than in the stored row."""
    return any(getattr(schedule, name) != getattr(stored, name) for name in TIMED_BY)
