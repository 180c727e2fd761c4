"""Workers' leases: renewed by heartbeat, and what is done with the runs of a worker that is gone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import F

from queues import failpoints
from queues.ledger import clock, states, webhooks
from queues.ledger.brief import brief
from queues.ledger.crashes import AfterCrash, Crashes, after_loss
from queues.ledger.sql import update_each
from queues.ledger.webhook_events import RunEnd
from queues.models import Run, RunEvent, Slot, Worker


def renew(worker_id: UUID, *, busy: int, rss_mb: float) -> bool:
    """One heartbeat. False: this worker was found lost meanwhile, and nothing it holds is its own any more."""
    return bool(
        Worker.objects.filter(pk=worker_id, lost_at__isnull=True, stopped_at__isnull=True).update(
            renewals=F("renewals") + 1, beat_at=clock.now(), busy=busy, rss_mb=rss_mb
        )
    )


def cancel_requests(worker_id: UUID) -> set[UUID]:
    """The runs this worker holds that somebody asked to stop."""
    return set(
        Run.objects.filter(worker_id=worker_id, state=states.RUNNING, cancel_requested_at__isnull=False).values_list(
            "id", flat=True
        )
    )


def live_workers() -> list[tuple[UUID, int, str]]:
    """(id, renewals, lock path) of every worker not known to be gone."""
    return list(
        Worker.objects.filter(lost_at__isnull=True, stopped_at__isnull=True).values_list("pk", "renewals", "lock_path")
    )


def declare_lost(worker_id: UUID, renewals: int) -> bool:
    """Mark a worker lost, unless it renewed since `renewals` was read. Any number of rescuers may try; one wins."""
    return bool(
        Worker.objects.filter(pk=worker_id, renewals=renewals, lost_at__isnull=True, stopped_at__isnull=True).update(
            lost_at=clock.now()
        )
    )


def bereft_workers() -> set[UUID]:
    """Workers that are gone but still hold a run or a slot."""
    gone = Worker.objects.exclude(lost_at__isnull=True, stopped_at__isnull=True).values("pk")
    held = Run.objects.filter(state=states.RUNNING, worker_id__in=gone).values_list("worker_id", flat=True)
    slots = Slot.objects.filter(worker_id__in=gone).values_list("worker_id", flat=True)
    return {worker_id for worker_id in [*held, *slots] if worker_id is not None}


def rescue(worker_id: UUID) -> list[tuple[str, UUID]]:
    """Runs of a worker that is gone are pending again, or dead if it goes on like that. Returns (queue, id) to release.

    Of each batch only the first unfinished run had been started (and none of a batch that waited behind another): it
    alone is charged an attempt and a crash. A run whose row is locked is alive (its handler's transaction is still
    open) and is left for the next call.
    """
    with brief():
        rows = list(
            Run.objects.select_for_update(skip_locked=True)
            .filter(worker_id=worker_id, state=states.RUNNING)
            .order_by("id")
        )
        first: dict[UUID | None, UUID] = {}
        for run in rows:
            first.setdefault(run.lease_token, run.id)
        behind = dict(Slot.objects.filter(worker_id=worker_id, behind__in=first).values_list("token", "behind"))
        started = {run_id for token, run_id in first.items() if token not in behind}
        back = [_rescued(run, charged=run.id in started) for run in rows]
        update_each(Run, back)
        RunEvent.objects.bulk_create(_events(run for run in rows if run.id in started))
        webhooks.runs_ended((_end(run, row) for run, row in zip(rows, back, strict=True)), known=True)
        busy = Run.objects.filter(worker_id=worker_id, state=states.RUNNING).values("lease_token")
        Slot.objects.filter(worker_id=worker_id).exclude(token__in=busy).delete()
        failpoints.reach("rescue.written")
    failpoints.reach("rescue.committed")
    return [(run.queue, run.id) for run, row in zip(rows, back, strict=True) if row["state"] == states.PENDING]


def _rescued(run: Run, *, charged: bool) -> dict[str, Any]:
    """One that had not started is pending again; the started one is charged its attempt and its crash."""
    cancelled = run.cancel_requested_at is not None
    state = states.CANCELLED if cancelled else states.PENDING
    after = AfterCrash(state, run.attempt, run.max_attempts, run.crashes, run.losses, "")
    if charged:
        attempt = run.attempt + (run.started_at is None)
        after = after_loss(Crashes(attempt, run.max_attempts, run.crashes, run.losses), cancelled=cancelled)
    return {
        "pk": run.id,
        "state": after.state,
        "attempt": after.attempt,
        "max_attempts": after.max_attempts,
        "crashes": after.crashes,
        "losses": after.losses,
        "finished_at": None if after.state == states.PENDING else clock.now(),
        "lease_token": None,
        "worker_id": None,
        "claimed_at": None,
        "started_at": None,
        "error_type": "WorkerLost" if charged else run.error_type,
        "error_code": "worker_lost" if charged else run.error_code,
        "error_message": (
            f"The worker was lost while this run was running ({after.times})." if charged else run.error_message
        ),
    }


def _end(run: Run, row: dict[str, Any]) -> RunEnd:
    """What webhooks are told of it; one that is pending again has not ended."""
    return RunEnd(
        run.id, run.job, run.queue, row["state"], row["attempt"], row["finished_at"] or run.created_at, run.created_at,
        run.started_at, run.definition_id, row["error_type"], row["error_code"],
    )  # fmt: skip


def _events(runs: Iterable[Run]) -> list[RunEvent]:
    now = clock.now()
    return [
        RunEvent(
            run_id=run.id,
            at=now,
            kind=RunEvent.Kind.CRASHED,
            attempt=run.attempt + (1 if run.started_at is None else 0),
            note="The worker that held this run is gone; the run was taken from it.",
            data={"worker": str(run.worker_id), "alone": run.crashes > 0},
        )
        for run in runs
    ]
