"""The days on which something is served: a contract, a service in it, and the parts of them where one price is in force. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from billing.errors import CannotPrice
from billing.proration import Period

Ends = Literal["exclusive", "inclusive"]


@dataclass(frozen=True)
class Span:
    """From a day up to but not including another one (None: without an end). It may hold no day at all."""

    start: date
    end: date | None = None

    @classmethod
    def agreed(cls, starts_on: date, ends_on: date | None, ends: Ends) -> Span:
        """As it is agreed: with inclusive ends, the last day is served."""
        return cls(starts_on, ends_on + timedelta(days=1) if ends_on is not None and ends == "inclusive" else ends_on)

    def and_also(self, other: Span) -> Span:
        """The days in both."""
        ends = [end for end in (self.end, other.end) if end is not None]
        return Span(max(self.start, other.start), min(ends) if ends else None)

    def within(self, period: Period) -> Period | None:
        """The days of it that a period has; None: not one."""
        first, end = max(self.start, period.start), period.end if self.end is None else min(self.end, period.end)
        return Period(first, end) if first < end else None

    def __contains__(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day < self.end)


@dataclass(frozen=True)
class Version:
    """A price list's rules (billing.rules) over the days on which they are in force."""

    span: Span
    rules: Sequence[Any]


@dataclass(frozen=True)
class Slice:
    """Days of a service in a period at one price; `before`: the days of the slices before it."""

    days: Period
    before: int
    rules: Sequence[Any]


def slices(days: Period, versions: Sequence[Version], price_list: str) -> list[Slice]:
    """Days cut where another version begins. Raises CannotPrice for a day without a version."""
    found: list[Slice] = []
    day = days.start
    while day < days.end:
        version = next((each for each in versions if day in each.span), None)
        if version is None:
            raise CannotPrice(
                f"price_lists.{price_list}", f"No version of the price list is in force on {day}: add one."
            )
        end = days.end if version.span.end is None else min(version.span.end, days.end)
        found.append(Slice(Period(day, end), (day - days.start).days, version.rules))
        day = end
    return found
