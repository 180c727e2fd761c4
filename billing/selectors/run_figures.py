"""A run in figures, for people: by charge code beside the period before, and how far documents moved. A constant number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import BigIntegerField, Case, Count, F, Max, Q, QuerySet, Sum, When

from billing.models import BillingRun, Document, Line, RunItem

NEAR = Decimal(5)  # percent: about the same


@dataclass(frozen=True)
class CodeFigure:
    """A charge code's net over the run's documents, and over those of the period before. Minor units."""

    currency: str
    code: str
    title: str
    now_minor: int
    before_minor: int

    @property
    def change_minor(self) -> int:
        return self.now_minor - self.before_minor


@dataclass(frozen=True)
class Moved:
    """How many documents changed so much since the period before."""

    label: str
    count: int
    outlier: bool


def by_code(run: BillingRun) -> list[CodeFigure]:
    """By currency, the largest charge first."""
    before = Line.objects.filter(document__in=run.items.filter(document__isnull=False).values("previous"))
    now = Line.objects.filter(document__run=run)
    found: dict[tuple[str, str], dict[str, Any]] = defaultdict(lambda: {"title": "", "now": 0, "before": 0})
    for when, lines in (("before", before), ("now", now)):
        for currency, code, title, net in _nets(lines):
            row = found[currency, code]
            row["title"], row[when] = title, net
    figures = [
        CodeFigure(currency, code, row["title"], row["now"], row["before"]) for (currency, code), row in found.items()
    ]
    return sorted(figures, key=lambda figure: (figure.currency, -abs(figure.now_minor), figure.code))


def _nets(lines: QuerySet[Line]) -> Iterator[tuple[str, str, str, int]]:
    """(currency, code, title, net); what stands on a credit note counts the other way about."""
    signed = Case(
        When(document__kind=Document.Kind.CREDIT_NOTE, then=-F("net_minor")),
        default=F("net_minor"),
        output_field=BigIntegerField(),
    )
    rows = lines.order_by().values("document__currency", "code").annotate(net=Sum(signed), title_=Max("title"))
    for row in rows:
        yield row["document__currency"], row["code"], row["title_"], int(row["net"])


def moved(run: BillingRun, limit: Decimal) -> list[Moved]:
    """In six classes; `limit` (percent) is where outliers begin. Those with nothing to compare with come last."""
    limit = max(limit, NEAR)
    told, near = f"{limit.normalize():f} %", f"{NEAR} %"
    classes = [
        (f"Fell by over {told}", Q(change_percent__lt=-limit), True),
        (f"Fell by up to {told}", Q(change_percent__gte=-limit, change_percent__lt=-NEAR), False),
        (f"Within {near}", Q(change_percent__gte=-NEAR, change_percent__lte=NEAR), False),
        (f"Rose by up to {told}", Q(change_percent__gt=NEAR, change_percent__lte=limit), False),
        (f"Rose by over {told}", Q(change_percent__gt=limit), True),
        ("New", Q(change_percent=None), False),
    ]
    drawn = run.items.filter(document__isnull=False)
    counts = drawn.aggregate(**{f"n{place}": Count("pk", filter=fits) for place, (_, fits, _) in enumerate(classes)})
    return [Moved(label, counts[f"n{place}"], out) for place, (label, _, out) in enumerate(classes)]


def states(run: BillingRun) -> dict[str, int]:
    """How many of its items are in which state; and under "outliers" those pointed out."""
    counted = run.items.order_by().values_list("state").annotate(n=Count("pk"))
    found = dict(counted)
    found["outliers"] = run.items.filter(outlier=True, document__isnull=False).count()
    return found


def items(run: BillingRun) -> QuerySet[RunItem]:
    """With all that a row of the preview tells."""
    return RunItem.objects.filter(run=run).select_related("contract__customer", "document", "previous")
