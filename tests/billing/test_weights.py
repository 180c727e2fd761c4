"""Weights become kilograms by the definition of their unit."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.weights import KILOGRAMS, net_kg

SCALE = st.decimals(0, 99999, places=3, allow_nan=False)


@pytest.mark.parametrize(
    ("gross", "tare", "unit", "kg"),
    [
        ("1", "0", "lb", "0.454"), ("1", "0", "short_ton", "907.185"), ("4.5", "1.25", "short_ton", "2948.350"),
        ("12.3456", "0", "t", "12345.600"), ("0.0005", "0", "kg", "0.001"), ("0.0004", "0", "kg", "0.000"), ("7", "7", "kg", "0.000"),
    ],
)  # fmt: skip
def test_a_weight_is_exact_to_the_gram(gross: str, tare: str, unit: str, kg: str) -> None:
    assert net_kg(Decimal(gross), Decimal(tare), unit) == Decimal(kg)


@given(SCALE, SCALE, st.sampled_from(sorted(KILOGRAMS)))
def test_no_more_than_half_a_gram_is_lost(one: Decimal, other: Decimal, unit: str) -> None:
    gross, tare = max(one, other), min(one, other)
    exact = (Fraction(gross) - Fraction(tare)) * KILOGRAMS[unit]
    assert abs(Fraction(net_kg(gross, tare, unit)) - exact) <= Fraction(1, 2000)


@pytest.mark.parametrize(("gross", "tare", "unit"), [("1", "2", "kg"), ("1", "-1", "kg"), ("2", "1", "stone")])
def test_what_is_no_weight_is_refused(gross: str, tare: str, unit: str) -> None:
    with pytest.raises(ValueError, match="weight"):
        net_kg(Decimal(gross), Decimal(tare), unit)
