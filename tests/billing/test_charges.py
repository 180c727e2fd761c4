"""A price list on what happened: each rule to the cent, with its derivation; rules that rest on each other in their order."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.charges import Charge, Market, charges, rented_days
from billing.errors import CannotPrice
from billing.facts import Facts, Stay, Visit
from billing.proration import Part, Period
from billing.rules import RULES

MARCH = Period(date(2026, 3, 1), date(2026, 4, 1))
WHOLE = Part(31, 31)


def priced(
    *listed: dict[str, Any], facts: Facts | None = None, fuel: str | None = None, currency: str = "EUR"
) -> list[Charge]:
    rules = RULES.validate_json(json.dumps([{"title": "T", "code": each["rule"], **each} for each in listed]))
    market = Market({"fuel": Decimal(fuel)} if fuel else {})
    return charges(rules, facts or Facts(MARCH, WHOLE), currency, market)


def amounts(found: list[Charge]) -> list[str]:
    return [str(each.amount) for each in found]


def happened(*visits: Visit, part: Part = WHOLE, stays: tuple[Stay, ...] = ()) -> Facts:
    return Facts(MARCH, part, visits, stays)


def at(day: int, **changed: Any) -> Visit:
    return Visit(f"v{day}", date(2026, 3, day), **changed)


BASE = {"rule": "base_fee", "amount": "100"}
PICK = {"rule": "pick_up", "amount": "12.50"}


def test_a_base_fee_follows_the_days_in_force_and_credits_what_we_missed() -> None:
    visits = [at(2), at(9, outcome="missed_by_us"), at(16), at(23), at(30, outcome="missed_by_customer")]
    found = priced(BASE, facts=happened(*visits, part=Part(20, 31)))
    assert amounts(found) == ["64.52", "-12.90"]
    assert found[0].words == "100.00 for 20 of 31 days = 64.52 EUR"
    assert found[1].events == ("v9",) and "1 of 5 visits missed by us" in found[1].words
    assert found[1].inputs == {"amount": "64.52", "missed": "1", "scheduled": "5"}


def test_visits_are_charged_by_what_came_of_them() -> None:
    visits = [
        at(2, containers=2),
        at(3, extra=True),
        at(9, outcome="blocked"),
        at(16, contaminated=True),
        at(23, outcome="missed_by_us"),
    ]
    found = priced(
        PICK, {"rule": "extra", "amount": "20"}, {"rule": "dry_run", "amount": "15"}, {"rule": "contamination", "amount": "75"},
        facts=happened(*visits),
    )  # fmt: skip
    assert {each.code: str(each.amount) for each in found} == {
        "pick_up": "37.50", "extra": "20.00", "dry_run": "15.00", "contamination": "75.00",
    }  # fmt: skip
    assert found[0].events == ("v2", "v16") and found[0].words == "3 pick-ups × 12.50 = 37.50 EUR"


def test_tonnes_over_the_included_ones_by_haul_and_pooled() -> None:
    visits = [at(2, net_kg=Decimal(3200)), at(9, net_kg=Decimal(1500)), at(16, net_kg=Decimal(500))]
    fee = {"rule": "tonnage", "per_tonne": "80", "included_t": "2"}
    assert amounts(priced(fee, facts=happened(*visits))) == ["96.00"]  # 1.2 t of the first
    assert amounts(priced({**fee, "scope": "pooled"}, facts=happened(*visits))) == ["256.00"]  # 5.2 - 2 = 3.2 t
    assert amounts(priced({**fee, "included_t": "0", "minimum_t": "1"}, facts=happened(*visits))) == [
        "456.00"
    ]  # 3.2 + 1.5 + 1
    assert amounts(priced({**fee, "included_t": "9"}, facts=happened(*visits))) == []


def test_hauls_over_their_limit_cost_a_fee_and_the_tonnes_over_it() -> None:
    visits = [at(2, net_kg=Decimal(9001)), at(9, net_kg=Decimal(9000))]
    fee = {"rule": "overweight", "limit_t": "9", "amount": "150", "per_tonne": "100"}
    (found,) = priced(fee, facts=happened(*visits))
    assert found.amount == Decimal("150.10")
    assert found.inputs == {"hauls": "1", "limit": "9", "amount": "150", "tonnes": "0.001", "per_tonne": "100"}


@pytest.mark.parametrize(
    ("stay", "first", "last", "days"),
    [
        (Stay(date(2026, 3, 10), date(2026, 3, 12)), True, True, 3),
        (Stay(date(2026, 3, 10), date(2026, 3, 12)), False, True, 2),
        (Stay(date(2026, 3, 10), date(2026, 3, 12)), True, False, 2),
        (Stay(date(2026, 3, 10), date(2026, 3, 12)), False, False, 1),
        (Stay(date(2026, 3, 10), date(2026, 3, 10)), True, False, 1),
        (Stay(date(2026, 3, 10), date(2026, 3, 10)), False, False, 0),
        (Stay(date(2026, 2, 1)), True, True, 31),
        (Stay(date(2026, 2, 1), date(2026, 3, 1)), True, True, 1),
        (Stay(date(2026, 2, 1), date(2026, 3, 1)), True, False, 0),
        (Stay(date(2026, 3, 31)), False, True, 0),
        (Stay(date(2026, 4, 1)), True, True, 0),
    ],
)
def test_rented_days_are_counted_as_agreed(stay: Stay, first: bool, last: bool, days: int) -> None:
    assert rented_days(stay, MARCH, first=first, last=last) == days


@given(st.integers(0, 400), st.integers(0, 400), st.integers(0, 400), st.booleans(), st.booleans())
def test_a_stay_over_two_periods_is_rented_once_each_day(
    start: int, length: int, split: int, first: bool, last: bool
) -> None:
    zero = date(2026, 1, 1)
    stay = Stay(zero + timedelta(days=start), zero + timedelta(days=start + length))
    edges = [zero, zero + timedelta(days=split + 1), zero + timedelta(days=1000)]
    parts = [rented_days(stay, Period(*pair), first=first, last=last) for pair in pairwise(edges)]
    assert sum(parts) == rented_days(stay, Period(edges[0], edges[2]), first=first, last=last)


def test_what_rests_on_other_charges_comes_after_them_whatever_the_lists_order() -> None:
    found = priced(
        {"rule": "franchise", "percent": "5", "of": ["base_fee", "discount", "fuel"]},
        {"rule": "fuel", "base": "2.70", "step": "0.10", "percent_per_step": "1", "of": ["base_fee", "minimum"]},
        {"rule": "environmental", "percent": "2", "amount": "3.10", "of": ["base_fee"]},
        {"rule": "discount", "percent": "10", "of": ["base_fee", "minimum"]},
        {"rule": "minimum", "amount": "120", "of": ["base_fee"]},
        BASE,
        fuel="3.05",
    )
    assert {each.code: str(each.amount) for each in found} == {
        "base_fee": "100.00", "minimum": "20.00", "discount": "-12.00", "fuel": "3.60", "environmental": "5.10", "franchise": "4.82",
    }  # fmt: skip
    assert found[-1].words == "91.60 × 5.00 ÷ 95.00 = 4.82 EUR"


def test_a_discount_takes_no_more_off_than_there_is() -> None:
    assert amounts(priced(BASE, {"rule": "discount", "amount": "130", "of": ["base_fee"]})) == ["100.00", "-100.00"]


def test_an_environmental_fees_percentage_is_rounded_by_itself_also_where_it_is_negative() -> None:
    found = priced(
        BASE,
        {"rule": "discount", "amount": "2.17", "of": ["base_fee"]},
        {"rule": "environmental", "percent": "50", "amount": "3.00", "of": ["discount"]},
    )
    assert amounts(found) == ["100.00", "-2.17", "1.91"], "-1.085 is -1.09, and 3.00"


def test_a_minimum_follows_the_days_in_force() -> None:
    found = priced(
        PICK, {"rule": "minimum", "amount": "62", "of": ["pick_up"]}, facts=happened(at(20), part=Part(15, 31))
    )
    assert amounts(found) == ["12.50", "17.50"]


def test_currencies_without_cents_are_rounded_to_theirs() -> None:
    assert amounts(priced({"rule": "base_fee", "amount": "999"}, facts=happened(part=Part(1, 31)), currency="JPY")) == [
        "32"
    ]


@pytest.mark.parametrize(
    ("listed", "word"),
    [
        ([BASE, {**BASE, "amount": "2"}], "twice"),
        ([{"rule": "minimum", "amount": "1", "of": ["nothing"]}], "no charge 'nothing'"),
        ([{"rule": "fuel", "base": "1", "step": "1", "percent_per_step": "1", "of": ["fuel"]}], "after it"),
        ([BASE, {"rule": "minimum", "amount": "1", "of": ["discount"]}, {"rule": "discount", "percent": "1", "of": ["base_fee"]}], "after it"),
        ([BASE, {"rule": "fuel", "base": "1", "step": "1", "percent_per_step": "1", "of": ["base_fee"]}], "No fuel index"),
    ],
)  # fmt: skip
def test_a_list_that_cannot_be_worked_out_is_refused(listed: list[dict[str, Any]], word: str) -> None:
    with pytest.raises(CannotPrice, match=word):
        priced(*listed)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rule": "base_fee", "amount": "-1"},
        {"rule": "discount", "percent": "10", "amount": "1", "of": ["x"]},
        {"rule": "discount", "of": ["x"]},
        {"rule": "franchise", "percent": "100", "of": ["x"]},
        {"rule": "levy", "amount": "1"},
        {"rule": "pick_up", "amount": "1", "per": "haul"},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        priced(wrong)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: at(2, net_kg=Decimal("-0.1")), "not negative"),
        (lambda: at(2, net_kg=Decimal(1), outcome="blocked"), "something was weighed"),
        (lambda: at(2, containers=0), "one container or more"),
        (lambda: happened(Visit("v", date(2026, 4, 1))), "not in the period"),
        (lambda: Stay(date(2026, 3, 2), date(2026, 3, 1)), "before it came"),
    ],
)
def test_facts_that_cannot_be_are_refused_by_name(make: Any, word: str) -> None:
    with pytest.raises(CannotPrice, match=word):
        make()


@given(
    st.lists(st.tuples(st.integers(1, 31), st.decimals(0, 20000, places=1)), max_size=12), st.integers(0, 31),
    st.decimals(0, 500, places=2), st.decimals(0, 30, places=2),
)  # fmt: skip
def test_every_charge_can_be_read_and_none_is_zero(
    hauls: list[tuple[int, Decimal]], days: int, amount: Decimal, percent: Decimal
) -> None:
    visits = tuple(Visit(f"h{n}", date(2026, 3, day), net_kg=kg) for n, (day, kg) in enumerate(hauls))
    found = priced(
        {"rule": "base_fee", "amount": str(amount)}, PICK, {"rule": "tonnage", "per_tonne": "80", "included_t": "2", "scope": "pooled"},
        {"rule": "discount", "percent": str(percent), "of": ["base_fee", "pick_up", "tonnage"]},
        facts=Facts(MARCH, Part(days, 31), visits),
    )  # fmt: skip
    for each in found:
        assert each.amount and each.words.endswith(f"= {each.amount} EUR") and each.title
    assert sum(each.amount for each in found) >= 0
