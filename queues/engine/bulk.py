"""One verb on many runs (see `bulk_count` for which): in chunks of one transaction each, audited once.

What moves on meanwhile is left alone, and what others hold locked is not waited for. Up to `AT_ONCE` runs are done at
once; beyond, a run of the engine's own jobs does it (`bulk_run`) and shows how far it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from queues import catalogue
from queues.contract import Actor, Json
from queues.engine.bulk_count import Counted
from queues.engine.dispatch import enqueue_job
from queues.engine.release import release_runs
from queues.errors import WrongState
from queues.ledger import audit, runs
from queues.models import Run

CHUNK = 500  # runs in one transaction
AT_ONCE = 1000  # runs in one request


@dataclass(frozen=True)
class Tally:
    """`done` so far; `blocked` by a live run with the same dedupe key; `missed`: they moved on, or others hold them."""

    done: int = 0
    blocked: int = 0
    missed: int = 0

    @property
    def seen(self) -> int:
        return self.done + self.blocked + self.missed


@dataclass(frozen=True)
class Did:
    """Done at once, or to be done by `run`, which has been asked for."""

    tally: Tally = Tally()
    run: Run | None = None


@dataclass(frozen=True)
class Verb:
    """`act(ids, states, actor, why)` does a chunk in the caller's transaction and answers (done, blocked).

    `cut_off`: the field of a choice that keeps later runs out. `job` does the verb where there are many, with `params`.
    """

    job: str
    done: str
    cut_off: str
    act: Callable[[Sequence[UUID], Collection[str], Actor, str], tuple[int, int]]
    audit: Callable[[Counted, Actor, str], None]
    params: Callable[[Counted, str], dict[str, Json]]


def clean_queue(what: Counted, *, actor: Actor, why: str) -> Did:
    """Discard runs that wait: they end as cancelled. At once, or by a run if they are many. WrongState without a reason."""
    return _now_or_later(CLEAN, what, actor, why)


def retry_failed(what: Counted, *, actor: Actor, why: str) -> Did:
    """Put failed runs back into their queues, each as `control.retry` does. At once, or by a run if they are many.

    Those with a live run of the same dedupe key are left alone and counted. WrongState without a reason.
    """
    return _now_or_later(RETRY, what, actor, why)


def in_chunks(
    verb: Verb, what: Counted, *, actor: Actor, why: str, size: int = CHUNK, audited: bool = False
) -> Iterator[Tally]:
    """Chunk by chunk, each committed by itself; yields what is done so far.

    The audit entry is written with the first change, unless it is there already (`audited`). Raises DatabaseError: what
    was committed stays, and doing it again goes on with the rest.
    """
    tally = Tally()
    for page in what.choice.pages(size):
        ids = page[: what.bound - tally.seen]
        if not ids:
            return
        with transaction.atomic():
            done, blocked = verb.act(ids, what.choice.states, actor, why)
            if done and not audited:
                verb.audit(what, actor, why)
                audited = True
        missed = len(ids) - done - blocked
        tally = Tally(tally.done + done, tally.blocked + blocked, tally.missed + missed)
        yield tally


def _now_or_later(verb: Verb, what: Counted, actor: Actor, why: str) -> Did:
    if not why.strip():
        raise WrongState("Say why: others will want to know.")
    if what.bound > AT_ONCE:
        return Did(run=enqueue_job(verb.job, verb.params(what, why), actor=actor, why=why))
    tallies = [Tally(), *in_chunks(verb, what, actor=actor, why=why)]
    return Did(tallies[-1])


# --- clean ---


def _clean(ids: Sequence[UUID], among: Collection[str], actor: Actor, why: str) -> tuple[int, int]:
    return len(runs.cancel_waiting(ids, among=among, actor=actor, why=why)), 0


def _audit_clean(what: Counted, actor: Actor, why: str) -> None:
    (queue,) = what.choice.queues or ("",)
    audit.write(
        actor, "queue.clean", object_type="queue", object_id=queue, object_label=catalogue.get(queue).title,
        after={"count": what.bound, **what.choice.told()}, why=why,
    )  # fmt: skip


def _clean_params(what: Counted, why: str) -> dict[str, Json]:
    choice = what.choice
    (queue,) = choice.queues or ("",)
    return {
        "queue": queue,
        "states": list(choice.states),
        "job": choice.jobs[0] if choice.jobs else None,
        "until": choice.created_until,
        "limit": what.bound,
        "why": why,
    }


# --- retry ---


def _retry(ids: Sequence[UUID], among: Collection[str], actor: Actor, why: str) -> tuple[int, int]:
    did = runs.requeue_many(ids, among=among, actor=actor, why=why)
    if did.back:
        transaction.on_commit(lambda: release_runs(did.back), robust=True)
    return len(did.back), len(did.blocked)


def _audit_retry(what: Counted, actor: Actor, why: str) -> None:
    audit.write(
        actor, "run.retry_many", object_type="runs", object_id="many", object_label=f"{what.bound:,} runs",
        after={"count": what.bound, **what.choice.told()}, why=why,
    )  # fmt: skip


def _retry_params(what: Counted, why: str) -> dict[str, Json]:
    choice = what.choice
    return {
        "queues": list(choice.queues or ()),
        "states": list(choice.states),
        "job": choice.jobs[0] if choice.jobs else None,
        "definition": choice.definition,
        "error_code": choice.error_code,
        "since": choice.ended_since,
        "until": choice.ended_until,
        "created_since": choice.created_since,
        "ids": list(choice.ids or ()),
        "limit": what.bound,
        "why": why,
    }


CLEAN = Verb("queues.clean_queue", "cancelled", "created_until", _clean, _audit_clean, _clean_params)
RETRY = Verb("queues.retry_failed", "retried", "ended_until", _retry, _audit_retry, _retry_params)
