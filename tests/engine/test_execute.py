"""What a handler answers or throws becomes one ending."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest

from queues.contract import Cancel, Done, Effect, Retry
from queues.engine.context import MAX_LOG_BYTES, RunContext
from queues.engine.execute import execute
from queues.errors import PermanentError, RunCancelled, TransientError, WorkerStopping
from queues.ledger import clock, states
from queues.ledger.facts import Claim

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon():
    with clock.frozen(NOW) as time:
        yield time


def context(job: str, attempt: int = 0, max_attempts: int = 3, params: dict | None = None) -> RunContext:
    claim = Claim(
        id=uuid4(), token=uuid4(), job=job, queue="reports", params=json.dumps(params or {}), attempt=attempt, max_attempts=max_attempts,
        crashes=0, timeout_s=60, backoff_base_s=2, backoff_cap_s=60, created_at=NOW, due_at=NOW, claimed_at=NOW, definition_id=None,
    )  # fmt: skip
    return RunContext(claim, NOW)


def ended(job, handler, **options):
    return execute(context(job(handler).name, **options))


def throws(error: Exception):
    def handler(ctx, params):
        raise error

    return handler


def test_done_succeeds_with_its_result_and_effects(job) -> None:
    ending = ended(job, lambda ctx, p: Done({"n": p.n}, effects=[Effect("k")]), params={"n": 3})
    assert (ending.state, ending.result, [e.key for e in ending.effects]) == (states.SUCCEEDED, '{"n":3}', ["k"])


def test_no_answer_is_success(job) -> None:
    assert ended(job, lambda ctx, p: None).state == states.SUCCEEDED


def test_an_async_handler_is_awaited(job) -> None:
    async def handler(ctx, params):
        return Done({"async": True})

    assert ended(job, handler).result == '{"async":true}'


def test_a_transient_error_backs_off(job) -> None:
    ending = ended(job, throws(TransientError("busy")))
    assert ending.state == states.SCHEDULED
    assert 1 <= (ending.retry_at - NOW).total_seconds() <= 2
    assert (ending.error_type, ending.error_code, ending.error_message) == ("TransientError", "transient", "busy")


def test_a_permanent_error_goes_to_the_dead_letters_at_once(job) -> None:
    assert ended(job, throws(PermanentError("never"))).state == states.DEAD


def test_a_programming_error_is_permanent(job) -> None:
    assert ended(job, throws(TypeError("oops"))).state == states.DEAD


def test_the_last_attempt_goes_to_the_dead_letters(job) -> None:
    assert ended(job, throws(ValueError("no")), attempt=1).state == states.SCHEDULED
    assert ended(job, throws(ValueError("no")), attempt=2).state == states.DEAD


def test_retry_waits_as_long_as_it_says(job) -> None:
    ending = ended(job, lambda ctx, p: Retry(90, "not yet"))
    assert (ending.retry_at - NOW).total_seconds() == 90 and ending.error_message == "not yet"


def test_retry_ends_with_the_attempts(job) -> None:
    assert ended(job, lambda ctx, p: Retry(90, "not yet"), attempt=2).state == states.DEAD


def test_cancel_ends_the_run_with_its_reason(job) -> None:
    ending = ended(job, lambda ctx, p: Cancel("nothing to do"))
    assert (ending.state, ending.note) == (states.CANCELLED, "nothing to do")


@pytest.mark.parametrize("answer", [42, Done({"x": object()}), Done({"x": float("nan")}), Done({"x": "y" * 70_000})])
def test_an_answer_that_cannot_be_kept_is_a_permanent_error_that_says_so(job, answer) -> None:
    ending = ended(job, lambda ctx, p: answer)
    assert ending.state == states.DEAD and ending.error_code == "invalid_outcome"


def test_stored_parameters_are_validated_again(job) -> None:
    ending = ended(job, lambda ctx, p: None, params={"n": "many"})
    assert ending.state == states.DEAD and ending.error_code == "invalid_params"


def test_a_job_that_is_gone_is_a_dead_letter_that_names_it() -> None:
    ending = execute(context("tests.gone"))
    assert ending.state == states.DEAD and "tests.gone" in ending.error_message


def test_a_cancelled_run_that_notices_ends_cancelled(job) -> None:
    ctx = context(job(lambda ctx, p: ctx.checkpoint()).name)
    ctx.stop(RunCancelled)
    assert execute(ctx).state == states.CANCELLED


def test_what_a_stopping_worker_interrupts_does_not_count(job) -> None:
    ctx = context(job(throws(ValueError("half way"))).name)
    ctx.stop(WorkerStopping)
    assert execute(ctx) is None


def test_an_ending_brings_progress_log_and_money(job) -> None:
    def handler(ctx, params):
        ctx.progress(1, 4, "one of four")
        ctx.log("hello")
        ctx.spend(Decimal("0.25"), "geocoding")

    ending = ended(job, handler)
    assert (ending.progress.done, ending.progress.total) == (1, 4)
    assert ending.log[0].message == "hello" and ending.spend_usd == Decimal("0.25")


def test_a_log_over_its_size_is_counted_and_not_kept(job) -> None:
    def handler(ctx, params):
        for _ in range(3):
            ctx.log("x" * (MAX_LOG_BYTES // 2))

    ending = ended(job, handler)
    assert len(ending.log) == 2 and ending.log_dropped == 1


@dataclass
class Odd(Exception):
    code: int = 7


def test_any_code_attribute_is_kept_as_text(job) -> None:
    assert ended(job, throws(Odd())).error_code == "7"
