"""One suite for what every executor promises, and what a child process promises beyond."""

from __future__ import annotations

import asyncio
import ctypes
import faulthandler
import os
import re
import signal
import sys
import time

import pytest
from django.db import connection

from queues import log_context
from queues.contract import Done, Effect
from queues.engine import control, slots
from queues.engine.children import ChildRules
from queues.models import EffectRecord, Queue, Run, RunLogLine, Slot

from .conftest import QUEUE, Number, state_of, until

pytestmark = pytest.mark.django_db(transaction=True)


def waits(ctx, params):
    while True:
        ctx.checkpoint()
        time.sleep(0.01)


def deaf(ctx, params):
    while True:
        time.sleep(0.01)


async def waits_async(ctx, params):
    await asyncio.sleep(600)


async def deaf_async(ctx, params):
    try:
        await asyncio.sleep(600)
    except asyncio.CancelledError:
        await asyncio.sleep(600)  # once is not enough


async def computes_for_ever(ctx, params):
    while True:
        sum(range(1000))


@pytest.fixture(params=["threads", "asyncio", "children"])
def executor(request: pytest.FixtureRequest, queues_exist: None) -> str:
    return use(request.param)


@pytest.fixture
def children(queues_exist: None) -> str:
    """Their limit is above what this process has grown to by other tests, for they are copies of it."""
    return use("children", memory_limit_mb=16_384)


def use(name: str, **more) -> str:
    Queue.objects.filter(name=QUEUE).update(executor=name, **more)
    return name


def started(run_id) -> bool:
    return Run.objects.filter(pk=run_id, progress_note="begun").exists()


def begun(handler):
    """The handler, after a note that it has begun."""

    def wrapped(ctx, params):
        ctx.progress(0, 1, "begun")
        return handler(ctx, params)

    async def awaited(ctx, params):
        ctx.progress(0, 1, "begun")
        return await handler(ctx, params)

    return awaited if asyncio.iscoroutinefunction(handler) else wrapped


@pytest.fixture(autouse=True)
def told_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("queues.engine.writer.TELL_STARTED_AFTER_S", 0.05)


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


def test_hundreds_of_waiting_jobs_share_one_event_loop(job, working, queues_exist) -> None:
    use("asyncio")

    async def sleeps(ctx, params):
        await asyncio.sleep(0.5)

    spec = job(sleeps)
    spec.enqueue_many([Number(n=n) for n in range(200)])
    with working(slots=200, concurrency=200):
        until(lambda: Run.objects.filter(state="succeeded").count() == 200, 10)
    spans = list(Run.objects.values_list("started_at", "finished_at"))
    middle = sorted(start for start, _ in spans)[-1]
    assert sum(start <= middle < end for start, end in spans) > 100


def test_a_coroutine_that_never_awaits_is_stopped_and_the_loop_goes_on(job, working, queues_exist) -> None:
    use("asyncio")
    spec, other = job(computes_for_ever, max_attempts=1), job(lambda ctx, p: Done())
    with working():
        ref = spec.enqueue(Number(), timeout_s=0.3)
        after = other.enqueue(Number())
        until(lambda: state_of(ref.id) == "dead" and state_of(after.id) == "succeeded")
    assert Run.objects.get(pk=ref.id).error_code == "timeout"


# --- child processes ---


def segfaults(ctx, params):
    faulthandler.disable()  # pytest's would fill the output
    ctypes.string_at(0)


def holds_the_interpreter(ctx, params):
    re.match(r"(a+)+$", "a" * 60 + "b")


def bites_off_memory(ctx, params):
    held = []
    while True:
        held.append(bytearray(8_000_000))


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (lambda ctx, p: os._exit(3), "exited with code 3"),
        (lambda ctx, p: os.kill(os.getpid(), signal.SIGKILL), "signal 9 (SIGKILL)"),
        (lambda ctx, p: os.kill(os.getpid(), signal.SIGRTMIN + 6), "killed by signal"),
        (segfaults, "signal 11 (SIGSEGV)"),
    ],
)
def test_a_job_that_takes_its_process_down_is_dead_after_three_crashes(children, job, working, handler, words) -> None:
    poison, plain = job(handler), job(lambda ctx, p: Done())
    with working(slots=2) as shop:
        ref = poison.enqueue(Number())
        others = plain.enqueue_many([Number(n=n) for n in range(20)])
        until(lambda: state_of(ref.id) == "dead")
        until(lambda: Run.objects.filter(state="succeeded").count() == len(others))
        assert shop.identity.id == Run.objects.filter(state="succeeded").first().worker_id
    row = Run.objects.get(pk=ref.id)
    assert (row.crashes, row.attempt, row.error_code) == (3, 3, "child_died")
    assert words in row.error_message
    assert [event.kind for event in row.events.all()] == ["crashed"] * 3
    assert set(Run.objects.filter(state="succeeded").values_list("crashes", flat=True)) == {0}


