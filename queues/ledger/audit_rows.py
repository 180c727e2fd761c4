"""Audit entries and their seals as they lie in the database, on PostgreSQL and SQLite alike: for sealing and proving."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection

from queues.ledger.canonical import NAMES, entry_text
from queues.ledger.sql import fetch, readers
from queues.models import AuditEntry

ENTRIES, SEALS = "queues_auditentry", "queues_auditseal"
_JSON = ("before", "after")
COLUMNS = ", ".join(f'CAST(e."{name}" AS text)' if name in _JSON else f'e."{name}"' for name in NAMES)
_ID = NAMES.index("id")


@dataclass(frozen=True)
class Sealed:
    """A seal and the entry it is of; `entry` is None where that is gone."""

    seq: int
    entry_id: int
    digest: str
    entry: dict[str, Any] | None


def unsealed(low: int, high: int, limit: int) -> list[tuple[int, str]]:
    """(id, canonical text) of entries without a seal, low < id <= high, by id. Raises DatabaseError."""
    rows = fetch(
        f"SELECT {COLUMNS} FROM {ENTRIES} e LEFT JOIN {SEALS} s"
        " ON s.entry_id = e.id AND s.entry_id > %s AND s.entry_id <= %s"
        " WHERE e.id > %s AND e.id <= %s AND s.seq IS NULL ORDER BY e.id LIMIT %s",
        [low, high, low, high, limit],
    )
    return [(int(row[_ID]), entry_text(_entry(row))) for row in rows]


def head() -> tuple[int, str] | None:
    """(seq, digest) of the last seal. Raises DatabaseError."""
    rows = fetch(f"SELECT seq, digest FROM {SEALS} ORDER BY seq DESC LIMIT 1")
    return (int(rows[0][0]), str(rows[0][1])) if rows else None


def chain(after: int, size: int) -> list[Sealed]:
    """The next seals behind `after` with their entries, in their order. Raises DatabaseError."""
    rows = fetch(
        f"SELECT s.seq, s.entry_id, s.digest, {COLUMNS} FROM (SELECT * FROM {SEALS} WHERE seq > %s ORDER BY seq LIMIT %s) s"
        f" LEFT JOIN {ENTRIES} e ON e.id = s.entry_id ORDER BY s.seq",
        [after, size],
    )
    return [Sealed(row[0], row[1], row[2], None if row[3 + _ID] is None else _entry(row[3:])) for row in rows]


def stretches(low: int, high: int, size: int) -> Iterator[tuple[int, int, int, int | None]]:
    """Entries low < id <= high in stretches of `size`: (above, up to, how many are without a seal, the first of them).

    However many there are and whatever ids are left out, one stretch costs the same. Raises DatabaseError."""
    while low < high:
        ((end,),) = fetch(
            f"SELECT max(w.id) FROM (SELECT id FROM {ENTRIES} WHERE id > %s AND id <= %s ORDER BY id LIMIT %s) w",
            [low, high, size],
        )
        if end is None:
            yield low, high, 0, None
            return
        ((count, first),) = fetch(  # both sides between two ids: no plan can read all seals for it
            f"SELECT count(*), min(e.id) FROM {ENTRIES} e LEFT JOIN {SEALS} s"
            " ON s.entry_id = e.id AND s.entry_id > %s AND s.entry_id <= %s"
            " WHERE e.id > %s AND e.id <= %s AND s.seq IS NULL",
            [low, end, low, end],
        )
        yield low, int(end), int(count), None if first is None else int(first)
        low = int(end)


def newest_id() -> int:
    """The highest id of a committed entry, 0 without any. Raises DatabaseError."""
    ((newest,),) = fetch(f"SELECT max(id) FROM {ENTRIES}")
    return int(newest or 0)


def writers() -> frozenset[str]:
    """Transactions that may hold entries nobody sees yet. On SQLite there is no such thing: ids come in the order of commits.

    On PostgreSQL an id is taken before the commit, so that a lower one may come later. But whoever takes one holds the
    table's lock from before that until after its commit: it is in `pg_locks`. Raises DatabaseError."""
    if connection.vendor != "postgresql":
        return frozenset()
    rows = fetch(
        f"SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND relation = '{ENTRIES}'::regclass"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')"
    )
    return frozenset(str(who) for (who,) in rows)


def _entry(row: Sequence[Any]) -> dict[str, Any]:
    at = _reader()
    return {
        name: at(value) if at is not None and name == "at" and value is not None else value
        for name, value in zip(NAMES, row, strict=True)
    }


def _reader() -> Any:
    return _at(connection.vendor)


@cache
def _at(vendor: str) -> Any:
    return readers(AuditEntry, ["at"])[0]
