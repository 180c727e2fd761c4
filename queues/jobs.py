"""The engine's own jobs: handlers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

from queues.contract import Actor, Done, JobContext, Outcome
from queues.engine import outbox
from queues.engine.bulk import CLEAN, RETRY
from queues.engine.bulk_count import count_clean, count_failed
from queues.engine.bulk_run import carry_out
from queues.engine.webhook_deliver import deliver
from queues.jobspecs import (
    CleanHistory,
    CleanQueue,
    RetryFailed,
    SettleCalls,
    clean_history,
    clean_queue,
    deliver_webhooks,
    ping,
    retry_failed,
    settle_calls,
)
from queues.ledger import audit, clock
from queues.registry import NoParams
from queues.watch import history

ROOM = timedelta(seconds=180)  # a run that has no more than this left before its time limit begins no further call


@clean_history.handler
def _(ctx: JobContext, params: CleanHistory) -> Outcome:
    """Every chunk commits by itself: a run that is stopped in the middle goes on where it stood."""
    plan = history.plan(samples_days=params.samples_days, alerts_days=params.alerts_days)
    counted = {
        "runs": plan.runs,
        "samples": plan.samples,
        "keys": plan.keys,
        "messages": plan.messages,
        "alerts": plan.alerts,
    }
    total = sum(counted.values())
    ctx.log(f"Past their retention: {_listed(counted)}.")
    if params.dry_run:
        ctx.progress(total, total, "Counted; nothing was deleted.")
        return Done({"dry_run": True, **counted, "jobs": plan.by_job})
    if total:
        audit.write(
            Actor.system(clean_history.name), "history.clean", object_type="run", object_id=str(ctx.run_id),
            object_label="Past their retention", before=counted,
        )  # fmt: skip
    ctx.progress(0, total, "Deleting")
    deleted = dict.fromkeys(counted, 0)
    for name, steps in (
        ("runs", history.delete_runs(plan, params.chunk)),
        ("samples", history.delete_samples(plan, params.chunk)),
        ("keys", history.delete_keys(plan, params.chunk)),
        ("messages", history.delete_messages(plan, params.chunk)),
        ("alerts", history.delete_alerts(plan, params.chunk)),
    ):
        for done in steps:
            deleted[name] = done
            ctx.progress(sum(deleted.values()), total, f"Deleted: {_listed(deleted)}")
            ctx.checkpoint()
    ctx.progress(sum(deleted.values()), sum(deleted.values()), "Done")
    return Done({"dry_run": False, **deleted, "jobs": plan.by_job})


@clean_queue.handler
def _(ctx: JobContext, params: CleanQueue) -> Outcome:
    """Every chunk commits by itself; what it is about is fixed when it is begun first."""
    what = count_clean(
        params.queue,
        among=params.states,
        job=params.job,
        older_than_s=params.older_than_s,
        until=params.until,
        limit=params.limit,
    )
    return carry_out(ctx, CLEAN, what, why=params.why, dry_run=params.dry_run, size=params.chunk)


@retry_failed.handler
def _(ctx: JobContext, params: RetryFailed) -> Outcome:
    """Every chunk commits by itself; what it is about is fixed when it is begun first."""
    what = count_failed(
        among=params.states,
        queues=params.queues or None,
        job=params.job,
        definition=params.definition,
        error_code=params.error_code,
        since=params.since,
        until=params.until,
        created_since=params.created_since,
        ids=params.ids or None,
        limit=params.limit,
    )
    return carry_out(ctx, RETRY, what, why=params.why, dry_run=params.dry_run, size=params.chunk)


@settle_calls.handler
def _(ctx: JobContext, params: SettleCalls) -> Outcome:
    """Each call commits by itself: what a stopped run leaves is due for the next one."""
    rows, ends = outbox.due(params.limit), Counter[str]()
    for number, row in enumerate(rows):
        ctx.checkpoint()
        if ctx.deadline is not None and ctx.deadline - clock.now() < ROOM:
            break
        ctx.progress(number, len(rows), f"{row.provider} {row.operation}")
        after = outbox.attend(row)
        ends[after.state] += 1
        if after.state == "unknown":
            ctx.log(f"{row.provider} {row.operation} {row.key}: still unknown. {after.error}", "warning")
    ctx.progress(ends.total(), len(rows))
    if rows and (ends.total() < len(rows) or len(rows) == params.limit):
        ctx.enqueue(settle_calls, params, concurrency_key=settle_calls.name)
    return Done({"looked_after": ends.total(), **ends})


@deliver_webhooks.handler
def _(ctx: JobContext, params: NoParams) -> Outcome:
    """What a stopped run leaves is due again within a minute."""
    return Done(dict(deliver(go_on=lambda: not ctx.cancelled())))


def _listed(counts: Mapping[str, int]) -> str:
    """How many of each, in words."""
    words = {
        "runs": "runs", "samples": "health samples", "keys": "idempotency keys", "messages": "webhook messages", "alerts": "alerts",
    }  # fmt: skip
    return ", ".join(f"{number:,} {words[name]}" for name, number in counts.items())


@ping.handler
def _(ctx: JobContext, params: NoParams) -> Outcome:
    return Done()
