"""New rows of several tables in one statement, all or none: a change and its audit entry take one round trip, not four."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from django.db import connection, models, transaction

from queues.ledger.sql import fetch, insert_one, insert_shape

Row = Mapping[str, Any]


def insert_together(rows: Sequence[tuple[type[models.Model], Row]]) -> None:
    """Insert one row into each of these tables, none of which refers to another; what a row does not name has its field's
    default. On PostgreSQL one statement, which outside a transaction commits by itself; else one after another in a
    transaction. Raises DatabaseError."""
    if connection.vendor == "postgresql":
        shapes = [insert_shape(model, tuple(row), connection.vendor) for model, row in rows]
        bound = [value for shape, (_, row) in zip(shapes, rows, strict=True) for value in shape.bind(row)]
        fetch(_joined(tuple(shape.sql for shape in shapes)), bound)
        return
    with transaction.atomic(savepoint=False):
        for model, row in rows:
            insert_one(model, row)


@cache
def _joined(statements: tuple[str, ...]) -> str:
    """The last with the others before it, as PostgreSQL allows: WITH r0 AS (INSERT …) INSERT …"""
    *others, last = statements
    before = ", ".join(f"r{n} AS ({each})" for n, each in enumerate(others))
    return f"WITH {before} {last}" if before else last
