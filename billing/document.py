"""A document's figures out of its lines, allowances, charges and taxes. Pure.

A line's amount is quantity × price and its own charges and allowances, rounded; the document's are taxed as they say. With prices that have the
tax in them, net + tax = gross is exact, for it is the net that is computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from billing.errors import CannotPrice
from billing.money import minor_digits, rounded, spread
from billing.tax import Group, Mode, Rounding, Tax, by_document, by_line, groups

MOST = Decimal(10) ** 15  # of a line: below, sums of decimals are exact


@dataclass(frozen=True)
class Adjustment:
    """An allowance takes off, a charge comes on top: `amount` says how much; where one is taken back, it is negative. `tax`: the document's own
    have one. `line`: the place of the line that it is taken off, whose tax is then rounded with it."""

    kind: Literal["allowance", "charge"]
    amount: Decimal
    tax: Tax | None = None
    line: int | None = None

    @property
    def signed(self) -> Decimal:
        return self.amount if self.kind == "charge" else -self.amount


@dataclass(frozen=True)
class Line:
    """`unit_price` is for `base_quantity` of them."""

    id: str
    quantity: Decimal
    unit_price: Decimal
    tax: Tax
    base_quantity: Decimal = Decimal(1)
    adjustments: Sequence[Adjustment] = ()


@dataclass(frozen=True)
class Draft:
    """What a document is made of. `coupon`: an amount that is spread over the lines; `prepaid`: what was paid already."""

    currency: str
    lines: Sequence[Line]
    mode: Mode = "exclusive"
    rounding: Rounding = "document"
    adjustments: Sequence[Adjustment] = ()
    coupon: Decimal = Decimal(0)
    prepaid: Decimal = Decimal(0)


@dataclass(frozen=True)
class Priced:
    """Everything rounded to the currency. `lines`: id and net, before what the document takes off or adds (`adjustments`);
    `line_taxes`: each line's part of the tax."""

    lines: Sequence[tuple[str, Decimal]]
    adjustments: Sequence[tuple[Adjustment, Decimal]]  # and what it comes to, net
    tax_groups: Sequence[Group]
    net: Decimal
    tax: Decimal
    gross: Decimal
    prepaid: Decimal
    due: Decimal
    line_taxes: Sequence[Decimal] = ()


def price(draft: Draft) -> Priced:
    """Raises CannotPrice."""
    digits = minor_digits(draft.currency)
    amounts = [line_amount(line, digits, f"lines.{place}") for place, line in enumerate(draft.lines)]
    own = [replace(each, amount=rounded(each.amount, digits)) for each in draft.adjustments]
    extras = [*own, *_coupon(draft, amounts, digits)]
    entries = [(line.tax, amount) for line, amount in zip(draft.lines, amounts, strict=True)]
    entries += [(_tax_of(extra), extra.signed) for extra in extras]
    taxed = (
        by_line(entries, draft.mode, digits, [*range(len(amounts)), *_lines_of(extras, len(amounts))])
        if draft.rounding == "line"
        else by_document(entries, draft.mode, digits)
    )
    net, tax = _sum(each.net for each in taxed), _sum(each.tax for each in taxed)
    prepaid = _fits(draft.prepaid, digits, "prepaid")
    of_lines, of_extras = taxed[: len(amounts)], taxed[len(amounts) :]
    return Priced(
        lines=[(line.id, each.net) for line, each in zip(draft.lines, of_lines, strict=True)],
        adjustments=[(extra, each.net) for extra, each in zip(extras, of_extras, strict=True)],
        tax_groups=groups(taxed), net=net, tax=tax, gross=net + tax, prepaid=prepaid, due=net + tax - prepaid,
        line_taxes=[each.tax for each in of_lines],
    )  # fmt: skip


def line_amount(line: Line, digits: int, field: str = "lines") -> Decimal:
    """Quantity × price ÷ base quantity, and the line's own charges and allowances; rounded half up, once. Raises CannotPrice."""
    if line.base_quantity <= 0:
        raise CannotPrice(f"{field}.base_quantity", "A price is for more than nothing: give a number above 0.")
    goods = Fraction(line.quantity) * Fraction(line.unit_price) / Fraction(line.base_quantity)
    amount = rounded(goods + sum((Fraction(each.signed) for each in line.adjustments), Fraction()), digits)
    if abs(amount) >= MOST:
        raise CannotPrice(field, f"This line comes to {amount:.3E}: no line is as much as {MOST:.0E}.")
    return amount


def _coupon(draft: Draft, amounts: Sequence[Decimal], digits: int) -> list[Adjustment]:
    """A coupon in parts, one a line, each taxed as its line is. It takes off no more than there is."""
    if not draft.coupon:
        return []
    coupon = min(_fits(draft.coupon, digits, "coupon.amount"), _sum(amounts))
    if min(amounts) < 0:
        raise CannotPrice("coupon", "A coupon is spread over lines that are to be paid; one of these is a credit.")
    if not coupon:
        return []
    parts = spread(coupon, amounts, digits)
    return [
        Adjustment("allowance", part, line.tax, place)
        for place, (line, part) in enumerate(zip(draft.lines, parts, strict=True))
        if part
    ]


def _lines_of(extras: Sequence[Adjustment], lines: int) -> list[int]:
    """Which line each is taken off; what is the whole document's is like a line of its own."""
    return [lines + place if extra.line is None else extra.line for place, extra in enumerate(extras)]


def _tax_of(extra: Adjustment) -> Tax:
    if extra.tax is None:
        raise CannotPrice("adjustments", "What the document takes off or adds needs a tax of its own.")
    return extra.tax


def _fits(amount: Decimal, digits: int, field: str) -> Decimal:
    """An amount of money that somebody gave: it has no parts of a cent."""
    if rounded(amount, digits) != amount:
        raise CannotPrice(field, f"{amount} has more decimals than the currency ({digits}).")
    return rounded(amount, digits)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal())
