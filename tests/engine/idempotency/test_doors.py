"""The same by the doors that write audit entries: asked for by name or by a definition, replayed and audited once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from queues.contract import RunRef
from queues.engine import control, dispatch
from queues.errors import IdempotencyConflict, InvalidParams
from queues.ledger import clock
from queues.models import AuditEntry, JobDefinition

from ..conftest import Number
from .conftest import KEY, NOON


@pytest.mark.django_db
def test_a_job_asked_for_by_name_is_replayed_and_audited_once(noop, actor) -> None:
    first, again = (dispatch.enqueue_job(noop.name, {"n": 1}, actor=actor, idempotency_key=KEY) for _ in range(2))
    assert first.id == again.id and AuditEntry.objects.get().object_id == str(first.id)
    with pytest.raises(IdempotencyConflict):
        dispatch.enqueue_job(noop.name, {"n": 2}, actor=actor, idempotency_key=KEY)
    assert AuditEntry.objects.count() == 1


@pytest.mark.django_db
def test_a_definition_is_replayed_and_another_of_the_same_job_is_a_conflict(noop, actor) -> None:
    mine, other = (JobDefinition.objects.create(name=name, job=noop.name, params={"n": 1}) for name in ("a", "b"))
    first, again = (dispatch.run_definition(mine, {}, actor=actor, idempotency_key=KEY) for _ in range(2))
    assert first.id == again.id and AuditEntry.objects.count() == 1
    with pytest.raises(IdempotencyConflict):
        dispatch.run_definition(other, {}, actor=actor, idempotency_key=KEY)


@pytest.mark.django_db
def test_a_replay_is_answered_although_its_time_has_come_since(noop, actor) -> None:
    at = NOON + timedelta(minutes=1)
    with clock.frozen(NOON) as fake:
        first = dispatch.enqueue_job(noop.name, {}, actor=actor, at=at, idempotency_key=KEY)
        fake.advance(3600)
        assert dispatch.enqueue_job(noop.name, {}, actor=actor, at=at, idempotency_key=KEY).id == first.id
        with pytest.raises(InvalidParams):
            dispatch.enqueue_job(noop.name, {}, actor=actor, at=at, idempotency_key="another")
        with pytest.raises(IdempotencyConflict):
            dispatch.enqueue_job(noop.name, {}, actor=actor, at=at - timedelta(1), idempotency_key=KEY)


@pytest.mark.django_db
def test_a_replay_after_a_cancel_does_not_run_again(noop, actor) -> None:
    ref = noop.enqueue(Number(), idempotency_key=KEY)
    control.cancel(ref.id, actor=actor)
    assert noop.enqueue(Number(), idempotency_key=KEY) == RunRef(ref.id, "cancelled", created=False)
