"""What proposed prices would have cost in a past month: its periods, with the facts that the billing run itself reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from django.db.models import Max, Q

from billing.models import Contract, PriceList
from billing.proration import Period
from billing.rating import Terms
from billing.selectors.billed import standing
from billing.selectors.due import cycle_of, history, span_of
from billing.selectors.facts import dossiers
from billing.selectors.published import published
from billing.what_if import Case, Comparison, compare


def what_if(price_list: PriceList, rules: Sequence[Any], month: date) -> Comparison:
    """`rules` in place of the list's versions, for every period whose last day is in the month. Nothing is stored.

    A constant number of queries, however many contracts there are.
    """
    return compare(_cases(price_list, Period(month.replace(day=1), _next(month))), rules)


def last_month(price_list: PriceList, today: date) -> date:
    """The first day of the month in which the list was billed last; else of the month before this one."""
    billed = standing().filter(contract__services__price_list=price_list).aggregate(end=Max("period_end"))["end"]
    day = date.fromordinal((billed or today.replace(day=1)).toordinal() - 1)
    return day.replace(day=1)


def _cases(price_list: PriceList, month: Period) -> Iterator[Case]:
    contracts = list(
        Contract.objects.filter(Q(ends_on=None) | Q(ends_on__gte=month.start), services__price_list=price_list, starts_on__lt=month.end)
        .select_related("customer", "jurisdiction").distinct().order_by("code")
    )  # fmt: skip
    periods = {each.pk: found for each in contracts if (found := _ending_in(each, month))}
    market = published()
    for dossier in dossiers(contracts, periods, history(list(periods)), home=price_list.currency):
        contract = dossier.contract
        for service in dossier.served.values():
            if service.price_list == price_list.code:
                for period in periods[contract.pk]:
                    yield Case(
                        contract.code, contract.customer.name, service, period, Terms(contract.currency, contract.parts),  # type: ignore[arg-type]
                        market.market(period.start),
                    )  # fmt: skip


def _ending_in(contract: Contract, month: Period) -> list[Period]:
    """The contract's periods, in which it is served, whose last day is in the month; the earliest first."""
    cycle, span = cycle_of(contract), span_of(contract)
    found, period = [], cycle.containing(month.start)
    while period.start < month.end:
        if month.start < period.end <= month.end and span.within(period) is not None:
            found.append(period)
        period = cycle.containing(period.end)
    return found


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)
