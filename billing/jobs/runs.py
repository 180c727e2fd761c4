"""The billing run's jobs: thin over billing.services.runs and finalise."""

from __future__ import annotations

from typing import Any

from billing.jobspecs.runs import OfRun, PrepareRun, finalise_run, prepare_run
from billing.models import BillingRun
from billing.services import finalise, runs
from queues.contract import Done, JobContext


@prepare_run.handler
def _(ctx: JobContext, params: PrepareRun) -> Done:
    def told(done: int, total: int) -> None:
        ctx.progress(done, total, f"{done:,} of {total:,} periods looked at")

    runs.prove_over(params.through)
    run = runs.prepare(
        params.through, issue_date=params.issue_date, actor=ctx.asker, on_progress=told, checkpoint=ctx.checkpoint
    )
    ctx.log(f"Run {run.code}: {run.billed:,} of {run.expected:,} periods drafted, {run.excluded:,} excluded.")
    return Done(_result(run))


@finalise_run.handler
def _(ctx: JobContext, params: OfRun) -> Done:
    def told(done: int, total: int) -> None:
        ctx.progress(done, total, f"{done:,} of {total:,} documents final")

    run = finalise.finalise(
        params.run, actor=ctx.asker, effects=ctx.effects, on_progress=told, checkpoint=ctx.checkpoint
    )
    ctx.log(f"Run {run.code}: {run.billed:,} documents are final.")
    return Done(_result(run))


def _result(run: BillingRun) -> dict[str, Any]:
    return {"id": run.pk, **runs.figures(run)}
