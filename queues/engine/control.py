"""What staff and clients may do to runs, definitions and queues: one service a verb, audited in its transaction."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db import transaction

from queues import catalogue, registry
from queues.contract import Actor
from queues.engine.release import release_runs
from queues.errors import WrongState
from queues.ledger import audit, clock, runs, states
from queues.ledger.queue_settings import ensure_queues
from queues.models import JobDefinition, Queue, Run

M = TypeVar("M", JobDefinition, Queue)


def cancel(run_id: UUID, *, actor: Actor, why: str = "") -> Run:
    """Cancel a waiting run at once; ask a running one to stop. Raises Run.DoesNotExist, WrongState."""
    with transaction.atomic():
        before = Run.objects.get(pk=run_id).state
        run = runs.request_cancel(run_id, actor=actor, why=why)
        _audit_run(run, actor, "run.cancel", before, why)
    return run


def retry(run_id: UUID, *, actor: Actor, why: str = "") -> Run:
    """Put a dead or cancelled run back into its queue. Raises Run.DoesNotExist, WrongState."""
    with transaction.atomic():
        before = Run.objects.get(pk=run_id).state
        run = runs.requeue(run_id, actor=actor, why=why)
        _audit_run(run, actor, "run.retry", before, why)
        transaction.on_commit(lambda: release_runs([(run.queue, run.id)]), robust=True)
    return run


def save_definition(definition: JobDefinition, *, actor: Actor, why: str = "") -> JobDefinition:
    """Validate and store a definition, new or changed. Raises ValidationError, UnknownJob, InvalidParams."""
    spec = registry.get(definition.job)
    definition.job = spec.name
    definition.params = spec.dump(spec.validate(definition.params))
    return _save(definition, actor, "definition", why)


def save_queue(queue: Queue, *, actor: Actor, why: str = "") -> Queue:
    """Store a queue's overrides. Raises ValidationError."""
    return _save(queue, actor, "queue", why)


def delete_definition(definition: JobDefinition, *, actor: Actor, why: str = "") -> None:
    """Remove a definition and its schedules; its runs stay."""
    with transaction.atomic():
        audit.write(
            actor, "definition.delete", object_type="definition", object_id=str(definition.pk),
            object_label=str(definition), before=audit.snapshot(definition), why=why,
        )  # fmt: skip
        definition.delete()


def pause_queue(name: str, *, actor: Actor, why: str, until: datetime | None = None) -> Queue:
    """Nothing more is taken from the queue; what runs goes on. Raises UnknownQueue, WrongState without a reason."""
    if not why.strip():
        raise WrongState("Say why the queue is paused: others will want to know.")
    if until is not None and until <= clock.now():
        raise WrongState("The time until which the queue is paused is in the past.")
    with transaction.atomic():
        queue = _locked(name)
        before = audit.snapshot(queue)
        queue.paused_at, queue.paused_until = clock.now(), until
        queue.paused_by, queue.pause_reason = actor.label[:150], why.strip()[:300]
        return _stored(queue, actor, "queue.pause", before, why)


def resume_queue(name: str, *, actor: Actor, why: str = "") -> Queue:
    """Workers take from the queue again. Raises UnknownQueue, WrongState when it is not paused."""
    with transaction.atomic():
        queue = _locked(name)
        if queue.paused_at is None:
            raise WrongState(f"The queue {queue.name} is not paused.")
        before = audit.snapshot(queue)
        queue.paused_at = queue.paused_until = None
        queue.paused_by = queue.pause_reason = ""
        return _stored(queue, actor, "queue.resume", before, why)


def _locked(name: str) -> Queue:
    canonical = catalogue.canonical(name)
    ensure_queues()
    return Queue.objects.select_for_update().get(pk=canonical)


def _stored(queue: Queue, actor: Actor, action: str, before: dict[str, object], why: str) -> Queue:
    queue.version += 1
    queue.save()
    was, now = audit.changes(before, audit.snapshot(queue))
    audit.write(
        actor,
        action,
        object_type="queue",
        object_id=queue.name,
        object_label=queue.title,
        before=was,
        after=now,
        why=why,
    )
    return queue


def _save(row: M, actor: Actor, noun: str, why: str) -> M:
    with transaction.atomic():
        stored = type(row)._default_manager.select_for_update().filter(pk=row.pk).first() if row.pk else None
        before = None if stored is None else audit.snapshot(stored)
        row.full_clean()
        row.version = row.version + 1 if stored is not None else 1
        row.save()
        was, now = (None, audit.snapshot(row)) if before is None else audit.changes(before, audit.snapshot(row))
        if now or was is None:
            audit.write(
                actor,
                f"{noun}.{'create' if was is None else 'change'}",
                object_type=noun,
                object_id=str(row.pk),
                object_label=str(row),
                before=was,
                after=now,
                why=why,
            )
    return row


def _audit_run(run: Run, actor: Actor, action: str, before: str, why: str) -> None:
    asked = action == "run.cancel" and run.state == states.RUNNING
    audit.write(
        actor,
        action,
        object_type="run",
        object_id=str(run.id),
        object_label=run.job,
        before={"state": before},
        after={"state": "cancel requested" if asked else run.state},
        why=why,
    )
