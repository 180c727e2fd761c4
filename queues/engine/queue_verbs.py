"""What staff and clients may do to a queue: override, pause, drain, resume. One transaction a queue, audited in it.

To clean a queue is in `bulk`, for it is about many runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from queues import catalogue, rates
from queues.contract import Actor
from queues.errors import WrongState
from queues.ledger import audit, clock
from queues.ledger.queue_settings import effective, ensure_queues
from queues.models import Queue

OVERRIDES = ("enabled", "concurrency", "memory_limit_mb", "rate_limit", "executor")


@dataclass(frozen=True)
class Changed:
    """Names of queues: those that the verb changed, and those that were so already."""

    changed: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)


def prove_rate(text: str) -> str:
    """The text, if it is a rate or empty: one that is none would stop every claim of the queue. Raises ValidationError."""
    try:
        rates.parse(text)
    except rates.InvalidRate as error:
        raise ValidationError(str(error), "invalid_rate") from None
    return text


def save_queue(queue: Queue, *, actor: Actor, why: str = "") -> Queue:
    """Store a queue's overrides, and nothing else of the row: what claims and verbs write there meanwhile stays.

    Raises UnknownQueue, ValidationError.
    """
    with transaction.atomic():
        held = _locked(queue.name)
        before = audit.snapshot(held)
        for name in OVERRIDES:
            setattr(held, name, getattr(queue, name))
        try:
            prove_rate(held.rate_limit)
        except ValidationError as error:
            raise ValidationError({"rate_limit": error}) from None
        held.full_clean()
        return _stored(held, actor, "queue.change", before, why)


def pause_queue(name: str, *, actor: Actor, why: str, until: datetime | None = None) -> Queue:
    """Nothing more is taken from the queue; what runs goes on. Paused already: the reason and the end are replaced.

    Raises UnknownQueue; WrongState without a reason or with an end in the past.
    """
    _require_reason(why, "paused")
    _require_future(until)
    with transaction.atomic():
        return _pause(_locked(name), actor, why, until)


def drain_queue(name: str, *, actor: Actor, why: str) -> Queue:
    """What is there by now is finished, retries included; runs created from now on wait until the queue is resumed.

    Raises UnknownQueue; WrongState without a reason, or where the queue is draining already.
    """
    _require_reason(why, "drained")
    with transaction.atomic():
        queue = _locked(name)
        if queue.drain_at is not None:
            raise WrongState(f"The queue {queue.name} is draining already: {queue.drain_reason}")
        before = audit.snapshot(queue)
        queue.drain_at = clock.now()
        queue.drain_by, queue.drain_reason = actor.label[:150], why.strip()[:300]
        return _stored(queue, actor, "queue.drain", before, why)


def resume_queue(name: str, *, actor: Actor, why: str = "") -> Queue:
    """Workers take everything from the queue again: the end of a pause and of a drain.

    Raises UnknownQueue; WrongState where it is neither paused nor draining.
    """
    with transaction.atomic():
        queue = _locked(name)
        if queue.paused_at is None and queue.drain_at is None:
            raise WrongState(f"The queue {queue.name} is not paused and not draining.")
        return _resume(queue, actor, why)


def pause_all(*, actor: Actor, why: str, until: datetime | None = None) -> Changed:
    """Pause every queue that is not paused; the reasons of those that are stay. One transaction a queue.

    Raises WrongState as `pause_queue`.
    """
    _require_reason(why, "paused")
    _require_future(until)
    return _each(lambda queue: effective(queue).paused, lambda queue: _pause(queue, actor, why, until))


def resume_all(*, actor: Actor, why: str = "") -> Changed:
    """End every pause and every drain. One transaction a queue."""
    return _each(
        lambda queue: not effective(queue).paused and queue.drain_at is None,
        lambda queue: _resume(queue, actor, why),
    )


def _each(is_so: Callable[[Queue], bool], do: Callable[[Queue], object]) -> Changed:
    told = Changed()
    for name in catalogue.NAMES:
        with transaction.atomic():
            queue = _locked(name)
            already = is_so(queue)
            if not already:
                do(queue)
        (told.already if already else told.changed).append(name)
    return told


def _pause(queue: Queue, actor: Actor, why: str, until: datetime | None) -> Queue:
    before = audit.snapshot(queue)
    queue.paused_at, queue.paused_until = clock.now(), until
    queue.paused_by, queue.pause_reason = actor.label[:150], why.strip()[:300]
    return _stored(queue, actor, "queue.pause", before, why)


def _resume(queue: Queue, actor: Actor, why: str) -> Queue:
    before = audit.snapshot(queue)
    queue.paused_at = queue.paused_until = queue.drain_at = None
    queue.paused_by = queue.pause_reason = queue.drain_by = queue.drain_reason = ""
    return _stored(queue, actor, "queue.resume", before, why)


def _require_reason(why: str, done: str) -> None:
    if not why.strip():
        raise WrongState(f"Say why the queue is {done}: others will want to know.")


def _require_future(until: datetime | None) -> None:
    if until is not None and until <= clock.now():
        raise WrongState("The time until which the queue is paused is in the past.")


def _locked(name: str) -> Queue:
    """The row, made if it is missing. Claims lock it too: so a verb holds from the next claim on."""
    canonical = catalogue.canonical(name)
    ensure_queues()
    return Queue.objects.select_for_update().get(pk=canonical)


def _stored(queue: Queue, actor: Actor, action: str, before: dict[str, object], why: str) -> Queue:
    """Save a locked row, with its audit entry if anything differs."""
    was, now = audit.changes(before, audit.snapshot(queue))
    if not now:
        return queue
    queue.version += 1
    queue.save()
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
