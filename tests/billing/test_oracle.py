"""The oracle is judged itself, by figures worked out on paper; and the differ by differences that are there."""

from __future__ import annotations

import copy
import itertools
import subprocess
import sys
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.oracles.billing_differ import differences
from tests.oracles.billing_folder import folder, rule
from tests.oracles.billing_oracle import Books, Files, half_up, period_start, spread

NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 12, 1)
BASE = rule("base_fee", "base", amount="100.00")


def october(path: Path, rules: list[Any], **tables: Any) -> dict[str, Any]:
    """The one document of October."""
    (found,) = Books().bill(Files(folder(path, rules, **tables)), NOVEMBER)
    return found


def lines(document: dict[str, Any]) -> dict[str, int]:
    return {code: amount for _, code, _, amount in document["lines"]}


def test_a_plain_month(tmp_path: Path) -> None:
    found = october(tmp_path, [BASE])
    assert (found["net"], found["tax"], found["gross"]) == (100_00, 20_00, 120_00)
    assert (found["tax_point"], found["due_date"], found["kind"]) == ("2026-10-31", "2026-11-15", "invoice")


@pytest.mark.parametrize(
    ("ends", "cents", "tax_point"), [("exclusive", 45_16, "2026-10-14"), ("inclusive", 48_39, "2026-10-15")]
)
def test_a_contract_that_ends_on_the_15th(tmp_path: Path, ends: str, cents: int, tax_point: str) -> None:
    """100 × 14/31 = 45.161…, 100 × 15/31 = 48.387…"""
    found = october(tmp_path, [BASE], contracts=[{"ends_on": "2026-10-15", "ends": ends}])
    assert (found["net"], found["tax_point"]) == (cents, tax_point)


@pytest.mark.parametrize(("parts", "cents"), [("sum", 10_00), ("each", 9_99)])
def test_new_versions_at_the_same_price(tmp_path: Path, parts: str, cents: int) -> None:
    """10 × 1/31 = 0.3226, twice, and 10 × 29/31 = 9.3548: rounded each by itself they lack a cent."""
    rules = [rule("base_fee", "base", amount="10.00")]
    versions = [
        {"valid_from": start, "valid_until": end, "rules": rules}
        for start, end in itertools.pairwise(["2026-01-01", "2026-10-02", "2026-10-03", ""])
    ]
    found = october(tmp_path, rules, price_versions=versions, contracts=[{"parts": parts}])
    assert found["net"] == cents


def test_missed_by_us_is_credited_and_other_visits_are_charged(tmp_path: Path) -> None:
    """Of 4 by schedule one was missed by us: 100 less 25. Two bins at 7; one in vain at 9; one extra at 11."""
    rules = [
        BASE,
        rule("pick_up", amount="3.50"),
        rule("dry_run", amount="9"),
        rule("extra", amount="11"),
        rule("contamination", amount="13"),
    ]
    visits = [
        {"code": "1", "containers": "2"},
        {"code": "2", "outcome": "missed_by_us"},
        {"code": "3", "outcome": "blocked"},
        {"code": "4", "outcome": "missed_by_customer", "day": "2026-10-31"},
        {"code": "5", "extra": "yes", "contaminated": "yes"},
    ]
    found = october(tmp_path, rules, visits=visits)
    assert lines(found) == {"base": 75_00, "pick_up": 7_00, "dry_run": 18_00, "extra": 11_00, "contamination": 13_00}


@pytest.mark.parametrize(("scope", "cents"), [("haul", 150_00 + 50_00), ("pooled", 100_00)])
def test_tonnage(tmp_path: Path, scope: str, cents: int) -> None:
    """Hauls of 2.5, 0.3 (at least 1) and 1.5 t at 100 a tonne over 1: 1.5 + 0 + 0.5; together 5.0 over 4."""
    weighed = [("1", "12500"), ("2", "10300"), ("3", "11500")]
    found = october(
        tmp_path,
        [
            rule(
                "tonnage",
                per_tonne="100",
                included_t="1" if scope == "haul" else "4",
                minimum_t="1",
                scope=scope,
            )
        ],
        visits=[{"code": code} for code, _ in weighed],
        weigh_tickets=[{"code": code, "visit": code, "gross": gross} for code, gross in weighed],
    )
    assert found["net"] == cents


