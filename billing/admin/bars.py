"""Bars as SVG: what it was beside what it would be. Pure: no style attributes, so a strict content policy lets them through."""

from __future__ import annotations

from decimal import Decimal

from django.utils.html import format_html
from django.utils.safestring import SafeString

WIDTH, HEIGHT = 1000, 16


def pair(before: Decimal, after: Decimal, top: Decimal, *, title: str) -> SafeString:
    """Two bars, one below the other: grey what it was, coloured what it would be. `top` is the scale's end."""
    tone = "bi-up" if after > before else "bi-down" if after < before else "bi-same"
    return format_html(
        '<svg class="bi-pair" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}"><title>{}</title>'
        '<rect class="bi-before" x="0" y="0" width="{}" height="6"/><rect class="{}" x="0" y="8" width="{}" height="8"/></svg>',
        WIDTH, HEIGHT, title, title, _long(before, top), tone, _long(after, top),
    )  # fmt: skip


def swing(by: Decimal, top: Decimal, *, title: str) -> SafeString:
    """One bar from the middle: to the right what becomes dearer, to the left what becomes cheaper."""
    half = WIDTH // 2
    length = _long(by, top) // 2
    return format_html(
        '<svg class="bi-swing" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}"><title>{}</title>'
        '<rect class="bi-axis" x="{}" y="0" width="2" height="{}"/><rect class="{}" x="{}" y="3" width="{}" height="10"/></svg>',
        WIDTH, HEIGHT, title, title, half - 1, HEIGHT, "bi-up" if by > 0 else "bi-down", half if by > 0 else half - length, length,
    )  # fmt: skip


def _long(value: Decimal, top: Decimal) -> int:
    """In the drawing's units; what is not nothing is seen."""
    if not value or not top:
        return 0
    return max(4, int(WIDTH * min(abs(value), top) / top))
