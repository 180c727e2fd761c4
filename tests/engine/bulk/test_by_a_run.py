"""What is too much for a request is done by a run: with progress, stopped and begun again, audited once."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from queues import registry
from queues.contract import Actor
from queues.engine import bulk
from queues.engine.bulk_count import count_clean, count_failed
from queues.engine.context import RunContext
from queues.errors import InvalidParams, RunCancelled, WorkerStopping
from queues.jobspecs import CleanQueue, RetryFailed, clean_queue, retry_failed
from queues.ledger import clock, runs
from queues.models import AuditEntry, EffectRecord, Run, RunEvent

from ..conftest import QUEUE, state_of, until
from .conftest import ids, in_state

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queues_exist")]


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
