"""Many new runs by PostgreSQL's COPY: twice as fast as an INSERT of the same rows, for it parses no statement."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from queues.models import Run

New = tuple[UUID, str, bytes | None]  # a run's id; its parameters, JSON; or these packed (then the text is "{}")
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def copy_alike(same: Mapping[str, Any], rows: Iterable[New]) -> None:
    """Insert runs that share the columns `same`; what nobody names has its field's default. Raises DatabaseError.

    In the caller's transaction, on PostgreSQL.
    """
    fields = {field.attname: field for field in Run._meta.concrete_fields}
    own = ("id", "params", "packed")
    others = {name: same.get(name, field.get_default()) for name, field in fields.items() if name not in own}
    columns = ", ".join(connection.ops.quote_name(str(fields[name].column)) for name in (*own, *others))
    rest = "".join(f"\t{_text(value)}" for value in others.values())
    lines = (f"{run_id.hex}\t{params.translate(_ESCAPES)}\t{_text(packed)}{rest}\n" for run_id, params, packed in rows)
    statement = f"COPY {Run._meta.db_table} ({columns}) FROM STDIN"
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as copy:
        copy.write("".join(lines))


def _text(value: Any) -> str:
    """A value as COPY's text format has it."""
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, bytes):
        return "\\\\x" + value.hex()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict | list):
        value = json.dumps(value)
    return str(value).translate(_ESCAPES)
