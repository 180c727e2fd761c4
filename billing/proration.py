"""Part of a period is part of its price: by local days, over the days that the period really has. Pure.

A day counts as a whole where service starts on it, at whatever hour; the day on which it ends does not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from billing.errors import CannotPrice
from billing.money import rounded

Moment = date | datetime  # a day, or an instant (aware)


@dataclass(frozen=True)
class Period:
    """Local dates: the first day, and the day after the last. Raises CannotPrice."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise CannotPrice(
                "period.end", f"The period ends on {self.end}, which is not after its start, {self.start}."
            )

    @property
    def days(self) -> int:
        return (self.end - self.start).days


@dataclass(frozen=True)
class Part:
    """`days` of `of_days`. `before`: the days of the period that were priced already, where parts shall sum to the whole."""

    days: int
    of_days: int
    before: int = 0

    @property
    def fraction(self) -> Fraction:
        return Fraction(self.days, self.of_days)

    def of(self, price: Decimal, digits: int) -> Decimal:
        """The part of a price, rounded half up: what all days so far come to, less what those before came to."""
        so_far = rounded(Fraction(price) * Fraction(self.before + self.days, self.of_days), digits)
        return (
            so_far - rounded(Fraction(price) * Fraction(self.before, self.of_days), digits) if self.before else so_far
        )

    @property
    def words(self) -> str:
        """As it is read: "14 of 31 days", and where they are a later part: "17 of 31 days (after 14)"."""
        return f"{self.days} of {self.of_days} days" + (f" (after {self.before})" if self.before else "")


def served(period: Period, since: Moment | None, until: Moment | None, zone: ZoneInfo) -> Part:
    """The days of the period with service from `since` (None: before it) to `until` (None: beyond it). Raises CannotPrice."""
    first = period.start if since is None else local_day(since, zone)
    end = period.end if until is None else local_day(until, zone)
    if since is not None and until is not None and _before(until, since, zone):
        raise CannotPrice("until", f"Service ends on {until}, before it starts, on {since}.")
    days = (min(end, period.end) - max(first, period.start)).days
    return Part(max(0, days), period.days)


def rest_from(period: Period, change_on: Moment, zone: ZoneInfo) -> Part:
    """The days from a change to the end of the period. Raises CannotPrice for a change outside of it."""
    day = local_day(change_on, zone)
    if not period.start <= day <= period.end:
        raise CannotPrice("change_on", f"{day} is not in the period from {period.start} to {period.end}.")
    return Part((period.end - day).days, period.days)


def _before(one: Moment, other: Moment, zone: ZoneInfo) -> bool:
    if isinstance(one, datetime) and isinstance(other, datetime):
        return one < other
    return local_day(one, zone) < local_day(other, zone)


def local_day(moment: Moment, zone: ZoneInfo) -> date:
    """The day on which it is there, where the service is."""
    return moment.astimezone(zone).date() if isinstance(moment, datetime) else moment
