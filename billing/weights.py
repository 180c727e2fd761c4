"""Weights by definition: a pound is 0.45359237 kg, a short ton 2,000 pounds. Pure."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Literal

from billing.money import rounded

Unit = Literal["kg", "t", "lb", "short_ton"]
POUND = Fraction("0.45359237")
KILOGRAMS: dict[str, Fraction] = {
    "kg": Fraction(1),
    "t": Fraction(1000),
    "lb": POUND,
    "short_ton": 2000 * POUND,
}
GRAMS = 3  # decimals of a kilogram


def net_kg(gross: Decimal, tare: Decimal, unit: str) -> Decimal:
    """Gross less tare in kg, half up to the gram. Raises ValueError for a unit that nobody knows, and for a negative weight."""
    if unit not in KILOGRAMS:
        raise ValueError(f"{unit!r} is no unit of weight: write {', '.join(KILOGRAMS)}")
    if tare < 0 or gross < tare:
        raise ValueError(f"gross {gross} and tare {tare} are no weights: 0 is the least, and gross is not below tare")
    return rounded((Fraction(gross) - Fraction(tare)) * KILOGRAMS[unit], GRAMS)
