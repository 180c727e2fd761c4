"""Figures as SVG, made on the server. Pure: classes and attributes only, so that a strict content policy lets them through.

Texts stand beside the drawings, in HTML, so that they are read aloud, found, and as large on a phone as elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

HEIGHT, WIDTH = 90, 20


def bar(now: int, before: int | None, top: int, *, title: str) -> SafeString:
    """One row of a bar chart: what it is, thick, over what it was, thin. `top` is the scale's end, in the same units."""
    scale = max(top, 1)
    was = SafeString("")
    if before is not None:
        was = format_html('<rect class="bi-was" x="0" y="9" width="{}" height="3"/>', _share(before, scale))
    return format_html(
        '<svg class="bi-bar" viewBox="0 0 1000 12" preserveAspectRatio="none" role="img" aria-label="{}"><title>{}</title>'
        '<rect class="bi-now{}" x="0" y="0" width="{}" height="8"/>{}</svg>',
        title, title, " bi-minus" if now < 0 else "", _share(now, scale), was,
    )  # fmt: skip


def parts(values: Sequence[tuple[int, str, str]]) -> SafeString:
    """One bar in parts: (value, class, title) each, which together are its whole length. Empty where there is nothing."""
    whole = sum(value for value, _, _ in values)
    if whole <= 0:
        return SafeString("")
    drawn, at = [], 0
    for value, css, title in values:
        width = 1000 * value // whole
        drawn.append((css, at, width, title))
        at += width
    inner = format_html_join("", '<rect class="{}" x="{}" y="0" width="{}" height="12"><title>{}</title></rect>', drawn)
    said = ", ".join(title for _, _, title in values)
    return format_html(
        '<svg class="bi-bar bi-parts" viewBox="0 0 1000 12" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        said,
        inner,
    )


def columns(series: Sequence[Sequence[int]], *, title: str, css: Sequence[str] = ("bi-now",)) -> SafeString:
    """Columns side by side: one group a place, one column a series (all of one length). Negative values count as nothing."""
    places = len(series[0]) if series else 0
    top = max((value for values in series for value in values), default=0)
    if not places or top <= 0:
        return SafeString("")
    each = WIDTH // len(series)
    drawn = []
    for n, values in enumerate(series):
        for place, value in enumerate(values):
            height = max(0, value) * HEIGHT // top
            height = max(height, 1) if value > 0 else 0
            drawn.append(
                (
                    css[n],
                    place * (WIDTH + 6) + 3 + n * each,
                    HEIGHT - height,
                    each - (1 if len(series) > 1 else 0),
                    height,
                )
            )
    inner = format_html_join("", '<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>', drawn)
    return format_html(
        '<svg class="bi-columns" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}"><title>{}</title>{}'
        '<line class="bi-base" x1="0" x2="{}" y1="{}" y2="{}"/></svg>',
        places * (WIDTH + 6), HEIGHT, title, title, inner, places * (WIDTH + 6), HEIGHT, HEIGHT,
    )  # fmt: skip


def _share(value: int, scale: int) -> int:
    """In thousandths of the scale; something is never drawn as nothing."""
    return max(1000 * min(abs(value), scale) // scale, 2) if value else 0
