"""The ledger's verbs, one import. These modules are the only writers of `Run.state`; a test holds them to it."""

from queues.ledger.claim import Claimed, claim, give_back, mark_started, settle_doubts
from queues.ledger.crashes import MAX_CRASHES
from queues.ledger.create import create, create_alike, create_plain, next_due_at, promote
from queues.ledger.facts import Batch, Claim, Ending, Finished, LogLine, Progress
from queues.ledger.finish import finish, note_progress
from queues.ledger.requests import new_id, new_run, request_for
from queues.ledger.requeue import requeue, requeue_many
from queues.ledger.rescue import (
    bereft_workers,
    cancel_requests,
    declare_lost,
    live_workers,
    renew,
    rescue,
)
from queues.ledger.verbs import cancel_waiting, request_cancel

__all__ = [
    "MAX_CRASHES",
    "Batch",
    "Claim",
    "Claimed",
    "Ending",
    "Finished",
    "LogLine",
    "Progress",
    "bereft_workers",
    "cancel_requests",
    "cancel_waiting",
    "claim",
    "create",
    "create_alike",
    "create_plain",
    "declare_lost",
    "finish",
    "give_back",
    "live_workers",
    "mark_started",
    "new_id",
    "new_run",
    "next_due_at",
    "note_progress",
    "promote",
    "renew",
    "request_cancel",
    "request_for",
    "requeue",
    "requeue_many",
    "rescue",
    "settle_doubts",
]
