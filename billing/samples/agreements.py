"""The sample's contracts and their services. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from billing.interchange.contracts import ContractRow, CouponRow, ServiceRow
from billing.interchange.parties import CustomerRow
from billing.periods import Cycle
from billing.samples.calendar import Months, shifted
from billing.samples.chance import Chance
from billing.samples.markets import MARKETS
from billing.samples.tariffs import TARIFFS, code_of

CYCLES = {
    "month": 58,
    "anchor_31": 8,
    "four_weeks": 12,
    "quarter": 10,
    "two_weeks": 4,
    "week": 3,
    "half_year": 2,
    "year": 3,
}
KINDS = {"household": 30, "commercial": 30, "roll_off": 14, "compactor": 10, "construction": 10, "call": 6}
IN_BOTH_MODES = {kind: weight for kind, weight in KINDS.items() if len(TARIFFS[kind].modes) > 1}
CONTAINERS = {
    "household": (("bin", "120 l"), ("bin", "240 l")),
    "commercial": (("bin", "1100 l"), ("front loader", "8 yd")),
    "roll_off": (("roll-off", "20 yd"), ("roll-off", "30 m³")),
    "compactor": (("compactor", "20 m³"),),
    "construction": (("skip", "7 m³"), ("skip", "10 m³")),
    "call": (("bin", "1100 l"),),
}
TITLES = {
    "household": "Residual waste", "commercial": "Commercial waste", "roll_off": "Roll-off container", "compactor": "Compactor",
    "construction": "Construction waste", "call": "Bulky waste on call",
}  # fmt: skip
ON_CALL = frozenset({"roll_off", "construction", "call"})
SHIFTS = ("none", "skip", "next_day", "day_before", "rest_of_week")


@dataclass(frozen=True)
class Agreement:
    """A contract with what belongs to it; `kinds` are those of the services, in their order."""

    contract: ContractRow
    kinds: Sequence[str]
    mode: str
    spoilt: str = ""  # the price list that cannot be used
    given_up: bool = False

    def price_list(self, kind: str) -> str:
        return self.spoilt or code_of(MARKETS[self.contract.jurisdiction], kind, self.mode)

    def first_day(self) -> date:
        """From which on its events count: the first day of the first period that is billed."""
        assert self.contract.bill_from is not None
        cycle = Cycle(self.contract.every, self.contract.anchor)
        return max(self.contract.starts_on, cycle.containing(self.contract.bill_from).start)


def agreement(number: int, customer: CustomerRow, months: Months, chance: Chance) -> Agreement:
    market = MARKETS[customer.country]
    every, anchor = _cycle(months, chance)
    starts_on, ends_on = _span(months, chance)
    mode = "inclusive" if chance.happens(25) else "exclusive"
    kinds = IN_BOTH_MODES if mode == "inclusive" else KINDS
    contract = ContractRow(
        code=f"K-{number:04}", customer=customer.code, jurisdiction=market.country, currency=market.currency,
        starts_on=starts_on, ends_on=ends_on, ends=chance.choice(("exclusive", "inclusive")), every=every, anchor=anchor,
        parts="each" if chance.happens(15) else "sum", bill_from=months.before,
        on_hold="The customer disputes the size of the bins" if chance.happens(0.7) else "",
        auto_collect=chance.happens(40), order_reference=f"ORD-{chance.randint(10000, 99999)}" if chance.happens(20) else "",
    )  # fmt: skip
    many = chance.one_of({1: 70, 2: 22, 3: 8})
    return Agreement(contract, tuple(chance.one_of(kinds) for _ in range(many)), mode)


def _cycle(months: Months, chance: Chance) -> tuple[Any, date]:
    """How often it is billed, and the first day of some period: of the longer ones, one that ends with either month, or in the midst of them."""
    cycle = chance.one_of(CYCLES)
    if cycle == "anchor_31":
        return "month", date(months.before.year - 1, 1, 31)
    if cycle in ("week", "two_weeks", "four_weeks"):
        return cycle, months.before - timedelta(days=chance.randrange(28) + 28)
    if cycle == "month":
        return cycle, shifted(months.before, -chance.randrange(1, 12)) + timedelta(
            days=0 if chance.happens(80) else chance.randrange(1, 28)
        )
    length = {"quarter": 3, "half_year": 6, "year": 12}[cycle]
    return cycle, shifted(chance.choice((months.month, months.end)), -length)


def _span(months: Months, chance: Chance) -> tuple[date, date | None]:
    """Some start or end in the midst of the months."""
    starts_on = chance.day(shifted(months.long_ago, -12), shifted(months.before, -1))
    if chance.happens(8):
        starts_on = chance.day(months.before, months.month + timedelta(days=20))
    ends_on = chance.day(max(months.month + timedelta(days=2), starts_on), months.end) if chance.happens(6) else None
    return starts_on, ends_on


def given_up(of: Agreement, months: Months) -> Agreement:
    """It ends as the month begins: what is credited for the month before can be more than its last days cost."""
    over = {
        "every": "month",
        "anchor": months.before,
        "starts_on": months.long_ago,
        "ends_on": months.month + timedelta(days=2),
        "on_hold": "",
    }
    return Agreement(of.contract.model_copy(update=over), ("commercial",), of.mode, given_up=True)


def service(of: Agreement, place: int, kind: str, site: str, months: Months, chance: Chance) -> ServiceRow:
    contract = of.contract
    container, size = chance.choice(CONTAINERS[kind])
    starts_on, ends_on = contract.starts_on, contract.ends_on
    last = contract.ends_on or months.end
    if place > 1 and chance.happens(20) and starts_on < months.before:  # joined later
        starts_on = chance.day(months.before, min(months.end, last))
    if place > 1 and chance.happens(15) and contract.ends_on is None and starts_on < months.month:  # given up
        ends_on = chance.day(months.month, months.end)
    return ServiceRow(
        code=f"{contract.code}/{place}", contract=contract.code, site=site, price_list=of.price_list(kind),
        title=TITLES[kind], container_type=container, size=size, containers=1 if kind in ON_CALL else chance.one_of({1: 60, 2: 20, 3: 10, 5: 10}),
        starts_on=starts_on, ends_on=ends_on, **_pattern(kind, contract, chance),
    )  # fmt: skip


def _pattern(kind: str, contract: ContractRow, chance: Chance) -> dict[str, Any]:
    if kind in ON_CALL:
        return {"pattern": "on_call"}
    holidays = {"holidays": contract.jurisdiction, "shift": chance.choice(SHIFTS)} if chance.happens(75) else {}
    match chance.one_of({"weekly": 60, "often": 12, "other_week": 15, "by_day": 6, "by_weekday": 7}):
        case "weekly":
            return {"pattern": "weekly", "weekdays": str(chance.randrange(5)), **holidays}
        case "often":
            return {"pattern": "weekly", "weekdays": "".join(map(str, sorted(chance.sample(range(6), 2)))), **holidays}
        case "other_week":
            anchor = contract.anchor + timedelta(days=chance.randrange(14))
            return {
                "pattern": "weekly",
                "weekdays": str(chance.randrange(5)),
                "interval": 2,
                "anchor": anchor,
                **holidays,
            }
        case "by_day":
            return {"pattern": "monthly", "month_day": chance.choice((1, 10, 15, 31)), **holidays}
        case _:
            return {
                "pattern": "monthly",
                "nth": chance.choice((1, 2, 3, -1)),
                "weekday": chance.randrange(5),
                **holidays,
            }


def coupons(of: Agreement, months: Months, chance: Chance) -> Iterator[CouponRow]:
    """Something off; now and then more than the document comes to."""
    if not chance.happens(6):
        return
    scale = MARKETS[of.contract.jurisdiction].scale
    euros = chance.choice((5, 10, 15, 20)) if chance.happens(90) else 50_000
    yield CouponRow(
        code=f"{of.contract.code}-THANKS", contract=of.contract.code, amount=Decimal(int(euros * scale) or 1),
        valid_from=chance.choice((months.before, months.month)), valid_until=months.end + timedelta(days=90) if chance.happens(50) else None,
        title="Thank you for your patience",
    )  # fmt: skip
