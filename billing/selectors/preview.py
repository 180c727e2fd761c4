"""A run before it is approved: what it comes to, what is excluded and why, and where every visit went. Constant numbers of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Case, Count, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Abs

from billing.models import BillingRun, RunItem, Visit

State = RunItem.State
EXCLUDED = (State.NOTHING, State.EXCLUDED, State.SET_ASIDE, State.SENT_BACK)
FIRST_SHOWN = (State.SET_ASIDE, State.SENT_BACK, State.EXCLUDED)


@dataclass(frozen=True)
class Excluded:
    """Periods that are not billed for one reason."""

    state: str
    reason: str
    many: int


@dataclass(frozen=True)
class Visits:
    """Visits before the run's day that were on no document before it. `excluded`: in its periods that are not billed. `elsewhere`: in
    no period of this run (not over yet, before the first that is billed, late where it changes nothing). `unresolved`: in a
    drafted period and not on the draft; they came after it: prepare again."""

    billed: int
    excluded: int
    elsewhere: int
    unresolved: int

    @property
    def expected(self) -> int:
        return self.billed + self.excluded + self.elsewhere + self.unresolved


def counts(run: BillingRun) -> Mapping[str, int]:
    """How many periods are in each state. One query."""
    return dict(run.items.order_by().values_list("state").annotate(many=Count("pk")))


def excluded(run: BillingRun) -> Sequence[Excluded]:
    """Why periods are not billed, the most frequent reason first. One query."""
    rows = run.items.filter(state__in=EXCLUDED).order_by().values_list("state", "reason").annotate(many=Count("pk"))
    return [Excluded(*row) for row in rows.order_by("-many", "state", "reason")]


def items(run: BillingRun, *, state: str = "", outliers: bool = False, search: str = "") -> QuerySet[RunItem]:
    """The run's periods with contract, customer, draft and the document before: what wants a look first. Page it; one query a page."""
    found = run.items.select_related("contract__customer", "document", "previous")
    if state:
        found = found.filter(state=state)
    if outliers:
        found = found.filter(outlier=True)
    if search:
        wanted = Q(contract__code__icontains=search) | Q(contract__customer__name__icontains=search)
        found = found.filter(wanted | Q(contract__customer__code__icontains=search))
    first = Case(
        When(state__in=FIRST_SHOWN, then=Value(0)),
        When(outlier=True, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return found.order_by(first, Abs("change_percent").desc(nulls_last=True), "contract__code", "period_start")


def outliers(run: BillingRun) -> int:
    return run.items.filter(outlier=True).count()


def visits(run: BillingRun) -> Visits:
    """Two queries."""
    period = RunItem.objects.filter(
        run=run,
        contract=OuterRef("service__contract"),
        period_start__lte=OuterRef("day"),
        period_end__gt=OuterRef("day"),
    )
    open_ones = Visit.objects.filter(billed_on=None, day__lt=run.through).order_by()
    found = dict(
        open_ones.annotate(state=Subquery(period.values("state")[:1])).values_list("state").annotate(many=Count("pk"))
    )
    return Visits(
        billed=Visit.objects.filter(billed_on__run=run).count(),
        excluded=sum(found.get(state, 0) for state in EXCLUDED),
        elsewhere=found.get(None, 0),
        unresolved=sum(found.get(state, 0) for state in (State.DRAFTED, State.FINAL)),
    )
