"""The statements that find the next pending runs: their text, and how their rows read in Python. What they mean: see pending."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from queues.ledger.sql import Row, readers
from queues.models import JobDefinition, Run

_BLOCKED_KEYS = """
    SELECT k.concurrency_key FROM {run} k WHERE k.queue = %(queue)s AND k.state = 'running'
    AND NOT k.concurrency_key = ''
    GROUP BY k.concurrency_key HAVING count(DISTINCT k.lease_token) >= min(k.key_limit)"""
_FULL_DEFINITIONS = """
    SELECT d.id FROM {definition} d JOIN {run} b ON b.definition_id = d.id AND b.state = 'running'
    WHERE d.concurrency IS NOT NULL GROUP BY d.id, d.concurrency HAVING count(DISTINCT b.lease_token) >= d.concurrency"""
_WAITING = "r.queue = %(queue)s AND r.state = 'pending'"
_OPEN = "{drain} AND (r.definition_id IS NULL OR r.definition_id NOT IN ({full}))"
_NEXT = """
    WITH RECURSIVE level AS MATERIALIZED (
        SELECT (SELECT r.priority FROM {run} r WHERE {waiting}{below} ORDER BY r.priority DESC LIMIT 1) AS p,
            (SELECT r.priority FROM {run} r WHERE {waiting} ORDER BY r.priority LIMIT 1) AS lowest
    ), found(key, n) AS (
        SELECT (SELECT r.concurrency_key FROM {run} r
                WHERE {waiting} AND r.priority = (SELECT p FROM level) AND r.concurrency_key {after} %(after)s
                ORDER BY r.concurrency_key LIMIT 1), 1
        UNION ALL
        SELECT (SELECT r.concurrency_key FROM {run} r
                WHERE {waiting} AND r.priority = (SELECT p FROM level) AND r.concurrency_key > f.key
                ORDER BY r.concurrency_key LIMIT 1), f.n + 1
        FROM found f WHERE f.key IS NOT NULL AND f.n < %(keys)s
    ), open AS MATERIALIZED (SELECT key FROM found WHERE key IS NOT NULL AND key NOT IN ({blocked}))
    SELECT {columns}, level.p, (SELECT count(key) FROM found), (SELECT max(key) FROM found), level.lowest < level.p
    FROM level LEFT JOIN open ON true LEFT JOIN {runs} LIMIT %(rows)s"""
# One row by the index's order each, written as ORDER BY … LIMIT 1: for min() and max() a planner that thinks there is one
# row anyway reads them all. {runs}: those of one key. Both databases take the inner rows by the index; only PostgreSQL can lock and knows LATERAL.
_OF_KEY = """
    FROM {run} r WHERE {waiting} AND r.priority = (SELECT p FROM level) AND r.concurrency_key = open.key{conditions}
    ORDER BY r.due_at, r.id LIMIT (SELECT 1 + (%(limit)s - 1) / (CASE WHEN count(*) > 0 THEN count(*) ELSE 1 END) FROM open)"""
_AMONG = """
    SELECT {columns} FROM {run} t WHERE t.queue = %(queue)s AND t.id IN ({named}) AND EXISTS (
        SELECT 1 FROM {run} r WHERE r.id = t.id AND {waiting}{conditions}
        AND (r.concurrency_key = '' OR r.key_limit IS NULL OR r.concurrency_key NOT IN ({blocked})))
    ORDER BY t.priority DESC, t.due_at, t.id LIMIT %(limit)s{lock}"""

Reads = list[Callable[[Any], Any] | None]

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
OF_FOUND = (*OF_CLAIM, "concurrency_key", "key_limit", "packed")


@cache
def next_runs(
    columns: tuple[str, ...], drains: bool, below: bool, after: bool, lock: bool, vendor: str
) -> tuple[str, Reads]:
    """The next runs of one priority. Parameters: queue, after, keys, limit, rows, and drain and below where they count.

    Behind the columns: the priority, how many keys were seen, the last of them, whether there are lower priorities.
    """
    postgres = vendor == "postgresql"
    names, conditions = _names(drains)
    of_key = _OF_KEY.format(conditions=conditions, **names)
    if postgres:
        picked = ", ".join(f"r.{name}::text AS {name}" if name == "params" else f"r.{name}" for name in columns)
        locked = " FOR UPDATE OF r SKIP LOCKED" if lock else ""
        runs = f"LATERAL (SELECT {picked} {of_key}{locked}) AS t ON true"
    else:
        runs = f"{names['run']} t ON t.id IN (SELECT r.id {of_key})"
    sql = _NEXT.format(
        columns=", ".join(f"t.{name}" for name in columns),
        below=" AND r.priority < %(below)s" if below else "",
        after=">" if after else ">=",
        blocked=_BLOCKED_KEYS.format(**names),
        runs=runs,
        **names,
    )
    return sql, row_readers(columns, vendor)


@cache
def among(drains: bool, vendor: str) -> tuple[str, Reads]:
    """Which of named runs are next. Parameters: queue, limit, ids (a JSON list), and drain where it counts."""
    postgres = vendor == "postgresql"
    names, conditions = _names(drains)
    named = "SELECT e::uuid FROM json_array_elements_text(%(ids)s::json) AS e" if postgres else "SELECT value FROM json_each(%(ids)s)"  # fmt: skip
    sql = _AMONG.format(
        columns=", ".join(f"t.{name}::text" if postgres and name == "params" else f"t.{name}" for name in OF_FOUND),
        named=named,
        conditions=conditions,
        blocked=_BLOCKED_KEYS.format(**names),
        lock=" FOR UPDATE OF t SKIP LOCKED" if postgres else "",
        **names,
    )
    return sql, row_readers(OF_FOUND, vendor)


@cache
def row_readers(columns: tuple[str, ...], vendor: str) -> Reads:
    """Parameters travel on as the text that they are."""
    return [None if name == "params" else read for name, read in zip(columns, readers(Run, columns), strict=True)]


def _names(drains: bool) -> tuple[dict[str, str], str]:
    names = {"run": Run._meta.db_table, "definition": JobDefinition._meta.db_table}
    conditions = _OPEN.format(
        drain=" AND r.created_at <= %(drain)s" if drains else "", full=_FULL_DEFINITIONS.format(**names)
    )
    return {**names, "waiting": _WAITING}, conditions


def as_python(row: Row, reads: Sequence[Callable[[Any], Any] | None]) -> Row:
    if not any(reads):
        return row
    return tuple(
        value if read is None or value is None else read(value) for read, value in zip(reads, row, strict=True)
    )
