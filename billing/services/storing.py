"""What became of periods goes into the database, together: drafts with their lines, the run's items, visits and coupons."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import chain
from uuid import UUID

from billing.models import Adjustment, BillingRun, Contract, Coupon, Document, Line, RunItem, TaxGroup, Visit
from billing.proration import Period
from billing.selectors.changes import Change
from billing.services.sheets import Sheet

Key = tuple[int, date]  # contract and first day of the period
UPDATED = ["period_end", "state", "reason", "document", "previous", "change_percent", "outlier", "why"]


@dataclass
class Result:
    """What became of one period. `visits` and `coupons`: ids of those on the draft. `same`: it is stored already."""

    contract: Contract
    period: Period
    state: str
    reason: str = ""
    sheet: Sheet | None = None
    visits: Sequence[int] = ()
    coupons: Sequence[int] = ()
    change: Change = field(default_factory=lambda: Change(why=[]))
    same: bool = False

    @property
    def key(self) -> Key:
        return self.contract.pk, self.period.start


def store(
    run: BillingRun, results: Sequence[Result], items: Mapping[Key, RunItem], kept: Collection[Key], *, outlier_percent: Decimal
) -> None:  # fmt: skip
    """`items`: those there were; one that is neither among the results nor `kept` is not due any more, and goes with its draft."""
    drafted = [each.sheet for each in results if each.sheet is not None]
    same = {each.sheet.document.pk for each in results if each.sheet is not None and each.same}
    stale = [
        item
        for key, item in items.items()
        if key not in kept and item.document is not None and item.document.pk not in same
    ]
    if stale:
        Document.objects.filter(pk__in=[item.document_id for item in stale]).delete()
    new = [each for each in drafted if each.document.pk not in same]
    Document.objects.bulk_create([each.document for each in new])
    Line.objects.bulk_create(chain.from_iterable(each.lines for each in new))
    Adjustment.objects.bulk_create(chain.from_iterable(each.adjustments for each in new))
    TaxGroup.objects.bulk_create(chain.from_iterable(each.tax_groups for each in new))
    gone = items.keys() - {each.key for each in results} - set(kept)
    RunItem.objects.filter(pk__in=[items[key].pk for key in gone]).delete()
    RunItem.objects.bulk_create(
        [_item(run, each, outlier_percent) for each in results],
        update_conflicts=True, unique_fields=["run", "contract", "period_start"], update_fields=UPDATED,
    )  # fmt: skip
    _mark(Visit, "billed_on", {each.sheet.document.pk: each.visits for each in results if each.sheet is not None}, same)
    _mark(Coupon, "used_on", {each.sheet.document.pk: each.coupons for each in results if each.sheet is not None}, same)


def _item(run: BillingRun, result: Result, outlier_percent: Decimal) -> RunItem:
    return RunItem(
        run=run, contract=result.contract, period_start=result.period.start, period_end=result.period.end, state=result.state,
        reason=result.reason, document=result.sheet.document if result.sheet else None, previous_id=result.change.previous,
        change_percent=result.change.percent, outlier=result.change.beyond(outlier_percent), why=list(result.change.why),
    )  # fmt: skip


def _mark(
    model: type[Visit] | type[Coupon], column: str, wanted: Mapping[UUID, Sequence[int]], same: Collection[UUID]
) -> None:
    """Each row says which document it is on. Documents that are the same may have lost some: a visit of no charge, mended."""
    there: dict[UUID, set[int]] = {}
    if same:
        rows = model.objects.filter(**{f"{column}__in": same}).values_list(f"{column}_id", "pk")
        for document, pk in rows:
            there.setdefault(document, set()).add(pk)
    for document, ids in wanted.items():
        have = there.get(document, set())
        if lost := have - set(ids):
            model.objects.filter(pk__in=lost).update(**{column: None})
        if new := set(ids) - have:
            model.objects.filter(pk__in=new).update(**{f"{column}_id": document})
