"""Chunk by chunk: each with its own commit, at a fixed price, beside others who work."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from queues.engine import bulk
from queues.engine.bulk_count import count_clean, count_failed
from queues.ledger import clock, requeue, states
from queues.ledger.choice import Choice
from queues.models import AuditEntry, Run

from ..conftest import QUEUE, Number, until
from .conftest import ids, in_state

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queues_exist")]
on_postgresql = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="SQLite has one writer at a time and locks no rows"
)


class TestChunks:
    @pytest.mark.parametrize(
        ("count", "sizes"), [(0, []), (1, [1]), (3, [3]), (4, [3, 4]), (6, [3, 6]), (7, [3, 6, 7])]
    )
    def test_their_boundaries(self, waiting, dead, actor, count, sizes) -> None:
        waiting(count), dead(count)
        cleaned = bulk.in_chunks(bulk.CLEAN, count_clean(QUEUE), actor=actor, why="?", size=3)
        assert [tally.done for tally in cleaned] == sizes
        retried = bulk.in_chunks(bulk.RETRY, count_failed(), actor=actor, why="?", size=3)
        assert [tally.done for tally in retried] == sizes

    def test_a_limit_cuts_within_a_chunk(self, dead, actor) -> None:
        rows = dead(7)
        tallies = bulk.in_chunks(bulk.RETRY, count_failed(limit=5), actor=actor, why="?", size=3)
        assert [tally.done for tally in tallies] == [3, 5]
        assert in_state("pending") == ids(rows[:5])

    def test_each_takes_a_fixed_number_of_statements(self, waiting, dead, actor) -> None:
        waiting(200), dead(200, keys=[f"day:{n}" for n in range(200)])

        def statements(verb, what, size) -> int:
            with CaptureQueriesContext(connection) as seen:
                next(bulk.in_chunks(verb, what, actor=actor, why="?", size=size))
            return len(seen)

        few = statements(bulk.CLEAN, count_clean(QUEUE), 2), statements(bulk.RETRY, count_failed(), 2)
        many = statements(bulk.CLEAN, count_clean(QUEUE), 150), statements(bulk.RETRY, count_failed(), 150)
        assert few == many
        assert few[0] <= 10 and few[1] <= 14  # page, lock, writing, events, audit entry; savepoints are statements too

    @pytest.mark.django_db(transaction=True)
    def test_each_is_released_after_its_own_commit(self, dead, actor, fake_window) -> None:
        rows = dead(5)
        for tally in bulk.in_chunks(bulk.RETRY, count_failed(), actor=actor, why="?", size=2):
            assert len(fake_window.ids(QUEUE)) == tally.done
        assert set(fake_window.ids(QUEUE)) == ids(rows)

    @pytest.mark.django_db(transaction=True)
    def test_what_was_committed_before_a_fault_stays_with_its_audit_entry(self, dead, actor, monkeypatch) -> None:
        dead(4)
        chunks = bulk.in_chunks(bulk.RETRY, count_failed(), actor=actor, why="?", size=2)
        next(chunks)
        monkeypatch.setattr(requeue, "_write", lambda rows: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            next(chunks)
        assert len(in_state("pending")) == 2
        assert AuditEntry.objects.get().after["count"] == 4

    @on_postgresql
    @pytest.mark.django_db(transaction=True)
    def test_rows_that_others_hold_are_not_waited_for(self, waiting, dead, actor) -> None:
        (held, *free), (held_dead, *free_dead) = waiting(3), dead(3)
        locked, done = threading.Event(), threading.Event()

        def hold() -> None:
            with transaction.atomic():
                list(Run.objects.select_for_update().filter(id__in=[held.id, held_dead.id]))
                locked.set()
                done.wait(20)
            connections.close_all()

        thread = threading.Thread(target=hold)
        thread.start()
        try:
            assert locked.wait(10)
            cleaned = bulk.clean_queue(count_clean(QUEUE), actor=actor, why="?")
            retried = bulk.retry_failed(count_failed(), actor=actor, why="?")
        finally:
            done.set()
            thread.join(20)
        assert cleaned.tally == retried.tally == bulk.Tally(done=2, missed=1)
        assert in_state("cancelled") == ids(free) and in_state("dead") == {held_dead.id}
        assert ids(free_dead) < in_state("pending")

    @pytest.mark.django_db(transaction=True)
    def test_the_cut_off_holds_while_others_ask_for_more(self, noop, actor, fake_window) -> None:
        first = {ref.id for ref in noop.enqueue_many([Number(n=n) for n in range(60)])}
        what, stop, later = count_clean(QUEUE), threading.Event(), []

        def ask() -> None:
            while not stop.is_set():
                later.append(noop.enqueue(Number(n=len(later))).id)
            connections.close_all()

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            until(lambda: len(later) >= 3)
            for _ in bulk.in_chunks(bulk.CLEAN, what, actor=actor, why="?", size=7):
                threading.Event().wait(0.005)
            until(lambda: len(later) >= 10)
        finally:
            stop.set()
            thread.join(20)
        assert in_state("cancelled") == first
        assert in_state("pending") == set(later)

    @pytest.mark.django_db(transaction=True)
    def test_a_clean_beside_a_working_worker_loses_and_doubles_nothing(self, job, working, actor) -> None:
        ran: list[int] = []
        works = job(lambda ctx, p: ran.append(p.n))
        with working(slots=2):
            works.enqueue_many([Number(n=n) for n in range(300)])
            did = bulk.clean_queue(count_clean(QUEUE), actor=actor, why="?")
            until(lambda: not in_state("pending") and not in_state("running"))
        assert len(ran) == len(set(ran)) == len(in_state("succeeded"))
        assert len(ran) + did.tally.done == 300


def test_pages_go_state_by_state_in_the_order_of_ids_and_each_run_comes_once(waiting, dead) -> None:
    later = waiting(2, at=clock.now() + timedelta(hours=1))
    due = waiting(3)
    choice = Choice(states=("scheduled", "pending"), queues=(QUEUE,))
    pages = list(choice.pages(2))
    assert pages == [[r.id for r in later], [r.id for r in due[:2]], [due[2].id]]
    chosen = replace(choice, ids=(due[1].id, later[0].id, due[1].id))
    assert sorted(i for page in chosen.pages(1) for i in page) == sorted([due[1].id, later[0].id])
    assert sum(chosen.counts().values()) == 2
    assert (choice.nth(1), choice.nth(5), choice.nth(6)) == (later[0].id, due[2].id, None)
    assert states.PENDING in choice.states
