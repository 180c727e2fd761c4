"""What is published for all: tax rates by place, rates of exchange, the fuel index; each as it is in force on a day. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from billing.charges import Market
from billing.errors import CannotPrice
from billing.serving import Span
from billing.tax import Tax

Series = Sequence[tuple[date, Decimal]]  # by day, the earliest first


@dataclass(frozen=True)
class Rate:
    """A tax in force over some days; `reason`: why there is none to pay."""

    span: Span
    tax: Tax
    reason: str = ""


@dataclass(frozen=True)
class Exchange:
    """One unit of a document's currency is so many of `currency`, as published on a day."""

    currency: str
    rate: Decimal
    on: date


@dataclass
class Published:
    """`fuel` by the surcharge's code, `taxes` by jurisdiction and tax class, `exchange` by currency and the one it is told in."""

    fuel: Mapping[str, Series] = field(default_factory=dict)
    taxes: Mapping[tuple[str, str], Sequence[Rate]] = field(default_factory=dict)
    exchange: Mapping[tuple[str, str], Series] = field(default_factory=dict)
    _markets: dict[date, Market] = field(default_factory=dict)

    def market(self, day: date) -> Market:
        """The indices last published on or before a period's first day."""
        if day not in self._markets:
            found = {code: _last(series, day) for code, series in self.fuel.items()}
            self._markets[day] = Market({code: last[1] for code, last in found.items() if last is not None})
        return self._markets[day]

    def tax(self, jurisdiction: str, tax_class: str, day: date) -> Rate:
        """Raises CannotPrice where none is in force."""
        for each in self.taxes.get((jurisdiction, tax_class), ()):
            if day in each.span:
                return each
        raise CannotPrice(
            f"tax_rates.{jurisdiction}.{tax_class}",
            f"No {tax_class} tax rate of {jurisdiction} is in force on {day}: enter it.",
        )

    def rate_of_exchange(self, currency: str, into: str, day: date) -> Exchange:
        """Raises CannotPrice where none was published by then."""
        found = _last(self.exchange.get((currency, into), ()), day)
        if found is None:
            raise CannotPrice(
                f"exchange_rates.{currency}.{into}",
                f"No rate of {currency} in {into} was published by {day}: enter one.",
            )
        return Exchange(into, found[1], found[0])


def _last(series: Series, day: date) -> tuple[date, Decimal] | None:
    place = bisect_right(series, day, key=lambda each: each[0])
    return series[place - 1] if place else None
