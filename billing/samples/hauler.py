"""The whole sample: who bills, what is published, prices, customers, contracts, and the events of two months. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from billing.interchange.books import DunningStepRow, SeriesRow
from billing.interchange.contracts import ContractRow, ServiceRow
from billing.interchange.events import VisitRow
from billing.interchange.parties import CustomerRow, SellerRow
from billing.interchange.row import Row
from billing.interchange.tables import TABLES
from billing.samples import agreements, bad, happenings, people
from billing.samples.agreements import Agreement
from billing.samples.calendar import Months
from billing.samples.chance import Chance
from billing.samples.markets import MARKETS, SHARES
from billing.samples.published import holiday_names, published
from billing.samples.tariffs import price_lists

LATE_PERCENT = 6
GIVEN_UP, GIVEN_UP_EVERY = (
    60,
    90,
)  # which contracts end as a month begins, with all visits of the last one missed, and told late
SHARED_PERCENT = 12  # contracts of a customer who has one already
Rows = dict[str, list[Row]]


@dataclass
class Hauler:
    """`before`: all but events, and those before the month. `month`: the events of the month, and some that are recorded late: they
    are of the month before, and count as late once it is billed."""

    before: Rows = field(default_factory=lambda: {name: [] for name in TABLES})
    month: Rows = field(default_factory=lambda: {name: [] for name in ("visits", "weigh_tickets")})

    def add(self, *rows: Row) -> None:
        for row in rows:
            self.before[row.file].append(row)

    def all(self) -> Rows:
        return {name: [*rows, *self.month.get(name, ())] for name, rows in self.before.items()}


def make(contracts: int, seed: int, month: date, *, faults: bool = True) -> Hauler:
    """The same for the same arguments. `month` is its first day; `faults`: two of a hundred contracts cannot be priced."""
    months, hauler = Months(month), Hauler()
    hauler.add(
        *_house(), *published(months, seed), *price_lists(months, seed), *(bad.price_lists(months) if faults else ())
    )
    holidays = {code: frozenset(holiday_names(code, months)) for code in MARKETS}
    owner: CustomerRow | None = None
    for number in range(1, contracts + 1):
        chance = Chance.of(seed, "contract", number)
        why = bad.spoilt(number, contracts) if faults else None
        if owner is None or why or not chance.happens(SHARED_PERCENT):
            owner = people.customer(number, "AT" if why else chance.one_of(SHARES), months, chance)
            hauler.add(owner)
        _contract(hauler, number, owner, why, months, holidays, chance)
        if why:
            owner = None
    return hauler


def _house() -> Iterator[Row]:
    yield SellerRow(
        name="Roundsman Sample Haulage", street="Kai 1", postcode="1010", city="Wien", country="AT", tax_id="ATU12345675",
        registration="FN 123456a", email="office@example.org", phone="+43 1 234 56 70", iban="AT611904300234573201", bic="BKAUATWW",
        currency="EUR", time_zone="Europe/Vienna", approve_above=Decimal(10_000),
    )  # fmt: skip
    yield SeriesRow(code="invoices", prefix="INV-")
    yield SeriesRow(code="credits", prefix="CN-")
    yield DunningStepRow(number=1, days_after_due=3, title="Friendly reminder", retry=True)
    yield DunningStepRow(number=2, days_after_due=14, title="Second reminder", retry=True, fee=Decimal(5))
    yield DunningStepRow(number=3, days_after_due=30, title="Last reminder before collection", fee=Decimal(15))


def _contract(
    hauler: Hauler,
    number: int,
    owner: CustomerRow,
    why: str | None,
    months: Months,
    holidays: dict[str, frozenset[date]],
    chance: Chance,
) -> None:
    agreed = agreements.agreement(number, owner, months, chance)
    if why:
        agreed = _spoil(agreed, why, months)
    elif number % GIVEN_UP_EVERY == GIVEN_UP:
        agreed = agreements.given_up(agreed, months)
    site = people.site(f"S-{number:04}", owner, chance)
    hauler.add(agreed.contract, site, *agreements.coupons(agreed, months, chance))
    for place, kind in enumerate(agreed.kinds, start=1):
        service = agreements.service(agreed, place, kind, site.code, months, chance)
        if why:
            service = service.model_copy(update={"holidays": None, "shift": "none"})
        hauler.add(service)
        _events(hauler, agreed, service, kind, months, holidays, chance)


def _spoil(agreed: Agreement, why: str, months: Months) -> Agreement:
    over = bad.contract_over(why) | {"anchor": months.before, "starts_on": months.long_ago}
    return Agreement(agreed.contract.model_copy(update=over), ("household",), "exclusive", bad.LISTS[why])


def _events(
    hauler: Hauler,
    agreed: Agreement,
    service: ServiceRow,
    kind: str,
    months: Months,
    holidays: dict[str, frozenset[date]],
    chance: Chance,
) -> None:
    contract, market = agreed.contract, MARKETS.get(agreed.contract.jurisdiction, MARKETS["AT"])
    first = agreed.first_day()
    free = holidays.get(str(service.holidays), frozenset())
    hauler.add(*happenings.stays(service, contract, kind, first, months.end, chance))
    late = (agreed.given_up or chance.happens(LATE_PERCENT)) and _is_billed_by_month(contract)
    for visit in happenings.visits(service, contract, first, months.end, free, kind, chance):
        ticket = happenings.ticket(visit, kind, market, chance)
        held_back = late and months.before <= visit.day < months.month and (agreed.given_up or chance.happens(50))
        into = hauler.month if visit.day >= months.month or held_back else hauler.before
        into["visits"].append(_noted(visit, agreed) if held_back else visit)
        if ticket is not None:
            into["weigh_tickets"].append(ticket)


def _is_billed_by_month(contract: ContractRow) -> bool:
    """So that its period of the month before is over when the month begins."""
    return contract.every == "month" and contract.anchor.day == 1 and not contract.on_hold


def _noted(visit: VisitRow, agreed: Agreement) -> VisitRow:
    missed = (
        {"outcome": "missed_by_us", "contaminated": False, "evidence": ""}
        if agreed.given_up and not visit.extra
        else {}
    )
    return visit.model_copy(update={"note": "Recorded late", **missed})


def counts(rows: Rows) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for name, each in rows.items():
        found[name] += len(each)
    return dict(found)
