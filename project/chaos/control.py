"""The control: the same plan on stock RQ, used as its users would. A chaos run that cannot fail proves nothing.

The only file of the chaos runs that knows RQ.
"""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, connections, transaction
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Retry, Worker
from rq.registry import DeferredJobRegistry, ScheduledJobRegistry, StartedJobRegistry

from project.chaos import load, plan, reading, report, roles
from project.chaos.facts import Journal, Ran, Record
from project.chaos.fleet import Fleet
from project.chaos.orders import QUEUES, Ask
from project.chaos.stage import Stage, tell
from project.chaos.storm import Storm
from project.chaos.verdict import judge

OF_KIND = {"report": "reports", "document": "reports", "invoice": "billing", "keyed": "route-optimization"}
NOTHING_NEW_S = 20.0  # after so long without an effect nobody waits any longer
END_WITHIN_S = 90.0


def do(key: str, work_s: float) -> None:
    """The job: it takes its time, and leaves one row."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO chaos_log (what, key) VALUES ('started', %s)", [key])
        time.sleep(work_s)
        cursor.execute("INSERT INTO chaos_done (key, run) VALUES (%s, %s)", [key, key])
    connection.close()


def worker(*, queues: Sequence[str], at: dict[str, Any] | None = None) -> None:
    """Stock: a fork for each job, and RQ's own scheduler for what comes later."""
    roles.aim(**at or {})
    _unpooled()
    client = _redis()
    Worker([Queue(name, connection=client) for name in queues], connection=client, name=uuid4().hex).work(
        with_scheduler=True, logging_level="WARNING"
    )


def client(*, at: dict[str, Any] | None = None, **options: Any) -> None:
    _unpooled()
    load.run(place=place, **options)


def place(ask: Ask) -> list[str]:
    """As its users ask: after the commit, with retries. Raises RolledBack, RedisError, DatabaseError."""
    queue = Queue(OF_KIND[ask.kind], connection=_redis())
    if ask.way == "many":
        data = [Queue.prepare_data(do, (key, ask.work_s), job_id=key, retry=Retry(max=3)) for key in ask.keys]
        return [job.id for job in queue.enqueue_many(data)]
    (key,) = ask.keys
    options: dict[str, Any] = {"job_id": key, "retry": Retry(max=3)}
    if ask.way == "later":
        return [queue.enqueue_in(timedelta(seconds=ask.delay_s), do, key, ask.work_s, **options).id]
    if ask.way == "alone":
        return [queue.enqueue(do, key, ask.work_s, **options).id]
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO chaos_order (key) VALUES (%s)", [key])
        transaction.on_commit(lambda: queue.enqueue(do, key, ask.work_s, **options))
        if ask.way == "rolled_back":
            raise load.RolledBack
    return [key]


def main(stage: Stage, options: Namespace) -> int:
    """Returns 0 if nothing was lost or doubled, which would be a surprise. The last line is the JSON object."""
    stage.begin({"worker": worker, "client": client}, plan.PROXIED)
    acts = plan.plan(options.seed, options.jobs, options.database, options.lease)
    fleet, journal, began = Fleet(stage.mother), stage.folder / "journal.jsonl", time.monotonic()
    helpings = [(helping.at_s, helping.count) for helping in plan.helpings(acts, options.jobs)]
    asked = {
        "journal": str(journal),
        "began": time.time(),
        "seed": options.seed,
        "jobs": options.jobs,
        "helpings": helpings,
    }
    fleet.add("client-0", "client", lambda name: asked)
    for number in range(plan.WORKERS):
        where = stage.at(f"worker-{number}")
        fleet.add(f"worker-{number}", "worker", lambda name, where=where: {"queues": QUEUES, "at": where})  # type: ignore[misc]
    for post in [f"scheduler-{n}" for n in range(plan.SCHEDULERS)] + [
        f"reconciler-{n}" for n in range(plan.RECONCILERS)
    ]:
        fleet.add(post, "worker", lambda name: {"queues": ["nothing"]})
    end = Waiting(fleet, plan.length_s(options.jobs))
    storm = Storm(
        fleet, stage.servers, stage.proxy, lambda line: tell(f"{line} · {end.count()} of {options.jobs:,} done")
    )
    storm.load(acts)
    storm.run(end.come, plan.length_s(options.jobs) + END_WITHIN_S)
    left = left_in_redis(stage.servers.redis.url)
    stage.mother.end_all(5.0)
    record = read(reading.journal(journal))
    verdict = judge(record, Journal(), {})
    verdict.outside = []  # there are no leases
    figures = {
        "engine": "plain-rq", "database": options.database, "still_in_redis": left, "exits": dict(fleet.exits),
        "took_s": round(time.monotonic() - began, 1),
    }  # fmt: skip
    report.show(verdict)
    return report.conclude(report.answer(verdict, record, [], [], dict(storm.kills), options.seed, figures), verdict)


class Waiting:
    """Over when every acknowledged job has its row, or none has come for a while."""

    def __init__(self, fleet: Fleet, load_s: float) -> None:
        self.fleet, self.load_s = fleet, load_s
        self.done, self._asked, self._since = 0, 0.0, 0.0

    def come(self, passed: float) -> bool:
        if passed - self._asked < 0.5:
            return False
        self._asked, before = passed, self.done
        if self.count() > before:
            self._since = passed
        return passed > self.load_s and passed - self._since > NOTHING_NEW_S

    def count(self) -> int:
        """How many jobs have left their row, by the last look that was possible."""
        try:
            self.done = len(_keys("SELECT DISTINCT key FROM chaos_done"))
        except (DatabaseError, InterfaceError):
            connections.close_all()
        return self.done


def read(journal: Journal) -> Record:
    """The acknowledged jobs as runs, and the rows they left."""
    with connection.cursor() as cursor:
        cursor.execute(reading.LOG)
        done = reading.effects(cursor.fetchall())
    starts = _keys("SELECT key FROM chaos_log WHERE what = 'started'")
    has_row = {effect.key for effect in done}
    often = {key for key in starts if starts.count(key) > 1} if len(starts) > len(set(starts)) else set()
    runs = [
        Ran(run_id, key, "do", "succeeded" if key in has_row else "gone", attempt=2 if key in often else 1)
        for key, run_id in journal.acknowledged.items()
    ]
    return Record(runs=runs, done=done)


def left_in_redis(url: str) -> int:
    """Jobs that RQ still knows of: waiting, scheduled for later, or taken by a worker that is gone."""
    try:
        queues = [Queue(name, connection=Redis.from_url(url)) for name in QUEUES]
        kinds = (StartedJobRegistry, ScheduledJobRegistry, DeferredJobRegistry)
        return sum(
            queue.count + sum(kind(queue=queue).get_job_count(cleanup=False) for kind in kinds) for queue in queues
        )
    except (RedisError, OSError):
        return 0


def _keys(sql: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return [key for (key,) in cursor.fetchall()]


def _redis() -> Redis:
    return Redis.from_url(settings.REDIS["queue"]["url"])


def _unpooled() -> None:
    connections.settings["default"]["OPTIONS"].pop("pool", None)
