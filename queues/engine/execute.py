"""One execution: the handler is called, and whatever comes of it becomes an ending. No database here but the handler's."""

from __future__ import annotations

import inspect
import json
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from queues import failpoints, registry
from queues.blotting import blotted
from queues.contract import Cancel, Done, Effect, Retry
from queues.engine.context import RunContext
from queues.engine.retry import backoff_s
from queues.errors import (
    LeaseLost,
    PermanentError,
    RoundsmanError,
    RunCancelled,
    RunTimeout,
    WorkerStopping,
)
from queues.ledger import clock, error_rules, states
from queues.ledger.facts import Ending

MAX_RESULT_BYTES = 64 * 1024
MAX_TRACE = 16_000
AsyncCall = Callable[[Callable[[Any, Any], Any], Any, Any], Awaitable[Any]]


class InvalidOutcome(PermanentError):
    """The handler answered something that cannot be kept: mend the handler."""

    code = "invalid_outcome"


def execute(ctx: RunContext) -> Ending | None:
    """Run the handler. None: the execution does not count (the worker stops, or its lease is lost)."""
    try:
        failpoints.reach("start.begun")
        outcome = _call(ctx)
        failpoints.reach("start.ended")
        return _ended(ctx, outcome)
    except (Exception, SystemExit) as error:
        return ended_by(ctx, error)


async def execute_async(ctx: RunContext, call: AsyncCall) -> Ending | None:
    """As `execute`, on an event loop: `call` runs a handler that is no coroutine function where it may block."""
    try:
        failpoints.reach("start.begun")
        handler, params = _handler(ctx)
        with blotted(ctx.blotter):
            if inspect.iscoroutinefunction(handler):
                outcome = await handler(ctx, params)
            else:
                outcome = await call(handler, ctx, params)
        failpoints.reach("start.ended")
        return _ended(ctx, outcome)
    except (Exception, SystemExit) as error:
        return ended_by(ctx, error)


def ended_by(ctx: RunContext, error: BaseException) -> Ending | None:
    """The ending of an execution that threw."""
    if isinstance(error, WorkerStopping | LeaseLost) or ctx.stopped_for in (WorkerStopping, LeaseLost):
        return None  # what a stopping handler throws on its way out says nothing about the job
    if isinstance(error, RunCancelled):
        return _ending(ctx, states.CANCELLED, note=ctx.blotter.text(str(error)) or "The run was cancelled.")
    if ctx.stopped_for is RunCancelled:
        return _ending(ctx, states.CANCELLED, note="The run was cancelled.")
    if ctx.stopped_for is RunTimeout or (isinstance(error, RunTimeout) and not str(error)):
        error = RunTimeout(f"The run took longer than its limit of {ctx.claim.timeout_s:g} s.").with_traceback(
            error.__traceback__
        )
    if isinstance(error, SystemExit):
        error = ExitCalled(f"The handler called sys.exit({error.code!r}).").with_traceback(error.__traceback__)
    return failed(ctx, error)


def failed(ctx: RunContext, error: BaseException, retry_after_s: float | None = None) -> Ending:
    """A failed attempt: another one after its backoff, or the dead letters."""
    claim, verdict = ctx.claim, error_rules.judge(error)
    told: dict[str, Any] = {
        "error_type": verdict.error_type,
        "error_code": verdict.error_code,
        "overloaded": verdict.overloaded,
        "error_message": ctx.blotter.text(str(error)) or type(error).__name__,
        "error_detail": ctx.blotter.text("".join(traceback.format_exception(error)))[-MAX_TRACE:],
    }
    if verdict.permanent or ctx.attempt >= claim.max_attempts:
        by = f"permanent by {verdict.by}: another attempt would not mend it"
        why = by if verdict.permanent else f"attempt {ctx.attempt} of {claim.max_attempts}"
        return _ending(ctx, states.DEAD, note=f"{told['error_message']} ({why})", **told)
    asked_s = retry_after_s if retry_after_s is not None else _after_s(error)
    wait = asked_s if asked_s is not None else backoff_s(ctx.attempt, claim.backoff_base_s, claim.backoff_cap_s)
    return _ending(ctx, states.SCHEDULED, wait_s=wait, **told)


