"""How this installation stands: its connections, one by one, and the migrations it waits for."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from queues.engine.connections import Health, ping_all
from queues.engine.pool_facts import PoolFacts
from queues.watch import pools

SLOW_MS = 5.0  # a command that takes longer


@dataclass(frozen=True)
class Connection:
    """Of one purpose, `database` among them; and this process' pool for it, if it has one by now."""

    purpose: str
    health: Health
    pool: PoolFacts | None = None

    @property
    def slow(self) -> bool:
        return self.health.latency_ms is not None and self.health.latency_ms > SLOW_MS


def connections() -> list[Connection]:
    """Every purpose asked now, one after the other; a server that lets us wait is waited for once. Raises nothing."""
    return put_together({"database": ping_database(), **ping_all()}, pools.own())


def put_together(pings: Mapping[str, Health], found: list[PoolFacts]) -> list[Connection]:
    """Pure."""
    by_purpose = {pool.purpose: pool for pool in found}
    return [Connection(purpose, health, by_purpose.get(purpose)) for purpose, health in pings.items()]


def ping_database(ask: Callable[[], None] | None = None) -> Health:
    """Ask for next to nothing. The connection is there by then: what is measured is the answer alone."""
    try:
        connection.ensure_connection()
        began_s = time.perf_counter()
        (ask or _ask)()
        return Health(True, (time.perf_counter() - began_s) * 1000)
    except (DatabaseError, InterfaceError) as error:
        return Health(False, None, " ".join(str(error).split()))


def pending_migrations() -> list[tuple[str, str]]:
    """(app, name) of what `manage.py migrate` would apply. Raises DatabaseError.

    All the files are read only where something is missing: what is on the disk changes with the process alone.
    """
    if _known() <= _recorder().applied_migrations().keys():
        return []
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [(migration.app_label, migration.name) for migration, backwards in plan if not backwards]


@cache
def _known() -> frozenset[tuple[str, str]]:
    """(app, name) of every migration that this process has."""
    return frozenset(MigrationLoader(None).graph.nodes)


@cache
def _recorder() -> MigrationRecorder:
    """It asks until there is a table of what was applied, and never again."""
    return MigrationRecorder(connection)


def _ask() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
