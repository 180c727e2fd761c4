"""The ping through every queue: done by a worker or by itself, and nothing is left of it whatever stands in its way."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from queues import catalogue, registry
from queues.contract import Actor, Done
from queues.engine.queue_verbs import drain_queue, pause_queue
from queues.ledger import clock, runs, switches
from queues.models import Queue, Run, Slot, Worker
from queues.watch.findings import Finding
from queues.watch.round_trip import PING, round_trips

from .conftest import QUEUE, Number, until

pytestmark = pytest.mark.django_db(transaction=True)
ADA = Actor.system("ada")


def trips(timeout_s: float = 10.0, **options: Any) -> dict[str, Finding]:
    return {finding.about: finding for finding in round_trips(timeout_s, **options)}


def pings() -> set[str]:
    return set(Run.objects.filter(job=PING).values_list("state", flat=True))


@pytest.fixture
def served(queues_exist: None) -> None:
    """A worker is said to serve every queue, and does nothing."""
    now = clock.now()
    names = list(catalogue.NAMES)
    Worker.objects.create(id=uuid4(), name="idle", host="h", pid=1, queues=names, slots=1, started_at=now, beat_at=now)


def test_a_worker_finishes_the_ping_of_every_queue(working: Any) -> None:
    with working(queues=list(catalogue.NAMES)):
        until(lambda: Worker.objects.exists())
        found = trips(20.0)
    assert {name: finding.level for name, finding in found.items()} == dict.fromkeys(catalogue.NAMES, "ok")
    assert pings() == {"succeeded"}


def test_without_a_worker_none_is_sent_and_the_command_to_start_one_is_told(queues_exist: None) -> None:
    found = trips()
    assert all(finding.level == "fault" for finding in found.values())
    assert found["billing"].mend == "python manage.py rqworker billing"
    assert not Run.objects.exists()


def test_by_itself_it_finishes_pings_and_takes_nobody_elses_run(job: Any, queues_exist: None, fake_window: Any) -> None:
    other = job(lambda ctx, p: Done()).enqueue(Number())
    found = trips(alone=True)
    assert {finding.level for finding in found.values()} == {"ok"} and len(found) == len(catalogue.NAMES)
    assert pings() == {"succeeded"} and Run.objects.get(pk=other.id).state == "pending"
    assert not Slot.objects.exists()
    hand = Worker.objects.get()
    assert hand.stopped_at is not None and hand.queues == []


def test_queues_that_take_nothing_are_named_with_the_reason_and_not_tried(queues_exist: None, fake_window: Any) -> None:
    pause_queue("billing", actor=ADA, why="Month's end")
    drain_queue("email", actor=ADA, why="Moving")
    Queue.objects.filter(pk="reports").update(enabled=False)
    found = trips(alone=True)
    assert [found[name].level for name in ("billing", "email", "reports")] == ["warning"] * 3
    assert "ada paused it: Month's end" in found["billing"].text and "drains it" in found["email"].text
    assert "switched off" in found["reports"].text
    assert Run.objects.filter(queue__in=["billing", "email", "reports"]).count() == 0
    assert found["notifications"].level == "ok"


def test_with_all_queues_switched_off_none_is_tried(queues_exist: None) -> None:
    switches.throw("queues", False, actor=ADA, why="x")
    assert {finding.level for finding in trips(alone=True).values()} == {"warning"}
    assert not Run.objects.exists()


def test_a_ping_that_nobody_takes_is_cancelled_and_the_cause_is_told(job: Any, served: None, fake_window: Any) -> None:
    Queue.objects.update(concurrency=1)
    job(lambda ctx, p: Done()).enqueue(Number())
    assert runs.claim(QUEUE, worker_id=uuid4(), slots=1, share=1).batches
    Queue.objects.filter(pk="email").update(rate_limit="1/h")
    Run.objects.filter(pk=registry.get(PING).enqueue(registry.NoParams(), queue="email").id)
    found = trips(0.2)
    assert "All its slots (1) are busy" in found[QUEUE].text and "concurrency" in found[QUEUE].mend
    assert "Its rate is 1/h, and 1 runs wait" in found["email"].text
    assert "0 other runs wait, 0 of 1 slots are busy" in found["billing"].text
    assert {finding.level for finding in found.values()} == {"fault"}
    assert Run.objects.filter(job=PING, state="cancelled").count() == len(catalogue.NAMES)
    assert Run.objects.filter(job=PING, state="pending", queue="email").count() == 1  # somebody else's


def test_a_ping_that_fails_is_told_with_its_error(served: None, fake_window: Any) -> None:
    def fail(_: float) -> None:
        Run.objects.filter(job=PING, queue="email", state="pending").update(
            state="dead", finished_at=clock.now(), error_type="UnknownJob", error_message="There is no job named so."
        )

    found = trips(0.2, pause=fail)["email"]
    assert found.level == "fault" and "There is no job named so." in found.text and "older version" in found.mend


def test_an_interrupt_leaves_no_ping_waiting(served: None, fake_window: Any) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trips(pause=interrupt)
    assert pings() == {"cancelled"}
