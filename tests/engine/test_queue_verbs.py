"""Pause, drain and resume: of one queue and of all, audited, and seen by a real worker."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import uuid4

import pytest

from queues import catalogue
from queues.engine import queue_verbs
from queues.errors import UnknownQueue, WrongState
from queues.ledger import clock, runs
from queues.ledger.queue_settings import all_effective, effective
from queues.models import AuditEntry, Queue, Run

from .conftest import QUEUE, Number, state_of, until


@pytest.mark.django_db
class TestOneQueue:
    def test_a_drain_is_stored_with_who_and_why_and_audited(self, actor) -> None:
        queue_verbs.drain_queue("external-api-coordination", actor=actor, why=" Moving hosts ")
        in_force = effective("external-api")
        assert (in_force.draining, in_force.drain_by, in_force.drain_reason) == (True, "tests", "Moving hosts")
        assert in_force.open  # what is there is finished
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.object_id) == ("queue.drain", "external-api")
        assert set(entry.after) == {"drain_at", "drain_by", "drain_reason"}

    def test_a_drain_needs_a_reason_and_a_queue_that_is_not_draining(self, actor) -> None:
        with pytest.raises(WrongState, match="Say why"):
            queue_verbs.drain_queue("billing", actor=actor, why="  ")
        queue_verbs.drain_queue("billing", actor=actor, why="Month's end")
        with pytest.raises(WrongState, match="draining already: Month's end"):
            queue_verbs.drain_queue("billing", actor=actor, why="Again")
        assert AuditEntry.objects.count() == 1

    def test_a_resume_ends_a_pause_and_a_drain_together(self, actor) -> None:
        queue_verbs.drain_queue("billing", actor=actor, why="Month's end")
        queue_verbs.pause_queue("billing", actor=actor, why="Prices are wrong")
        queue_verbs.resume_queue("billing", actor=actor, why="Mended")
        in_force = effective("billing")
        assert not in_force.paused and not in_force.draining
        entry = AuditEntry.objects.latest("id")
        assert (entry.before["pause_reason"], entry.before["drain_reason"]) == ("Prices are wrong", "Month's end")
        with pytest.raises(WrongState, match="not paused and not draining"):
            queue_verbs.resume_queue("billing", actor=actor)

    def test_a_pause_that_is_replaced_keeps_the_drain(self, actor) -> None:
        queue_verbs.drain_queue("billing", actor=actor, why="Month's end")
        queue_verbs.pause_queue("billing", actor=actor, why="One")
        queue_verbs.pause_queue("billing", actor=actor, why="Two", until=clock.now() + timedelta(hours=1))
        in_force = effective("billing")
        assert (in_force.pause_reason, in_force.draining) == ("Two", True)

    def test_a_pause_does_not_end_before_it_begins(self, actor) -> None:
        with pytest.raises(WrongState, match="in the past"):
            queue_verbs.pause_queue("billing", actor=actor, why="Late", until=clock.now())

    @pytest.mark.parametrize("verb", ["pause_queue", "drain_queue", "resume_queue"])
    def test_an_unknown_queue_is_told(self, actor, verb) -> None:
        with pytest.raises(UnknownQueue):
            getattr(queue_verbs, verb)("all", actor=actor, why="?")


@pytest.mark.django_db
class TestAllQueues:
    def test_pausing_all_leaves_the_reasons_of_those_that_are_paused(self, actor) -> None:
        queue_verbs.pause_queue("billing", actor=actor, why="Prices are wrong")
        did = queue_verbs.pause_all(actor=actor, why="The database moves")
        assert did.already == ["billing"]
        assert set(did.changed) == set(catalogue.NAMES) - {"billing"}
        reasons = {name: queue.pause_reason for name, queue in all_effective().items()}
        assert reasons.pop("billing") == "Prices are wrong"
        assert set(reasons.values()) == {"The database moves"}
        assert AuditEntry.objects.filter(action="queue.pause", why="The database moves").count() == len(did.changed)

    def test_a_pause_whose_time_is_over_is_none(self, actor) -> None:
        with clock.frozen(clock.now()) as time:
            queue_verbs.pause_queue("billing", actor=actor, why="Short", until=time.now() + timedelta(seconds=5))
            time.advance(6)
            assert "billing" in queue_verbs.pause_all(actor=actor, why="Long").changed

    def test_resuming_all_ends_pauses_and_drains_and_names_the_rest(self, actor) -> None:
        queue_verbs.pause_queue("billing", actor=actor, why="One")
        queue_verbs.drain_queue("email", actor=actor, why="Two")
        did = queue_verbs.resume_all(actor=actor, why="All is well")
        assert set(did.changed) == {"billing", "email"}
        assert set(did.already) == set(catalogue.NAMES) - {"billing", "email"}
        assert not any(queue.paused or queue.draining for queue in all_effective().values())
        assert queue_verbs.resume_all(actor=actor).changed == []


@pytest.mark.django_db
def test_saving_overrides_does_not_undo_what_others_wrote_meanwhile(actor, queues_exist) -> None:
    form = Queue.objects.get(pk="billing")  # somebody has the form open
    queue_verbs.pause_queue("billing", actor=actor, why="Prices are wrong")
    Queue.objects.filter(pk="billing").update(grants=[[1.0, 5]])
    form.executor, form.concurrency = "children", 3
    queue_verbs.save_queue(form, actor=actor)
    stored = Queue.objects.get(pk="billing")
    assert (stored.executor, stored.concurrency) == ("children", 3)
    assert (stored.pause_reason, stored.grants) == ("Prices are wrong", [[1.0, 5]])
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, set(entry.after)) == ("queue.change", {"executor", "concurrency"})


@pytest.mark.django_db
def test_a_drain_is_exact_at_the_claim(job, actor, queues_exist) -> None:
    noop = job(lambda ctx, p: None)
    with clock.frozen(clock.now()) as time:
        before = noop.enqueue(Number(n=1))
        later = noop.enqueue(Number(n=2), at=time.now() + timedelta(seconds=60))  # asked for before: it is there
        time.advance(1)
        queue_verbs.drain_queue(QUEUE, actor=actor, why="Moving hosts")
        time.advance(1)
        after = noop.enqueue(Number(n=3))
        time.advance(60)
        runs.promote()
        claimed = runs.claim(QUEUE, worker_id=uuid4(), slots=2)
    assert {claim.id for batch in claimed.batches for claim in batch.claims} == {before.id, later.id}
    assert state_of(after.id) == "pending"


@pytest.mark.django_db(transaction=True)
def test_a_draining_queue_finishes_what_is_there_and_goes_on_after_the_resume(job, working, actor) -> None:
    go_on = threading.Event()

    def waits(ctx, params) -> None:
        assert go_on.wait(20)

    works = job(waits)
    fails = job(lambda ctx, p: 1 / 0, backoff_base_s=0.2, backoff_cap_s=0.2)
    with working(concurrency=1, slots=1):
        earlier = [works.enqueue(Number(n=n)) for n in range(4)]
        retried = fails.enqueue(Number(), max_attempts=2)
        until(lambda: Run.objects.filter(state="running").exists())
        queue_verbs.drain_queue(QUEUE, actor=actor, why="Moving hosts")
        later = [works.enqueue(Number(n=n)) for n in range(3)]
        go_on.set()
        until(lambda: all(state_of(ref.id) == "succeeded" for ref in earlier))
        until(lambda: state_of(retried.id) == "dead")  # its second attempt belongs to what was there
        threading.Event().wait(1.5)  # the reconciler has looked again
        assert [state_of(ref.id) for ref in later] == ["pending"] * 3
        queue_verbs.resume_queue(QUEUE, actor=actor)
        until(lambda: all(state_of(ref.id) == "succeeded" for ref in later))


@pytest.mark.django_db(transaction=True)
def test_a_paused_queue_is_taken_up_again_after_resuming_all(job, working, actor, queues_exist) -> None:
    works = job(lambda ctx, p: None)
    queue_verbs.pause_all(actor=actor, why="The database moves")
    with working():
        ref = works.enqueue(Number())
        threading.Event().wait(1.0)
        assert state_of(ref.id) == "pending"
        queue_verbs.resume_all(actor=actor)
        until(lambda: state_of(ref.id) == "succeeded")
