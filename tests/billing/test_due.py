"""Which periods are due: over, served, after the first that is billed here, and not billed."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.due_periods import closing_periods, due_periods
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


# --- after the end ---------------------------------------------------------------------------------------------------

MARCH = date(2026, 3, 1)
LAST = {JANUARY, date(2026, 2, 1)}  # billed


def closing(
    *left: date, end: date = MARCH, through: date = date(2026, 7, 1), billed: set[date] = LAST, **more: object
) -> list[str]:
    found = closing_periods(MONTHLY, Span(JANUARY, end), through, left=left, billed=billed, **more)  # type: ignore[arg-type]
    return [str(each.start) for each in found]


def test_late_visits_of_an_ended_contract_have_the_first_period_after_its_end() -> None:
    late = date(2026, 1, 10), date(2026, 2, 10)
    assert closing(*late) == ["2026-03-01"] == closing(*late, through=date(2026, 4, 1))
    assert closing(*late, through=date(2026, 3, 31)) == [] == closing()
    assert closing(*late, end=date(2026, 2, 20)) == ["2026-03-01"]
    assert closing(*late, billed=LAST | {MARCH}) == ["2026-04-01"], "what comes later still has the next one"
    assert closing(*late, billed=set()) == [], "their own periods are due first"


def test_a_visit_after_the_end_is_told_in_its_own_period() -> None:
    assert closing(date(2026, 5, 5), date(2026, 5, 6)) == ["2026-05-01"]
    assert closing(date(2026, 5, 5), date(2026, 2, 1)) == ["2026-03-01", "2026-05-01"]
    assert closing(date(2026, 3, 5), billed=LAST | {MARCH}) == ["2026-04-01"], "it came after that was billed"
    assert closing(date(2026, 3, 5), bill_from=date(2026, 4, 1)) == []


@given(
    st.lists(st.dates(JANUARY, date(2026, 6, 30)), max_size=4), st.dates(date(2026, 1, 2), date(2026, 4, 30)),
    st.sets(st.sampled_from([date(2026, month, 1) for month in range(1, 7)])),
)  # fmt: skip
def test_no_visit_in_or_after_what_was_billed_is_left_without_a_period(
    left: list[date], end: date, billed: set[date]
) -> None:
    found = closing(*left, end=end, through=date(2026, 12, 1), billed=billed)
    assert not billed & {date.fromisoformat(start) for start in found}
    for day in left:
        own = day.replace(day=1)
        if own in billed:
            assert any(date.fromisoformat(start) > own for start in found)
        elif own >= end:
            assert str(own) in found
