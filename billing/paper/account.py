"""A customer's account between two days as it is printed. Amounts have as many decimals as the currency; what is positive is owed to the seller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from billing.paper.model import Account, Party
from billing.paper.speech import Speech

What = Literal["invoice", "credit_note", "payment", "refund", "dispute", "write_off", "recovery", "booking"]


@dataclass(frozen=True)
class Entry:
    """One business fact. `number`: of the document it is, or is about; `balance` is after it."""

    on: date
    what: What
    number: str
    amount: Decimal
    balance: Decimal


@dataclass(frozen=True)
class AccountPaper:
    """Both days included."""

    language: str
    currency: str
    since: date
    until: date
    seller: Party
    buyer: Party
    opening: Decimal
    entries: Sequence[Entry]
    closing: Decimal
    account: Account | None = None


def words(entry: Entry, speech: Speech) -> str:
    """What happened, in the customer's language."""
    if entry.what in ("invoice", "credit_note"):
        return speech.text("titled", kind=speech.text(entry.what), number=entry.number)
    told = speech.text(f"account.{entry.what}")
    return speech.text("account.for", what=told, number=entry.number) if entry.number else told


def verdict(paper: AccountPaper, speech: Speech) -> str:
    """Who owes whom at the end."""
    key = "account.owed" if paper.closing > 0 else "account.credit" if paper.closing < 0 else "account.even"
    return speech.text(key, amount=speech.money(abs(paper.closing), paper.currency), day=speech.day(paper.until))
