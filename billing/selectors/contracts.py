"""What a contract's page tells: its next periods, its documents, its services' patterns in words."""

from __future__ import annotations

from datetime import date, timedelta
from typing import cast

from django.db.models import QuerySet

from billing.models import Contract, Document, Service
from billing.periods import Cycle, Every
from billing.proration import Period
from billing.selectors.billed import billed_until

DAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
NTH = {1: "first", 2: "second", 3: "third", 4: "fourth", -1: "last"}


def next_periods(contract: Contract, many: int = 3) -> list[tuple[date, date]]:
    """The next periods that are to be billed: first and last day. Fewer where the contract ends."""
    cycle = Cycle(cast(Every, contract.every), contract.anchor)
    first = max(filter(None, (contract.starts_on, contract.bill_from, billed_until(contract))))
    end = contract.ends_on
    if end is not None and contract.ends == Contract.Ends.INCLUSIVE:
        end += timedelta(days=1)
    found: list[tuple[date, date]] = []
    period: Period = cycle.containing(first)
    while len(found) < many and (end is None or period.start < end):
        found.append((period.start, period.end - timedelta(days=1)))
        period = cycle.containing(period.end)
    return found


def documents_of(contract: Contract, many: int = 12) -> QuerySet[Document]:
    """The newest first, each with its standing."""
    return contract.documents.select_related("standing").order_by("-period_start", "-created_at")[:many]


def words_of(service: Service) -> str:
    """ "Mondays and Thursdays, every 2 weeks"; "the last Friday of the month"; "on call"."""
    if service.pattern == Service.Pattern.ON_CALL:
        return "on call"
    if service.pattern == Service.Pattern.MONTHLY:
        if service.month_day:
            return f"day {service.month_day} of the month"
        return f"the {NTH.get(service.nth or 1, '?')} {DAYS[(service.weekday or 0) % 7].removesuffix('s')} of the month"
    names = [DAYS[int(each)] for each in service.weekdays if each in "0123456"]
    days = " and ".join(filter(None, (", ".join(names[:-1]), names[-1] if names else "")))
    return f"{days}, every {service.interval} weeks" if service.interval > 1 else days
