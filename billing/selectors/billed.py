"""What final documents rest on, and may therefore not be changed behind them. Documents that were made void do not count."""

from __future__ import annotations

from datetime import date

from django.db.models import F, Max, Min, Q, QuerySet

from billing.models import Contract, Document, FuelIndex, PriceVersion, Standing, TaxRate


def standing() -> QuerySet[Document]:
    """Final documents of periods that are not void."""
    final = Document.objects.filter(state=Document.State.FINAL, contract__isnull=False, period_start__isnull=False)
    return final.exclude(standing__state=Standing.State.VOID).order_by()


def billed_until(contract: Contract) -> date | None:
    """The day after the last one that is on a final document of the contract."""
    found: date | None = standing().filter(contract=contract).aggregate(end=Max("period_end"))["end"]
    return found


def billed_with(version: PriceVersion) -> date | None:
    """The day after the last one that a final document was made for with this version; None: it is free."""
    services = Q(contract__services__price_list=version.price_list_id)
    served = Q(contract__services__starts_on__lt=F("period_end")) & (
        Q(contract__services__ends_on=None) | Q(contract__services__ends_on__gte=F("period_start"))
    )
    days = Q(period_end__gt=version.valid_from)
    if version.valid_until is not None:
        days &= Q(period_start__lt=version.valid_until)
    end: date | None = standing().filter(services & served & days).aggregate(end=Max("period_end"))["end"]
    return end if end is None or version.valid_until is None else min(end, version.valid_until)


def taxed_until(rate: TaxRate) -> date | None:
    """The last tax point of a final document that may have been taxed at this rate."""
    found = standing().filter(
        contract__jurisdiction=rate.jurisdiction_id, tax_point__gte=rate.valid_from,
        contract__services__price_list__tax_class=rate.tax_class,
    )  # fmt: skip
    if rate.valid_until is not None:
        found = found.filter(tax_point__lt=rate.valid_until)
    last: date | None = found.aggregate(last=Max("tax_point"))["last"]
    return last


def fuel_counted(index: FuelIndex) -> date | None:
    """The first day of the first period that is billed with this value of the index, or would have been had it been there."""
    later = FuelIndex.objects.filter(code=index.code, published_on__gt=index.published_on).exclude(pk=index.pk)
    until: date | None = later.aggregate(day=Min("published_on"))["day"]
    found = standing().filter(period_start__gte=index.published_on, lines__rule="fuel", lines__code=index.code)
    if until is not None:
        found = found.filter(period_start__lt=until)
    first: date | None = found.aggregate(first=Min("period_start"))["first"]
    return first
