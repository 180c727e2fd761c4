"""A claim's own statements: the queue's row is locked, its slots are counted, then slots and runs are leased."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import JSONField

from queues.ledger.facts import Batch
from queues.ledger.message import Asked
from queues.ledger.sql import Row, readers, sqlite_time
from queues.models import Queue, Run, Slot

_LOCK = "SELECT {columns} FROM {queue} WHERE name = %(queue)s{lock}"
_COUNT = """SELECT count(*) FROM {slot} s WHERE s.queue = %(queue)s
    AND (s.behind IS NULL OR NOT EXISTS (SELECT 1 FROM {slot} before WHERE before.token = s.behind))"""
_THERE = {"postgresql": "SELECT token FROM {slot} WHERE token = ANY(%(tokens)s::uuid[])", "sqlite": "SELECT token FROM {slot} WHERE token IN (SELECT value FROM json_each(%(tokens)s))"}  # fmt: skip
_FREE = {"postgresql": "DELETE FROM {slot} WHERE token = ANY(%(tokens)s::uuid[])", "sqlite": "DELETE FROM {slot} WHERE token IN (SELECT value FROM json_each(%(tokens)s))"}  # fmt: skip
_LEASE = {
    "postgresql": (
        """WITH leased AS (INSERT INTO {slot} (token, queue, worker_id, claimed_at, behind)
        SELECT s.key::uuid, %(queue)s, %(worker)s::uuid, %(now)s::timestamptz, s.value::uuid
        FROM json_each_text(%(tokens)s::json) AS s)
        UPDATE {run} SET state = 'running', started_at = NULL, lease_token = v.value::uuid,
        worker_id = %(worker)s::uuid, claimed_at = %(now)s::timestamptz
        FROM json_each_text(%(held)s::json) AS v WHERE {run}.id = v.key::uuid""",
    ),
    "sqlite": (
        """INSERT INTO {slot} (token, queue, worker_id, claimed_at, behind)
        SELECT v.key, %(queue)s, %(worker)s, %(now)s, v.value FROM json_each(%(tokens)s) AS v""",
        """UPDATE {run} SET state = 'running', started_at = NULL, lease_token = v.value,
        worker_id = %(worker)s, claimed_at = %(now)s
        FROM json_each(%(held)s) AS v WHERE {run}.id = v.key""",
    ),
}


@dataclass(frozen=True)
class Room:
    """A queue as its claim finds it: the row, locked; how many of its slots count; which of those asked for are there."""

    queue: Queue
    held: int
    there: list[UUID]


def opening(queue: str, through: Sequence[UUID] = (), behind: Sequence[UUID] = ()) -> list[Asked]:
    """A claim's first statements: the queue's row is locked, and in a statement of its own it is counted (in one with
    the lock, the count would be of the time before it). Slots of `through` are freed first."""
    asked: list[Asked] = [(_sql(_LOCK), {"queue": queue}), (_sql(_COUNT), {"queue": queue})]
    if through:
        asked.insert(1, freeing(through))
    if behind:
        asked.append((_sql(_THERE[connection.vendor]), {"tokens": _tokens(behind)}))
    return asked


def room(queue: str, answers: Sequence[list[Row]], behind: Sequence[UUID] = ()) -> Room:
    """What `opening` was answered. What is `there` of those `behind` stays counted until the claim is over.
    Raises Queue.DoesNotExist."""
    rows, *others = answers
    names, reads = _queue_columns(connection.vendor)
    if not rows:
        raise Queue.DoesNotExist(f"The queue {queue!r} has no row: start a worker, or call /initialize.")
    values = [read(value) if value is not None else None for read, value in zip(reads, rows[0], strict=True)]
    found = {token if isinstance(token, UUID) else UUID(token) for (token,) in others.pop()} if behind else set()
    ((held,),) = others[-1]
    return Room(Queue.from_db("default", names, values), int(held), [token for token in behind if token in found])


def freeing(tokens: Sequence[UUID]) -> Asked:
    """The statement after which these slots are free again."""
    return _sql(_FREE[connection.vendor]), {"tokens": _tokens(tokens)}


def leasing(queue: str, worker_id: UUID, now: datetime, batches: Sequence[Batch]) -> list[Asked]:
    """The statements that make a slot for each batch, under its token, which is the lease of its runs. The transaction
    has those locked."""
    postgres = connection.vendor == "postgresql"
    slots = {batch.token.hex: batch.behind and batch.behind.hex for batch in batches}
    held = {claim.id.hex: token for token, batch in zip(slots, batches, strict=True) for claim in batch.claims}
    texts = {
        "queue": queue,
        "worker": worker_id.hex,
        "now": now.isoformat() if postgres else sqlite_time(now),
        "tokens": json.dumps(slots),
        "held": json.dumps(held),
    }
    return [(_sql(statement), texts) for statement in _LEASE[connection.vendor]]


def _tokens(tokens: Sequence[UUID]) -> str:
    """As one parameter: an array's text for PostgreSQL, JSON for SQLite."""
    hexes = [token.hex for token in tokens]
    return "{" + ",".join(hexes) + "}" if connection.vendor == "postgresql" else json.dumps(hexes)


@cache
def _sql(template: str) -> str:
    return template.format(
        run=Run._meta.db_table,
        slot=Slot._meta.db_table,
        queue=Queue._meta.db_table,
        columns=", ".join(_queue_columns(connection.vendor)[0]),
        lock=" FOR UPDATE" if connection.vendor == "postgresql" else "",
    )


@cache
def _queue_columns(vendor: str) -> tuple[list[str], list[Callable[[Any], Any]]]:
    fields = Queue._meta.concrete_fields
    names = [field.attname for field in fields]
    reads: list[Callable[[Any], Any]] = [read or _same for read in readers(Queue, names)]
    for place, field in enumerate(fields):
        if isinstance(field, JSONField):
            reads[place] = _loaded
    return names, reads


def _same(value: Any) -> Any:
    return value


def _loaded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
