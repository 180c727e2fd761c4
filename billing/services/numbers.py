"""Numbers of documents: one after the other without gaps, given in the transaction that makes the document final."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import F

from billing.models import Document, Series

SERIES = {Document.Kind.INVOICE: ("invoices", "INV-"), Document.Kind.CREDIT_NOTE: ("credits", "CN-")}


@dataclass(frozen=True)
class Number:
    series: Series
    sequence: int
    text: str


def next_number(kind: str) -> Number:
    """The next one of the kind's series."""
    return next_numbers(kind, 1)[0]


def next_numbers(kind: str, count: int) -> list[Number]:
    """The next ones of the kind's series, which stays locked until the transaction ends: who rolls back gives them back."""
    code, prefix = SERIES[Document.Kind(kind)]
    series = Series.objects.select_for_update().filter(code=code).first()
    if series is None:
        Series.objects.get_or_create(code=code, defaults={"prefix": prefix})
        series = Series.objects.select_for_update().get(code=code)
    Series.objects.filter(pk=series.pk).update(next_number=F("next_number") + count)
    first = series.next_number
    return [Number(series, each, f"{series.prefix}{each:0{series.digits}}") for each in range(first, first + count)]
