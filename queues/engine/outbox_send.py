"""One call is sent: taken, the provider asked, its word recorded. Three steps, and no transaction while it is asked."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connection, transaction

from queues import failpoints
from queues.blotting import Blotter
from queues.contract import Json
from queues.engine import outbox_wake, providers
from queues.engine.retry import backoff_s
from queues.errors import LeaseLost, PermanentError, RunCancelled, RunTimeout, WorkerStopping
from queues.ledger import clock, outbox, states
from queues.ledger.outbox import Held, Word
from queues.ledger.outbox_states import DONE, PENDING, REFUSED, UNKNOWN
from queues.models import OutboundCall, Run
from queues.outbound import MAX_CALL_BYTES, NotSent, OutcomeUnknown, Provider, Refused

log = logging.getLogger("roundsman.outbox")
BACKOFF_BASE_S, BACKOFF_CAP_S = 2.0, 600.0
RECORD_AGAIN_S = (0.2, 1.0, 5.0)  # a word in hand is worth waiting for the database
MAX_ERROR = 2000
INTERRUPTS = (RunTimeout, RunCancelled, WorkerStopping, LeaseLost)  # the worker's, thrown into a handler


class InsideTransaction(PermanentError):
    """A provider would be asked inside a transaction: it would be held open meanwhile, and its rollback would forget
    what the provider did. Make the call outside of `atomic` and `ctx.effect`, or post it (`ports.postbox().post`)."""

    code = "inside_transaction"


@dataclass(frozen=True)
class Sender:
    """The run that sends a call, under its lease."""

    run_id: UUID
    lease: UUID

    @contextmanager
    def holding(self) -> Iterator[None]:
        """A transaction in which the run is surely this execution's. Raises LeaseLost."""
        with transaction.atomic():
            held = Run.objects.select_for_update().filter(pk=self.run_id, lease_token=self.lease, state=states.RUNNING)
            if not held.exists():
                raise LeaseLost(f"Run {self.run_id} is no longer held by this worker; nothing was sent.")
            yield


class _Sending:
    """The tokens under which this process is asking a provider at the moment."""

    def __init__(self) -> None:
        self._tokens: set[UUID] = set()
        self._lock = threading.Lock()

    def __contains__(self, token: object) -> bool:
        return token in self._tokens

    @contextmanager
    def as_(self, token: UUID) -> Iterator[None]:
        with self._lock:
            self._tokens.add(token)
        try:
            yield
        finally:
            with self._lock:
                self._tokens.discard(token)


sending = _Sending()


def deliver(
    row: OutboundCall, *, sender: Sender | None = None, again: bool = False, due_by: datetime | None = None
) -> OutboundCall:
    """Send a pending call, or (`again`) an unknown one under the same idempotency key. Returns it as it stands then.

    Whoever comes second finds it taken and sends nothing. Raises InsideTransaction, UnknownProvider, LeaseLost,
    DatabaseError; what the provider raises is in the row. The worker's interrupts make it unknown, and go on.
    """
    require_no_transaction()
    provider = providers.get(row.provider)
    held = _take(row, provider, sender, again, due_by)
    if held is not None:
        with sending.as_(held.token):
            begin_by_s = clock.steady_s() + outbox.START_WITHIN_S
            failpoints.reach("call.taken")
            word, interrupt = _ask(provider, held, begin_by_s)
            failpoints.reach("call.sent")
            _record(held, blotted(word, held.call.sealed))
        failpoints.reach("call.settled")
        if interrupt is not None:
            raise interrupt
    return OutboundCall.objects.get(pk=row.pk)


def require_no_transaction() -> None:
    """Raises InsideTransaction."""
    if connection.in_atomic_block:
        raise InsideTransaction(" ".join(str(InsideTransaction.__doc__).split()))


