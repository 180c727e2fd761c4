"""A whole worker, its threads and a database on disk; only the doorbell is the fake."""

from __future__ import annotations

import threading
import time
from itertools import pairwise

import pytest
from django.db import OperationalError

from queues.contract import Done
from queues.engine import control
from queues.errors import TransientError
from queues.ledger import runs
from queues.models import Queue, Run, RunEvent, RunLogLine, Slot, Worker

from .conftest import QUEUE, Number, state_of, until

pytestmark = pytest.mark.django_db(transaction=True)


def test_jobs_run_and_leave_nothing_behind(job, working, fake_window) -> None:
    adds = job(lambda ctx, p: Done({"n": p.n + 1}))
    with working():
        refs = adds.enqueue_many([Number(n=n) for n in range(120)])
        until(lambda: Run.objects.filter(state="succeeded").count() == 120)
        until(lambda: fake_window.ids(QUEUE) == [])  # a look that was late may list again what is done by now
    assert {Run.objects.get(pk=ref.id).result["n"] for ref in refs} == set(range(1, 121))
    assert not Slot.objects.exists() and not fake_window.taken
    assert Worker.objects.get().state == "stopped"


def test_a_failing_job_is_retried_and_then_dead(job, working) -> None:
    fails = job(lambda ctx, p: 1 / 0, backoff_base_s=0.05, backoff_cap_s=0.1)
    with working():
        ref = fails.enqueue(Number(), max_attempts=3)
        until(lambda: state_of(ref.id) == "dead")
    row = Run.objects.get(pk=ref.id)
    assert row.attempt == 3 and row.error_type == "ZeroDivisionError" and "1 / 0" in row.error_detail
    assert [event.kind for event in row.events.all()] == ["retry", "retry", "failed"]


def test_a_job_over_its_time_is_interrupted(job, working) -> None:
    def forever(ctx, params):
        while True:
            threading.Event().wait(0.01)

    hangs = job(forever)
    with working():
        ref = hangs.enqueue(Number(), timeout_s=0.5, max_attempts=1)
        until(lambda: state_of(ref.id) == "dead")
    row = Run.objects.get(pk=ref.id)
    assert row.error_code == "timeout" and "0.5 s" in row.error_message


def test_a_running_job_hears_of_its_cancellation(job, working, actor) -> None:
    started = threading.Event()

    def waits(ctx, params):
        started.set()
        while True:
            ctx.checkpoint()
            threading.Event().wait(0.01)

    slow = job(waits)
    with working():
        ref = slow.enqueue(Number())
        assert started.wait(10)
        control.cancel(ref.id, actor=actor, why="not today")
        until(lambda: state_of(ref.id) == "cancelled")


def test_a_deaf_job_is_cancelled_by_force(job, working, actor, monkeypatch) -> None:
    monkeypatch.setattr("queues.engine.execution.FORCE_AFTER_S", 0.3)
    started = threading.Event()

    def deaf(ctx, params):
        started.set()
        while True:
            threading.Event().wait(0.01)

    slow = job(deaf)
    with working():
        ref = slow.enqueue(Number())
        assert started.wait(10)
        control.cancel(ref.id, actor=actor)
        until(lambda: state_of(ref.id) == "cancelled")


def test_progress_and_log_are_seen_while_the_run_goes_on(job, working, monkeypatch) -> None:
    monkeypatch.setattr("queues.engine.writer.TELL_STARTED_AFTER_S", 0.1)
    go_on = threading.Event()

    def works(ctx, params):
        ctx.progress(3, 10, "three of ten")
        ctx.log("half way")
        assert go_on.wait(20)

    slow = job(works)
    with working():
        ref = slow.enqueue(Number())
        until(lambda: Run.objects.filter(pk=ref.id, progress_done=3, started_at__isnull=False, attempt=1).exists())
        until(lambda: RunLogLine.objects.filter(run_id=ref.id, message="half way").exists())
        go_on.set()
        until(lambda: state_of(ref.id) == "succeeded")
    assert Run.objects.get(pk=ref.id).attempt == 1


