"""The only source of time: the database's clock, so that hosts with wrong clocks agree. Tests put a fake in its place.

PostgreSQL: the offset between this process's steady clock and `clock_timestamp()` is measured every `RESYNC_S`, and
sooner when a connection is made, since behind it may be another server (a failover). Between measurements time is
offset + steady clock, so a wrong or jumping wall clock of the host changes nothing. A jump of the database's own clock
is followed within `RESYNC_S`; until then processes may differ by it. So nothing that must hold rests on their agreeing:
leases count heartbeats, limits count slots, fires are unique. (A rate alone may be exceeded then.)

SQLite: every process is on the one host whose wall clock is the database's. If it jumps, time jumps.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from django.core.exceptions import SynchronousOnlyOperation
from django.db import DatabaseError, InterfaceError, connection
from django.db.backends.signals import connection_created

RESYNC_S = 10.0
AFTER_CONNECTING_S = 1.0  # connections may be made many times a second; servers are not changed so often
FIRST_S = 2.0  # how long other threads wait for the first measurement


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC."""


def steady_s() -> float:
    """Seconds that neither jump nor, where the platform can tell (Linux), stand still while the host sleeps."""
    return time.monotonic() if _BOOT is None else time.clock_gettime(_BOOT)


_BOOT: int | None = getattr(time, "CLOCK_BOOTTIME", None)


def narrowed(old_s: float | None, low_s: float, high_s: float) -> float:
    """The offset after a measurement that says it lies from low to high: the middle at first, else what is nearest to the
    old one. So a slow answer (a busy network, a process that was stopped in between) never makes it worse."""
    return (low_s + high_s) / 2 if old_s is None else min(max(old_s, low_s), high_s)


class DatabaseClock:
    """See the module's docstring. Thread-safe; while the database is away the last offset is in force.

    Before the first measurement the host's wall clock must do: there is no connection then to store anything with.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offset_s: float | None = None
        self._tried_s = -RESYNC_S
        self._connected = False  # since the last measurement
        self._postgres: bool | None = None  # known with the first question: settings are not read at import
        connection_created.connect(self._on_connection)  # held weakly

    def now(self) -> datetime:
        if self._postgres is None:
            self._postgres = connection.vendor == "postgresql"
        if not self._postgres:
            return datetime.now(UTC)
        perhaps = self._offset_s is None or self._connected or steady_s() - self._tried_s > RESYNC_S
        if perhaps and self._is_due():
            self._measure()
        return self.at_hand()

    def at_hand(self) -> datetime:
        """By the last measurement, however old; nobody is asked."""
        if self._postgres is False:
            return datetime.now(UTC)
        steady = steady_s()
        offset_s = self._offset_s if self._offset_s is not None else time.time() - steady
        return datetime.fromtimestamp(offset_s + steady, UTC)

    def reading(self) -> float | None:
        """The offset in force, for another process of this host to `adopt`; None before the first measurement."""
        return self._offset_s

    def adopt(self, offset_s: float) -> None:
        """Take over a measurement made just now: a child process needs no connection only to know the time."""
        self._offset_s, self._tried_s, self._connected = offset_s, steady_s(), False

    def _is_due(self) -> bool:
        age_s = steady_s() - self._tried_s
        if self._offset_s is None:
            return self._connected or age_s > AFTER_CONNECTING_S
        return age_s > RESYNC_S or (self._connected and age_s > AFTER_CONNECTING_S)

    def _measure(self) -> None:
        """One thread at a time; the others go on with the old offset, if there is one."""
        if not self._lock.acquire(timeout=0 if self._offset_s is not None else FIRST_S):
            return
        try:
            if self._is_due() and not (connection.in_atomic_block and connection.needs_rollback):
                self._offset_s = self._measured()
        except SynchronousOnlyOperation:
            pass  # inside an event loop: another thread of the process will do it
        except (DatabaseError, InterfaceError):
            self._tried_s = steady_s()  # away: told by whoever needs it for more than the time
        finally:
            self._lock.release()

    def _measured(self) -> float:
        """The offset: at first to half of one round trip, then narrowed by each measurement."""
        with connection.cursor() as cursor:  # connects first, if need be: that takes time
            self._connected, before_s = False, steady_s()
            cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
            (stamp,) = cursor.fetchone()
        after_s = steady_s()
        self._tried_s = after_s
        low_s, high_s = float(stamp) - after_s, float(stamp) - before_s
        return narrowed(self._offset_s, low_s, high_s)

    def _on_connection(self, **told: Any) -> None:
        self._connected = True


class Fake:
    """A clock that stands still until told otherwise."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> datetime:
        self._now += timedelta(seconds=seconds)
        return self._now


_clock: Clock = DatabaseClock()


def now() -> datetime:
    """The time, aware UTC, by the database's clock."""
    return _clock.now()


def at_hand() -> datetime:
    """The time for those who must not wait for the database: within a moment of `now()`."""
    return _clock.at_hand() if isinstance(_clock, DatabaseClock) else _clock.now()


def reading() -> float | None:
    """What a child process may `adopt`; None where there is nothing to hand over."""
    return _clock.reading() if isinstance(_clock, DatabaseClock) else None


def adopt(offset_s: float) -> None:
    """In a child process: go by the parent's measurement."""
    if isinstance(_clock, DatabaseClock):
        _clock.adopt(offset_s)


@contextmanager
def using(clock: Clock) -> Iterator[Clock]:
    """Tests: take the time from `clock` inside the block."""
    global _clock
    before, _clock = _clock, clock
    try:
        yield clock
    finally:
        _clock = before


@contextmanager
def frozen(at: datetime) -> Iterator[Fake]:
    """Tests: the time stands still at `at`, and can be advanced."""
    fake = Fake(at)
    with using(fake):
        yield fake
