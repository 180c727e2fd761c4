"""Which periods of a contract are due. Pure."""

from __future__ import annotations

from collections.abc import Container
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
