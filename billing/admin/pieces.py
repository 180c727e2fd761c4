"""Small pieces of text and HTML on billing's pages: money, days, links, badges. All escaped; a negative amount bears a true minus."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing.amounts import minus
from billing.money import major, minor_digits


def missing(text: str) -> SafeString:
    """In the place of what is not there."""
    return format_html('<span class="rm-none">{}</span>', text)


NONE = missing("–")


def badge(text: str, tone: str, title: str = "") -> SafeString:
    """`tone` is one of info, ok, warn, bad, idle."""
    return format_html('<span class="rm-badge rm-{}" title="{}">{}</span>', tone, title, text)


def figure(text: Any) -> SafeString:
    return format_html('<span class="rm-figure">{}</span>', text)


# money


def amount(minor: int | None, currency: str) -> str:
    """Minor units as they are read: 1,234.50; as many decimals as the currency has."""
    return "" if minor is None else minus(f"{major(minor, currency):,.{minor_digits(currency)}f}")


def money(minor: int | None, currency: str) -> str:
    """With its currency: 1,234.50 EUR."""
    return "" if minor is None else f"{amount(minor, currency)} {currency}"


def decimal(value: Decimal, currency: str, *, sign: bool = False) -> str:
    """The same of what is not in minor units; `sign`: of a difference, +12.50 EUR."""
    return minus(f"{value:{'+' if sign and value else ''},.{minor_digits(currency)}f} {currency}")


def price(value: Decimal, currency: str) -> str:
    """Of one piece: 18.50, and 0.0125 where it has more decimals than the currency."""
    needed = max(minor_digits(currency), len(f"{value.normalize():f}".partition(".")[2]))
    return minus(f"{value:,.{needed}f}")


def change(percent: Decimal | None) -> str:
    """Against the period before: +12.5 %; empty where there is nothing to compare with."""
    return "" if percent is None else minus(f"{percent:+,.1f} %")


def cell(minor: int | None, currency: str) -> SafeString:
    """In a column of a list; zero is greyed."""
    if not minor:
        return NONE
    return format_html('<span class="rm-figure rm-amount">{}</span>', money(minor, currency))


# days


def day(value: date | None) -> str:
    """As people write it: 1 Nov 2026; nothing where there is none."""
    return f"{value:%-d %b %Y}" if value is not None else ""


def last_day(end: date | None) -> str:
    """Of what ends before `end`."""
    return day(end - timedelta(days=1)) if end is not None else ""


def period(start: date | None, end: date | None) -> str:
    """From its first to its last day; `end` is the day after it."""
    return f"{day(start)} – {last_day(end)}" if start is not None and end is not None else ""


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


# links


def link(url: str, text: object) -> SafeString:
    return format_html('<a class="rm-link" href="{}">{}</a>', url, text)


def url(page: str, *args: object, query: str = "") -> str:
    """The address of one of billing's pages: url("contract_add", query="customer=7")."""
    return reverse(f"admin:billing_{page}", args=args) + (f"?{query}" if query else "")


Button = tuple[str, str, str]  # address, label, class


def buttons(model: str, pk: object, verbs: Iterable[tuple[str, str, str]]) -> list[Button]:
    """Of a row's verbs: (verb, label, class)."""
    return [(url(f"{model}_{verb}", pk), label, css) for verb, label, css in verbs]


def page_at(model: str, pk: object) -> str:
    """Of one row's page: page_at("document", 7)."""
    return url(f"{model}_change", pk)


def page_of(row: Any) -> str:
    """The same of a row that is there."""
    return page_at(row._meta.model_name, row.pk)
