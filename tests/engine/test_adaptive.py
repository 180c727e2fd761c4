"""The limit finds what a provider can take, keeps within its bounds, and is not led astray by what is not load."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queues import catalogue
from queues.engine.adaptive import IDLE_S, Adaptive, Limits
from queues.ledger import states
from queues.ledger.facts import Claim, Ending

from .provider_model import Provider, best_rate, work

MOST = 50
SETTLED_S, END_S = 20, 120
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def always(value: float) -> Callable[[float], float]:
    return lambda now_s: value


@pytest.mark.parametrize("capacity", [10, 25])
@pytest.mark.parametrize(("kind", "share"), [("queues", 0.93), ("refuses", 0.93), ("collapses", 0.85)])
def test_it_settles_near_what_the_provider_can_take(kind: Any, capacity: int, share: float) -> None:
    provider = Provider(kind, always(capacity))
    best = best_rate(provider, range(capacity // 2, capacity * 2))
    for seed in range(3):
        told = work(provider, Adaptive(MOST), END_S, seed=seed)
        assert 0.85 * capacity <= told.mean(SETTLED_S, END_S) <= 1.35 * capacity
        assert told.rate(SETTLED_S, END_S) >= share * best
        assert min(told.between(SETTLED_S, END_S)) > 1, "it swings down to one"


def test_a_provider_with_room_is_used_to_the_full() -> None:
    told = work(Provider("queues", always(100)), Adaptive(MOST), 60)
    assert told.rate(5, 60) >= 0.97 * work(Provider("queues", always(100)), MOST, 60).rate(5, 60)


def test_while_the_provider_is_away_one_call_at_a_time_asks_and_all_is_well_soon_after() -> None:
    provider = Provider("refuses", lambda now_s: 0 if 40 <= now_s < 100 else 20)
    told = work(provider, Adaptive(MOST), 140)
    assert max(told.between(50, 99)) == 1
    assert told.mean(115, 140) >= 0.85 * 20
    assert told.rate(115, 140) >= 0.85 * told.rate(20, 40)


def test_half_of_what_there_was_is_back_in_a_few_windows() -> None:
    provider = Provider("queues", lambda now_s: 0 if 40 <= now_s < 60 else 100)
    told = work(provider, Adaptive(MOST), 70)
    assert max(told.between(60, 68)) >= MOST / 2


def test_a_provider_that_shrinks_and_recovers_is_followed() -> None:
    provider = Provider("queues", lambda now_s: 8 if 60 <= now_s < 120 else 20)
    told = work(provider, Adaptive(MOST), 240)
    assert told.mean(80, 120) <= 1.5 * 8
    assert told.rate(80, 120) >= 0.85 * 8 / 0.21
    assert told.rate(180, 240) >= 0.85 * told.rate(20, 60)


def test_jobs_that_have_become_longer_for_their_own_reasons_keep_their_slots() -> None:
    told = work(Provider("queues", always(100), usual_s=lambda now_s: 0.2 if now_s < 60 else 0.7), Adaptive(MOST), 180)
    assert told.mean(80, 180) >= 0.9 * MOST


def test_failures_that_come_by_chance_take_no_slots_away() -> None:
    told = work(Provider("queues", always(100), failing=0.05), Adaptive(MOST), 120)
    assert told.mean(10, 120) >= 0.9 * MOST


def test_jobs_of_all_durations_keep_most_of_their_slots() -> None:
    provider = Provider("queues", always(100), spread=1.0)
    means = [work(provider, Adaptive(MOST), 180, seed=seed).mean(10, 180) for seed in range(4)]
    assert sum(means) / len(means) >= 0.65 * MOST


def test_jobs_of_twenty_seconds_keep_their_slots() -> None:
    told = work(Provider("queues", always(100), usual_s=always(20)), Adaptive(10), 1800)
    assert told.mean(0, 1800) >= 0.9 * 10


def test_a_queue_that_turns_to_longer_jobs_has_not_become_slower() -> None:
    limit, now_s = Adaptive(10), 0.0
    for turn in range(400):
        now_s += 0.1
        short = turn < 200 or turn % 10 == 0
        limit.heard(0.1 if short else 2.0, False, now_s, "short" if short else "long")
        if turn > 40:
            assert limit.allowed(now_s) in (10, 5)  # five: half the load, on trial
    assert limit.allowed(now_s) == 10


def test_a_queue_that_is_lowered_to_one_slot_in_mid_trial_has_one() -> None:
    limit, now_s = Adaptive(2), 0.0
    while limit.allowed(now_s) == 2:
        limit.heard(0.2, False, now_s := now_s + 0.1)
    limit.bound(1)
    limit.heard(0.05, False, now_s := now_s + 0.1)
    assert limit.allowed(now_s) == 1


def test_a_trial_ends_also_where_every_run_fails() -> None:
    limit, now_s = Adaptive(8), 0.0
    while limit.allowed(now_s) == 8:
        limit.heard(0.2, False, now_s := now_s + 0.03)
    for _ in range(60):
        limit.heard(0.2, False, now_s := now_s + 0.06, timed=False)
    assert limit.allowed(now_s) == 8


def test_a_growth_step_is_taken_only_where_what_is_allowed_is_used() -> None:
    limit = Adaptive(MOST)
    for step in range(40):
        limit.heard(0.02, True, step * 0.03)
    low = limit.allowed(2.0)
    for step in range(400):
        limit.heard(0.1, False, 3.0 + step)  # a tenth of one slot
    assert low < 10 and limit.allowed(403.0) == low


def test_what_began_before_a_fall_does_not_bring_another() -> None:
    limit = Adaptive(MOST)
    for _ in range(MOST):
        limit.heard(30.0, True, 30.0)
    once = limit.allowed(30.0)
    for late in range(200):
        limit.heard(30.0 + late * 0.01, True, 30.0 + late * 0.01)
    assert once < MOST and limit.allowed(32.0) == once


def test_where_it_has_stood_at_its_most_for_long_a_fall_is_felt_at_once() -> None:
    limit, now_s = Adaptive(4), 0.0
    for _ in range(3):
        limit.heard(0.02, True, now_s := now_s + 0.03)
    for _ in range(2000):
        limit.heard(0.4, False, now_s := now_s + 0.1)
    assert limit.allowed(now_s) == 4
    for _ in range(3):
        limit.heard(0.02, True, now_s := now_s + 0.03)
    assert limit.allowed(now_s) < 4


def test_after_a_long_silence_nothing_is_held_against_the_provider() -> None:
    limit = Adaptive(MOST)
    for step in range(40):
        limit.heard(0.02, True, step * 0.03)
    assert limit.allowed(60.0) < MOST
    assert limit.allowed(1.2 + IDLE_S + 1) == MOST


# --- whatever is heard ---

HEARD = st.lists(
    st.tuples(st.floats(0, 60), st.booleans(), st.floats(0, 20), st.sampled_from(["a", "b"]), st.booleans()),
    max_size=300,
)


@given(st.integers(-1, 60), HEARD, st.integers(1, 60))
def test_it_stays_between_one_and_the_queues_own_limit(most: int, heard: Any, later: int) -> None:
    limit, now_s = Adaptive(most), 0.0
    for index, (duration_s, overloaded, gap_s, job, timed) in enumerate(heard):
        now_s += gap_s
        if index == len(heard) // 2:
            limit.bound(most := later)
        limit.heard(duration_s, overloaded, now_s, job, timed=timed)
        assert 1 <= limit.allowed(now_s) <= max(1, most)


@given(HEARD, st.integers(2, 60), st.floats(0.01, 1))
def test_overload_never_raises_it_and_brings_it_down_to_one(heard: Any, most: int, duration_s: float) -> None:
    limit, now_s = Adaptive(most), 0.0
    for took_s, overloaded, gap_s, job, timed in heard:
        now_s += gap_s
        limit.heard(took_s, overloaded, now_s, job, timed=timed)
    now_s, before = now_s + 61, most
    limit.heard(duration_s, True, now_s)  # ends a trial with half the load, if one was under way
    for _ in range(500):
        now_s += duration_s + 0.001
        limit.heard(duration_s, True, now_s)
        allowed = limit.allowed(now_s)
        assert allowed <= before
        before = allowed
    assert before == 1


@given(st.integers(1, 60), st.floats(0.001, 30), st.integers(0, 40))
def test_steady_endings_never_lower_it_but_for_the_trials_with_half(most: int, duration_s: float, bad: int) -> None:
    limit, now_s, settled = Adaptive(most), 0.0, 0
    for _ in range(bad):
        now_s += 0.05
        limit.heard(0.04, True, now_s)
    now_s += 31
    for _ in range(300):
        now_s += duration_s / most
        limit.heard(duration_s, False, now_s)
        allowed = limit.allowed(now_s)
        assert allowed >= settled or allowed == max(1, settled // 2)
        settled = max(settled, allowed)


# --- a worker's, by queue ---


def an_ending(
    queue: str, took_s: float = 0.1, state: str = states.SUCCEEDED, overloaded: bool = False, waited_s: float = 0.0
) -> Ending:
    claim = Claim(
        id=uuid4(), token=uuid4(), job="tests.call", queue=queue, params="{}", attempt=0, max_attempts=3, crashes=0, timeout_s=60,
        backoff_base_s=2, backoff_cap_s=60, created_at=NOON, due_at=NOON, claimed_at=NOON, definition_id=None,
    )  # fmt: skip
    start = NOON + timedelta(seconds=waited_s)
    return Ending(claim, state, start, start + timedelta(seconds=took_s), overloaded=overloaded)


def test_only_queues_that_call_outside_are_limited_so() -> None:
    limits = Limits()
    found = {queue.name for queue in catalogue.CATALOGUE if limits.allowed(queue.name, 4, 0.0) is not None}
    assert found == {"notifications", "email", "external-api", "data-sync"}
    assert limits.told(0.0) == dict.fromkeys(found, 4)
    assert Limits(enabled=False).allowed("email", 4, 0.0) is None


def test_a_queue_in_trouble_takes_nothing_from_another() -> None:
    limits = Limits()
    for queue in ("email", "external-api"):
        limits.allowed(queue, 10, 0.0)
    for step in range(1, 40):
        limits.heard(an_ending("email", 0.02, states.SCHEDULED, overloaded=True), step * 0.03)
        limits.heard(an_ending("external-api"), step * 0.03)
    assert limits.allowed("email", 10, 1.2) == 1
    assert limits.allowed("external-api", 10, 1.2) in (10, 5)


def test_a_limit_that_staff_lower_holds_at_once_and_one_that_they_raise_is_grown_into() -> None:
    limits = Limits()
    assert limits.allowed("email", 10, 0.0) == 10
    assert limits.allowed("email", 3, 0.0) == 3
    for step in range(1, 4):
        limits.heard(an_ending("email", 0.02, states.SCHEDULED, overloaded=True), step * 0.03)
    assert limits.allowed("email", 3, 0.1) < 3
    now_s = 0.1
    for _ in range(1500):
        now_s += 0.02
        limits.heard(an_ending("email", 0.2), now_s)
        limits.allowed("email", 20, now_s)
    assert limits.allowed("email", 20, now_s) > 10


def test_what_was_claimed_before_a_fall_and_begun_after_it_does_not_bring_another() -> None:
    limits = Limits()
    limits.allowed("email", 16, 0.0)
    for _ in range(5):
        limits.heard(an_ending("email", 0.01, states.SCHEDULED, overloaded=True), 1.0)
    once = limits.allowed("email", 16, 1.0)
    for step in range(20):  # the rest of batches in hand
        limits.heard(an_ending("email", 0.01, states.SCHEDULED, overloaded=True, waited_s=1.0), 1.1 + step * 0.02)
    assert once < 16 and limits.allowed("email", 16, 1.6) == once


def test_what_failed_or_was_cancelled_says_nothing_of_durations() -> None:
    limits, now_s = Limits(), 0.0
    limits.allowed("email", 10, now_s)
    for turn in range(400):
        now_s += 0.05
        failed = turn > 100 and turn % 2
        limits.heard(an_ending("email", 5.0 if failed else 0.5, states.DEAD if failed else states.SUCCEEDED), now_s)
        assert limits.allowed("email", 10, now_s) == 10 or turn <= 100
