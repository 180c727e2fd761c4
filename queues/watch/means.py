"""How long the newest runs of each queue waited and took, on average."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import connection

from queues.watch.newest import of_newest

COLUMNS = ("due_at", "started_at", "finished_at")


def means(queues: Sequence[str], now: datetime) -> Mapping[str, tuple[float, float]]:
    """By queue that executed any lately: mean wait and mean processing, seconds. One query. Raises DatabaseError."""
    told = [f"avg({_seconds(*ends)})" for ends in (("due_at", "started_at"), ("started_at", "finished_at"))]
    rows = of_newest(queues, now, told, COLUMNS, "started_at IS NOT NULL")
    return {queue: (wait_s, took_s) for queue, wait_s, took_s in rows}


def _seconds(since: str, until: str) -> str:
    """SQL: from one column's time to another's, 0 where a clock was set back between them."""
    between, _ = connection.ops.subtract_temporals("DateTimeField", (until, ()), (since, ()))
    if connection.vendor == "postgresql":
        return f"greatest(0, extract(epoch FROM {between}))::float8"
    return f"max(0, {between}) / 1e6"
