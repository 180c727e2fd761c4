"""Which periods of contracts are due in a run, and what of them was billed before. Three queries for any number of contracts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Q

from billing.due_periods import closing_periods, due_periods
from billing.models import BillingRun, Contract, Document, RunItem, Standing, Visit
from billing.periods import Cycle
from billing.proration import Period
from billing.serving import Span

OF_PERIODS = Q(kind=Document.Kind.INVOICE) | Q(credits=None)  # not those that credit another document


@dataclass(frozen=True)
class Stands:
    """A final document of a period, as the next one is compared with it. `gross_minor`: negative where it is a credit note."""

    id: UUID
    start: date
    gross_minor: int


@dataclass(frozen=True)
class History:
    """By contract: the first days of the periods that are billed, the documents that stand (by period), the periods' next
    generations where one was made void, and (of those that have an end) the days of visits that are on no final document."""

    billed: Mapping[int, Collection[date]]
    standing: Mapping[int, Sequence[Stands]]
    voided: Mapping[tuple[int, date], int]
    left: Mapping[int, Collection[date]] = field(default_factory=dict)

    def generation(self, contract_id: int, start: date) -> int:
        """Of the next document for that period."""
        return self.voided.get((contract_id, start), 0)


def history(contract_ids: Collection[int]) -> History:
    billed: dict[int, set[date]] = defaultdict(set)
    standing: dict[int, list[Stands]] = defaultdict(list)
    voided: dict[tuple[int, date], int] = {}
    final = Document.objects.filter(OF_PERIODS, contract__in=contract_ids, state=Document.State.FINAL)
    columns = ("id", "contract_id", "period_start", "generation", "kind", "gross_minor", "standing__state")
    for pk, contract, start, generation, kind, gross, state in final.order_by("period_start").values_list(*columns):
        if contract is None or start is None:
            continue
        if state == Standing.State.VOID:
            voided[contract, start] = max(voided.get((contract, start), 0), generation + 1)
        else:
            billed[contract].add(start)
            standing[contract].append(Stands(pk, start, -gross if kind == Document.Kind.CREDIT_NOTE else gross))
    nothing = RunItem.objects.filter(
        contract__in=contract_ids, state=RunItem.State.NOTHING, run__state=BillingRun.State.FINAL
    )
    for contract_id, first in nothing.values_list("contract_id", "period_start"):
        billed[contract_id].add(first)
    return History(billed, standing, voided, _left(contract_ids))


def _left(contract_ids: Collection[int]) -> Mapping[int, Collection[date]]:
    found: dict[int, set[date]] = defaultdict(set)
    free = Q(billed_on=None) | Q(billed_on__state=Document.State.DRAFT)
    visits = Visit.objects.filter(free, service__contract__in=contract_ids, service__contract__ends_on__isnull=False)
    for contract, day in visits.order_by().values_list("service__contract", "day").distinct():
        found[contract].add(day)
    return found


def span_of(contract: Contract) -> Span:
    """The days on which a contract is served."""
    return Span.agreed(contract.starts_on, contract.ends_on, contract.ends)  # type: ignore[arg-type]


def cycle_of(contract: Contract) -> Cycle:
    return Cycle(contract.every, contract.anchor)  # type: ignore[arg-type]


def due(contract: Contract, through: date, past: History) -> list[Period]:
    """With what is left when it has ended. No query."""
    when = cycle_of(contract), span_of(contract), through
    which: dict[str, Any] = {"bill_from": contract.bill_from, "billed": past.billed.get(contract.pk, ())}
    return due_periods(*when, **which) or closing_periods(*when, left=past.left.get(contract.pk, ()), **which)


def due_contracts(through: date) -> Sequence[int]:
    """Contracts that may have a period that is due, in the order of their codes: those that began by then. One query."""
    return list(Contract.objects.filter(starts_on__lt=through).order_by("code").values_list("pk", flat=True))


def due_keys(through: date) -> set[tuple[int, date]]:
    """All periods that are due: contract and first day. Four queries."""
    contracts = list(Contract.objects.filter(starts_on__lt=through))
    past = history([each.pk for each in contracts])
    return {(each.pk, period.start) for each in contracts for period in due(each, through, past)}
