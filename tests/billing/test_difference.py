"""Why a document differs from the one before, in words that a clerk understands at once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.difference import MOST, Said, change_percent, why


def said(rule: str, comes_to: str, service: str = "S", title: str = "", **inputs: Any) -> Said:
    events = inputs.pop("events", ())
    since = inputs.pop("since", None)
    words = {name.rstrip("_"): str(value) for name, value in inputs.items()}
    return Said(
        service, rule, title or rule.replace("_", " ").capitalize(), rule, Decimal(comes_to), words, events, since
    )


def test_what_is_new_is_counted() -> None:
    now = [said("extra", "160", quantity=4, unit_price=40)]
    assert why(now, [], "EUR") == ["4 extra pick-ups instead of none: +160.00"]
    assert why([], now, "EUR") == ["no extra pick-ups instead of 4: -160.00"]


def test_a_price_says_from_when_it_is_another() -> None:
    before = [said("pick_up", "100", quantity=4, unit_price="25.00")]
    now = [
        said("pick_up", "50", quantity=2, unit_price="25.00", from_="2026-10-01"),
        said("pick_up", "60", quantity=2, unit_price="30.00", from_="2026-10-15"),
    ]
    assert why(now, before, "EUR") == ["Pick up: price since 2026-10-15: 30.00 instead of 25.00: +10.00"]


def test_number_and_price_are_both_told() -> None:
    before = [said("pick_up", "100", quantity=4, unit_price="25.00")]
    now = [said("pick_up", "150", quantity=5, unit_price="30", from_="2026-10-01")]
    assert why(now, before, "EUR") == [
        "5 pick-ups instead of 4, price since 2026-10-01: 30.00 instead of 25.00: +50.00"
    ]


def test_a_part_of_a_period_says_its_days() -> None:
    before = [said("base_fee", "100", days=30, of_days=30, amount="100")]
    now = [said("base_fee", "54.84", days=17, of_days=31, amount="100")]
    assert why(now, before, "EUR") == ["Base fee: 17 of 31 days instead of 30 of 30: -45.16"]
    assert why([said("base_fee", "100", days=31, of_days=31, amount="100")], before, "EUR") == []


def test_what_we_missed_is_told() -> None:
    whole = said("base_fee", "100", days=31, of_days=31, amount="100")
    now = [whole, said("base_fee", "-25", events=["v1"])]
    assert why(now, [whole], "EUR") == ["Base fee: 1 visit missed by us instead of none: -25.00"]


def test_fuel_tells_its_index_and_what_follows_says_so() -> None:
    before = [said("fuel", "3", index="1.85", percent="3"), said("franchise", "5", percent="5")]
    now = [said("fuel", "4", index="1.920000", percent="4"), said("franchise", "5.05", percent="5")]
    assert why(now, before, "EUR") == [
        "Fuel: index 1.92 instead of 1.85, 4.00 % instead of 3.00 %: +1.00",
        "Franchise 5.05 instead of 5, as what it is a part of changed: +0.05",
    ]


def test_what_is_late_is_told_by_itself() -> None:
    late = said("pick_up", "25", title="Pick-up", since=date(2026, 9, 1))
    assert why([late], [], "EUR") == ["Pick-up, late for the period from 2026-09-01: +25.00"]
    assert why([], [late], "EUR") == ["Pick-up, late for the period from 2026-09-01, only last time: -25.00"]


def test_the_largest_difference_comes_first_and_the_small_ones_are_summed() -> None:
    now = [said("minimum", str(number), service=f"S{number}") for number in range(1, MOST + 4)]
    found = why(now, [], "JPY")
    assert len(found) == MOST + 1 and found[0] == "Minimum, new (S15): +15"
    assert found[-1] == "3 smaller differences: +6"


@pytest.mark.parametrize(
    ("now", "before", "percent"),
    [("120", "100", "20.00"), ("100", "300", "-66.67"), ("-50", "100", "-150.00"), ("50", "-100", "150.00"), ("5", "0", None)],
)  # fmt: skip
def test_a_change_is_told_in_percent_of_what_was(now: str, before: str, percent: str | None) -> None:
    found = change_percent(Decimal(now), Decimal(before))
    assert found == (None if percent is None else Decimal(percent))


def test_a_change_beyond_the_column_is_told_as_the_largest() -> None:
    assert change_percent(Decimal("99999999999"), Decimal("0.01")) == Decimal(9_999_999_999)
