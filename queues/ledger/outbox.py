"""Calls to outside: the only writer of their state. Each change is one guarded update; "not changed" means another won.

`token` names who sent a call last. It is cleared by whoever settles the call, so a late word under an old token changes
nothing; while nobody has, the sender's late word still counts, for it is the best there is.

`next_at` is when an open call is next looked after; empty: a person must. A pending call that belongs to a run is left
to runs: nothing goes out for a run that is over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db.models import Exists, OuterRef, Q, QuerySet

from queues.contract import Json
from queues.errors import IdempotencyConflict
from queues.ledger import clock, states
from queues.ledger.outbox_states import CLOSED, OPEN, PENDING, SENDING, UNKNOWN, require
from queues.ledger.requests import new_id
from queues.ledger.sql import Fixed, update_each
from queues.models import OutboundCall, Run
from queues.outbound import Call, OutboundRequest

NO_TOKEN: Fixed = (("token", "NULL"),)
START_WITHIN_S = 10.0  # who takes a call hands it to the provider within this time, or does not send it


@dataclass(frozen=True)
class Held:
    """A call in the hands of its one sender. `again`: it was sent before under the same idempotency key, and nobody
    knows what became of that: so "not sent" this time does not make it safe to send afresh."""

    token: UUID
    call: Call
    run_id: UUID | None
    again: bool
    next_at: datetime


@dataclass(frozen=True)
class Word:
    """What became of a call: done, refused, unknown or pending (surely not carried out)."""

    state: str
    response: Mapping[str, Json] | None = None
    error: str = ""
    next_at: datetime | None = None


def post(request: OutboundRequest, run_id: UUID | None = None) -> tuple[OutboundCall, bool]:
    """Insert a pending call in the caller's transaction; answers with the row there is, and whether it is new.

    `run_id`: the run that will send it; None: no run's. Raises IdempotencyConflict if the key came with other contents
    before, DatabaseError.
    """
    now = clock.now()
    row = OutboundCall(
        id=new_id(), key=request.key, provider=request.provider, operation=request.operation,
        request=dict(request.request), sealed=json.dumps(request.sealed) if request.sealed else "",
        idempotency_key=request.idempotency_key, state=PENDING, run_id=run_id, created_at=now, next_at=now,
    )  # fmt: skip
    OutboundCall.objects.bulk_create([row], ignore_conflicts=True)
    stored = OutboundCall.objects.get(key=request.key)
    differs = [
        name
        for name in ("provider", "operation", "request", "idempotency_key")
        if getattr(stored, name) != getattr(request, name)
    ]
    differs += ["sealed part"] if stored.opened != request.sealed else []
    if differs:
        raise IdempotencyConflict(
            f"The call {request.key!r} was posted before with another {' and another '.join(differs)}: "
            "give a new call a key of its own."
        )
    return stored, stored.id == row.id


def take(
    call_id: UUID, *, lands_within_s: float, run_id: UUID | None = None, due_by: datetime | None = None
) -> Held | None:
    """pending → sending, under a fresh token. None: it is not pending (any more), or not due by `due_by`.

    A call that belongs to a run belongs to the run that takes it from now on.
    """
    row = OutboundCall.objects.filter(pk=call_id, state=PENDING).first()
    if row is None or (due_by is not None and (row.next_at is None or row.next_at > due_by)):
        return None
    return _send(row, clock.now(), lands_within_s, run_id)


def take_again(row: OutboundCall, *, lands_within_s: float, run_id: UUID | None = None) -> Held | None:
    """unknown → sending under the same idempotency key: for a provider that honours it, inside its window.

    `sent_at` stays that of the first time. None: another has it, or it is settled.
    """
    return _send(row, row.sent_at or clock.now(), lands_within_s, run_id)


def settle(held: Held, word: Word) -> bool:
    """sending → what its sender has to say. False: another has the call, or it is settled; nothing was changed.

    Also from unknown, as long as nobody else did anything about it.
    """
    state = UNKNOWN if held.again and word.state == PENDING else word.state
    change, guard = _settled(held.call.sent_at, word, state), {"token": held.token}
    if _change(held.call.id, SENDING, change, guard):
        return True
    return state != UNKNOWN and _change(held.call.id, UNKNOWN, change, guard)


def give_up(row: OutboundCall, why: str) -> bool:
    """sending → unknown: its sender is gone or silent. The token stays, should the sender have a last word after all."""
    return _change(row.id, SENDING, {"state": UNKNOWN, "error": why}, {"attempts": row.attempts}, fixed=())


def found(row: OutboundCall, word: Word) -> bool:
    """unknown → what the provider's books say. False: another was quicker."""
    return _change(row.id, UNKNOWN, _settled(row.sent_at, word, word.state), {"attempts": row.attempts})


