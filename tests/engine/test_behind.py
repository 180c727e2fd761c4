"""A batch may be claimed behind one that still runs: the slot has it at hand, and the queue's limit stays exact."""

from __future__ import annotations

import threading
import time
from uuid import UUID, uuid4

import pytest

from queues.contract import Actor, RunRequest
from queues.engine.slots import ThreadSlot
from queues.ledger import clock, runs, states
from queues.ledger.claim import Claimed
from queues.ledger.facts import Batch, Claim, Ending
from queues.ledger.rescue import rescue
from queues.models import Queue, Run, RunEvent, Slot

from .conftest import QUEUE, until

ME, OTHER = uuid4(), uuid4()
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queues_exist")]


@pytest.fixture(autouse=True)
def one_slot(queues_exist: None) -> None:
    Queue.objects.filter(name=QUEUE).update(concurrency=1)


@pytest.fixture
def four(job) -> list[Run]:
    request = RunRequest(job=job(lambda ctx, params: None).name, params={"n": 1}, actor=Actor.system())
    rows = [runs.new_run(request) for _ in range(4)]
    runs.create(rows)
    return rows


def claim(slots: int = 1, behind: tuple[UUID, ...] = (), worker: UUID = ME, **options: object) -> Claimed:
    return runs.claim(QUEUE, worker_id=worker, slots=slots, share=1, behind=behind, **options)


def finish(batch: Batch) -> None:
    now = clock.now()
    runs.finish([Ending(held, states.SUCCEEDED, now, now, result="{}") for held in batch.claims], slots=[batch.token])


def test_it_does_not_count_while_the_batch_before_it_is_there(four) -> None:
    (first,) = claim().batches
    (second,) = claim(0, behind=(first.token,)).batches
    assert second.behind == first.token
    Queue.objects.filter(name=QUEUE).update(concurrency=2)
    assert len(claim(2, worker=OTHER).batches) == 1, "one slot executes, so one of two is free"


def test_it_counts_once_the_batch_before_it_is_over(four) -> None:
    (first,) = claim().batches
    claim(0, behind=(first.token,))
    finish(first)
    answer = claim(worker=OTHER)
    assert answer.full and not answer.batches


def test_behind_a_batch_that_is_over_nothing_is_claimed(four) -> None:
    (first,) = claim().batches
    finish(first)
    assert len(claim(worker=OTHER).batches) == 1
    assert not claim(0, behind=(first.token,)).batches


def test_a_batch_that_is_through_frees_its_slot_before_its_ending_is_recorded(four) -> None:
    (first,) = claim().batches
    assert not claim().batches
    (second,) = claim(through=[first.token]).batches
    finish(first)
    assert Run.objects.filter(state=states.SUCCEEDED).count() == 1
    assert list(Slot.objects.values_list("token", flat=True)) == [second.token]


def test_when_the_worker_is_lost_only_what_ran_is_charged(four) -> None:
    (first,) = claim().batches
    (second,) = claim(0, behind=(first.token,)).batches
    rescue(ME)
    charged = dict(Run.objects.values_list("id", "crashes"))
    assert charged[first.claims[0].id] == 1 and charged[second.claims[0].id] == 0
    assert RunEvent.objects.filter(kind=RunEvent.Kind.CRASHED).count() == 1
    assert not Slot.objects.exists()


def test_under_a_rate_nothing_is_claimed_ahead(four) -> None:
    Queue.objects.filter(name=QUEUE).update(rate_limit="100/s")
    (first,) = claim().batches
    assert not claim(0, behind=(first.token,)).batches


def test_what_crashed_before_waits_for_a_slot_of_its_own(four) -> None:
    Run.objects.filter(pk__in=[row.pk for row in four[1:]]).update(crashes=1)
    (first,) = claim().batches
    assert not claim(0, behind=(first.token,)).batches
    finish(first)
    (alone,) = claim().batches
    assert alone.executor == "children"


def held(batch: UUID, count: int, job: str, behind: UUID | None = None) -> Batch:
    now = clock.now()
    claims = [
        Claim(uuid4(), job, QUEUE, '{"n": 1}', 0, 6, 0, 300.0, 2.0, 60.0, now, now, None, batch, now)
        for _ in range(count)
    ]
    return Batch(batch, QUEUE, claims, behind=behind)


@pytest.fixture
def gated(job):
    gate = threading.Event()
    name = job(lambda ctx, params: gate.wait(10) and None).name
    told: list[tuple[UUID, UUID | None]] = []
    moved = threading.Event()
    slot = ThreadSlot(lambda c, ending, last: told.append((c.token, last)), lambda: None, moved.set, lambda: None)
    slot.thread.start()
    yield slot, name, gate, told, moved
    gate.set()
    slot.inbox.put(None)
    slot.thread.join(5)


def test_the_slot_goes_on_with_the_batch_behind(gated) -> None:
    slot, job, gate, told, moved = gated
    one, two = uuid4(), uuid4()
    slot.inbox.put(held(one, 2, job))
    until(lambda: slot.current is not None)
    assert slot.follow(held(two, 1, job, behind=one))
    assert not slot.follow(held(uuid4(), 1, job, behind=one)), "one is behind it already"
    gate.set()
    until(lambda: len(told) == 3)
    assert told == [(one, None), (one, one), (two, two)] and moved.is_set()


def test_nothing_follows_a_batch_that_is_over(gated) -> None:
    slot, job, _, _, _ = gated
    assert not slot.follow(held(uuid4(), 1, job, behind=uuid4()))


def test_what_waits_behind_can_be_taken_away_with_its_slot(gated) -> None:
    slot, job, gate, told, _ = gated
    one, two = uuid4(), uuid4()
    slot.inbox.put(held(one, 2, job))
    until(lambda: slot.current is not None)
    slot.follow(held(two, 2, job, behind=one))
    assert [(c.token, last) for c, last in slot.take_waiting()] == [(one, None), (two, None), (two, two)]
    assert not slot.follow(held(uuid4(), 1, job, behind=one)), "what takes long is followed by nothing more"
    gate.set()
    until(lambda: told == [(one, one)])


@pytest.mark.django_db(transaction=True)
def test_a_worker_with_one_slot_runs_a_backlog_in_order_and_never_two_at_once(job, working) -> None:
    at_once, most, order = [0], [0], list[int]()

    def handler(ctx, params):
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        order.append(params.n)
        time.sleep(0.005)
        at_once[0] -= 1

    declared = job(handler)
    declared.enqueue_many([declared.params(n=n) for n in range(60)])
    with working(slots=1, concurrency=1):
        until(lambda: Run.objects.filter(state=states.SUCCEEDED).count() == 60)
    assert order == sorted(order) and most[0] == 1
    assert not Slot.objects.exists()
