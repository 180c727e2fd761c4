"""What every executor promises: one suite for all of them."""

from __future__ import annotations

import asyncio
import sys
import time

import pytest

from queues import log_context
from queues.contract import Done, Effect
from queues.engine import control, slots
from queues.models import EffectRecord, Run, RunLogLine, Slot

from ..conftest import Number, state_of, until
from .conftest import begun, deaf, deaf_async, started, waits, waits_async

pytestmark = pytest.mark.django_db(transaction=True)


def test_jobs_end_with_result_log_and_effects(executor, job, working) -> None:
    def adds(ctx, params):
        ctx.log(f"adding to {params.n}")
        ctx.progress(1, 1, "added")
        return Done({"n": params.n + 1}, effects=[Effect(f"added:{params.n}", {"by": 1})])

    spec = job(adds)
    with working():
        refs = spec.enqueue_many([Number(n=n) for n in range(30)])
        until(lambda: Run.objects.filter(state="succeeded").count() == 30)
    assert {Run.objects.get(pk=ref.id).result["n"] for ref in refs} == set(range(1, 31))
    assert EffectRecord.objects.count() == 30 and EffectRecord.objects.get(pk="added:3").result == {"by": 1}
    assert RunLogLine.objects.filter(message="adding to 3").count() == 1
    assert Run.objects.filter(progress_note="added").count() == 30
    assert not Slot.objects.exists()


def test_an_async_handler_is_awaited(executor, job, working) -> None:
    async def sleeps(ctx, params):
        await asyncio.sleep(0.01)
        return Done({"n": params.n})

    spec = job(sleeps)
    with working():
        ref = spec.enqueue(Number(n=7))
        until(lambda: state_of(ref.id) == "succeeded")
    assert Run.objects.get(pk=ref.id).result == {"n": 7}


def test_what_a_job_logs_bears_its_runs_id(executor, job, working) -> None:
    spec = job(lambda ctx, p: Done({"id": log_context.run_id.get()}))
    with working(slots=1):
        refs = spec.enqueue_many([Number(n=n) for n in range(5)])
        until(lambda: Run.objects.filter(state="succeeded").count() == 5)
    assert [Run.objects.get(pk=ref.id).result["id"] for ref in refs] == [str(ref.id) for ref in refs]


def test_a_failing_job_keeps_its_error_and_its_traceback(executor, job, working) -> None:
    spec = job(lambda ctx, p: 1 / 0, max_attempts=1)
    with working():
        ref = spec.enqueue(Number())
        until(lambda: state_of(ref.id) == "dead")
    row = Run.objects.get(pk=ref.id)
    assert row.error_type == "ZeroDivisionError" and "1 / 0" in row.error_detail and row.crashes == 0


def test_a_handler_that_calls_exit_fails_and_ends_no_process(executor, job, working) -> None:
    spec = job(lambda ctx, p: sys.exit(3) if p.n else Done(), max_attempts=1)
    with working(slots=1):
        ref, after = spec.enqueue(Number(n=1)), spec.enqueue(Number(n=0))
        until(lambda: state_of(ref.id) == "dead" and state_of(after.id) == "succeeded")
    assert Run.objects.get(pk=ref.id).error_code == "exit_called"


@pytest.mark.parametrize("handler", [deaf, waits_async, deaf_async])
def test_a_job_over_its_time_is_stopped(executor, job, working, handler) -> None:
    spec = job(handler, max_attempts=1)
    with working():
        ref = spec.enqueue(Number(), timeout_s=0.4)
        until(lambda: state_of(ref.id) == "dead")
    row = Run.objects.get(pk=ref.id)
    assert row.error_code == "timeout" and "0.4 s" in row.error_message


@pytest.mark.parametrize("handler", [waits, deaf, waits_async])
def test_a_running_job_is_cancelled_within_five_seconds(executor, job, working, actor, handler) -> None:
    spec = job(begun(handler))
    with working(heartbeat_s=1.0):
        ref = spec.enqueue(Number())
        until(lambda: started(ref.id))
        control.cancel(ref.id, actor=actor, why="not today")
        asked = time.monotonic()
        until(lambda: state_of(ref.id) == "cancelled")
        assert time.monotonic() - asked < 5.0


def test_a_job_longer_than_the_grace_goes_back_uncharged(executor, job, working) -> None:
    spec = job(begun(waits))
    with working(grace_s=0.1):
        ref = spec.enqueue(Number())
        until(lambda: started(ref.id))
    row = Run.objects.get(pk=ref.id)
    assert (row.state, row.attempt, row.crashes, row.lease_token) == ("pending", 0, 0, None)
    assert not Slot.objects.exists()


def test_an_effect_is_written_with_its_transaction_and_once(executor, job, working) -> None:
    def charges(ctx, params):
        with ctx.effect("charge:1") as slip:
            if slip.fresh:
                slip.keep({"no": params.n})
            return Done({"no": slip.result["no"]})

    spec = job(charges)
    with working():
        refs = [spec.enqueue(Number(n=n)) for n in (1, 2)]
        until(lambda: Run.objects.filter(state="succeeded").count() == 2)
    numbers = {Run.objects.get(pk=ref.id).result["no"] for ref in refs}
    assert len(numbers) == 1 and EffectRecord.objects.get().result == {"no": numbers.pop()}


def test_a_slot_whose_own_works_fail_gives_back_what_it_held_and_goes_on(executor, job, working, monkeypatch) -> None:
    """Not the job's fault but ours: nothing may stay leased to a worker that lives and forgot it."""
    ended, failures = slots.Slot.ended, []

    def fails_once(self, execution, ending):
        if not failures:
            failures.append(execution.context.run_id)
            raise RuntimeError("a bolt broke")
        return ended(self, execution, ending)

    monkeypatch.setattr(slots.Slot, "ended", fails_once)
    spec = job(lambda ctx, p: Done())
    with working(slots=1):
        spec.enqueue_many([Number(n=n) for n in range(5)])
        until(lambda: Run.objects.filter(state="succeeded").count() == 5)
    assert len(failures) == 1 and not Slot.objects.exists()
    assert set(Run.objects.values_list("attempt", "crashes")) == {(1, 0)}
