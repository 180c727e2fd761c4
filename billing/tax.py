"""Tax by category and rate, on what is given net or with the tax in it; rounded once a group, or line by line. Pure.

Categories are those of UNCL 5305 as EN 16931 uses them: S standard (any rate), Z zero, E exempt, AE reverse charge, K within the Union,
G export, O outside of the tax's scope.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from billing.money import rounded, spread

Category = Literal["S", "Z", "E", "AE", "K", "G", "O"]
Mode = Literal["exclusive", "inclusive"]  # the tax comes on top of the prices; or it is in them
Rounding = Literal["document", "line"]
WITHOUT_TAX = frozenset({"Z", "E", "AE", "K", "G", "O"})


@dataclass(frozen=True, order=True)
class Tax:
    """`rate` in percent."""

    category: Category
    rate: Decimal


@dataclass(frozen=True)
class Taxed:
    """Something that is taxed: `amount` rounded, net or with tax as the document's mode says; `net` and `tax` sum to what is paid."""

    rate: Tax
    amount: Decimal
    net: Decimal
    tax: Decimal


@dataclass(frozen=True)
class Group:
    """All of a document under one category and rate."""

    rate: Tax
    base: Decimal
    tax: Decimal


def tax_on(amount: Decimal, rate: Decimal, mode: Mode, digits: int) -> Decimal:
    """The tax on a net amount, or in an amount that has it. Half up."""
    part = Fraction(rate) / 100 if mode == "exclusive" else Fraction(rate) / (100 + Fraction(rate))
    return rounded(Fraction(amount) * part, digits)


def by_line(
    amounts: Iterable[tuple[Tax, Decimal]], mode: Mode, digits: int, of: Sequence[int] | None = None
) -> list[Taxed]:
    """Each line's tax is rounded by itself. `of` says which line each amount is of (None: each is a line): amounts of one line are rounded
    together, each with the tax by which it changes the line's."""
    given, so_far, found = list(amounts), dict[int, Decimal](), []
    for (rate, amount), line in zip(given, range(len(given)) if of is None else of, strict=True):
        before = so_far.get(line, Decimal())
        so_far[line] = before + amount
        own = tax_on(before + amount, rate.rate, mode, digits) - tax_on(before, rate.rate, mode, digits)
        found.append(_taxed(rate, amount, own, mode))
    return found


def by_document(amounts: Iterable[tuple[Tax, Decimal]], mode: Mode, digits: int) -> list[Taxed]:
    """Each group's tax is rounded once; the amounts get parts of it that sum to it."""
    given = list(amounts)
    sums: dict[Tax, Decimal] = {}
    for rate, amount in given:
        sums[rate] = sums.get(rate, Decimal()) + amount
    taxes = {rate: tax_on(whole, rate.rate, mode, digits) for rate, whole in sums.items()}
    parts = _parts(given, taxes, mode, digits)
    return [_taxed(rate, amount, part, mode) for (rate, amount), part in zip(given, parts, strict=True)]


def groups(taxed: Iterable[Taxed]) -> list[Group]:
    """By category and rate, in the order in which they first come."""
    found: dict[Tax, Group] = {}
    for each in taxed:
        before = found.get(each.rate, Group(each.rate, Decimal(), Decimal()))
        found[each.rate] = Group(each.rate, before.base + each.net, before.tax + each.tax)
    return list(found.values())


def _parts(given: list[tuple[Tax, Decimal]], taxes: Mapping[Tax, Decimal], mode: Mode, digits: int) -> list[Decimal]:
    """The groups' tax in parts for the amounts: each amount's own tax, and what that lacks by largest remainder."""
    parts = [tax_on(amount, rate.rate, mode, digits) for rate, amount in given]
    for rate, whole in taxes.items():
        places = [n for n, (own, _) in enumerate(given) if own == rate]
        lacking = whole - sum((parts[n] for n in places), Decimal())
        weights = [abs(given[n][1]) for n in places]
        if lacking and any(weights):
            for n, more in zip(places, spread(lacking, weights, digits), strict=True):
                parts[n] += more
    return parts


def _taxed(rate: Tax, amount: Decimal, tax: Decimal, mode: Mode) -> Taxed:
    return Taxed(rate, amount, amount if mode == "exclusive" else amount - tax, tax)