def _take(
    row: OutboundCall, provider: Provider, sender: Sender | None, again: bool, due_by: datetime | None
) -> Held | None:
    with sender.holding() if sender else transaction.atomic():
        run_id, lands = sender.run_id if sender else None, provider.lands_within_s
        if again:
            held = outbox.take_again(row, lands_within_s=lands, run_id=run_id)
        else:
            held = outbox.take(row.pk, lands_within_s=lands, run_id=run_id, due_by=due_by)
        outbox_wake.come_back(held.next_at if held else None)
    return held


def _ask(provider: Provider, held: Held, begin_by_s: float) -> tuple[Word, BaseException | None]:
    """The provider's word, and the interrupt that came instead of one, if it did."""
    if clock.steady_s() > begin_by_s:
        return _not_sent(provider, held, NotSent("This process stood still before sending, and sent nothing.")), None
    try:
        answer = provider.send(held.call)
        return Word(DONE, kept(answer.response)), None
    except NotSent as error:
        return _not_sent(provider, held, error), None
    except Refused as error:
        return Word(REFUSED, kept(error.response), told(error)), None
    except BaseException as error:
        look_at = clock.now() + timedelta(seconds=provider.lands_within_s)
        word = Word(UNKNOWN, error=told(error), next_at=look_at)
        return word, error if isinstance(error, INTERRUPTS) or not isinstance(error, Exception) else None


def _not_sent(provider: Provider, held: Held, error: NotSent) -> Word:
    """Pending again, after a while; unknown still, where an earlier sending under the same key may have been carried out."""
    backoff = backoff_s(held.call.attempt, BACKOFF_BASE_S, BACKOFF_CAP_S)
    wait_s = backoff if error.after_s is None else max(0.0, error.after_s)
    if held.again:
        wait_s = max(wait_s, provider.lands_within_s)
    next_at = clock.now() + timedelta(seconds=wait_s)
    return Word(UNKNOWN if held.again else PENDING, error=told(error), next_at=next_at)


def _record(held: Held, word: Word) -> None:
    """Keep the word, waiting a little for a database that is away. Raises DatabaseError."""
    for wait_s in (*RECORD_AGAIN_S, None):
        try:
            with transaction.atomic():
                if outbox.settle(held, word):
                    comes_itself = word.state == PENDING and held.run_id is not None
                    outbox_wake.come_back(None if comes_itself else word.next_at)
                else:
                    log.warning("What became of %s was settled before its sender could tell.", held.call.key)
            return
        except (DatabaseError, InterfaceError):
            connection.close()
            if wait_s is None:
                raise
            time.sleep(wait_s)


def blotted(word: Word, sealed: Mapping[str, Json]) -> Word:
    """What a provider says repeats, as often as not, what it was given."""
    blotter = Blotter(sealed.values())
    if not blotter:
        return word
    return replace(word, response=blotter.json(word.response), error=blotter.text(word.error))


def kept(response: Mapping[str, Json]) -> dict[str, Json]:
    """An answer as it is stored. What cannot be stored does not undo that the call was answered: a note takes its place."""
    try:
        text = json.dumps(response, allow_nan=False, default=str)
    except (TypeError, ValueError) as error:
        return {"not_kept": f"The answer is not JSON: {error}"}
    if len(text) > MAX_CALL_BYTES:
        return {"not_kept": f"The answer takes {len(text):,} bytes; at most {MAX_CALL_BYTES:,} are kept."}
    stored = json.loads(text)
    return stored if isinstance(stored, dict) else {"answer": stored}


def told(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    return (text if isinstance(error, NotSent | Refused) else f"{type(error).__name__}: {text}")[:MAX_ERROR]


def unknown(row: OutboundCall) -> OutcomeUnknown:
    """What is raised for a call of which nobody can tell."""
    after_s = None if row.next_at is None else max(1.0, (row.next_at - clock.now()).total_seconds())
    what = "is being sent by another" if row.state == "sending" else "was sent, and nobody can tell what became of it"
    why = f" ({row.error})" if row.error else ""
    return OutcomeUnknown(f"The call {row.key!r} to {row.provider} {what}{why}.", after_s)
