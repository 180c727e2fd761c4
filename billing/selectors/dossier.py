"""A contract with all that is known of it, as its documents are made of. No queries here: see billing.selectors.facts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from billing.drafting import Coupon, Late, Payer, Work, prove_one_mode
from billing.errors import CannotPrice
from billing.models import Contract, Service
from billing.proration import Period
from billing.rating import Billed, Served, Terms
from billing.selectors.due import cycle_of, span_of


@dataclass
class Dossier:
    """`free`: the days of visits that are on no document yet, by service and code. `said`: what documents that stand say of
    earlier periods, by service and first day. `visit_ids` and `coupon_ids`: rows by their codes. `trouble`: why nothing can be
    priced."""

    contract: Contract
    services: Sequence[Service]
    home: str  # the seller's currency
    billed: Collection[date]  # first days of periods
    served: Mapping[str, Served] = field(default_factory=dict)
    coupons: list[Coupon] = field(default_factory=list)
    free: dict[str, dict[str, date]] = field(default_factory=dict)
    said: Mapping[tuple[str, date], Sequence[Billed]] = field(default_factory=dict)
    visit_ids: dict[str, int] = field(default_factory=dict)
    coupon_ids: dict[str, int] = field(default_factory=dict)
    trouble: CannotPrice | None = None

    def work(self, period: Period) -> Work:
        """What the document of a period is made of. Raises CannotPrice for what is wrong with the contract or its lists."""
        if self.trouble is not None:
            raise self.trouble
        contract, customer, place = self.contract, self.contract.customer, self.contract.jurisdiction
        modes = {(each.price_list.currency, each.price_list.tax_mode) for each in self.services}
        prove_one_mode(contract.code, modes, contract.currency)
        choices: dict[str, Any] = {  # columns of choices are what the pure modules name
            "mode": next(iter(modes))[1] if modes else "exclusive", "rounding": place.rounding,
            "payer": Payer(customer.tax_treatment, customer.exemption_reason, customer.exempt_until),  # type: ignore[arg-type]
            "terms": Terms(contract.currency, contract.parts),  # type: ignore[arg-type]
        }  # fmt: skip
        return Work(
            contract=contract.code, period=period, span=span_of(contract), jurisdiction=place.code, services=list(self.served.values()),
            late=self._late(period), coupons=self.coupons, home=self.home, **choices,
        )  # fmt: skip

    def late_periods(self, service: str, before: date) -> dict[Period, list[str]]:
        """Earlier periods that were billed and have visits on no document: which ones, by period."""
        cycle, found = cycle_of(self.contract), dict[Period, list[str]]()
        for code, day in sorted(self.free.get(service, {}).items()):
            if day < before and (earlier := cycle.containing(day)).start in self.billed and earlier.start < before:
                found.setdefault(earlier, []).append(code)
        return dict(sorted(found.items(), key=lambda each: each[0].start))

    def _late(self, period: Period) -> list[Late]:
        return [
            Late(code, earlier, frozenset(events), self.said.get((code, earlier.start), ()))
            for code in self.served
            for earlier, events in self.late_periods(code, period.start).items()
        ]

    def visits_of(self, work: Work) -> list[str]:
        """The visits that are on the document then: those of its period, and those that came late."""
        period = work.period
        inside = [
            visit.id
            for service in work.services
            for visit in service.visits
            if period.start <= visit.day < period.end and visit.id in self.free.get(service.code, {})
        ]
        return inside + [event for late in work.late for event in sorted(late.events)]

    def take(self, visits: Iterable[str], coupons: Iterable[str]) -> None:
        """They are on a document now, so that none after it has them."""
        taken, used = set(visits), set(coupons)
        for service, free in self.free.items():
            self.free[service] = {code: day for code, day in free.items() if code not in taken}
        self.coupons = [each for each in self.coupons if each.code not in used]
