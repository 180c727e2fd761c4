"""`manage.py rqworker [queue …]`: work on every queue, in their order of priority, or on those named."""

from __future__ import annotations

import os
import socket
import sys
import time
from argparse import ArgumentParser
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError
from django.db import connection as connection_of_database

from queues import catalogue
from queues.engine import webhook_tend
from queues.engine.adaptive import Limits
from queues.engine.broker import connection
from queues.engine.children import ChildRules
from queues.engine.rules import Rules
from queues.engine.tend import Tick
from queues.engine.worker import LedgerWorker
from queues.errors import UnknownQueue
from queues.ledger import error_rules, seals
from queues.timetable import fires
from queues.watch import alerts, allowed, health, lines, pools, timings


class Command(BaseCommand):
    help = (
        "Works on the given queues (all of them without arguments), until stopped. SIGTERM and Ctrl-C finish what runs."
    )

    # Not those of addresses and pages: they would load both, a fifth of a worker's memory, for nothing.
    requires_system_checks = ["queues", Tags.models, Tags.database, Tags.caches]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("queues", nargs="*", metavar="queue", help=f"any of: {', '.join(catalogue.NAMES)}")
        parser.add_argument("--burst", action="store_true", help="stop when nothing is due any more")
        parser.add_argument("--with-scheduler", action="store_true", help="fire schedules too (any number may)")
        parser.add_argument("--name", help="the worker's name; host and process id by default")
        parser.add_argument("--slots", type=int, default=settings.WORKER_CONCURRENCY, help="runs at once (%(default)s)")
        parser.add_argument(
            "--grace", type=float, default=settings.WORKER_GRACE_S, help="seconds to finish in (%(default)s)"
        )
        parser.add_argument("--log-jobs", action="store_true", help="a line in the log for each run that ends")
        parser.add_argument("--max-jobs", type=int, help="stop after so many runs")
        parser.add_argument("--max-idle-time", type=int, help="stop after so many idle seconds")
        parser.add_argument("--pid", help="a file to write the process id into")
        for ours, why in (
            ("--serializer", "JSON only"),
            ("--worker-class", "one class"),
            ("--queue-class", ""),
            ("--job-class", ""),
        ):
            parser.add_argument(ours, help=f"accepted for django-rq's sake and not used{': ' + why if why else ''}")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            names = list(dict.fromkeys(catalogue.canonical(name) for name in options["queues"])) or list(
                catalogue.NAMES
            )
        except UnknownQueue as error:
            raise CommandError(str(error)) from None
        if options["slots"] < 1:
            raise CommandError("--slots must be at least 1.")
        if connection_of_database.vendor == "postgresql":
            from queues.engine.pool import make_room  # needs psycopg, which SQLite does not

            make_room(options["slots"])
        if options["pid"]:
            Path(options["pid"]).expanduser().write_text(str(os.getpid()))
        name = options["name"] or f"{socket.gethostname()}.{os.getpid()}"
        finished, durations, limits = health.NetHealth(), timings.Timings(), Limits()
        ticks = [
            Tick("health samples", 5.0, health.tick),
            Tick("health records", 1.0, finished.flush),
            Tick("alerts", alerts.EVERY_S, alerts.tick),
            Tick("error rules", error_rules.EVERY_S, error_rules.refresh),
            Tick("allowed", allowed.EVERY_S, allowed.Teller(name, lambda: limits.told(time.monotonic())).tick),
        ]
        ticks.append(Tick("connections", pools.EVERY_S, pools.Keeper(name, ("queue", "metrics")).tick))
        ticks.append(Tick("webhooks", webhook_tend.EVERY_S, webhook_tend.tick))
        ticks.append(Tick("audit seals", seals.EVERY_S, seals.tick))
        if options["with_scheduler"]:
            ticks.append(Tick("schedules", 0.25, fires.tick))
        worker = LedgerWorker(
            names,
            name=name,
            connection=connection("queue"),
            serializer="json",
        )
        worker.rules = Rules(
            queues=names,
            slots=options["slots"],
            lease_s=settings.WORKER_LEASE_S,
            grace_s=options["grace"],
            children=ChildRules(max_runs=settings.WORKER_CHILD_MAX_JOBS),
            ticks=ticks,
            observers=[finished.add, durations.add, *([lines.tell] if options["log_jobs"] else [])],
            adaptive=limits,
        )
        worker.work(burst=options["burst"], max_jobs=options["max_jobs"], max_idle_time=options["max_idle_time"])
        durations.close()
        with suppress(DatabaseError, InterfaceError):  # the last second's counters, where the database is away
            finished.flush()
        sys.stdout.flush()
