"""A service's period becomes rated lines: days cut where prices change, charges of each part, and what came late. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from billing.charges import PIECE, Charge, Market, charges
from billing.errors import CannotPrice
from billing.facts import Facts, Stay, Visit
from billing.money import told
from billing.proration import Part, Period
from billing.serving import Slice, Span, Version, slices

Parts = Literal["sum", "each"]


@dataclass(frozen=True)
class Served:
    """A service of a contract: the days on which both are served, its prices, and all that happened (whatever the period)."""

    code: str
    span: Span
    versions: Sequence[Version]
    visits: Sequence[Visit] = ()
    stays: Sequence[Stay] = ()
    site: str = ""
    price_list: str = ""
    tax_class: str = "standard"


@dataclass(frozen=True)
class Terms:
    """What holds for all of a contract's services: its currency, and how parts of a price are rounded."""

    currency: str
    parts: Parts = "sum"


@dataclass(frozen=True)
class Rated:
    """A charge of a service. `since`: the first day of the earlier period that it is for (late); None: of the period itself."""

    service: str
    site: str
    tax_class: str
    charge: Charge
    since: date | None = None


@dataclass(frozen=True)
class Billed:
    """What documents that stand already say of a service's period, under one code."""

    code: str
    title: str
    rule: str
    amount: Decimal


def rate(service: Served, period: Period, terms: Terms, market: Market) -> list[Rated]:
    """The charges of a service's period, in the order of its slices and of their rules. Raises CannotPrice."""
    visits = [visit for visit in service.visits if period.start <= visit.day < period.end]
    for visit in visits:
        if visit.day not in service.span:
            raise CannotPrice(
                f"visits.{visit.id}.day", f"{service.code} is not served on {visit.day}, and yet there was a visit."
            )
    days = service.span.within(period)
    if days is None:
        return []
    made: list[Rated] = []
    for part in slices(days, service.versions, service.price_list):
        facts = _facts(service, part, period, terms, visits)
        found = charges(part.rules, facts, terms.currency, market)
        made += [Rated(service.code, service.site, service.tax_class, _dated(each, part)) for each in found]
    return made


def late(
    service: Served, period: Period, terms: Terms, market: Market, *, billed: Iterable[Billed], events: Collection[str]
) -> list[Rated]:
    """An earlier period that was billed, rated again: for each code, what it comes to now less what was billed.

    `events`: the visits that came late. Codes are in the order of the rating; those that come to nothing now follow, as they
    were billed. Raises CannotPrice.
    """
    now: dict[str, list[Charge]] = {}
    for each in rate(service, period, terms, market):
        now.setdefault(each.charge.code, []).append(each.charge)
    before: dict[str, Billed] = {}
    for one in billed:
        known = before.get(one.code)
        before[one.code] = one if known is None else replace(known, amount=known.amount + one.amount)
    made: list[Rated] = []
    for code in [*now, *(code for code in before if code not in now)]:
        was = before[code].amount if code in before else Decimal()
        difference = sum((each.amount for each in now.get(code, ())), Decimal()) - was
        if difference:
            named = now[code][0] if code in now else before[code]
            touched = [event for each in now.get(code, ()) for event in each.events if event in events]
            charge = _difference(named, difference, was, period, terms.currency, touched or sorted(events))
            made.append(Rated(service.code, service.site, service.tax_class, charge, since=period.start))
    return made


def _facts(service: Served, part: Slice, period: Period, terms: Terms, visits: Sequence[Visit]) -> Facts:
    days = part.days
    share = Part(days.days, period.days, part.before if terms.parts == "sum" else 0)
    inside = [visit for visit in visits if days.start <= visit.day < days.end]
    return Facts(days, share, inside, service.stays)


def _dated(charge: Charge, part: Slice) -> Charge:
    """Its derivation also says which days it is for."""
    return replace(
        charge, inputs={**charge.inputs, "from": str(part.days.start), "to": str(part.days.end - timedelta(days=1))}
    )


def _difference(
    named: Charge | Billed, difference: Decimal, was: Decimal, period: Period, currency: str, events: Sequence[str]
) -> Charge:
    last = period.end - timedelta(days=1)
    words = f"{period.start} to {last} rated again: {told(difference + was)}, billed {told(was)} = {told(difference)} {currency}"
    inputs = {"now": told(difference + was), "billed": told(was), "from": str(period.start), "to": str(last)}
    quantity = Decimal(-1 if difference < 0 else 1)
    return Charge(
        named.code, named.title, difference, named.rule, words, inputs, tuple(events), quantity, PIECE, abs(difference)
    )
