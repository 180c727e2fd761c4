"""The same events under two sets of prices: what each comes to, by charge and by contract, the biggest change first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from billing.amounts import minus
from billing.charges import Market
from billing.errors import CannotPrice
from billing.money import rounded
from billing.proration import Period
from billing.rating import Rated, Served, Terms, rate
from billing.serving import Span, Version


@dataclass(frozen=True)
class Change:
    """What it was, what it would be; `note`: of what. Amounts as the price list has them, before tax rules."""

    name: str
    before: Decimal
    after: Decimal
    note: str = ""

    @property
    def by(self) -> Decimal:
        return self.after - self.before

    @property
    def percent(self) -> Decimal | None:
        """Of what it was; None where that was nothing."""
        return None if not self.before else rounded(100 * Fraction(self.by) / abs(Fraction(self.before)), 1)


@dataclass(frozen=True)
class Case:
    """A service's period, all that happened in it, and whose it is."""

    contract: str
    customer: str
    service: Served
    period: Period
    terms: Terms
    market: Market


@dataclass
class Comparison:
    """`set_aside`: services whose period cannot be priced, with the reason; they count on neither side."""

    charges: list[Change] = field(default_factory=list)
    contracts: list[Change] = field(default_factory=list)
    set_aside: list[tuple[str, str]] = field(default_factory=list)
    services: int = 0

    @property
    def total(self) -> Change:
        return Change(
            "Total",
            sum((each.before for each in self.charges), Decimal()),
            sum((each.after for each in self.charges), Decimal()),
        )

    @property
    def touched(self) -> int:
        """Contracts that would pay another amount."""
        return sum(bool(each.by) for each in self.contracts)


def compare(cases: Iterable[Case], rules: Sequence[Any]) -> Comparison:
    """Rates every case as it is priced, and as if `rules` had been in force on all its days. Nothing is stored."""
    found = Comparison()
    titles: dict[str, str] = {}
    by_charge: dict[str, list[Decimal]] = {}
    by_contract: dict[tuple[str, str], list[Decimal]] = {}
    proposed = [Version(Span(date.min), rules)]
    for case in cases:
        try:
            sides = (_rated(case, case.service), _rated(case, replace(case.service, versions=proposed)))
        except CannotPrice as trouble:
            found.set_aside.append((case.service.code, trouble.message))
            continue
        found.services += 1
        for side, lines in enumerate(sides):
            for each in lines:
                titles[each.charge.code] = each.charge.title.partition(", credit for")[0]
                by_charge.setdefault(each.charge.code, [Decimal(), Decimal()])[side] += each.charge.amount
                by_contract.setdefault((case.contract, case.customer), [Decimal(), Decimal()])[side] += (
                    each.charge.amount
                )
    found.charges = _sorted(Change(titles[code], was, now, code) for code, (was, now) in by_charge.items())
    found.contracts = _sorted(Change(code, was, now, customer) for (code, customer), (was, now) in by_contract.items())
    return found


def words(found: Comparison, currency: str) -> str:
    """The answer in a sentence."""
    total = found.total
    if not found.services:
        return "Nothing was served at these prices in that month: choose another one."
    if not total.by and not found.touched:
        return "Nothing would have changed."
    more = "more" if total.by > 0 else "less"
    share = f" ({total.percent:+} %)" if total.percent is not None else ""
    whole = f"{abs(total.by):,} {currency} {more}{share}" if total.by else "as much in all"
    told = f"{whole} than it was: {found.touched} of {len(found.contracts)} contracts would have paid another amount."
    return minus(told)


def _rated(case: Case, service: Served) -> list[Rated]:
    return rate(service, case.period, case.terms, case.market)


def _sorted(changes: Iterable[Change]) -> list[Change]:
    return sorted(changes, key=lambda each: (-abs(each.by), -abs(each.after), each.name))
