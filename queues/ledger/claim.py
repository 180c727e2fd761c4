"""A worker takes runs: slots within the queue's limit, then the runs, each under a fresh random token."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID, uuid4

from django.db import connection

from queues import failpoints, rates
from queues.ledger import clock, states
from queues.ledger.allot import Group, Wish, allot
from queues.ledger.brief import brief
from queues.ledger.doubt import in_doubt, settle
from queues.ledger.facts import Batch, Claim
from queues.ledger.lease import freeing, leasing, opening, room
from queues.ledger.message import Asked
from queues.ledger.pending import Course, Found, first_look, take_next
from queues.ledger.queue_settings import QueueSettings, effective
from queues.ledger.sql import update_each
from queues.models import JobDefinition, Queue, Run, RunEvent

log = logging.getLogger("roundsman.worker")
UNREADABLE_S = 30.0  # after which a queue with a rate that is none is asked again
MAX_SHARE = 500  # runs of one slot's batch


@dataclass(frozen=True)
class Claimed:
    """`more`: there may be more to take, now or when a slot, a key or (after `wait_s` seconds) the rate is free again.
    `refused`: those of the ids asked for that were not taken."""

    batches: list[Batch] = field(default_factory=list)
    refused: list[UUID] = field(default_factory=list)
    full: bool = False  # no slot was free
    more: bool = False
    wait_s: float = 0.0


def claim(
    queue: str,
    ids: Sequence[UUID] | None = None,
    *,
    worker_id: UUID,
    slots: int,
    share: int = MAX_SHARE,
    course: Course | None = None,
    through: Sequence[UUID] = (),
    behind: Sequence[UUID] = (),
) -> Claimed:
    """Take the next runs of `queue` (of `ids` alone, if given) for up to `slots` slots of this worker, at most `share` each.

    The queue's row is locked first and the slots counted in the next statement: so a limit is exact over all
    workers, and a pause takes hold at once. `through`: tokens of batches of this worker whose last execution is over,
    though its ending may not be recorded yet: their slots are free. `behind`: batches of this worker that run now and
    may each be followed by another in their slot; that adds nothing to what runs at once. Raises DatabaseError.
    """
    settle_doubts()
    asked = list(ids or ())
    wanted = (slots + len(behind)) * share
    look = _first_look(queue, wanted, course) if ids is None else []
    with in_doubt() as batches, brief(*opening(queue, through, behind), *look) as talk:
        seen = talk.answers.pop() if look else None
        found = room(queue, talk.answers, behind)
        in_force = effective(found.queue)
        if not in_force.open:
            return Claimed(refused=asked)
        granted = max(0, min(slots, in_force.concurrency - found.held))
        followed = [] if in_force.plain or in_force.rate_limit else found.there
        if not granted and not followed:
            return Claimed(refused=asked, full=True, more=True)
        now = clock.now()
        try:
            rate = rates.parse(in_force.rate_limit)
        except rates.InvalidRate as error:  # written into the row by hand: no start is allowed by what nobody can read
            log.error("Queue %s: %s Nothing is taken from it until it is mended.", queue, error)
            return Claimed(refused=asked, wait_s=UNREADABLE_S)
        share = _share(rate, 1 if in_force.plain else share)
        places = [*[None] * granted, *followed]
        limit = len(places) * share
        if rate is not None:
            grants = _believable(rate, found.queue.grants, now.timestamp())
            limit = min(limit, rates.room(rate, grants, now.timestamp()))
            if limit <= 0:
                return Claimed(refused=asked, more=True, wait_s=rates.wait_s(rate, grants, now.timestamp()))
        whole = limit == wanted and in_force.drain_at is None
        rows, waits = take_next(queue, limit, in_force.drain_at, ids, course, seen if whole else None)
        if course is not None:
            course.whole = whole
        if followed:  # what crashed before runs in a process of its own, behind nobody
            rows = [row for row in rows if not row.crashes]
        shares, left = _shares(queue, rows, len(places), share)
        batches += [
            _batch(in_force, of_slot, uuid4(), now, before) for of_slot, before in zip(shares, places, strict=False)
        ]
        taken = {claim.id for batch in batches for claim in batch.claims}
        if rate is not None and taken:
            grants = rates.granted(rate, grants, now.timestamp(), len(taken))
            Queue.objects.filter(pk=queue).update(grants=grants)
        failpoints.reach("claim.chosen")
        if batches:
            talk.close(*leasing(queue, worker_id, now, batches))
    failpoints.reach("claim.committed")
    more = bool(batches) and (waits or left)
    return Claimed(batches, [run_id for run_id in asked if run_id not in taken], more=more)


def _first_look(queue: str, wanted: int, course: Course | None) -> list[Asked]:
    """What a claim asks along with its beginning, before it knows how many it may take: where the last one was granted
    all that it asked for. (On SQLite a journey costs nothing.)"""
    if course is None or connection.vendor != "postgresql":
        return []
    whole, course.whole = course.whole, False
    return [first_look(queue, wanted, course)] if whole else []


def settle_doubts() -> None:
    """Give back what earlier claims of this process may have taken without our hearing of it. Raises DatabaseError."""
    settle(lambda batches: give_back([claim for b in batches for claim in b.claims], slots=[b.token for b in batches]))


def _shares(queue: str, rows: list[Found], slots: int, share: int) -> tuple[list[list[Found]], bool]:
    """Which run goes to which slot, and whether some found no place. Without limits and crashes, the ordinary case: in
    turn."""
    limited = any(row.key_limit or row.definition_id is not None or row.crashes for row in rows)
    if not limited:
        return [rows[first::slots] for first in range(min(slots, len(rows)))], False
    shares, left = allot(_wishes(queue, rows), slots, share)
    return shares, bool(left)


def _share(rate: rates.Rate | None, wanted: int) -> int:
    """How many runs a slot may hold. Under a rate: what it would start within a moment, so that starts keep to it."""
    return wanted if rate is None else max(1, min(wanted, int(rate.per_second * 0.05)))


def _believable(rate: rates.Rate, grants: rates.Grants, now_s: float) -> rates.Grants:
    """Without those of a time that is far off: the database's clock was set back since, and nobody shall wait for it."""
    return [grant for grant in grants if grant[0] <= now_s + rate.period_s]


