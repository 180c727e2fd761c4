"""What is published for all, read once for a whole run. Three queries."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal

from billing.models import ExchangeRate, FuelIndex, TaxRate
from billing.published import Published, Rate
from billing.serving import Span
from billing.tax import Tax


def published() -> Published:
    fuel: dict[str, list[tuple[date, Decimal]]] = defaultdict(list)
    for code, on, value in FuelIndex.objects.order_by("published_on").values_list("code", "published_on", "value"):
        fuel[code].append((on, value))
    exchange: dict[tuple[str, str], list[tuple[date, Decimal]]] = defaultdict(list)
    for base, quote, on, rate in ExchangeRate.objects.order_by("on").values_list("base", "quote", "on", "rate"):
        exchange[base, quote].append((on, rate))
    taxes: dict[tuple[str, str], list[Rate]] = defaultdict(list)
    for row in TaxRate.objects.select_related("jurisdiction").order_by("valid_from"):
        tax = Tax(row.category, row.rate.normalize() + 0)  # type: ignore[arg-type]  # (one of the choices)
        taxes[row.jurisdiction.code, row.tax_class].append(Rate(Span(row.valid_from, row.valid_until), tax, row.reason))
    return Published(fuel, taxes, exchange)
