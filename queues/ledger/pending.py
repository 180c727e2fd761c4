"""Which pending runs come next: the one order and the one set of conditions, for claims and for the window alike.

Order: priority first. Among runs of one priority the concurrency keys take turns (runs without a key are one group of
their own), so that one customer's backlog holds up nobody else's; within a key, what fell due first. Left out is what
a claim could not take now: runs of a key or a definition that has as many slots as it may, and runs created after
their queue began to drain.

The keys that wait are found by skipping through the index `run_next` (a probe a key), so neither a long backlog nor a
key that is held up costs anything. A worker remembers in a `Course` where its round stands.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from queues.ledger import pending_sql, states
from queues.ledger.brief import brief
from queues.ledger.message import Asked
from queues.ledger.pending_sql import OF_FOUND
from queues.ledger.sql import Row, fetch, sqlite_time
from queues.models import Queue, Run
from queues.packing import unpack

FAIR_TURN = 8  # one claim in so many begins a priority further down, so that none waits for ever
MOST_KEYS = 200  # of one claim
MOST_LEVELS = 8  # priorities looked into by one claim
_QUEUES = """SELECT q.name FROM {queue} q
    WHERE (SELECT 1 FROM {run} r WHERE r.queue = q.name AND r.state = 'pending' LIMIT 1) IS NOT NULL"""


@dataclass
class Course:
    """Where one worker stands in its round of a queue's keys, and in its turns for lower priorities. Its own thread's."""

    level: int | None = None
    after: str | None = None  # the key served last at that level; None: the round begins
    claims: int = 0
    fair: int | None = None  # the priority that had the last fair turn
    whole: bool = False  # the last claim was granted all that it asked for

    @property
    def first_below(self) -> int | None:
        """The priority below which the next claim begins: in a fair turn, that of the one before."""
        return self.fair if (self.claims + 1) % FAIR_TURN == 0 else None


class Found:
    """A pending run that may be claimed."""

    __slots__ = ("crashes", "definition_id", "id", "key", "key_limit", "of_claim")

    def __init__(self, row: Row) -> None:
        packed = row[15]
        self.of_claim: tuple[Any, ...] = row[:13] if packed is None else (*row[:3], unpack(packed), *row[4:13])
        self.id: UUID = row[0]
        self.crashes: int = row[6]
        self.definition_id: int | None = row[12]
        self.key: str = row[13]
        self.key_limit: int | None = row[14]


@dataclass
class Look:
    """What one statement saw: rows of one priority, and whether there is more at it or below."""

    level: int | None = None
    rows: list[Row] = field(default_factory=list)
    last_key: str | None = None  # None: every key that waits was seen
    cut: bool = False  # some key has more than its part
    lower: bool = False


def first_look(queue: str, limit: int, course: Course) -> Asked:
    """The statement with which `take_next` will begin, if the queue does not drain. PostgreSQL."""
    sql, _ = pending_sql.next_runs(
        OF_FOUND, False, course.first_below is not None, course.after is not None, True, "postgresql"
    )
    values = _values(queue, limit, course.first_below, course.after)
    return sql, {name: str(value) for name, value in values.items()}


def take_next(
    queue: str,
    limit: int,
    drain_at: datetime | None,
    ids: Sequence[UUID] | None = None,
    course: Course | None = None,
    seen: list[Row] | None = None,
) -> tuple[list[Found], bool]:
    """(the next runs of a queue, locked, without those that others hold locked; whether there may be more).

    Of `ids` alone, if given. Run it inside a transaction. `seen`: what `first_look` has brought in it."""
    if ids is not None:
        rows = _among(queue, limit, drain_at, ids)
        return [Found(row) for row in rows], len(rows) >= limit
    rows, more = _walk(OF_FOUND, queue, limit, drain_at, course or Course(), lock=True, seen=seen)
    return [Found(row) for row in rows], more


def see_next(queue: str, limit: int, drain_at: datetime | None) -> list[tuple[UUID, str]]:
    """(id, job) of the next runs, not locked."""
    with brief():  # for the sake of its plan
        rows, _ = _walk(("id", "job"), queue, limit, drain_at, Course(), lock=False)
    return [(row[0], row[1]) for row in rows]


def queues_waiting() -> set[str]:
    """The queues in which anything is due: one probe each."""
    return {name for (name,) in fetch(_QUEUES.format(queue=Queue._meta.db_table, run=Run._meta.db_table))}


def is_waiting(queue: str, drain_at: datetime | None) -> bool:
    """Whether anything is due and not held back by a drain; a key or a definition may hold it up for now."""
    rows = Run.objects.filter(queue=queue, state=states.PENDING)
    return (rows if drain_at is None else rows.filter(created_at__lte=drain_at)).exists()


def _walk(
    columns: tuple[str, ...],
    queue: str,
    limit: int,
    drain_at: datetime | None,
    course: Course,
    *,
    lock: bool,
    seen: list[Row] | None = None,
) -> tuple[list[Row], bool]:
    """Level by level downwards, until there are enough. In a fair turn it begins below the level of the last one."""
    below = course.first_below
    course.claims += 1
    fair = course.claims % FAIR_TURN == 0
    rows: list[Row] = []
    more = False
    for _ in range(MOST_LEVELS):
        look = _look(columns, queue, limit - len(rows), drain_at, below, course, lock, seen)
        seen = None
        if look.level is None:
            if below is None or not fair or rows:
                break
            below = course.fair = None  # the fair turns have come to the end: again from the top
            continue
        if fair and not rows:
            course.fair = look.level if look.lower else None
        rows += look.rows
        course.level, course.after = look.level, look.last_key
        more = look.cut or look.last_key is not None or look.lower
        if len(rows) >= limit or not look.lower:
            break
        below = look.level
    return rows, more or course.fair is not None


def _look(
    columns: tuple[str, ...],
    queue: str,
    limit: int,
    drain_at: datetime | None,
    below: int | None,
    course: Course,
    lock: bool,
    seen: list[Row] | None,
) -> Look:
    """One statement (or none, where its answer is `seen`); two where the round had come to its end and begins anew."""
    if seen is None:
        look = _see(columns, queue, limit, drain_at, below, course.after, lock)
    else:
        look = _looked(seen, columns, limit)
    if course.after is not None and (look.level != course.level or not look.rows):
        look = _see(columns, queue, limit, drain_at, below, None, lock)
    return look


def _see(
    columns: tuple[str, ...],
    queue: str,
    limit: int,
    drain_at: datetime | None,
    below: int | None,
    after: str | None,
    lock: bool,
) -> Look:
    postgres = connection.vendor == "postgresql"
    sql, _ = pending_sql.next_runs(
        columns, drain_at is not None, below is not None, after is not None, lock, connection.vendor
    )
    values = _values(queue, limit, below, after)
    if drain_at is not None:
        values["drain"] = drain_at if postgres else sqlite_time(drain_at)
    return _looked(fetch(sql, values), columns, limit)


def _values(queue: str, limit: int, below: int | None, after: str | None) -> dict[str, Any]:
    """The statement's parameters, but for the moment of a drain."""
    values: dict[str, Any] = {
        "queue": queue, "after": after or "", "keys": min(limit, MOST_KEYS), "limit": limit, "rows": limit
    }  # fmt: skip
    return values if below is None else {**values, "below": below}


def _looked(seen: list[Row], columns: tuple[str, ...], limit: int) -> Look:
    if not seen or seen[0][-4] is None:
        return Look()
    width, reads = len(columns), pending_sql.row_readers(columns, connection.vendor)
    level, count, last_key, lower = seen[0][-4:]
    rows = [pending_sql.as_python(row[:width], reads) for row in seen if row[0] is not None]
    return Look(
        level=level,
        rows=rows,
        last_key=last_key if count >= min(limit, MOST_KEYS) else None,
        cut=len(rows) >= max(1, 1 + (limit - 1) // max(count, 1)),
        lower=bool(lower),
    )


def _among(queue: str, limit: int, drain_at: datetime | None, ids: Sequence[UUID]) -> list[Row]:
    sql, reads = pending_sql.among(drain_at is not None, connection.vendor)
    values: dict[str, Any] = {"queue": queue, "limit": limit, "ids": json.dumps([run_id.hex for run_id in ids])}
    if drain_at is not None:
        values["drain"] = drain_at if connection.vendor == "postgresql" else sqlite_time(drain_at)
    return [pending_sql.as_python(row, reads) for row in fetch(sql, values)]
