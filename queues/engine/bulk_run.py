"""A verb on many runs as a run's own work: progress at each chunk, and the same runs however often it is begun."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.utils.dateparse import parse_datetime

from queues.contract import Actor, Done, JobContext
from queues.engine.bulk import CHUNK, Tally, Verb, in_chunks
from queues.engine.bulk_count import Counted, count


def carry_out(
    ctx: JobContext, verb: Verb, what: Counted, *, why: str, dry_run: bool = False, size: int = CHUNK
) -> Done:
    """Do it, or with `dry_run` count only. Stopped in the middle and begun again, it goes on where it stood.

    Result: `counted` when it was begun first, what was done since it was begun last, `blocked` (by dedupe keys) and
    `missed` (moved on). Raises RunCancelled and WorkerStopping between two chunks.
    """
    ctx.log(f"{what.total:,} runs fit; {what.bound:,} will be {verb.done} at most.")
    if dry_run:
        ctx.progress(what.total, what.total, "Counted; nothing was changed.")
        return Done({"dry_run": True, "counted": what.total, "jobs": _by_job(what)})
    actor = ctx.asker
    what, total = _begun(ctx, verb, what, actor, why)
    before, tally = total - what.bound, Tally()
    ctx.progress(before, total, "Begun")
    for tally in in_chunks(verb, what, actor=actor, why=why, size=size, audited=True):
        ctx.progress(before + tally.seen, total, _words(verb, tally))
        ctx.checkpoint()
    ctx.progress(total, total, _words(verb, tally))
    ctx.log(f"{_words(verb, tally)}.")
    counts = {verb.done: tally.done, "blocked": tally.blocked, "missed": tally.missed}
    return Done({"dry_run": False, "counted": total, **counts})


def _begun(ctx: JobContext, verb: Verb, what: Counted, actor: Actor, why: str) -> tuple[Counted, int]:
    """What is left to do, and how many runs it was about when it was begun first: that is audited and kept, once."""
    with ctx.effect(f"{ctx.job}:{ctx.run_id}") as slot:
        fresh = slot.fresh
        if fresh:
            if what.bound:
                verb.audit(what, actor, why)
            upto, until = what.choice.upto, getattr(what.choice, verb.cut_off)
            slot.keep({"count": what.bound, "until": until.isoformat(), "upto": upto and str(upto)})
        first = slot.result
    if fresh:
        return what, what.bound
    ends: dict[str, Any] = {verb.cut_off: parse_datetime(first["until"]), "upto": first["upto"] and UUID(first["upto"])}
    left = count(replace(what.choice, **ends))
    return left, max(int(first["count"]), left.bound)


def _words(verb: Verb, tally: Tally) -> str:
    words = [f"{tally.done:,} runs {verb.done}"]
    if tally.blocked:
        words.append(f"{tally.blocked:,} left alone: a live run has their key")
    if tally.missed:
        words.append(f"{tally.missed:,} moved on meanwhile")
    return ", ".join(words)


def _by_job(what: Counted) -> dict[str, int]:
    jobs: dict[str, int] = {}
    for (_, job), number in sorted(what.counts.items()):
        jobs[job] = jobs.get(job, 0) + number
    return jobs