def test_stopping_in_mid_job_finishes_it(job, working) -> None:
    started = threading.Event()

    def works(ctx, params):
        started.set()
        threading.Event().wait(0.5)
        return Done({"whole": True})

    slow = job(works)
    with working():
        ref = slow.enqueue(Number())
        assert started.wait(10)
    assert Run.objects.get(pk=ref.id).result == {"whole": True}


def test_a_job_longer_than_the_grace_goes_back_uncharged(job, working, fake_window) -> None:
    started = threading.Event()

    def works(ctx, params):
        started.set()
        while True:
            ctx.checkpoint()
            threading.Event().wait(0.01)

    slow = job(works)
    with working(grace_s=0.1):
        ref = slow.enqueue(Number())
        assert started.wait(10)
    row = Run.objects.get(pk=ref.id)
    assert (row.state, row.attempt, row.lease_token) == ("pending", 0, None)
    assert not Slot.objects.exists() and fake_window.ids(QUEUE) == [ref.id]


def test_what_waits_behind_a_long_run_goes_back_to_the_queue(job, working, monkeypatch) -> None:
    monkeypatch.setattr("queues.engine.heart.STUCK_AFTER_S", 0.2)
    first, go_on = threading.Event(), threading.Event()

    def works(ctx, params):
        if params.n == 0:
            first.set()
            assert go_on.wait(20)

    mixed = job(works)
    refs = mixed.enqueue_many([Number(n=n) for n in range(5)])
    with working(slots=1, concurrency=4):
        assert first.wait(10)
        until(lambda: Run.objects.filter(state="pending").count() == 4)
        go_on.set()
        until(lambda: Run.objects.filter(state="succeeded").count() == 5)
    assert set(Run.objects.values_list("attempt", flat=True)) == {1} and len(refs) == 5


def test_without_redis_the_ledger_alone_feeds_the_worker(job, working, fake_window) -> None:
    adds = job(lambda ctx, p: Done({"n": p.n}))
    fake_window.away = True
    with working():
        adds.enqueue_many([Number(n=n) for n in range(20)])
        until(lambda: Run.objects.filter(state="succeeded").count() == 20)


def test_runs_that_the_bell_never_told_of_are_found(job, working, fake_window) -> None:
    adds = job(lambda ctx, p: Done())
    fake_window.away = True
    adds.enqueue_many([Number(n=n) for n in range(5)])
    fake_window.away = False
    with working():
        until(lambda: Run.objects.filter(state="succeeded").count() == 5)


def test_endings_wait_for_a_database_that_is_away(job, working, monkeypatch) -> None:
    away = threading.Event()
    finish = runs.finish

    def guarded(endings, **options):
        if away.is_set():
            raise OperationalError("away")
        return finish(endings, **options)

    monkeypatch.setattr(runs, "finish", guarded)
    done = threading.Event()
    adds = job(lambda ctx, p: done.set() or Done({"n": 1}))
    with working():
        away.set()
        ref = adds.enqueue(Number())
        assert done.wait(10)
        threading.Event().wait(0.5)
        assert state_of(ref.id) == "running"
        away.clear()
        until(lambda: state_of(ref.id) == "succeeded")


def test_burst_ends_when_nothing_is_due(job, working) -> None:
    adds = job(lambda ctx, p: Done())
    adds.enqueue_many([Number(n=n) for n in range(30)])
    with working(burst=True) as worker:
        until(lambda: Worker.objects.filter(stopped_at__isnull=False).exists())
        assert worker.writer.recorded == 30
    assert Run.objects.filter(state="succeeded").count() == 30


