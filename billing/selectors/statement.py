"""A customer's account between two days, as the journal has it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Case, F, Min, Q, Sum, When

from billing.models import Customer, Entry
from billing.selectors.balances import RECEIVABLE

OWED = Case(When(debit=RECEIVABLE, then=F("amount_minor")), default=-F("amount_minor"))
WORDS = {
    "payment": "Payment", "refund": "Refund", "dispute": "Payment taken back", "write_off": "Written off", "recovery": "Write-off taken back",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One business fact. `amount_minor`: positive is owed, negative is paid or credited; `balance_minor` is after it."""

    on: date
    posting: str
    words: str
    document: str  # number, or ""
    document_id: str
    amount_minor: int
    balance_minor: int


@dataclass(frozen=True)
class Statement:
    customer: Customer
    currency: str
    since: date
    until: date
    opening_minor: int
    rows: tuple[Row, ...]
    closing_minor: int


def statement(customer: Customer, currency: str, since: date, until: date) -> Statement:
    """Both days included."""
    mine = Entry.objects.filter(Q(debit=RECEIVABLE) | Q(credit=RECEIVABLE), customer=customer, currency=currency)
    opening = mine.filter(booked_on__lt=since).aggregate(sum=Sum(OWED))["sum"] or 0
    facts = (
        mine.filter(booked_on__range=(since, until))
        .order_by()
        .values("posting", "booked_on", "document", "document__number")
    )
    balance, rows = opening, []
    for fact in facts.annotate(amount=Sum(OWED), first=Min("id")).order_by("booked_on", "first"):
        balance += fact["amount"]
        number, document = fact["document__number"] or "", str(fact["document"] or "")
        words = words_of(fact["posting"], number)
        rows.append(Row(fact["booked_on"], fact["posting"], words, number, document, fact["amount"], balance))
    return Statement(customer, currency, since, until, opening, tuple(rows), balance)


def words_of(posting: str, number: str) -> str:
    """What a posting is, for people."""
    kind, _, key = posting.partition(":")
    if kind == "document":
        return f"Document {key}"
    return f"{WORDS.get(kind, kind)}{f' for {number}' if number else ''}"


def currencies(customer: Customer) -> list[str]:
    """In which the customer has an account."""
    return list(
        Entry.objects.filter(customer=customer).order_by("currency").values_list("currency", flat=True).distinct()
    )
