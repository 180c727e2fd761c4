"""Many rows updated in one statement's shape: the batch's way to write, on PostgreSQL and SQLite alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, models


def update_each(model: type[models.Model], rows: Sequence[Mapping[str, Any]], *, key: Sequence[str] = ("pk",)) -> None:
    """`UPDATE model SET … WHERE key` once per row, sent as one batch. Every row has the same names.

    Raises DatabaseError. Does nothing for no rows. Run it inside a transaction.
    """
    if not rows:
        return
    fields = {name: _field(model, name) for name in rows[0]}
    sets = [name for name in fields if name not in key]
    quote = connection.ops.quote_name
    sql = "UPDATE {table} SET {sets} WHERE {where}".format(
        table=quote(model._meta.db_table),
        sets=", ".join(f"{quote(fields[name].column)} = %s" for name in sets),
        where=" AND ".join(f"{quote(fields[name].column)} = %s" for name in key),
    )
    order = [*sets, *key]
    values = [[fields[name].get_db_prep_save(row[name], connection) for name in order] for row in rows]
    with connection.cursor() as cursor:
        cursor.executemany(sql, values)


def _field(model: type[models.Model], name: str) -> Any:
    return model._meta.pk if name == "pk" else model._meta.get_field(name)
