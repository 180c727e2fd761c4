"""The engine's own jobs: handlers."""

from __future__ import annotations

from queues.contract import Done, JobContext, Outcome
from queues.jobspecs import CleanHistory, clean_history
from queues.watch import history


@clean_history.handler
def _(ctx: JobContext, params: CleanHistory) -> Outcome:
    """Every chunk commits by itself: a run that is stopped in the middle goes on where it stood."""
    plan = history.plan(samples_days=params.samples_days)
    total = plan.runs + plan.samples
    ctx.log(f"{plan.runs:,} runs and {plan.samples:,} health samples are past their retention.")
    if params.dry_run:
        ctx.progress(total, total, "Counted; nothing was deleted.")
        return Done({"dry_run": True, "runs": plan.runs, "samples": plan.samples, "jobs": plan.by_job})
    runs = samples = 0
    ctx.progress(0, total, "Deleting runs")
    for runs in history.delete_runs(plan, params.chunk):
        ctx.progress(runs, total, f"{runs:,} runs deleted")
        ctx.checkpoint()
    for samples in history.delete_samples(plan, params.chunk):
        ctx.progress(runs + samples, total, f"{runs:,} runs and {samples:,} samples deleted")
        ctx.checkpoint()
    ctx.progress(runs + samples, runs + samples, "Done")
    return Done({"dry_run": False, "runs": runs, "samples": samples, "jobs": plan.by_job})
