"""What the forked processes do. Each is what production runs; `aim` points it at its servers first."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connections

from project.chaos.bank import BOOKS
from project.chaos.snares import BATCH, Snares


def aim(
    *, database: dict[str, Any] | None = None, redis_url: str = "", lease_s: float = 0.0, books: str = "", snares: str = "",
    pace_s: float = 0.0,
) -> None:  # fmt: skip
    """Before the first connection: other ports (through the proxy), another database, another lease, another bank; which snares it walks into,
    and how slowly."""
    os.environ[BOOKS] = books
    connections.settings["default"].update(database or {})
    if redis_url:
        for options in settings.REDIS.values():
            options["url"] = redis_url
    if lease_s:
        from queues.ledger import outbox

        settings.WORKER_LEASE_S = lease_s
        outbox.START_WITHIN_S = min(outbox.START_WITHIN_S, lease_s)  # so long nobody else believes a call unsent
    if snares:
        from billing.services import finalise

        finalise.BATCH = BATCH
        Snares(Path(snares)).watch(pace_s)


def arm(point: str, arrival: int = 1) -> None:
    """This process dies at that failpoint."""
    if point:
        from queues import failpoints

        failpoints.arm(point, arrival)


def worker(
    *,
    name: str,
    queues: Sequence[str],
    slots: int = 3,
    grace_s: float = 10.0,
    at: dict[str, Any] | None = None,
    point: str = "",
) -> None:
    """`manage.py rqworker`."""
    aim(**at or {})
    arm(point)
    call_command("rqworker", *queues, name=name, slots=slots, grace=grace_s)


def scheduler(*, at: dict[str, Any] | None = None, point: str = "") -> None:
    """`manage.py scheduler`."""
    aim(**at or {})
    arm(point)
    call_command("scheduler")


def reconciler(*, queues: Sequence[str], at: dict[str, Any] | None = None, point: str = "") -> None:
    """What a worker does beside running jobs, alone: promote, reconcile, rescue."""
    from queues.engine import release
    from queues.engine.tend import Tender

    aim(**at or {})
    arm(point)
    tender = Tender(queues, release.window(), settings.WORKER_LEASE_S)
    signal.signal(signal.SIGTERM, lambda *_: tender.stop())
    tender.thread.start()
    while tender.thread.is_alive():
        tender.thread.join(0.2)


def client(*, at: dict[str, Any] | None = None, **options: Any) -> None:
    """Asks for jobs."""
    from project.chaos import load

    aim(**at or {})
    load.run(place=load.place, **options)


def quick_worker(
    *, name: str, queues: Sequence[str], slots: int = 3, fires_too: bool = False, at: dict[str, Any], point: str = ""
) -> None:
    """A worker with a short lease: its heart beats five times a second."""
    from queues.engine.broker import connection
    from queues.engine.rules import Rules
    from queues.engine.tend import Tick
    from queues.engine.worker import LedgerWorker
    from queues.timetable import fires

    aim(**at)
    arm(point)
    quick = LedgerWorker(list(queues), name=name, connection=connection("queue"), serializer="json")
    ticks = [Tick("schedules", 0.25, fires.tick)] if fires_too else []
    quick.rules = Rules(
        queues=queues, slots=slots, lease_s=settings.WORKER_LEASE_S, heartbeat_s=0.2, grace_s=5.0, ticks=ticks
    )
    quick.work()


def asker(*, ask: dict[str, Any], at: dict[str, Any], point: str = "") -> None:
    """Asks for jobs once."""
    from project.chaos.load import place
    from project.chaos.orders import Ask

    aim(**at)
    arm(point)
    place(Ask(**ask))
