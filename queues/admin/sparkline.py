"""A small line of figures as SVG. Pure: no style attributes, so a strict content policy lets it through."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import format_html
from django.utils.safestring import SafeString


def sparkline(
    values: Sequence[float], *, title: str, top: float | None = None, width: int = 120, height: int = 32
) -> SafeString:
    """`values` from old to new; `top` is the scale's upper end (the largest value unless given). Empty for fewer than two."""
    if len(values) < 2:
        return SafeString("")
    scale = max(top if top is not None else max(values), 1e-9)
    step = (width - 4) / (len(values) - 1)
    points = " ".join(
        f"{2 + i * step:.1f},{height - 3 - min(1.0, max(0.0, value / scale)) * (height - 6):.1f}"
        for i, value in enumerate(values)
    )
    return format_html(
        '<svg class="rm-spark" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}"><title>{}</title>'
        '<polyline points="{}"/></svg>',
        width, height, width, height, title, title, points,
    )  # fmt: skip
