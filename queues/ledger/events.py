"""Run events of what people do, many in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from queues.contract import Actor, Json
from queues.ledger import clock
from queues.ledger.sql import insert_each
from queues.models import Run, RunEvent


def add_events(
    rows: Sequence[Run],
    kind: RunEvent.Kind,
    actor: Actor,
    why: str,
    data: Mapping[UUID, Mapping[str, Json]] | None = None,
) -> None:
    """One event a run, with its attempt, who did it and why; `data` by run id. In the caller's transaction."""
    now = clock.now()
    insert_each(
        RunEvent,
        [
            {
                "run": run.id,
                "at": now,
                "kind": kind,
                "attempt": run.attempt,
                "actor": actor.label[:150],
                "note": why,
                "data": dict((data or {}).get(run.id, {})),
            }
            for run in rows
        ],
    )
