"""Amounts as people read them: one minus, and only before what is negative."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import project.urls  # noqa: F401  (finds all pages, in their order)
from billing import amounts
from billing.admin import pieces

CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD"])


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("= -12.50 EUR", "= −12.50 EUR"),
        ("-5", "−5"),
        ("at least 100.00; charged so far -20.00 = 120.00 EUR", "at least 100.00; charged so far −20.00 = 120.00 EUR"),
        ("(-1,234.50)", "(−1,234.50)"),
        ("INV-000017, K-1/2, V-2026-10-05", "INV-000017, K-1/2, V-2026-10-05"),
        ("price since 2026-10-15: 30.00", "price since 2026-10-15: 30.00"),
        ("pick-up, 10-20 t", "pick-up, 10-20 t"),
    ],
)
def test_only_what_is_negative_bears_a_minus(written: str, read: str) -> None:
    assert amounts.minus(written) == read == amounts.minus(read)


@given(st.integers(-(10**12), 10**12), CURRENCIES)
def test_an_amount_and_its_opposite_differ_in_the_minus_alone(minor: int, currency: str) -> None:
    for said in (amounts.words, pieces.amount, pieces.money):
        plus, less = said(abs(minor), currency), said(-abs(minor), currency)
        assert "-" not in less and less == (f"−{plus}" if minor else plus)


@given(st.integers(-(10**9), 10**9), CURRENCIES)
def test_an_amount_is_read_alike_however_it_was_given(minor: int, currency: str) -> None:
    digits = {"EUR": 2, "JPY": 0, "KWD": 3}[currency]
    assert pieces.money(minor, currency) == pieces.decimal(Decimal(minor).scaleb(-digits), currency)


def test_a_difference_bears_its_sign() -> None:
    assert pieces.decimal(Decimal("12.5"), "EUR", sign=True) == "+12.50 EUR"
    assert pieces.decimal(Decimal("-12.5"), "EUR", sign=True) == "−12.50 EUR"
    assert (pieces.change(Decimal("-3.25")), pieces.change(Decimal("3"))) == ("−3.2 %", "+3.0 %")
    assert pieces.price(Decimal("-0.0125"), "EUR") == "−0.0125"
