"""Cron against a brute-force oracle, on ordinary days and on the days the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from project.chaos.cron_oracle import clock_changes, fires_between
from queues.timetable import cron

ZONES = [
    "Europe/Berlin", "America/New_York", "Europe/London", "America/St_Johns", "Asia/Kolkata", "UTC",
    "Australia/Lord_Howe",  # half an hour
    "Pacific/Chatham",  # 45 minutes off the hour
    "Africa/Cairo",  # midnight does not exist
    "America/Havana",  # likewise, and midnight's hour happens twice
    "Antarctica/Troll",  # two hours
    "Africa/Casablanca",  # back and forth around Ramadan
]  # fmt: skip
MINUTES = ["*", "0", "30", "15,45", "*/20", "5-10", "59", "0,30", "10/25", "0-59"]
HOURS = ["*", "0", "1", "2", "3", "1,2", "*/2", "0-23", "1-3", "23", "2/6", "0,12"]
DAYS = ["*", "1", "L", "LW", "*/2", "1-7", "15,L", "25-31", "29"]
MONTHS = ["*", "3", "MAR-APR", "*/2", "10,11", "SEP,OCT"]
WEEKDAYS = ["*", "0", "7", "SUN", "1-5", "MON#1", "0L", "SAT,SUN", "5#5", "*/3", "0-7"]
expressions = st.tuples(*(st.sampled_from(part) for part in (MINUTES, HOURS, DAYS, MONTHS, WEEKDAYS))).map(" ".join)


def walked(expression: str, zone: str, start: datetime, end: datetime) -> list[datetime]:
    found, at = [], cron.next_after(expression, zone, start)
    while at is not None and at <= end:
        found.append(at)
        at = cron.next_after(expression, zone, at)
    return found


CHANGES = [(zone, change) for zone in ZONES for change in clock_changes(zone, 2026)]


def test_the_zones_of_these_tests_change_their_clocks() -> None:
    assert len(CHANGES) >= 20


@given(expression=expressions, where=st.sampled_from(CHANGES))
@settings(max_examples=300, deadline=None)
def test_fires_around_a_clock_change_are_the_oracle_s(expression: str, where: tuple[str, datetime]) -> None:
    zone, change = where
    start, end = change - timedelta(hours=26), change + timedelta(hours=26)
    assert walked(expression, zone, start, end) == fires_between(expression, zone, start, end)


@pytest.mark.parametrize(("zone", "change"), CHANGES)
def test_common_hours_on_every_clock_change_are_the_oracle_s(zone: str, change: datetime) -> None:
    start, end = change - timedelta(hours=8), change + timedelta(hours=28)
    for expression in ("30 2 * * *", "0 2,3 * * *", "*/10 2 * * *", "15 */2 * * *", "0 0 * * *", "*/5 0 * * *",
                       "30 * * * *", "0,30 1-3 * * *", "10 1 * * *", "*/30 */2 1-31 * *"):  # fmt: skip
        assert walked(expression, zone, start, end) == fires_between(expression, zone, start, end), expression


@given(expression=expressions, zone=st.sampled_from(ZONES), day=st.integers(0, 11))
@settings(max_examples=100, deadline=None)
def test_fires_on_ordinary_days_are_the_oracle_s(expression: str, zone: str, day: int) -> None:
    start = datetime(2027, 1, 1, 7, tzinfo=UTC) + timedelta(days=30 * day)
    end = start + timedelta(days=3)
    assert walked(expression, zone, start, end) == fires_between(expression, zone, start, end)


@given(expression=expressions, where=st.sampled_from(CHANGES), seconds=st.floats(-90_000, 90_000))
@settings(max_examples=150, deadline=None)
def test_the_next_fire_from_any_instant_is_the_oracle_s(
    expression: str, where: tuple[str, datetime], seconds: float
) -> None:
    zone, change = where
    instant = change + timedelta(seconds=seconds)
    minute = instant.replace(second=0, microsecond=0)
    end = minute + timedelta(hours=30)
    expected = [at for at in fires_between(expression, zone, minute, end) if at > instant]
    found = cron.next_after(expression, zone, instant)
    assert (found if found is not None and found <= end else None) == (expected[0] if expected else None)


def test_a_skipped_time_fires_at_the_end_of_the_gap() -> None:
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert cron.next_after("30 2 * * *", "Europe/Berlin", before) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def test_a_time_that_happens_twice_fires_the_first_time_only() -> None:
    once = walked(
        "30 2 * * *", "Europe/Berlin", datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 25, 12, tzinfo=UTC)
    )
    assert once == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC)]


def test_an_hourly_job_fires_in_both_passes_of_a_repeated_hour() -> None:
    fires = walked(
        "30 * * * *", "Europe/Berlin", datetime(2026, 10, 24, 23, 45, tzinfo=UTC), datetime(2026, 10, 25, 2, tzinfo=UTC)
    )
    assert fires == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)]


def test_the_twenty_ninth_of_february_is_found_years_ahead() -> None:
    assert cron.next_after("0 0 29 2 *", "Europe/Berlin", datetime(2096, 3, 1, tzinfo=UTC)) == datetime(
        2104, 2, 28, 23, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("", "five fields"),
        ("* * * *", "this one has 4"),
        ("0 * * * * *", "Seconds are not a field"),
        ("61 * * * *", "The minute '61' is not valid. It takes 0 to 59"),
        ("0 24 * * *", "The hour '24'"),
        ("0 0 32 * *", "The day of the month '32'"),
        ("0 0 * FOO *", "The month 'FOO'"),
        ("0 0 * * 8", "The day of the week '8'"),
        ("0 0 * * FRI-MON", "The day of the week"),
        ("*/0 * * * *", "The minute '*/0'"),
        ("*/90 * * * *", "steps further than the field is long"),
        ("5- * * * *", "The minute '5-'"),
        ("@daily", "Write @daily as five fields: 0 0 * * *"),
        ("0 0 30 2 *", "never fires"),
        ("0 0 31 4,6 *", "never fires"),
        ("0 0 */30 * 1#2", "never fires"),
        ("1" * 5000 + " * * * *", "at most 120 characters"),
        ("1" * 100 + " * * * *", "is not valid"),
        ("every day at five", "this one has 4"),
        ("a b c d e", "The minute 'a'"),
    ],
)
def test_a_wrong_expression_is_told_with_what_is_wrong(expression: str, told: str) -> None:
    with pytest.raises(cron.BadCron) as caught:
        cron.normalise(expression)
    assert told in str(caught.value)
    assert caught.value.permanent


@given(st.text(max_size=130) | expressions.map(lambda text: text.replace("*", "?")))
@settings(max_examples=300, deadline=None)
def test_no_text_whatever_breaks_the_parser(text: str) -> None:
    try:
        cron.normalise(text)
    except cron.BadCron as error:
        assert str(error)


@given(st.lists(st.text("0123456789*/-,#LW", min_size=1, max_size=8), min_size=5, max_size=5).map(" ".join))
@settings(max_examples=300, deadline=None)
def test_no_five_fields_break_the_parser_or_its_words(text: str) -> None:
    try:
        cron.normalise(text)
    except cron.BadCron as error:
        assert str(error)
    else:
        assert cron.in_words(text)


@given(expressions)
@settings(max_examples=200, deadline=None)
def test_every_valid_expression_has_words(expression: str) -> None:
    try:
        cron.normalise(expression)
    except cron.BadCron:
        return
    assert cron.in_words(expression)


def test_words_use_the_24_hour_clock() -> None:
    assert cron.in_words("30 17 * * 1-5") == "At 17:30, Monday through Friday"
    assert cron.in_words("*/5 * * * *") == "Every 5 minutes"


@pytest.mark.parametrize("name", ["Europe/Berlim", "", "Mars/Olympus", "../etc/passwd", "/etc/passwd", "Europe", "\0"])
def test_an_impossible_zone_is_told(name: str) -> None:
    with pytest.raises(cron.BadZone) as caught:
        cron.zone(name)
    assert "There is no time zone" in str(caught.value)


def test_a_misspelt_zone_is_answered_with_the_near_one() -> None:
    with pytest.raises(cron.BadZone, match="Did you mean Europe/Berlin"):
        cron.zone("Europe/Berlim")


def test_an_expression_that_only_matches_times_left_out_by_the_clock_change_never_fires() -> None:
    assert cron.next_after("* 1 * 3 0L", "Europe/London", datetime(2026, 1, 1, tzinfo=UTC)) is None
