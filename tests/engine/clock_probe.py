"""A process of its own whose wall clock may lie: it does what workers and schedulers do, and prints what it saw as JSON.

Between its two rounds it writes the file by which libfaketime sets its clock: from an hour ahead to an hour behind.
"""

from __future__ import annotations

import json
import select
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import connection

from queues import registry
from queues.contract import Actor, RunRequest
from queues.ledger import clock, runs
from queues.models import JobDefinition, Schedule
from queues.timetable import fires, schedules

JOB, SOON, LATER = "tests.probe", timedelta(seconds=2), timedelta(minutes=30)
ACTOR = Actor.system("probe")


def seen_round() -> dict[str, Any]:
    """Runs and a schedule that fall due soon and in half an hour: what is promoted and fired after a moment?"""
    now = clock.now()
    ids = {
        name: runs.new_run(RunRequest(job=JOB, params={}, actor=ACTOR, at=at))
        for name, at in (("now", None), ("soon", now + SOON), ("later", now + LATER))
    }
    runs.create(list(ids.values()))
    definition = JobDefinition.objects.create(name=f"Probe {now}", job=JOB)
    for name, after in (("soon", SOON), ("later", LATER)):
        row = Schedule(name=f"{name} {now}", definition=definition, kind="once", run_at=now + after)
        schedules.save_schedule(row, actor=ACTOR)
    while clock.now() < now + SOON:
        select.select([], [], [], 0.1)  # time.sleep does not work under libfaketime
    promoted = {run_id for _, run_id in runs.promote()}
    fired = len(fires.tick())
    return {
        "host_s": time.time(),
        "clock_s": clock.now().timestamp(),
        "database_s": database_s(),
        "created_s": ids["now"].created_at.timestamp(),
        "promoted": [name for name, run in ids.items() if run.id in promoted],
        "fired": fired,
    }


def database_s() -> float:
    """The database's clock; on SQLite there is none but the host's."""
    if connection.vendor != "postgresql":
        return time.time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        return float(cursor.fetchone()[0])


def main(wrong: str) -> None:
    registry.spec(JOB, queue="maintenance", params=registry.NoParams)
    rounds = [seen_round()]
    Path(wrong).write_text("-1h\n")
    rounds.append(seen_round())
    sys.stdout.write(json.dumps(rounds))
