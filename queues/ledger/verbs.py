"""What people may do to a run: cancel it, put it back."""

from __future__ import annotations

from uuid import UUID

from django.db import IntegrityError, transaction

from queues.contract import Actor
from queues.errors import WrongState
from queues.ledger import clock, states
from queues.models import Run, RunEvent


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
                _event(run, RunEvent.Kind.CANCEL_REQUESTED, actor, why)
            return run
        if run.state not in states.LIVE:
            raise WrongState(f"This run is {run.state} already: there is nothing to cancel.")
        states.require(run.state, states.CANCELLED)
        run.state, run.finished_at, run.cancel_requested_at = states.CANCELLED, now, now
        run.save(update_fields=["state", "finished_at", "cancel_requested_at"])
        _event(run, RunEvent.Kind.CANCELLED, actor, why)
    return run


def requeue(run_id: UUID, *, actor: Actor, why: str = "") -> Run:
    """A dead or cancelled run is pending again, with its whole number of attempts before it.

    Raises Run.DoesNotExist; WrongState for any other state, or when its dedupe key has a live run.
    """
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=run_id)
        if run.state not in (states.DEAD, states.CANCELLED):
            raise WrongState(f"This run is {run.state}: only dead and cancelled runs can be retried.")
        was, spent = run.state, run.attempt
        run.max_attempts = min(spent + max(run.max_attempts - spent, _budget(run)), 32_000)
        run.state, run.due_at, run.crashes = states.PENDING, clock.now(), 0
        run.finished_at = run.claimed_at = run.started_at = run.cancel_requested_at = None
        try:
            with transaction.atomic():
                run.save()
        except IntegrityError:
            raise WrongState("Another live run has the same dedupe key: wait for it, or cancel it first.") from None
        _event(run, RunEvent.Kind.REQUEUED, actor, why, {"was": was, "error": run.error_message[:500]})
    return run


def _budget(run: Run) -> int:
    """How many attempts a retry by hand is worth: what the run had at first."""
    earlier = RunEvent.objects.filter(run=run, kind=RunEvent.Kind.REQUEUED).count()
    return max(1, run.max_attempts // (earlier + 1))


def _event(run: Run, kind: str, actor: Actor, why: str, data: dict[str, object] | None = None) -> None:
    RunEvent.objects.create(
        run=run, at=clock.now(), kind=kind, attempt=run.attempt, actor=actor.label[:150], note=why, data=data or {}
    )
