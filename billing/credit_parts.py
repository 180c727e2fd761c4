"""The arithmetic of a credit in parts: net, tax and gross of what is left. Pure; whole minor units.

Each part's tax is what the tax on all that is credited by then comes to, less what earlier parts had; whoever takes the last takes the last of the tax.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from billing.money import rounded, spread
from billing.tax import Mode, Tax


class Sums(NamedTuple):
    """`amount` is as the document's tax mode says: the net, or net and tax."""

    amount: int = 0
    net: int = 0
    tax: int = 0

    @property
    def gross(self) -> int:
        return self.net + self.tax

    def plus(self, other: Sums, sign: int = 1) -> Sums:
        return Sums(*(a + sign * b for a, b in zip(self, other, strict=True)))


NOTHING = Sums()


@dataclass(frozen=True)
class Item:
    """A line of the invoice, or what it took off (negative) or added as a whole; `done`: what of it is credited already."""

    key: str
    tax: Tax
    whole: Sums
    done: Sums = NOTHING

    @property
    def left(self) -> Sums:
        return self.whole.plus(self.done, -1)


def total(sums: Iterable[Sums]) -> Sums:
    whole = NOTHING
    for each in sums:
        whole = whole.plus(each)
    return whole


def tax_with(rate: Tax, done: Sums, left: Sums, net: int) -> int:
    """The tax that comes with `net` of what is left."""
    if net == left.net:
        return left.tax
    tax = whole_number(Fraction(done.net + net) * Fraction(rate.rate) / 100) - done.tax
    return between(tax, 0, left.tax)


def split(rate: Tax, done: Sums, left: Sums, gross: int) -> Sums:
    """`gross` of what is left as net and tax; never tax alone while net is left."""
    if gross == left.gross:
        return Sums(0, left.net, left.tax)
    tax = whole_number((done.gross + gross) * Fraction(rate.rate) / (100 + Fraction(rate.rate))) - done.tax
    least_net = (gross > 0) - (gross < 0) if left.net else 0
    tax = between(between(tax, gross - left.net, gross - least_net), 0, left.tax)
    return Sums(0, gross - tax, tax)


def parts(mode: Mode, chosen: Sequence[tuple[Item, int]], tax: int) -> dict[str, Sums]:
    """`tax` in parts for so much of each item: to each its own, and what that lacks by largest remainder."""
    own = [_own_tax(item, amount) for item, amount in chosen]
    lacking = spread_over(tax - sum(own), [abs(amount) or 1 for _, amount in chosen])
    found = {}
    for (item, amount), part, more in zip(chosen, own, lacking, strict=True):
        found[item.key] = Sums(amount, amount if mode == "exclusive" else amount - part - more, part + more)
    return found


def share(amount: int, lefts: Sequence[int]) -> list[int]:
    """`amount` made up as all that is left is, what is negative there included."""
    above, below = [max(left, 0) for left in lefts], [max(-left, 0) for left in lefts]
    off = whole_number(Fraction(amount * sum(below), sum(lefts)))
    return [a - b for a, b in zip(spread_over(amount + off, above), spread_over(off, below), strict=True)]


def spread_over(amount: int, weights: Sequence[int]) -> list[int]:
    return [int(part) for part in spread(Decimal(amount), weights, 0)] if amount else [0] * len(weights)


def whole_number(amount: Fraction) -> int:
    """Half up."""
    return int(rounded(amount, 0))


def between(value: int, one: int, other: int) -> int:
    return max(min(one, other), min(max(one, other), value))


def _own_tax(item: Item, amount: int) -> int:
    return whole_number(Fraction(item.whole.tax * (item.done.amount + amount), item.whole.amount)) - item.done.tax
