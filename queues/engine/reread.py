"""Reads of the web process whose connection breaks under them are read again, on another one: nobody need hear of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import InterfaceError, OperationalError
from django.db.backends.signals import connection_created

from queues.engine.once_more import broke

Execute = Callable[[str, Any, bool, dict[str, Any]], Any]


def reread(execute: Execute, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """An execute wrapper of Django's. Outside transactions alone, where a SELECT stands for itself.

    Raises what the second attempt raises.
    """
    db, cursor = context["connection"], context["cursor"]
    try:
        return execute(sql, params, many, context)
    except (OperationalError, InterfaceError) as error:
        named = getattr(cursor.cursor, "name", None)  # held by the server, and gone with the connection
        alone = not db.in_atomic_block and not many and named is None and sql.lstrip()[:6].upper() == "SELECT"
        if not alone or not broke(error):
            raise
    db.close()
    db.ensure_connection()
    cursor.cursor = db.create_cursor()
    return execute(sql, params, many, context)


def install() -> None:
    """For every connection that this process makes from now on. Twice is once."""
    connection_created.connect(_add, dispatch_uid="queues.engine.reread")


def _add(connection: Any, **told: Any) -> None:
    if connection.vendor == "postgresql" and reread not in connection.execute_wrappers:
        connection.execute_wrappers.append(reread)
