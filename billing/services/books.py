"""The only writer of the journal: what a business fact books, once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from billing.models import Adjustment, Customer, Document, Entry, Line, TaxGroup
from queues.contract import ports

RECEIVABLE, BAD_DEBT = "receivable", "bad_debt"


@dataclass(frozen=True)
class Leg:
    """So much from one account to another, in minor units. One of 0 is left out, a negative one is turned."""

    debit: str
    credit: str
    amount_minor: int
    words: str = ""

    def turned(self) -> Leg:
        return Leg(self.credit, self.debit, -self.amount_minor, self.words)


@dataclass(frozen=True)
class Posting:
    """A business fact, by its name, and what it books."""

    name: str
    legs: Sequence[Leg]
    booked_on: date
    customer: Customer
    currency: str
    document: Document | None = None


def post(
    posting: str,
    legs: Sequence[Leg],
    *,
    booked_on: date,
    customer: Customer,
    currency: str,
    document: Document | None = None,
) -> None:
    """Book a fact in the caller's transaction. Raises IntegrityError where it is booked already."""
    post_all([Posting(posting, legs, booked_on, customer, currency, document)])


def post_all(postings: Iterable[Posting]) -> None:
    """As `post`, of many facts in one statement."""
    at = ports.now()
    Entry.objects.bulk_create(entry for posting in postings for entry in _entries(posting, at))


def _entries(of: Posting, at: datetime) -> Iterator[Entry]:
    told = [leg if leg.amount_minor > 0 else leg.turned() for leg in of.legs if leg.amount_minor]
    for part, leg in enumerate(told, start=1):
        yield Entry(
            posting=of.name, part=part, booked_on=of.booked_on, at=at, debit=leg.debit, credit=leg.credit, amount_minor=leg.amount_minor,
            currency=of.currency, customer=of.customer, document=of.document, words=leg.words[:200],
        )  # fmt: skip


def bank(provider: str) -> str:
    return f"bank:{provider}"


def revenue(code: str) -> str:
    return f"revenue:{code}"


def tax(jurisdiction: str, category: str, rate: Decimal) -> str:
    """20 and 20.000000 are one account."""
    return f"tax:{jurisdiction}:{category}:{rate.normalize() + 0:f}"


def legs_of(
    document: Document, lines: Iterable[Line], adjustments: Iterable[Adjustment], groups: Iterable[TaxGroup], jurisdiction: str
) -> list[Leg]:  # fmt: skip
    """What a final document books: its nets by charge code, its taxes by group. A credit note is the reverse of an invoice."""
    sign = -1 if document.kind == Document.Kind.CREDIT_NOTE else 1
    nets: dict[str, int] = defaultdict(int)
    for line in lines:
        nets[revenue(line.code)] += line.net_minor
    for each in adjustments:
        nets[revenue("adjustment")] += each.net_minor if each.kind == Adjustment.Kind.CHARGE else -each.net_minor
    for group in groups:
        nets[tax(jurisdiction, group.category, group.rate)] += group.tax_minor
    return [Leg(RECEIVABLE, account, sign * amount) for account, amount in nets.items()]
