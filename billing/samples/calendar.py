"""The two months that a sample has events of. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Months:
    """The month asked for, and the one before it: both can be billed, one after the other."""

    month: date  # its first day

    @property
    def before(self) -> date:
        return shifted(self.month, -1)

    @property
    def end(self) -> date:
        """The day after the month."""
        return shifted(self.month, 1)

    @property
    def long_ago(self) -> date:
        """What is published is so from this day on: a year's contract that ends in these months begins after it."""
        return shifted(self.before, -15)


def shifted(first: date, months: int) -> date:
    """The first day of another month."""
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return date(year, month + 1, 1)
