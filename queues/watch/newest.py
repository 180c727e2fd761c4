"""The newest runs that ended in each queue: of all queues in one statement, however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.db import connection

from queues.ledger.sql import Row, fetch, sqlite_time
from queues.models import Run

WINDOW_S = 300.0  # so long ago they ended at most
RECENT = 100  # so many of each queue

_OF_ONE = """SELECT {told} FROM (SELECT {columns} FROM {run}
    WHERE queue = %s AND finished_at > %s AND {which} ORDER BY finished_at DESC LIMIT %s) AS t"""


def newest(queues: Sequence[str], now: datetime, columns: Sequence[str], which: str) -> list[Row]:
    """These columns of the newest `RECENT` of each queue that ended within the window, and for which `which` (SQL) holds.

    No query without queues. Raises DatabaseError.
    """
    rows = _asked(queues, now, _OF_ONE, columns, columns, which)
    return rows if connection.vendor == "postgresql" else [_read(row, columns) for row in rows]


def of_newest(
    queues: Sequence[str], now: datetime, told: Sequence[str], columns: Sequence[str], which: str
) -> list[Row]:
    """A row for each queue that has any: its name, and what is `told` (SQL) of these columns of its `newest`."""
    return _asked(queues, now, f"{_OF_ONE} GROUP BY queue", ("queue", *told), ("queue", *columns), which)


def _asked(
    queues: Sequence[str], now: datetime, one: str, told: Sequence[str], columns: Sequence[str], which: str
) -> list[Row]:
    if not queues:
        return []
    since = now - timedelta(seconds=WINDOW_S)
    bound = since if connection.vendor == "postgresql" else sqlite_time(since)
    sql = one.format(told=", ".join(told), columns=", ".join(columns), run=Run._meta.db_table, which=which)
    params = [value for name in queues for value in (name, bound, RECENT)]
    return fetch(" UNION ALL ".join([sql] * len(queues)), params)


def _read(row: Row, columns: Sequence[str]) -> Row:
    return tuple(_time(value) if name.endswith("_at") else value for name, value in zip(columns, row, strict=True))


def _time(value: datetime | str | None) -> datetime | None:
    """SQLite tells a column's time without its zone, and the text of it where several statements are put together."""
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found if found is None else found.replace(tzinfo=UTC)
