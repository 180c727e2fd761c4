"""Which periods of a contract are due. Pure."""

from __future__ import annotations

from collections.abc import Collection, Container
from datetime import date

from billing.periods import Cycle
from billing.proration import Period
from billing.serving import Span


def due_periods(
    cycle: Cycle, span: Span, through: date, *, bill_from: date | None = None, billed: Container[date] = ()
) -> list[Period]:
    """Those that are over by `through`, have a day on which the contract is served, end after `bill_from`, and are not billed.

    `billed`: the first days of periods that are. The earliest first.
    """
    found: list[Period] = []
    if span.end is not None and span.end <= span.start:
        return found
    period = cycle.containing(span.start if bill_from is None else max(span.start, bill_from))
    while period.end <= through and (span.end is None or period.start < span.end):
        if period.start not in billed:
            found.append(period)
        period = cycle.containing(period.end)
    return found


def closing_periods(
    cycle: Cycle, span: Span, through: date, *, left: Collection[date], bill_from: date | None = None, billed: Container[date] = ()
) -> list[Period]:  # fmt: skip
    """Of a contract that has no period due: those after its end that are due for what is `left`, the days of visits on no document.

    Visits of billed periods come late into the first period after them and after the end that is not billed. A visit after the end makes
    its own period due, where it is told as a fault. The earliest first.
    """
    if span.end is None or span.end <= span.start:
        return []
    found = {cycle.containing(day) for day in left if cycle.containing(day).start >= span.end}
    late = [day for day in left if cycle.containing(day).start in billed]
    if late:
        period = cycle.containing(max(span.end, *late))
        while period.start in billed or period.start < span.end:
            period = cycle.containing(period.end)
        found.add(period)
    wanted = (each for each in found if each.end <= through and (bill_from is None or each.end > bill_from))
    return sorted((each for each in wanted if each.start not in billed), key=lambda each: each.start)
