"""How much of an invoice a credit note takes back, line by line and tax group by tax group. Pure; whole minor units.

Nothing is credited above what is left: of a line, of a tax group, of the whole. What is credited in parts sums to the invoice exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from billing import amounts, credit_parts
from billing.credit_parts import NOTHING, Item, Sums, between, total
from billing.errors import CannotSettle
from billing.tax import Mode, Rounding, Tax


@dataclass(frozen=True)
class Invoice:
    items: Sequence[Item]
    mode: Mode
    rounding: Rounding
    currency: str

    @property
    def left(self) -> Sums:
        return total(item.left for item in self.items)

    def groups(self) -> dict[Tax, list[Item]]:
        found: dict[Tax, list[Item]] = {}
        for item in self.items:
            found.setdefault(item.tax, []).append(item)
        return found

    def rounded_together(self) -> list[list[Item]]:
        return [[item] for item in self.items] if self.rounding == "line" else list(self.groups().values())

    def words(self, amount: int) -> str:
        return amounts.words(amount, self.currency)


def everything(invoice: Invoice) -> dict[str, Sums]:
    """All that is left, by item. Raises CannotSettle."""
    if invoice.left.gross <= 0:
        raise CannotSettle("All of this invoice is credited already.")
    found = {item.key: item.left for item in invoice.items if item.left.amount}
    for items in invoice.groups().values():  # a cent of an item that is gone is with the greatest that is there
        gone = total(item.left for item in items if not item.left.amount)
        if any(gone):
            heir = max(items, key=lambda item: abs(item.left.amount)).key
            found[heir] = found.get(heir, NOTHING).plus(gone)
    return found


def of_items(invoice: Invoice, wanted: Mapping[str, int | None]) -> dict[str, Sums]:
    """So much of each item's amount, None for all that is left of it. Raises CannotSettle."""
    by_key = {item.key: item for item in invoice.items}
    if strange := sorted(set(wanted) - set(by_key)):
        raise CannotSettle(f"The invoice has no line {strange[0]}.")
    asked = {key: _within(invoice, by_key[key], amount) for key, amount in wanted.items()}
    if all(asked.get(item.key, 0) == item.left.amount for item in invoice.items):
        return everything(invoice)
    found: dict[str, Sums] = {}
    for items in invoice.rounded_together():
        chosen = [(item, asked[item.key]) for item in items if item.key in asked]
        if chosen:
            found |= credit_parts.parts(invoice.mode, chosen, _tax(invoice, items, sum(each for _, each in chosen)))
    return _proved(invoice, found)


def of_gross(invoice: Invoice, gross: int) -> dict[str, Sums]:
    """So much, tax included, of all that is left alike. Raises CannotSettle."""
    _proved_gross(invoice, gross)
    if gross == invoice.left.gross:
        return everything(invoice)
    groups = [items for items in invoice.groups().values() if total(i.left for i in items).gross > 0]
    shares = credit_parts.spread_over(gross, [total(i.left for i in items).gross for items in groups])
    found: dict[str, Sums] = {}
    for items, part in zip(groups, shares, strict=True):
        found |= _of_lines(invoice, items, part) if invoice.rounding == "line" else _of_group(invoice, items, part)
    return _proved(invoice, found)


def _of_lines(invoice: Invoice, items: Sequence[Item], gross: int) -> dict[str, Sums]:
    found = {}
    for item, part in zip(items, credit_parts.share(gross, [item.left.gross for item in items]), strict=True):
        if part:
            _, net, tax = credit_parts.split(item.tax, item.done, item.left, part)
            found[item.key] = Sums(net if invoice.mode == "exclusive" else part, net, tax)
    return found


def _of_group(invoice: Invoice, items: Sequence[Item], gross: int) -> dict[str, Sums]:
    done, left = total(i.done for i in items), total(i.left for i in items)
    _, net, tax = credit_parts.split(items[0].tax, done, left, gross)
    shares = credit_parts.share(net if invoice.mode == "exclusive" else gross, [item.left.amount for item in items])
    chosen = [(item, part) for item, part in zip(items, shares, strict=True) if part]
    if not chosen:  # nothing but a cent of tax is left
        chosen = [(max(items, key=lambda item: abs(item.whole.amount)), 0)]
    return credit_parts.parts(invoice.mode, chosen, tax)


def _tax(invoice: Invoice, items: Sequence[Item], amount: int) -> int:
    done, left = total(i.done for i in items), total(i.left for i in items)
    if invoice.mode == "exclusive":
        return credit_parts.tax_with(items[0].tax, done, left, amount)
    return credit_parts.split(items[0].tax, done, left, amount).tax


def _within(invoice: Invoice, item: Item, asked: int | None) -> int:
    left = item.left.amount
    amount = left if asked is None else asked
    if amount == 0 or between(amount, 0, left) != amount:
        raise CannotSettle(
            f"Of line {item.key} {invoice.words(left)} is left to credit, and {invoice.words(amount)} was asked for."
        )
    return amount


def _proved(invoice: Invoice, found: dict[str, Sums]) -> dict[str, Sums]:
    for rate, items in invoice.groups().items():
        left, now = total(i.left for i in items), total(found[i.key] for i in items if i.key in found)
        if any(between(part, 0, most) != part for part, most in zip(now[1:], left[1:], strict=True)):
            raise CannotSettle(
                f"Of what is taxed {rate.category} {rate.rate.normalize():f} % there is {invoice.words(left.net)} left"
                f" (net), and this would credit {invoice.words(now.net)}: credit its discounts with it."
            )
    _proved_gross(invoice, total(found.values()).gross)
    return found


def _proved_gross(invoice: Invoice, gross: int) -> None:
    left = invoice.left.gross
    if not 0 < gross <= left:
        raise CannotSettle(f"{invoice.words(left)} is left to credit, and {invoice.words(gross)} was asked for.")
