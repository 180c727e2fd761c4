"""Contracts of all kinds by chance (hypothesis), as rows in the database: what is agreed, what happens by then, and what is recorded late."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from billing.charges import STAGE
from billing.models import (
    Contract,
    Coupon,
    ExchangeRate,
    FuelIndex,
    Jurisdiction,
    PriceList,
    PriceVersion,
    Service,
    Stay,
    TaxRate,
    Visit,
    WeighTicket,
)  # fmt: skip
from billing.weights import net_kg

from . import makers

SEPTEMBER, OCTOBER, NOVEMBER, DECEMBER = (date(2026, month, 1) for month in (9, 10, 11, 12))
LAST = date(2026, 11, 30)
ORDER = [kind.model_fields["rule"].default for kind in STAGE]
DAYS = st.dates(SEPTEMBER, LAST)
PERCENTS = st.sampled_from(["0", "1.5", "3.333333", "7.75", "50", "99.999999"])


def money(digits: int, most: int = 400) -> st.SearchStrategy[str]:
    """Mostly of the currency's own decimals; halves of a cent, and finer."""
    return st.one_of(
        st.integers(0, most * 10**digits).map(lambda n: f"{Decimal(n).scaleb(-digits)}"),
        st.integers(0, 500).map(lambda n: f"{Decimal(2 * n + 1) * 5 / 10 ** (digits + 1)}"),
        st.sampled_from(["0.000001", "33.333333"]),
    )


@st.composite
def rules(draw: Any, digits: int) -> list[dict[str, Any]]:
    """A price list's, in any order; percentages count any charges before them."""
    kinds = draw(st.lists(st.sampled_from(ORDER), min_size=1, max_size=9, unique=True))
    if draw(st.booleans()):
        kinds.append(draw(st.sampled_from(kinds)))  # two of a kind
    made: list[dict[str, Any]] = []
    for n, kind in enumerate(sorted(kinds, key=ORDER.index)):
        before = [each["code"] for each in made if each["rule"] != kind]
        counted = draw(st.lists(st.sampled_from(before), min_size=1, unique=True)) if before else []
        if not counted and kind in ("minimum", "discount", "fuel", "franchise"):
            continue
        code = kind if kind not in (each["code"] for each in made) else f"{kind}_{n}"
        made.append({"rule": kind, "code": code, "title": kind.title(), **draw(_given(kind, digits, counted))})
    return draw(st.permutations(made)) if made else draw(st.just([]))


