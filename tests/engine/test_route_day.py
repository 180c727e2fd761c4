"""A day of repeated route requests, replayed through the real enqueue: how much of it the results answer."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import redis

from queues import registry
from queues.engine import dispatch
from queues.engine.reuse_figures import ReuseFigures, hit_rate_percent, read
from queues.ledger import clock
from queues.models import Run
from routing.jobspecs import PlanRoutes, plan_routes

from .route_day import DAY, PLANNED_IN_S, route_day


@pytest.fixture
def counting(valkey_url: str, monkeypatch: Any) -> ReuseFigures:
    client = redis.Redis.from_url(valkey_url)
    client.flushall()
    figures = ReuseFigures(client, delay_s=1000)
    monkeypatch.setattr(dispatch, "figures", figures)
    return figures


def replay(spec: registry.JobSpec[Any]) -> Counter[str]:
    """Each run takes its time budget and succeeds. Answers how often a request was answered by a run, live or result."""
    found: Counter[str] = Counter()
    running: dict[UUID, datetime] = {}
    with clock.frozen(DAY) as time:
        for asked in route_day():
            time.advance((asked.at - clock.now()).total_seconds())
            for run_id, ends_at in list(running.items()):
                if ends_at <= clock.now():
                    Run.objects.filter(pk=run_id).update(state="succeeded", finished_at=running.pop(run_id))
            ref = spec.enqueue(PlanRoutes(area=asked.area, budget_s=asked.budget_s, seed=asked.seed))
            run = Run.objects.get(pk=ref.id)
            assert run.params == {"area": asked.area, "budget_s": asked.budget_s, "seed": asked.seed}
            if ref.cached:
                assert run.finished_at is not None and asked.at - run.finished_at < timedelta(hours=1)
            if ref.created:
                running[ref.id] = asked.at + timedelta(seconds=PLANNED_IN_S)
            found["result" if ref.cached else "run" if ref.created else "live"] += 1
        assert all(run.cache_key for run in Run.objects.all())
    return found


@pytest.mark.django_db(transaction=True)
def test_results_answer_at_least_85_percent_of_a_day_of_route_requests(
    fake_window: Any, counting: ReuseFigures, monkeypatch: Any
) -> None:
    monkeypatch.setattr(plan_routes, "cache_holds", None)  # no plans are made here: its own tests are in tests/routing
    found = replay(plan_routes)
    assert found.total() == len(route_day()) > 300
    assert found["run"] == Run.objects.count() >= 40
    assert 100 * (found["result"] + found["live"]) / found.total() >= 85

    counting.flush()
    assert counting._client is not None
    ever, last_day = read(counting._client)
    assert ever == last_day == {plan_routes.name: found}
    assert hit_rate_percent(last_day[plan_routes.name]) == pytest.approx(100 - 100 * found["run"] / found.total())


def test_without_the_cache_the_same_day_would_be_run_whole(db: None, fake_window: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(plan_routes, "cache_ttl_s", None)
    asked = route_day()[:30]
    for each in asked:
        plan_routes.enqueue(PlanRoutes(area=each.area, budget_s=each.budget_s, seed=each.seed))
    assert Run.objects.count() == len(asked)


def test_the_day_is_the_same_day_each_time_and_every_area_is_in_it() -> None:
    assert route_day() == route_day() != route_day(2)
    assert {each.area for each in route_day()} == {f"area-{number:02}" for number in range(40)}
