"""Pools of Redis connections that wait a moment for a free one, stay warm, and tell what they do.

redis-py's own pool refuses at once when all its connections are used, and its blocking one has no kind for Sentinel.
What these add stands in `Measured` (the pool) and `Counted` (the connection); the rest is redis-py's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

import redis
from redis.exceptions import ConnectionError, MaxConnectionsError
from redis.sentinel import SentinelConnectionPool, SentinelManagedConnection

from queues.engine.pool_facts import PoolFacts


@dataclass
class Counters:
    """See PoolFacts."""

    created: int = 0
    replaced: int = 0
    waits: int = 0
    waited_s: float = 0.0
    errors: int = 0
    peak: int = 0

    def failed(self) -> None:
        self.errors += 1


class NoneFree(ConnectionError):
    """Every connection of the pool was used for as long as one waits."""


class Counted:
    """A connection that counts how often it was made, and made again."""

    def __init__(self, *, counters: Counters, **options: Any) -> None:
        self._counters, self._was_made = counters, False
        super().__init__(**options)

    def _connect(self) -> Any:
        made = super()._connect()  # type: ignore[misc]
        if self._was_made:
            self._counters.replaced += 1
        else:
            self._counters.created += 1
        self._was_made = True
        return made


class TcpConnection(Counted, redis.Connection):
    """redis:// (redis-py: seconds of keep-alive are 30, then 5 between three questions)."""


class TlsConnection(Counted, redis.SSLConnection):
    """rediss://"""


class SocketConnection(Counted, redis.UnixDomainSocketConnection):
    """unix://"""


class MasterConnection(Counted, SentinelManagedConnection):
    """To the master that the sentinels name.

    redis-py leaves such a connection open when its answer is late: the next command would read that answer as its own.
    """

    def read_response(self, *args: Any, **options: Any) -> Any:
        return super().read_response(*args, **{"disconnect_on_error": True, **options})


class MasterTlsConnection(MasterConnection, redis.SSLConnection):
    """The same, with TLS."""


CONNECTIONS: dict[str, type[redis.Connection] | type[redis.UnixDomainSocketConnection]] = {
    "redis": TcpConnection,
    "rediss": TlsConnection,
    "unix": SocketConnection,
}


class Measured(redis.ConnectionPool):
    """`least` connections are kept ready by `keep_warm`. Whoever finds all `max_connections` used waits `free_s` seconds.

    `keeps` says whether a connection stays open when it is given back. In a forked child the pool begins anew.
    """

    def __init__(
        self,
        *args: Any,
        purpose: str,
        counters: Counters,
        least: int = 0,
        free_s: float = 1.0,
        keeps: Callable[[], bool] = lambda: True,
        **options: Any,
    ) -> None:
        self.purpose, self.least, self.free_s, self.keeps = purpose, least, free_s, keeps
        self.counters = counters
        super().__init__(*args, counters=counters, **options)

    def reset(self) -> None:
        self._freed = threading.Condition()
        self._waiting = self._released = 0
        self.counters.__init__()  # type: ignore[misc]  # the connections hold this one
        super().reset()

    def get_connection(self, command_name: Any = None, *keys: Any, **options: Any) -> Any:
        try:
            got = super().get_connection()
        except MaxConnectionsError:
            got = self._wait()
        used = len(self._in_use_connections)
        if used > self.counters.peak:
            self.counters.peak = used
        return got

    def release(self, connection: Any) -> None:
        if not self.keeps():
            connection.disconnect()
        super().release(connection)
        if self._waiting:
            with self._freed:
                self._released += 1
                self._freed.notify_all()  # one alone might just have given up

    def _wait(self) -> Any:
        """Not under the lock while it connects: others must be able to give back meanwhile."""
        began_s = monotonic()
        with self._freed:
            self._waiting += 1
        try:
            while True:
                seen = self._released
                try:
                    return super().get_connection()
                except MaxConnectionsError:
                    pass
                left_s = began_s + self.free_s - monotonic()
                with self._freed:
                    if left_s > 0 and self._freed.wait_for(lambda seen=seen: self._released != seen, left_s):  # type: ignore[misc]
                        continue
                self.counters.failed()
                raise NoneFree(
                    f"All {self.max_connections} connections for {self.purpose} were used for {self.free_s:g} s; "
                    "raise REDIS_POOL_MAX_CONNECTIONS."
                )
        finally:
            with self._freed:
                self._waiting -= 1
                self.counters.waits += 1
                self.counters.waited_s += monotonic() - began_s

    def keep_warm(self) -> None:
        """Have `least` connections open that answer: broken ones are made anew, those long idle are asked. Redis errors."""
        if not self.keeps():
            self.disconnect(inuse_connections=False)
            return
        held: list[Any] = []
        try:
            while len(held) < self.least:
                held.append(super().get_connection())
                held[-1].check_health()
        except MaxConnectionsError:
            pass  # all of them are used: none is cold
        finally:
            for one in held:
                self.release(one)

    def facts(self) -> PoolFacts:
        """How it is now. The peak begins anew."""
        with self._lock:
            in_use, idle = len(self._in_use_connections), sum(c.is_connected for c in self._available_connections)
        c, peak = self.counters, max(self.counters.peak, in_use)
        c.peak = in_use
        return PoolFacts(
            self.purpose, in_use, idle, peak, self.least, self.max_connections,
            c.waits, round(c.waited_s, 6), c.created, c.replaced, c.errors,
        )  # fmt: skip


class MeasuredMaster(Measured, SentinelConnectionPool):
    """Of the master that the sentinels name."""
