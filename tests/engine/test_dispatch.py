"""Asking for runs: in the caller's transaction, released once after it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from queues import registry
from queues.engine import control, dispatch, queue_verbs
from queues.errors import Disabled, InvalidParams, UnknownJob, WrongState
from queues.ledger import clock
from queues.models import AuditEntry, JobDefinition, Queue, Run

from .conftest import QUEUE, Number

transactional = pytest.mark.django_db(transaction=True)


@pytest.fixture
def noop(job):
    return job(lambda ctx, params: None)


@transactional
def test_a_run_is_released_after_the_commit_and_not_before(noop, fake_window) -> None:
    with transaction.atomic():
        ref = noop.enqueue(Number(n=1))
        assert fake_window.ids(QUEUE) == []
    assert fake_window.ids(QUEUE) == [ref.id]


@transactional
def test_a_rollback_leaves_neither_row_nor_bell(noop, fake_window) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        noop.enqueue(Number(n=1))
        raise RuntimeError
    assert not Run.objects.exists() and fake_window.ids(QUEUE) == []


@transactional
def test_one_transaction_rings_once_however_many_runs_it_asks_for(noop, fake_window, monkeypatch) -> None:
    offers = []
    original = fake_window.offer
    monkeypatch.setattr(
        fake_window, "offer", lambda queue, runs, **o: offers.append(len(runs)) or original(queue, runs, **o)
    )
    with transaction.atomic():
        for n in range(5):
            noop.enqueue(Number(n=n))
        noop.enqueue_many([Number(n=n) for n in range(5)])
    assert offers == [10]


@transactional
def test_a_rolled_back_savepoint_does_not_silence_the_others(noop, fake_window) -> None:
    with transaction.atomic():
        with pytest.raises(RuntimeError), transaction.atomic():
            noop.enqueue(Number(n=1))
            raise RuntimeError
        kept = noop.enqueue(Number(n=2))
    assert kept.id in fake_window.ids(QUEUE) and Run.objects.count() == 1


@transactional
def test_enqueue_succeeds_while_redis_is_away(noop, fake_window) -> None:
    fake_window.away = True
    ref = noop.enqueue(Number(n=1))
    assert Run.objects.get(pk=ref.id).state == "pending"


@pytest.mark.django_db
def test_an_unknown_job_is_refused_with_the_nearest_name(noop, actor) -> None:
    with pytest.raises(UnknownJob, match=r"Did you mean 'tests.job_0'"):
        dispatch.enqueue_job("tests.jab_0", {}, actor=actor)


@pytest.mark.django_db
def test_wrong_parameters_are_refused_by_field_and_nothing_is_stored(noop, actor) -> None:
    with pytest.raises(InvalidParams) as caught:
        dispatch.enqueue_job(noop.name, {"n": "x", "m": 1}, actor=actor)
    assert {error.field for error in caught.value.errors} == {"n", "m"}
    assert not Run.objects.exists() and not AuditEntry.objects.exists()


@pytest.mark.django_db
def test_a_time_in_the_past_is_refused_at_its_field(noop, actor) -> None:
    with pytest.raises(InvalidParams) as caught:
        dispatch.enqueue_job(noop.name, {}, actor=actor, at=clock.now() - timedelta(seconds=1))
    assert [error.field for error in caught.value.errors] == ["at"]


@pytest.mark.django_db
def test_params_of_another_job_are_a_programming_error(noop) -> None:
    with pytest.raises(TypeError, match="takes Number"):
        noop.enqueue(registry.NoParams())


@pytest.mark.django_db
def test_running_a_definition_puts_its_values_under_the_callers_and_is_audited(noop, actor) -> None:
    definition = JobDefinition.objects.create(
        name="Numbers", job=noop.name, params={"n": 1}, priority=3, max_attempts=2
    )
    run = dispatch.run_definition(definition, {"n": 2}, actor=actor, why="a test")
    assert (run.params, run.priority, run.max_attempts, run.definition) == ({"n": 2}, 3, 2, definition)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.object_label, entry.why, entry.actor) == ("run.enqueue", "Numbers", "a test", "tests")


@pytest.mark.django_db
def test_a_definition_that_is_off_does_not_run(noop, actor) -> None:
    definition = JobDefinition.objects.create(name="Numbers", job=noop.name, enabled=False)
    with pytest.raises(Disabled):
        dispatch.run_definition(definition, {}, actor=actor)


@pytest.mark.django_db
def test_a_unique_definition_answers_with_the_live_run(noop, actor) -> None:
    definition = JobDefinition.objects.create(name="Numbers", job=noop.name, unique=True)
    first = dispatch.run_definition(definition, {}, actor=actor)
    assert dispatch.run_definition(definition, {}, actor=actor).id == first.id
    assert AuditEntry.objects.count() == 1


@pytest.mark.django_db
def test_saving_a_definition_validates_it_and_tells_what_changed(noop, actor) -> None:
    definition = control.save_definition(JobDefinition(name="Numbers", job=noop.name, params={"n": 1}), actor=actor)
    definition.params = {"n": 2}
    control.save_definition(definition, actor=actor, why="more")
    created, changed = AuditEntry.objects.order_by("id")
    assert created.action == "definition.create" and created.before is None
    assert (changed.before, changed.after) == ({"params": {"n": 1}}, {"params": {"n": 2}})
    definition.params = {"n": "x"}
    with pytest.raises(InvalidParams):
        control.save_definition(definition, actor=actor)


@pytest.mark.django_db
def test_pausing_a_queue_needs_a_reason_and_is_audited(actor) -> None:
    with pytest.raises(WrongState, match="Say why"):
        queue_verbs.pause_queue("billing", actor=actor, why=" ")
    queue_verbs.pause_queue("billing", actor=actor, why="prices are being mended")
    assert Queue.objects.get(pk="billing").pause_reason == "prices are being mended"
    queue_verbs.resume_queue("billing", actor=actor)
    with pytest.raises(WrongState, match="not paused"):
        queue_verbs.resume_queue("billing", actor=actor)
    assert [e.action for e in AuditEntry.objects.order_by("id")] == ["queue.pause", "queue.resume"]


@pytest.mark.django_db
def test_cancel_and_retry_are_audited(noop, actor) -> None:
    ref = noop.enqueue(Number())
    control.cancel(ref.id, actor=actor, why="wrong day")
    control.retry(ref.id, actor=actor)
    told = [(e.action, e.before, e.after) for e in AuditEntry.objects.order_by("id")]
    assert told == [
        ("run.cancel", {"state": "pending"}, {"state": "cancelled"}),
        ("run.retry", {"state": "cancelled"}, {"state": "pending"}),
    ]
