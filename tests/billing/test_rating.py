"""A service's period: cut where prices change, parts that sum to the whole, days that are not served."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.charges import Market
from billing.errors import CannotPrice
from billing.facts import Stay, Visit
from billing.money import rounded
from billing.proration import Part, Period
from billing.rating import Parts, Rated, Served, Terms, rate
from billing.rules import RULES
from billing.serving import Span, Version

MARCH = Period(date(2026, 3, 1), date(2026, 4, 1))
EVER = Span(date(2020, 1, 1))
NO_MARKET = Market()


def rules(*listed: dict[str, Any]) -> Any:
    return RULES.validate_json(json.dumps([{"title": "T", "code": each["rule"], **each} for each in listed]))


def base(amount: str) -> Any:
    return rules({"rule": "base_fee", "amount": amount})


def cut(*versions: tuple[date, Any], end: date | None = None) -> list[Version]:
    ends = [start for start, _ in versions[1:]] + [end]
    return [Version(Span(start, until), priced) for (start, priced), until in zip(versions, ends, strict=True)]


def rated(service: Served, period: Period = MARCH, parts: Parts = "sum", currency: str = "EUR") -> list[Rated]:
    return rate(service, period, Terms(currency, parts), NO_MARKET)


def amounts(found: list[Rated]) -> list[str]:
    return [str(each.charge.amount) for each in found]


def served(versions: list[Version], span: Span = EVER, **more: Any) -> Served:
    return Served("S", span, versions, **more)


def test_a_price_change_cuts_the_period_and_each_part_says_its_days() -> None:
    found = rated(served(cut((date(2026, 1, 1), base("100")), (date(2026, 3, 15), base("124")))))
    assert amounts(found) == ["45.16", "68.00"]
    assert [each.charge.words for each in found] == [
        "100.00 for 14 of 31 days = 45.16 EUR", "124.00 for 17 of 31 days (after 14) = 68.00 EUR",
    ]  # fmt: skip
    assert [(each.charge.inputs["from"], each.charge.inputs["to"]) for each in found] == [
        ("2026-03-01", "2026-03-14"), ("2026-03-15", "2026-03-31"),
    ]  # fmt: skip


def test_visits_are_priced_by_the_day_they_are_on() -> None:
    pick = {"rule": "pick_up", "code": "p"}
    versions = cut(
        (date(2026, 1, 1), rules({**pick, "amount": "10"})), (date(2026, 3, 15), rules({**pick, "amount": "12"}))
    )
    visits = [Visit(f"v{day}", date(2026, 3, day)) for day in (2, 14, 15, 30)]
    found = rated(served(versions, visits=visits))
    assert amounts(found) == ["20.00", "24.00"] and [each.charge.events for each in found] == [
        ("v2", "v14"),
        ("v15", "v30"),
    ]
    assert [(each.charge.quantity, each.charge.unit_price) for each in found] == [(2, 10), (2, 12)]


def test_a_container_is_rented_in_the_slice_in_which_it_stands() -> None:
    rent = {"rule": "rental", "code": "r"}
    versions = cut(
        (date(2026, 1, 1), rules({**rent, "per_day": "1"})), (date(2026, 3, 15), rules({**rent, "per_day": "2"}))
    )
    found = rated(served(versions, stays=[Stay(date(2026, 3, 13), date(2026, 3, 16))]))
    assert amounts(found) == ["2.00", "4.00"] and [each.charge.unit for each in found] == ["DAY", "DAY"]


def test_a_service_that_begins_and_ends_inside_bears_its_days() -> None:
    span = Span(date(2026, 3, 10), date(2026, 3, 20))
    assert amounts(rated(served(cut((date(2026, 1, 1), base("31"))), span))) == ["10.00"]
    assert rated(served(cut((date(2026, 1, 1), base("31"))), Span(date(2026, 4, 1)))) == []


@pytest.mark.parametrize("day", [date(2026, 3, 9), date(2026, 3, 20)])
def test_a_visit_on_a_day_that_is_not_served_is_an_error(day: date) -> None:
    service = served(
        cut((date(2026, 1, 1), base("31"))), Span(date(2026, 3, 10), date(2026, 3, 20)), visits=[Visit("v", day)]
    )
    with pytest.raises(CannotPrice, match="visits.v.day: S is not served on") as refused:
        rated(service)
    assert refused.value.field == "visits.v.day"


@pytest.mark.parametrize(
    "versions",
    [[], cut((date(2026, 3, 2), base("1"))), cut((date(2026, 1, 1), base("1")), end=date(2026, 3, 31))],
)
def test_a_day_without_a_price_is_an_error(versions: list[Version]) -> None:
    with pytest.raises(CannotPrice, match="No version of the price list is in force on 2026-03-"):
        rated(served(versions))


def test_nothing_is_asked_of_prices_on_days_that_are_not_served() -> None:
    versions = cut((date(2026, 3, 10), base("31")), end=date(2026, 3, 20))
    assert amounts(rated(served(versions, Span(date(2026, 3, 10), date(2026, 3, 20))))) == ["10.00"]


PRICES = st.decimals(min_value=0, max_value=9999, places=3)
CUTS = st.lists(st.integers(1, 30), max_size=6, unique=True).map(sorted)
CURRENCIES = st.sampled_from(["EUR", "JPY", "BHD"])


@given(PRICES, CUTS, CURRENCIES)
def test_parts_at_one_price_sum_to_the_whole(price: Decimal, cuts: list[int], currency: str) -> None:
    days = [date(2026, 1, 1), *(MARCH.start + timedelta(days=each) for each in cuts)]
    listed = rules(
        {"rule": "base_fee", "amount": str(price)}, {"rule": "environmental", "amount": str(price)},
        {"rule": "minimum", "amount": str(price), "of": ["extra"]}, {"rule": "extra", "amount": "1"},
    )  # fmt: skip
    whole, parts = (
        rated(served(cut(*((day, listed) for day in some))), currency=currency) for some in (days[:1], days)
    )
    for code in ("base_fee", "environmental", "minimum"):
        assert _sum(parts, code) == _sum(whole, code)


@given(PRICES, PRICES, st.integers(1, 30))
def test_old_and_new_over_one_split_are_a_period_at_equal_prices(old: Decimal, new: Decimal, at: int) -> None:
    split = MARCH.start + timedelta(days=at)
    made = rated(served(cut((date(2026, 1, 1), base(str(old))), (split, base(str(new))))))
    if old == new:
        assert _sum(made, "base_fee") == rounded(old, 2)
    before, after = Part(at, 31), Part(31 - at, 31, at)
    assert _sum(made, "base_fee") == before.of(old, 2) + after.of(new, 2)
    assert before.of(old, 2) + after.of(old, 2) == rounded(old, 2)


@given(PRICES, CUTS)
def test_parts_by_themselves_are_each_rounded(price: Decimal, cuts: list[int]) -> None:
    days = [date(2026, 1, 1), *(MARCH.start + timedelta(days=each) for each in cuts)]
    made = rated(served(cut(*((day, base(str(price))) for day in days))), parts="each")
    edges = [MARCH.start, *(MARCH.start + timedelta(days=each) for each in cuts), MARCH.end]
    exact = [Part((end - start).days, 31).of(price, 2) for start, end in pairwise(edges)]
    assert [each.charge.amount for each in made] == [each for each in exact if each]


@given(PRICES, st.integers(1, 12), st.decimals(min_value=0, max_value=20000, places=3))
def test_quantity_and_unit_price_always_come_to_the_amount(price: Decimal, many: int, kg: Decimal) -> None:
    listed = rules(
        {"rule": "pick_up", "amount": str(price)}, {"rule": "tonnage", "per_tonne": str(price), "included_t": "1", "scope": "pooled"},
        {"rule": "base_fee", "amount": str(price)},
    )  # fmt: skip
    visits = [Visit("v", date(2026, 3, 20), containers=many, net_kg=kg)]
    for each in rated(served(cut((date(2026, 3, 5), listed)), Span(date(2026, 3, 5)), visits=visits)):
        charge = each.charge
        assert rounded(charge.quantity * charge.unit_price, 2) == charge.amount and charge.unit_price >= 0


def _sum(found: list[Rated], code: str) -> Decimal:
    return sum((each.charge.amount for each in found if each.charge.code == code), Decimal())
