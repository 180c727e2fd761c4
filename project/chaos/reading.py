"""From the chaos database into facts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from django.db import connection

from project.chaos.facts import STILL, Done, Hold, Journal, Lease, Ran, Record
from queues.models import Run, Worker

Row = Sequence[Any]
LOG = "SELECT what, run, token, worker, queue, key, state, xid, at FROM chaos_log ORDER BY at, seq"


def read() -> Record:
    """Everything that was recorded. Raises DatabaseError."""
    with connection.cursor() as cursor:
        cursor.execute(LOG)
        log = cursor.fetchall()
        cursor.execute("SELECT key FROM chaos_order ORDER BY key")
        orders = [key for (key,) in cursor.fetchall()]
    names = ("id", "params", "job", "state", "attempt", "crashes", "error_code", "error_message")
    runs = [
        Ran(run_id.hex, params.get("key") or str(run_id), *rest)
        for run_id, params, *rest in Run.objects.filter(job__startswith="chaos.").order_by("id").values_list(*names)
    ]
    workers = {worker_id.hex: name for worker_id, name in Worker.objects.values_list("pk", "name")}
    return Record(runs, holds(log), leases(log), effects(log), orders, workers)


def holds(log: Iterable[Row]) -> list[Hold]:
    """Pure. Rows as in `LOG`, in their order."""
    open_: dict[tuple[str, str], Hold] = {}
    found: list[Hold] = []
    for what, run, token, worker, queue, key, state, xid, at in log:
        if what == "hold+":
            open_[run, token] = Hold(run, token, worker, queue, key or "", at)
        elif what == "hold-" and (run, token) in open_:
            begun = open_.pop((run, token))
            found.append(Hold(run, token, begun.worker, begun.queue, begun.key, begun.opened, at, state, xid or ""))
    return sorted([*found, *open_.values()], key=lambda hold: hold.opened)


def leases(log: Iterable[Row]) -> list[Lease]:
    """Pure. Rows as in `LOG`, in their order. A slot that stands behind another counts from that one's end on. What one
    transaction ended, ended at one moment, whatever the order of its rows."""
    closed: dict[str, tuple[float, str]] = {}
    together: dict[str, float] = {}  # by transaction: its last end
    opened: dict[str, Row] = {}
    for row in log:
        if row[0] == "slot+":
            opened[row[2]] = row
        elif row[0] == "slot-":
            closed[row[2]] = row[8], row[7] or ""
            if row[7]:
                together[row[7]] = max(row[8], together.get(row[7], 0.0))
    ends = {token: together.get(xid, at) for token, (at, xid) in closed.items()}
    found = []
    for token, row in opened.items():
        before, end = row[5], ends.get(token, STILL)
        begun = max(row[8], ends.get(before, STILL)) if before in opened else row[8]
        found.append(Lease(token, row[4], row[3], begun, end))
    return found


def effects(log: Iterable[Row]) -> list[Done]:
    """Pure. Rows as in `LOG`, in their order."""
    return [
        Done(key or "", run, token or "", at, xid or "", state or "")
        for what, run, token, _worker, _queue, key, state, xid, at in log
        if what == "done"
    ]


def journal(path: Path) -> Journal:
    """The client's own lines; see project.chaos.load."""
    acknowledged: dict[str, str] = {}
    void, in_order = set(), set()
    for line in path.read_text().splitlines() if path.exists() else ():
        entry = json.loads(line)
        if entry["what"] == "acknowledged":
            acknowledged |= dict(zip(entry["keys"], entry["ids"], strict=True))
        elif entry["what"] == "begun" and entry["way"] in ("ordered", "rolled_back"):
            in_order.update(entry["keys"])
            if entry["way"] == "rolled_back":
                void.update(entry["keys"])
    return Journal(acknowledged, frozenset(void), frozenset(in_order))
