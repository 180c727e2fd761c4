"""Price lists, taxes, the fuel index, rates of exchange, holidays: proofs beyond the columns."""

from __future__ import annotations

from datetime import date

from billing import kept_rules
from billing.errors import CannotPrice, WrongFields
from billing.models import ExchangeRate, FuelIndex, Holiday, HolidayCalendar, Jurisdiction, PriceList, TaxRate
from billing.money import minor_digits
from billing.selectors import billed
from billing.services.master import rows


def prove_price_list(row: PriceList, held: PriceList | None) -> None:
    prove_currency("currency", row.currency)
    if held is None:
        return
    for name in ("currency", "tax_mode"):
        if getattr(held, name) != getattr(row, name) and (service := held.services.first()):
            raise WrongFields.of(name, f"The service {service} has this list: make another list instead.")
    if names := rows.differing(row, held, *kept_rules.OF_PRICE_LIST):
        rows.refuse(kept_rules.price_list(held.code, names, billed=bool(billed.billed_periods({held.code})[held.code])))


def prove_jurisdiction(row: Jurisdiction, held: Jurisdiction | None) -> None:
    if held is not None:
        names = rows.differing(row, held, "rounding")
        rows.refuse(kept_rules.jurisdiction(held.code, names, billed=bool(billed.billed_jurisdictions({held.code}))))


def prove_tax_rate(row: TaxRate, held: TaxRate | None) -> None:
    if row.category != "S" and row.rate:
        raise WrongFields.of("rate", "Only category S has a rate: all others are at 0 %.")
    if row.category in ("E", "AE", "O") and not row.reason:
        raise WrongFields.of("reason", "Say why no tax is due: it is printed.")
    if row.rate < 0 or row.rate >= 100:
        raise WrongFields.of("rate", "A rate is from 0 to less than 100 %.")
    if row.valid_until is not None and row.valid_until <= row.valid_from:
        raise WrongFields.of(
            "valid_until", "The first day on which it is not valid any more: after the one it is valid from."
        )
    if held is not None:
        names = rows.differing(row, held, *kept_rules.OF_TAX_RATE)
        rows.refuse(kept_rules.tax_rate(names, row.valid_until, _taxed(held)))
    for other in TaxRate.objects.filter(jurisdiction=row.jurisdiction_id, tax_class=row.tax_class).exclude(pk=row.pk):
        starts_first = row.valid_until is None or other.valid_from < row.valid_until
        if starts_first and (other.valid_until is None or other.valid_until > row.valid_from):
            end = f"until {other.valid_until}" if other.valid_until else "and has no end"
            raise WrongFields.of(
                "valid_from",
                f"A rate of {other} is valid from {other.valid_from} {end}: end that one first.",
                "overlap",
            )


def may_delete_tax_rate(row: TaxRate) -> None:
    rows.refuse(kept_rules.tax_rate(kept_rules.OF_TAX_RATE, None, _taxed(row)), field="")


def prove_fuel_index(row: FuelIndex, held: FuelIndex | None) -> None:
    if row.value < 0:
        raise WrongFields.of("value", "An index is not negative.")
    same = held is not None and (held.code, held.published_on, held.value) == (row.code, row.published_on, row.value)
    for index in () if same else (row, held):
        if index is not None:
            rows.refuse(_counted(index), field="published_on")


def may_delete_fuel_index(row: FuelIndex) -> None:
    rows.refuse(_counted(row), field="")


def prove_exchange_rate(row: ExchangeRate, held: ExchangeRate | None) -> None:
    for name in ("base", "quote"):
        prove_currency(name, getattr(row, name))
    if row.base == row.quote:
        raise WrongFields.of("quote", "A rate is between two currencies.")
    if row.rate <= 0:
        raise WrongFields.of("rate", "A rate is more than nothing.")
    if held is not None and (held.base, held.quote, held.on, held.rate) != (row.base, row.quote, row.on, row.rate):
        may_delete_exchange_rate(held)


def may_delete_exchange_rate(row: ExchangeRate) -> None:
    used = billed.exchanged(row.base, row.quote, row.on)
    rows.refuse(kept_rules.exchange_rate(row.on, used=used), field="")


def prove_calendar(row: HolidayCalendar, held: HolidayCalendar | None) -> None:
    """Its columns say it all."""


def prove_holiday(row: Holiday, held: Holiday | None) -> None:
    """Its columns say it all: visits are planned ahead, and what was billed rests on the visits."""


def prove_currency(field: str, code: str) -> None:
    try:
        minor_digits(code)
    except CannotPrice as wrong:
        raise WrongFields.of(field, wrong.message) from None


def _taxed(rate: TaxRate) -> date | None:
    return billed.taxed(rate.jurisdiction.code, rate.tax_class, rate.valid_from, rate.valid_until)


def _counted(index: FuelIndex) -> kept_rules.Refusals:
    return kept_rules.fuel_index(billed.fuelled(index.code, index.published_on))
