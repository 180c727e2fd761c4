"""Amounts as Stripe counts them, which is not always as ISO 4217 does. Pure.

See "Supported currencies" in Stripe's documentation: zero-decimal currencies, three-decimal ones whose last digit must be 0, and two that
have no decimals any more but are still counted in hundredths.
"""

from __future__ import annotations

from billing.money import minor_digits
from queues.outbound import Refused

ZERO_DECIMAL = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)
HUNDREDTHS = frozenset({"ISK", "UGX"})  # whole units alone, told in hundredths
TENS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})  # three decimals, of which Stripe takes two


def digits_at_stripe(currency: str) -> int:
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in TENS else 2


def to_stripe(amount_minor: int, currency: str) -> int:
    """Raises Refused for an amount that Stripe cannot take, CannotPrice for an unknown currency."""
    told, rest = _moved(amount_minor, digits_at_stripe(currency) - minor_digits(currency))
    if rest or (currency in TENS and told % 10):
        least = "0.010" if currency in TENS else "1"
        raise Refused(
            f"Stripe takes {currency} in steps of {least}: this amount is none.",
            {"state": "declined", "code": "amount_not_possible", "words": f"Not a multiple of {least} {currency}.", "hard": True},
        )  # fmt: skip
    return told


def from_stripe(amount: int, currency: str) -> int:
    """Whole minor units of ISO 4217. Raises ValueError for what is less than one of them."""
    told, rest = _moved(amount, minor_digits(currency) - digits_at_stripe(currency))
    if rest:
        raise ValueError(f"{amount} of Stripe's units is no whole amount of {currency}.")
    return told


def _moved(amount: int, digits: int) -> tuple[int, int]:
    """The amount in units so many digits finer (negative: coarser), and what does not fit them."""
    return (amount * int(10**digits), 0) if digits >= 0 else divmod(amount, int(10**-digits))
