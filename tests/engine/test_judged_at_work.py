"""A worker goes by the rules of staff within seconds, in every executor, and makes fewer calls to who cannot take more."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest

from queues import registry
from queues.contract import Actor
from queues.engine.tend import Tick
from queues.ledger import error_rules
from queues.models import Queue, Run, RunEvent

from .conftest import QUEUE, Number, state_of, until

pytestmark = pytest.mark.django_db(transaction=True)
TICK = Tick("error rules", 0.2, error_rules.refresh)


class StoreAway(Exception):
    """A library's error: it says nothing of itself."""

    code = "gone"


def fails(ctx: Any, params: Number) -> None:
    if params.n:
        time.sleep(params.n / 10)
    raise StoreAway("nobody is there")


@pytest.fixture(autouse=True)
def as_shipped() -> Iterator[None]:
    error_rules.adopt(b"[]")
    yield
    error_rules.adopt(b"[]")


@pytest.fixture(params=["threads", "asyncio", "children"])
def executor(request: pytest.FixtureRequest, queues_exist: None) -> str:
    Queue.objects.filter(pk=QUEUE).update(executor=request.param)
    return str(request.param)


def test_a_rule_that_staff_write_decides_within_seconds(executor: str, job: Any, working: Any, actor: Actor) -> None:
    spec = job(fails, max_attempts=4)
    with working(ticks=[TICK]):
        first = spec.enqueue(Number())
        until(lambda: state_of(first.id) == "scheduled")
        error_rules.save_rule("StoreAway", "gone", permanent=True, actor=actor)
        time.sleep(1.0)
        second = spec.enqueue(Number())
        until(lambda: state_of(second.id) == "dead", 5)
    run = Run.objects.get(pk=second.id)
    assert (run.error_type, run.error_code, run.attempt) == ("StoreAway", "gone", 1)
    assert "a rule of staff for StoreAway gone" in RunEvent.objects.get(run=run).note


def test_a_run_that_was_under_way_is_judged_by_the_rule_in_force_at_its_end(
    executor: str, job: Any, working: Any, actor: Actor
) -> None:
    spec = job(fails, max_attempts=4)
    with working(ticks=[TICK]):
        ref = spec.enqueue(Number(n=25))
        until(lambda: state_of(ref.id) == "running")
        error_rules.save_rule("StoreAway", permanent=True, actor=actor)
        until(lambda: state_of(ref.id) == "dead", 10)


class RateLimitError(Exception):
    """As Stripe's library raises it."""


class Provider:
    """Takes four calls at once and refuses others."""

    def __init__(self) -> None:
        self.at_once, self.lock = 0, threading.Lock()
        self.refused: deque[bool] = deque(maxlen=200)

    def call(self) -> None:
        with self.lock:
            self.at_once += 1
            refused = self.at_once > 4
            self.refused.append(refused)
        try:
            if refused:
                raise RateLimitError("too many requests")
            time.sleep(0.05)
        finally:
            with self.lock:
                self.at_once -= 1


def test_a_worker_makes_no_more_calls_at_once_than_the_provider_takes(queues_exist: None, working: Any) -> None:
    provider = Provider()
    spec = registry.spec("tests.call", queue="external-api", params=Number, max_attempts=30)
    spec.handler(lambda ctx, params: provider.call())
    Queue.objects.filter(pk="external-api").update(concurrency=16, rate_limit="100000/s")
    try:
        spec.enqueue_many([Number(n=n) for n in range(3000)])
        with working(queues=["external-api"], slots=16) as shop:
            time.sleep(8)
            allowed = shop.rules.adaptive.told(time.monotonic())["external-api"]
    finally:
        registry.forget("tests.call")
    assert 2 <= allowed <= 6
    assert sum(provider.refused) < 0.15 * len(provider.refused)