def test_c_code_that_never_yields_is_killed_when_its_time_is_over(children, job, working) -> None:
    spec = job(holds_the_interpreter, max_attempts=1)
    with working():
        ref = spec.enqueue(Number(), timeout_s=0.3)
        until(lambda: state_of(ref.id) == "dead")
    assert Run.objects.get(pk=ref.id).error_code == "timeout"


def test_c_code_that_never_yields_is_cancelled_within_five_seconds(children, job, working, actor) -> None:
    spec = job(begun(lambda ctx, p: (time.sleep(0.6), holds_the_interpreter(ctx, p))))
    with working(heartbeat_s=1.0):
        ref = spec.enqueue(Number())
        until(lambda: started(ref.id))
        time.sleep(0.6)
        control.cancel(ref.id, actor=actor)
        asked = time.monotonic()
        until(lambda: state_of(ref.id) == "cancelled")
        assert time.monotonic() - asked < 5.0


def test_a_job_over_its_queues_memory_is_dead_with_the_reason(job, working, queues_exist) -> None:
    use("children", memory_limit_mb=200)
    bomb, plain = job(bites_off_memory), job(lambda ctx, p: Done())
    with working(slots=2):
        ref = bomb.enqueue(Number())
        after = plain.enqueue(Number())
        until(lambda: state_of(ref.id) == "dead" and state_of(after.id) == "succeeded")
    row = Run.objects.get(pk=ref.id)
    assert row.error_code == "memory_limit" and row.crashes == 3 and "200 MB" in row.error_message


def test_what_a_child_says_and_nobody_understands_is_a_failed_attempt(children, job, working) -> None:
    spec = job(lambda ctx, p: ctx.progress(1, float("inf")), max_attempts=1)
    with working():
        ref = spec.enqueue(Number())
        until(lambda: state_of(ref.id) == "dead")
    assert Run.objects.get(pk=ref.id).error_type == "ValidationError"


def test_a_child_is_used_again_and_replaced_after_so_many_runs(children, job, working) -> None:
    spec = job(lambda ctx, p: Done({"pid": os.getpid()}))
    with working(slots=1, children=ChildRules(max_runs=5)):
        spec.enqueue_many([Number(n=n) for n in range(20)])
        until(lambda: Run.objects.filter(state="succeeded").count() == 20)
    pids = [run.result["pid"] for run in Run.objects.order_by("finished_at")]
    assert len(set(pids)) == 4 and os.getpid() not in pids


def test_no_child_outlives_its_worker(children, job, working) -> None:
    spec = job(lambda ctx, p: Done({"pid": os.getpid(), "helper": os.getppid()}))
    with working():
        ref = spec.enqueue(Number())
        until(lambda: state_of(ref.id) == "succeeded")
    for pid in Run.objects.get(pk=ref.id).result.values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_run_that_crashed_once_goes_to_a_child_whatever_its_queues_executor(job, working, queues_exist) -> None:
    spec = job(lambda ctx, p: Done({"pid": os.getpid()}))
    ref = spec.enqueue(Number())
    Run.objects.filter(pk=ref.id).update(crashes=1)
    with working():
        until(lambda: state_of(ref.id) == "succeeded")
    assert Run.objects.get(pk=ref.id).result["pid"] != os.getpid()


def test_a_helper_that_was_killed_is_replaced(children, job, working) -> None:
    spec = job(lambda ctx, p: Done({"helper": os.getppid()}))

    def helper() -> int:
        ref = spec.enqueue(Number())
        until(lambda: state_of(ref.id) == "succeeded")
        return int(Run.objects.get(pk=ref.id).result["helper"])

    with working(slots=1):
        first = helper()
        os.kill(first, signal.SIGKILL)
        until(lambda: helper() != first)  # its child may take a moment to follow it


def test_a_connection_of_the_worker_survives_its_children(children, job, working) -> None:
    spec = job(lambda ctx, p: Done({"runs": Run.objects.count()}))
    with working():
        ref = spec.enqueue(Number())
        until(lambda: state_of(ref.id) == "succeeded")
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


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
