"""Which period a day is in: weeks, months and years counted from an anchor. Pure.

A month that has no 31st has its period begin on its last day; the next one that has one begins on the 31st again, for each period is counted
from the anchor, not from the one before it.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from billing.proration import Period

Every = Literal["week", "two_weeks", "four_weeks", "month", "quarter", "half_year", "year"]
WEEKS: dict[str, int] = {"week": 1, "two_weeks": 2, "four_weeks": 4}
MONTHS: dict[str, int] = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}


@dataclass(frozen=True)
class Cycle:
    """Periods one after the other, without gaps; `anchor` is the first day of one of them."""

    every: Every
    anchor: date

    def period(self, number: int) -> Period:
        """0: the one that begins on the anchor; those before it have negative numbers. Raises OverflowError beyond year 9999."""
        return Period(self._start(number), self._start(number + 1))

    def containing(self, day: date) -> Period:
        """The period that this day is in."""
        number = self._near(day)
        while self._start(number) > day:
            number -= 1
        while self._start(number + 1) <= day:
            number += 1
        return self.period(number)

    def _start(self, number: int) -> date:
        if self.every in WEEKS:
            return self.anchor + timedelta(weeks=WEEKS[self.every] * number)
        months = self.anchor.year * 12 + self.anchor.month - 1 + MONTHS[self.every] * number
        year, month = divmod(months, 12)
        if not 1 <= year <= 9999:
            raise OverflowError(f"There is no year {year}.")
        return date(year, month + 1, min(self.anchor.day, monthrange(year, month + 1)[1]))

    def _near(self, day: date) -> int:
        """The number of that period, or of one beside it."""
        if self.every in WEEKS:
            return (day - self.anchor).days // (7 * WEEKS[self.every])
        months = (day.year - self.anchor.year) * 12 + day.month - self.anchor.month
        return months // MONTHS[self.every]
