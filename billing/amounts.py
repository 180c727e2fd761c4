"""Amounts as people read them. Pure."""

from __future__ import annotations

import re

from billing.money import major, told

HYPHEN = re.compile(r"(?<![\w.,-])-(?=\d)")  # before a number, and neither in a code nor in a day


def words(amount_minor: int, currency: str) -> str:
    """12.50 EUR."""
    return minus(f"{told(major(amount_minor, currency))} {currency}")


def minus(text: str) -> str:
    """A text in which numbers are written for machines, for people: what is negative bears a true minus. "= -12.50 EUR": "= −12.50 EUR"."""
    return HYPHEN.sub("−", text)
