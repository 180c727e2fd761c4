"""A line in the worker's log for each execution that was recorded: for whoever asks for it (`rqworker --log-jobs`)."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from queues.ledger.facts import Finished

log = logging.getLogger("roundsman.jobs")


def tell(finished: Sequence[Finished]) -> None:
    """One line each: job, run, how it ended, how long it waited and took (seconds)."""
    for one in finished:
        waited_s = (one.started_at - one.due_at).total_seconds()
        took_s = (one.finished_at - one.started_at).total_seconds()
        why = f": {one.error_code or 'error'} {one.error_message.splitlines()[0][:200]}" if one.error_message else ""
        log.info(
            "%s %s %s (attempt %d, waited %.3f s, took %.3f s)%s",
            one.job, one.id, one.state, one.attempt, max(0.0, waited_s), took_s, why,
        )  # fmt: skip
