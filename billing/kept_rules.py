"""What was billed stays as it was billed, and what to do instead. Pure: the facts in, refusals out; whoever asks, for one row or for thousands.

`names`: the fields that would change. A refusal without a field is of the whole row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date
from typing import NamedTuple

OF_CONTRACT = ("customer", "jurisdiction", "currency", "anchor", "every")
OF_SERVICE = ("contract", "price_list")
OF_PRICE_LIST = ("currency", "tax_mode", "tax_class")
OF_TAX_RATE = ("jurisdiction", "tax_class", "category", "rate", "valid_from")
Refusals = Iterator["Refusal"]
Span = tuple[date, date | None]  # up to but not including the second, if any


class Refusal(NamedTuple):
    field: str
    message: str


def contract(code: str, names: Collection[str], *, final: bool) -> Refusals:
    """`final`: it has a final document."""
    for name in _among(OF_CONTRACT, names) if final else ():
        yield Refusal(name, f"Contract {code} has final documents: its {name} stays. End it, and make another.")


def service(code: str, names: Collection[str], *, billed: bool) -> Refusals:
    """`billed`: its contract is."""
    for name in _among(OF_SERVICE, names) if billed else ():
        yield Refusal(name, f"Service {code} is billed with another {name}: end it, and make another.")


def price_list(code: str, names: Collection[str], *, billed: bool) -> Refusals:
    for name in _among(OF_PRICE_LIST, names) if billed else ():
        yield Refusal(name, f"Final documents were made with price list {code}: its {name} stays. Make another list.")


def jurisdiction(code: str, names: Collection[str], *, billed: bool) -> Refusals:
    if billed and "rounding" in names:
        yield Refusal("rounding", f"Final documents are rounded as {code} has it: make another jurisdiction instead.")


def billed_with(version: Span, periods: Iterable[tuple[date, date]]) -> date | None:
    """The day after the last one that a final document was made for with prices of these days; None: they are free. `periods`: those
    of final documents with services on the list."""
    since, until = version
    ends = [end for start, end in periods if end > since and (until is None or start < until)]
    last = max(ends, default=None)
    return last if last is None or until is None else min(last, until)


def price_version(names: Collection[str], until: date | None, billed: date | None) -> Refusals:
    """It may only end, on the day after the last billed one (`billed`) or later. `until`: its end as it would be."""
    if billed is None:
        return
    told = f"Final documents were made with it, for days before {billed}: add a new version that begins on {billed} or later."
    for name in _among(("price_list", "valid_from", "rules"), names):
        yield Refusal(name, told)
    if until is not None and until < billed:
        yield Refusal("valid_until", told)


def stay(was: tuple[date | None, date | None], now: tuple[date | None, date | None], billed: date | None) -> Refusals:
    """When a container came and went; `was` is (None, None) of a new stay. `billed`: the day after the last one that is."""
    for name, old, new in zip(("delivered_on", "removed_on"), was, now, strict=True):
        if billed is not None and old != new and any(day is not None and day < billed for day in (old, new)):
            yield Refusal(
                name, f"Days before {billed} are billed: give a day from then on, and credit what is too much."
            )


def coupon(code: str, *, used: bool) -> Refusals:
    if used:
        yield Refusal("", f"Coupon {code} is used: its document stands as it is.")


def visit(code: str, document: str, *, final: bool) -> Refusals:
    """One that is on that document."""
    if final:
        yield Refusal("", f"Visit {code} is billed on {document}, which is final: credit the document instead.")
    else:
        yield Refusal(
            "", f"Visit {code} is on a draft ({document}): send the draft back first, then its period is billed anew."
        )


def tax_rate(names: Collection[str], until: date | None, taxed: date | None) -> Refusals:
    """`taxed`: the last tax point that it was in force on; it may end after that day."""
    if taxed is None:
        return
    told = f"Final documents up to {taxed} were taxed at this rate: it may end after that day, and another one begin."
    for name in _among(OF_TAX_RATE, names):
        yield Refusal(name, told)
    if until is not None and until <= taxed:
        yield Refusal("valid_until", told)


def fuel_index(counted: date | None) -> Refusals:
    """`counted`: the first day of the first period that is billed by it, or would have been."""
    if counted is not None:
        yield Refusal(
            "value", f"The period from {counted} is billed with the index as it was published: enter a later one."
        )


def exchange_rate(on: date, *, used: bool) -> Refusals:
    if used:
        yield Refusal("rate", f"Final documents were made with the rate of {on}.")


def span(visit: tuple[str, date] | None, starts_on: date) -> Refusals:
    """`visit`: one that would be outside of what is served."""
    if visit is not None:
        code, day = visit
        yield Refusal(
            "starts_on" if day < starts_on else "ends_on", f"Visit {code} on {day} would not be served any more."
        )


def _among(kept: Collection[str], names: Collection[str]) -> list[str]:
    return [name for name in kept if name in names]
