"""What child processes promise beyond: whatever a job does to its process, the worker and all others go on."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import re
import signal
import time

import pytest
from django.db import connection

from queues.contract import Done
from queues.engine import control
from queues.engine.children import ChildRules
from queues.models import Run

from ..conftest import Number, state_of, until
from .conftest import begun, started, use

pytestmark = pytest.mark.django_db(transaction=True)


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
