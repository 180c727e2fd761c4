"""What no row can see by itself: rows that it names, rows that it must not overlap, rows that it must agree with. Pure.

A problem is told at the row of a file; where two rows do not agree, at the one that depends on the other, if it is in a file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

from billing.interchange import agreed
from billing.interchange.plan import World
from billing.interchange.problems import Problem
from billing.interchange.reading import Read
from billing.interchange.tables import TABLES
from billing.interchange.telling import at, of_pair
from billing.money import minor_digits

Check = Callable[[World], Iterator[Problem]]


def problems(world: World) -> list[Problem]:
    """All of them."""
    return [problem for check in CHECKS for problem in check(world)]


def _references(world: World) -> Iterator[Problem]:
    for name, kind in TABLES.items():
        for read, row in world.incoming(name):
            for field, table in kind.refers.items():
                code = getattr(row, field)
                if code is not None and world.lacks(table, code):
                    yield at(read, field, f"There is no {code!r} in {table}, neither in the files nor here.")


def _versions_do_not_overlap(world: World) -> Iterator[Problem]:
    yield from _overlaps(world, "price_versions", lambda row: (row.price_list,))


def _tax_rates_do_not_overlap(world: World) -> Iterator[Problem]:
    yield from _overlaps(world, "tax_rates", lambda row: (row.jurisdiction, row.tax_class))


def _overlaps(world: World, table: str, group: Callable[[Any], Any]) -> Iterator[Problem]:
    touched = {group(row) for _, row in world.incoming(table)}
    groups = defaultdict(list)
    for row in world.rows.get(table, {}).values():
        if (name := group(row)) in touched:
            groups[name].append(row)
    for rows in groups.values():
        rows.sort(key=lambda row: row.valid_from)
        for first, second in pairwise(rows):
            if first.valid_until is None or first.valid_until > second.valid_from:
                until = "without end" if first.valid_until is None else f"until {first.valid_until}"
                yield from of_pair(
                    world, second, "valid_from", first, "valid_until",
                    f"The one from {first.valid_from} {until} overlaps the one from {second.valid_from}: end the first with valid_until {second.valid_from}.",
                )  # fmt: skip


def _coupons_fit_their_currency(world: World) -> Iterator[Problem]:
    for read, coupon in world.incoming("coupons"):
        contract = world.find("contracts", coupon.contract)
        if contract is not None:
            yield from _decimals(read, "amount", coupon.amount, contract.currency)


def _seller_is_one(world: World) -> Iterator[Problem]:
    for read, seller in world.incoming("sellers"):
        if seller.code != "main":
            yield at(read, "code", "There is one seller, and its code is main.")
        yield from _decimals(read, "approve_above", seller.approve_above, seller.currency)
    seller = world.find("sellers", "main")
    for read, step in world.incoming("dunning_steps"):
        if step.fee and seller is None:
            yield at(
                read, "fee", "A fee is in the seller's currency, and there is no seller: import sellers.csv first."
            )
        elif step.fee:
            yield from _decimals(read, "fee", step.fee, seller.currency)


def _decimals(read: Read, field: str, amount: Decimal, currency: str) -> Iterator[Problem]:
    digits = minor_digits(currency)
    if amount != round(amount, digits):
        yield at(read, field, f"{amount} has more decimals than {currency}: {digits} at most.")


CHECKS: tuple[Check, ...] = (
    _references, _versions_do_not_overlap, _tax_rates_do_not_overlap, agreed.services, agreed.visits_are_served, agreed.tickets,
    _coupons_fit_their_currency, _seller_is_one,
)  # fmt: skip
