"""Amounts of money: exact until they are rounded, and rounded in one way. Pure.

An amount on its way is a Fraction, so that no division loses anything; an amount that is told is a Decimal with as many digits as its
currency has.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cache

from iso4217 import Currency

from billing.errors import CannotPrice

Exact = Fraction | Decimal | int


@cache
def minor_digits(currency: str) -> int:
    """How many decimals its minor unit has (JPY 0, USD 2, BHD 3; ISO 4217). Raises CannotPrice."""
    try:
        digits = Currency(currency).exponent
    except ValueError:
        digits = None
    if digits is None:
        raise CannotPrice("currency", f"{currency!r} is no currency of ISO 4217 that is paid in: write EUR, USD, JPY.")
    return int(digits)


def rounded(amount: Exact, digits: int) -> Decimal:
    """Half up, that is away from zero, at so many decimals: 0.5 → 1, -0.5 → -1."""
    scaled = abs(Fraction(amount)) * 10**digits
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return _minor(-whole if amount < 0 else whole, digits)


def spread(total: Decimal, weights: Sequence[Exact], digits: int) -> list[Decimal]:
    """`total`, in parts as the weights say that sum to it exactly: by largest remainder, the earlier part first in a tie.

    `total` has no more than `digits` decimals; weights are not negative. Raises ValueError where they sum to nothing.
    """
    if total < 0:
        return [-part for part in spread(-total, weights, digits)]
    exact = [Fraction(weight) for weight in weights]
    whole = sum(exact, Fraction())
    if whole <= 0 or min(exact) < 0:
        raise ValueError("There is nothing to spread over.")
    units = Fraction(total) * 10**digits
    if units.denominator != 1:
        raise ValueError(f"{total} has more than {digits} decimals.")
    shares = [units * weight / whole for weight in exact]
    parts = [int(share) for share in shares]
    left = int(units) - sum(parts)
    for place in sorted(range(len(parts)), key=lambda n: (parts[n] - shares[n], n))[:left]:
        parts[place] += 1
    return [_minor(part, digits) for part in parts]


def _minor(units: int, digits: int) -> Decimal:
    """So many minor units. Read from text, for every other way rounds to 28 digits without a word."""
    return Decimal(f"{units}E-{digits}")


def minor(amount: Decimal, currency: str) -> int:
    """As columns keep it: whole minor units. Raises ValueError for an amount that has parts of one."""
    units = Fraction(amount) * 10 ** minor_digits(currency)
    if units.denominator != 1:
        raise ValueError(f"{amount} {currency} is not a whole number of minor units.")
    return int(units)


def major(units: int, currency: str) -> Decimal:
    """An amount out of the minor units that a column keeps."""
    return _minor(units, minor_digits(currency))


def told(amount: Decimal) -> str:
    """As it is printed: never in exponents, and zero has no sign."""
    return f"{amount if amount else abs(amount):f}"
