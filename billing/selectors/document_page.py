"""All there is to tell of one document: its lines by place and service, the visits they rest on, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from django.db.models import Q

from billing.models import Allocation, Dispute, Document, Line, Payment, Refund, Reminder, Service, Visit


@dataclass(frozen=True)
class DerivedLine:
    """A line with the visits it rests on, as far as they are still there; `unknown`: their codes where they are not."""

    line: Line
    visits: list[Visit] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """The lines of one service. `service` is none for what is of the document as a whole."""

    code: str
    service: Service | None
    lines: list[DerivedLine]


@dataclass(frozen=True)
class Happening:
    """Something that became of it: when, how bad, in words, and of what row (model, key)."""

    at: datetime
    tone: str
    title: str
    note: str = ""
    minor: int | None = None
    row: tuple[str, object] | None = None


def places(document: Document) -> list[Place]:
    """Its lines in their order, by service; three queries."""
    lines = list(document.lines.all())
    wanted = {str(event) for line in lines for event in line.events}
    visits = {v.code: v for v in Visit.objects.filter(code__in=wanted).select_related("ticket")} if wanted else {}
    codes = {line.service for line in lines if line.service}
    services = {s.code: s for s in Service.objects.filter(code__in=codes).select_related("site")}
    return [
        Place(code, services.get(code), [_derived(line, visits) for line in group])
        for code, group in groupby(lines, key=lambda line: line.service)
    ]


def _derived(line: Line, visits: dict[str, Visit]) -> DerivedLine:
    events = [str(event) for event in line.events]
    found = [visits[event] for event in events if event in visits]
    return DerivedLine(line, found, [event for event in events if event not in visits])


def happenings(document: Document) -> list[Happening]:
    """In the order of time."""
    told = [Happening(document.created_at, "info", "Drafted", f"in run {document.run}" if document.run_id else "")]
    if document.finalised_at is not None:
        told.append(Happening(document.finalised_at, "ok", "Made final", document.number or ""))
    told += _credits(document.credit_notes.all())
    told += _allocations(document)
    told += _payments(document)
    told += _booked(document)
    told += [
        Happening(each.at, "warn", each.title, each.outcome, each.balance_minor)
        for each in Reminder.objects.filter(document=document)
    ]
    return sorted(told, key=lambda each: each.at)


def _credits(notes: Iterable[Document]) -> list[Happening]:
    return [
        Happening(note.finalised_at or note.created_at, "info", f"Credited by {note}", note.reason, note.gross_minor, ("document", note.pk))
        for note in notes
    ]  # fmt: skip


def _allocations(document: Document) -> list[Happening]:
    made = Allocation.objects.filter(Q(document=document) | Q(credit_note=document))
    told = []
    for each in made.select_related("payment", "credit_note", "document"):
        if each.payment is not None:
            what, row = each.payment.reference or "a payment without a reference", ("payment", each.payment_id)
        elif each.credit_note_id == document.pk:
            what, row = str(each.document), ("document", each.document_id)
        else:
            what, row = str(each.credit_note), ("document", each.credit_note_id)
        title = "Set against it" if each.amount_minor > 0 else "Taken off it again"
        told.append(
            Happening(each.at, "ok" if each.amount_minor > 0 else "warn", title, what, abs(each.amount_minor), row)
        )
    return told


def _booked(document: Document) -> list[Happening]:
    """What is told by the journal alone: what of an invoice was written off and taken back, what of a credit note was paid out."""
    titles = {"write_off": ("bad", "Written off"), "recovery": ("warn", "Write-off taken back")}
    if document.kind == Document.Kind.CREDIT_NOTE:
        titles["refund"] = ("ok", "Paid out")
    kinds = [(entry, entry.posting.partition(":")[0]) for entry in document.entries.all()]
    return [
        Happening(entry.at, *titles[kind], entry.words, entry.amount_minor) for entry, kind in kinds if kind in titles
    ]


def _payments(document: Document) -> list[Happening]:
    """What failed or is not settled, what went back, and disputes: of payments that were for it or are set against it."""
    about = payments(document)
    tones = {"failed": "bad", "unknown": "warn", "pending": "info", "succeeded": "ok"}
    told = [
        Happening(pay.created_at, tones[pay.state], f"Charge: {pay.get_state_display().lower()}", pay.failure, pay.amount_minor, ("payment", pay.pk))
        for pay in about if pay.document_id == document.pk and pay.state != Payment.State.SUCCEEDED
    ]  # fmt: skip
    keys = [pay.pk for pay in about]
    for refund in Refund.objects.filter(payment__in=keys):
        title = f"Refund: {refund.get_state_display().lower()}"
        told.append(
            Happening(refund.created_at, "warn", title, refund.why, refund.amount_minor, ("payment", refund.payment_id))
        )
    for dispute in Dispute.objects.filter(payment__in=keys):
        title = f"Disputed ({dispute.get_state_display().lower()})"
        told.append(
            Happening(dispute.opened_at, "bad", title, dispute.reason, dispute.amount_minor, ("dispute", dispute.pk))
        )
    return told


def payments(document: Document) -> Sequence[Payment]:
    """That were made for it, or are set against it."""
    about = Q(document=document) | Q(allocations__document=document)
    return list(Payment.objects.filter(about).distinct().order_by("created_at"))
