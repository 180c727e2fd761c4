"""The credit note itself: a final document that mirrors what it takes back. Its parts have the positions of those they credit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal

from django.core.serializers.json import DjangoJSONEncoder

from billing.credit_parts import Sums, total
from billing.models import Adjustment, Document, Line, Standing, TaxGroup
from billing.money import minor_digits
from billing.selectors import creditable, sellers
from billing.services import books
from billing.services.numbers import next_number
from queues.contract import ports

COPIED = (
    "customer_id", "contract_id", "period_start", "period_end", "generation", "currency", "tax_mode", "rounding", "language", "tax_point",
    "parties", "exchange_rate", "exchange_currency", "exchange_on",
)  # fmt: skip


def make(invoice: Document, credited: Mapping[str, Sums], why: str) -> Document:
    """Final, with its standing and its entries. In the caller's transaction, which holds the account."""
    lines, adjustments, groups = _lines(invoice, credited), _adjustments(invoice, credited), _groups(invoice, credited)
    sums, today, now = total(credited.values()), sellers.today(), ports.now()
    note = Document(
        kind=Document.Kind.CREDIT_NOTE, credits=invoice, reason=why[:300], net_minor=sums.net, tax_minor=sums.tax,
        gross_minor=sums.gross, issue_date=today, due_date=today, created_at=now,
        **{name: getattr(invoice, name) for name in COPIED},
    )  # fmt: skip
    note.digest = _digest(note, lines, adjustments, groups)
    note.save(force_insert=True)
    for rows in (lines, adjustments, groups):
        for row in rows:
            row.document = note
    Line.objects.bulk_create(lines)
    Adjustment.objects.bulk_create(adjustments)
    TaxGroup.objects.bulk_create(groups)
    number = next_number(note.kind)
    note.series, note.sequence, note.number = number.series, number.sequence, number.text
    note.state, note.finalised_at = Document.State.FINAL, now
    note.save()
    Standing.objects.create(
        document=note, customer_id=note.customer_id, kind=note.kind, currency=note.currency, due_date=today, gross_minor=note.gross_minor
    )  # fmt: skip
    books.post(
        f"document:{note.number}", books.legs_of(note, lines, adjustments, groups, _jurisdiction(invoice)), booked_on=today,
        customer=note.customer, currency=note.currency, document=note,
    )  # fmt: skip
    return note


def _lines(invoice: Document, credited: Mapping[str, Sums]) -> list[Line]:
    made = []
    for line in invoice.lines.all():
        sums = credited.get(creditable.line_key(line.position))
        if sums is not None:
            made.append(_line(invoice, line, sums))
    return made


def _line(invoice: Document, line: Line, sums: Sums) -> Line:
    """Of a whole line, its own quantity and price; of a part, one at that amount."""
    whole = sums.amount == line.amount_minor
    price = Decimal(f"{abs(sums.amount)}E-{minor_digits(invoice.currency)}")
    return Line(
        position=line.position, service=line.service, site=line.site, code=line.code, title=line.title,
        quantity=line.quantity if whole else Decimal(1 if sums.amount > 0 else -1), unit=line.unit if whole else "C62",
        unit_price=line.unit_price if whole else price, amount_minor=sums.amount, net_minor=sums.net, tax_minor=sums.tax,
        category=line.category, rate=line.rate, rule="credit", since=line.since, events=line.events if whole else [],
        words=f"Credits line {line.position} of {invoice.number}" + ("" if whole else ", a part"),
        inputs={"invoice": invoice.number, "line": line.position, "of_minor": line.amount_minor},
    )  # fmt: skip


def _adjustments(invoice: Document, credited: Mapping[str, Sums]) -> list[Adjustment]:
    found = ((each, credited.get(creditable.adjustment_key(each.position))) for each in invoice.adjustments.all())
    return [
        Adjustment(
            position=each.position, kind=each.kind, reason=each.reason, amount_minor=abs(sums.amount), net_minor=abs(sums.net),
            category=each.category, rate=each.rate,
        )
        for each, sums in found
        if sums is not None
    ]  # fmt: skip


def _groups(invoice: Document, credited: Mapping[str, Sums]) -> list[TaxGroup]:
    taxes = {item.key: item.tax for item in creditable.read_invoice(invoice).items}
    made = []
    for group in invoice.tax_groups.all():
        mine = [sums for key, sums in credited.items() if taxes[key] == creditable.tax_of(group)]
        if mine:
            sums = total(mine)
            made.append(
                TaxGroup(
                    position=group.position, category=group.category, rate=group.rate, base_minor=sums.net, tax_minor=sums.tax,
                    reason=group.reason,
                )
            )  # fmt: skip
    return made


def _jurisdiction(invoice: Document) -> str:
    return invoice.contract.jurisdiction.code if invoice.contract is not None else ""


def _digest(note: Document, *parts: list[Line] | list[Adjustment] | list[TaxGroup]) -> str:
    """Over everything that is priced and printed but the number and the day it was made."""
    left_out = {
        "id",
        "number",
        "series",
        "sequence",
        "state",
        "run",
        "digest",
        "created_at",
        "finalised_at",
        "document",
    }
    told = [
        {field.name: field.value_from_object(row) for field in row._meta.concrete_fields if field.name not in left_out}
        for row in (note, *(row for rows in parts for row in rows))
    ]
    return hashlib.sha256(json.dumps(told, cls=DjangoJSONEncoder, sort_keys=True).encode()).hexdigest()
