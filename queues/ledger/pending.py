"""Which pending runs come next: the one order and the one set of conditions, for claims and for the window alike.

Order: priority, then when it fell due. Left out is what a claim could not take now: runs of a key or a definition that
has as many slots as it may, and runs created after their queue began to drain.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection

from queues.ledger import states
from queues.ledger.sql import Row, fetch, readers, sqlite_time
from queues.models import JobDefinition, Run

_BLOCKED_KEYS = """
    SELECT k.concurrency_key FROM {run} k WHERE k.queue = %s AND k.state = 'running' AND NOT k.concurrency_key = ''
    GROUP BY k.concurrency_key HAVING count(DISTINCT k.lease_token) >= min(k.key_limit)"""
_FULL_DEFINITIONS = """
    SELECT d.id FROM {definition} d JOIN {run} b ON b.definition_id = d.id AND b.state = 'running'
    WHERE d.concurrency IS NOT NULL GROUP BY d.id, d.concurrency HAVING count(DISTINCT b.lease_token) >= d.concurrency"""
_NEXT = """
    SELECT {columns} FROM {run} r WHERE r.queue = %s AND r.state = 'pending'{drain}{among}
    AND (r.concurrency_key = '' OR r.key_limit IS NULL OR r.concurrency_key NOT IN ({blocked}))
    AND (r.definition_id IS NULL OR r.definition_id NOT IN ({full}))
    ORDER BY r.priority DESC, r.due_at, r.id LIMIT %s{lock}"""

OF_CLAIM = (
    "id",
    "job",
    "queue",
    "params",
    "attempt",
    "max_attempts",
    "crashes",
    "timeout_s",
    "backoff_base_s",
    "backoff_cap_s",
    "created_at",
    "due_at",
    "definition_id",
)  # fmt: skip  (in the order of Claim's fields)


class Found:
    """A pending run that may be claimed."""

    __slots__ = ("crashes", "definition_id", "id", "key", "key_limit", "of_claim")

    def __init__(self, row: Row) -> None:
        self.of_claim: tuple[Any, ...] = row[:13]
        self.id: UUID = row[0]
        self.crashes: int = row[6]
        self.definition_id: int | None = row[12]
        self.key: str = row[13]
        self.key_limit: int | None = row[14]


def take_next(queue: str, limit: int, drain_at: datetime | None, ids: Sequence[UUID] | None = None) -> list[Found]:
    """The next runs of a queue (of `ids` alone, if given), locked, without those that others hold locked.

    Run it inside a transaction."""
    columns = (*OF_CLAIM, "concurrency_key", "key_limit")
    return [Found(row) for row in _rows(columns, queue, limit, drain_at, ids, lock=True)]


def see_next(queue: str, limit: int, drain_at: datetime | None) -> list[tuple[UUID, str]]:
    """(id, job) of the next runs, not locked."""
    return [(row[0], row[1]) for row in _rows(("id", "job"), queue, limit, drain_at, None, lock=False)]


def is_waiting(queue: str, drain_at: datetime | None) -> bool:
    """Whether anything is due and not held back by a drain; a key or a definition may hold it up for now."""
    rows = Run.objects.filter(queue=queue, state=states.PENDING)
    return (rows if drain_at is None else rows.filter(created_at__lte=drain_at)).exists()


def _rows(
    columns: tuple[str, ...],
    queue: str,
    limit: int,
    drain_at: datetime | None,
    ids: Sequence[UUID] | None,
    *,
    lock: bool,
) -> list[Row]:
    postgres = connection.vendor == "postgresql"
    sql, reads = _statement(columns, drain_at is not None, ids is not None, lock, connection.vendor)
    params: list[Any] = [queue]
    if drain_at is not None:
        params.append(drain_at if postgres else sqlite_time(drain_at))
    if ids is not None:
        params.append(json.dumps([run_id.hex for run_id in ids]))
    found = fetch(sql, [*params, queue, limit])
    if not any(reads):
        return found
    return [
        tuple(value if read is None or value is None else read(value) for read, value in zip(reads, row, strict=True))
        for row in found
    ]


@cache
def _statement(
    columns: tuple[str, ...], drains: bool, among: bool, lock: bool, vendor: str
) -> tuple[str, list[Callable[[Any], Any] | None]]:
    postgres = vendor == "postgresql"
    names = {"run": Run._meta.db_table, "definition": JobDefinition._meta.db_table}
    named = (
        "SELECT e::uuid FROM json_array_elements_text(%s::json) AS e" if postgres else "SELECT value FROM json_each(%s)"
    )
    sql = _NEXT.format(
        columns=", ".join(f"r.{name}::text" if postgres and name == "params" else f"r.{name}" for name in columns),
        drain=" AND r.created_at <= %s" if drains else "",
        among=f" AND r.id IN ({named})" if among else "",
        blocked=_BLOCKED_KEYS.format(**names),
        full=_FULL_DEFINITIONS.format(**names),
        lock=" FOR UPDATE OF r SKIP LOCKED" if postgres and lock else "",
        **names,
    )
    return sql, readers(Run, columns)