def _wishes(queue: str, rows: list[Found]) -> list[Wish[Found]]:
    room = {**_free_for_keys(queue, rows), **_free_for_definitions(rows)}
    if not room:
        return [Wish(row, alone=row.crashes > 0) for row in rows]
    wishes = []
    for row in rows:
        groups = (("key", row.key), ("definition", row.definition_id))
        limits: dict[Group, int] = {group: room[group] for group in groups if group in room}
        wishes.append(Wish(row, limits, alone=row.crashes > 0))
    return wishes


def _free_for_keys(queue: str, rows: list[Found]) -> dict[Group, int]:
    """How many more slots each limited concurrency key may have."""
    limits = {row.key: row.key_limit for row in rows if row.key_limit and row.key}
    if not limits:
        return {}
    running = Run.objects.filter(queue=queue, state=states.RUNNING, concurrency_key__in=limits)
    held = Counter(key for key, _ in running.order_by().values_list("concurrency_key", "lease_token").distinct())
    return {("key", key): limit - held[key] for key, limit in limits.items()}


def _free_for_definitions(rows: list[Found]) -> dict[Group, int]:
    """How many more slots each limited definition may have. Its row is locked: it may run on several queues."""
    ids = {row.definition_id for row in rows if row.definition_id is not None}
    if not ids:
        return {}
    limited = JobDefinition.objects.filter(pk__in=ids, concurrency__isnull=False).order_by("pk")
    limits = dict(limited.select_for_update(no_key=True).values_list("pk", "concurrency"))
    if not limits:
        return {}
    running = Run.objects.filter(definition__in=limits, state=states.RUNNING)
    held = Counter(pk for pk, _ in running.order_by().values_list("definition_id", "lease_token").distinct())
    return {("definition", pk): limit - held[pk] for pk, limit in limits.items() if limit is not None}


def _batch(in_force: QueueSettings, share: list[Found], token: UUID, now: datetime, behind: UUID | None) -> Batch:
    """A share under its token, the lease of its runs; `behind`: the batch after which it runs, if any."""
    executor = "children" if share[0].crashes else in_force.executor
    held: tuple[Any, ...] = (token, now)
    claims = [Claim(*row.of_claim, *held) for row in sorted(share, key=attrgetter("id"))]
    limited = any(row.key_limit or row.definition_id is not None for row in share)
    return Batch(token, in_force.name, claims, executor, in_force.memory_limit_mb, limited, behind)


def mark_started(marks: Sequence[tuple[Claim, datetime]]) -> None:
    """Note executions that have gone on for a while, so that people see them. Without the lease nothing changes."""
    with brief():
        update_each(
            Run,
            [
                {"pk": c.id, "lease_token": c.token, "started_at": at, "attempt": c.attempt + 1}
                for c, at in sorted(marks, key=lambda mark: mark[0].id)
            ],
            key=("pk", "lease_token"),
        )


def give_back(claims: Sequence[Claim], *, slots: Sequence[UUID] = (), why: str = "") -> list[UUID]:
    """Claims that did not run (or were stopped through no fault of theirs) are pending again; no attempt is charged.

    `slots` are the tokens of batches that have nothing left. Returns the ids that are pending again.
    """
    with brief() as talk:
        tokens = {claim.id: claim for claim in claims}
        held = [
            (run_id, started)
            for run_id, token, started in Run.objects.select_for_update()
            .filter(id__in=tokens, state=states.RUNNING)
            .order_by("id")
            .values_list("id", "lease_token", "started_at")
            if token == tokens[run_id].token
        ]
        update_each(
            Run,
            [
                {
                    "pk": run_id, "state": states.PENDING, "lease_token": None, "worker_id": None, "claimed_at": None,
                    "started_at": None, "attempt": tokens[run_id].attempt,
                }
                for run_id, _ in held
            ],
        )  # fmt: skip
        now = clock.now()
        RunEvent.objects.bulk_create(
            [
                RunEvent(
                    run_id=run_id, at=now, kind=RunEvent.Kind.GIVEN_BACK, attempt=tokens[run_id].attempt + 1, note=why
                )
                for run_id, started in held
                if started is not None and why
            ]
        )
        failpoints.reach("give_back.written")
        if slots:
            talk.close(freeing(slots))
    failpoints.reach("give_back.committed")
    return [run_id for run_id, _ in held]
