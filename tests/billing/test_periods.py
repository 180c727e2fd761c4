"""Periods tile the time, whatever day they are anchored on."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.periods import MONTHS, WEEKS, Cycle, Every

DAYS = st.dates(date(1990, 1, 1), date(2090, 12, 31))
KINDS = st.sampled_from([*WEEKS, *MONTHS])


@given(KINDS, DAYS, DAYS)
def test_every_day_is_in_one_period_and_the_next_begins_where_it_ends(every: Every, anchor: date, day: date) -> None:
    cycle = Cycle(every, anchor)
    found = cycle.containing(day)
    assert found.start <= day < found.end
    assert cycle.containing(found.end).start == found.end
    assert cycle.containing(found.start - timedelta(days=1)).end == found.start
    assert cycle.containing(anchor).start == anchor


@pytest.mark.parametrize(
    ("every", "anchor", "starts"),
    [
        ("month", "2027-01-31", ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"]),
        ("month", "2028-01-30", ["2028-01-30", "2028-02-29", "2028-03-30"]),
        ("quarter", "2026-11-30", ["2026-11-30", "2027-02-28", "2027-05-30"]),
        ("year", "2028-02-29", ["2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]),
        ("two_weeks", "2026-12-28", ["2026-12-28", "2027-01-11"]),
    ],
)
def test_anniversaries_come_back_to_their_day(every: Every, anchor: str, starts: list[str]) -> None:
    cycle = Cycle(every, date.fromisoformat(anchor))
    assert [cycle.period(n).start.isoformat() for n in range(len(starts))] == starts
