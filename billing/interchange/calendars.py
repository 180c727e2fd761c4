"""Days on which nobody drives. Pure."""

from __future__ import annotations

from typing import ClassVar

from billing.interchange import cells
from billing.interchange.row import Row


class HolidayCalendarRow(Row):
    """Services name it by its code."""

    file: ClassVar[str] = "holiday_calendars"
    code: cells.Code
    title: cells.Text120


class HolidayRow(Row):
    """One day of a calendar."""

    file: ClassVar[str] = "holidays"
    key: ClassVar[tuple[str, ...]] = ("calendar", "day")
    refers: ClassVar[dict[str, str]] = {"calendar": "holiday_calendars"}
    calendar: cells.Code
    day: cells.Day
    name: cells.Text120
