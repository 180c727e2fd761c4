"""A customer's statement becomes the paper that is printed: between those who they are now, for it is no document of then."""

from __future__ import annotations

from typing import get_args

from billing.money import minor_digits
from billing.paper.account import AccountPaper, Entry, What
from billing.selectors import paper
from billing.selectors.statement import Row, Statement

KINDS = frozenset(get_args(What))


def account_paper(told: Statement) -> AccountPaper:
    seller, digits = paper.seller_now(), minor_digits(told.currency)
    return AccountPaper(
        language=told.customer.language, currency=told.currency, since=told.since, until=told.until,
        seller=paper.party(seller), buyer=paper.party(paper.row_now(told.customer)), account=paper.account(seller),
        opening=paper.money(told.opening_minor, digits), closing=paper.money(told.closing_minor, digits),
        entries=[_entry(row, digits) for row in told.rows],
    )  # fmt: skip


def _entry(row: Row, digits: int) -> Entry:
    amount, balance = (paper.money(minor, digits) for minor in (row.amount_minor, row.balance_minor))
    return Entry(row.on, _what(row), row.document, amount, balance)


def _what(row: Row) -> What:
    """A document that is set against what is owed is a credit note."""
    kind = row.posting.partition(":")[0]
    if kind == "document":
        return "credit_note" if row.amount_minor < 0 else "invoice"
    return kind if kind in KINDS else "booking"  # type: ignore[return-value]
