"""What customers owe on their open invoices, by currency."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import F, Sum

from billing.models import Document, Standing

OPEN = (Standing.State.OPEN, Standing.State.PART_PAID)


def owed(customers: Collection[int]) -> dict[int, dict[str, int]]:
    """Customer → currency → minor units. One query; those who owe nothing are not in it."""
    rows = (
        Standing.objects.filter(customer__in=customers, kind=Document.Kind.INVOICE, state__in=OPEN)
        .values("customer", "currency")
        .annotate(owed=Sum(F("gross_minor") - F("credited_minor") - F("paid_minor") - F("written_off_minor")))
        .order_by("customer", "currency")
    )
    found: dict[int, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row["customer"], {})[row["currency"]] = row["owed"]
    return found
