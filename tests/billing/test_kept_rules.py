"""What was billed stays: the rules by themselves."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import kept_rules as rules

DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))
JULY, AUGUST, OCTOBER = date(2026, 7, 1), date(2026, 8, 1), date(2026, 10, 1)


def fields(refusals: rules.Refusals) -> list[str]:
    return [each.field for each in refusals]


@pytest.mark.parametrize(
    ("refusals", "kept"),
    [
        (lambda known: rules.contract("K", {"currency", "title", "every"}, final=known), ["currency", "every"]),
        (lambda known: rules.service("K/1", {"price_list", "title"}, billed=known), ["price_list"]),
        (lambda known: rules.price_list("PL", {"tax_class", "title"}, billed=known), ["tax_class"]),
        (lambda known: rules.jurisdiction("AT", {"rounding", "title"}, billed=known), ["rounding"]),
        (lambda known: rules.coupon("TEN", used=known), [""]),
        (lambda known: rules.exchange_rate(JULY, used=known), ["rate"]),
        (lambda known: rules.fuel_index(JULY if known else None), ["value"]),
        (lambda known: rules.tax_rate({"rate", "reason"}, JULY, JULY if known else None), ["rate", "valid_until"]),
        (lambda known: rules.price_version({"rules", "note"}, JULY, AUGUST if known else None), ["rules", "valid_until"]),
        (lambda known: rules.span(("V-1", JULY) if known else None, AUGUST), ["starts_on"]),
        (lambda known: rules.span(("V-1", AUGUST) if known else None, JULY), ["ends_on"]),
    ],
)  # fmt: skip
def test_what_rests_on_a_field_keeps_it_and_nothing_else_does(refusals, kept: list[str]) -> None:
    assert fields(refusals(True)) == kept
    assert fields(refusals(False)) == []


def test_what_is_kept_may_end_on_the_day_after_it_was_last_billed() -> None:
    assert fields(rules.price_version({"valid_until"}, AUGUST, AUGUST)) == []
    assert fields(rules.tax_rate({"valid_until"}, AUGUST + timedelta(days=1), AUGUST)) == []
    assert fields(rules.tax_rate({"valid_until"}, AUGUST, AUGUST)) == ["valid_until"]


def test_a_visit_on_a_document_says_what_to_do_with_that() -> None:
    assert [each.message for each in rules.visit("V-1", "INV-1", final=True)] == [
        "Visit V-1 is billed on INV-1, which is final: credit the document instead."
    ]
    assert "send the draft back first" in next(rules.visit("V-1", "K-1 from 2026-10-01", final=False)).message


@pytest.mark.parametrize(
    ("was", "now", "kept"),
    [
        ((None, None), (JULY, None), ["delivered_on"]),
        ((None, None), (OCTOBER, None), []),
        ((JULY, None), (JULY, OCTOBER), []),
        ((JULY, None), (JULY, JULY), ["removed_on"]),
        ((JULY, JULY), (JULY, None), ["removed_on"]),
        ((OCTOBER, None), (JULY, None), ["delivered_on"]),
        ((JULY, OCTOBER), (JULY, OCTOBER), []),
    ],
)
def test_a_containers_billed_days_stay(was, now, kept: list[str]) -> None:
    assert fields(rules.stay(was, now, AUGUST)) == kept
    assert fields(rules.stay(was, now, None)) == []


@given(DAYS, st.none() | st.integers(1, 300), st.lists(st.tuples(DAYS, st.integers(1, 40)), max_size=5))
def test_a_version_is_billed_with_up_to_the_last_day_that_a_document_shares_with_it(
    since, lasts, given_periods
) -> None:
    until = None if lasts is None else since + timedelta(days=lasts)
    periods = [(start, start + timedelta(days=many)) for start, many in given_periods]
    shared = [
        start + timedelta(days=n)
        for start, end in periods
        for n in range((end - start).days)
        if start + timedelta(days=n) >= since and (until is None or start + timedelta(days=n) < until)
    ]
    found = rules.billed_with((since, until), periods)
    assert found == (max(shared) + timedelta(days=1) if shared else None)
