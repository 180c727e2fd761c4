"""The client: asks for jobs by the plan's helpings, and writes a journal of what it was promised.

It is killed like everybody else. The next one reads the journal and goes on behind whatever was begun: what was begun and
not acknowledged is never asked for again, so whether it exists is the database's word alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from project.chaos.orders import Ask, asks

Placed = Callable[[Ask], list[str]]  # asks for the jobs; returns their runs' ids, in order


class RolledBack(Exception):
    """Thrown on purpose inside a transaction."""


def run(
    *, journal: str, began: float, seed: int, jobs: int, helpings: Sequence[Sequence[float]], place: Placed
) -> None:
    """Until `jobs` jobs were acknowledged. `began`: the run's start (time.time()); helpings as (at_s, count)."""
    path = Path(journal)
    begun, acknowledged = read_progress(path)
    todo = (ask for ask in asks(seed) if ask.first >= begun)
    with path.open("ab", buffering=0) as lines:

        def write(**entry: object) -> None:
            lines.write(json.dumps(entry).encode() + b"\n")  # one write: a kill cannot tear it

        while acknowledged < jobs:
            passed_s = time.time() - began
            if acknowledged >= sum(count for at_s, count in helpings if at_s <= passed_s):
                time.sleep(0.01)
                continue
            ask = next(todo)
            write(what="begun", keys=ask.keys, way=ask.way)
            try:
                ids = place(ask)
            except RolledBack:
                continue
            except Exception as error:  # the database is away: whether it was committed nobody here knows
                write(what="unknown", keys=ask.keys, error=f"{type(error).__name__}: {error}"[:300], at=time.time())
                time.sleep(0.3)
                continue
            write(what="acknowledged", keys=ask.keys, ids=ids)
            acknowledged += len(ids)


def read_progress(path: Path) -> tuple[int, int]:
    """The first number that nobody has begun, and how many jobs were acknowledged."""
    begun = acknowledged = 0
    for line in path.read_text().splitlines() if path.exists() else ():
        entry = json.loads(line)
        if entry["what"] == "begun":
            begun = int(entry["keys"][-1].rsplit("-", 1)[1]) + 1
        elif entry["what"] == "acknowledged":
            acknowledged += len(entry["keys"])
    return begun, acknowledged


def place(ask: Ask) -> list[str]:
    """Ask the ledger. Raises RolledBack for an ask of that way, DatabaseError when it is away."""
    from django.db import connection, connections, transaction

    from project.chaos.jobs import BY_KIND, Order
    from queues.ledger import clock

    spec = BY_KIND[ask.kind]
    options: dict[str, Any] = {"concurrency_key": ask.key} if ask.key else {}
    orders = [Order(key=key, work_s=ask.work_s) for key in ask.keys]
    try:
        if ask.way == "many":
            return [ref.id.hex for ref in spec.enqueue_many(orders, **options)]
        if ask.way == "later":
            at = clock.now() + timedelta(seconds=ask.delay_s)
            return [spec.enqueue(orders[0], at=at, **options).id.hex]
        if ask.way == "alone":
            return [spec.enqueue(orders[0], **options).id.hex]
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO chaos_order (key) VALUES (%s)", [orders[0].key])
            ref = spec.enqueue(orders[0], **options)
            if ask.way == "rolled_back":
                raise RolledBack
        return [ref.id.hex]
    except RolledBack:
        raise
    except Exception:
        connections.close_all()
        raise
