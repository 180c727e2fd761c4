"""Samples and records: what is seen of a queue, who stores it, and what a finished run adds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from queues import catalogue, registry
from queues.ledger import clock, states
from queues.ledger.facts import Finished
from queues.models import HealthSample, Queue, QueueHealth, Run, Slot, Worker
from queues.registry import NoParams
from queues.watch import health, net
from queues.watch.score import judge

from .conftest import NOON

Make = Callable[..., Any]


def test_the_facts_are_what_the_ledger_holds(
    server: object, at_noon: clock.Fake, run: Callable[..., Run], worker: Callable[..., Worker]
) -> None:
    run("email", "pending", due_s=-42)
    run("email", "pending", due_s=-7)
    run("email", "scheduled", due_s=60)
    run("email", "running")
    Slot.objects.create(token=uuid4(), queue="email", worker_id=uuid4(), claimed_at=NOON)
    run("email", "succeeded", due_s=-10, started_at=NOON - timedelta(seconds=4))
    run(
        "email",
        "succeeded",
        due_s=-130,
        finished_at=NOON - timedelta(seconds=120),
        started_at=NOON - timedelta(seconds=122),
    )
    run("email", "succeeded", due_s=-999, finished_at=NOON - timedelta(seconds=900))
    run("email", "dead", error_message="no")
    run("email", "dead", finished_at=NOON - timedelta(days=1))
    run("reports", "pending")
    worker("email", "reports")
    worker("email", beat_s=-31)
    worker("email", lost_at=NOON)
    worker("email", stopping_at=NOON)

    f = health.facts("email")

    assert (f.depth, f.oldest_wait_s, f.scheduled, f.running, f.slots_busy) == (2, 42.0, 1, 1, 1)
    assert (f.succeeded, f.failed, f.dead, f.rate_per_min) == (2, 1, 2, 2.0)
    assert f.workers == 1
    assert f.concurrency == catalogue.get("email").concurrency
    assert (f.paused, f.enabled, f.redis_up) == (False, True, True)
    assert f.mean_wait_s == pytest.approx((6 + 8 + 0) / 3)
    assert f.mean_processing_s == pytest.approx((4 + 2 + 5) / 3)


def test_pauses_and_switches_and_an_absent_redis_are_facts(no_server: None, at_noon: clock.Fake, run: Make) -> None:
    Queue.objects.filter(name="billing").update(paused_at=NOON)
    Queue.objects.filter(name="email").update(enabled=False)
    assert health.facts("billing").paused
    assert not health.facts("email").enabled
    assert not health.facts("email").redis_up


def test_a_queue_is_judged_by_the_sla_of_its_most_patient_job(server: object, queues_exist: None) -> None:
    before = health.facts("reports")
    registry.spec("tests.patient", queue="reports", params=NoParams, sla_warning_s=7200, sla_critical_s=14_400)
    try:
        after = health.facts("reports")
    finally:
        registry.forget("tests.patient")
    assert before.sla_critical_s < 14_400
    assert (after.sla_warning_s, after.sla_critical_s) == (7200, 14_400)


def test_a_look_at_every_queue_takes_few_queries(server: object, run: Make) -> None:
    for queue in catalogue.NAMES:
        run(queue, "pending")
        run(queue, "succeeded")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        health.look_now()
    assert len(queries) <= 8


def test_a_sample_is_stored_with_its_reasons_and_brings_the_record_up_to_date(
    server: object, at_noon: clock.Fake, run: Make
) -> None:
    run("billing", "pending", due_s=-42)
    sample = health.sample_queue("billing")
    record = QueueHealth.objects.get(pk="billing")
    assert HealthSample.objects.get() == sample
    assert (sample.at, sample.depth, sample.oldest_wait_s, sample.grade) == (NOON, 1, 42.0, "F")
    assert (record.score, record.grade, record.sampled_at) == (sample.score, "F", NOON)
    assert record.reasons == sample.reasons
    assert sum(reason["points"] for reason in record.reasons) == 100 - record.score


def test_sample_all_stores_one_of_every_queue(server: object, queues_exist: None) -> None:
    assert {sample.queue for sample in health.sample_all()} == set(catalogue.NAMES)
    assert HealthSample.objects.count() == len(catalogue.NAMES)


def test_ticks_of_many_workers_store_one_sample_a_queue_and_interval(
    server: object, at_noon: clock.Fake, queues_exist: None
) -> None:
    for _ in range(12):  # a minute
        for _worker in range(3):
            health.tick()
        at_noon.advance(5)
    for queue in catalogue.NAMES:
        times = [sample.at for sample in HealthSample.objects.filter(queue=queue).order_by("at")]
        gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
        assert len(times) == 3
        assert max(gaps) <= 30


def test_a_clock_that_was_set_back_does_not_stop_the_samples(
    server: object, at_noon: clock.Fake, queues_exist: None
) -> None:
    health.tick()
    at_noon.advance(-3600)
    health.tick()
    assert HealthSample.objects.count() == 2 * len(catalogue.NAMES)


def test_a_tick_that_is_not_due_is_one_query(server: object, at_noon: clock.Fake, queues_exist: None) -> None:
    health.tick()
    with CaptureQueriesContext(connection) as queries:
        health.tick()
    assert len(queries) == 1


def test_of_two_who_sample_at_once_one_stores(
    server: object, at_noon: clock.Fake, queues_exist: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: list[bool] = []

    def judge_while_another_stores(facts: Any) -> Any:
        if not others:
            others.append(True)
            QueueHealth.objects.update(sampled_at=clock.now())
        return judge(facts)

    monkeypatch.setattr(health, "judge", judge_while_another_stores)
    health.tick()
    assert HealthSample.objects.count() == 0


def test_finished_runs_add_to_their_queues_records(db: None, ended: Callable[..., Finished]) -> None:
    health.record_finished([])
    late = NOON + timedelta(seconds=9)
    health.record_finished(
        [
            ended("email"),
            ended("email", at=late),
            ended("email", states.DEAD, error_code="timeout", error_message="x" * 500),
            ended("email", states.SCHEDULED, error_message="healed later"),
            ended("billing", states.CANCELLED),
        ]
    )
    health.record_finished([ended("email", at=NOON - timedelta(hours=1))])
    email, billing = QueueHealth.objects.get(pk="email"), QueueHealth.objects.get(pk="billing")
    assert (email.succeeded, email.dead, email.retried, email.cancelled) == (3, 1, 1, 0)
    assert (email.last_run_at, email.last_success_at, email.last_failure_at) == (late, late, NOON)
    assert email.last_error.startswith("timeout: xxx")
    assert len(email.last_error) == 300
    assert (billing.cancelled, billing.last_success_at, billing.last_error) == (1, None, "")


def test_a_batch_is_one_update_a_queue_in_the_order_of_names(db: None, ended: Callable[..., Finished]) -> None:
    batch = [ended(queue) for queue in ("reports", "billing", "email")] * 20
    health.record_finished(batch)
    with CaptureQueriesContext(connection) as queries:
        health.record_finished(batch)
    updates = [query["sql"] for query in queries if query["sql"].startswith("UPDATE")]
    assert [next(q for q in ("billing", "email", "reports") if f"'{q}'" in sql) for sql in updates] == [
        "billing", "email", "reports",
    ]  # fmt: skip
    assert set(QueueHealth.objects.values_list("succeeded", flat=True)) == {40}


def test_the_newest_error_of_a_batch_is_kept_whatever_the_order(ended: Callable[..., Finished]) -> None:
    old = ended(state=states.DEAD, error_message="old", at=NOON)
    new = ended(state=states.DEAD, error_message="new", at=NOON + timedelta(seconds=1))
    fine = ended(at=NOON + timedelta(seconds=2))
    for batch in ([old, new, fine], [new, fine, old], [fine, new, old]):
        assert net.nets(batch)["billing"].last_error == "new"


def test_a_flush_that_fails_keeps_everything_for_the_next(
    db: None, ended: Callable[..., Finished], monkeypatch: pytest.MonkeyPatch
) -> None:
    gathered = health.NetHealth()
    gathered.add([ended(), ended(state=states.DEAD)])

    def away(gains: object) -> None:
        gathered.add([ended()])  # work goes on meanwhile
        raise DatabaseError("away")

    with monkeypatch.context() as patch:
        patch.setattr(net, "apply", away)
        with pytest.raises(DatabaseError):
            gathered.flush()
    gathered.flush()
    record = QueueHealth.objects.get()
    assert (record.succeeded, record.dead) == (2, 1)
    with CaptureQueriesContext(connection) as queries:
        gathered.flush()
    assert not queries.captured_queries
