"""What others publish: taxes, rates of exchange, the fuel index, holidays. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import holidays

from billing.interchange.calendars import HolidayCalendarRow, HolidayRow
from billing.interchange.prices import FuelIndexRow
from billing.interchange.row import Row
from billing.interchange.taxes import ExchangeRateRow, JurisdictionRow, TaxRateRow
from billing.samples.calendar import Months, shifted
from billing.samples.chance import Chance
from billing.samples.markets import MARKETS

UNTAXED = "SI"  # a jurisdiction whose rates nobody entered
INDEXES = ("fuel", "fuel_uk")
RATES = {"GBP": "0.8613", "CHF": "0.9387", "JPY": "171.25", "BHD": "0.4391"}  # for a euro; none for USD


def published(months: Months, seed: int) -> Iterator[Row]:
    yield from _taxes(months)
    yield from _exchange_rates(months, Chance.of(seed, "exchange"))
    yield from _fuel(months, Chance.of(seed, "fuel"))
    yield from _holidays(months)


def _taxes(months: Months) -> Iterator[Row]:
    for code, market in MARKETS.items():
        yield JurisdictionRow(code=code, title=market.title, rounding=market.rounding)
        for tax_class, rate in market.rates.items():
            if code == "FI" and tax_class == "standard":  # one that changed, between the two months
                yield TaxRateRow(
                    jurisdiction=code, rate=Decimal(24), valid_from=months.long_ago, valid_until=months.month
                )
                yield TaxRateRow(jurisdiction=code, rate=Decimal(rate), valid_from=months.month)
            else:
                yield TaxRateRow(jurisdiction=code, tax_class=tax_class, rate=Decimal(rate), valid_from=months.long_ago)
    yield TaxRateRow(
        jurisdiction="GB",
        tax_class="household",
        category="Z",
        rate=Decimal(0),
        reason="Zero-rated supply",
        valid_from=months.long_ago,
    )
    yield JurisdictionRow(code=UNTAXED, title="Slovenia")


def _exchange_rates(months: Months, chance: Chance) -> Iterator[Row]:
    """Published on weekdays, each a little off the one before."""
    for currency, start in RATES.items():
        rate, day = Decimal(start), months.before - timedelta(days=7)
        while day < months.end:
            if day.weekday() < 5:
                rate = (rate * Decimal(10_000 + chance.randint(-40, 40)) / 10_000).quantize(Decimal("0.0001"))
                yield ExchangeRateRow(base="EUR", quote=currency, on=day, rate=rate, source="ECB")
                yield ExchangeRateRow(
                    base=currency, quote="EUR", on=day, rate=(1 / rate).quantize(Decimal("0.00000001")), source="ECB"
                )
            day += timedelta(days=1)


def _fuel(months: Months, chance: Chance) -> Iterator[Row]:
    """On the first Monday of each month, and once more in the midst of the last one."""
    for code in INDEXES:
        first = months.long_ago
        while first <= months.month:
            value = Decimal(chance.randint(1480, 1790)) / 1000
            yield FuelIndexRow(code=code, published_on=first + timedelta(days=-first.weekday() % 7), value=value)
            first = shifted(first, 1)
        yield FuelIndexRow(code=code, published_on=months.month + timedelta(days=17), value=Decimal("1.652"))


def _holidays(months: Months) -> Iterator[Row]:
    for code, market in MARKETS.items():
        yield HolidayCalendarRow(code=code, title=f"Public holidays in {market.title}")
        for day, name in holiday_names(code, months).items():
            yield HolidayRow(calendar=code, day=day, name=name)


def holiday_names(country: str, months: Months) -> dict[date, str]:
    """The country's, over all the days that a sample has events on."""
    years = range(months.long_ago.year, shifted(months.end, 1).year + 1)
    found = holidays.country_holidays(country, years=years)
    return {day: name[:120] for day, name in sorted(found.items())}
