"""The protocol on the database: who may write what, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from queues.contract import Actor, Effect, RunRequest
from queues.errors import WrongState
from queues.ledger import clock, runs, states
from queues.ledger.facts import Claim, Ending
from queues.models import EffectRecord, Queue, Run, RunEvent, Slot, Worker

from .conftest import QUEUE

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queues_exist")]
ME, OTHER = uuid4(), uuid4()


@pytest.fixture
def noop(job):
    return job(lambda ctx, params: None)


def made(noop, count: int = 1, **options) -> list[Run]:
    request = RunRequest(job=noop.name, params={"n": 1}, actor=Actor.system(), **options)
    rows = [runs.new_run(request) for _ in range(count)]
    runs.create(rows)
    return rows


def claimed(rows: list[Run], worker=ME, slots: int = 1) -> list[Claim]:
    answer = runs.claim(QUEUE, [row.id for row in rows], worker_id=worker, slots=slots)
    return [claim for batch in answer.batches for claim in batch.claims]


def ending(claim: Claim, state: str = states.SUCCEEDED, **told) -> Ending:
    now = clock.now()
    retry_at = now + timedelta(seconds=2) if state == states.SCHEDULED else None
    return Ending(claim=claim, state=state, started_at=now, finished_at=now, retry_at=retry_at, **told)


def test_a_run_due_later_is_scheduled_and_promoted_when_its_time_comes(noop) -> None:
    with clock.frozen(datetime(2026, 3, 1, 12, tzinfo=UTC)) as time:
        (row,) = made(noop, at=time.now() + timedelta(minutes=5))
        assert row.state == states.SCHEDULED
        assert runs.promote() == []
        assert runs.next_due_at() == row.due_at
        time.advance(300)
        assert runs.promote() == [(QUEUE, row.id)]
        assert Run.objects.get(pk=row.id).state == states.PENDING


def test_two_workers_cannot_claim_the_same_run(noop) -> None:
    rows = made(noop, 3)
    assert len(claimed(rows)) == 3
    assert claimed(rows, OTHER) == []


def test_a_claim_carries_a_fresh_token_and_charges_nothing(noop) -> None:
    rows = made(noop, 2)
    first = claimed(rows[:1])[0]
    second = claimed(rows[1:])[0]
    assert first.token != second.token
    assert Run.objects.get(pk=first.id).attempt == 0


def test_the_queues_limit_counts_slots_over_all_workers(noop) -> None:
    Queue.objects.filter(name=QUEUE).update(concurrency=2)
    rows = made(noop, 4)
    assert len(runs.claim(QUEUE, [r.id for r in rows], worker_id=ME, slots=5).batches) == 2
    answer = runs.claim(QUEUE, [r.id for r in made(noop, 1)], worker_id=OTHER, slots=1)
    assert answer.full and not answer.batches and len(answer.refused) == 1


def test_a_paused_queue_gives_nothing_away(noop) -> None:
    Queue.objects.filter(name=QUEUE).update(paused_at=clock.now())
    rows = made(noop)
    answer = runs.claim(QUEUE, [rows[0].id], worker_id=ME, slots=1)
    assert not answer.batches and answer.refused == [rows[0].id]


def test_a_pause_until_a_time_ends_by_itself(noop) -> None:
    with clock.frozen(datetime(2026, 3, 1, 12, tzinfo=UTC)) as time:
        Queue.objects.filter(name=QUEUE).update(paused_at=time.now(), paused_until=time.now() + timedelta(minutes=1))
        rows = made(noop)
        assert claimed(rows) == []
        time.advance(61)
        assert len(claimed(rows)) == 1


def test_a_concurrency_key_with_a_limit_of_one_runs_one_at_a_time(job) -> None:
    keyed = job(lambda ctx, params: None, key_limit=1)
    first, second, other = made(keyed, 2, concurrency_key="customer:1") + made(keyed, 1, concurrency_key="customer:2")
    (third,) = made(keyed, concurrency_key="customer:1")
    answer = runs.claim(QUEUE, [first.id, second.id, other.id], worker_id=ME, slots=3)
    shares = [[claim.id for claim in batch.claims] for batch in answer.batches]
    assert sorted(shares) == sorted([[first.id, second.id], [other.id]])  # one slot a key: it runs them serially
    assert runs.claim(QUEUE, [third.id], worker_id=OTHER, slots=3).refused == [third.id]


def test_an_ending_is_recorded_once_with_its_effects_and_frees_its_slot(noop) -> None:
    (claim,) = claimed(made(noop))
    done = ending(claim, result={"x": 1}, effects=[Effect("invoice:1", {"no": 7})])
    assert [f.id for f in runs.finish([done], slots=[claim.token])] == [claim.id]
    assert runs.finish([done]) == []
    row = Run.objects.get(pk=claim.id)
    assert (row.state, row.attempt, row.result, row.lease_token) == (states.SUCCEEDED, 1, {"x": 1}, None)
    assert EffectRecord.objects.get(pk="invoice:1").result == {"no": 7}
    assert not Slot.objects.exists()


def test_an_ending_without_the_lease_changes_nothing(noop) -> None:
    (claim,) = claimed(made(noop))
    stale = replace(claim, token=uuid4())
    assert runs.finish([ending(stale, effects=[Effect("stale")])]) == []
    assert Run.objects.get(pk=claim.id).state == states.RUNNING
    assert not EffectRecord.objects.exists()


def test_the_same_effect_from_two_runs_is_kept_once(noop) -> None:
    one, two = claimed(made(noop, 2))
    runs.finish([ending(one, effects=[Effect("same", {"by": 1})]), ending(two, effects=[Effect("same", {"by": 2})])])
    assert EffectRecord.objects.get(pk="same").result == {"by": 1}


def test_a_failed_attempt_waits_in_the_ledger_and_keeps_its_error(noop) -> None:
    (claim,) = claimed(made(noop))
    runs.finish([ending(claim, states.SCHEDULED, error_type="Boom", error_message="no")])
    row = Run.objects.get(pk=claim.id)
    assert (row.state, row.attempt, row.error_message) == (states.SCHEDULED, 1, "no")
    assert row.due_at > clock.now()
    assert RunEvent.objects.get(run=row).kind == RunEvent.Kind.RETRY


def test_a_run_with_a_cancel_request_does_not_retry(noop, actor) -> None:
    (claim,) = claimed(made(noop))
    runs.request_cancel(claim.id, actor=actor)
    runs.finish([ending(claim, states.SCHEDULED, error_message="no")])
    assert Run.objects.get(pk=claim.id).state == states.CANCELLED


def test_what_did_not_start_goes_back_uncharged(noop) -> None:
    (claim,) = claimed(made(noop))
    assert runs.give_back([claim], slots=[claim.token]) == [claim.id]
    row = Run.objects.get(pk=claim.id)
    assert (row.state, row.attempt, row.lease_token) == (states.PENDING, 0, None)
    assert not Slot.objects.exists()
    assert runs.give_back([claim]) == []


def worker_row(worker) -> Worker:
    now = clock.now()
    return Worker.objects.create(id=worker, name="w", host="h", pid=1, started_at=now, beat_at=now)


def test_of_a_lost_workers_batch_only_the_started_run_is_charged(noop) -> None:
    worker_row(ME)
    rows = made(noop, 3)
    batch = claimed(rows)
    runs.finish([ending(batch[0])])
    assert runs.declare_lost(ME, renewals=0)
    assert len(runs.rescue(ME)) == 2
    after = {row.id: row for row in Run.objects.all()}
    assert after[batch[0].id].state == states.SUCCEEDED
    assert (after[batch[1].id].attempt, after[batch[1].id].crashes) == (1, 1)
    assert (after[batch[2].id].attempt, after[batch[2].id].crashes) == (0, 0)
    assert not Slot.objects.exists() and not runs.bereft_workers()


def test_the_lost_workers_late_ending_is_refused(noop) -> None:
    worker_row(ME)
    (claim,) = claimed(made(noop))
    runs.declare_lost(ME, renewals=0)
    runs.rescue(ME)
    assert runs.finish([ending(claim)]) == []
    assert not runs.renew(ME, busy=0, rss_mb=1)


def test_a_worker_that_renews_is_not_lost(noop) -> None:
    worker_row(ME)
    assert runs.renew(ME, busy=0, rss_mb=1)
    assert not runs.declare_lost(ME, renewals=0)


def lose_the_worker_of(row: Run) -> None:
    worker = uuid4()
    worker_row(worker)
    assert len(claimed([row], worker)) == 1
    runs.declare_lost(worker, renewals=0)
    runs.rescue(worker)
    row.refresh_from_db()


def test_three_crashes_make_a_dead_letter(noop) -> None:
    (row,) = made(noop)
    lose_the_worker_of(row)
    assert (row.state, row.crashes) == (states.PENDING, 1)
    for crash in (2, 3):
        batches = runs.claim(QUEUE, [row.id], worker_id=ME, slots=1).batches
        assert batches[0].executor == "children"
        died = replace(ending(batches[0].claims[0], states.PENDING), crashed=True, error_code="child_died")
        runs.finish([died], slots=[batches[0].token])
        row.refresh_from_db()
        assert row.crashes == crash
    assert row.state == states.DEAD and row.error_code == "child_died"
    assert RunEvent.objects.filter(run=row, kind=RunEvent.Kind.CRASHED).count() == 3


def test_a_run_alone_in_a_child_does_not_die_of_its_workers(noop) -> None:
    (row,) = made(noop)
    for _ in range(9):
        lose_the_worker_of(row)
    assert (row.state, row.crashes, row.losses) == (states.PENDING, 1, 8)
    assert row.max_attempts > row.attempt == 9


def test_a_run_whose_worker_is_lost_time_and_again_is_dead_in_the_end(noop, actor) -> None:
    (row,) = made(noop)
    while row.state == states.PENDING:
        lose_the_worker_of(row)
    assert (row.state, row.losses, row.error_code) == (states.DEAD, 10, "worker_lost")
    assert "10 of 10 times" in row.error_message
    again = runs.requeue(row.id, actor=actor)
    assert (again.crashes, again.losses) == (0, 0)


def test_the_most_urgent_come_first_and_then_those_that_fell_due_first(noop) -> None:
    first, second = made(noop, 2)
    (urgent,) = made(noop, priority=5)
    Run.objects.filter(pk=first.id).update(due_at=clock.now())  # it fell due last
    taken = [batch.claims[0].id for batch in runs.claim(QUEUE, worker_id=ME, slots=2, share=1).batches]
    assert taken == [urgent.id, second.id]


def test_a_run_that_waits_for_its_key_is_not_overtaken_by_a_younger_one(job) -> None:
    keyed = job(lambda ctx, params: None, key_limit=1)
    running, waiting = made(keyed, 2, concurrency_key="customer:1")
    (claim,) = claimed([running])
    (younger,) = made(keyed, concurrency_key="customer:1")
    assert not runs.claim(QUEUE, worker_id=OTHER, slots=2).batches
    runs.finish([ending(claim)], slots=[claim.token])
    (batch,) = runs.claim(QUEUE, worker_id=OTHER, slots=2, share=1).batches
    assert [claim.id for claim in batch.claims] == [waiting.id]
    assert Run.objects.get(pk=younger.id).state == states.PENDING


def test_a_dedupe_key_has_one_live_run_at_a_time(noop) -> None:
    request = RunRequest(job=noop.name, params={}, actor=Actor.system(), dedupe_key="plan:1")
    first = runs.create([runs.new_run(request)])[0]
    second = runs.create([runs.new_run(request)])[0]
    assert first.created and not second.created and second.id == first.id
    (claim,) = claimed([Run.objects.get(pk=first.id)])
    runs.finish([ending(claim)])
    assert runs.create([runs.new_run(request)])[0].created


def test_a_waiting_run_is_cancelled_at_once_and_can_be_retried(noop, actor) -> None:
    (row,) = made(noop)
    assert runs.request_cancel(row.id, actor=actor).state == states.CANCELLED
    with pytest.raises(WrongState):
        runs.request_cancel(row.id, actor=actor)
    again = runs.requeue(row.id, actor=actor)
    assert again.state == states.PENDING and again.max_attempts == noop.max_attempts


def test_a_dead_run_is_retried_with_all_its_attempts_before_it(noop, actor) -> None:
    (claim,) = claimed(made(noop, max_attempts=1))
    runs.finish([ending(claim, states.DEAD, error_message="no")], slots=[claim.token])
    for _ in range(3):
        row = runs.requeue(claim.id, actor=actor)
        assert row.max_attempts == row.attempt + 1
        (again,) = claimed([row])
        runs.finish([ending(again, states.DEAD, error_message="no")], slots=[again.token])


def test_a_succeeded_run_cannot_be_retried(noop, actor) -> None:
    (claim,) = claimed(made(noop))
    runs.finish([ending(claim)])
    with pytest.raises(WrongState, match="only dead and cancelled"):
        runs.requeue(claim.id, actor=actor)


def test_claim_and_finish_of_a_batch_take_a_fixed_number_of_statements(noop, django_assert_max_num_queries) -> None:
    rows = made(noop, 50)
    with django_assert_max_num_queries(9):
        batch = claimed(rows)
    with django_assert_max_num_queries(9):
        runs.finish([ending(claim) for claim in batch], slots=[batch[0].token])
