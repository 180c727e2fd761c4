"""Contracts that cannot be priced, each for another reason: a run must set them aside and go on. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from billing.interchange.prices import RULES, PriceListRow, PriceVersionRow
from billing.interchange.row import Row
from billing.samples.calendar import Months
from billing.samples.published import UNTAXED
from billing.samples.tariffs import BASE, FUEL, PICK_UP

PERCENT = 2
WHY = ("no_version", "no_index", "no_exchange_rate", "no_tax_rate")
LISTS = {
    "no_version": "EUR-not-yet",
    "no_index": "EUR-no-index",
    "no_exchange_rate": "USD-household",
    "no_tax_rate": "EUR-household",
}


def price_lists(months: Months) -> Iterator[Row]:
    """One that is in force too late, one that follows an index nobody publishes, one in a currency without a rate of exchange."""
    simple = RULES.validate_python((BASE, PICK_UP))
    unknown: Any = RULES.validate_python((BASE, PICK_UP, FUEL | {"code": "fuel_new", "of": ["pick_up"]}))
    for why, start, rules in (
        ("no_version", months.end, simple), ("no_index", months.long_ago, unknown), ("no_exchange_rate", months.long_ago, simple),
    ):  # fmt: skip
        code = LISTS[why]
        yield PriceListRow(code=code, title=f"Sample of a bad one ({why})", currency=code[:3])
        yield PriceVersionRow(price_list=code, valid_from=start, rules=rules)


def spoilt(number: int, contracts: int) -> str | None:
    """Why this contract cannot be priced: so many of a hundred, evenly spread, each for the next reason."""
    many = -(-contracts * PERCENT // 100)
    step = max(1, contracts // many)
    place, rest = divmod(number, step)
    return WHY[(place - 1) % len(WHY)] if rest == 0 and 1 <= place <= many else None


def contract_over(why: str) -> dict[str, Any]:
    """What is another in the contract."""
    return {
        "no_version": {"currency": "EUR", "jurisdiction": "AT"},
        "no_index": {"currency": "EUR", "jurisdiction": "AT"},
        "no_exchange_rate": {"currency": "USD", "jurisdiction": "AT"},
        "no_tax_rate": {"currency": "EUR", "jurisdiction": UNTAXED},
    }[why] | {"on_hold": "", "ends_on": None, "every": "month", "anchor": None}
