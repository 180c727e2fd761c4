"""The same request from a hundred at the same moment is run once: the unique index holds over threads and processes."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, transaction

from queues.contract import Done, RunRef
from queues.models import Run
from tests.crowd import at_once

from .conftest import QUEUE, Number, state_of, until

HUNDRED = 100
pytestmark = [pytest.mark.usefixtures("queues_exist"), pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def uncounted(settings: Any) -> None:
    settings.METRICS_ENABLED = False


def test_a_hundred_at_once_run_the_handler_once(job: Any, working: Any) -> None:
    ran: list[int] = []

    def handle(ctx: Any, params: Number) -> Done:
        ran.append(params.n)
        return Done({"n": params.n})

    plan = job(handle, cache_ttl_s=3600)
    with working(slots=4) as _:
        refs: list[RunRef] = at_once(HUNDRED, lambda _: plan.enqueue(Number(n=7)))
        until(lambda: state_of(refs[0].id) == "succeeded")
        assert plan.enqueue(Number(n=7)).cached
    assert len({ref.id for ref in refs}) == 1 and sum(ref.created for ref in refs) == 1
    assert ran == [7] and Run.objects.count() == 1


@pytest.mark.postgres
def test_rounds_of_short_runs_are_each_run_once(job: Any, working: Any) -> None:
    """Runs that end while others still ask: who looked too early and inserts too late must not run it again."""
    ran: list[int] = []
    plan = job(lambda ctx, params: ran.append(params.n), cache_ttl_s=3600)
    with working(slots=4):
        for n in range(25):
            refs = at_once(12, lambda _, n=n: plan.enqueue(Number(n=n)))
            until(lambda refs=refs: state_of(refs[0].id) == "succeeded")
            assert len({ref.id for ref in refs}) == 1
    assert ran == list(range(25)) and Run.objects.filter(queue=QUEUE).count() == 25


@pytest.mark.postgres
def test_who_asks_while_the_first_is_undecided_waits_for_it(job: Any, fake_window: Any) -> None:
    plan = job(lambda ctx, params: None, cache_ttl_s=3600)
    inserted, second = threading.Event(), list[RunRef]()

    def ask() -> None:
        inserted.wait(10)
        try:
            second.append(plan.enqueue(Number(n=1)))
        finally:
            connection.close()

    thread = threading.Thread(target=ask)
    thread.start()
    with pytest.raises(RuntimeError), transaction.atomic():
        plan.enqueue(Number(n=1))
        inserted.set()
        thread.join(0.5)
        assert not second, "it must not be answered with a run that may never be"
        raise RuntimeError
    thread.join(10)
    assert second[0].created and Run.objects.get().pk == second[0].id


@pytest.mark.postgres
def test_batches_in_other_orders_do_not_wait_for_each_other_in_a_circle(job: Any, fake_window: Any) -> None:
    plan = job(lambda ctx, params: None, cache_ttl_s=3600)
    numbers = [Number(n=n) for n in range(40)]
    many = at_once(4, lambda nth: plan.enqueue_many(numbers if nth % 2 else numbers[::-1]))
    assert Run.objects.count() == 40
    assert {ref.id for refs in many for ref in refs} == set(Run.objects.values_list("pk", flat=True))
