"""The pooled connections to Redis, one client a purpose, so that one cannot starve another."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry
from redis.sentinel import Sentinel

from queues.engine.patience import Patience, Quiet
from queues.engine.pool_facts import PoolFacts
from queues.engine.redis_pool import (
    CONNECTIONS,
    Counters,
    MasterConnection,
    MasterTlsConnection,
    Measured,
    MeasuredMaster,
)
from queues.ledger import switches

LONGEST_WAIT_S = 2.0  # for the window's next id, in one command
ANSWER_S = 5.0  # for an answer, where settings do not say
QUIET_S, QUIET_WAITING_S = 2.0, 5.0
WAITING = "queue-waiting"  # the connections on which workers wait for the bell: apart, for they are held for seconds

_pools: WeakValueDictionary[str, Measured] = WeakValueDictionary()
_quiet: WeakValueDictionary[str, Quiet] = WeakValueDictionary()  # by server, for all purposes


@dataclass(frozen=True)
class Health:
    """A look at the server: its latency, or why it is away."""

    up: bool
    latency_ms: float | None
    detail: str = ""


@cache
def connection(purpose: str = "queue", *, blocking: bool = False) -> redis.Redis:
    """The pooled client of a purpose (queue, session, cache, metrics), made once a process; it connects when first used.

    `blocking` gives a client whose reads may wait for `LONGEST_WAIT_S`. No read waits for ever: a connection whose peer
    vanished without a word is found out. Nothing is sent later that could not be sent now: a dead server is told at once.
    """
    options = dict(settings.REDIS[purpose])
    url, sentinels = options.pop("url", ""), options.pop("sentinels", None)
    counters, name = Counters(), WAITING if blocking else purpose
    if blocking:
        options["socket_timeout"] = LONGEST_WAIT_S + (options.get("socket_timeout") or ANSWER_S)
        options["least"] = 0
    quiet = Quiet(QUIET_WAITING_S) if blocking else _quiet_of(_server(url) or str(sentinels))
    options |= {
        "purpose": name,
        "counters": counters,
        "keeps": partial(switches.known, "redis_pool"),
        "retry": Patience(quiet, counters.failed),
        "client_name": f"roundsman:{name}",  # for whoever looks with CLIENT LIST
        # redis-py's wish to hear of a cloud's maintenance costs a round trip a connection, and with it on, a pool hands
        # out connections on which an old answer lies.
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }
    pool = _of_master(sentinels, options) if sentinels else _of_server(url, options)
    _pools[name] = pool
    return redis.Redis.from_pool(pool)


def ping(purpose: str = "queue") -> Health:
    """Ask the server of a purpose whether it is there."""
    start = time.perf_counter()
    try:
        connection(purpose).ping()
    except (redis.exceptions.RedisError, OSError) as error:
        return Health(False, None, str(error))
    return Health(True, (time.perf_counter() - start) * 1000)


def ping_all() -> dict[str, Health]:
    """Every purpose. A server that lets us wait is waited for once, for they all know of it then."""
    return {purpose: ping(purpose) for purpose in settings.REDIS}


def keep_warm(purposes: Iterable[str]) -> None:
    """Have the least number of connections of each purpose open and answering; a server that is away is none of it."""
    for purpose in purposes:
        try:
            connection(purpose)
            _pools[purpose].keep_warm()
        except (redis.exceptions.RedisError, OSError):
            pass  # told by whoever needs it


def pools() -> list[PoolFacts]:
    """The pools that this process has made, by purpose."""
    return [pool.facts() for _, pool in sorted(_pools.items())]


def close() -> None:
    """Close them all, and forget the clients: whoever asks next makes new ones, by what settings say then."""
    for pool in list(_pools.values()):
        pool.close()
    _pools.clear()
    connection.cache_clear()


def _of_server(url: str, options: dict[str, Any]) -> Measured:
    return Measured.from_url(url, connection_class=CONNECTIONS[url.partition(":")[0]], **options)


def _of_master(sentinels: list[tuple[str, int]], options: dict[str, Any]) -> Measured:
    service = options.pop("service")
    asking = {"retry": Retry(NoBackoff(), 0), **options.pop("sentinel_kwargs", {})}  # a dead sentinel: ask the next
    kind = MasterTlsConnection if options.get("ssl") else MasterConnection
    sentinel = Sentinel(sentinels, sentinel_kwargs=asking, **options)  # type: ignore[no-untyped-call]
    client = sentinel.master_for(service, connection_pool_class=MeasuredMaster, connection_class=kind)  # type: ignore[no-untyped-call]
    pool: Measured = client.connection_pool
    client.auto_close_connection_pool = False  # the pool outlives this client
    return pool


def _quiet_of(server: str) -> Quiet:
    found = _quiet.get(server)
    if found is None:
        found = _quiet[server] = Quiet(QUIET_S)
    return found


def _server(url: str) -> str:
    """Where it is, whatever the database's number, user and password."""
    parts = urlsplit(url)
    return parts.path if parts.scheme == "unix" else parts.netloc.rpartition("@")[2]
