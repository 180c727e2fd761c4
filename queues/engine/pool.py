"""PostgreSQL connections that wait for nobody for ever, and a pool that is back as soon as its server is.

The server ends statements that take too long. It cannot do so when it no longer hears us: where the peer vanished
without a word, or a proxy went on acknowledging what it does not forward, a read would wait for ever. So every wait on
such a connection has an end of its own, a little after the server's.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from time import monotonic
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.abc import PQGen, Query
from psycopg.errors import OperationalError, _WaitTimeout
from psycopg_pool import ConnectionPool

from queues.engine.cutoff import GREETING_S, answer_s
from queues.engine.pool_facts import PoolFacts

ENGINE_THREADS = 6  # the loop, writer, heart, tender, and a little room
INTERVAL_S = 0.1  # psycopg's own, at which it looks whether somebody pressed Ctrl-C
TELL_EVERY_S = 60.0

_lock = threading.Lock()


class Unanswered(OperationalError):
    """Somebody has waited for an answer for as long as one waits. To ask again would take as long again."""


class Connection(psycopg.Connection[Any]):
    """A connection whose waits end. `statement_s` is the server's `statement_timeout`, 0 for none.

    A wait that is over closes the connection and raises Unanswered. `notifies()` without a time-out ends, too.
    """

    statement_s = 10.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.made_s = monotonic()
        self._greeting = False

    def wait(self, gen: PQGen[Any], interval: float = INTERVAL_S, timeout: float | None = None) -> Any:
        limit_s = timeout
        if timeout is None:
            limit_s = GREETING_S if self._greeting else answer_s(self.statement_s)
        try:
            return super().wait(gen, interval, limit_s)
        except _WaitTimeout:
            if timeout is not None:
                raise  # the caller's own
            self.pgconn.finish()
            _leave(self)
            raise Unanswered(f"The database did not answer within {limit_s:g} s; the connection is cut.") from None
        except psycopg.Error:
            if self.closed:
                _leave(self)
            raise

    def execute(self, query: Query, *args: Any, **options: Any) -> Any:
        self._greeting = query == ""
        try:
            return super().execute(query, *args, **options)
        finally:
            self._greeting = False


@cache
def limited(statement_s: float) -> type[Connection]:
    """The class for a given `statement_timeout` in seconds."""
    return type("Connection", (Connection,), {"statement_s": statement_s})


def pool_options(statement_s: float, **sizes: Any) -> dict[str, Any]:
    """Options of Django's pool (a psycopg_pool.ConnectionPool). `sizes` are its `min_size`, `max_size`, `max_idle`.

    psycopg's own backoff doubles its pauses, so that after a minute's outage half a minute more would pass. Here an
    attempt to connect ends after half a second, and the next one begins while anybody waits (`timeout` seconds each).
    """
    logging.getLogger("psycopg.pool").addFilter(_seldom)
    return {
        **sizes,
        "connection_class": limited(statement_s),
        "timeout": 3.0,
        "reconnect_timeout": 0.5,
        "reconnect_failed": _again,
    }


class Seldom(logging.Filter):
    """psycopg's pool tells of every attempt. The first of a minute says why it fails; the others say the same."""

    def __init__(self) -> None:
        super().__init__()
        self._told_s: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now_s = monotonic()
        if now_s - self._told_s.get(record.msg, -TELL_EVERY_S) < TELL_EVERY_S:
            return False
        self._told_s[record.msg] = now_s
        return True


_seldom = Seldom()


def make_room(slots: int) -> None:
    """Before the first connection: a worker's pool holds one for each slot and each thread of the engine, whatever
    `DATABASE_POOL_MAX` says. Who waited for a connection longer than its time-out would fail for nothing."""
    for alias in connections:
        pool = connections.settings[alias].get("OPTIONS", {}).get("pool")
        if isinstance(pool, dict):
            pool["max_size"] = max(pool.get("max_size", 0), slots + ENGINE_THREADS)


def pools() -> list[PoolFacts]:
    """The pool of each database that this process has opened: `database`, or `database-<alias>` for another."""
    from django.db.backends.postgresql.base import DatabaseWrapper  # settings are made with this module's help

    return [
        facts("database" if alias == DEFAULT_DB_ALIAS else f"database-{alias}", pool.get_stats())
        for alias, pool in DatabaseWrapper._connection_pools.items()  # type: ignore[attr-defined]
    ]


def facts(purpose: str, stats: Mapping[str, int]) -> PoolFacts:
    """Pure: from psycopg_pool's statistics, whose times are milliseconds and which leave out what is 0."""
    has = defaultdict(int, stats)
    in_use = max(0, has["pool_size"] - has["pool_available"])
    lost = has["connections_lost"] + has["returns_bad"]
    return PoolFacts(
        purpose,
        in_use=in_use,
        idle=has["pool_available"],
        peak=in_use,
        least=has["pool_min"],
        most=has["pool_max"],
        waits=has["requests_queued"],
        waited_s=has["requests_wait_ms"] / 1000,
        created=has["connections_num"] - min(lost, has["connections_num"]),
        replaced=lost,
        errors=has["connections_errors"] + has["requests_errors"],
    )


def _again(pool: ConnectionPool[Any]) -> None:
    """An attempt to connect failed: begin another one, if somebody waits for it."""
    if pool.get_stats()["requests_waiting"]:
        pool.check()


_left: dict[int, float] = {}  # pool → when it was emptied


def _leave(broken: Connection) -> None:
    """A connection broke, and with it most likely all that were made before: those that idle in the pool are dropped.

    Else each would be found broken by somebody, with a second's pause after the second and two after the third.
    """
    home: ConnectionPool[Any] | None = getattr(broken, "_pool", None)
    if home is None:
        return
    with _lock:
        if _left.get(id(home), 0.0) > broken.made_s:
            return
        _left[id(home)] = monotonic()
    home.drain()
