"""Limits hold when many claim at the same moment: what is counted is counted under a lock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections

from queues.contract import Actor, RunRequest
from queues.ledger import clock, runs
from queues.ledger.claim import Claimed
from queues.models import JobDefinition, Queue, Run, Slot

from .conftest import QUEUE

OTHER_QUEUE = "maintenance"
ROUNDS, WORKERS = 12, 4
pytestmark = [pytest.mark.usefixtures("queues_exist")]


def made(job: Callable[..., Any], count: int, *, key_limit: int | None = None, **options: Any) -> None:
    declared = job(lambda ctx, params: None, key_limit=key_limit)
    request = RunRequest(job=declared.name, params={}, actor=Actor.system(), **options)
    runs.create([runs.new_run(request) for _ in range(count)])


def claim_together(queues: Sequence[str]) -> list[Claimed]:
    """Each worker asks once for a slot of its queue, all at the same moment."""
    gate, answers = threading.Barrier(len(queues)), list[Claimed]()

    def worker(queue: str) -> None:
        try:
            gate.wait(10)
            answers.append(runs.claim(queue, worker_id=uuid4(), slots=1, share=1))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=worker, args=(queue,)) for queue in queues]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(answers) == len(queues)
    return answers


def held_and_given_back(answers: Sequence[Claimed]) -> int:
    """How many slots were leased at the same time."""
    batches = [batch for answer in answers for batch in answer.batches]
    held = Slot.objects.count()
    assert held == len(batches) == Run.objects.filter(state="running").values("lease_token").distinct().count()
    runs.give_back([claim for batch in batches for claim in batch.claims], slots=[batch.token for batch in batches])
    return held


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_queues_limit_is_exact_when_all_claim_at_once(job: Callable[..., Any]) -> None:
    Queue.objects.filter(name=QUEUE).update(concurrency=1)
    made(job, 20)
    held = [held_and_given_back(claim_together([QUEUE] * WORKERS)) for _ in range(ROUNDS)]
    assert held == [1] * ROUNDS


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_definitions_limit_is_exact_over_two_queues_at_once(job: Callable[..., Any]) -> None:
    Queue.objects.filter(name__in=[QUEUE, OTHER_QUEUE]).update(concurrency=8)
    definition = JobDefinition.objects.create(name="One at a time", job="tests.job_0", concurrency=1)
    for queue in (QUEUE, OTHER_QUEUE):
        made(job, 20, queue=queue, definition_id=definition.pk)
    held = [held_and_given_back(claim_together([QUEUE, OTHER_QUEUE] * 2)) for _ in range(ROUNDS)]
    assert held == [1] * ROUNDS


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_keys_limit_is_exact_when_all_claim_at_once(job: Callable[..., Any]) -> None:
    Queue.objects.filter(name=QUEUE).update(concurrency=8)
    made(job, 20, key_limit=2, concurrency_key="customer:1")
    held = [held_and_given_back(claim_together([QUEUE] * WORKERS)) for _ in range(ROUNDS)]
    assert held == [2] * ROUNDS


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_rate_is_exact_when_all_claim_at_once(job: Callable[..., Any]) -> None:
    Queue.objects.filter(name=QUEUE).update(concurrency=8, rate_limit="3/h")
    made(job, 20)
    held = [held_and_given_back(claim_together([QUEUE] * WORKERS)) for _ in range(3)]
    assert held == [3, 0, 0], "a claim that was given back has had its start"


@pytest.mark.django_db
def test_a_rate_does_not_wait_for_a_time_that_the_clock_was_set_back_from(job: Callable[..., Any]) -> None:
    Queue.objects.filter(name=QUEUE).update(concurrency=8, rate_limit="3/s")
    made(job, 20)
    with clock.frozen(datetime(2026, 3, 1, tzinfo=UTC)) as time:
        started = []
        for passed_s in (0, 0.5, -3600, 0.5, 0.6):
            time.advance(passed_s)
            answer = runs.claim(QUEUE, worker_id=uuid4(), slots=8)
            started.append(held_and_given_back([answer]))
            assert answer.wait_s <= 1
    assert started == [3, 0, 3, 0, 3]


@pytest.mark.django_db
def test_a_key_with_one_slot_left_gets_no_more_than_one(job: Callable[..., Any]) -> None:
    Queue.objects.filter(name=QUEUE).update(concurrency=8)
    made(job, 6, key_limit=2, concurrency_key="customer:1")
    assert len(runs.claim(QUEUE, worker_id=uuid4(), slots=1, share=1).batches) == 1
    assert len(runs.claim(QUEUE, worker_id=uuid4(), slots=3, share=1).batches) == 1
    assert runs.claim(QUEUE, worker_id=uuid4(), slots=3, share=1).batches == []


@pytest.mark.django_db
def test_a_definition_with_one_slot_left_gets_no_more_than_one(job: Callable[..., Any]) -> None:
    Queue.objects.filter(name=QUEUE).update(concurrency=8)
    definition = JobDefinition.objects.create(name="Two at a time", job="tests.job_0", concurrency=2)
    made(job, 6, definition_id=definition.pk)
    assert len(runs.claim(QUEUE, worker_id=uuid4(), slots=1, share=1).batches) == 1
    assert len(runs.claim(QUEUE, worker_id=uuid4(), slots=3, share=1).batches) == 1
    assert runs.claim(QUEUE, worker_id=uuid4(), slots=3, share=1).batches == []
