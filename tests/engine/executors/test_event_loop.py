"""What the event loop promises beyond: hundreds share it, and one that holds it up is stopped."""

from __future__ import annotations

import asyncio

import pytest

from queues.contract import Done
from queues.models import Run

from ..conftest import Number, state_of, until
from .conftest import use

pytestmark = pytest.mark.django_db(transaction=True)


async def computes_for_ever(ctx, params):
    while True:
        sum(range(1000))


def test_hundreds_of_waiting_jobs_share_one_event_loop(job, working, queues_exist) -> None:
    use("asyncio")

    async def sleeps(ctx, params):
        await asyncio.sleep(0.5)

    spec = job(sleeps)
    spec.enqueue_many([Number(n=n) for n in range(200)])
    with working(slots=200, concurrency=200):
        until(lambda: Run.objects.filter(state="succeeded").count() == 200, 10)
    spans = list(Run.objects.values_list("started_at", "finished_at"))
    middle = sorted(start for start, _ in spans)[-1]
    assert sum(start <= middle < end for start, end in spans) > 100


def test_a_coroutine_that_never_awaits_is_stopped_and_the_loop_goes_on(job, working, queues_exist) -> None:
    use("asyncio")
    spec, other = job(computes_for_ever, max_attempts=1), job(lambda ctx, p: Done())
    with working():
        ref = spec.enqueue(Number(), timeout_s=0.3)
        after = other.enqueue(Number())
        until(lambda: state_of(ref.id) == "dead" and state_of(after.id) == "succeeded")
    assert Run.objects.get(pk=ref.id).error_code == "timeout"
