"""Price lists, taxes, the fuel index, rates of exchange, holidays: proofs beyond the columns."""

from __future__ import annotations

from datetime import date

from billing.errors import CannotPrice, WrongFields
from billing.models import Document, ExchangeRate, FuelIndex, Holiday, HolidayCalendar, Jurisdiction, PriceList, TaxRate
from billing.money import minor_digits
from billing.selectors.billed import fuel_counted, standing, taxed_until


def prove_price_list(row: PriceList, held: PriceList | None) -> None:
    prove_currency("currency", row.currency)
    if held is None:
        return
    for name in ("currency", "tax_mode"):
        if getattr(held, name) != getattr(row, name) and (service := held.services.first()):
            raise WrongFields.of(name, f"The service {service} has this list: make another list instead.")
    if held.tax_class != row.tax_class and standing().filter(contract__services__price_list=held).exists():
        raise WrongFields.of(
            "tax_class", "Final documents were made with this list: make another list instead.", "billed"
        )


def prove_jurisdiction(row: Jurisdiction, held: Jurisdiction | None) -> None:
    if held is not None and held.rounding != row.rounding and standing().filter(contract__jurisdiction=held).exists():
        raise WrongFields.of("rounding", "Final documents are rounded so: make another jurisdiction instead.", "billed")


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
    if held is not None and (last := taxed_until(held)) is not None:
        for name in ("jurisdiction_id", "tax_class", "category", "rate", "valid_from"):
            if getattr(held, name) != getattr(row, name):
                raise WrongFields.of(name.removesuffix("_id"), _taxed(last), "billed")
        if row.valid_until is not None and row.valid_until <= last:
            raise WrongFields.of("valid_until", _taxed(last), "billed")
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
    if (last := taxed_until(row)) is not None:
        raise WrongFields.of("", _taxed(last), "billed")


def prove_fuel_index(row: FuelIndex, held: FuelIndex | None) -> None:
    if row.value < 0:
        raise WrongFields.of("value", "An index is not negative.")
    same = held is not None and (held.code, held.published_on, held.value) == (row.code, row.published_on, row.value)
    for index in () if same else (row, held):
        if index is not None and (first := fuel_counted(index)) is not None:
            raise WrongFields.of("published_on", _counted(first), "billed")


def may_delete_fuel_index(row: FuelIndex) -> None:
    if (first := fuel_counted(row)) is not None:
        raise WrongFields.of("", _counted(first), "billed")


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
    """Documents have their rate in themselves; but where it came from stays to be seen."""
    pair = {row.base, row.quote}
    if Document.objects.filter(
        state="final", exchange_on=row.on, currency__in=pair, exchange_currency__in=pair
    ).exists():
        raise WrongFields.of("", f"Final documents were made with the rate of {row.on}.", "billed")


def prove_calendar(row: HolidayCalendar, held: HolidayCalendar | None) -> None:
    """Its columns say it all."""


def prove_holiday(row: Holiday, held: Holiday | None) -> None:
    """Its columns say it all: visits are planned ahead, and what was billed rests on the visits."""


def prove_currency(field: str, code: str) -> None:
    try:
        minor_digits(code)
    except CannotPrice as wrong:
        raise WrongFields.of(field, wrong.message) from None


def _taxed(last: date) -> str:
    return f"Documents up to {last} were taxed at this rate: it may end after that day, and another one begin."


def _counted(first: date) -> str:
    return f"The period from {first} is billed with the index as it was published: enter a later one."
