"""One run as its asker waits for it."""

from __future__ import annotations

from uuid import UUID

from queues.contract import RunNow
from queues.ledger import states
from queues.models import Run


def run_now(run_id: UUID) -> RunNow | None:
    """How it stands; None where it is there no more."""
    run = (
        Run.objects.filter(pk=run_id)
        .only("state", "progress_done", "progress_total", "progress_note", "error_message")
        .first()
    )
    if run is None:
        return None
    ended = run.state not in states.LIVE
    error = run.error_message if ended and run.state != states.SUCCEEDED else ""
    return RunNow(run.state, ended, run.progress_done, run.progress_total, run.progress_note, error)
