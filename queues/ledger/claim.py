"""A worker takes runs: slots within the queue's limit, then the runs, each under a fresh random token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from django.db import transaction

from queues.ledger import clock, states
from queues.ledger.facts import Batch, Claim
from queues.ledger.queue_settings import effective
from queues.ledger.rows import update_each
from queues.models import Queue, Run, RunEvent, Slot

COLUMNS = (
    "id", "job", "queue", "params", "attempt", "max_attempts", "crashes", "timeout_s", "backoff_base_s",
    "backoff_cap_s", "created_at", "due_at", "definition_id", "concurrency_key", "key_limit",
)  # fmt: skip


@dataclass(frozen=True)
class Claimed:
    """`refused`: runs still pending, for want of a free slot, key or open queue; put them back. `full`: no slot was free."""

    batches: list[Batch] = field(default_factory=list)
    refused: list[UUID] = field(default_factory=list)
    full: bool = False


def claim(queue: str, ids: Sequence[UUID], *, worker_id: UUID, slots: int) -> Claimed:
    """Take some of `ids` from `queue` for up to `slots` slots of this worker. Those no longer pending fall away.

    The queue's row is locked first and the slots counted in the next statement: so a limit is exact over all
    workers, and a pause takes hold at once. Raises DatabaseError.
    """
    with transaction.atomic():
        row = Queue.objects.select_for_update().get(pk=queue)
        in_force = effective(row)
        granted = min(slots, in_force.concurrency - Slot.objects.filter(queue=queue).count())
        if not in_force.open or granted <= 0:
            return Claimed(refused=list(ids), full=in_force.open)
        rows = list(
            Run.objects.select_for_update(skip_locked=True)
            .filter(id__in=ids, queue=queue, state=states.PENDING)
            .order_by("id")
            .values(*COLUMNS)
        )
        free, blocked = _within_key_limits(queue, rows)
        if not free:
            return Claimed(refused=blocked)
        return Claimed(_lease(queue, free, worker_id, granted), blocked)


def _lease(queue: str, rows: list[dict[str, object]], worker_id: UUID, granted: int) -> list[Batch]:
    now = clock.now()
    batches = []
    for index in range(min(granted, len(rows))):
        token, share = uuid4(), rows[index::granted]
        Slot.objects.create(token=token, queue=queue, worker_id=worker_id, claimed_at=now)
        Run.objects.filter(id__in=[row["id"] for row in share]).update(
            state=states.RUNNING, lease_token=token, worker_id=worker_id, claimed_at=now, started_at=None
        )
        batches.append(Batch(token, queue, [_claim(row, token, now) for row in share]))
    return batches


def _claim(row: dict[str, object], token: UUID, now: datetime) -> Claim:
    values = {name: row[name] for name in COLUMNS if name not in ("concurrency_key", "key_limit")}
    return Claim(token=token, claimed_at=now, **values)  # type: ignore[arg-type]


def _within_key_limits(queue: str, rows: list[dict[str, object]]) -> tuple[list[dict[str, object]], list[UUID]]:
    """Split by the limit of runs that one concurrency key may have running."""
    keys = {row["concurrency_key"] for row in rows if row["key_limit"]}
    if not keys:
        return rows, []
    running: dict[object, int] = {}
    for key in Run.objects.filter(queue=queue, state=states.RUNNING, concurrency_key__in=keys).values_list(
        "concurrency_key", flat=True
    ):
        running[key] = running.get(key, 0) + 1
    free, blocked = [], []
    for row in rows:
        held, limit = running.get(row["concurrency_key"], 0), row["key_limit"]
        if isinstance(limit, int) and held >= limit:
            blocked.append(row["id"])
        else:
            running[row["concurrency_key"]] = held + 1
            free.append(row)
    return free, blocked  # type: ignore[return-value]


def mark_started(marks: Sequence[tuple[Claim, datetime]]) -> None:
    """Note executions that have gone on for a while, so that people see them. Without the lease nothing changes."""
    with transaction.atomic():
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
    with transaction.atomic():
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
        Slot.objects.filter(token__in=slots).delete()
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
    return [run_id for run_id, _ in held]
