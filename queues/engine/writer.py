"""The worker's writer: one thread stores endings and notes in batches, and rides out a database that is away."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, connections

from queues.engine.crew import Crew
from queues.engine.cutoff import in_engine
from queues.ledger import runs, states
from queues.ledger.facts import Claim, Ending, Finished, LogLine

log = logging.getLogger("roundsman.worker")
MAX_BATCH = 250
ENOUGH = 50  # endings are not held back any longer
NOTES_EVERY_S = 0.5
TELL_STARTED_AFTER_S = 1.0  # a run that ends sooner costs one claim and one finish
KEPT_LOGS = 1000  # batches of log lines kept while the database is away
REFUSED = (DataError, IntegrityError, TypeError, ValueError)  # by the database, or before it was even asked
T = TypeVar("T")
Item = tuple[Claim, Ending | None, UUID | None]
Observer = Callable[[Sequence[Finished]], None]


class Writer:
    """`report` may be called from any thread. `observers` are told of what was recorded, on the writer's thread."""

    def __init__(self, observers: Sequence[Observer] = ()) -> None:
        self.observers = observers
        self.crew: Crew | None = None
        self.gave_back: Callable[[list[tuple[str, UUID]]], None] = lambda pairs: None
        self.freed: Callable[[list[UUID]], None] = lambda tokens: None  # these batches' slots are free in the ledger
        self.backed_off: Callable[[], None] = lambda: None  # a run was put off: somebody should look when it falls due
        self.recorded = 0
        self._items: deque[Item] = deque()
        self._some = threading.Event()  # there are items
        self._hurry = threading.Event()  # so many, or such, that they are written at once
        self._pace_s = settings.QUEUE_BATCH_TIMEOUT / 1000
        self._not_before_s = 0.0
        self._writing = 0  # taken from there, not yet stored
        self._logs: list[tuple[UUID, int, list[LogLine]]] = []  # taken from the runs, not yet stored
        self._stop = threading.Event()
        self.thread = threading.Thread(target=self._serve, name="writer", daemon=True)

    def report(self, claim: Claim, ending: Ending | None, last_of: UUID | None, urgent: bool = True) -> None:
        """`urgent`: somebody waits for it to be recorded. Others gather for a moment, see QUEUE_BATCH_TIMEOUT."""
        self._items.append((claim, ending, last_of))
        if urgent or len(self._items) >= ENOUGH:
            self._hurry.set()
        if not self._some.is_set():
            self._some.set()

    @property
    def unwritten(self) -> int:
        """Endings not yet in the ledger."""
        return self._writing + len(self._items)

    def stop(self, timeout_s: float) -> bool:
        """Write what is left. False if it could not be written in time (the runs will be rescued and run again)."""
        self._stop.set()
        self._hurry.set()
        self.thread.join(timeout_s)
        return not self.thread.is_alive()

    def _serve(self) -> None:
        in_engine()
        notes_at = time.monotonic()
        while not (self._stop.is_set() and not self._items):
            items = self._gather(timeout_s=0.05 if self._stop.is_set() else NOTES_EVERY_S / 2)
            if items:
                self._record(items)
                self._writing = 0
            if time.monotonic() - notes_at >= NOTES_EVERY_S:
                notes_at = time.monotonic()
                self._once(self._store_notes)
        connections.close_all()

    def _gather(self, timeout_s: float) -> list[Item]:
        """All there is, up to a batch. The first after a while is written at once; those that follow gather until there
        are enough, or their time is over, or one is urgent."""
        if not self._some.wait(timeout_s):
            return []
        if not self._stop.is_set():
            self._hurry.wait(max(0.0, self._not_before_s - time.monotonic()))
        self._hurry.clear()
        self._some.clear()
        self._not_before_s = time.monotonic() + self._pace_s
        items: list[Item] = []
        while self._items and len(items) < MAX_BATCH:
            self._writing += 1  # first: whoever counts meanwhile may count one twice, but misses none
            items.append(self._items.popleft())
        if self._items:
            self._some.set()
        return items

    def _record(self, items: list[Item]) -> None:
        """What is recorded is told afterwards, each hearer for himself: what fails there does not record it again."""
        tokens = [token for _, _, token in items if token is not None]
        endings = [ending for _, ending, _ in items if ending is not None]
        unspent = [claim for claim, ending, _ in items if ending is None]
        if unspent:
            back = self._insist(partial(runs.give_back, unspent, why="The worker stopped before it was done."))
            self._tell(self.gave_back, [(claim.queue, claim.id) for claim in unspent if claim.id in back])
        finished = self._insist(partial(self._finish, endings, tokens))
        self.recorded += len(finished)
        if tokens:
            self._tell(self.freed, tokens)
        if len(finished) < len(endings):
            log.warning(
                "%d endings are not recorded: their runs had been rescued, or are recorded already.",
                len(endings) - len(finished),
            )
        if any(done.state == states.SCHEDULED for done in finished):
            self._tell(self.backed_off)
        crashed = [(done.queue, done.id) for done in finished if done.state == states.PENDING]
        if crashed:
            self._tell(self.gave_back, crashed)
        for observer in self.observers:
            self._tell(observer, finished)

    def _finish(self, endings: list[Ending], tokens: list[UUID]) -> list[Finished]:
        """One that the database refuses must not hold up the others: it is recorded as a failure that says so."""
        try:
            return runs.finish(endings, slots=tokens)
        except REFUSED as error:
            log.error(
                "A batch of %d endings was refused (%s); they are recorded one by one.", len(endings), _line(error)
            )
        finished = []
        for ending in endings:
            try:
                finished += runs.finish([ending])
            except REFUSED as error:
                log.error("The ending of run %s was refused: %s", ending.claim.id, _line(error))
                finished += runs.finish([_unrecordable(ending, error)])
        return finished + runs.finish([], slots=tokens)

    def _store_notes(self) -> None:
        if self.crew is None:
            return
        now_s, executions = time.monotonic(), self.crew.executions()
        fresh = [e for e in executions if not e.told and now_s - e.began_s > TELL_STARTED_AFTER_S]
        if fresh:
            runs.mark_started([(e.context.claim, e.context.started_at) for e in fresh])
            for execution in fresh:
                execution.told = True
        taken = [(e.context, *e.context.take_notes()) for e in executions if e.told]
        notes = [note for _, note, _ in taken if note is not None]
        self._logs += [(context.run_id, context.attempt, lines) for context, _, lines in taken if lines]
        del self._logs[:-KEPT_LOGS]
        if notes or self._logs:
            runs.note_progress(notes, self._logs)
            self._logs = []

    def _insist(self, store: Callable[[], T]) -> T:
        """Until it is stored: an ending is never dropped while this process lives, and no error ends this thread."""
        wait_s, told = 0.1, False
        while True:
            try:
                stored = store()
                if told:
                    log.info("Endings are recorded again.")
                return stored
            except Exception as error:
                connections.close_all()
                if not told and isinstance(error, DatabaseError | InterfaceError):
                    log.error("The database does not take endings (%s); they are kept and sent again.", _line(error))
                elif not told:
                    log.exception("Endings could not be recorded; they are kept and tried again.")
                told = True
                if self._stop.wait(wait_s):
                    time.sleep(wait_s)
                wait_s = min(wait_s * 2, 1.0)

    def _once(self, store: Callable[[], None]) -> None:
        """Notes are for the eye: progress that cannot be stored now is told by the next; log lines are kept."""
        try:
            store()
        except REFUSED as error:
            self._logs = []
            log.error("Log lines were refused and are dropped: %s", _line(error))
        except (DatabaseError, InterfaceError) as error:
            connections.close_all()
            log.debug("Notes were not stored: %s", _line(error))
        except Exception:
            connections.close_all()
            log.exception("Notes could not be stored.")

    def _tell(self, hear: Callable[..., object], *what: object) -> None:
        try:
            hear(*what)
        except (DatabaseError, InterfaceError) as error:  # what this was to bring about, the reconciler does
            connections.close_all()
            log.warning("The database does not answer: %s", _line(error))
        except Exception:
            connections.close_all()
            log.exception("What was recorded could not be told to %r.", hear)


def _unrecordable(ending: Ending, error: Exception) -> Ending:
    return Ending(
        claim=ending.claim,
        state=states.DEAD,
        started_at=ending.started_at,
        finished_at=ending.finished_at,
        error_type=type(error).__name__,
        error_code="unrecordable",
        error_message=f"The outcome could not be recorded: {_line(error)}",
        note="The database refused the outcome; nothing of it was kept.",
    )


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
