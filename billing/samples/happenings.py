"""What happened at the sample's services: visits as they were due, and all that goes wrong. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from billing.facts import Outcome
from billing.interchange.contracts import ContractRow, ServiceRow, StayRow
from billing.interchange.events import VisitRow, WeighTicketRow
from billing.money import rounded
from billing.samples.chance import Chance
from billing.samples.markets import Market
from billing.service_days import due_days
from billing.weights import KILOGRAMS

OUTCOMES: dict[Outcome, int] = {"done": 940, "missed_by_us": 25, "missed_by_customer": 15, "blocked": 20}
WEIGHED = {"roll_off": (900, 8600), "compactor": (1500, 6400), "construction": (700, 5200)}  # kg a haul
RENTED = frozenset({"roll_off", "construction"})
TARES = {"kg": "3120", "t": "3.12", "lb": "6880", "short_ton": "3.44"}
DAY = timedelta(days=1)


def visits(
    service: ServiceRow,
    contract: ContractRow,
    first: date,
    end: date,
    holidays: Collection[date],
    kind: str,
    chance: Chance,
) -> Iterator[VisitRow]:
    """From `first`, up to but not including `end`, where it is served."""

    def serves(day: date) -> bool:
        return first <= day < end and contract.serves(day, service.starts_on, service.ends_on)

    for due in due_days(service.days(), first, end, holidays if service.holidays else (), service.shift):
        if serves(due.day):
            day = due.day + DAY if chance.happens(2) and serves(due.day + DAY) else due.day
            code = f"{service.code}/{due.planned:%y%m%d}"
            yield _visit(
                service,
                chance,
                code=code,
                planned_on=due.planned,
                day=day,
                note="Rescheduled" if day != due.day else "",
            )
    days = [first + number * DAY for number in range((end - first).days) if serves(first + number * DAY)]
    if not days:
        return
    months = max(1, round(len(days) / 30))
    if service.pattern == "on_call":
        usual = chance.randint(1, 4)
        for number in range(sum(max(0, usual + chance.choice((-2, 0, 0, 0, 1))) for _ in range(months))):
            day = chance.choice(days)
            yield _visit(service, chance, code=f"{service.code}/{day:%y%m%d}c{number}", day=day)
    elif chance.happens(9):
        for number in range(chance.randint(1, 3)):
            day = chance.choice(days)
            yield _visit(service, chance, code=f"{service.code}/{day:%y%m%d}x{number}", day=day, extra=True)


def _visit(service: ServiceRow, chance: Chance, **about: Any) -> VisitRow:
    outcome: Outcome = "done" if about.get("extra") else chance.one_of(OUTCOMES)
    dirty = outcome == "done" and chance.happens(1.5)
    if dirty:
        about |= {"contaminated": True, "evidence": f"photo-{chance.randint(10000, 99999)}.jpg"}
    return VisitRow(service=service.code, outcome=outcome, containers=service.containers, **about)


def ticket(visit: VisitRow, kind: str, market: Market, chance: Chance) -> WeighTicketRow | None:
    """Of a haul that is weighed. A few are much too heavy, and now and then the scale is out of order."""
    if kind not in WEIGHED or visit.outcome != "done" or chance.happens(1):
        return None
    least, most = WEIGHED[kind]
    kg = chance.randint(least, most) * (2 if chance.happens(4) else 1)
    unit = chance.choice(market.units)
    places = 3 if unit in ("t", "short_ton") else 0
    tare = Decimal(TARES[unit])
    net = rounded(kg / KILOGRAMS[unit], places)
    return WeighTicketRow(code=f"W-{visit.code}", visit=visit.code, gross=tare + net, tare=tare, unit=unit)


def stays(
    service: ServiceRow, contract: ContractRow, kind: str, first: date, end: date, chance: Chance
) -> Iterator[StayRow]:
    """Of a rented container: one that stands there all the time, or one after the other."""
    if kind not in RENTED:
        return
    since = max(service.starts_on, contract.starts_on)
    if chance.happens(40):
        yield StayRow(service=service.code, delivered_on=since)
        return
    day = max(since, first - 9 * DAY)
    while day < end:
        removed = day + timedelta(days=chance.randint(0, 24))
        yield StayRow(service=service.code, delivered_on=day, removed_on=removed if removed < end else None)
        day = removed + timedelta(days=chance.randint(1, 9))
