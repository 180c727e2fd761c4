"""What accountants are given: final documents, their lines, the journal. Cells as they are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from billing.interchange.writing import cell
from billing.models import Document, Entry, Line
from billing.money import told
from billing.selectors.trade import major

CHUNK = 2000
DOCUMENTS = (
    "number", "kind", "state", "customer", "customer_name", "contract", "period_start", "period_end", "issue_date", "due_date", "tax_point",
    "currency", "net", "tax", "gross", "balance", "exchange_rate", "exchange_currency", "exchange_on", "credits", "reason", "run",
)  # fmt: skip
LINES = (
    "document", "position", "service", "site", "code", "title", "quantity", "unit", "unit_price", "currency", "amount", "net", "tax",
    "category", "rate", "since", "words",
)  # fmt: skip
ENTRIES = ("posting", "part", "booked_on", "debit", "credit", "amount", "currency", "customer", "document", "words")
MONEY = frozenset({"net", "tax", "gross", "balance", "amount"})
FINAL = Document.State.FINAL


def documents() -> Iterator[list[str]]:
    """In the order of their numbers; amounts in the document's currency."""
    found = Document.objects.filter(state=FINAL).select_related("customer", "contract", "credits", "run", "standing")
    for each in found.order_by("series__code", "sequence").iterator(chunk_size=CHUNK):
        standing = getattr(each, "standing", None)
        yield _cells(
            DOCUMENTS,
            (
                each.number, each.kind, standing.state if standing else "", each.customer.code, each.customer.name,
                each.contract.code if each.contract else "", each.period_start, each.period_end, each.issue_date, each.due_date, each.tax_point,
                each.currency, *(major(minor, each.currency) for minor in (each.net_minor, each.tax_minor, each.gross_minor)),
                major(standing.balance_minor, each.currency) if standing else None, each.exchange_rate, each.exchange_currency,
                each.exchange_on, each.credits.number if each.credits else "", each.reason, each.run.code if each.run else "",
            ),
        )  # fmt: skip


def lines() -> Iterator[list[str]]:
    """In the order of their documents."""
    found = Line.objects.filter(document__state=FINAL).select_related("document")
    ordered = found.order_by("document__series__code", "document__sequence", "position")
    for each in ordered.iterator(chunk_size=CHUNK):
        currency = each.document.currency
        amounts = (major(minor, currency) for minor in (each.amount_minor, each.net_minor, each.tax_minor))
        yield _cells(
            LINES,
            (
                each.document.number, each.position, each.service, each.site, each.code, each.title, each.quantity, each.unit, each.unit_price,
                currency, *amounts, each.category, each.rate, each.since, each.words,
            ),
        )  # fmt: skip


def entries() -> Iterator[list[str]]:
    """In the order in which they were booked."""
    found = Entry.objects.select_related("customer", "document").order_by("pk")
    for each in found.iterator(chunk_size=CHUNK):
        yield _cells(
            ENTRIES,
            (
                each.posting, each.part, each.booked_on, each.debit, each.credit, major(each.amount_minor, each.currency), each.currency,
                each.customer.code, each.document.number if each.document else "", each.words,
            ),
        )  # fmt: skip


def _cells(names: Sequence[str], values: Sequence[Any]) -> list[str]:
    return [_cell(name, value) for name, value in zip(names, values, strict=True)]


def _cell(name: str, value: Any) -> str:
    """Amounts with all the decimals of their currency."""
    return told(value) if name in MONEY and isinstance(value, Decimal) else cell(name, value)
