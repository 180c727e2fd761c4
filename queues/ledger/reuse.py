"""Reusable results: the same request within its time is answered with the run there is; at once by many, it runs once.

Two requests are the same by JobSpec.cache_key. In this order a request is answered with

1. the newest run of its key that succeeded within the time: its result. One indexed read;
2. the live run of its key, which holds the dedupe key `cache:<key>`: unique over all processes, as every dedupe key;
3. a new run, which holds that dedupe key while it lives.

A run that failed or was cancelled answers nobody. A request with a dedupe key of its own keeps it: step 2 is about that
key then. One that is due later is run, and so is what a schedule fires; their results are reusable like all others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from queues import registry
from queues.contract import Json, RunRef, RunRequest
from queues.ledger import clock, states
from queues.ledger.create import create
from queues.ledger.requests import reusable_s
from queues.ledger.sql import fetch, sqlite_time
from queues.models import Run

FLIGHT = "cache:"  # what the dedupe key of a live reusable run begins with


@dataclass(frozen=True)
class Wanted:
    """What a request may be answered with: results of `key` that ended less than `ttl_s` seconds ago, unless `fresh`.

    `holds`: see JobSpec.cache_holds.
    """

    key: str
    ttl_s: float
    fresh: bool = False
    holds: Callable[[Mapping[str, Json]], bool] | None = None


def wanted(request: RunRequest, row: Mapping[str, Any]) -> Wanted | None:
    """For a request and its new row (requests.new_row); None where only a run of its own will do."""
    key = row.get("cache_key")
    if not key or row["state"] != states.PENDING:
        return None
    return Wanted(
        key, reusable_s(request.job, request.cache_ttl_s), request.fresh, registry.get(request.job).cache_holds
    )


def find(want: Wanted) -> RunRef | None:
    """The run whose result answers the request. Raises DatabaseError, and what `holds` raises."""
    if want.fresh:
        return None
    postgres = connection.vendor == "postgresql"
    since = clock.now() - timedelta(seconds=want.ttl_s)
    sql = _newest(connection.vendor, want.holds is not None)
    for run_id, *result in fetch(sql, [want.key, since if postgres else sqlite_time(since)]):
        if want.holds is None or want.holds(json.loads(result[0] or "{}")):
            return RunRef(run_id if postgres else UUID(run_id), states.SUCCEEDED, created=False, cached=True)
    return None


def create_or_reuse(runs: Sequence[Run], wants: Mapping[UUID, Wanted]) -> list[RunRef]:
    """As `create`, in the caller's transaction; runs in `wants` (by id) are inserted only where nothing answers them."""
    others = iter(create([run for run in runs if run.id not in wants]))
    ours = sorted((run for run in runs if run.id in wants), key=lambda run: run.cache_key)  # no circle of waits
    refs = {run.id: _once(run, wants[run.id]) for run in ours}
    return [refs[run.id] if run.id in refs else next(others) for run in runs]


def _once(run: Run, want: Wanted) -> RunRef:
    found = find(want)
    if found is not None:
        return found
    own_key = run.dedupe_key is not None
    if not own_key:
        run.dedupe_key = FLIGHT + want.key
    with transaction.atomic():
        (ref,) = create([run])
        # The live one may have succeeded after our look and before our insert, which waited for it: look again.
        found = find(want) if ref.created else None
        if found is not None:
            transaction.set_rollback(True)
    if found is None and want.fresh and not ref.created and not own_key:
        run.dedupe_key = None  # run anew means a run of one's own
        (ref,) = create([run])
    return found or ref


def own_dedupe_key(run: Run) -> str | None:
    """The dedupe key that the request gave, without the one that reuse gives by itself."""
    return None if (run.dedupe_key or "").startswith(FLIGHT) else run.dedupe_key


@cache
def _newest(vendor: str, with_result: bool) -> str:
    """What follows the key repeats the partial index's condition word for word: a planner must see that it applies."""
    result = ", result::text" if vendor == "postgresql" else ", result"
    return (
        f"SELECT id{result if with_result else ''} FROM {Run._meta.db_table} WHERE cache_key = %s"
        " AND state = 'succeeded' AND NOT (cache_key = '') AND finished_at > %s ORDER BY finished_at DESC LIMIT 1"
    )
