"""Intervals without drift, and what becomes of late fires under each policy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from project.chaos.cron_oracle import fires_between
from queues.timetable import misfire
from queues.timetable.misfire import GRACE, Plan
from queues.timetable.timing import Timing, latest, next_after, upcoming

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTELY = Timing("cron", NOON, cron="* * * * *")


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def outcomes(plan: Plan) -> list[tuple[datetime, str]]:
    return [(one.fire_at, one.outcome) for one in plan.fires]


@given(step=st.integers(1, 10_000_000), offset=st.integers(-(10**9), 10**9), micro=st.integers(0, 999_999))
def test_an_interval_never_drifts(step: int, offset: int, micro: int) -> None:
    after = NOON + timedelta(seconds=offset, microseconds=micro)
    found = next_after(Timing("interval", NOON, interval_s=step), after)
    assert found is not None and found > after and found >= NOON
    assert (found - NOON).total_seconds() % step == 0
    assert found == NOON or found - timedelta(seconds=step) <= after


def test_an_interval_fires_first_at_its_start() -> None:
    timing = Timing("interval", NOON, interval_s=900, starts_at=NOON)
    assert upcoming(timing, NOON - minutes(600), 3) == [NOON, NOON + minutes(15), NOON + minutes(30)]


def test_nothing_fires_outside_start_and_end() -> None:
    timing = Timing("cron", NOON, cron="0 * * * *", starts_at=NOON, ends_at=NOON + minutes(120))
    assert upcoming(timing, NOON - minutes(6000), 9) == [NOON, NOON + minutes(60), NOON + minutes(120)]


def test_a_start_in_the_last_year_there_is_never_fires() -> None:
    timing = Timing("cron", NOON, cron="0 0 1 1 *", starts_at=datetime(9999, 6, 1, tzinfo=UTC))
    assert next_after(timing, NOON) is None
    assert next_after(Timing("interval", NOON, interval_s=2**31 - 1, starts_at=timing.starts_at), NOON) is None


def test_once_fires_once() -> None:
    timing = Timing("once", NOON, run_at=NOON)
    assert upcoming(timing, NOON - minutes(1), 5) == [NOON]
    assert next_after(timing, NOON) is None


def test_a_fire_within_the_grace_always_runs() -> None:
    for policy in ("skip", "once", "all"):
        plan = misfire.plan(MINUTELY, policy, NOON, NOON + GRACE - minutes(0.1))
        assert outcomes(plan) == [(NOON, "fired")]
        assert plan.next_fire_at == NOON + minutes(1)


def test_nothing_is_planned_before_its_time() -> None:
    assert misfire.plan(MINUTELY, "all", NOON, NOON - minutes(1)) == Plan((), NOON)


def test_skip_records_late_fires_as_missed() -> None:
    plan = misfire.plan(MINUTELY, "skip", NOON, NOON + minutes(3.5))
    assert outcomes(plan) == [
        (NOON, "missed"), (NOON + minutes(1), "missed"), (NOON + minutes(2), "missed"), (NOON + minutes(3), "fired"),
    ]  # fmt: skip
    assert plan.next_fire_at == NOON + minutes(4)


def test_once_runs_the_last_of_the_late_fires() -> None:
    hourly = Timing("cron", NOON, cron="0 * * * *")
    plan = misfire.plan(hourly, "once", NOON, NOON + minutes(200))
    assert outcomes(plan) == [
        (NOON, "missed"),
        (NOON + minutes(60), "missed"),
        (NOON + minutes(120), "missed"),
        (NOON + minutes(180), "fired"),
    ]
    assert plan.fires[-1].note == "Caught up 20 min late."
    assert plan.next_fire_at == NOON + minutes(240)


def test_once_lets_a_punctual_fire_stand_for_the_late_ones() -> None:
    plan = misfire.plan(MINUTELY, "once", NOON, NOON + minutes(10.5))
    assert [one.fire_at for one in plan.fires if one.outcome == "fired"] == [NOON + minutes(10)]
    assert len(plan.fires) == 11


@pytest.mark.parametrize("policy", ["skip", "once"])
def test_a_long_outage_is_over_in_one_tick(policy: misfire.Policy) -> None:
    weekly = NOON + timedelta(days=400)
    plan = misfire.plan(MINUTELY, policy, NOON, weekly, limit=100)
    assert 100 <= len(plan.fires) <= 102
    assert f"until {weekly - minutes(2):%Y-%m-%d %H:%M}" in plan.fires[99].note
    assert plan.next_fire_at == weekly + minutes(1)
    assert [one.fire_at for one in plan.fires if one.outcome == "fired"][-1] == weekly


def test_all_goes_in_portions_and_misses_nothing() -> None:
    now, first, seen = NOON + minutes(250), NOON, []
    while first is not None and first <= now:
        plan = misfire.plan(MINUTELY, "all", first, now, limit=100)
        assert len(plan.fires) <= 100
        seen += outcomes(plan)
        first = plan.next_fire_at
    assert seen == [(NOON + minutes(k), "fired") for k in range(251)]


@given(
    expression=st.sampled_from(["*/7 * * * *", "30 2 * * *", "0 */2 * * *", "15,45 1-3 * * *"]),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    gaps=st.lists(st.integers(1, 700), min_size=1, max_size=12),
    policy=st.sampled_from(["skip", "once", "all"]),
    limit=st.integers(1, 40),
)
@settings(max_examples=120, deadline=None)
def test_whatever_the_outages_every_fire_is_considered_once(
    expression: str, zone: str, gaps: list[int], policy: misfire.Policy, limit: int
) -> None:
    start = datetime(2026, 10, 24, 6, tzinfo=UTC)
    timing = Timing("cron", start, cron=expression, timezone=zone)
    now, first, plans = start, next_after(timing, start), []
    for gap in gaps:
        now += minutes(gap)
        while first is not None and first <= now:
            plans.append((now, misfire.plan(timing, policy, first, now, limit)))
            first = plans[-1][1].next_fire_at
    seen = [one.fire_at for _, plan in plans for one in plan.fires]
    due = fires_between(expression, zone, start, now)
    assert seen == sorted(set(seen)), "a fire was considered twice"
    assert set(seen) <= set(due)
    punctual = {one.fire_at for at, plan in plans for one in plan.fires if at - one.fire_at <= GRACE}
    ran = {one.fire_at for _, plan in plans for one in plan.fires if one.outcome == "fired"}
    assert punctual <= ran
    if policy == "all":
        assert sorted(ran) == due
    elif policy == "skip":
        assert ran == punctual
    else:
        for at, plan in plans:
            late = [one for one in plan.fires if at - one.fire_at > GRACE]
            prompt = [one for one in plan.fires if at - one.fire_at <= GRACE]
            assert sum(one.outcome == "fired" for one in late) == (1 if late and not prompt else 0)


@given(
    back=st.integers(0, 60 * 24 * 500), step=st.sampled_from(["*/9 * * * *", "0 3 * * *", "0 0 1 * *", "0 0 29 2 *"])
)
@settings(max_examples=80, deadline=None)
def test_the_latest_fire_is_found_without_walking_through_all(back: int, step: str) -> None:
    timing = Timing("cron", NOON, cron=step)
    first = next_after(timing, NOON - minutes(back))
    assert first is not None
    until = max(first, NOON)
    found = latest(timing, first, until)
    following = next_after(timing, found)
    assert first <= found <= until
    assert following is None or following > until
