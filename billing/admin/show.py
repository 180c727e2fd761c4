"""How billing's rows are shown: their states, what they are for, how money came. The pieces themselves are in `pieces`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django.utils.safestring import SafeString

from billing.admin.pieces import NONE, badge, day, figure, link, page_at
from billing.models import BillingRun, Document, Payment, RunItem, Standing

RUN_TONES = {"open": "info", "prepared": "warn", "approved": "info", "final": "ok", "discarded": "idle"}
ITEM_TONES = {
    "drafted": "info", "final": "ok", "nothing": "idle", "excluded": "idle", "set_aside": "bad", "sent_back": "warn",
}  # fmt: skip
STANDING_TONES = {"open": "warn", "part_paid": "warn", "paid": "ok", "void": "idle", "uncollectible": "bad"}
PAYMENT_TONES = {"pending": "info", "unknown": "warn", "succeeded": "ok", "failed": "bad"}


def part(inputs: Mapping[str, Any], start: date | None, end: date | None) -> str:
    """The days that a line is for; empty where they are the whole period, or of another one. `end` is the day after it."""
    try:
        first, last = date.fromisoformat(str(inputs["from"])), date.fromisoformat(str(inputs["to"]))
    except (KeyError, ValueError):
        return ""
    if start is None or end is None or first < start or last >= end:
        return ""
    return "" if (first, last) == (start, end - timedelta(days=1)) else f"{day(first)} – {day(last)}"


def way(payment: Payment) -> str:
    """How the money came, in a word or two."""
    if payment.provider != "manual":
        return payment.provider.capitalize()
    return "Bank" if payment.key.startswith("bank:") else "By hand"


def run_state(run: BillingRun) -> SafeString:
    return badge(run.get_state_display(), RUN_TONES[run.state])


def item_state(item: RunItem) -> SafeString:
    return badge(item.get_state_display(), ITEM_TONES[item.state])


def payment_state(payment: Payment) -> SafeString:
    why = f"{payment.failure_code} {payment.failure}".strip()
    return badge(payment.get_state_display(), PAYMENT_TONES[payment.state], why)


def standing_state(standing: Standing, today: date) -> SafeString:
    """As people ask for it: an open one that is late is overdue; a credit note is no debt."""
    if standing.kind == Document.Kind.CREDIT_NOTE:
        left = standing.gross_minor - standing.credited_minor - standing.paid_minor
        return badge("Settled", "idle") if not left else badge("Credit left", "info")
    if standing.disputed:
        return badge("Disputed", "bad")
    if standing.state in (Standing.State.OPEN, Standing.State.PART_PAID) and standing.due_date < today:
        late = (today - standing.due_date).days
        return badge("Overdue", "bad", f"{late} day{'s' if late != 1 else ''} late")
    return badge(standing.get_state_display(), STANDING_TONES[standing.state])


def document_link(document: Document | None) -> SafeString:
    return NONE if document is None else figure(link(page_at("document", document.pk), document))
