"""The days to look at: 24 hours around each zone's own clock changes, found in the tz database. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from project.chaos.cron_oracle import MINUTE, clock_changes

DAY, HALF = timedelta(hours=24), timedelta(hours=12)
YEAR = 2026
ZONES = (
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Los_Angeles",
    "America/Havana",  # midnight does not exist, and midnight's hour happens twice
    "Africa/Cairo",  # midnight does not exist
    "Australia/Lord_Howe",  # half an hour
    "Pacific/Chatham",  # 45 minutes off the hour
    "Antarctica/Troll",  # two hours
    "Asia/Kolkata",  # none
)


@dataclass(frozen=True, slots=True)
class Window:
    """24 hours from `start` (a whole UTC minute). `moves`: by how much local time jumps at `change`; None: it does not."""

    zone: str
    start: datetime
    change: datetime | None = None
    moves: timedelta | None = None

    @property
    def end(self) -> datetime:
        return self.start + DAY


def windows(zone: str, year: int = YEAR) -> list[Window]:
    """One around the year's first change forward and one around its first change back, in the order of time.

    A zone without changes has its two in the weeks in which Europe's clocks change.
    """
    moves = [(change, _jump(zone, change)) for change in clock_changes(zone, year)]
    forward = [one for one in moves if one[1] > timedelta()][:1]
    back = [one for one in moves if one[1] < timedelta()][:1]
    found = [Window(zone, change - HALF, change, jump) for change, jump in sorted(forward + back)]
    return found or [Window(zone, datetime(year, month, 25, 12, tzinfo=UTC)) for month in (3, 10)]


def _jump(zone: str, change: datetime) -> timedelta:
    """By how much local time moves beyond the minute that passes."""
    before, after = (at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for at in (change - MINUTE, change))
    return after - before - MINUTE
