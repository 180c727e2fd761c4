"""What staff and clients may do to a run or a definition: one service a verb, audited in its transaction.

Verbs on a queue are in `queue_verbs`, on many runs at once in `bulk`.
"""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from queues import registry
from queues.contract import Actor
from queues.engine.dispatch import enqueue_job, run_definition
from queues.engine.release import release_runs
from queues.errors import InUse
from queues.ledger import audit, runs, states
from queues.models import JobDefinition, Run, Schedule


def cancel(run_id: UUID, *, actor: Actor, why: str = "") -> Run:
    """Cancel a waiting run at once; ask a running one to stop. Raises Run.DoesNotExist, WrongState."""
    with transaction.atomic():
        before = Run.objects.get(pk=run_id).state
        run = runs.request_cancel(run_id, actor=actor, why=why)
        _audit_run(run, actor, "run.cancel", before, why)
    return run


def run_anew(run: Run, *, actor: Actor, why: str = "") -> Run:
    """A new run of the same job with the same parameters, whatever results could be reused; audited as any request is.

    Where its definition allows one live run, that one answers. Raises UnknownJob, InvalidParams, and Disabled for a
    definition that is off.
    """
    if run.definition is not None:
        return run_definition(run.definition, run.parameters, actor=actor, why=why, fresh=True)
    return enqueue_job(run.job, run.parameters, actor=actor, why=why, fresh=True)


def fire_now(schedule: Schedule, *, actor: Actor, why: str = "") -> Run:
    """A run of a schedule outside its timetable, which goes on as if nothing had been; audited for both.

    It is the schedule's own whether that is on, paused or off: its parameters over its definition's. Where the definition
    allows one live run, that one answers. Raises Disabled (the definition), UnknownJob, InvalidParams.
    """
    with transaction.atomic():
        run = run_definition(schedule.definition, schedule.params, actor=actor, why=why, schedule_id=schedule.pk)
        audit.write(
            actor, "schedule.fire", object_type="schedule", object_id=str(schedule.pk), object_label=schedule.name,
            after={"run": str(run.id)}, why=why,
        )  # fmt: skip
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
    with transaction.atomic():
        stored = JobDefinition.objects.select_for_update().filter(pk=definition.pk).first() if definition.pk else None
        before = None if stored is None else audit.snapshot(stored)
        definition.full_clean()
        definition.version = definition.version + 1 if stored is not None else 1
        definition.save()
        told = audit.snapshot(definition)
        was, now = (None, told) if before is None else audit.changes(before, told)
        if now or was is None:
            _audit_definition(definition, actor, "create" if was is None else "change", was, now, why)
    return definition


def delete_definition(definition: JobDefinition, *, actor: Actor, why: str = "", only_unused: bool = False) -> None:
    """Remove a definition and its schedules; its runs stay, and name it no more.

    `only_unused`: raise InUse where a run or a schedule refers to it, for nobody has confirmed what goes with it.
    """
    with transaction.atomic():
        if only_unused:
            JobDefinition.objects.select_for_update().filter(pk=definition.pk).first()  # a new run waits for the lock
            _require_unused(definition)
        _audit_definition(definition, actor, "delete", audit.snapshot(definition), None, why)
        definition.delete()


def _require_unused(definition: JobDefinition) -> None:
    if definition.schedules.exists():
        raise InUse(
            f"{definition.name!r} is on a schedule: delete its schedules first, or switch it off (enabled: false)."
        )
    if definition.runs.exists():
        raise InUse(
            f"{definition.name!r} has runs, whose history names it: switch it off instead (enabled: false), and nothing "
            "new is run from it. Whoever wants it gone all the same deletes it in the admin."
        )


def _audit_definition(
    definition: JobDefinition,
    actor: Actor,
    verb: str,
    before: dict[str, object] | None,
    after: dict[str, object] | None,
    why: str,
) -> None:
    audit.write(
        actor,
        f"definition.{verb}",
        object_type="definition",
        object_id=str(definition.pk),
        object_label=str(definition),
        before=before,
        after=after,
        why=why,
    )


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