def by_hand(row: OutboundCall, word: Word, *, run_id: UUID | None) -> bool:
    """pending or unknown → a person's word. `run_id`: whose the call is from now on; None: no run's."""
    change = {**_settled(row.sent_at, word, word.state), "run_id": run_id}
    return _change(row.id, row.state, change, {"attempts": row.attempts})


def leave(row: OutboundCall, next_at: datetime | None, why: str) -> bool:
    """Its state stays as it is: look again at `next_at`; None: a person must."""
    change = {"next_at": next_at, "error": why}
    return _change(row.id, row.state, change, {"attempts": row.attempts}, fixed=())


def due(limit: int) -> list[OutboundCall]:
    """Open calls to look after now: those whose time has come, and those whose sender's run is over. Longest due first."""
    rows = OutboundCall.objects.filter(state__in=OPEN).filter(Q(next_at__lte=clock.now()) | _bereft())
    return list(rows.exclude(state=PENDING, run_id__isnull=False).order_by("next_at", "id")[:limit])


def is_bereft(row: OutboundCall) -> bool:
    """Whether nobody can be sending this call any more: its time is over, or the run that sends it is."""
    rows: QuerySet[OutboundCall] = OutboundCall.objects.filter(pk=row.id, state=SENDING)
    return rows.filter(Q(next_at__lte=clock.now()) | _bereft()).exists()


def _bereft() -> Q:
    alive = Run.objects.filter(pk=OuterRef("run_id"), state=states.RUNNING)
    return Q(state=SENDING, run_id__isnull=False) & ~Q(Exists(alive))


def _send(row: OutboundCall, sent_at: datetime, lands_within_s: float, run_id: UUID | None) -> Held | None:
    token, owner = uuid4(), run_id if run_id and row.run_id else row.run_id
    next_at = clock.now() + timedelta(seconds=START_WITHIN_S + lands_within_s)
    change = {"state": SENDING, "token": token, "sent_at": sent_at, "next_at": next_at, "run_id": owner}
    one_more = (("attempts", "attempts + 1"),)
    if not _change(row.id, row.state, change, {"attempts": row.attempts}, fixed=one_more):
        return None
    call = Call(
        row.id, row.key, row.provider, row.operation, row.request, row.idempotency_key,
        attempt=row.attempts + 1, sent_at=sent_at, sealed=row.opened,
    )  # fmt: skip
    return Held(token, call, owner, again=row.state == UNKNOWN, next_at=next_at)


def _settled(sent_at: datetime | None, word: Word, state: str) -> dict[str, Any]:
    closed = state in CLOSED
    return {
        "state": state,
        "response": None if word.response is None else dict(word.response),
        "error": word.error,
        "sent_at": None if state == PENDING else sent_at,
        "next_at": None if closed else word.next_at,
        "done_at": clock.now() if closed else None,
    }


def _change(
    pk: UUID, before: str, change: Mapping[str, Any], guard: Mapping[str, Any], *, fixed: Fixed = NO_TOKEN
) -> bool:
    """One guarded update. False: the call is not in that state (any more), or not as the guard says."""
    if "state" in change:
        require(before, str(change["state"]))
    row = {"pk": pk, **guard, **change}
    return bool(update_each(OutboundCall, [row], key=("pk", *guard), fixed=fixed, where=(("state", f"'{before}'"),)))
