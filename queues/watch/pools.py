"""The connection pools of every process: kept warm, told to Redis every few seconds, read at the scrape.

Redis keeps one hash: `<process>` → JSON of its pools and when it told them. Who has told nothing for half a minute is gone.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import redis
from django.db import DatabaseError, InterfaceError, connections
from django.db import connection as database
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from queues.engine import connections as redis_connections
from queues.engine.connections import Health
from queues.engine.pool_facts import PoolFacts, heard, told
from queues.ledger import clock, switches
from queues.watch.table import BY_NAME

log = logging.getLogger("roundsman.metrics")
KEY = "roundsman:pools"
EVERY_S, GONE_S = 5.0, 30.0
Pools = Mapping[str, list[PoolFacts]]  # by process

_GAUGES = {
    "connection_pool_in_use": lambda p: p.in_use,
    "connection_pool_idle": lambda p: p.idle,
    "connection_pool_max": lambda p: p.most,
    "connection_pool_use_ratio": lambda p: p.use,
}
_COUNTERS = {
    "connection_pool_waits_total": lambda p: p.waits,
    "connection_pool_wait_seconds_total": lambda p: p.waited_s,
    "connection_pool_created_total": lambda p: p.created,
    "connection_pool_replaced_total": lambda p: p.replaced,
    "connection_pool_errors_total": lambda p: p.errors,
}


def own() -> list[PoolFacts]:
    """This process' pools."""
    found = redis_connections.pools()
    if database.vendor == "postgresql":
        from queues.engine import pool  # needs psycopg, which SQLite does not

        found += pool.pools()
    return found


def publish(process: str, client: redis.Redis, now: datetime, pools: Iterable[PoolFacts]) -> None:
    """Tell this process' pools. Raises redis errors."""
    client.hset(KEY, process, json.dumps({"at": now.timestamp(), "pools": told(pools)}))


def read(client: redis.Redis, now: datetime) -> Pools:
    """What the processes told lately; what those told that are gone is deleted. Raises redis errors."""
    found: dict[str, list[PoolFacts]] = {}
    gone = []
    for name, text in client.hgetall(KEY).items():
        try:
            said = json.loads(text)
            at_s, pools = float(said["at"]), heard(said["pools"])
        except (ValueError, TypeError, KeyError):  # not ours
            at_s, pools = 0.0, []
        if abs(now.timestamp() - at_s) > GONE_S:
            gone.append(name)
        else:
            found[name.decode() if isinstance(name, bytes) else str(name)] = pools
    if gone:
        client.hdel(KEY, *gone)
    return found


def families(pools: Pools, pings: Mapping[str, Health]) -> Iterator[Metric]:
    """Pure: the metric families of the pools, and of each purpose's connection (`database` among them)."""
    for name, value in _GAUGES.items():
        yield _family(GaugeMetricFamily, name, pools, value)
    for name, value in _COUNTERS.items():
        yield _family(CounterMetricFamily, name, pools, value)
    up, latency = (_empty(GaugeMetricFamily, name) for name in ("connection_up", "connection_latency_seconds"))
    for purpose, health in pings.items():
        up.add_metric((purpose,), float(health.up))
        if health.latency_ms is not None:
            latency.add_metric((purpose,), health.latency_ms / 1000)
    yield from (up, latency)


def this_process(kind: str) -> str:
    """Its name among the others: "web depot-1.4711"."""
    return f"{kind} {socket.gethostname()}.{os.getpid()}"


class Keeper:
    """Keeps a process' connections warm and tells of its pools, on threads of its own: Redis may let it wait."""

    def __init__(self, process: str, purposes: Iterable[str]) -> None:
        self.process, self.purposes = process, tuple(purposes)
        self._thread: threading.Thread | None = None

    def tick(self) -> None:
        """One round, unless the last one still goes on."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self.round, name="connections", daemon=True)
            self._thread.start()

    def serve(self) -> None:
        """Rounds, for as long as the process lives."""
        threading.Thread(target=self._serve, name="connections", daemon=True).start()

    def round(self) -> None:
        try:
            with suppress(DatabaseError, InterfaceError):
                switches.refresh()  # for what asks nobody, in a process that asks for little else
            redis_connections.keep_warm(self.purposes)
            publish(self.process, redis_connections.connection("metrics"), clock.now(), own())
        except (redis.exceptions.RedisError, OSError) as error:
            log.debug("Redis does not take the pools' figures: %s", error)
        except Exception:
            log.exception("The pools' figures could not be told.")
        finally:
            connections.close_all()  # that of the clock

    def _serve(self) -> None:
        pause = threading.Event()
        while True:
            self.round()
            pause.wait(EVERY_S)


def _empty(kind: type[Any], name: str) -> Any:
    spec = BY_NAME[name]
    return kind(spec.name, spec.help, None, spec.labels)


def _family(kind: type[Any], name: str, pools: Pools, value: Any) -> Any:
    family = _empty(kind, name)
    for process, each in pools.items():
        for pool in each:
            family.add_metric((process, pool.purpose), float(value(pool)))
    return family
