"""Whether this installation is as it should be: configuration, connections, limits. (The queues: see round_trip.)"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

import redis
from django.conf import settings
from django.core import checks
from django.db import DatabaseError, InterfaceError, connection

from queues import catalogue, rates
from queues.engine import connections as redis_connections
from queues.ledger import clock, switches
from queues.ledger.database_roles import AUDIT
from queues.models import Queue
from queues.watch import pools, standing
from queues.watch.findings import Finding, Processes, postgresql_limits, redis_limits
from queues.watch.look import workers_now

PINGS = 5  # of each connection, after a first one that makes it
AWAY = (DatabaseError, InterfaceError)


def configuration() -> Iterator[Finding]:
    """Settings, migrations, queues' rows, rates, switches. Raises DatabaseError."""
    yield from _settings()
    pending = standing.pending_migrations()
    if pending:
        named = ", ".join(f"{app}.{name}" for app, name in pending)
        yield Finding("configuration", "migrations", "fault", f"Not applied yet: {named}.", "python manage.py migrate")
        return  # the tables that come next may not be there
    yield Finding("configuration", "migrations", "ok", "all applied")
    missing = sorted(set(catalogue.NAMES) - set(Queue.objects.values_list("pk", flat=True)))
    if missing:
        mend = "Start a worker, which makes them: python manage.py rqworker"
        yield Finding("configuration", "queue rows", "fault", f"There is no row for {', '.join(missing)}.", mend)
    else:
        yield Finding("configuration", "queue rows", "ok", f"{len(catalogue.NAMES)} queues")
    yield from _rates()
    yield from _switches()
    yield from _audit_log()


def connections() -> Iterator[Finding]:
    """Each purpose's, with its latency. Raises nothing: what is away is a fault."""
    standing.connections()  # makes them
    looks = [standing.connections() for _ in range(PINGS)]
    for each in zip(*looks, strict=True):
        purpose, away = each[0].purpose, [look.health for look in each if not look.health.up]
        if away:
            variable = "DATABASE_URL" if purpose == "database" else "REDIS_URL"
            mend = f"Is the server up, and is {variable} right?"
            yield Finding("connections", purpose, "fault", f"It does not answer: {away[0].detail}", mend)
            continue
        took_ms = median(look.health.latency_ms or 0.0 for look in each)
        slow = took_ms > standing.SLOW_MS
        yield Finding(
            "connections", purpose, "warning" if slow else "ok", f"{took_ms:.1f} ms",
            f"Over {standing.SLOW_MS:g} ms: is the server busy, or far away?" if slow else "",
        )  # fmt: skip


def limits() -> Iterator[Finding]:
    """What the servers allow, and what our processes may ask for. A server that is away was told before. DatabaseError."""
    who, most = processes(), int(settings.REDIS["queue"].get("max_connections", 20))
    try:
        yield from redis_limits(redis_connections.connection("queue").info(), who, most)
    except (redis.exceptions.RedisError, OSError):
        pass
    if connection.vendor != "postgresql":
        yield Finding("limits", "database", "ok", "SQLite: for one host alone")
        return
    from queues.engine.pool import ENGINE_THREADS  # needs psycopg, which SQLite does not

    pool = connection.settings_dict["OPTIONS"].get("pool") or {}
    yield from postgresql_limits(*_postgresql(), who, int(pool.get("max_size", 1)), ENGINE_THREADS)


def processes() -> Processes:
    """Those that live, or, where none does, those that settings would start. Raises DatabaseError."""
    slots = tuple(worker.slots for worker in workers_now(clock.now()))
    webs = 1
    try:
        client = redis_connections.connection("metrics")
        webs = max(1, sum(name.startswith("web ") for name in pools.read(client, clock.now())))
    except (redis.exceptions.RedisError, OSError):
        pass
    return Processes(slots or (settings.WORKER_CONCURRENCY,) * settings.WORKER_POOL_SIZE, webs)


def _settings() -> Iterator[Finding]:
    """Django's own checks and ours; those for deployment where HTTPS is in force."""
    found = checks.run_checks(include_deployment_checks=bool(settings.SECURE_SSL_REDIRECT))
    told = [each for each in found if each.level >= checks.WARNING and not each.is_silenced()]
    for each in told:
        level = "fault" if each.level >= checks.ERROR else "warning"
        yield Finding("configuration", each.id or "check", level, each.msg, each.hint or "")  # type: ignore[arg-type]
    if not told:
        yield Finding("configuration", "settings", "ok", "no complaints")


def _rates() -> Iterator[Finding]:
    for name, rate in Queue.objects.values_list("pk", "rate_limit"):
        try:
            rates.parse(rate)
        except rates.InvalidRate as error:
            text = f"{error} No run of this queue can be taken."
            yield Finding(
                "configuration", f"rate of {name}", "fault", text, f"Correct it in the admin: Queues → {name}."
            )


def _switches() -> Iterator[Finding]:
    for position in switches.positions():
        if not position.on:
            word = (
                position.spec.variable if position.row is None else f"{position.row.changed_by}: {position.row.reason}"
            )
            back = f"To end it: python manage.py switch {position.spec.name} on --reason WHY"
            text = f"off, by {word}. {position.spec.off}"
            yield Finding("configuration", f"switch {position.spec.name}", "warning", text, back)


def _audit_log() -> Iterator[Finding]:
    """Whether the role we work as could lift the audit log's triggers, or change its rows."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, bool_or(pg_has_role(c.relowner, 'USAGE')"
            " OR has_table_privilege(c.oid, 'UPDATE') OR has_table_privilege(c.oid, 'DELETE')"
            " OR has_table_privilege(c.oid, 'TRUNCATE')) FROM pg_class c WHERE c.oid = ANY (%s::regclass[])",
            [list(AUDIT)],
        )
        role, able = cursor.fetchone()
    if able:
        text = f"The application's role, {role}, owns the tables or may change them: triggers alone guard them."
        mend = "Part the roles: python manage.py database_roles (see docs/how-to/audit.md)"
        yield Finding("configuration", "audit log", "warning", text, mend)
    else:
        yield Finding("configuration", "audit log", "ok", f"the application's role, {role}, can only add to it")


def _postgresql() -> tuple[int, int]:
    """(version, connections that are not kept for superusers and the like)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, setting::int FROM pg_settings WHERE name IN"
            " ('server_version_num', 'max_connections', 'superuser_reserved_connections', 'reserved_connections')"
        )
        told = dict(cursor.fetchall())
    kept = told["superuser_reserved_connections"] + told.get("reserved_connections", 0)
    return told["server_version_num"], told["max_connections"] - kept
