"""What staff do with schedules: one service a verb, audited in its transaction; and how a schedule reads to them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction

from queues.contract import Actor
from queues.errors import InUse, PermanentError, WrongState
from queues.ledger import audit, clock
from queues.models import Schedule
from queues.timetable import cron
from queues.timetable.facts import sleeps, timed_anew, timing_of
from queues.timetable.proof import prove
from queues.timetable.timing import next_after, upcoming

KEPT = ("next_fire_at", "last_fire_at", "paused_at", "paused_by", "pause_reason", "created_at")  # no form sets these


def save_schedule(schedule: Schedule, *, actor: Actor, why: str = "") -> Schedule:
    """Validate and store a schedule, new or changed, and set its next fire.

    A change of its times, or switching it on, counts from now; any other change leaves fires that are due, due.
    Raises django's ValidationError with a message per field; wrong parameters are told under `params`.
    """
    with transaction.atomic():
        stored = Schedule.objects.select_for_update().filter(pk=schedule.pk).first() if schedule.pk else None
        for name in KEPT if stored is not None else ():
            setattr(schedule, name, getattr(stored, name))  # a fire may have gone by since the form was opened
        prove(schedule, stored)
        now = clock.now()
        if stored is None:
            schedule.created_at = now
        if sleeps(schedule):
            schedule.next_fire_at = None
        elif stored is None or not stored.enabled or timed_anew(schedule, stored):
            schedule.next_fire_at = next_after(timing_of(schedule), now)
        schedule.version = 1 if stored is None else stored.version + 1
        schedule.save()
        if stored is None:  # an interval counts from its creation by the ledger's clock, not by this host's
            Schedule.objects.filter(pk=schedule.pk).update(created_at=now)
            schedule.created_at = now
        verb, before = ("create", None) if stored is None else ("change", audit.snapshot(stored))
        _audit(schedule, actor, verb, before, why)
    return schedule


def pause_schedule(schedule: Schedule, *, actor: Actor, why: str) -> Schedule:
    """It fires no more until it is resumed; its runs go on. Raises WrongState without a reason, or if paused."""
    if not why.strip():
        raise WrongState("Say why the schedule is paused: others will want to know.")
    with transaction.atomic():
        row = Schedule.objects.select_for_update().get(pk=schedule.pk)
        if row.paused_at is not None:
            raise WrongState(f"{row.name!r} is paused already, by {row.paused_by}: {row.pause_reason}")
        before = audit.snapshot(row)
        row.paused_at, row.next_fire_at = clock.now(), None
        row.paused_by, row.pause_reason = actor.label[:150], why.strip()[:300]
        return _stored(row, actor, "pause", before, why)


def resume_schedule(schedule: Schedule, *, actor: Actor, why: str = "") -> Schedule:
    """It fires again, from its next moment on; what passed is not caught up. Raises WrongState if it is not paused."""
    with transaction.atomic():
        row = Schedule.objects.select_for_update().get(pk=schedule.pk)
        if row.paused_at is None:
            raise WrongState(f"{row.name!r} is not paused.")
        before = audit.snapshot(row)
        row.paused_at, row.paused_by, row.pause_reason = None, "", ""
        row.next_fire_at = next_after(timing_of(row), clock.now()) if row.enabled else None
        return _stored(row, actor, "resume", before, why)


def delete_schedule(schedule: Schedule, *, actor: Actor, why: str = "", only_unused: bool = False) -> None:
    """Remove a schedule and its fires; its runs stay, and name it no more.

    `only_unused`: raise InUse where it has started runs, for nobody has confirmed what goes with it.
    """
    with transaction.atomic():
        row = Schedule.objects.select_for_update().get(pk=schedule.pk)
        if only_unused and row.runs.exists():
            raise InUse(
                f"{row.name!r} has started runs, whose history names it: pause it, or switch it off (enabled: false), and "
                "it fires no more. Whoever wants it gone all the same deletes it in the admin."
            )
        audit.write(
            actor, "schedule.delete", object_type="schedule", object_id=str(row.pk), object_label=row.name,
            before=audit.snapshot(row), why=why,
        )  # fmt: skip
        row.delete()


def next_fires(schedule: Schedule, n: int = 5) -> list[datetime]:
    """The next `n` fires from now, aware UTC. None for one that is paused, off or not valid; may be unsaved."""
    if sleeps(schedule):
        return []
    try:
        return upcoming(timing_of(schedule), clock.now(), n)
    except PermanentError:
        return []


def in_words(schedule: Schedule) -> str:
    """When it fires, in English: "At 05:30, Monday through Friday (Europe/Berlin)"; or what is not valid in it."""
    try:
        where = cron.zone(schedule.timezone)
        words = _words(schedule, where)
    except PermanentError as error:
        return f"Not valid: {error}"
    bounds = [
        f"{word} {_moment(at, where)}"
        for word, at in (("from", schedule.starts_at), ("until", schedule.ends_at))
        if at is not None
    ]
    return ", ".join([words, *bounds])


def _words(schedule: Schedule, where: ZoneInfo) -> str:
    if schedule.kind == Schedule.Kind.CRON:
        return f"{cron.in_words(schedule.cron)} ({where.key})"
    if schedule.kind == Schedule.Kind.INTERVAL:
        return f"Every {_interval(schedule.interval_s)}" if schedule.interval_s else "Not valid: it has no interval"
    if schedule.run_at is None:
        return "Not valid: it has no moment"
    return f"Once, at {_moment(schedule.run_at, where)} ({where.key})"


def _interval(seconds: int) -> str:
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds % length == 0:
            count = seconds // length
            return unit if count == 1 else f"{count:,} {unit}s"
    return f"{seconds} seconds"


def _moment(at: datetime, where: ZoneInfo) -> str:
    local = at.astimezone(where)
    return f"{local:%Y-%m-%d %H:%M:%S}" if local.second else f"{local:%Y-%m-%d %H:%M}"


def _stored(row: Schedule, actor: Actor, verb: str, before: dict[str, object], why: str) -> Schedule:
    row.version += 1
    row.save()
    _audit(row, actor, verb, before, why)
    return row


def _audit(row: Schedule, actor: Actor, verb: str, before: dict[str, object] | None, why: str) -> None:
    after = audit.snapshot(row)
    was, now = (None, after) if before is None else audit.changes(before, after)
    if now:
        audit.write(
            actor, f"schedule.{verb}", object_type="schedule", object_id=str(row.pk), object_label=row.name,
            before=was, after=now, why=why,
        )  # fmt: skip
