"""What was billed already, and must stay as it was billed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date

from django.db.models import Max, Min, Q, QuerySet

from billing.models import Contract, Coupon, Document, FuelIndex, Standing, Visit
from billing.selectors.trade import chunks


def final() -> QuerySet[Document]:
    """Final documents that are not void."""
    return Document.objects.filter(state=Document.State.FINAL).exclude(standing__state=Standing.State.VOID).order_by()


def visits_on_documents(codes: Collection[str]) -> dict[str, Document]:
    """Visit → the document it counts in, a draft or a final one."""
    found: dict[str, Document] = {}
    for chunk in chunks(codes):
        for visit in Visit.objects.filter(code__in=chunk, billed_on__isnull=False).select_related("billed_on__run"):
            assert visit.billed_on is not None
            found[visit.code] = visit.billed_on
    return found


def billed_contracts(codes: Collection[str]) -> set[str]:
    """Those that have a final document."""
    found: set[str] = set()
    for chunk in chunks(codes):
        found |= set(final().filter(contract__code__in=chunk).values_list("contract__code", flat=True).distinct())
    return found


def billed_days(price_lists: Collection[str]) -> dict[str, list[tuple[date, date]]]:
    """Price list → the periods (ends exclusive) of final documents of contracts that have a service on it."""
    found: dict[str, list[tuple[date, date]]] = {code: [] for code in price_lists}
    for chunk in chunks(price_lists):
        periods = (
            final()
            .filter(period_start__isnull=False, contract__services__price_list__code__in=chunk)
            .values_list("contract__services__price_list__code", "period_start", "period_end")
        )
        for code, start, end in periods.distinct():
            if code in found and start is not None and end is not None:
                found[code].append((start, end))
    return found


def used_coupons(codes: Collection[str]) -> set[str]:
    return {
        code
        for chunk in chunks(codes)
        for code in Coupon.objects.filter(code__in=chunk, used_on__isnull=False).values_list("code", flat=True)
    }


def billed_until(services: Collection[str]) -> dict[str, date]:
    """Service → the day after the last one that is on a final document of its contract."""
    return {
        code: end
        for chunk in chunks(services)
        for code, end in final()
        .filter(contract__services__code__in=chunk, period_end__isnull=False)
        .values("contract__services__code")
        .annotate(end=Max("period_end"))
        .values_list("contract__services__code", "end")
        if code in chunk
    }


def visit_outside(service: Q, first: date, end: date | None) -> Visit | None:
    """One that was to be on another day than from `first` up to but not including `end`."""
    outside = Q(day__lt=first) | (Q(day__gte=end) if end is not None else Q())
    return Visit.objects.filter(service, outside).order_by("day", "code").first()


def taxed(jurisdiction: str, tax_class: str, since: date, until: date | None) -> date | None:
    """The last tax point of a final document that may have been taxed by a rate of these days."""
    found = final().filter(
        contract__jurisdiction__code=jurisdiction,
        contract__services__price_list__tax_class=tax_class,
        tax_point__gte=since,
    )
    if until is not None:
        found = found.filter(tax_point__lt=until)
    last: date | None = found.aggregate(last=Max("tax_point"))["last"]
    return last


def fuelled(code: str, published_on: date) -> date | None:
    """The first day of a period that was billed by this value of the index, or would have been, had it been there."""
    later = FuelIndex.objects.filter(code=code, published_on__gt=published_on).aggregate(day=Min("published_on"))["day"]
    found = final().filter(period_start__gte=published_on, lines__rule="fuel", lines__code=code)
    if later is not None:
        found = found.filter(period_start__lt=later)
    first: date | None = found.aggregate(first=Min("period_start"))["first"]
    return first


def hold(contracts: Iterable[str]) -> None:
    """Nobody else drafts or changes these until the caller's transaction ends."""
    for chunk in chunks(set(contracts)):
        list(Contract.objects.filter(code__in=chunk).order_by("pk").select_for_update().values_list("pk"))
