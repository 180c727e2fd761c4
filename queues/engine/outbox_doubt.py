"""A call of which nobody knows what became: looked up at its provider, sent again only where that is surely harmless."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from django.db import transaction

from queues.blotting import Blotter
from queues.engine import outbox_wake, providers
from queues.engine.outbox_send import INTERRUPTS, Sender, blotted, deliver, kept, require_no_transaction, told
from queues.ledger import clock, outbox
from queues.ledger.outbox import START_WITHIN_S, Word
from queues.ledger.outbox_states import DONE, PENDING, REFUSED
from queues.models import OutboundCall
from queues.outbound import Answer, Call, LookUpImpossible, Provider, Refused

LOOKED = "; looked up: "
LOOK_AGAIN_S = (30.0, 3600.0)  # the shortest and the longest wait between two looks


class Seen(Enum):
    """What a look at the provider's books showed."""

    FOUND = "found"
    NOT_THERE = "not there"
    CANNOT_TELL = "it can never tell"
    NOT_NOW = "it does not answer now"


class Step(Enum):
    """What follows from it."""

    RECORD = "record what was found"
    START_AFRESH = "it was not carried out: pending again"
    SEND_AGAIN = "send again under the same idempotency key"
    LOOK_LATER = "look again later"
    LEAVE = "only its run or a person can go on"


def decide(seen: Seen, *, landed: bool, replayable: bool) -> Step:
    """Pure. `landed`: whatever was sent has been carried out by now, or never will be. `replayable`: the provider
    honours the idempotency key, its window is still open, and who asks may send this call."""
    match seen:
        case Seen.FOUND:
            return Step.RECORD
        case Seen.NOT_THERE if landed:
            return Step.START_AFRESH
        case Seen.NOT_THERE | Seen.CANNOT_TELL if replayable:
            return Step.SEND_AGAIN
        case Seen.CANNOT_TELL if landed:
            return Step.LEAVE
    return Step.LOOK_LATER


def is_replayable(provider: Provider, sent_at: datetime | None, now: datetime) -> bool:
    """Whether a call sent now reaches the provider while it still honours the key first sent at `sent_at`."""
    if not provider.honours_idempotency_keys or sent_at is None:
        return False
    lands_at = now + timedelta(seconds=START_WITHIN_S + provider.lands_within_s)
    return lands_at <= sent_at + timedelta(seconds=provider.replay_window_s)


def look_again_s(age_s: float) -> float:
    """Seconds until the next look at a call sent `age_s` seconds ago: half its age, within LOOK_AGAIN_S. Pure."""
    shortest, longest = LOOK_AGAIN_S
    return max(shortest, min(longest, age_s / 2))


@dataclass(frozen=True)
class Look:
    """One look: what was seen, the word found (if any), and why nothing was."""

    seen: Seen
    word: Word | None = None
    why: str = ""


def reconcile(row: OutboundCall, *, sender: Sender | None = None) -> OutboundCall:
    """Find out about an unknown call. Returns it as it stands then: settled, pending, or still unknown.

    A call that belongs to a run is sent again by a run alone (`sender`): nothing goes out for a run that is over.
    Raises InsideTransaction, UnknownProvider, LeaseLost, DatabaseError.
    """
    require_no_transaction()
    provider = providers.get(row.provider)
    look = _blotted(_look(provider, row), row)
    now = clock.now()
    may_send = sender is not None or row.run_id is None
    step = decide(
        look.seen,
        landed=row.next_at is None or row.next_at <= now,
        replayable=may_send and is_replayable(provider, row.sent_at, now),
    )
    if step is Step.SEND_AGAIN:
        return deliver(row, sender=sender, again=True)
    with transaction.atomic():
        next_at = _record(row, look, step, now)
        outbox_wake.come_back(next_at)
    return OutboundCall.objects.get(pk=row.pk)


def _look(provider: Provider, row: OutboundCall) -> Look:
    call = Call(
        row.id, row.key, row.provider, row.operation, row.request, row.idempotency_key, row.attempts, row.sent_at,
        row.opened,
    )  # fmt: skip
    try:
        answer: Answer | None = provider.look_up(call)
        if answer is None:
            return Look(Seen.NOT_THERE, why="The provider does not have it.")
        return Look(Seen.FOUND, Word(DONE, kept(answer.response)))
    except Refused as error:
        return Look(Seen.FOUND, Word(REFUSED, kept(error.response), told(error)))
    except LookUpImpossible as error:
        return Look(Seen.CANNOT_TELL, why=told(error))
    except INTERRUPTS:
        raise
    except Exception as error:
        return Look(Seen.NOT_NOW, why=told(error))


def _blotted(look: Look, row: OutboundCall) -> Look:
    """Without what is sealed of the request."""
    word = look.word and blotted(look.word, row.opened)
    return replace(look, word=word, why=Blotter(row.opened.values()).text(look.why))


def _record(row: OutboundCall, look: Look, step: Step, now: datetime) -> datetime | None:
    """Write down the step. Returns when a run must come back to it; where another was quicker, that is theirs to say."""
    if step is Step.RECORD and look.word is not None:
        outbox.found(row, look.word)
        return None
    if step is Step.START_AFRESH:
        is_new = outbox.found(row, Word(PENDING, error=look.why, next_at=now))
        return now if is_new and row.run_id is None else None
    if step is Step.LEAVE:
        outbox.leave(row, None, _why(row.error, look.why))
        return None
    if row.next_at is not None and row.next_at > now:
        return None  # somebody comes then already
    next_at = now + timedelta(seconds=look_again_s((now - (row.sent_at or now)).total_seconds()))
    return next_at if outbox.leave(row, next_at, _why(row.error, look.why)) else None


def _why(error: str, seen: str) -> str:
    """What made it unknown, and what the last look showed."""
    return f"{error.split(LOOKED)[0]}{LOOKED}{seen}"
