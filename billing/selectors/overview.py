"""Billing at a glance: what was invoiced, credited and collected month by month, what is open and what is overdue. By currency."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from django.db.models import BigIntegerField, Case, Count, F, Q, Sum, When
from django.db.models.functions import TruncMonth

from billing.models import BankLine, BillingRun, Dispute, Document, Payment, ProviderEvent, Standing

OWED = Q(kind="invoice", state__in=("open", "part_paid"))
MONTHS = 12


@dataclass
class Money:
    """One currency; minor units. `invoiced` (less credit notes) and `collected` month by month, the last one is this month."""

    currency: str
    open_minor: int = 0
    open_count: int = 0
    overdue_minor: int = 0
    overdue_count: int = 0
    invoiced: list[int] = field(default_factory=lambda: [0] * MONTHS)
    collected: list[int] = field(default_factory=lambda: [0] * MONTHS)


@dataclass(frozen=True)
class ToDo:
    """What waits for somebody: how many of which."""

    runs: list[BillingRun]
    bank_lines: int
    disputes: int
    unknown: int
    events: int


def months(today: date) -> list[date]:
    """The first days of the last twelve, this one last."""
    last = today.year * 12 + today.month - 1
    return [date(place // 12, place % 12 + 1, 1) for place in range(last - MONTHS + 1, last + 1)]


def money(today: date) -> list[Money]:
    """In which most was invoiced first. Three queries."""
    found: dict[str, Money] = {}
    places = {month: place for place, month in enumerate(months(today))}
    first = min(places)

    def of(currency: str) -> Money:
        return found.setdefault(currency, Money(currency))

    balance = F("gross_minor") - F("credited_minor") - F("paid_minor") - F("written_off_minor")
    late = Q(due_date__lt=today)
    for row in (
        Standing.objects.filter(OWED).order_by().values("currency")
        .annotate(sum=Sum(balance), n=Count("pk"), late=Sum(balance, filter=late), n_late=Count("pk", filter=late))
    ):  # fmt: skip
        each = of(row["currency"])
        each.open_minor, each.open_count = int(row["sum"] or 0), row["n"]
        each.overdue_minor, each.overdue_count = int(row["late"] or 0), row["n_late"]
    signed = Case(
        When(kind="credit_note", then=-F("gross_minor")), default=F("gross_minor"), output_field=BigIntegerField()
    )
    issued = Document.objects.filter(state="final", issue_date__gte=first).order_by()
    for currency, month, amount in issued.values_list("currency", TruncMonth("issue_date")).annotate(sum=Sum(signed)):
        if month in places:
            of(currency).invoiced[places[month]] += int(amount)
    had = Payment.objects.filter(state="succeeded", received_on__gte=first).order_by()
    left = F("amount_minor") - F("refunded_minor")
    for currency, month, amount in had.values_list("currency", TruncMonth("received_on")).annotate(sum=Sum(left)):
        if month in places:
            of(currency).collected[places[month]] += int(amount)
    return sorted(found.values(), key=lambda each: (-sum(each.invoiced), each.currency))


def to_do() -> ToDo:
    waiting = (BillingRun.State.OPEN, BillingRun.State.PREPARED, BillingRun.State.APPROVED)
    return ToDo(
        runs=list(BillingRun.objects.filter(state__in=waiting)[:5]),
        bank_lines=BankLine.objects.filter(state=BankLine.State.UNMATCHED).count(),
        disputes=Dispute.objects.filter(state="open").count(),
        unknown=Payment.objects.filter(state="unknown").count(),
        events=ProviderEvent.objects.filter(applied_at=None).exclude(error="").count(),
    )
