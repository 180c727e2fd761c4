"""A day around each clock change, three schedulers with unruly clocks, in ten zones: no fire missed, none doubled."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from queues.ledger import clock
from queues.models import Fire, Run, Schedule
from queues.timetable import fires
from tests.oracles.cron_oracle import fires_between

ZONES = [
    "Europe/Berlin", "Europe/London", "America/New_York", "America/Los_Angeles", "America/Havana", "Africa/Cairo",
    "Australia/Lord_Howe", "Pacific/Chatham", "Antarctica/Troll", "Asia/Kolkata",
]  # fmt: skip
EXPRESSIONS = ["30 * * * *", "30 1,2,3 * * *", "*/20 0-3 * * *", "0 0,2 * * *"]
WINDOWS = [datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 20, tzinfo=UTC)]


@pytest.mark.django_db
@pytest.mark.parametrize("start", WINDOWS)
def test_no_fire_is_missed_or_doubled_around_a_clock_change(start: datetime, saved: Callable[..., Schedule]) -> None:
    chance = random.Random(start.month)
    with clock.frozen(start) as time:
        for zone in ZONES:
            for expression in EXPRESSIONS:
                saved(name=f"{zone} {expression}", cron=expression, timezone=zone, misfire="all")
        furthest = start
        while furthest < start + timedelta(hours=24):
            time.advance(chance.uniform(1, 5400))
            if chance.random() < 0.1:
                time.advance(chance.choice([-3600, 3600]))
            for skew_s in chance.sample([-0.4, 0.0, 7.0], 3):
                at = time.now() + timedelta(seconds=skew_s)
                fires.tick(at, limit=chance.choice([1, 2, 100]))
                furthest = max(furthest, at)
        while fires.tick(furthest):
            pass
    for schedule in Schedule.objects.all():
        due = fires_between(schedule.cron, schedule.timezone, start, furthest.replace(second=0, microsecond=0))
        rows = list(schedule.fires.order_by("fire_at").values_list("fire_at", "outcome"))
        assert rows == [(at, "fired") for at in due], schedule.name
    assert Run.objects.count() == Fire.objects.count() > 350
