"""The fuel surcharge: a percentage that follows a published index in steps. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from fractions import Fraction

from billing.errors import CannotPrice
from billing.money import rounded


@dataclass(frozen=True)
class FuelTable:
    """Each whole `step` of the index above `base` is `percent_per_step`; what comes of it is not below `floor_percent` nor above
    `cap_percent`, where there are such. Raises CannotPrice."""

    base: Decimal
    step: Decimal
    percent_per_step: Decimal
    floor_percent: Decimal | None = None
    cap_percent: Decimal | None = None

    def __post_init__(self) -> None:
        if self.step <= 0:
            raise CannotPrice("step", "A step is more than nothing: give a number above 0.")
        if self.floor_percent is not None and self.cap_percent is not None and self.floor_percent > self.cap_percent:
            raise CannotPrice(
                "cap_percent", f"The cap, {self.cap_percent} %, is below the floor, {self.floor_percent} %."
            )

    def percent(self, index: Decimal) -> Decimal:
        """At this index. Exact."""
        steps = max(0, (Fraction(index) - Fraction(self.base)) // Fraction(self.step))
        with localcontext(Context(prec=100)):  # more than the digits of any two numbers
            found = steps * self.percent_per_step
        if self.floor_percent is not None:
            found = max(found, self.floor_percent)
        return found if self.cap_percent is None else min(found, self.cap_percent)

    def amount(self, index: Decimal, on: Decimal, digits: int) -> Decimal:
        """Of the lines that bear it, which come to `on`. Half up."""
        return rounded(Fraction(on) * Fraction(self.percent(index)) / 100, digits)
