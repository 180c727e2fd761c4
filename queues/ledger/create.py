"""Runs come into being, and those due later become due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from queues import failpoints
from queues.contract import RunRef
from queues.ledger import clock, states
from queues.ledger.brief import brief
from queues.ledger.copy import New, copy_alike
from queues.ledger.requests import new_id
from queues.ledger.sql import insert_each, insert_one
from queues.models import Run
from queues.models.run import LIVE_STATES
from queues.packing import pack

CHUNK = 500
ALIKE = 2000  # rows of one statement


def create(runs: Sequence[Run]) -> list[RunRef]:
    """Insert new rows in the caller's transaction; answers in the same order.

    A run whose dedupe key has a live run already is not inserted: its answer is the live one, `created=False`.
    """
    plain = [run for run in runs if run.dedupe_key is None]
    Run.objects.bulk_create(plain, batch_size=CHUNK)
    return [RunRef(run.id, run.state) if run.dedupe_key is None else _create_unique(run) for run in runs]


def create_plain(row: Mapping[str, Any]) -> RunRef:
    """Insert one new row (see requests.new_row) that has no dedupe key. Outside a transaction this is one statement."""
    insert_one(Run, row)
    return RunRef(row["id"], row["state"])


def create_alike(row: Mapping[str, Any], params: Sequence[str]) -> list[RunRef]:
    """Many runs that differ only in their parameters (JSON texts): one statement a chunk. In the caller's transaction."""
    same = {name: value for name, value in row.items() if name not in ("id", "params", "packed")}
    refs = []
    for start in range(0, len(params), ALIKE):
        chunk = [_new(text) for text in params[start : start + ALIKE]]
        if connection.vendor == "postgresql":
            copy_alike(same, chunk)
        else:
            insert_each(
                Run, [{"id": i, "params__text": text} for i, text, packed in chunk if packed is None], same=same
            )
            long = [Run(**same, id=i, params={}, packed=packed) for i, _, packed in chunk if packed is not None]
            Run.objects.bulk_create(long, batch_size=CHUNK)
        refs += [RunRef(run_id, row["state"]) for run_id, _, _ in chunk]
    return refs


def _new(params: str) -> New:
    packed = pack(params)
    return new_id(), params if packed is None else "{}", packed


def _create_unique(run: Run) -> RunRef:
    for _ in range(10):
        Run.objects.bulk_create([run], ignore_conflicts=True)
        live = Run.objects.filter(dedupe_key=run.dedupe_key, state__in=LIVE_STATES).values_list("id", "state").first()
        if live is not None:
            return RunRef(live[0], live[1], created=live[0] == run.id)
        # the live one finished between the two statements: try to be the next
    raise RuntimeError(f"The dedupe key {run.dedupe_key!r} changes hands faster than a run can be inserted.")


def promote(limit: int = CHUNK) -> list[tuple[str, UUID]]:
    """Scheduled runs whose time has come become pending. Returns (queue, id), most urgent first. Any number may call."""
    now = clock.now()
    if not Run.objects.filter(state=states.SCHEDULED, due_at__lte=now).exists():
        return []  # the ordinary case: no write transaction
    with brief():
        due = list(
            Run.objects.select_for_update(skip_locked=True)
            .filter(state=states.SCHEDULED, due_at__lte=now)
            .order_by("due_at", "id")
            .values_list("queue", "id")[:limit]
        )
        Run.objects.filter(id__in=[run_id for _, run_id in due]).update(state=states.PENDING)
        failpoints.reach("promote.written")
    failpoints.reach("promote.committed")
    return [(queue, run_id) for queue, run_id in due]


def next_due_at() -> datetime | None:
    """When the next scheduled run falls due."""
    return Run.objects.filter(state=states.SCHEDULED).order_by("due_at").values_list("due_at", flat=True).first()
