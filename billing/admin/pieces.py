"""Small pieces shown on the pages of master data: amounts, days, badges, links. All escaped."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing.money import minor_digits

NONE = SafeString('<span class="rm-none">–</span>')


def badge(text: str, tone: str, title: str = "") -> SafeString:
    """`tone` is one of info, ok, warn, bad, idle."""
    return format_html('<span class="rm-badge rm-{}" title="{}">{}</span>', tone, title, text)


def link(url: str, text: object) -> SafeString:
    return format_html('<a class="rm-link" href="{}">{}</a>', url, text)


def day(value: date | None, none: str = "") -> str | SafeString:
    """As people write it: 1 Nov 2026."""
    if value is None:
        return format_html('<span class="rm-none">{}</span>', none) if none else NONE
    return f"{value:%-d %b %Y}"


def last_day(end: date) -> str:
    """Of what ends before `end`."""
    return f"{end - timedelta(days=1):%-d %b %Y}"


def money(minor: int, currency: str) -> str:
    """Minor units as they are read: 1,234.50 EUR."""
    digits = minor_digits(currency)
    return f"{Decimal(minor).scaleb(-digits):,.{digits}f} {currency}".replace("-", "−")


def amount(value: Decimal, currency: str, *, sign: bool = False) -> str:
    """An amount that is a number already."""
    return f"{value:{'+' if sign and value else ''},.{minor_digits(currency)}f} {currency}".replace("-", "−")


def maybe_url(name: str, *args: object, query: str = "") -> str:
    """The address of an admin page, or nothing where it is not mounted."""
    try:
        return reverse(f"admin:{name}", args=args) + (f"?{query}" if query else "")
    except NoReverseMatch:
        return ""


def figure(text: Any) -> SafeString:
    return format_html('<span class="rm-figure">{}</span>', text)
