"""The only source of time: the database's clock, so that hosts with wrong clocks agree. Tests put a fake in its place.

On PostgreSQL the offset between this process's monotonic clock and `clock_timestamp()` is measured every
`RESYNC_S`; between measurements time is offset + monotonic, so a jump of the host's wall clock changes nothing.
On SQLite every process is on one host and the wall clock is the database's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol

from django.db import DatabaseError, connection

RESYNC_S = 10.0


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware UTC."""


class DatabaseClock:
    """See the module's docstring. Thread-safe; a database that is away leaves the last offset in force."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offset: float | None = None
        self._measured = 0.0

    def now(self) -> datetime:
        if connection.vendor != "postgresql":
            return datetime.now(UTC)
        if self._offset is None or time.monotonic() - self._measured > RESYNC_S:
            self._measure()
        offset = self._offset if self._offset is not None else time.time() - time.monotonic()
        return datetime.fromtimestamp(offset + time.monotonic(), UTC)

    def _measure(self) -> None:
        if not self._lock.acquire(blocking=False):
            return  # another thread is measuring; the old offset is good enough
        try:
            self._measured = time.monotonic()
            if connection.in_atomic_block and connection.needs_rollback:
                return
            before = time.monotonic()
            with connection.cursor() as cursor:
                cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
                (stamp,) = cursor.fetchone()
            self._offset = float(stamp) - (before + time.monotonic()) / 2
        except DatabaseError:
            pass  # away: told by whoever needs it for more than the time
        finally:
            self._lock.release()


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
