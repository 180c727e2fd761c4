"""A document as it is printed and told to other programs: everything on it, and nothing of the database.

Amounts have as many decimals as the currency; on a credit note they are positive, as it is owed to the buyer. Ends of periods are exclusive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from billing.money import minor_digits, rounded
from billing.tax import Category, Mode

Kind = Literal["invoice", "credit_note"]


@dataclass(frozen=True)
class Party:
    """Seller or buyer. `code`: the buyer's number with the seller."""

    name: str
    street: str
    postcode: str
    city: str
    country: str
    tax_id: str = ""
    registration: str = ""
    email: str = ""
    phone: str = ""
    code: str = ""


@dataclass(frozen=True)
class Account:
    """Where to pay."""

    iban: str
    bic: str = ""


@dataclass(frozen=True)
class Line:
    """`amount` and `unit_price` are as the tax mode says, `net` is without tax. `since`: the first day of the earlier period it is for."""

    position: int
    code: str
    title: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    amount: Decimal
    net: Decimal
    category: Category
    rate: Decimal
    service: str = ""
    site: str = ""
    rule: str = ""
    words: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    since: date | None = None


@dataclass(frozen=True)
class Adjustment:
    """What the document takes off or adds: not negative."""

    kind: Literal["allowance", "charge"]
    reason: str
    amount: Decimal
    net: Decimal
    category: Category
    rate: Decimal


@dataclass(frozen=True)
class TaxGroup:
    category: Category
    rate: Decimal
    base: Decimal
    tax: Decimal
    reason: str = ""


@dataclass(frozen=True)
class Exchange:
    """One unit of the document's currency is `rate` of `currency`, as published on that day."""

    rate: Decimal
    currency: str
    on: date


@dataclass(frozen=True)
class Preceding:
    """The invoice that a credit note credits."""

    number: str
    issued: date | None


@dataclass(frozen=True)
class Paper:
    """`number` and `issued` are None on a draft. `places` and `services`: what codes of sites and services stand for, in words.
    `reason`: why it is credited. `payment_days`: from issue to due, where `due` is not settled yet."""

    kind: Kind
    number: str | None
    language: str
    currency: str
    mode: Mode
    tax_point: date
    seller: Party
    buyer: Party
    lines: Sequence[Line]
    tax_groups: Sequence[TaxGroup]
    net: Decimal
    tax: Decimal
    gross: Decimal
    issued: date | None = None
    due: date | None = None
    period: tuple[date, date] | None = None
    account: Account | None = None
    adjustments: Sequence[Adjustment] = ()
    exchange: Exchange | None = None
    preceding: Preceding | None = None
    reason: str = ""
    contract: str = ""
    order_reference: str = ""
    buyer_reference: str = ""
    payment_days: int | None = None
    places: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)

    @property
    def draft(self) -> bool:
        return self.number is None

    @property
    def digits(self) -> int:
        return minor_digits(self.currency)

    @property
    def last_day(self) -> date | None:
        """Of the period, that day included."""
        return self.period[1] - timedelta(days=1) if self.period else None

    @property
    def lines_net(self) -> Decimal:
        return sum((line.net for line in self.lines), Decimal())

    def adjusted(self, kind: str) -> Decimal:
        """What all allowances, or all charges, come to without tax."""
        return sum((each.net for each in self.adjustments if each.kind == kind), Decimal())

    @property
    def tax_told_abroad(self) -> Decimal | None:
        """The tax in the seller's currency, where the document is in another one."""
        if self.exchange is None or self.exchange.currency == self.currency:
            return None
        return rounded(self.tax * self.exchange.rate, minor_digits(self.exchange.currency))
