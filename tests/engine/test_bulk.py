"""Many runs cleaned or retried: counted, bounded, in chunks, audited once; at once, or by a run with progress."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from queues import registry
from queues.contract import Actor, RunRequest
from queues.engine import bulk
from queues.engine.bulk_count import count_clean, count_failed
from queues.engine.context import RunContext
from queues.errors import InvalidParams, RunCancelled, WorkerStopping, WrongState
from queues.jobspecs import CleanQueue, RetryFailed, clean_queue, retry_failed
from queues.ledger import clock, requeue, runs, states
from queues.ledger.choice import Choice
from queues.models import AuditEntry, EffectRecord, JobDefinition, Run, RunEvent

from .conftest import QUEUE, Number, state_of, until

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queues_exist")]
on_postgresql = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="SQLite has one writer at a time and locks no rows"
)


@pytest.fixture
def noop(job):
    return job(lambda ctx, params: None)


@pytest.fixture
def waiting(noop):
    """waiting(7, at=…): so many runs that wait."""

    def make(count: int = 1, spec=noop, **options) -> list[Run]:
        request = RunRequest(job=spec.name, params={"n": 1}, actor=Actor.system(), **options)
        rows = [runs.new_run(request) for _ in range(count)]
        runs.create(rows)
        return rows

    return make


@pytest.fixture
def dead(waiting):
    """dead(7, error_code="timeout"): so many runs that failed for good just now."""

    def make(count: int = 1, keys: list[str] | None = None, **values) -> list[Run]:
        now = clock.now()
        rows = waiting(count)
        told = {
            "state": "dead",
            "attempt": 6,
            "error_code": "store_away",
            "error_message": "no",
            "started_at": now,
            "finished_at": now,
        }
        Run.objects.filter(id__in=[r.id for r in rows]).update(**{**told, **values})
        for row, key in zip(rows, keys or [], strict=False):
            Run.objects.filter(pk=row.id).update(dedupe_key=key)
        return rows

    return make


def ids(rows) -> set[UUID]:
    return {row.id for row in rows}


def in_state(state: str) -> set[UUID]:
    return set(Run.objects.filter(state=state).values_list("id", flat=True))


class TestClean:
    def test_it_cancels_what_waits_and_touches_nothing_else(self, waiting, dead, actor) -> None:
        due, later = waiting(3), waiting(2, at=clock.now() + timedelta(hours=1))
        failed, running = dead(), waiting(1)
        runs.claim(QUEUE, list(ids(running)), worker_id=uuid4(), slots=1)
        foreign = waiting(1, queue="billing")
        what = count_clean(QUEUE)
        assert what.counts == {("pending", due[0].job): 3, ("scheduled", due[0].job): 2}
        did = bulk.clean_queue(what, actor=actor, why="Wrong prices")
        assert (did.tally, did.run) == (bulk.Tally(done=5), None)
        assert in_state("cancelled") == ids(due + later)
        assert (in_state("running"), in_state("pending"), in_state("dead")) == (ids(running), ids(foreign), ids(failed))

    def test_each_run_tells_it_and_the_audit_log_tells_it_once(self, waiting, actor) -> None:
        waiting(4)
        what = count_clean(QUEUE, job="tests.job_0", older_than_s=0)
        bulk.clean_queue(what, actor=actor, why="Wrong prices")
        events = RunEvent.objects.values_list("kind", "actor", "note")
        assert list(events) == [("cancelled", "tests", "Wrong prices")] * 4
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.object_id, entry.why, entry.before) == (
            "queue.clean",
            QUEUE,
            "Wrong prices",
            None,
        )
        assert (entry.after["count"], entry.after["jobs"]) == (4, ["tests.job_0"])
        assert entry.after["created_until"] == what.choice.created_until.isoformat()

    @pytest.mark.parametrize(
        ("how", "gone"),
        [
            ({}, {"old", "later", "young", "other"}),
            ({"among": ["pending"]}, {"old", "young", "other"}),
            ({"among": ["scheduled"]}, {"later"}),
            ({"older_than_s": 3600}, {"old", "later"}),
            ({"job": "tests.job_1"}, {"other"}),
            ({"job": "tests.gone"}, set()),
            ({"until": "early"}, {"old"}),
            ({"limit": 1}, {"old"}),
        ],
    )
    def test_what_it_is_about_can_be_narrowed(self, noop, waiting, job, actor, how: dict[str, Any], gone) -> None:
        other = job(lambda ctx, params: None)
        with clock.frozen(clock.now()) as time:
            made = {"old": waiting(1)}
            early = time.advance(1)
            time.advance(1)
            made["later"] = waiting(1, at=time.now() + timedelta(days=9))
            time.advance(7200)
            made |= {"young": waiting(1), "other": waiting(1, spec=other)}
            given = {**how, "until": early} if "until" in how else how
            bulk.clean_queue(count_clean(QUEUE, **given), actor=actor, why="?")
        assert {name for name, (row,) in made.items() if state_of(row.id) == "cancelled"} == gone

    def test_what_is_asked_for_after_the_count_stays(self, waiting, actor) -> None:
        before = waiting(3)
        what = count_clean(QUEUE)
        after = waiting(3)
        assert bulk.clean_queue(what, actor=actor, why="?").tally.done == 3
        assert (in_state("cancelled"), in_state("pending")) == (ids(before), ids(after))

    def test_no_more_than_was_counted_is_discarded(self, waiting, actor) -> None:
        rows = waiting(5)
        again = count_clean(QUEUE, limit=3)
        assert (again.total, again.bound) == (5, 3)
        assert bulk.clean_queue(again, actor=actor, why="?").tally == bulk.Tally(done=3)
        assert in_state("cancelled") == ids(rows[:3])

    def test_a_run_that_was_claimed_since_the_count_goes_on(self, waiting, actor) -> None:
        rows = waiting(3)
        what = count_clean(QUEUE)
        runs.claim(QUEUE, [rows[1].id], worker_id=uuid4(), slots=1)
        assert bulk.clean_queue(what, actor=actor, why="?").tally.done == 2
        assert in_state("running") == {rows[1].id}

    def test_one_that_falls_due_meanwhile_is_met_among_the_pending(self, waiting, actor) -> None:
        with clock.frozen(clock.now()) as time:
            (row,) = waiting(1, at=time.now() + timedelta(seconds=1))
            what = count_clean(QUEUE)
            time.advance(2)
            runs.promote()
            bulk.clean_queue(what, actor=actor, why="?")
        assert state_of(row.id) == "cancelled"

    def test_it_needs_a_reason(self, waiting, actor) -> None:
        waiting(1)
        with pytest.raises(WrongState, match="Say why"):
            bulk.clean_queue(count_clean(QUEUE), actor=actor, why=" ")
        assert not in_state("cancelled")

    def test_nothing_to_do_leaves_no_trace(self, actor) -> None:
        assert bulk.clean_queue(count_clean(QUEUE), actor=actor, why="?").tally == bulk.Tally()
        assert not AuditEntry.objects.exists()

    def test_the_ledger_cancels_by_the_many_only_what_waits(self, actor) -> None:
        with pytest.raises(ValueError, match="not: running"):
            runs.cancel_waiting([uuid4()], among=["running"], actor=actor)


class TestRetry:
    def test_they_go_back_as_one_retried_by_hand_does(self, dead, actor) -> None:
        many, (one,) = dead(2, max_attempts=6, crashes=2), dead(1, max_attempts=6, crashes=2)
        runs.requeue(one.id, actor=actor, why="The store is back")
        did = bulk.retry_failed(count_failed(ids=list(ids(many))), actor=actor, why="The store is back")
        assert did.tally == bulk.Tally(done=2)
        told = ("state", "attempt", "max_attempts", "crashes", "finished_at", "started_at", "claimed_at", "lease_token")
        columns = set(Run.objects.values_list(*told))
        assert columns == {("pending", 6, 12, 0, None, None, None, None)}
        assert set(RunEvent.objects.values_list("kind", "note", "actor", "attempt")) == {
            ("requeued", "The store is back", "tests", 6)
        }
        assert {str(event.data) for event in RunEvent.objects.all()} == {"{'was': 'dead', 'error': 'no'}"}

    def test_the_attempts_before_it_are_what_it_had_at_first_however_often_it_is_retried(self, dead, actor) -> None:
        dead(3, max_attempts=6)
        for times in range(1, 5):
            bulk.retry_failed(count_failed(), actor=actor, why="again")
            assert set(Run.objects.values_list("attempt", "max_attempts")) == {(6 * times, 6 * times + 6)}
            Run.objects.update(state="dead", finished_at=clock.now(), attempt=6 * times + 6)

    def test_the_rule_for_attempts_is_one_and_pure(self) -> None:
        assert requeue.attempts_after(6, 6, 0) == 12
        assert requeue.attempts_after(12, 12, 1) == 18
        assert requeue.attempts_after(2, 6, 0) == 8
        assert requeue.attempts_after(1, 1, 0) == 2
        assert requeue.attempts_after(31_999, 32_000, 0) == 32_000

    @pytest.mark.parametrize(
        ("how", "found"),
        [
            ({}, {"old", "new", "other", "billing", "defined"}),
            ({"queues": ["billing"]}, {"billing"}),
            ({"queues": []}, set()),
            ({"job": "tests.job_1"}, {"other"}),
            ({"job": "tests.renamed"}, {"other"}),
            ({"definition": "Numbers"}, {"defined"}),
            ({"definition": "Letters"}, set()),
            ({"error_code": "timeout"}, {"new"}),
            ({"since": "noon"}, {"new", "other", "billing", "defined"}),
            ({"until": "noon"}, {"old"}),
            ({"created_since": "noon"}, {"new", "other", "billing", "defined"}),
            ({"limit": 2}, {"old", "new"}),
            ({"among": ["cancelled"]}, {"cancelled"}),
        ],
    )
    def test_what_it_is_about_can_be_narrowed(self, noop, dead, job, actor, how, found) -> None:
        other = job(lambda ctx, params: None, aliases=("tests.renamed",))
        definition = JobDefinition.objects.create(name="Numbers", job="tests.job_0")
        with clock.frozen(clock.now()) as time:
            made = {"old": dead(1)}
            noon = time.advance(60)
            time.advance(60)
            made["new"] = dead(1, error_code="timeout")
            made["other"] = dead(1, job=other.name)
            made["billing"] = dead(1, queue="billing")
            made["defined"] = dead(1, definition=definition)
            made["cancelled"] = dead(1, state="cancelled")
            given = {name: noon if value == "noon" else value for name, value in how.items()}
            bulk.retry_failed(count_failed(**given), actor=actor, why="?")
        assert {name for name, (row,) in made.items() if state_of(row.id) == "pending"} == found

    def test_one_that_fails_again_meanwhile_is_not_retried_again(self, dead, actor) -> None:
        rows = dead(4)
        what = count_failed()
        for _ in bulk.in_chunks(bulk.RETRY, what, actor=actor, why="?", size=2):
            Run.objects.filter(state="pending").update(state="dead", finished_at=clock.now())
        assert RunEvent.objects.count() == len(rows)
        assert bulk.retry_failed(what, actor=actor, why="?").tally == bulk.Tally()  # they failed after the count

    def test_one_whose_key_has_a_live_run_is_left_alone_and_counted(self, dead, waiting, actor) -> None:
        waiting(1, dedupe_key="day:2")
        first, blocked, same, plain = dead(4, keys=["day:1", "day:2", "day:1"])
        did = bulk.retry_failed(count_failed(), actor=actor, why="?")
        assert did.tally == bulk.Tally(done=2, blocked=2)
        assert in_state("dead") == {blocked.id, same.id}  # of two with one key the older goes back
        assert {first.id, plain.id} < in_state("pending")
        assert RunEvent.objects.count() == 2

    def test_a_key_that_is_taken_between_the_look_and_the_writing_costs_that_run_alone(
        self, dead, waiting, actor, monkeypatch
    ) -> None:
        """Somebody asks for the same key just after the look: the index refuses, and it is looked at again."""
        rows, looks = dead(3, keys=["day:1"]), []
        free = requeue._free

        def late(seen):
            found = free(seen)
            if not looks:
                waiting(1, dedupe_key="day:1")
            looks.append(len(found))
            return found

        monkeypatch.setattr(requeue, "_free", late)
        did = bulk.retry_failed(count_failed(), actor=actor, why="?")
        assert (did.tally, looks) == (bulk.Tally(done=2, blocked=1), [3, 2])
        assert state_of(rows[0].id) == "dead"

    def test_a_key_that_never_stands_still_leaves_the_runs_with_keys_out(
        self, dead, waiting, actor, monkeypatch
    ) -> None:
        rows = dead(3, keys=["day:1"])
        waiting(1, dedupe_key="day:1")
        monkeypatch.setattr(requeue, "_free", list)  # always looks free, never is
        assert bulk.retry_failed(count_failed(), actor=actor, why="?").tally == bulk.Tally(done=2, blocked=1)
        assert state_of(rows[0].id) == "dead"

    def test_the_audit_log_tells_it_once_with_filter_and_count(self, dead, actor) -> None:
        dead(5)
        bulk.retry_failed(count_failed(queues=[QUEUE], error_code="store_away", limit=3), actor=actor, why="Back")
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.object_label, entry.why) == ("run.retry_many", "3 runs", "Back")
        assert (entry.after["count"], entry.after["queues"], entry.after["error_code"]) == (3, [QUEUE], "store_away")

    def test_ids_are_named_up_to_fifty_and_counted_beyond(self, dead, actor) -> None:
        few, many = Choice(states=("dead",), ids=(uuid4(),)), Choice(states=("dead",), ids=tuple([uuid4()] * 51))
        assert few.told()["ids"] == [str(few.ids[0])]
        assert many.told()["ids"] == "51 ids"


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


class TestByARun:
    @pytest.fixture
    def begin(self, waiting):
        """begin(spec, …): a run of a bulk job that is claimed, and its context."""

        def make(spec: Any, asker: str = "ada", **params: Any) -> tuple[RunContext, Any]:
            given = spec.validate({"why": "Wrong prices", **params})
            request = spec.request(given, actor=Actor(asker, "admin"))
            row = runs.new_run(request)
            runs.create([row])
            return claimed(row.id), given

        def claimed(run_id: UUID) -> RunContext:
            (batch,) = runs.claim("maintenance", [run_id], worker_id=uuid4(), slots=1).batches
            return RunContext(batch.claims[0], clock.now())

        make.again = claimed  # type: ignore[attr-defined]
        return make

    def result(self, spec: Any, context: RunContext, params: Any) -> dict[str, Any]:
        return dict(spec.run(context, params).result)

    def test_over_a_thousand_a_run_is_asked_for_with_the_same_filter_and_bound(
        self, dead, waiting, actor, monkeypatch
    ) -> None:
        monkeypatch.setattr(bulk, "AT_ONCE", 2)
        waiting(3), dead(3)
        cleaned = bulk.clean_queue(count_clean(QUEUE, among=["pending"], job="tests.job_0"), actor=actor, why="?").run
        what = count_failed(queues=[QUEUE], error_code="store_away", job="tests.job_0")
        retried = bulk.retry_failed(what, actor=actor, why="?").run
        assert cleaned is not None and retried is not None
        assert not in_state("cancelled") and len(in_state("dead")) == 3
        assert (cleaned.job, cleaned.queue, cleaned.actor) == ("queues.clean_queue", "maintenance", "tests")
        assert cleaned.params["limit"] == 3 and cleaned.params["states"] == ["pending"]
        given = RetryFailed.model_validate(retried.params)
        assert (given.queues, given.error_code, given.job, given.limit) == ([QUEUE], "store_away", "tests.job_0", 3)
        assert given.until == what.choice.ended_until

    @pytest.mark.django_db(transaction=True)
    def test_a_real_worker_does_it(self, dead, noop, working, actor, monkeypatch) -> None:
        monkeypatch.setattr(bulk, "AT_ONCE", 2)
        rows = dead(7, keys=["day:1", "day:1"])
        run = bulk.retry_failed(count_failed(), actor=actor, why="The store is back").run
        assert run is not None
        Run.objects.filter(pk=run.id).update(queue=QUEUE)  # the one that this worker serves
        with working():
            until(lambda: state_of(run.id) == "succeeded")
            until(lambda: Run.objects.filter(id__in=ids(rows), state="succeeded").count() == 6)
        run.refresh_from_db()
        assert run.result == {"dry_run": False, "counted": 7, "retried": 6, "blocked": 1, "missed": 0}
        assert (run.progress_done, run.progress_total) == (7, 7)
        assert run.progress_note == "6 runs retried, 1 left alone: a live run has their key"
        assert [entry.action for entry in AuditEntry.objects.order_by("id")] == ["run.enqueue", "run.retry_many"]
        assert AuditEntry.objects.get(action="run.retry_many").actor == "tests"

    def test_progress_is_told_at_each_chunk_and_a_stop_is_heard_there(self, begin, waiting) -> None:
        waiting(7)
        context, params = begin(clean_queue, queue=QUEUE, chunk=3)
        seen = []
        tell = context.progress
        context.progress = lambda done, total, note="": (seen.append((done, total)), tell(done, total, note))  # type: ignore[method-assign]
        context.stop(RunCancelled)
        with pytest.raises(RunCancelled):
            clean_queue.run(context, params)  # type: ignore[misc]
        assert seen == [(0, 7), (3, 7)]
        assert len(in_state("cancelled")) == 3

    @pytest.mark.parametrize("limit", [None, 5])
    def test_begun_again_it_goes_on_with_the_same_runs_and_is_audited_once(self, begin, waiting, limit) -> None:
        first = waiting(7)
        context, params = begin(clean_queue, queue=QUEUE, chunk=3, limit=limit)
        context.stop(WorkerStopping)
        with pytest.raises(WorkerStopping):
            clean_queue.run(context, params)  # type: ignore[misc]
        runs.give_back([context.claim], slots=[context.token])
        later = waiting(2)
        again = begin.again(context.run_id)
        result = self.result(clean_queue, again, params)
        bound = limit or 7
        assert in_state("cancelled") == ids(first[:bound])
        assert ids(later) <= in_state("pending")
        assert (result["counted"], result["cancelled"]) == (bound, bound - 3)
        assert again.last_progress is not None and again.last_progress.done == again.last_progress.total == bound
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.actor, entry.after["count"]) == ("queue.clean", "ada", bound)
        assert entry.request_id == str(context.run_id)
        assert set(RunEvent.objects.filter(kind="cancelled").values_list("actor", flat=True)) == {"ada"}

    def test_retries_of_a_run_that_was_begun_again_do_not_go_round(self, begin, dead) -> None:
        dead(4)
        context, params = begin(retry_failed, chunk=2)
        context.stop(WorkerStopping)
        with pytest.raises(WorkerStopping):
            retry_failed.run(context, params)  # type: ignore[misc]
        Run.objects.filter(state="pending", job="tests.job_0").update(state="dead", finished_at=clock.now())
        runs.give_back([context.claim], slots=[context.token])
        result = self.result(retry_failed, begin.again(context.run_id), params)
        assert (result["counted"], result["retried"]) == (4, 2)
        assert RunEvent.objects.filter(kind="requeued").count() == 4

    def test_a_dry_run_counts_and_changes_nothing(self, begin, dead, waiting) -> None:
        waiting(3), dead(2)
        context, params = begin(clean_queue, queue=QUEUE, dry_run=True)
        cleaned = self.result(clean_queue, context, params)
        runs.give_back([context.claim], slots=[context.token])
        retried = self.result(retry_failed, *begin(retry_failed, dry_run=True))
        assert cleaned == {"dry_run": True, "counted": 3, "jobs": {"tests.job_0": 3}}
        assert retried == {"dry_run": True, "counted": 2, "jobs": {"tests.job_0": 2}}
        assert (len(in_state("cancelled")), len(in_state("dead"))) == (0, 2)
        assert not AuditEntry.objects.exists() and not EffectRecord.objects.exists()

    def test_cleaning_its_own_queue_it_spares_itself(self, begin, waiting) -> None:
        others = waiting(3, queue="maintenance")
        context, params = begin(clean_queue, queue="maintenance")
        self.result(clean_queue, context, params)
        assert in_state("cancelled") == ids(others)
        assert state_of(context.run_id) == "running"

    @pytest.mark.parametrize(
        "wrong",
        [
            {"queue": "nowhere"},
            {"queue": QUEUE, "why": ""},
            {"queue": QUEUE, "states": []},
            {"queue": QUEUE, "states": ["running"]},
            {"queue": QUEUE, "until": "2026-11-23T05:30:00"},
            {"queue": QUEUE, "chunk": 501},
            {"queue": QUEUE, "limit": 0},
            {"queue": QUEUE, "older": 1},
        ],
    )
    def test_wrong_parameters_are_refused(self, wrong) -> None:
        with pytest.raises(InvalidParams):
            clean_queue.validate({"why": "?", **wrong})
        registry.get("queues.retry_failed").validate({"why": "?", "queues": [QUEUE, "billing"]})

    def test_they_can_be_asked_for_from_anywhere(self, waiting) -> None:
        ref = clean_queue.enqueue(CleanQueue(why="From a job", queue="billing"))
        assert Run.objects.get(pk=ref.id).priority > 0


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