def test_what_is_counted_on_what(tmp_path: Path) -> None:
    """Base 100; at least 120: 20; 10 % off both: −12; fuel 3.50 over 3.00 by steps of 0.20 is two: 1 % of base; franchise 5/95 of base and minimum."""
    rules = [
        rule("franchise", percent="5", of=["base", "minimum"]),
        rule("fuel", base="3.00", step="0.20", percent_per_step="0.5", of=["base"]),
        rule("environmental", percent="1.5", amount="2", of=["base"]),
        rule("discount", percent="10", of=["base", "minimum"]),
        rule("minimum", amount="120", of=["base"]),
        BASE,
    ]
    found = october(tmp_path, rules, fuel_index=[{}])
    assert lines(found) == {
        "base": 100_00,
        "minimum": 20_00,
        "discount": -12_00,
        "fuel": 1_00,
        "environmental": 1_50 + 2_00,
        "franchise": 6_32,
    }


@pytest.mark.parametrize(
    ("first", "last", "days"), [(True, True, 6), (True, False, 5), (False, True, 5), (False, False, 4)]
)
def test_rental_from_the_5th_to_the_10th(tmp_path: Path, first: bool, last: bool, days: int) -> None:
    found = october(
        tmp_path,
        [rule("rental", per_day="2", first_day=first, last_day=last)],
        stays=[{"removed_on": "2026-10-10"}],
    )
    assert found["net"] == days * 2_00


@pytest.mark.parametrize(("first", "last", "days"), [(True, False, 1), (False, True, 1), (False, False, 0)])
def test_rental_of_one_day(tmp_path: Path, first: bool, last: bool, days: int) -> None:
    rules = [rule("rental", per_day="2", first_day=first, last_day=last), rule("base_fee", "base", amount="1")]
    found = october(tmp_path, rules, stays=[{"removed_on": "2026-10-05"}])
    assert found["net"] == days * 2_00 + 1_00


def test_tax_in_the_prices(tmp_path: Path) -> None:
    """10.03 with 20 % in it: the tax is 1.6716…, so 1.67, and 8.36 is left."""
    found = october(tmp_path, [rule("base_fee", "base", amount="10.03")], price_lists=[{"tax_mode": "inclusive"}])
    assert (found["net"], found["tax"], found["gross"]) == (8_36, 1_67, 10_03)


@pytest.mark.parametrize(("rounding", "tax"), [("document", 3), ("line", 4)])
def test_tax_by_document_and_by_line(tmp_path: Path, rounding: str, tax: int) -> None:
    """Two lines of 0.09 at 19 %: 0.0171 each, 0.0342 together."""
    services = [{"code": "K/1"}, {"code": "K/2"}]
    found = october(
        tmp_path,
        [rule("base_fee", "base", amount="0.09")],
        services=services,
        jurisdictions=[{"rounding": rounding}],
        tax_rates=[{"rate": "19"}],
    )
    assert found["tax"] == tax


def test_a_coupon_is_spread_by_largest_remainder_and_used_once(tmp_path: Path) -> None:
    books, files = Books(), Files(folder(tmp_path, [BASE], coupons=[{}]))
    october, november = books.bill(files, DECEMBER)
    assert (october["net"], october["allowances"]) == (95_00, [["S", "20", 5_00]])
    assert (november["net"], november["allowances"]) == (100_00, [])
    assert spread(100, [1, 1, 1]) == [34, 33, 33] and spread(5, [10, 0, 30]) == [1, 0, 4]


