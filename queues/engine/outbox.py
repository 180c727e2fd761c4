"""Calls to outside, as the rest of the house uses them: post one, make one from a run, look after all that are open."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from django.db import transaction

from queues import failpoints
from queues.contract import Actor, Json
from queues.engine import outbox_wake, providers
from queues.engine.outbox_doubt import reconcile
from queues.engine.outbox_send import InsideTransaction, Sender, deliver, require_no_transaction, sending, unknown
from queues.engine.providers import UnknownProvider, provider
from queues.errors import WrongState
from queues.ledger import audit, clock, outbox
from queues.ledger.outbox import Word, due
from queues.ledger.outbox_states import DONE, PENDING, REFUSED, SENDING, UNKNOWN, require
from queues.models import OutboundCall
from queues.outbound import Answer, CallRef, NotSent, OutboundRequest, Refused

STRANGER_AGAIN_S = 600.0  # a call to a provider that this process does not know
GONE = "Its sender is gone: nobody can tell whether the provider was asked."

__all__ = [
    "InsideTransaction", "UnknownProvider", "attend", "call", "deliver", "due", "find", "post", "provider", "reconcile",
    "resolve",
]  # fmt: skip


def post(request: OutboundRequest) -> CallRef:
    """Post a call in the caller's transaction, with the run that sends it: both are there after its commit, or neither.

    The same key again answers with the call there is. Raises UnknownProvider, IdempotencyConflict, DatabaseError.
    """
    providers.get(request.provider)
    with transaction.atomic():
        row, created = outbox.post(request)
        if created:
            outbox_wake.come_at_once()
    return _ref(row, created)


def find(key: str) -> CallRef | None:
    """How the call of this key stands."""
    row = OutboundCall.objects.filter(key=key).first()
    return None if row is None else _ref(row)


def call(request: OutboundRequest, *, run_id: UUID, lease: UUID) -> Answer:
    """The call of a run that holds this lease: see queues.contract.JobContext.call."""
    require_no_transaction()
    providers.get(request.provider)
    sender = Sender(run_id, lease)
    with sender.holding():
        row, _ = outbox.post(request, run_id=run_id)
        if row.state == SENDING and _is_left_behind(row, run_id):
            outbox.give_up(row, GONE)
    failpoints.reach("call.posted")
    row = OutboundCall.objects.get(pk=row.pk)
    if row.state == UNKNOWN:
        row = reconcile(row, sender=sender)
    if row.state == PENDING:
        row = deliver(row, sender=sender)
    return _answer(row)


def attend(row: OutboundCall) -> OutboundCall:
    """Look after one call that is due, and that no run looks after. Returns it as it stands then. Raises DatabaseError."""
    try:
        if row.state == SENDING:
            outbox.give_up(row, GONE)
            row = OutboundCall.objects.get(pk=row.pk)
        if row.state == UNKNOWN:
            row = reconcile(row)
        if row.state == PENDING and row.run_id is None:
            row = deliver(row, due_by=clock.now())
    except UnknownProvider as error:
        next_at = clock.now() + timedelta(seconds=STRANGER_AGAIN_S)
        with transaction.atomic():
            outbox.leave(row, next_at, str(error))
            outbox_wake.come_back(next_at)
    return row


def resolve(
    call_id: UUID, outcome: str, *, actor: Actor, why: str, response: Mapping[str, Json] | None = None
) -> OutboundCall:
    """A person's word about a call: `done` (with what the provider answered), `refused` (it was not carried out and will
    not be), `pending` (it was not carried out: send it). A pending call can only be refused. Audited.

    Sent then by queues.settle_calls, whosever it was. Raises OutboundCall.DoesNotExist, WrongState.
    """
    if not why.strip():
        raise WrongState("Say why: others will want to know how it was found out.")
    with transaction.atomic():
        row = OutboundCall.objects.select_for_update().get(pk=call_id)
        if row.state == SENDING:
            raise WrongState("This call is being sent at the moment: wait until it is settled or unknown.")
        require(row.state, outcome)
        now = clock.now()
        said = Word(
            outcome, dict(response or {}) if outcome == DONE else None, f"By hand, {actor.label}: {why.strip()}", now
        )
        run_id = None if outcome == PENDING else row.run_id
        if not outbox.by_hand(row, said, run_id=run_id):
            raise WrongState("This call was settled just now: look at it again.")
        audit.write(
            actor, "call.resolve", object_type="call", object_id=str(row.id), object_label=str(row),
            before={"state": row.state}, after={"state": outcome}, why=why.strip(),
        )  # fmt: skip
        if outcome == PENDING:
            outbox_wake.come_at_once()
    return OutboundCall.objects.get(pk=call_id)


def _is_left_behind(row: OutboundCall, run_id: UUID) -> bool:
    """Whether nobody is sending it: this run has its lease, and no thread of this process sends it for the run."""
    return outbox.is_bereft(row) or (row.run_id == run_id and row.token not in sending)


def _answer(row: OutboundCall) -> Answer:
    """What a call came to, as its asker hears it. Raises Refused, NotSent, OutcomeUnknown."""
    if row.state == DONE:
        return Answer(row.response or {})
    if row.state == REFUSED:
        raise Refused(row.error or "The provider refused it.", row.response)
    if row.state == PENDING:
        wait = row.next_at - clock.now() if row.next_at else timedelta()
        raise NotSent(row.error or "It was not sent.", max(0.0, wait.total_seconds()))
    raise unknown(row)


def _ref(row: OutboundCall, created: bool = False) -> CallRef:
    return CallRef(row.id, row.state, created, row.response, row.error)
