"""A place of its own in the configured database: what is written there is gone afterwards, and nothing else is seen.

PostgreSQL: a throw-away schema with empty tables of the engine, first in every new connection's search path, so that
threads share it. SQLite: a transaction that is rolled back; other writers wait meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.db import connection, transaction
from django.db.backends.signals import connection_created


@contextmanager
def apart() -> Iterator[bool]:
    """Whether threads may write at the same time. For a process that does nothing else meanwhile.

    Raises RuntimeError on PostgreSQL inside a transaction: threads could not see what it holds.
    """
    if connection.vendor != "postgresql":
        with transaction.atomic():
            yield False
            transaction.set_rollback(True)
        return
    if connection.in_atomic_block:
        raise RuntimeError("On PostgreSQL this cannot run inside a transaction.")
    schema = f"apart_{uuid4().hex[:12]}"
    quoted, path = connection.ops.quote_name(schema), _asked("SHOW search_path")

    def lead_there(connection: Any, **told: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET search_path TO {quoted}, {path}")

    _make(quoted)
    try:
        connection_created.connect(lead_there)
        _reconnect()
        _prove(schema)
        yield True
    finally:
        connection_created.disconnect(lead_there)
        _reconnect()
        with connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA {quoted} CASCADE")


def _make(quoted: str) -> None:
    """Every table of the engine, empty, with its constraints but for foreign keys."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {quoted}")
        for model in apps.get_app_config("queues").get_models():
            table = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(f"CREATE TABLE {quoted}.{table} (LIKE {table} INCLUDING ALL)")


def _prove(schema: str) -> None:
    """Nothing may be fired in the real tables by mistake."""
    current = _asked("SELECT current_schema()")
    if current != schema:
        raise RuntimeError(f"The throw-away schema {schema} is not in use, but {current}.")


def _asked(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return str(cursor.fetchone()[0])


def _reconnect() -> None:
    """This thread's next statement, and every other thread's first, is on a new connection."""
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's alone
