"""What a bank statement says, whatever its format: bookings. Pure."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from billing.errors import CannotPrice, StatementUnreadable
from billing.money import minor_digits

MOST_BYTES, MOST_BOOKINGS = 20_000_000, 50_000
LONGEST_REFERENCE = 80  # "payment:bank:" and it are a posting
_NO_REFERENCE = frozenset({"", "NONREF", "NOTPROVIDED", "NOTPROVIDED.", "0"})


@dataclass(frozen=True)
class Booking:
    """`amount_minor` is negative for what went out. `account`: the payer's (an IBAN as a rule). `text` is all that the payer wrote.
    `ignored`: why nothing is made of it, if so."""

    reference: str
    booked_on: date
    amount_minor: int
    currency: str
    payer: str = ""
    account: str = ""
    text: str = ""
    ignored: str = ""


@dataclass(frozen=True)
class Contents:
    """`accounts`: whose statement it is, as far as it says."""

    form: str
    bookings: Sequence[Booking]
    accounts: Sequence[str] = ()


def prove_size(content: bytes) -> None:
    """Raises StatementUnreadable."""
    if not content.strip():
        raise StatementUnreadable("The file is empty.")
    if len(content) > MOST_BYTES:
        raise StatementUnreadable(
            f"The file has {len(content):,} bytes, and {MOST_BYTES:,} are read at most: split it."
        )


def minor(amount: Decimal, currency: str, where: str) -> int:
    """Raises StatementUnreadable, which says `where`."""
    try:
        units = amount.scaleb(minor_digits(currency))
    except CannotPrice as error:
        raise StatementUnreadable(f"{where}: {error.message}") from None
    if units != units.to_integral_value() or abs(units) >= 10**15:
        raise StatementUnreadable(f"{where}: {amount} is no amount of {currency}.")
    return int(units)


def identified(bookings: Iterable[Booking]) -> list[Booking]:
    """Each with a reference of its own: the bank's, or where that has none (or one for several) a digest of what it says. The same file, or another
    with the same bookings, has the same ones. Two bookings that are alike in every word are two."""
    given = list(bookings)
    if len(given) > MOST_BOOKINGS:
        raise StatementUnreadable(
            f"The file has {len(given):,} bookings, and {MOST_BOOKINGS:,} are read at most: split it."
        )
    seen = Counter(each.reference for each in given)
    alike: Counter[Booking] = Counter()
    found = []
    for each in given:
        bare = each.reference.rpartition(":")[2].upper()
        if bare in _NO_REFERENCE or seen[each.reference] > 1 or len(each.reference) > LONGEST_REFERENCE:
            alike[each] += 1
            found.append(replace(each, reference=_digest(each, alike[each])))
        else:
            found.append(each)
    return found


def clean(text: str | None, most: int) -> str:
    """In one line, without what cannot be printed."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", text or "").split())[:most]


def clean_account(text: str | None) -> str:
    return re.sub(r"\s", "", text or "").upper()[:34]


def _digest(each: Booking, nth: int) -> str:
    told = [
        each.reference, each.booked_on.isoformat(), str(each.amount_minor), each.currency, each.payer, each.account, each.text, str(nth),
    ]  # fmt: skip
    return "digest:" + hashlib.sha256("\x1f".join(told).encode()).hexdigest()[:40]
