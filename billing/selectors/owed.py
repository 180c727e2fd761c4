"""What customers owe on their open invoices, by currency."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import F, Sum

from billing.models import Customer, Document, Seller, Standing

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


def currencies_of(customer: Customer) -> list[str]:
    """In which the customer may pay: those of contracts and of documents; the seller's, where there is none of these."""
    agreed = set(customer.contracts.values_list("currency", flat=True))
    billed = set(Standing.objects.filter(customer=customer).values_list("currency", flat=True))
    return sorted(agreed | billed) or list(Seller.objects.values_list("currency", flat=True)[:1])
