"""Rows of several tables in one statement: all or none; and a request for a run with its audit entry in as few as can be."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from queues.contract import Actor, RunRef
from queues.engine import dispatch
from queues.ledger import audit, clock
from queues.ledger.requests import new_row
from queues.ledger.together import insert_together
from queues.models import AuditEntry, Run

from .conftest import Number

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def noop(job: Any) -> Any:
    return job(lambda ctx, params: None)


def entry(**values: Any) -> dict[str, Any]:
    return {
        "at": clock.now(), "actor": "ada", "source": "api", "action": "run.enqueue", "object_type": "run", "object_id": "1",
        **values,
    }  # fmt: skip


def test_both_rows_are_there_with_their_defaults(noop: Any, actor: Actor) -> None:
    row = new_row(noop.request(Number(n=3), actor=actor))
    insert_together([(Run, row), (AuditEntry, entry(after={"n": 3, "percent": "5 %s"}))])
    made = Run.objects.get()
    assert (made.id, made.parameters, made.attempt, made.result) == (row["id"], row["params"], 0, None)
    kept = AuditEntry.objects.get()
    assert (kept.after, kept.before, kept.why) == ({"n": 3, "percent": "5 %s"}, None, "")


@pytest.mark.parametrize("inside", [False, True])
def test_neither_is_there_if_one_cannot_be(noop: Any, actor: Actor, inside: bool) -> None:
    row = new_row(noop.request(Number(n=3), actor=actor))

    def insert() -> None:
        insert_together([(Run, row), (AuditEntry, entry(at=None))])

    def within() -> None:
        with transaction.atomic():
            insert()

    with pytest.raises(DatabaseError):
        within() if inside else insert()
    assert not Run.objects.exists() and not AuditEntry.objects.exists()


def test_an_entry_without_a_row_beside_it_is_written_alone(actor: Actor) -> None:
    audit.write(actor, "queue.pause", object_type="queue", object_id="billing", why="w" * 400)
    assert AuditEntry.objects.get().why == "w" * 300


def test_the_run_that_is_answered_is_as_a_query_would_give_it(noop: Any, actor: Actor, fake_window: Any) -> None:
    run = dispatch.enqueue_job(noop.name, {"n": 2}, actor=actor, why="so")
    same = Run.objects.get(pk=run.pk)
    names = [field.attname for field in Run._meta.concrete_fields]
    assert [getattr(run, name) for name in names] == [getattr(same, name) for name in names]
    assert (run._state.adding, run.answer) == (False, RunRef(run.id, "pending"))
    assert AuditEntry.objects.get().object_id == str(run.id)


def test_a_run_asked_for_in_a_transaction_rings_after_it(noop: Any, actor: Actor, fake_window: Any) -> None:
    with transaction.atomic():
        run = dispatch.enqueue_job(noop.name, {"n": 2}, actor=actor)
        assert fake_window.ids(run.queue) == []
    assert fake_window.ids(run.queue) == [run.id]


def test_a_bell_that_breaks_after_the_commit_reaches_no_caller(
    noop: Any, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **told: Any) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("queues.engine.dispatch.release_listed", broken)
    asked = dispatch.enqueue_job(noop.name, {"n": 2}, actor=actor).id, noop.enqueue(Number(n=3)).id
    assert set(Run.objects.values_list("pk", flat=True)) == set(asked)


def test_a_rollback_takes_the_run_and_its_entry(noop: Any, actor: Actor, fake_window: Any) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        dispatch.enqueue_job(noop.name, {"n": 2}, actor=actor)
        raise RuntimeError
    assert not Run.objects.exists() and not AuditEntry.objects.exists() and connection.in_atomic_block is False
