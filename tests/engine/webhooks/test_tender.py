"""The run that delivers comes while anything is due, and costs nothing while nothing is."""

from __future__ import annotations

from typing import Any

import pytest

from queues import registry
from queues.engine import webhook_tend
from queues.ledger import clock, runs
from queues.ledger.queue_settings import ensure_queues
from queues.ledger.webhook_events import DELIVERS
from queues.models import Run

from ..receiver import Receiver
from .conftest import Make, ending, held

pytestmark = pytest.mark.django_db


def test_the_tender_has_one_run_come_while_anything_is_due(make: Make) -> None:
    ensure_queues()
    webhook_tend.tick()
    assert not Run.objects.filter(job=DELIVERS).exists()
    make()
    webhook_tend.tick()
    assert not Run.objects.filter(job=DELIVERS).exists(), "nothing is due"
    runs.finish([ending(held())])
    webhook_tend.tick()
    webhook_tend.tick()
    assert Run.objects.filter(job=DELIVERS).count() == 1
    Run.objects.filter(job=DELIVERS).update(state="succeeded", finished_at=clock.now())
    webhook_tend.tick()
    assert Run.objects.filter(job=DELIVERS).count() == 2, "still due"


def test_without_a_webhook_a_tick_is_one_question(db: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        webhook_tend.tick()


def test_the_job_delivers(make: Make, receiver: Receiver) -> None:
    make()
    runs.finish([ending(held())])

    class Context:
        def cancelled(self) -> bool:
            return False

    outcome = registry.get(DELIVERS).run(Context(), registry.NoParams())  # type: ignore[misc,arg-type]
    assert outcome.result == {"delivered": 1} and len(receiver.seen) == 1  # type: ignore[union-attr]
