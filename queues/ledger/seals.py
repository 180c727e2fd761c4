"""The sealer: chains committed audit entries, a second after they come to be. Any number may tick at once; one at a time seals.

An entry is written unchained, in its change's transaction, and costs that nothing. Entries are sealed in the order in
which they are seen here: one whose transaction commits late is sealed later, under a higher number than its id suggests.

So as not to look at a million sealed entries each second, a sealer keeps a *floor*: up to there all is sealed and nothing
can come any more. It rises to the highest id seen once those transactions have ended that were writing entries then
(see audit_rows.writers). It is a matter of speed alone, kept in memory: a look over all entries goes on beside it once in
the life of each process, and `verify_audit` tells of any entry that stays without a seal.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import IntegrityError, InterfaceError, OperationalError, connection

from queues.ledger import audit_rows
from queues.ledger.brief import brief
from queues.ledger.canonical import GENESIS, digest
from queues.ledger.sql import fetch, insert_each
from queues.models import AuditSeal

log = logging.getLogger("roundsman.audit")
EVERY_S = 1.0
BATCH, STRETCH = 500, 5_000  # entries sealed in a transaction, and looked at in a query
BUDGET_S = 0.2  # of a round: others wait for the same thread
BACK = 10_000  # ids: where a fresh process begins to look, below the last sealed
TOLD_EVERY_S = 3600.0
LOCK = 0x52_4D_41_55  # of the database; any number that nobody else takes


@dataclass
class _Walk:
    """One look from the floor to the highest id there was; `ended`: those who wrote at the mark were gone before it."""

    at: int
    end: int
    writers: frozenset[str]
    ended: bool


@dataclass
class Sealer:
    """What one process knows of the audit log between its rounds."""

    batch: int = BATCH
    stretch: int = STRETCH
    budget_s: float = BUDGET_S
    floor: int | None = None
    _mark: int = 0
    _waiting: frozenset[str] = frozenset()
    _walk: _Walk | None = None
    _sweep: tuple[int, int] = (0, 0)  # below the first floor: where the look over all stands, and its end
    _told_s: float = field(default=-TOLD_EVERY_S)

    def round(self, steady_s: Callable[[], float] = time.monotonic) -> int:
        """Seal what is there, as far as the budget goes. How many were sealed. Raises DatabaseError."""
        end_s, done = steady_s() + self.budget_s, 0
        newest = audit_rows.newest_id()
        if self.floor is None or newest < self.floor:  # (a database that was put back to an earlier day)
            self._begin()
        if self._walk is None and newest > (self.floor or 0):
            now = audit_rows.writers()  # after the highest id was read, or one might commit unseen in between
            self._walk = _Walk(self.floor or 0, newest, now, ended=self._waiting.isdisjoint(now))
        while self._walk is not None:
            reached, count = self._step(self._walk.at, self._walk.end)
            done += count
            if reached is None:  # another process has it in hand
                self._walk = None
                return done
            self._walk.at = reached
            if reached >= self._walk.end:
                self._finish(self._walk)
                break
            if steady_s() >= end_s:
                break
        if self._sweep[0] < self._sweep[1] and steady_s() < end_s:
            reached, count = self._step(*self._sweep)
            done, self._sweep = done + count, (reached or self._sweep[0], self._sweep[1])
        self._tell(done, steady_s())
        return done

    def _begin(self) -> None:
        ((last,),) = fetch(f"SELECT max(entry_id) FROM {audit_rows.SEALS}")
        self.floor = self._mark = max(0, int(last or 0) - BACK)
        self._sweep, self._waiting, self._walk = (0, self.floor), frozenset(), None

    def _step(self, low: int, end: int) -> tuple[int | None, int]:
        """(up to where all that is seen is sealed, how many were just now); None where another is sealing."""
        for _, high, _, first in audit_rows.stretches(low, end, self.stretch):
            if first is None:
                return high, 0
            sealed = seal(first - 1, high, self.batch)
            if sealed is None:
                return None, 0
            return (sealed[-1] if len(sealed) == self.batch else high), len(sealed)
        return end, 0

    def _finish(self, walk: _Walk) -> None:
        self._walk = None
        if not walk.writers:
            self.floor = self._mark = walk.end
            self._waiting = frozenset()
        elif walk.ended:
            self.floor, self._mark, self._waiting = self._mark, walk.end, walk.writers

    def _tell(self, done: int, now_s: float) -> None:
        """Once an hour, where the chain stands: a log that is kept elsewhere is an anchor."""
        if done and now_s - self._told_s >= TOLD_EVERY_S and (head := audit_rows.head()):
            self._told_s = now_s
            log.info("Audit log sealed up to %d:%s", *head)


def seal(low: int, high: int, limit: int = BATCH) -> list[int] | None:
    """Chain the entries without a seal, low < id <= high, in one transaction. Their ids, in the order of their seals.

    None where another process is at it, or was quicker. Raises DatabaseError."""
    try:
        with brief():
            if not _alone():
                return None
            found = audit_rows.unsealed(low, high, limit)
            seq, last = audit_rows.head() or (0, GENESIS)
            rows = []
            for entry_id, text in found:
                seq, last = seq + 1, digest(last, seq + 1, entry_id, text)
                rows.append({"seq": seq, "entry_id": entry_id, "digest": last})
            insert_each(AuditSeal, rows)
    except IntegrityError:
        return None
    return [entry_id for entry_id, _ in found]


def _alone() -> bool:
    """Until the end of this transaction. (On SQLite whoever writes is alone.)"""
    if connection.vendor != "postgresql":
        return True
    ((got,),) = fetch("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
    return bool(got)


_sealer = Sealer()
_trouble = ""


def tick() -> None:
    """A round of this process' sealer. Raises OperationalError and InterfaceError, of a database that is away; any other
    trouble is told once: whoever ticks does more important things, too."""
    global _trouble
    try:
        _sealer.round()
        _trouble = ""
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        if str(error) != _trouble:
            _trouble = str(error)
            log.exception("The audit log could not be sealed; it is tried again each second.")
