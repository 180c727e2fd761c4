"""The rollback: the switch `optimization` thrown in mid-drain, and back. Rates as set, and nothing lost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from queues.contract import Done
from queues.ledger import clock
from queues.models import Run, Slot, Switch

from .conftest import QUEUE, Number, until

pytestmark = pytest.mark.django_db(transaction=True)
JOBS, TAKES_S = 900, 0.015  # so that the drain lasts for seconds, whatever the engine costs
HEARTBEATS_S = 2.0  # by then a switch is in force


def thrown_elsewhere(on: bool | None) -> datetime:
    """As another process throws it: nobody tells this one."""
    if on is None:
        Switch.objects.all().delete()
    else:
        Switch.objects.create(name="optimization", on=on, changed_at=clock.now())
    return clock.now()


def done() -> int:
    return Run.objects.filter(state="succeeded").count()


def claimed(since: datetime, until_: datetime) -> list[datetime]:
    rows = Run.objects.filter(claimed_at__gte=since, claimed_at__lt=until_).order_by("claimed_at")
    return [at for at in rows.values_list("claimed_at", flat=True) if at is not None]


def most_in_a_second(times: Sequence[datetime]) -> int:
    """The most in any second, wherever it begins."""
    second = timedelta(seconds=1)
    return max((sum(first <= at < first + second for at in times) for first in times), default=0)


def test_the_switch_thrown_in_mid_drain_and_back_loses_nothing_and_keeps_the_rates(job: Any, working: Any) -> None:
    ran: list[int] = []

    def work(ctx: Any, params: Number) -> Done:
        time.sleep(TAKES_S)
        ran.append(params.n)
        return Done({"n": params.n})

    adds = job(work)
    with working(slots=4, concurrency=8):
        adds.enqueue_many([Number(n=n) for n in range(JOBS)])
        until(lambda: done() > 50)
        off = thrown_elsewhere(False)
        time.sleep(HEARTBEATS_S)
        plain_from, before = off + timedelta(seconds=HEARTBEATS_S), done()
        assert before < JOBS, "the drain was over before the switch was in force: give it more jobs"
        busy = []
        for _ in range(30):
            time.sleep(0.1)
            busy.append(Slot.objects.filter(queue=QUEUE).count())
        plain_until = thrown_elsewhere(None)
        slowly = claimed(plain_from, plain_until)
        until(lambda: done() == JOBS, 40)
    assert most_in_a_second(slowly) <= 10
    assert 20 <= len(slowly) <= 10 * ((plain_until - plain_from).total_seconds() + 1)  # it goes on, as fast as it may
    assert max(busy) <= 3
    fast = claimed(plain_until + timedelta(seconds=HEARTBEATS_S), clock.now())
    assert not fast or most_in_a_second(fast) > 10
    assert sorted(ran) == list(range(JOBS))  # each once
    assert set(Run.objects.values_list("state", "attempt", "crashes")) == {("succeeded", 1, 0)}
    assert not Slot.objects.exists()


def test_thrown_off_before_it_starts_a_worker_begins_with_the_plain_settings(job: Any, working: Any) -> None:
    adds = job(lambda ctx, p: Done({"n": p.n}))
    began = thrown_elsewhere(False)
    with working(slots=4, concurrency=8):
        adds.enqueue_many([Number(n=n) for n in range(25)])
        until(lambda: done() == 25)
    times = claimed(began, clock.now())
    assert most_in_a_second(times) <= 10
    assert times[-1] - times[0] > timedelta(seconds=1.9)