def test_what_was_recorded_late_comes_with_the_next_document(tmp_path: Path) -> None:
    rules = [
        rule("pick_up", amount="25"),
        rule("minimum", amount="60", of=["pick_up"]),
    ]
    one = {"code": "1", "day": "2026-10-05"}
    books = Books()
    (first,) = books.bill(Files(folder(tmp_path / "1", rules, visits=[one])), NOVEMBER)
    late = [one, {"code": "2", "day": "2026-10-12"}, {"code": "3", "day": "2026-11-02"}]
    (second,) = books.bill(Files(folder(tmp_path / "2", rules, visits=late)), DECEMBER)
    assert lines(first) == {"pick_up": 25_00, "minimum": 35_00}
    assert second["lines"] == [
        ["K/1", "minimum", "", 35_00],
        ["K/1", "minimum", "2026-10-01", -25_00],
        ["K/1", "pick_up", "", 25_00],
        ["K/1", "pick_up", "2026-10-01", 25_00],
    ]


def test_less_than_nothing_is_a_credit_note(tmp_path: Path) -> None:
    rules = [rule("pick_up", amount="1")]
    books = Books()
    books.bill(Files(folder(tmp_path / "1", rules, visits=[{"code": "1", "containers": "9"}])), NOVEMBER)
    changed = [{"code": "1", "outcome": "blocked"}, {"code": "2", "outcome": "blocked", "day": "2026-10-06"}]
    (found,) = books.bill(Files(folder(tmp_path / "2", rules, visits=changed)), DECEMBER)
    assert (found["kind"], found["gross"], found["lines"]) == (
        "credit_note",
        10_80,
        [["K/1", "pick_up", "2026-10-01", 9_00]],
    )


@pytest.mark.parametrize(
    ("tables", "why"),
    [
        ({"price_versions": [{"valid_from": "2026-10-02"}]}, "no version for 2026-10-01"),
        ({"visits": [{"day": "2026-10-31"}], "services": [{"ends_on": "2026-10-31"}]}, "not served"),
        ({"tax_rates": [{"valid_until": "2026-10-31"}]}, "no tax rate"),
        ({"contracts": [{"currency": "USD"}], "price_lists": [{"currency": "USD"}]}, "no rate of USD in EUR"),
    ],
)
def test_what_cannot_be_priced_is_set_aside(tmp_path: Path, tables: dict[str, Any], why: str) -> None:
    found = october(tmp_path, [BASE], **tables)
    assert found["state"] == "set_aside" and why in found["reason"]


def test_periods_of_the_31st_and_of_four_weeks() -> None:
    monthly = {"anchor": "2024-01-31", "every": "month"}
    assert [period_start(monthly, number).isoformat() for number in (1, 2, 3, 13)] == [
        "2024-02-29", "2024-03-31", "2024-04-30", "2025-02-28",
    ]  # fmt: skip
    assert period_start({"anchor": "2026-01-05", "every": "four_weeks"}, -1) == date(2025, 12, 8)


def test_halves_go_away_from_zero() -> None:
    assert [half_up(Fraction(n, 2)) for n in (-3, -1, 0, 1, 3, 5)] == [-2, -1, 0, 1, 2, 3]


def test_the_differ_finds_whatever_differs(tmp_path: Path) -> None:
    here = october(tmp_path, [BASE], coupons=[{}])
    assert differences([here], [copy.deepcopy(here)]) == []
    assert len(differences([here], [])) == len(differences([], [here])) == 1
    for name in ("net", "tax", "gross", "kind", "currency", "tax_point", "due_date", "state", "exchange"):
        assert len(differences([here], [here | {name: "another"}])) == 1, name
    for name in ("lines", "allowances", "tax_groups"):
        rows = [[*here[name][0][:-1], here[name][0][-1] + 1]]
        assert len(differences([here], [here | {name: rows}])) == 1, name
        assert len(differences([here], [here | {name: []}])) == 1, name


def test_it_runs_by_itself_without_django_or_billing(tmp_path: Path) -> None:
    program = Path(__file__).parents[1] / "oracles" / "billing_oracle.py"
    command = [sys.executable, "-I", str(program), str(folder(tmp_path, [BASE])), "--through", "2026-11-01"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert '"gross": 12000' in ran.stdout
    text = program.read_text()
    assert "import billing" not in text and "from billing" not in text and "django" not in text
