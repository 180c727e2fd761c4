"""A final invoice with every kind of part, and what a journal, a file, an allocation and a reminder look like: what must not change.

`everything()` reads the guarded tables whole, so that a test can say that nothing of them was touched.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from billing.migrations._guards import TABLES
from billing.models import Allocation, BillingRun, Document, DocumentFile, Entry, Line, Payment, Reminder

from .makers import NOVEMBER, a_contract, a_final_invoice, a_service

AT = datetime(2026, 11, 1, 8, tzinfo=UTC)


def a_draft(**over: Any) -> Document:
    """With one line, of November, so that it is another period's than the final one."""
    given: dict[str, Any] = {
        "currency": "EUR", "tax_point": date(2026, 11, 30), "period_start": NOVEMBER, "period_end": date(2026, 12, 1), "net_minor": 1000,
        "tax_minor": 200, "gross_minor": 1200, "digest": "d" * 64, "created_at": AT,
    }  # fmt: skip
    draft = Document.objects.create(**given | over)
    a_line(draft)
    return draft


def a_line(document: Document, position: int = 1) -> Line:
    return Line.objects.create(
        document=document, position=position, code="base", title="Base fee", unit_price=Decimal(10), amount_minor=1000, net_minor=1000,
        tax_minor=200, category="S", rate=Decimal(20), rule="base_fee", words="10.00 for 30 of 30 days",
    )  # fmt: skip


def a_closed_month() -> Document:
    """The final invoice; beside it an entry, a file, a payment that is set against it, a reminder and a draft of the next month."""
    contract = a_contract()
    a_service(contract)
    run = BillingRun.objects.create(code="2026-10", through=NOVEMBER, issue_date=NOVEMBER, state="final")
    a_draft(customer=contract.customer, contract=contract)
    made = a_final_invoice(customer=contract.customer, contract=contract, run=run, allowance_minor=5_00)
    Entry.objects.create(
        posting=f"document:{made.number}", part=1, booked_on=NOVEMBER, at=AT, debit="receivable", credit="revenue:base", amount_minor=100_00,
        currency="EUR", customer=contract.customer, document=made,
    )  # fmt: skip
    content = b"%PDF-1.7 an invoice"
    DocumentFile.objects.create(
        document=made, kind="pdf", content=content, sha256=hashlib.sha256(content).hexdigest(), made_at=AT
    )
    paid = Payment.objects.create(
        key="bank:1", provider="manual", customer=contract.customer, currency="EUR", amount_minor=50_00, allocated_minor=50_00,
        state="succeeded", created_at=AT,
    )  # fmt: skip
    Allocation.objects.create(payment=paid, document=made, amount_minor=50_00, at=AT)
    Reminder.objects.create(
        document=made, step=1, title="Reminder", balance_minor=70_00, currency="EUR", sent_on=NOVEMBER, at=AT
    )
    return made


def everything() -> dict[str, list[Any]]:
    """Every row of the guarded tables, by table."""
    found = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT * FROM {table}")
            found[table] = sorted((tuple(map(_plain, row)) for row in cursor.fetchall()), key=repr)
    return found


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value