def _given(kind: str, digits: int, counted: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """What a kind of rule is given beside its code."""
    price, tonnes, yes = money(digits), st.sampled_from(["0", "0.5", "1", "1.234567"]), st.booleans()
    amount, of = {"amount": price}, {"of": st.just(counted)}
    fields: dict[str, dict[str, st.SearchStrategy[Any]]] = {
        "base_fee": {**amount, "credit_missed": yes},
        "tonnage": {"per_tonne": price, "included_t": tonnes, "minimum_t": tonnes, "scope": st.sampled_from(["haul", "pooled"])},
        "overweight": {"limit_t": tonnes, **amount, "per_tonne": price},
        "rental": {"per_day": price, "first_day": yes, "last_day": yes},
        "minimum": {**amount, **of},
        "fuel": {
            "base": st.just("3.00"), "step": st.sampled_from(["0.05", "0.1", "0.333333"]), "percent_per_step": PERCENTS, **of,
        },
        "environmental": {"percent": PERCENTS, **amount, **of},
        "franchise": {"percent": PERCENTS, "gross_up": yes, **of},
    }  # fmt: skip
    if kind == "discount":
        return st.one_of(st.fixed_dictionaries({"percent": PERCENTS, **of}), st.fixed_dictionaries({**amount, **of}))
    if kind == "fuel":
        low, high = st.sampled_from(["0", "1.5", "3.333333"]), st.sampled_from(["3.333333", "7.75", "50"])
        return st.fixed_dictionaries(fields[kind], optional={"floor_percent": low, "cap_percent": high})
    return st.fixed_dictionaries(fields.get(kind, amount))


@dataclass
class World:
    """One contract, drawn and written down. `happen` records more of what happened to it."""

    draw: Any
    visits: int = 0

    def agree(self) -> Contract:
        draw, pick = self.draw, lambda *of: self.draw(st.sampled_from(of))
        makers.a_seller()
        currency = pick("EUR", "EUR", "JPY", "BHD")
        digits = {"JPY": 0, "BHD": 3}.get(currency, 2)
        treatment = pick("standard", "standard", "standard", "reverse_charge", "exempt", "zero")
        customer = makers.a_customer(
            tax_treatment=treatment, tax_id="ATU12345675", payment_days=draw(st.integers(0, 60)),
            exemption_reason="§ 6" if treatment == "exempt" else "", exempt_until=draw(st.none() | DAYS),
        )  # fmt: skip
        self._publish(currency, pick("document", "line"))
        span = {
            "starts_on": draw(st.dates(date(2026, 7, 20), date(2026, 10, 20))),
            "ends": pick("exclusive", "inclusive"),
        }
        contract = makers.a_contract(
            customer=customer, currency=currency, **span, ends_on=self._end(span["starts_on"]), bill_from=draw(st.just(SEPTEMBER) | DAYS),
            every=pick("month", "month", "four_weeks", "two_weeks", "quarter"), anchor=pick(date(2026, 1, 1), date(2026, 1, 31), date(2026, 7, 15)),
            parts=pick("sum", "each"),
        )  # fmt: skip
        mode = pick("exclusive", "inclusive")
        lists = [self._price_list(f"PL-{n}", currency, digits, mode) for n in range(draw(st.integers(1, 2)))]
        for n in range(draw(st.integers(1, 3))):
            begins = draw(st.just(contract.starts_on) | st.dates(contract.starts_on, LAST))
            service = makers.a_service(
                contract, f"K-1/{n}", price_list=pick(*lists), starts_on=begins, ends_on=self._end(begins)
            )
            for delivered in draw(st.sets(st.dates(date(2026, 8, 1), LAST), max_size=3)):
                Stay.objects.create(service=service, delivered_on=delivered, removed_on=self._end(delivered))
        for n in range(draw(st.integers(0, 3))):
            Coupon.objects.create(
                code=f"G-{n}", contract=contract, amount_minor=draw(st.integers(1, 90 * 10**digits)), valid_from=draw(DAYS | st.just(date(2026, 1, 1))),
                title="Welcome",
            )  # fmt: skip
        return contract

    def happen(self, contract: Contract, most: int) -> None:
        """Visits on days that are served (seldom on others), in any period."""
        for service in Service.objects.filter(contract=contract).order_by("code"):
            ends = [each for each in (contract.ends_on, service.ends_on) if each is not None]
            last = min([*(each - timedelta(days=contract.ends == "exclusive") for each in ends), LAST])
            for _ in range(self.draw(st.integers(0, most)) if service.starts_on <= last else 0):
                stray = self.draw(st.integers(0, 49)) == 49
                self._visit(service, self.draw(st.dates(service.starts_on, LAST if stray else last)))

    def _visit(self, service: Service, day: date) -> None:
        draw = self.draw
        self.visits += 1
        outcome = draw(st.sampled_from(["done", "done", *Visit.Outcome.values]))
        dirty = outcome == "done" and draw(st.booleans())
        made = makers.a_visit(
            service, day, f"V-{self.visits:03}", extra=draw(st.booleans()), outcome=outcome,
            containers=draw(st.integers(1, 3)), contaminated=dirty, evidence="photo" if dirty else "",
        )  # fmt: skip
        if outcome == "done" and draw(st.booleans()):
            unit = draw(st.sampled_from(WeighTicket.Unit.values))
            gross, tare = Decimal(draw(st.integers(0, 9999))) / 1000, Decimal(0)
            gross *= 1000 if unit in ("kg", "lb") else 1
            WeighTicket.objects.create(
                code=made.code, visit=made, gross=gross, tare=tare, unit=unit, net_kg=net_kg(gross, tare, unit)
            )

    def _publish(self, currency: str, rounding: str) -> None:
        place = Jurisdiction.objects.create(code="AT", title="Austria", rounding=rounding)
        change = self.draw(DAYS)
        for tax_class, before, after in (("standard", "20", "19.6"), ("reduced", "7.75", "0")):
            since: dict[str, Any] = {"jurisdiction": place, "tax_class": tax_class}
            TaxRate.objects.create(**since, rate=Decimal(before), valid_from=date(2020, 1, 1), valid_until=change)
            category = "S" if Decimal(after) else "Z"
            TaxRate.objects.create(**since, rate=Decimal(after), category=category, valid_from=change)
        for day in sorted({SEPTEMBER - timedelta(days=30), *self.draw(st.sets(DAYS, max_size=2))}):
            value = Decimal(self.draw(st.integers(250, 450))) / 100
            FuelIndex.objects.bulk_create(FuelIndex(code=code, published_on=day, value=value) for code in _fuels())
            if currency != "EUR":
                ExchangeRate.objects.create(base=currency, quote="EUR", on=day, rate=Decimal("0.00612345") * value)

    def _price_list(self, code: str, currency: str, digits: int, mode: str) -> PriceList:
        tax_class = self.draw(st.sampled_from(["standard", "reduced"]))
        made = PriceList.objects.create(code=code, title=code, currency=currency, tax_mode=mode, tax_class=tax_class)
        starts = [date(2020, 1, 1), *sorted(self.draw(st.sets(DAYS, max_size=2)))]
        same = self.draw(rules(digits))
        for begins, ends in itertools.pairwise([*starts, None]):
            told = same if self.draw(st.booleans()) else self.draw(rules(digits))
            PriceVersion.objects.create(price_list=made, valid_from=begins, valid_until=ends, rules=told)
        return made

    def _end(self, begins: date) -> date | None:
        found: date | None = self.draw(st.none() | st.dates(begins, LAST))
        return found


def _fuels() -> list[str]:
    return ["fuel", *(f"fuel_{n}" for n in range(12))]
