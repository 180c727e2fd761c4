"""The same key in one transaction, beside one that is undecided, and from two hundred at the same moment."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from queues.contract import RunRef
from queues.errors import IdempotencyConflict
from queues.models import IdempotencyRecord, Run
from tests.crowd import at_once

from ..conftest import QUEUE, Number
from .conftest import KEY, transactional


@transactional
def test_in_one_transaction_the_second_gets_the_first_and_the_bell_rings_once(noop, fake_window) -> None:
    with transaction.atomic():
        first = noop.enqueue(Number(), idempotency_key=KEY)
        assert noop.enqueue(Number(), idempotency_key=KEY).id == first.id
        assert fake_window.ids(QUEUE) == []
    assert fake_window.ids(QUEUE) == [first.id]


@transactional
def test_a_rollback_leaves_the_key_free(noop, fake_window) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        noop.enqueue(Number(n=1), idempotency_key=KEY)
        1 / 0
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():  # a savepoint
            noop.enqueue(Number(n=2), idempotency_key=KEY)
            1 / 0
        kept = noop.enqueue(Number(n=3), idempotency_key=KEY)
    assert [run.id for run in Run.objects.all()] == [kept.id] == fake_window.ids(QUEUE)


@transactional
def test_a_conflict_leaves_the_callers_transaction_as_it_was(noop, fake_window) -> None:
    noop.enqueue(Number(n=1), idempotency_key=KEY)
    with transaction.atomic():
        before = noop.enqueue(Number(n=2))
        with pytest.raises(IdempotencyConflict):
            noop.enqueue(Number(n=3), idempotency_key=KEY)
        after = noop.enqueue(Number(n=4))
    assert {before.id, after.id} < set(fake_window.ids(QUEUE)) and Run.objects.count() == 3


@transactional
def test_two_hundred_at_once_are_one_run(noop, fake_window) -> None:
    refs = at_once(200, lambda _: noop.enqueue(Number(n=1), idempotency_key=KEY))
    assert len({ref.id for ref in refs}) == 1 and [ref.created for ref in refs].count(True) == 1
    assert [run.id for run in Run.objects.all()] == [refs[0].id] == fake_window.ids(QUEUE)
    assert IdempotencyRecord.objects.get().run_id == refs[0].id


@transactional
@pytest.mark.parametrize("kept", [True, False], ids=["commits", "rolls back"])
def test_who_comes_while_the_first_is_undecided_waits_and_takes_its_place_if_it_gives_up(
    noop, fake_window, kept: bool
) -> None:
    asked, may_end = threading.Event(), threading.Event()
    first: list[RunRef] = []

    def hold() -> None:
        try:
            with transaction.atomic():
                first.append(noop.enqueue(Number(), idempotency_key=KEY))
                asked.set()
                may_end.wait(10)
                transaction.set_rollback(not kept)
        finally:
            connection.close()

    def follow() -> RunRef:
        try:
            return noop.enqueue(Number(), idempotency_key=KEY)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        holding = pool.submit(hold)
        assert asked.wait(10)
        following = pool.submit(follow)
        with pytest.raises(TimeoutError):
            following.result(0.3)
        may_end.set()
        holding.result(10)
        second = following.result(20)
    assert (second.id == first[0].id, second.created) == (kept, not kept)
    assert [run.id for run in Run.objects.all()] == [second.id] == fake_window.ids(QUEUE)