def test_a_worker_taken_for_lost_starts_again_under_a_new_identity(job, working) -> None:
    started, go_on = threading.Event(), threading.Event()

    def works(ctx, params):
        if ctx.attempt == 1:  # the second goes to a child process: it shares no memory with this one
            started.set()
            assert go_on.wait(20)
        return Done({"by": ctx.attempt})

    slow = job(works)
    with working(slots=2) as worker:
        ref = slow.enqueue(Number())
        assert started.wait(10)
        old = worker.identity.id
        Worker.objects.filter(pk=old).update(lost_at="2026-01-01T00:00:00Z")
        until(lambda: worker.identity.id != old)
        until(lambda: state_of(ref.id) == "succeeded")
        go_on.set()
    assert Run.objects.get(pk=ref.id).result == {"by": 2}
    assert RunEvent.objects.filter(run_id=ref.id, kind="crashed").count() == 1


def test_the_effect_of_a_rescued_run_is_refused_to_the_first_worker(job, working) -> None:
    started, go_on, refused = threading.Event(), threading.Event(), threading.Event()

    def works(ctx, params):
        if ctx.attempt == 1:  # the second goes to a child process: it shares no memory with this one
            started.set()
            assert go_on.wait(20)
            try:
                with ctx.effect("charge:1"):
                    raise AssertionError("the effect happened without the lease")
            except Exception as error:
                assert type(error).__name__ == "LeaseLost"
                refused.set()
                raise
        with ctx.effect("charge:1") as slip:
            assert slip.fresh
            slip.keep({"charged": 1})
        with ctx.effect("charge:1") as slip:
            assert not slip.fresh and slip.result == {"charged": 1}

    slow = job(works)
    with working(slots=2) as worker:
        ref = slow.enqueue(Number())
        assert started.wait(10)
        Worker.objects.filter(pk=worker.identity.id).update(lost_at="2026-01-01T00:00:00Z")
        until(lambda: state_of(ref.id) == "succeeded")
        go_on.set()
        assert refused.wait(10)
    assert state_of(ref.id) == "succeeded"


def test_a_transient_error_heals(job, working) -> None:
    def flaky(ctx, params):
        if ctx.attempt < 3:
            raise TransientError("busy")
        return Done({"attempt": ctx.attempt})

    heals = job(flaky, backoff_base_s=0.05, backoff_cap_s=0.1)
    with working():
        ref = heals.enqueue(Number())
        until(lambda: state_of(ref.id) == "succeeded")
    assert Run.objects.get(pk=ref.id).result == {"attempt": 3}


def test_runs_of_one_key_follow_each_other_without_a_pause(job, working) -> None:
    keyed = job(lambda ctx, p: Done(), key_limit=1)
    with working(slots=2, heartbeat_s=5.0):
        for n in range(6):
            keyed.enqueue(Number(n=n), concurrency_key="customer:1")
        until(lambda: Run.objects.filter(state="succeeded").count() == 6, 5)
    spans = list(Run.objects.order_by("started_at").values_list("started_at", "finished_at"))
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    assert sum((start - end).total_seconds() for (_, end), (start, _) in pairwise(spans)) < 2.5


def test_a_queue_of_low_rank_is_not_starved_by_a_busy_one(job, working) -> None:
    busy, humble = job(lambda ctx, p: time.sleep(0.01)), job(lambda ctx, p: Done())
    busy.enqueue_many([Number(n=n) for n in range(2000)], queue="billing")
    Queue.objects.filter(name="billing").update(concurrency=4)
    ref = humble.enqueue(Number(), queue="maintenance")
    with working(slots=1, queues=["billing", "maintenance"]):
        until(lambda: state_of(ref.id) == "succeeded")
        assert Run.objects.filter(queue="billing", state="pending").count() > 500


def test_an_important_queue_goes_first(job, working) -> None:
    order: list[str] = []
    notes = job(lambda ctx, p: order.append(ctx.queue))
    notes.enqueue_many([Number(n=n) for n in range(20)], queue="maintenance")
    notes.enqueue_many([Number(n=n) for n in range(20)], queue="billing")
    with working(slots=1, queues=["billing", "maintenance"]):
        until(lambda: len(order) == 40)
    assert order[:15].count("billing") >= 10
