"""Which periods are due: over, served, after the first that is billed here, and not billed."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.due_periods import due_periods
from billing.periods import MONTHS, WEEKS, Cycle
from billing.serving import Span

JANUARY = date(2026, 1, 1)
MONTHLY = Cycle("month", JANUARY)


def starts(cycle: Cycle, span: Span, through: date, **more: object) -> list[str]:
    return [str(each.start) for each in due_periods(cycle, span, through, **more)]  # type: ignore[arg-type]


def test_a_period_is_due_on_the_day_after_its_last() -> None:
    span = Span(JANUARY)
    assert starts(MONTHLY, span, date(2026, 1, 31)) == []
    assert starts(MONTHLY, span, date(2026, 2, 1)) == ["2026-01-01"]
    assert starts(MONTHLY, span, date(2026, 3, 1), billed={JANUARY}) == ["2026-02-01"]


@pytest.mark.parametrize(
    ("bill_from", "first"),
    [(date(2026, 2, 1), "2026-02-01"), (date(2026, 2, 2), "2026-02-01"), (date(2026, 2, 28), "2026-02-01"), (date(2026, 3, 1), "2026-03-01")],
)  # fmt: skip
def test_periods_that_end_by_the_first_day_that_is_billed_are_not_due(bill_from: date, first: str) -> None:
    assert starts(MONTHLY, Span(JANUARY), date(2026, 5, 1), bill_from=bill_from)[0] == first


@pytest.mark.parametrize(
    ("end", "periods"), [(date(2026, 2, 1), 1), (date(2026, 2, 2), 2), (JANUARY, 0), (date(2025, 12, 1), 0)]
)
def test_a_period_without_a_day_that_is_served_is_not_due(end: date, periods: int) -> None:
    assert len(starts(MONTHLY, Span(JANUARY, end), date(2026, 6, 1))) == periods


def test_inclusive_ends_serve_their_last_day() -> None:
    last = date(2026, 2, 1)
    assert Span.agreed(JANUARY, last, "exclusive") == Span(JANUARY, last)
    assert Span.agreed(JANUARY, last, "inclusive") == Span(JANUARY, date(2026, 2, 2))
    assert last in Span.agreed(JANUARY, last, "inclusive") and last not in Span.agreed(JANUARY, last, "exclusive")


def test_anniversaries_of_the_31st_have_their_own_periods() -> None:
    assert starts(Cycle("month", date(2026, 1, 31)), Span(date(2026, 1, 31)), date(2026, 5, 1)) == [
        "2026-01-31", "2026-02-28", "2026-03-31",
    ]  # fmt: skip


EVERY = st.sampled_from([*WEEKS, *MONTHS])
DAYS = st.dates(date(2024, 1, 1), date(2027, 12, 31))


@given(EVERY, DAYS, DAYS, DAYS, DAYS)
def test_due_periods_follow_each_other_and_cover_what_is_served(
    every: str, anchor: date, start: date, end: date, through: date
) -> None:
    found = due_periods(Cycle(every, anchor), span := Span(start, end), through)  # type: ignore[arg-type]
    assert all(one.end == next_one.start for one, next_one in pairwise(found))
    assert all(each.end <= through and span.within(each) is not None for each in found)
    if found:
        assert found[0].start <= start, "the first day that is served is in the first"
