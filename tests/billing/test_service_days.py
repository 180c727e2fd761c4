"""The days on which a service is due, and where holidays move them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import CannotPrice
from billing.service_days import Monthly, OnCall, Pattern, Shift, Weekly, due_days

DAYS = st.dates(date(2020, 1, 1), date(2040, 12, 31))
PATTERNS: st.SearchStrategy[Pattern] = st.one_of(
    st.builds(Weekly, st.frozensets(st.integers(0, 6), min_size=1), st.integers(1, 4), DAYS),
    st.builds(lambda day: Monthly(day=day), st.integers(1, 31)),
    st.builds(
        lambda nth, weekday: Monthly(nth=nth, weekday=weekday), st.sampled_from([1, 2, 3, 4, -1]), st.integers(0, 6)
    ),
)
SHIFTS: list[Shift] = ["none", "skip", "next_day", "day_before", "rest_of_week"]


def days(pattern: Pattern, start: str, end: str, *holidays: str, shift: Shift = "none") -> list[str]:
    found = due_days(
        pattern,
        date.fromisoformat(start),
        date.fromisoformat(end),
        {date.fromisoformat(each) for each in holidays},
        shift,
    )
    return [each.day.isoformat() for each in found]


def test_every_other_week_is_counted_from_the_anchors_week_over_the_turn_of_the_year() -> None:
    pattern = Weekly(frozenset({1, 4}), 2, date(2026, 12, 16))
    assert days(pattern, "2026-12-14", "2027-01-15") == [
        "2026-12-15", "2026-12-18", "2026-12-29", "2027-01-01", "2027-01-12", "2027-01-15"
    ][:-1]  # fmt: skip


def test_months_by_day_and_by_weekday() -> None:
    assert days(Monthly(day=31), "2027-01-01", "2027-05-01") == ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]
    assert days(Monthly(nth=1, weekday=0), "2026-11-01", "2027-01-01") == ["2026-11-02", "2026-12-07"]
    assert days(Monthly(nth=-1, weekday=4), "2026-10-01", "2026-12-01") == ["2026-10-30", "2026-11-27"]


def test_on_call_is_never_due_by_itself() -> None:
    assert days(OnCall(), "2026-01-01", "2027-01-01") == []


THANKSGIVING = ("2026-11-26",)
WEEK = Weekly(frozenset(range(7)))


@pytest.mark.parametrize(
    ("shift", "expected"),
    [
        ("none", ["26", "27"]),
        ("skip", ["27"]),
        ("next_day", ["27", "27"]),
        ("day_before", ["25", "27"]),
        ("rest_of_week", ["27", "28"]),
    ],
)
def test_a_holiday_on_thursday_moves_the_visits_as_agreed(shift: Shift, expected: list[str]) -> None:
    pattern = Weekly(frozenset({3, 4}))
    assert days(pattern, "2026-11-23", "2026-11-30", *THANKSGIVING, shift=shift) == [
        f"2026-11-{day}" for day in expected
    ]


def test_two_holidays_in_a_week_move_what_is_behind_them_by_two_days() -> None:
    pattern = Weekly(frozenset({0, 4}))
    assert days(pattern, "2026-12-21", "2026-12-28", "2026-12-24", "2026-12-25", shift="rest_of_week") == [
        "2026-12-21",
        "2026-12-27",
    ]


@given(
    PATTERNS,
    DAYS,
    st.integers(1, 120),
    st.integers(0, 120),
    st.frozensets(st.integers(-20, 140), max_size=8),
    st.sampled_from(SHIFTS),
)
def test_two_periods_have_together_what_the_whole_has(
    pattern: Pattern, start: date, length: int, split: int, off: frozenset[int], shift: Shift
) -> None:
    end, middle = start + timedelta(days=length), start + timedelta(days=min(split, length))
    holidays = {start + timedelta(days=each) for each in off}
    whole = due_days(pattern, start, end, holidays, shift)
    assert due_days(pattern, start, middle, holidays, shift) + due_days(pattern, middle, end, holidays, shift) == whole
    if shift in ("skip", "next_day", "day_before"):
        assert not any(each.day in holidays for each in whole)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Weekly(frozenset()),
        lambda: Weekly(frozenset({7})),
        lambda: Weekly(frozenset({0}), 0),
        lambda: Monthly(),
        lambda: Monthly(day=32),
        lambda: Monthly(day=1, weekday=0, nth=1),
        lambda: Monthly(nth=5, weekday=0),
        lambda: due_days(WEEK, date(2026, 1, 1), date(2026, 1, 2), {date(2025, 12, 18) + timedelta(days=n) for n in range(40)}, "next_day"),
    ],
)  # fmt: skip
def test_a_pattern_that_makes_no_sense_is_refused(make: Any) -> None:
    with pytest.raises(CannotPrice):
        make()
