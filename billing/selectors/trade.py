"""The trade's tables as rows of billing.interchange: what an import is compared with, and what an export writes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from billing import models
from billing.interchange.cells import tidy
from billing.interchange.plan import Key, There
from billing.interchange.prices import RULES
from billing.interchange.reading import Table, key_of
from billing.interchange.row import Row
from billing.interchange.tables import TABLES
from billing.money import minor_digits

MODELS: Mapping[str, Any] = {
    "sellers": models.Seller, "series": models.Series, "dunning_steps": models.DunningStep, "customers": models.Customer, "sites": models.Site,
    "holiday_calendars": models.HolidayCalendar, "holidays": models.Holiday, "jurisdictions": models.Jurisdiction, "tax_rates": models.TaxRate,
    "exchange_rates": models.ExchangeRate, "price_lists": models.PriceList, "price_versions": models.PriceVersion, "fuel_index": models.FuelIndex,
    "contracts": models.Contract, "services": models.Service, "stays": models.Stay, "coupons": models.Coupon, "visits": models.Visit, "weigh_tickets": models.WeighTicket,
}  # fmt: skip
EVENTS = ("visits", "weigh_tickets")  # too many to read them all
COLUMNS = {"amount": "amount_minor", "approve_above": "approve_above_minor", "fee": "fee_minor"}  # money
CHUNK = 500  # codes a query


def rows(table: str, **only: Any) -> Iterator[Row]:
    """A table's rows in the order of their keys; `only` narrows them (a filter of Django's)."""
    kind = TABLES[table]
    paths = {name: _path(kind, name) for name in kind.columns()}
    beside = {"coupons": ["contract__currency"], "dunning_steps": []}.get(table, [])
    found = MODELS[table].objects.filter(**only).order_by(*(paths[name] for name in kind.key))
    read = _reader(table)
    for values in found.values(*paths.values(), *beside).iterator(chunk_size=2000):
        tidied = {name: _tidied(values[path]) for name, path in paths.items()}
        yield kind.model_construct(**read(tidied, values))


def _tidied(value: Any) -> Any:
    return tidy(value) if isinstance(value, str) else value


def there(tables: Iterable[Table]) -> There:
    """What the rows of these files have to do with: the small tables whole, of events those that the files name."""
    found: dict[str, dict[Key, Row]] = {
        name: {key_of(row): row for row in rows(name)} for name in TABLES if name not in EVENTS
    }
    read = {table.kind.file: table for table in tables}
    visits = {each.row.code for each in read["visits"].rows} if "visits" in read else set()
    tickets = [each.row for each in read["weigh_tickets"].rows] if "weigh_tickets" in read else []
    found["weigh_tickets"] = _of("weigh_tickets", "code__in", {row.code for row in tickets})
    visits |= {row.visit for row in (*tickets, *found["weigh_tickets"].values())}
    found["weigh_tickets"] |= _of("weigh_tickets", "visit__code__in", visits)
    found["visits"] = _of("visits", "code__in", visits)
    return found


def _of(table: str, how: str, codes: Collection[str]) -> dict[Key, Row]:
    return {key_of(row): row for chunk in chunks(codes) for row in rows(table, **{how: chunk})}


def chunks(codes: Collection[str]) -> Iterator[list[str]]:
    """Few enough for one query, in an order that is always the same."""
    ordered = sorted(codes)
    for start in range(0, len(ordered), CHUNK):
        yield ordered[start : start + CHUNK]


def _path(kind: type[Row], name: str) -> str:
    return f"{name}__code" if name in kind.refers else COLUMNS.get(name, name)


Reader = Callable[[dict[str, Any], Mapping[str, Any]], dict[str, Any]]


def _reader(table: str) -> Reader:
    """What makes a row's values of the columns, where these are others."""
    match table:
        case "price_versions":
            return lambda row, _: row | {"rules": RULES.validate_python(row["rules"])}
        case "coupons":
            return lambda row, beside: row | {"amount": major(row["amount"], beside["contract__currency"])}
        case "sellers":
            return lambda row, _: row | {"approve_above": major(row["approve_above"], row["currency"])}
        case "dunning_steps":
            currency = seller_currency()
            return lambda row, _: row | {"fee": major(row["fee"], currency)}
        case _:
            return lambda row, _: row


def seller_currency() -> str:
    """Of the hauler's own books; before there is a seller, EUR."""
    return models.Seller.objects.filter(code="main").values_list("currency", flat=True).first() or "EUR"


def major(minor: int, currency: str) -> Decimal:
    """1250 → 12.50 EUR."""
    return Decimal(f"{minor}E-{minor_digits(currency)}")


def minor(amount: Decimal, currency: str) -> int:
    """12.50 EUR → 1250. It has no more decimals than its currency: billing.interchange.checks saw to it."""
    return int(amount.scaleb(minor_digits(currency)))


@cache
def fields(table: str) -> list[str]:
    """The model's columns that an import writes."""
    kind = TABLES[table]
    extra = ["net_kg"] if table == "weigh_tickets" else []
    return [COLUMNS.get(name, name) for name in kind.columns()] + extra
