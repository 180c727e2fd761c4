"""What final documents rest on, for the rules about it (billing.kept_rules). Documents that were made void do not count, unless it is said."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

from django.db.models import F, Max, Min, Q, QuerySet

from billing import kept_rules
from billing.models import Contract, Coupon, Document, FuelIndex, PriceVersion, Standing, Visit
from billing.selectors.trade import chunks

Periods = Mapping[str, list[tuple[date, date]]]


def standing() -> QuerySet[Document]:
    """Final documents of periods that are not void."""
    final = Document.objects.filter(state=Document.State.FINAL, contract__isnull=False, period_start__isnull=False)
    return final.exclude(standing__state=Standing.State.VOID).order_by()


def billed_until(contract: Contract) -> date | None:
    """The day after the last one that is on a final document of the contract."""
    found: date | None = standing().filter(contract=contract).aggregate(end=Max("period_end"))["end"]
    return found


def services_until(services: Collection[str]) -> dict[str, date]:
    """Service → the day after the last one that is on a final document of its contract."""
    return {
        code: end
        for chunk in chunks(services)
        for code, end in standing()
        .filter(contract__services__code__in=chunk)
        .values("contract__services__code")
        .annotate(end=Max("period_end"))
        .values_list("contract__services__code", "end")
        if code in chunk
    }


def final_contracts(codes: Collection[str]) -> set[str]:
    """Those that have a final document, void or not."""
    found: set[str] = set()
    for chunk in chunks(codes):
        documents = Document.objects.filter(state=Document.State.FINAL, contract__code__in=chunk).order_by()
        found |= set(documents.values_list("contract__code", flat=True).distinct())
    return found


def billed_jurisdictions(codes: Collection[str]) -> set[str]:
    found: set[str] = set()
    for chunk in chunks(codes):
        documents = standing().filter(contract__jurisdiction__code__in=chunk)
        found |= set(documents.values_list("contract__jurisdiction__code", flat=True).distinct())
    return found


def billed_periods(price_lists: Collection[str]) -> Periods:
    """Price list → the periods (ends exclusive) of final documents of contracts that had a service on it then."""
    found: dict[str, list[tuple[date, date]]] = {code: [] for code in price_lists}
    served = Q(contract__services__starts_on__lt=F("period_end")) & (
        Q(contract__services__ends_on=None) | Q(contract__services__ends_on__gte=F("period_start"))
    )
    for chunk in chunks(price_lists):
        periods = (
            standing()
            .filter(served, contract__services__price_list__code__in=chunk)
            .values_list("contract__services__price_list__code", "period_start", "period_end")
        )
        for code, start, end in periods.distinct():
            if code in found and start is not None and end is not None:
                found[code].append((start, end))
    return found


def billed_with(version: PriceVersion) -> date | None:
    """The day after the last one that a final document was made for with this version; None: it is free."""
    code = version.price_list.code
    return kept_rules.billed_with((version.valid_from, version.valid_until), billed_periods({code})[code])


def used_coupons(codes: Collection[str]) -> set[str]:
    return {
        code
        for chunk in chunks(codes)
        for code in Coupon.objects.filter(code__in=chunk, used_on__isnull=False).values_list("code", flat=True)
    }


def visits_on_documents(codes: Collection[str]) -> dict[str, Document]:
    """Visit → the document it counts in, a draft or a final one."""
    found: dict[str, Document] = {}
    for chunk in chunks(codes):
        for visit in Visit.objects.filter(code__in=chunk, billed_on__isnull=False).select_related("billed_on__run"):
            assert visit.billed_on is not None
            found[visit.code] = visit.billed_on
    return found


def visit_outside(service: Q, first: date, end: date | None) -> tuple[str, date] | None:
    """One (code, day) that was to be on another day than from `first` up to but not including `end`."""
    outside = Q(day__lt=first) | (Q(day__gte=end) if end is not None else Q())
    return Visit.objects.filter(service, outside).order_by("day", "code").values_list("code", "day").first()


def taxed(jurisdiction: str, tax_class: str, since: date, until: date | None) -> date | None:
    """The last tax point of a final document that may have been taxed by a rate of these days."""
    found = standing().filter(
        contract__jurisdiction__code=jurisdiction, contract__services__price_list__tax_class=tax_class, tax_point__gte=since
    )  # fmt: skip
    if until is not None:
        found = found.filter(tax_point__lt=until)
    last: date | None = found.aggregate(last=Max("tax_point"))["last"]
    return last


def fuelled(code: str, published_on: date) -> date | None:
    """The first day of the first period that is billed with this value of the index, or would have been had it been there."""
    later = FuelIndex.objects.filter(code=code, published_on__gt=published_on).aggregate(day=Min("published_on"))["day"]
    found = standing().filter(period_start__gte=published_on, lines__rule="fuel", lines__code=code)
    if later is not None:
        found = found.filter(period_start__lt=later)
    first: date | None = found.aggregate(first=Min("period_start"))["first"]
    return first


def exchanged(base: str, quote: str, on: date) -> bool:
    """Whether a final document has the rate of that day. (It has it in itself; but where it came from stays to be seen.)"""
    pair = {base, quote}
    found = Document.objects.filter(state=Document.State.FINAL, exchange_on=on)
    return found.filter(currency__in=pair, exchange_currency__in=pair).exists()
