"""Amounts as people read them. Pure."""

from __future__ import annotations

from decimal import Decimal

from billing.money import minor_digits, told


def words(amount_minor: int, currency: str) -> str:
    """12.50 EUR."""
    return f"{told(Decimal(f'{amount_minor}E-{minor_digits(currency)}'))} {currency}"
