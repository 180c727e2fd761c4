"""Dead and cancelled runs are put back into their queues, one or many. One rule for their attempts, one for their keys."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Count

from queues.contract import Actor
from queues.errors import WrongState
from queues.ledger import clock, states
from queues.ledger.events import add_events
from queues.ledger.sql import update_each
from queues.ledger.verbs import locked
from queues.models import Run, RunEvent

RETRYABLE = frozenset({states.DEAD, states.CANCELLED})
MOST_ATTEMPTS = 32_000  # what the column holds
TRIES = 3  # at a chunk while others take its runs' dedupe keys


@dataclass(frozen=True)
class Requeued:
    """(queue, id) of those that are pending again; `blocked` are those whose dedupe key has a live run."""

    back: list[tuple[str, UUID]] = field(default_factory=list)
    blocked: list[UUID] = field(default_factory=list)


def requeue(run_id: UUID, *, actor: Actor, why: str = "") -> Run:
    """A dead or cancelled run is pending again, with its whole number of attempts before it.

    Raises Run.DoesNotExist; WrongState for any other state, or when its dedupe key has a live run.
    """
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=run_id)
        if run.state not in RETRYABLE:
            raise WrongState(f"This run is {run.state}: only dead and cancelled runs can be retried.")
        if _put_back([run], actor, why).blocked:
            raise WrongState("Another live run has the same dedupe key: wait for it, or cancel it first.")
        run.refresh_from_db()
    return run


def requeue_many(ids: Sequence[UUID], *, among: Collection[str] = RETRYABLE, actor: Actor, why: str = "") -> Requeued:
    """As `requeue`, for those of `ids` (500 at most) that are in one of the states `among` and that nobody holds locked.

    One transaction, a fixed number of statements. Of several with the same dedupe key the oldest goes back.
    """
    with transaction.atomic():
        rows = locked(ids, RETRYABLE.intersection(among), "attempt", "max_attempts", "dedupe_key", "error_message")
        return _put_back(rows, actor, why)


def attempts_after(attempt: int, max_attempts: int, earlier: int) -> int:
    """The attempts' limit of a run that is retried by hand: what it had at first, on top of those that are spent.

    `earlier`: how many times it was retried by hand before. What is left of the limit is never taken away. Pure.
    """
    budget = max(1, max_attempts // (earlier + 1))
    return min(attempt + max(max_attempts - attempt, budget), MOST_ATTEMPTS)


def _put_back(rows: Sequence[Run], actor: Actor, why: str) -> Requeued:
    """Locked dead or cancelled rows become pending, without those whose dedupe key has a live run.

    A key may be taken between the look and the writing. Then the unique index refuses the chunk, and it is looked at
    again; where that goes on, the rows with keys are left out.
    """
    for _ in range(TRIES):
        free = _free(rows)
        try:
            with transaction.atomic():
                _write(free)
            break
        except IntegrityError:
            continue
    else:
        free = [run for run in rows if run.dedupe_key is None]
        _write(free)
    add_events(
        free, RunEvent.Kind.REQUEUED, actor, why,
        {run.id: {"was": run.state, "error": run.error_message[:500]} for run in free},
    )  # fmt: skip
    kept = {run.id for run in free}
    return Requeued([(run.queue, run.id) for run in free], [run.id for run in rows if run.id not in kept])


def _free(rows: Sequence[Run]) -> list[Run]:
    """Those without a dedupe key, and the first of each key that has no live run."""
    first: dict[str, UUID] = {}
    for run in rows:
        if run.dedupe_key is not None:
            first.setdefault(run.dedupe_key, run.id)
    if not first:
        return list(rows)
    live = Run.objects.filter(dedupe_key__in=first, state__in=states.LIVE)
    taken = set(live.values_list("dedupe_key", flat=True))
    return [
        run
        for run in rows
        if run.dedupe_key is None or (run.dedupe_key not in taken and first[run.dedupe_key] == run.id)
    ]


def _write(rows: Sequence[Run]) -> None:
    events = RunEvent.objects.filter(run__in=[run.id for run in rows], kind=RunEvent.Kind.REQUEUED)
    earlier = dict(events.order_by().values_list("run_id").annotate(n=Count("pk")))
    now = clock.now()
    limits = [attempts_after(run.attempt, run.max_attempts, earlier.get(run.id, 0)) for run in rows]
    update_each(
        Run,
        [{"pk": run.id, "max_attempts": limit, "due_at": now} for run, limit in zip(rows, limits, strict=True)],
        fixed=_PENDING,
    )


_PENDING = (
    ("state", "'pending'"),
    ("crashes", "0"),
    ("losses", "0"),
    ("finished_at", "NULL"),
    ("claimed_at", "NULL"),
    ("started_at", "NULL"),
    ("cancel_requested_at", "NULL"),
)
