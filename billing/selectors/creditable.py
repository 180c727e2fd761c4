"""What of an invoice is not credited yet: read for billing.crediting, and told for people.

A credit note's lines and adjustments have the positions of those which they credit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

from billing import credit_parts, crediting
from billing.credit_parts import NOTHING, Item, Sums
from billing.models import Adjustment, Document, Line, TaxGroup
from billing.tax import Category, Mode, Rounding, Tax

LINE, ADJUSTMENT = "", "adjustment "  # before the position, in an item's key


@dataclass(frozen=True)
class LeftLine:
    """`amount_minor` and `left_minor` as the invoice's tax mode says."""

    position: int
    title: str
    words: str
    amount_minor: int
    left_minor: int


@dataclass(frozen=True)
class Left:
    """`gross_minor`: of the whole invoice."""

    lines: tuple[LeftLine, ...]
    gross_minor: int


def left_of(invoice: Document) -> Left:
    """Without a lock: for a page."""
    read = read_invoice(invoice)
    titles = {line_key(line.position): line for line in invoice.lines.all()}
    lines = [
        LeftLine(line.position, line.title, line.words, item.whole.amount, item.left.amount)
        for item in read.items
        if (line := titles.get(item.key)) is not None
    ]
    return Left(tuple(lines), read.left.gross)


def read_invoice(invoice: Document) -> crediting.Invoice:
    notes = Document.objects.filter(credits=invoice, state=Document.State.FINAL)
    done: dict[str, Sums] = {}
    for note in notes.prefetch_related("lines", "adjustments", "tax_groups"):
        for key, (_, sums) in _items_of(note).items():
            done[key] = done.get(key, NOTHING).plus(sums)
    items = [Item(key, tax, whole, done.get(key, NOTHING)) for key, (tax, whole) in _items_of(invoice).items()]
    return crediting.Invoice(
        items, cast("Mode", invoice.tax_mode), cast("Rounding", invoice.rounding), invoice.currency
    )


def line_key(position: int) -> str:
    return f"{LINE}{position}"


def adjustment_key(position: int) -> str:
    return f"{ADJUSTMENT}{position}"


def _items_of(document: Document) -> dict[str, tuple[Tax, Sums]]:
    lines, groups = list(document.lines.all()), list(document.tax_groups.all())
    own = list(document.adjustments.all())
    found = {line_key(x.position): (tax_of(x), Sums(x.amount_minor, x.net_minor, x.tax_minor)) for x in lines}
    for group in groups:
        rate = tax_of(group)
        untold = group.tax_minor - sum(line.tax_minor for line in lines if tax_of(line) == rate)
        found |= _adjustments(document, [each for each in own if tax_of(each) == rate], untold)
    return found


def _adjustments(document: Document, own: Sequence[Adjustment], untold: int) -> dict[str, tuple[Tax, Sums]]:
    """Of one tax group, of whose tax the lines have all but `untold`. (An adjustment's own tax is not kept with net prices.)"""
    signs = [-1 if each.kind == Adjustment.Kind.ALLOWANCE else 1 for each in own]
    if document.tax_mode == "inclusive":
        taxes = [sign * (each.amount_minor - each.net_minor) for sign, each in zip(signs, own, strict=True)]
    else:
        parts = [
            credit_parts.whole_number(Fraction(sign * each.net_minor) * Fraction(each.rate) / 100)
            for sign, each in zip(signs, own, strict=True)
        ]
        more = credit_parts.spread_over(untold - sum(parts) if own else 0, [each.amount_minor for each in own])
        taxes = [part + extra for part, extra in zip(parts, more, strict=True)]
    return {
        adjustment_key(each.position): (tax_of(each), Sums(sign * each.amount_minor, sign * each.net_minor, tax))
        for sign, each, tax in zip(signs, own, taxes, strict=True)
    }


def tax_of(row: Line | Adjustment | TaxGroup) -> Tax:
    return Tax(cast("Category", row.category), row.rate)
