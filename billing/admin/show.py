"""Small pieces of text and HTML of billing's pages: money, states, days, links. All escaped, no inline style."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing.admin.pieces import NONE, badge, last_day, link
from billing.models import BillingRun, Document, Payment, RunItem, Standing
from billing.money import minor_digits

__all__ = [
    "NONE", "amount", "badge", "cell", "change", "day", "document_link", "item_state", "last_day", "link", "maybe_page_of", "money", "page_of",
    "part", "period", "price", "run_state", "standing_state", "to_minor", "way", "when", "who_and_when",
]  # fmt: skip
DAY = "%-d %b %Y"
RUN_TONES = {"open": "info", "prepared": "warn", "approved": "info", "final": "ok", "discarded": "idle"}
ITEM_TONES = {
    "drafted": "info", "final": "ok", "nothing": "idle", "excluded": "idle", "set_aside": "bad", "sent_back": "warn",
}  # fmt: skip
STANDING_TONES = {"open": "warn", "part_paid": "warn", "paid": "ok", "void": "idle", "uncollectible": "bad"}
PAYMENT_TONES = {"pending": "info", "unknown": "warn", "succeeded": "ok", "failed": "bad"}


def amount(minor: int | None, currency: str) -> str:
    """As it is read: 1,234.50; as many decimals as the currency has."""
    if minor is None:
        return ""
    digits = minor_digits(currency)
    return f"{Decimal(minor).scaleb(-digits):,.{digits}f}"


def money(minor: int | None, currency: str) -> str:
    """With its currency: 1,234.50 EUR."""
    return f"{amount(minor, currency)} {currency}" if minor is not None else ""


def to_minor(value: Decimal, currency: str) -> int:
    """What somebody typed, in minor units. Raises ValueError where it has more decimals than the currency."""
    scaled = value.scaleb(minor_digits(currency))
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{currency} has {minor_digits(currency)} decimals.")
    return int(scaled)


def cell(minor: int | None, currency: str) -> SafeString:
    """In a column of a list; zero is greyed."""
    if not minor:
        return NONE
    return format_html('<span class="rm-figure rm-amount">{}</span>', money(minor, currency))


def change(percent: Decimal | None) -> str:
    """Against the period before: +12.5 %; empty where there is nothing to compare with."""
    return "" if percent is None else f"{percent:+,.1f} %".replace("-", "−")


def day(value: date | None) -> str:
    return value.strftime(DAY) if value is not None else ""


def period(start: date | None, end: date | None) -> str:
    """From its first to its last day; `end` is the day after it."""
    return f"{day(start)} – {last_day(end)}" if start is not None and end is not None else ""


def part(inputs: Mapping[str, Any], start: date | None, end: date | None) -> str:
    """The days that a line is for; empty where they are the whole period, or of another one. `end` is the day after it."""
    try:
        first, last = date.fromisoformat(str(inputs["from"])), date.fromisoformat(str(inputs["to"]))
    except (KeyError, ValueError):
        return ""
    if start is None or end is None or first < start or last >= end:
        return ""
    return "" if (first, last) == (start, end - timedelta(days=1)) else f"{day(first)} – {day(last)}"


def price(value: Decimal, currency: str) -> str:
    """Of one piece: 18.50, and 0.0125 where it has more decimals than the currency."""
    needed = max(minor_digits(currency), len(f"{value.normalize():f}".partition(".")[2]))
    return f"{value:,.{needed}f}"


def way(payment: Payment) -> str:
    """How the money came, in a word or two."""
    if payment.provider != "manual":
        return payment.provider.capitalize()
    return "Bank" if payment.key.startswith("bank:") else "By hand"


def when(at: datetime | None) -> SafeString:
    """A moment in the viewer's zone, its title in UTC; the page's script corrects it where the browser's differs."""
    if at is None:
        return NONE
    utc, local = at.astimezone(UTC), timezone.localtime(at)
    return format_html(
        '<time class="rm-time" datetime="{}" title="{} UTC">{}</time>',
        f"{utc:%Y-%m-%dT%H:%M:%SZ}", f"{utc:%Y-%m-%d %H:%M:%S}", f"{local:%-d %b %Y %H:%M:%S}",
    )  # fmt: skip


def who_and_when(who: str, at: datetime | None) -> SafeString:
    return NONE if at is None else format_html('{} <span class="rm-sub">{}</span>', who, when(at))


def run_state(run: BillingRun) -> SafeString:
    return badge(run.get_state_display(), RUN_TONES[run.state])


def item_state(item: RunItem) -> SafeString:
    return badge(item.get_state_display(), ITEM_TONES[item.state])


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


def page_of(model: str, pk: object) -> str:
    """The address of one row's page: page_of("document", 7)."""
    return reverse(f"admin:billing_{model}_change", args=[pk])


def maybe_page_of(model: str, pk: object) -> str:
    """The same, or nothing where that model has no pages in this house."""
    try:
        return page_of(model, pk)
    except NoReverseMatch:
        return ""


def document_link(document: Document | None) -> SafeString:
    if document is None:
        return NONE
    return format_html('<span class="rm-figure">{}</span>', link(page_of("document", document.pk), document))