def _after_s(error: BaseException) -> float | None:
    """When the error itself says that another attempt makes sense (see queues.outbound)."""
    after_s = getattr(error, "after_s", None)
    return max(0.0, after_s) if isinstance(after_s, int | float) else None


def crashed(ctx: RunContext, error_type: str, code: str, message: str) -> Ending:
    """The process in which it ran died with it: the ledger puts it back, or makes it dead after too many crashes."""
    return replace(
        _ending(ctx, states.PENDING, error_type=error_type, error_code=code, error_message=message), crashed=True
    )


def _handler(ctx: RunContext) -> tuple[Callable[[Any, Any], Any], Any]:
    spec = registry.get(ctx.job)
    if spec.run is None:
        raise InvalidOutcome(f"The job {spec.name} is declared but no handler is bound to it.")
    if spec.sealed:
        ctx.blotter = spec.blotter(ctx.claim.params)
    return spec.run, spec.read(ctx.claim.params)


def _call(ctx: RunContext) -> object:
    handler, params = _handler(ctx)
    if ctx.blotter:
        with blotted(ctx.blotter):
            answer = handler(ctx, params)
            return ctx.wait_for(answer) if inspect.iscoroutine(answer) else answer
    answer = handler(ctx, params)
    return ctx.wait_for(answer) if inspect.iscoroutine(answer) else answer


def _ended(ctx: RunContext, outcome: object) -> Ending:
    match outcome:
        case None:
            return _ending(ctx, states.SUCCEEDED, result="{}")
        case Done(result=result, effects=effects):
            return _ending(
                ctx, states.SUCCEEDED, result=_kept(ctx.blotter.json(result)), effects=_blotted(ctx, effects)
            )
        case Cancel(why=why):
            return _ending(ctx, states.CANCELLED, note=ctx.blotter.text(why))
        case Retry(after_s=after_s, why=why):
            return failed(ctx, _RetryAsked(why), retry_after_s=max(0.0, after_s))
    raise InvalidOutcome(f"{ctx.job} answered {type(outcome).__name__}; a handler answers Done, Retry, Cancel or None.")


def _blotted(ctx: RunContext, effects: Sequence[Effect]) -> tuple[Effect, ...]:
    """Their keys stay: they are identities."""
    if not ctx.blotter:
        return tuple(effects)
    return tuple(replace(each, data=ctx.blotter.json(dict(each.data))) for each in effects)


_encode = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode


def _kept(result: Any) -> str:
    try:
        text = _encode(result if result is not None else {})
    except (TypeError, ValueError) as error:
        raise InvalidOutcome(f"The result is not JSON: {error}") from error
    if len(text) > MAX_RESULT_BYTES:
        raise InvalidOutcome(f"The result takes {len(text):,} bytes; at most {MAX_RESULT_BYTES:,} are kept.")
    return text


def _ending(ctx: RunContext, state: str, *, wait_s: float | None = None, **told: Any) -> Ending:
    now = clock.now()
    _, lines = ctx.take_notes()
    return Ending(
        claim=ctx.claim,
        state=state,
        started_at=ctx.started_at,
        finished_at=now,
        retry_at=None if wait_s is None else now + timedelta(seconds=wait_s),
        progress=ctx.last_progress,
        log=lines,
        log_dropped=ctx.log_dropped,
        spend_usd=ctx.spent,
        **told,
    )


class ExitCalled(RoundsmanError):
    """The handler called sys.exit. That ends no process here."""

    code = "exit_called"


class _RetryAsked(Exception):
    """The handler answered Retry: its words are the attempt's error."""

    code = "retry_asked"
