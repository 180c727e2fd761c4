"""On which days a service is due: by its pattern, moved where holidays are in the way. Pure. Weekdays count from Monday, 0."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from billing.errors import CannotPrice

Shift = Literal["none", "skip", "next_day", "day_before", "rest_of_week"]
LONGEST_MOVE = 14  # days: who has two weeks of holidays in a row says how to serve them


@dataclass(frozen=True)
class Weekly:
    """On these weekdays of every `interval`-th week, counted from the week of `anchor`. Raises CannotPrice."""

    weekdays: frozenset[int]
    interval: int = 1
    anchor: date = date(2024, 1, 1)

    def __post_init__(self) -> None:
        if not self.weekdays or not self.weekdays <= set(range(7)):
            raise CannotPrice("weekdays", "Name one weekday at least, 0 (Monday) to 6.")
        if not 1 <= self.interval <= 52:
            raise CannotPrice("interval", "Every week is 1, every other week 2; at most 52.")

    def between(self, start: date, end: date) -> Iterator[date]:
        """From `start`, up to but not including `end`."""
        monday = _monday(self.anchor)
        for number in range((end - start).days):
            day = start + timedelta(days=number)
            if day.weekday() in self.weekdays and (_monday(day) - monday).days // 7 % self.interval == 0:
                yield day


@dataclass(frozen=True)
class Monthly:
    """On a day of the month (the last one, in months that are shorter), or on its nth weekday (-1: its last). Raises CannotPrice."""

    day: int | None = None
    nth: int | None = None
    weekday: int | None = None

    def __post_init__(self) -> None:
        by_day = self.day is not None and 1 <= self.day <= 31 and self.nth is None and self.weekday is None
        by_weekday = self.day is None and self.nth in (1, 2, 3, 4, -1) and self.weekday in range(7)
        if not by_day and not by_weekday:
            raise CannotPrice("monthly", "Give a day from 1 to 31, or a weekday and which: 1 to 4, or -1 for the last.")

    def between(self, start: date, end: date) -> Iterator[date]:
        """From `start`, up to but not including `end`."""
        year, month = start.year, start.month
        while (year, month) <= (end.year, end.month):
            day = self._in(year, month)
            if start <= day < end:
                yield day
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)

    def _in(self, year: int, month: int) -> date:
        first, length = monthrange(year, month)
        if self.day is not None:
            return date(year, month, min(self.day, length))
        weekday, nth = self.weekday or 0, self.nth or 1
        found = 1 + (weekday - first) % 7
        if nth > 0:
            return date(year, month, found + 7 * (nth - 1))
        return date(year, month, found + 7 * ((length - found) // 7))


@dataclass(frozen=True)
class OnCall:
    """When the customer asks for it."""

    def between(self, start: date, end: date) -> Iterator[date]:
        yield from ()


Pattern = Weekly | Monthly | OnCall


@dataclass(frozen=True)
class Due:
    """A visit by schedule: when the pattern has it, and when it is made."""

    planned: date
    day: date


def due_days(
    pattern: Pattern, start: date, end: date, holidays: Collection[date] = (), shift: Shift = "none"
) -> list[Due]:
    """The visits that are made from `start` up to but not including `end`, by the day they are made on.

    A visit that holidays move over the end of a period is the other period's. `shift`: none (served all the same), skip (not
    made up for), next_day or day_before (the nearest day that is no holiday), rest_of_week (as haulers do: with each holiday from
    Monday to Friday, that day's visits and those of the rest of its week, up to Friday, are a day later). Raises CannotPrice.
    """
    margin = timedelta(days=LONGEST_MOVE)
    found = [
        Due(planned, day)
        for planned in pattern.between(start - margin, end + margin)
        if (day := _moved(planned, frozenset(holidays), shift)) is not None and start <= day < end
    ]
    return sorted(found, key=lambda each: (each.day, each.planned))


def _moved(day: date, holidays: frozenset[date], shift: Shift) -> date | None:
    """When a visit is made that is planned for this day; None: not at all."""
    if shift == "rest_of_week":
        monday, weekday = _monday(day), day.weekday()
        if weekday > 4:
            return day
        before = sum(monday + timedelta(days=each) in holidays for each in range(weekday + 1))
        return day + timedelta(days=before)
    if day not in holidays or shift == "none":
        return day
    if shift == "skip":
        return None
    step = timedelta(days=1 if shift == "next_day" else -1)
    for number in range(1, LONGEST_MOVE + 1):
        if day + number * step not in holidays:
            return day + number * step
    raise CannotPrice(
        "holidays", f"There are {LONGEST_MOVE} holidays in a row from {day}: no day is left to serve it on."
    )


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
