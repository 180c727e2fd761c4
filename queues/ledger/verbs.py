"""What people may do to runs: cancel them, one or many. To put them back is in `requeue`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from queues.contract import Actor
from queues.errors import WrongState
from queues.ledger import clock, states, webhooks
from queues.ledger.events import add_events
from queues.ledger.webhook_events import RunEnd
from queues.models import Run, RunEvent

WAITING = frozenset({states.SCHEDULED, states.PENDING})


def request_cancel(run_id: UUID, *, actor: Actor, why: str = "") -> Run:
    """A waiting run is cancelled at once; a running one is asked to stop (its worker does so within seconds).

    Raises Run.DoesNotExist; WrongState for a finished run. Asking twice is the same as asking once.
    """
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=run_id)
        now = clock.now()
        if run.state == states.RUNNING:
            if run.cancel_requested_at is None:
                run.cancel_requested_at = now
                run.save(update_fields=["cancel_requested_at"])
                add_events([run], RunEvent.Kind.CANCEL_REQUESTED, actor, why)
            return run
        if run.state not in states.LIVE:
            raise WrongState(f"This run is {run.state} already: there is nothing to cancel.")
        states.require(run.state, states.CANCELLED)
        run.state, run.finished_at, run.cancel_requested_at = states.CANCELLED, now, now
        run.save(update_fields=["state", "finished_at", "cancel_requested_at"])
        add_events([run], RunEvent.Kind.CANCELLED, actor, why)
        webhooks.runs_ended([_cancelled(run, now)])
    return run


def cancel_waiting(
    ids: Sequence[UUID], *, among: Collection[str] = WAITING, actor: Actor, why: str = ""
) -> list[tuple[str, UUID]]:
    """Cancel those of `ids` (500 at most) that still wait, in one of the states `among`. Returns their (queue, id).

    One transaction, a fixed number of statements. What runs by now is left alone, and so is what others hold locked: a
    claim is taking it. Raises ValueError for a state in which a run does not wait.
    """
    if not WAITING.issuperset(among):
        raise ValueError(f"Only runs that wait are cancelled by the many, not: {', '.join(sorted(among))}.")
    with transaction.atomic():
        rows = locked(ids, among, "attempt", "job", "created_at", "definition_id")
        now = clock.now()
        Run.objects.filter(id__in=[run.id for run in rows]).update(
            state=states.CANCELLED, finished_at=now, cancel_requested_at=now
        )
        add_events(rows, RunEvent.Kind.CANCELLED, actor, why)
        webhooks.runs_ended(_cancelled(run, now) for run in rows)
    return [(run.queue, run.id) for run in rows]


def _cancelled(run: Run, at: datetime) -> RunEnd:
    """What webhooks are told of a run that was cancelled while it waited."""
    return RunEnd(
        run.id, run.job, run.queue, states.CANCELLED, run.attempt, at, run.created_at, definition_id=run.definition_id
    )


def locked(ids: Sequence[UUID], among: Collection[str], *columns: str) -> list[Run]:
    """Those of `ids` in one of the states `among` that nobody else holds, with id, queue, state and `columns`.

    Locked in the order of ids, so that two batches never wait for each other in a circle. In a transaction.
    """
    rows = Run.objects.select_for_update(skip_locked=True).filter(id__in=ids, state__in=among).order_by("id")
    return list(rows.only("id", "queue", "state", *columns))
